/// @file deployment_plan.hpp
/// The arithmetic and the status of rollouts: how large each ReplicaSet of a Deployment should be, and what conditions say.
/// Pure. Source: behaviour of kube-controller-manager v1.32 as recorded in golden/behaviours.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace annotations {
inline const std::string revision = "deployment.kubernetes.io/revision";
inline const std::string revision_history = "deployment.kubernetes.io/revision-history";
inline const std::string desired_replicas = "deployment.kubernetes.io/desired-replicas";
inline const std::string max_replicas = "deployment.kubernetes.io/max-replicas";
}  // namespace annotations
inline const std::string template_hash_label = "pod-template-hash";

using ReplicaSets = std::vector<ObjectPointer>;

/// One change of one ReplicaSet's size.
struct Scale {
  ObjectPointer replica_set;
  std::int64_t replicas = 0;
};

std::int64_t replicas_of(const Json& object);            ///< spec.replicas, 1 where absent
std::int64_t max_surge(const Json& deployment);          ///< 0 unless RollingUpdate
std::int64_t max_unavailable(const Json& deployment);    ///< 0 unless RollingUpdate; never above replicas
bool is_recreate(const Json& deployment);
bool has_progress_deadline(const Json& deployment);
std::int64_t revision_of(const Json& object);

/// The oldest ReplicaSet with this template (pod-template-hash put aside), or null.
ObjectPointer find_new_replica_set(const Json& deployment, const ReplicaSets& replica_sets);
/// All but the new one.
ReplicaSets old_replica_sets(const ReplicaSets& replica_sets, const ObjectPointer& new_one);
/// The size the new ReplicaSet may have now, never above what surge allows.
std::int64_t new_replica_set_size(const Json& deployment, const ReplicaSets& all, const Json& new_one);
/// First unhealthy replicas of old sets, then healthy ones, as far as maxUnavailable allows. `new_one` may be null.
std::vector<Scale> scale_down_old(const Json& deployment, const ReplicaSets& old, const ObjectPointer& new_one);
/// After spec.replicas changed (or while paused): proportional among active sets, or all to the single active one.
std::vector<Scale> scale_proportionally(const Json& deployment, const ReplicaSets& old, const ObjectPointer& new_one);
/// Whether some active set was sized for another spec.replicas.
bool is_scaling_event(const Json& deployment, const ReplicaSets& all);
/// Old sets beyond revisionHistoryLimit, oldest first, that are empty and settled.
ReplicaSets to_clean_up(const Json& deployment, const ReplicaSets& old);

/// Copies what a ReplicaSet inherits and sets its revision. Returns whether anything changed.
bool set_new_replica_set_annotations(const Json& deployment, Json& replica_set, std::int64_t revision, bool exists);
bool set_replicas_annotations(Json& replica_set, std::int64_t desired, std::int64_t max);

/// As client-go's SetDeploymentCondition: a changed condition goes to the end; same status and reason change nothing.
void set_deployment_condition(Json& status, const std::string& type, const std::string& status_text, const std::string& reason,
                              const std::string& message, WallTime now);
void remove_condition(Json& status, const std::string& type);
/// Counts and the condition Available.
Json deployment_status(const Json& deployment, const ReplicaSets& all, const ObjectPointer& new_one, WallTime now);
bool is_complete(const Json& deployment, const Json& status);
/// deployment_status() with Progressing and ReplicaFailure judged.
Json rollout_status(const Json& deployment, const ReplicaSets& all, const ObjectPointer& new_one, WallTime now);
/// When the deadline should be looked at again, if the rollout is waiting for it.
std::optional<WallTime> deadline_check_at(const Json& deployment, const Json& status, WallTime now);

}  // namespace skidpad::fakes::kube_controller_manager

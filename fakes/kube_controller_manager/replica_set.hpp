/// @file replica_set.hpp
/// Keeps as many active pods as a ReplicaSet asks for.
/// Promise: a pod that fails, is deleted or loses its label is replaced at once; nothing is created or deleted while earlier
/// creations and deletions have not been seen.
#pragma once

#include "fakes/kube_controller_manager/pod_control.hpp"

namespace skidpad::fakes::kube_controller_manager {

struct ReplicaSetPlan {
  std::int64_t create_count = 0;
  std::vector<ObjectPointer> remove;
};

/// Pure. @param active  pods it controls that are neither finished nor being deleted
/// @param related_per_node  active pods of all ReplicaSets of the same owner, by node
ReplicaSetPlan plan_replica_set(const Json& replica_set, std::vector<ObjectPointer> active,
                                const std::map<std::string, std::int64_t>& related_per_node);

/// status as it should be; `failure` is the message of the condition ReplicaFailure, or "".
/// @param available_at  set to when the next young ready pod counts as available
Json replica_set_status(const Json& replica_set, const std::vector<ObjectPointer>& active, std::string_view failure_reason,
                        const std::string& failure, WallTime now, std::optional<WallTime>* available_at);

class ReplicaSetController final : public QueueController {
 public:
  explicit ReplicaSetController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Task<Result<void>> manage(ObjectPointer replica_set, std::vector<ObjectPointer> active);
  void pod_added(const Json& pod);
  void pod_updated(const Json& before, const Json& now);
  void pod_deleted(const Json& pod);
  ObjectPointer owner_of(const Json& pod) const;
  void enqueue_matching(const Json& pod);

  Informer& replica_sets_;
  Informer& pods_;
  Expectations expectations_;
  PodControl pod_control_;
};

}  // namespace skidpad::fakes::kube_controller_manager

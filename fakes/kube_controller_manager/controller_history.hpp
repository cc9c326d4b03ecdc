/// @file controller_history.hpp
/// ControllerRevisions: the templates a DaemonSet or StatefulSet has had, numbered.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

inline const std::string controller_revision_hash_label = "controller-revision-hash";

/// The patch stored as a revision's data: {"spec": {"template": {..., "$patch": "replace"}}}.
Json revision_data(const Json& owner);
std::string revision_hash(const Json& owner, std::int64_t collision_count);

struct History {
  ObjectPointer current;               ///< the revision of the owner's template as it is now
  std::vector<ObjectPointer> all;      ///< by revision number, current included
};

/// Finds, renumbers or creates the current revision. The owner's labels in its template become the revision's labels.
Task<Result<History>> sync_history(client::KubernetesClient& client, ResourceType owner_type, ObjectPointer owner,
                                   std::vector<ObjectPointer> revisions);
/// Deletes the oldest revisions beyond spec.revisionHistoryLimit that are not in `live` (hash label values).
Task<Result<void>> trim_history(client::KubernetesClient& client, ObjectPointer owner, History history, std::set<std::string> live);
std::string hash_of(const Json& revision);

}  // namespace skidpad::fakes::kube_controller_manager

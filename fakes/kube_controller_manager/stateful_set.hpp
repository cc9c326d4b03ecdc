/// @file stateful_set.hpp
/// Pods with numbers: started in order, updated and removed from the highest down, one at a time unless management is Parallel.
/// Promise: a name is created again only after its former pod is gone.
#pragma once

#include "fakes/kube_controller_manager/controller_history.hpp"

namespace skidpad::fakes::kube_controller_manager {

/// The one thing to do next, or several with Parallel management.
struct StatefulStep {
  enum class Kind { create, remove, recreate_failed };
  Kind kind = Kind::create;
  std::int64_t ordinal = 0;
  bool at_current_revision = false;   ///< for create: below the partition
  ObjectPointer pod;                  ///< for removals
};
/// Pure. @param update_hash  name of the revision that pods should have
std::vector<StatefulStep> plan_stateful_set(const Json& stateful_set, const std::map<std::int64_t, ObjectPointer>& pods,
                                            const std::string& update_hash, WallTime now);
/// The pod of an ordinal from a template.
Json stateful_pod(const Json& stateful_set, const Json& pod_template, std::int64_t ordinal, const std::string& revision_name);
/// "db-3" -> 3 for the set db; -1 for anything else.
std::int64_t ordinal_of(const Json& stateful_set, const Json& pod);
Json stateful_set_status(const Json& stateful_set, const std::map<std::int64_t, ObjectPointer>& pods, const std::string& current_revision,
                         const std::string& update_revision, WallTime now);

class StatefulSetController final : public QueueController {
 public:
  explicit StatefulSetController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Task<Result<void>> carry_out(ObjectPointer set, StatefulStep step, History history, std::string current_revision);
  Task<Result<void>> create_claims(ObjectPointer set, std::int64_t ordinal);
  Task<Result<void>> own_claims(ObjectPointer set, std::map<std::int64_t, ObjectPointer> pods);
  void enqueue_owner(const Json& pod);

  Informer& stateful_sets_;
  Informer& revisions_;
  Informer& pods_;
  Informer& claims_;
};

}  // namespace skidpad::fakes::kube_controller_manager

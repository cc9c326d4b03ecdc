/// @file pod_garbage.hpp
/// Removes pods nobody else will: on nodes that are gone, finished beyond a threshold, deleted before they had a node.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

/// The oldest finished pods above the threshold.
std::vector<ObjectPointer> terminated_above(const std::vector<ObjectPointer>& pods, std::int64_t threshold);

class PodGarbageCollector final : public Controller {
 public:
  explicit PodGarbageCollector(Surroundings& surroundings);
  void start(runtime::TaskGroup& group) override;

 private:
  Task<void> run();
  Task<void> sweep();
  /// Nodes that pods name, that are not there, and have not been for the whole quarantine.
  Task<std::set<std::string>> nodes_gone_for_good(std::vector<ObjectPointer> pods);
  Task<void> remove(ObjectPointer pod, std::string disruption_message);

  Surroundings& surroundings_;
  Runtime& runtime_;
  Informer& pods_;
  Informer& nodes_;
  std::map<std::string, runtime::Instant> quarantine_;   ///< node name -> first missed
};

}  // namespace skidpad::fakes::kube_controller_manager

/// @file taint_eviction.hpp
/// Deletes pods from nodes with NoExecute taints they do not tolerate, after the time they do tolerate them.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

/// How long a pod may stay on a node: never to be evicted (nothing), or after so long (0 = now).
std::optional<Duration> tolerated_time(const Json& pod, const Json& node);

class TaintEvictionController final : public QueueController {
 public:
  explicit TaintEvictionController(Surroundings& surroundings);

 private:
  /// The key is a pod's.
  Task<Result<void>> reconcile(std::string key) override;
  Task<Result<void>> evict(ObjectPointer pod);

  Informer& nodes_;
  Informer& pods_;
  struct Scheduled {
    std::string uid;
    runtime::Instant began{};   ///< when the taint was first seen on this pod's node
  };
  std::map<std::string, Scheduled> scheduled_;
};

}  // namespace skidpad::fakes::kube_controller_manager

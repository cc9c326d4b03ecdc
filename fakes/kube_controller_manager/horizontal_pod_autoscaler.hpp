/// @file horizontal_pod_autoscaler.hpp
/// HorizontalPodAutoscalers: every 15 s asks the metrics API what the pods use and sets the target's scale.
/// Promise: conditions AbleToScale, ScalingActive and ScalingLimited, events and status say what the real controller would.
#pragma once

#include "fakes/kube_controller_manager/autoscaling_plan.hpp"

namespace skidpad::fakes::kube_controller_manager {

class HorizontalPodAutoscalerController final : public QueueController {
 public:
  explicit HorizontalPodAutoscalerController(Surroundings& surroundings);

 private:
  struct Look;
  Task<Result<void>> reconcile(std::string key) override;
  /// One look at one autoscaler; what it found is in the status.
  Task<void> look(Look& look);
  Task<bool> find_scale(Look& look);
  /// The largest proposal of the metrics; none where it has to be left as it is.
  Task<std::optional<std::int64_t>> compute(Look& look, std::string& metric_name);
  Task<Result<PodUsages>> usages(std::string namespace_name, std::string selector, std::string resource, std::string container);
  Task<void> rescale(Look& look, std::int64_t replicas, std::string reason);
  void warn(const Look& look, const std::string& reason, const std::string& message);

  Informer& autoscalers_;
  Informer& pods_;
  AutoscalingTimes times_;
  std::map<std::string, AutoscalerMemory> memories_;
};

}  // namespace skidpad::fakes::kube_controller_manager

/// @file autoscaling_plan.hpp
/// How many replicas a HorizontalPodAutoscaler wants, from what its pods use: pure functions.
/// Source of rules, reasons and messages: kube-controller-manager v1.32, pkg/controller/podautoscaler.
/// Metrics of type Resource and ContainerResource; without adapters no cluster has the other types.
#pragma once

#include <deque>

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

struct AutoscalingTimes {
  Duration cpu_initialization_period = std::chrono::minutes(5);
  Duration initial_readiness_delay = std::chrono::seconds(30);
  Duration downscale_stabilization = std::chrono::minutes(5);
  double tolerance = 0.1;
};

/// What the metrics API said of one pod, summed over its containers (or of the container asked for).
struct PodUsage {
  std::int64_t milli = 0;   ///< thousandths of a CPU, or of a byte
  WallTime measured_at{};
  Duration window{};
};
using PodUsages = std::map<std::string, PodUsage>;   ///< by pod name

/// The answer of the metrics API for a resource. Pods that lack the container or the resource are left out.
PodUsages read_usages(const Json& pod_metrics_list, const std::string& resource, const std::string& container);

/// What one metric asks for.
struct MetricProposal {
  std::int64_t replicas = 0;
  std::string name;          ///< "cpu resource utilization (percentage of request)"
  Json status;               ///< its entry of status.currentMetrics
};

/// `invalid` with the real one's message where nothing can be said.
Result<MetricProposal> propose(const Json& metric, std::int64_t current_replicas, const std::vector<ObjectPointer>& pods, PodUsages usages,
                               const AutoscalingTimes& times, WallTime now);

/// What the controller remembers of one autoscaler between its looks.
struct AutoscalerMemory {
  struct Recommendation {
    std::int64_t replicas;
    WallTime at;
  };
  struct ScaleEvent {
    std::int64_t change;     ///< > 0
    WallTime at;
  };
  std::vector<Recommendation> recommendations;
  std::vector<ScaleEvent> ups;
  std::vector<ScaleEvent> downs;
};

struct BoundedSize {
  std::int64_t replicas = 0;
  std::string able_reason;      ///< of AbleToScale
  std::string able_message;
  bool limited = false;         ///< of ScalingLimited
  std::string limited_reason;
  std::string limited_message;
};

/// Stabilises a recommendation and holds it within the limits of the object; remembers it.
BoundedSize bound_size(const Json& autoscaler, std::int64_t current, std::int64_t recommended, const AutoscalingTimes& times, AutoscalerMemory& memory,
                       WallTime now);
void remember_scaling(AutoscalerMemory& memory, std::int64_t before, std::int64_t after, WallTime now);

}  // namespace skidpad::fakes::kube_controller_manager

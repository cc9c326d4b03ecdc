/// @file node_health.hpp
/// What silence of kubelets means: health of one node, of a zone, and how fast nodes may be evicted then.
/// Pure, besides remembered observations. Source: behaviour of the node lifecycle controller v1.32.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

inline const std::string taint_not_ready = "node.kubernetes.io/not-ready";
inline const std::string taint_unreachable = "node.kubernetes.io/unreachable";
inline const std::string taint_unschedulable = "node.kubernetes.io/unschedulable";

/// What we saw of a node's signs of life, by our own clock.
struct NodeObservation {
  runtime::Instant alive_at{};          ///< last time heartbeat or Lease moved
  std::string heartbeat;                ///< lastHeartbeatTime of Ready
  std::string ready_status;
  std::string renewed;                  ///< renewTime of the Lease
};

struct NodeHealth {
  std::string ready_before;             ///< status of Ready as the object has it ("Unknown" where there is none)
  std::string ready_now;                ///< as judged
  Json conditions;                      ///< the conditions to write, or null when nothing changes
};

/// Updates `observation` from the node and its Lease (null if none) and judges.
NodeHealth judge_node(const Json& node, const Json* node_lease, NodeObservation& observation, bool first_seen, const Settings& settings,
                      runtime::Instant now, WallTime wall);

/// Taints with effect NoSchedule that conditions and spec.unschedulable ask for; other taints are not in the answer.
std::vector<std::string> wanted_no_schedule_taints(const Json& node);
/// The node's taints with the managed NoSchedule ones set to `wanted`; null when nothing changes.
Json taints_with_no_schedule(const Json& node, const std::vector<std::string>& wanted, WallTime now);
/// The node's taints with exactly this NoExecute taint of the two kept ("" = neither); null when nothing changes.
Json taints_with_no_execute(const Json& node, const std::string& wanted, WallTime now);

enum class ZoneState { initial, normal, partial_disruption, full_disruption };
struct ZoneCount {
  std::size_t ready = 0;
  std::size_t not_ready = 0;
};
ZoneState zone_state(const ZoneCount& count, double unhealthy_threshold);
/// Nodes a second that may be tainted in a zone of this state and size.
double eviction_rate(ZoneState state, std::size_t node_count, const Settings& settings);
std::string zone_of(const Json& node);

}  // namespace skidpad::fakes::kube_controller_manager

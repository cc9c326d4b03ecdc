/// @file scores.hpp
/// Which of the nodes that fit is best for a pod: the default plugins with their default weights.
/// Pure. Not modelled: image locality.
#pragma once

#include "fakes/kube_scheduler/cluster_state.hpp"

namespace skidpad::fakes::kube_scheduler {

/// Whether pods are alike for the default spreading: pods of one controller, or of one service (by its selectors).
struct SpreadPeers {
  /// Selectors of services in the pod's namespace that select it.
  std::vector<client::Selector> service_selectors;
};

/// One total per node, same order; higher is better.
std::vector<std::int64_t> score_nodes(const PodFacts& pod, const std::vector<const NodeFacts*>& nodes, const ClusterState& cluster,
                                      const SpreadPeers& peers);

}  // namespace skidpad::fakes::kube_scheduler

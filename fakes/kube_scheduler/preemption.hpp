/// @file preemption.hpp
/// Which pods of lower priority would have to go so that a pod fits.
/// Pure. Simpler than the real one: victims are judged by resources and ports (not affinity), budgets by their allowance now.
#pragma once

#include "fakes/kube_scheduler/filters.hpp"

namespace skidpad::fakes::kube_scheduler {

struct PreemptionPlan {
  std::string node;                        ///< "" when nothing can be done
  std::vector<PodFactsPointer> victims;
  std::string message;                     ///< "0/3 nodes are available: ..." when nothing can be done
};

/// What refused the pod on one node.
using Refusals = std::map<std::string, Refusal>;

PreemptionPlan plan_preemption(const PodFacts& pod, const ClusterState& cluster, const Refusals& refusals);

/// "0/3 nodes are available: 1 A, 2 B." with reasons sorted as the real one sorts them.
std::string describe_refusals(std::size_t node_count, const std::map<std::string, std::size_t>& count_by_reason);

}  // namespace skidpad::fakes::kube_scheduler

/// @file preemption.hpp
/// Which pods of lower priority would have to go so that a pod fits.
/// Pure. Budgets are judged by their allowance now.
#pragma once

#include "fakes/kube_scheduler/filters.hpp"

namespace skidpad::fakes::kube_scheduler {

struct PreemptionPlan {
  std::string node;                        ///< "" when nothing can be done
  std::vector<PodFactsPointer> victims;
  std::string message;                     ///< "0/3 nodes are available: ..." when nothing can be done
  bool keeps_nomination = false;           ///< it waits for victims of an earlier preemption
};

/// What refused the pod on one node.
using Refusals = std::map<std::string, Refusal>;

/// @param budgets  PodDisruptionBudgets: victims whose budget allows no disruption are taken only where nothing else helps
PreemptionPlan plan_preemption(const PodFacts& pod, const ClusterState& cluster, const Refusals& refusals, const NamespaceLabels& namespaces,
                               const std::vector<ObjectPointer>& budgets = {});

/// "0/3 nodes are available: 1 A, 2 B." with reasons sorted as the real one sorts them.
std::string describe_refusals(std::size_t node_count, const std::map<std::string, std::size_t>& count_by_reason);

}  // namespace skidpad::fakes::kube_scheduler

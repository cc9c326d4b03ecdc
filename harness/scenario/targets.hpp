/// @file targets.hpp
/// From a target by role to the machines it means at this moment.
#pragma once

#include "harness/cluster/cluster_plan.hpp"
#include "harness/fault/fault.hpp"
#include "harness/runtime/random.hpp"
#include "harness/scenario/scenario.hpp"

namespace skidpad::scenario {

/// What the choice depends on besides the plan.
struct Situation {
  std::vector<std::string> nodes_with_workload;
  std::optional<std::string> etcd_leader;
  std::vector<std::string> managed_etcd;             ///< nodes with a member of the etcd operator's cluster
  std::optional<std::string> managed_etcd_leader;
  std::string scheduler_leader;
  std::string controller_manager_leader;
  std::string node_healer_leader;
  std::string etcd_operator_leader;
  std::map<std::string, std::vector<std::string>> earlier;  ///< nodes of faults made before, by name
};

/// In plan order. Errors: not_found if nothing fits now (no leader known).
runtime::Result<std::vector<fault::TargetMachine>> resolve_target(const Target& target, const cluster::ClusterPlan& plan, const Situation& situation,
                                                                  runtime::Random& random);

}  // namespace skidpad::scenario

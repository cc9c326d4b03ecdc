/// @file prepare_fault.hpp
/// From a fault as a scenario words it to the fault that can be made.
#pragma once

#include "harness/cluster/cluster_maker.hpp"
#include "harness/fault/fault.hpp"
#include "harness/scenario/run_plan.hpp"

namespace skidpad::scenario {

/// @param targets  what the fault's target resolved to; their links to `others` are what a link fault breaks.
std::unique_ptr<fault::Fault> prepare_fault(const Fault& wanted, const std::string& id, const RunPlan& plan, const cluster::ClusterAssets& assets,
                                            const fault::Scene& scene, std::vector<fault::TargetMachine> targets, std::vector<fault::TargetMachine> others);

}  // namespace skidpad::scenario

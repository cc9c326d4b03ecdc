/// @file workload_objects.hpp
/// The Deployments and Services of a scenario's workload.
#pragma once

#include "harness/history/timers.hpp"
#include "harness/runtime/json.hpp"
#include "harness/scenario/scenario.hpp"

namespace skidpad::scenario {

/// The port every workload container listens on.
inline constexpr int workload_port = 8080;

/// In the order they are created.
std::vector<Json> workload_objects(const Workload& workload, const history::Timers& timers, const std::string& namespace_name);

}  // namespace skidpad::scenario

/// @file api_server_watch.hpp
/// Looks into the process tables of the control-plane machines for API servers, and records what changes (check/control_plane.hpp).
#pragma once

#include "harness/client/machines/machine_provider_client.hpp"
#include "harness/cluster/cluster_plan.hpp"
#include "harness/history/recorder.hpp"

namespace skidpad::scenario {

/// How many API servers serve each port: {"6443": 1}. A machine without power serves none.
runtime::Task<Json> api_server_ports(client::machines::MachineProviderClient& machines, std::string node);

/// Until stopped.
runtime::Task<void> watch_api_servers(runtime::Runtime& runtime, client::machines::MachineProviderClient& machines, const cluster::ClusterPlan& plan,
                                      history::Recorder& recorder, runtime::Instant start, runtime::Duration interval);

}  // namespace skidpad::scenario

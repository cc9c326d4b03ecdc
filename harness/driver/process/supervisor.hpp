/// @file supervisor.hpp
/// The one long-lived program of a cluster on this host: it holds the switch and the machines, and serves the machine provider's API.
/// Promise: when it ends, however it ends, every machine ends; at most empty cgroup directories stay, which sweep.hpp removes.
///
/// Hidden verb `skidpad supervisor`:
///   --state-dir=DIR         the cluster's own directory; everything is made below it
///   --run=NAME              names the run in process tags and cgroups ([a-z0-9-]); default: the directory's name
///   --isolation=auto|namespaces|loopback
///   --seed=N                of the links' faults
///   --forward=PORT=ADDRESS:PORT,...   repeatable; from the host's 127.0.0.1:PORT (0 = any) into the cluster
///   --provisioning-delay=2s, --machine-count-max=N   of the machine provider
///   --visible-path=DIR      stays visible to machines although it lies below /tmp; repeatable
///   --die-with-parent       SIGKILL when the thread that started it ends
/// It reads DIR/provider-token and DIR/admin-token, or makes them (mode 0600). It writes DIR/supervisor.json when it serves, and
/// removes it when it ends in good order (SIGTERM, SIGINT).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/driver/process/machine_boot.hpp"
#include "harness/runtime/network.hpp"

namespace skidpad::driver::process {

/// Returns the exit code: 0 after SIGTERM, 1 when it could not start, 64 for wrong flags.
int supervisor_main(std::vector<std::string> arguments);

/// DIR/supervisor.json.
struct SupervisorState {
  std::int64_t pid = 0;
  std::uint64_t start_time = 0;
  std::string run;
  Isolation isolation = Isolation::namespaces;
  runtime::Endpoint provider;               ///< inside the supervisor's network namespace
  std::string address_prefix;               ///< "10.240"
  std::vector<std::uint16_t> forward_ports; ///< on 127.0.0.1, in the order of the flags
  std::vector<std::string> limits;          ///< what this isolation cannot do
};
Json to_json(const SupervisorState& state);
Result<SupervisorState> read_supervisor_state(const std::string& state_directory);

struct SupervisorOptions {
  std::string executable = "/proc/self/exe";
  std::string state_directory;
  std::string run;
  std::string isolation = "auto";
  std::uint64_t seed = 1;
  std::vector<std::string> forwards;
  std::string provisioning_delay = "0s";
  std::vector<std::string> visible_paths;
  bool die_with_parent = false;  ///< false: it goes on in a session of its own (`skidpad up`)
};
/// Starts a supervisor and returns when it serves. The calling thread blocks, for at most `time_max`. Its messages go to
/// DIR/supervisor.log, whose end is part of the error.
Result<SupervisorState> start_supervisor(const SupervisorOptions& options, std::chrono::milliseconds time_max);
/// Enters the supervisor's network, where the provider and all machines can be reached: the calling thread, and threads and
/// processes it starts afterwards. Nothing happens in loopback isolation.
Result<void> join_cluster_network(const SupervisorState& state);

}  // namespace skidpad::driver::process

/// @file process_table.hpp
/// What runs on this host, read from /proc: the independent witness of process faults, and the last resort of cleaning up.
/// Promise: a process is named by pid and start time, so a later one with the same pid is never taken for it or signalled.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/driver/process/system_call.hpp"

namespace skidpad::driver::process {

struct HostProcess {
  std::int64_t host_pid = 0;
  std::int64_t parent_host_pid = 0;
  std::int64_t pid = 0;          ///< inside its innermost pid namespace
  std::uint64_t start_time = 0;  ///< field 22 of /proc/PID/stat
  char state = '?';              ///< R, S, D, T, Z ... as in /proc/PID/stat
  std::vector<std::string> argv;
};

/// Every process carries this variable with "<run>/<machine>", or "<run>/" for the supervisor's own.
inline constexpr const char* tag_variable = "SKIDPAD_MACHINE";

/// None if there is no such process.
std::optional<HostProcess> find_process(std::int64_t host_pid);
bool is_alive(std::int64_t host_pid, std::uint64_t start_time);
/// In pid order. Zombies of the namespace included.
std::vector<HostProcess> processes_in_namespace_of(std::int64_t init_host_pid);
/// Descendants of a process, and processes whose environment holds the tag (a prefix ending in '/' names a whole run).
std::vector<HostProcess> descendants_and_tagged(std::int64_t ancestor_host_pid, const std::string& tag);
/// not_found if it is gone.
Result<void> send_signal(const HostProcess& process, int signal);
/// SIGKILL until none of `list()` is left but zombies; false if some are still there when time is up.
bool kill_until_gone(const std::function<std::vector<HostProcess>()>& list, std::chrono::milliseconds time_max);

}  // namespace skidpad::driver::process

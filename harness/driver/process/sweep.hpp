/// @file sweep.hpp
/// Removes what a cluster left on this host, from its journal and from the names that things carry.
/// Promise: touches nothing of a supervisor that lives, unless told to stop it; safe to repeat; afterwards the report says what
/// was found, what was removed and what could not be.
#pragma once

#include <string>
#include <vector>

#include "harness/driver/process/system_call.hpp"

namespace skidpad::driver::process {

struct SweepReport {
  bool supervisor_alive = false;       ///< and left alone
  std::vector<std::string> removed;    ///< "process 123 etcd", "cgroup /sys/fs/..."
  std::vector<std::string> remaining;  ///< could not be removed, with the reason
};

enum class LivingSupervisor { leave, stop };

/// One cluster's leftovers. With `stop` a living supervisor gets SIGTERM, and SIGKILL after five seconds.
Result<SweepReport> sweep(const std::string& state_directory, LivingSupervisor living);
/// Leftovers of any dead supervisor of this host that are known by name alone (cgroups).
SweepReport sweep_abandoned();
/// What is still there of a cluster: processes and cgroups. Empty is the proof that a run left nothing behind.
Result<std::vector<std::string>> leftovers(const std::string& state_directory);

}  // namespace skidpad::driver::process

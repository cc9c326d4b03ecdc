/// @file capabilities.hpp
/// What this host can do for driver `process`, found by trying, and how to mend what is missing.
/// Promise: trying leaves nothing behind and takes a few milliseconds.
#pragma once

#include <string>
#include <vector>

#include "harness/driver/process/machine_boot.hpp"

namespace skidpad::driver::process {

struct Capability {
  std::string name;     ///< "namespaces", "tap", "cgroup"
  bool available = false;
  std::string reason;   ///< what was tried and what came back
  std::string mend;     ///< a command or an advice; "" if available
  std::string loses;    ///< what cannot be done without it
};

struct Capabilities {
  std::vector<Capability> all;
  bool has(std::string_view name) const;
  /// namespaces if everything it needs is there; else loopback.
  Isolation best_isolation() const;
  /// What the isolation cannot do, one line each, for reports and `not_applicable`.
  std::vector<std::string> limits(Isolation isolation) const;
};
Capabilities detect();

}  // namespace skidpad::driver::process

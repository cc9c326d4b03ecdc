/// @file runtime.hpp
/// All that a program sees of the world: clock, timers, random, network, disk, processes, certificates, log.
/// Promise: a program written against Runtime is the same code as a real process (harness/runtime/real) and as a simulated one
/// (harness/runtime/sim), where equal seeds give equal runs.
#pragma once

#include "harness/runtime/json.hpp"
#include "harness/runtime/disk.hpp"
#include "harness/runtime/log.hpp"
#include "harness/runtime/network.hpp"
#include "harness/runtime/pki.hpp"
#include "harness/runtime/process.hpp"
#include "harness/runtime/random.hpp"
#include "harness/runtime/result.hpp"
#include "harness/runtime/sync.hpp"
#include "harness/runtime/task.hpp"
#include "harness/runtime/task_group.hpp"
#include "harness/runtime/time.hpp"
#include "harness/runtime/timer_queue.hpp"

namespace skidpad::runtime {

/// What one process sees of its machine.
class Runtime : public Clock {
 public:
  virtual WallTime wall_now() const = 0;
  virtual Random& random() = 0;
  virtual Network& network() = 0;
  virtual Disk& disk() = 0;
  virtual Processes& processes() = 0;
  virtual Pki& pki() = 0;
  virtual Log& log() = 0;
  /// Stopped by SIGTERM and SIGINT. The parent of every task group of this process.
  virtual StopState& stop() = 0;
  /// The machine's name, as `hostname` prints it.
  virtual std::string host_name() const = 0;
  /// The value of an environment variable, or "".
  virtual std::string environment(const std::string& name) const = 0;
};

/// The entry point of every fake and controller: arguments are argv[1..]; the value is the exit code.
/// A Cancelled that leaves it (SIGTERM) ends the process with code 0.
using Program = Task<int> (*)(Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::runtime

/// @file runner.hpp
/// Runs one planned scenario on a driver and records it: cluster, workload, steady state, faults, recovery, cleanup.
/// Promise: whatever happens, faults are healed as far as they can be, the driver is torn down, and the record says how it ended.
#pragma once

#include "harness/history/recorder.hpp"
#include "harness/scenario/run_plan.hpp"

namespace skidpad::scenario {

using runtime::Task;

/// Told while a run goes on; for the live view. All texts are for people.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void phase(std::string_view name) = 0;
  virtual void status(const Json& status) = 0;   ///< {"nodes":"7/8","pods":"9/10","etcd":"3/3","api":"3/3"}; at every look
  virtual void note(const std::string& text) = 0;
};

class Runner {
 public:
  Runner(driver::Driver& driver, RunPlan plan, history::Recorder& recorder, RunObserver& observer);
  ~Runner();
  /// The whole run. A stop request (Ctrl-C) cuts it short; cleanup still happens.
  Task<void> run();

 private:
  class Run;
  driver::Driver& driver_;
  RunPlan plan_;
  history::Recorder& recorder_;
  RunObserver& observer_;
};

}  // namespace skidpad::scenario

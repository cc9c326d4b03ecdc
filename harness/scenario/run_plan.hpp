/// @file run_plan.hpp
/// From a scenario to everything a run needs to know before it touches anything: timers, cluster, expectations, floor.
#pragma once

#include "harness/check/floor.hpp"
#include "harness/cluster/cluster_plan.hpp"
#include "harness/driver/driver.hpp"
#include "harness/history/record.hpp"
#include "harness/scenario/scenario.hpp"

namespace skidpad::scenario {

struct RunOptions {
  std::uint64_t seed = 1;
  std::optional<ProfileName> profile;   ///< instead of the scenario's or the driver's own
  std::string release = "v1.32.13";
  bool eased = false;                   ///< real binaries take part: where nobody asks for a profile, not quicker than they can
  std::map<std::string, history::Binary> binaries;
  std::string more_flags;               ///< of the command to repeat it with, beginning with a space
  std::string scenario_file;
  std::string skidpad_version;
};

struct RunPlan {
  Scenario scenario;
  RunOptions options;
  history::Timers timers;
  cluster::ClusterSpec cluster;       ///< without what the driver adds (Driver::prepare)
  history::Header header;
  std::function<Duration(Timer)> timer_value;
  /// Why this driver cannot run it; "" if it can.
  std::string not_applicable;

  Duration resolved(const TimeSpan& span) const { return resolve(span, timer_value); }
};

/// The profile a driver runs with unless something else is asked for.
ProfileName default_profile(DriverName driver);
history::Timers timers_of(ProfileName profile);

/// Throws ScenarioError-like UsageError when the spans contradict each other under these timers.
RunPlan plan_run(Scenario scenario, DriverName driver, RunOptions options);
/// The capabilities that the scenario's faults need and the driver lacks, as a reason; "".
std::string missing_capability(const Scenario& scenario, const driver::Driver& driver);

/// The plan for people, for --dry-run: what would be done to whom, when, and what is expected.
std::string describe(const RunPlan& plan);

}  // namespace skidpad::scenario

/// @file plan.hpp
/// A scenario under the timers in force: its spans as durations, its floor, and what is to be judged.
/// Promise: pure; the same for every driver. What the timers make contradictory is found before a cluster is touched.
/// Limits: targets stay roles here; the runner draws nodes when the faults are made.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "harness/check/floor.hpp"
#include "harness/history/record.hpp"
#include "harness/history/timers.hpp"
#include "harness/scenario/scenario.hpp"

namespace skidpad::scenario {

/// When a fault is made, from when the faults begin, and for how long it stays; none: to the end of the run.
struct FaultTimes {
  Duration begin{};
  std::optional<Duration> duration;
};

struct Plan {
  std::optional<check::Floor> floor;         ///< from the first fault; none where no timer bounds the recovery
  std::vector<FaultTimes> faults;            ///< as in the scenario; `after` taken as if the witness were instant
  Duration deadline{};                       ///< from the first fault
  history::Expectations expectations;        ///< for run.json
  std::optional<Problem> contradiction;      ///< what only these timers show; the run must then not begin
};

/// The timers as the scenario names them; `floor` stands for the word floor.
std::function<Duration(Timer)> timer_values(const history::Timers& timers, Duration floor);

/// The timers in force: those of the profile with what the scenario itself sets.
history::Timers timers_in_force(const Scenario& scenario, history::Timers profile);

/// @param timers  in force, see timers_in_force().
Plan plan(const Scenario& scenario, const history::Timers& timers);

}  // namespace skidpad::scenario

#include "harness/scenario/plan.hpp"

#include <algorithm>

#include "harness/runtime/assert.hpp"
#include "harness/scenario/words.hpp"

namespace skidpad::scenario {
namespace {

using Values = std::function<Duration(Timer)>;

std::vector<FaultTimes> fault_times(const Scenario& scenario, const Values& values) {
  std::vector<FaultTimes> times;
  for (const Fault& fault : scenario.faults) {
    FaultTimes time;
    if (fault.after)
      time.begin = times.back().begin + resolve(*fault.after, values);
    else if (fault.at)
      time.begin = resolve(*fault.at, values);
    if (fault.duration) time.duration = resolve(*fault.duration, values);
    times.push_back(time);
  }
  return times;
}

std::optional<check::Floor> floor_of(const Scenario& scenario, const std::vector<FaultTimes>& times, const history::Timers& timers) {
  Duration first = Duration::max();
  for (const FaultTimes& time : times) first = std::min(first, time.begin);
  std::vector<check::FloorFault> faults;
  for (std::size_t i = 0; i < times.size(); ++i) {
    check::FloorFault fault;
    fault.kind = to_word(scenario.faults[i].kind);
    if (scenario.faults[i].process) fault.process = to_word(*scenario.faults[i].process);
    fault.offset = times[i].begin - first;
    fault.healed_after = times[i].duration;
    faults.push_back(std::move(fault));
  }
  const bool replaces = scenario.expect.nodes_replaced.value_or(0) > 0;
  return check::floor_of(faults, timers, replaces ? check::NodeReplacement::by_node_healer : check::NodeReplacement::none);
}

/// "1.5x floor + 10s" as the judge wants it: the factor, and what is added to it.
void set_recovery_limit(const TimeSpan& span, const Values& values, history::Expectations& expectations) {
  TimeSpan slack = span;
  std::erase_if(slack.multiples, [](const TimeSpan::Multiple& multiple) { return multiple.timer == Timer::floor; });
  if (span.uses(Timer::floor)) {
    for (const auto& multiple : span.multiples)
      if (multiple.timer == Timer::floor) expectations.recovery_floor_factor = multiple.thousandths / 1000.0;
    expectations.recovery_slack = resolve(slack, values);
  } else {
    const Duration limit = resolve(span, values);
    expectations.deadline = expectations.deadline ? std::min(*expectations.deadline, limit) : limit;
  }
}

history::Expectations expectations_of(const Scenario& scenario, const Values& values) {
  history::Expectations expectations;
  const Expect& expect = scenario.expect;
  for (Guarantee guarantee : expect.guarantees) expectations.guarantees.emplace_back(to_word(guarantee));
  expectations.deadline = resolve(scenario.deadline, values);
  if (expect.recovered_within) set_recovery_limit(*expect.recovered_within, values, expectations);
  const std::pair<std::string_view, const std::optional<TimeSpan>*> phases[] = {
      {"detected", &expect.detected_within},   {"decided", &expect.decided_within},
      {"acted", &expect.acted_within},         {"converged", &expect.converged_within},
      {"redundancy_back", &expect.redundancy_within},
  };
  for (const auto& [phase, span] : phases)
    if (*span) expectations.phases_within[std::string(phase)] = resolve(**span, values);
  for (const auto& [probe, span] : expect.downtime_max) expectations.downtime_max[probe] = resolve(span, values);
  for (const Probe& probe : scenario.probes) expectations.probe_interval[probe.name] = resolve(probe.interval, values);
  if (expect.nodes_replaced) expectations.nodes_replaced = *expect.nodes_replaced;
  if (const auto& healer = scenario.controllers.node_healer; healer && healer->enabled)
    expectations.unhealthy_nodes_max = static_cast<std::int64_t>(resolve(healer->max_unhealthy, node_count(scenario.topology)));
  return expectations;
}

}  // namespace

Values timer_values(const history::Timers& timers, Duration floor) {
  return [named = history::named_durations(timers), floor](Timer timer) {
    if (timer == Timer::floor) return floor;
    const std::string_view name = to_word(timer);
    const auto found = std::find_if(named.begin(), named.end(), [&](const auto& candidate) { return candidate.first == name; });
    ASSERT(found != named.end());
    return found->second;
  };
}

history::Timers timers_in_force(const Scenario& scenario, history::Timers profile) {
  const Values values = timer_values(profile, Duration::zero());
  if (const auto& healer = scenario.controllers.node_healer) {
    const auto unhealthy_after = healer->unhealthy_after ? resolve(*healer->unhealthy_after, values) : profile.healer_unhealthy_after;
    if (healer->never_joined_after) profile.healer_never_joined_after = resolve(*healer->never_joined_after, values);
    profile.healer_unhealthy_after = unhealthy_after;
  }
  return profile;
}

Plan plan(const Scenario& scenario, const history::Timers& timers) {
  ASSERT(!find_contradiction(scenario));
  Plan plan;
  plan.faults = fault_times(scenario, timer_values(timers, Duration::zero()));  // faults do not count in the floor
  plan.floor = floor_of(scenario, plan.faults, timers);
  const Values values = timer_values(timers, plan.floor ? plan.floor->shortest : Duration::zero());
  plan.deadline = resolve(scenario.deadline, values);
  plan.expectations = expectations_of(scenario, values);
  plan.contradiction = find_contradiction(scenario, values);
  return plan;
}

}  // namespace skidpad::scenario

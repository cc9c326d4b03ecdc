#include "harness/scenario/plan.hpp"

#include <gtest/gtest.h>

#include "harness/check/recovery.hpp"
#include "harness/scenario/loader.hpp"
#include "harness/scenario/scenario_testing.hpp"
#include "harness/scenario/words.hpp"

namespace skidpad::scenario {
namespace {

using namespace std::chrono_literals;

Scenario in_tree(std::string_view name) {
  return load_scenario(testing::source_folder() / "scenarios/conformance" / (std::string(name) + ".yaml"));
}

TEST(TimerValues, EveryTimerOfTheLanguageIsOneOfTheCluster) {
  const auto values = timer_values(history::kubernetes(), 7s);
  for (const auto& word : words(Timer{})) EXPECT_GT(values(word.value), 0s) << word.text;
  EXPECT_EQ(values(Timer::node_monitor_grace_period), 50s);
  EXPECT_EQ(values(Timer::floor), 7s);
}

// Goal: one file suits both profiles. Method: each scenario of the tree is planned under both, and its limits leave room.
TEST(TreeScenarios, AreSensibleUnderBothProfiles) {
  for (const auto& file : testing::tree_scenarios()) {
    const Scenario scenario = load_scenario(file);
    for (const history::Timers& profile : {history::kubernetes(), history::fast()}) {
      SCOPED_TRACE(file.filename().string() + " with profile " + profile.profile);
      const Plan planned = plan(scenario, timers_in_force(scenario, profile));
      EXPECT_FALSE(planned.contradiction) << planned.contradiction->path << ": " << planned.contradiction->what;
      ASSERT_TRUE(planned.floor);
      EXPECT_GT(planned.deadline, planned.floor->longest) << "the deadline would depend on luck";
      for (const auto& [phase, within] : planned.expectations.phases_within)
        if (phase == "redundancy_back") {
          EXPECT_GE(within, planned.floor->longest) << "the limit would depend on luck";
        }
    }
  }
}

TEST(Plan, OfNodeLossSaysWhatTheJudgeNeeds) {
  const Scenario scenario = in_tree("node-loss");
  const Plan planned = plan(scenario, history::kubernetes());
  ASSERT_TRUE(planned.floor);
  EXPECT_EQ(planned.floor->shortest, 400s) << "40 s of silence, 300 s unhealthy, 60 s for the machine";
  EXPECT_EQ(planned.deadline, 2 * planned.floor->shortest + 60s);
  const history::Expectations& expectations = planned.expectations;
  EXPECT_EQ(expectations.deadline, planned.deadline);
  EXPECT_EQ(expectations.recovery_floor_factor, 1.25);
  EXPECT_EQ(expectations.recovery_slack, 15s);
  EXPECT_EQ(expectations.nodes_replaced, 1);
  EXPECT_EQ(expectations.unhealthy_nodes_max, 3) << "40 % of 8";
  EXPECT_TRUE(expectations.phases_within.contains("detected"));
  EXPECT_EQ(expectations.probe_interval.at("web"), 250ms);
  EXPECT_EQ(expectations.downtime_max.at("api"), 2s);
}

TEST(Plan, PhasesAreThoseOfTheJudge) {
  Scenario scenario = in_tree("node-loss");
  for (auto* span : {&scenario.expect.detected_within, &scenario.expect.decided_within, &scenario.expect.acted_within,
                     &scenario.expect.converged_within, &scenario.expect.redundancy_within})
    *span = TimeSpan(60s);
  const Plan planned = plan(scenario, history::kubernetes());
  EXPECT_EQ(planned.expectations.phases_within.size(), std::size(check::phases));
  for (const check::Phase phase : check::phases) EXPECT_TRUE(planned.expectations.phases_within.contains(std::string(name(phase)))) << name(phase);
}

TEST(Plan, ALimitWithoutTheFloorIsADeadline) {
  Scenario scenario = in_tree("node-loss");
  scenario.expect.recovered_within = *parse_time_span("1x healer_unhealthy_after + 150s").value;
  const history::Expectations expectations = plan(scenario, history::kubernetes()).expectations;
  EXPECT_FALSE(expectations.recovery_floor_factor);
  EXPECT_EQ(expectations.deadline, 450s);
}

TEST(Plan, FaultsFollowOneAnother) {
  Scenario scenario = in_tree("node-return");
  Fault second = scenario.faults[0];
  second.at.reset();
  second.after = *parse_time_span("1x node_monitor_period").value;
  scenario.faults.push_back(second);
  scenario.blast_radius.nodes = 2;
  const Plan planned = plan(scenario, history::kubernetes());
  ASSERT_EQ(planned.faults.size(), 2u);
  EXPECT_EQ(planned.faults[0].begin, 2s);
  EXPECT_EQ(planned.faults[1].begin, 7s);
  EXPECT_EQ(planned.faults[1].duration, 100s);
}

TEST(Plan, SeesWhatOnlyTheTimersInForceContradict) {
  Scenario scenario = in_tree("node-return");
  scenario.deadline = TimeSpan(110s);  // 100 s of power off with one profile, 5 s with the other
  scenario.expect.recovered_within.reset();
  scenario.expect.detected_within.reset();
  scenario.expect.downtime_max.clear();
  EXPECT_FALSE(plan(scenario, history::fast()).contradiction);
  EXPECT_FALSE(plan(scenario, history::kubernetes()).contradiction);
  scenario.deadline = TimeSpan(90s);
  EXPECT_FALSE(plan(scenario, history::fast()).contradiction);
  const auto found = plan(scenario, history::kubernetes()).contradiction;
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, "faults[0].duration");
}

TEST(TimersInForce, AreTheProfilesButForWhatTheScenarioSets) {
  Scenario scenario = in_tree("node-loss");
  EXPECT_EQ(timers_in_force(scenario, history::fast()), history::fast());
  scenario.controllers.node_healer->unhealthy_after = *parse_time_span("0.5x healer_unhealthy_after").value;
  history::Timers halved = history::fast();
  halved.healer_unhealthy_after /= 2;
  EXPECT_EQ(timers_in_force(scenario, history::fast()), halved);
}

}  // namespace
}  // namespace skidpad::scenario

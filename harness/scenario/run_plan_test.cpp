#include "harness/scenario/run_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "harness/check/recovery.hpp"
#include "harness/runtime/usage_error.hpp"
#include "harness/scenario/loader.hpp"
#include "harness/scenario/scenario_testing.hpp"
#include "harness/scenario/words.hpp"

namespace skidpad::scenario {
namespace {

using namespace std::chrono_literals;

Scenario in_tree(std::string_view name) {
  return load_scenario(testing::source_folder() / "scenarios/conformance" / (std::string(name) + ".yaml"));
}

RunPlan planned(Scenario scenario, ProfileName profile) {
  RunOptions options;
  options.profile = profile;
  options.scenario_file = scenario.name + ".yaml";
  return plan_run(std::move(scenario), DriverName::sim, options);
}

TEST(Timers, EachThatTheLanguageNamesIsOneOfTheCluster) {
  const auto named = history::named_durations(history::kubernetes());
  for (const auto& word : words(Timer{})) {
    if (word.value == Timer::floor) continue;
    EXPECT_TRUE(std::any_of(named.begin(), named.end(), [&](const auto& timer) { return timer.first == word.text; })) << word.text;
  }
}

// Goal: one file suits both profiles. Method: each scenario of the tree is planned under both; plan_run throws on contradictions.
TEST(TreeScenarios, AreSensibleUnderBothProfiles) {
  for (const auto& file : testing::tree_scenarios()) {
    for (const ProfileName profile : {ProfileName::kubernetes, ProfileName::fast}) {
      SCOPED_TRACE(file.filename().string() + " with profile " + std::string(to_word(profile)));
      const RunPlan plan = planned(load_scenario(file), profile);
      EXPECT_TRUE(plan.header.expectations.deadline);
      EXPECT_GT(plan.resolved(plan.scenario.deadline), plan.timer_value(Timer::floor)) << "the deadline would depend on luck";
    }
  }
}

TEST(PlanRun, OfNodeLossSaysWhatTheJudgeNeeds) {
  const RunPlan plan = planned(in_tree("node-loss"), ProfileName::kubernetes);
  const history::Expectations& expectations = plan.header.expectations;
  EXPECT_EQ(expectations.deadline, 2 * plan.timer_value(Timer::floor) + 60s);
  EXPECT_EQ(expectations.recovery_floor_factor, 1.25);
  EXPECT_EQ(expectations.recovery_slack, 15s);
  EXPECT_EQ(expectations.nodes_replaced, 1);
  EXPECT_EQ(expectations.unhealthy_nodes_max, 2) << "40 % of 5 workers";
  EXPECT_EQ(expectations.phases_within.at("detected"), 62s);
  EXPECT_EQ(expectations.downtime_max.at("api"), 2s);
}

// Only the timers tell that ten hours lie beyond the deadline; the file's line is named all the same.
TEST(PlanRun, RefusesWhatItsTimersContradictWithItsPlace) {
  Scenario scenario = in_tree("node-loss");
  scenario.expect.recovered_within = *parse_time_span("10h").value;
  RunOptions options;
  options.scenario_file = (testing::source_folder() / "scenarios/conformance/node-loss.yaml").string();
  std::ifstream file(options.scenario_file);
  int line = 0;
  for (std::string text; std::getline(file, text);) {
    ++line;
    if (text.find("recovered_within") != std::string::npos) break;
  }
  try {
    plan_run(std::move(scenario), DriverName::sim, options);
    FAIL() << "a plan";
  } catch (const UsageError& refused) {
    EXPECT_NE(std::string(refused.what()).find("node-loss.yaml:" + std::to_string(line) + ":21: expect.recovered_within: "), std::string::npos) << refused.what();
  }
}

TEST(PlanRun, NamesPhasesAsTheJudgeDoes) {
  Scenario scenario = in_tree("node-loss");
  for (auto* span : {&scenario.expect.detected_within, &scenario.expect.decided_within, &scenario.expect.acted_within,
                     &scenario.expect.converged_within, &scenario.expect.redundancy_within})
    *span = TimeSpan(60s);
  const RunPlan plan = planned(std::move(scenario), ProfileName::kubernetes);
  EXPECT_EQ(plan.header.expectations.phases_within.size(), std::size(check::phases));
  for (const check::Phase phase : check::phases)
    EXPECT_TRUE(plan.header.expectations.phases_within.contains(std::string(check::name(phase)))) << check::name(phase);
}

TEST(PlanRun, TakesALimitWithoutTheFloorAsADeadline) {
  Scenario scenario = in_tree("worker-power-loss");
  scenario.expect.recovered_within = *parse_time_span("1x healer_unhealthy_after + 150s").value;
  const history::Expectations expectations = planned(std::move(scenario), ProfileName::kubernetes).header.expectations;
  EXPECT_FALSE(expectations.recovery_floor_factor);
  EXPECT_EQ(expectations.deadline, 450s);
}

TEST(PlanRun, RefusesWhatOnlyTheTimersInForceContradict) {
  Scenario scenario = in_tree("node-return");
  scenario.expect = Expect{};
  scenario.expect.nodes_replaced = 0;
  scenario.deadline = TimeSpan(90s);  // power is off for 100 s with one profile, for 5 s with the other
  EXPECT_NO_THROW(planned(scenario, ProfileName::fast));
  try {
    planned(scenario, ProfileName::kubernetes);
    ADD_FAILURE() << "accepted";
  } catch (const UsageError& refused) {
    EXPECT_NE(std::string(refused.what()).find("faults[0].duration: ends beyond the deadline"), std::string::npos) << refused.what();
  }
}

TEST(PlanRun, TakesTheHealersTimersFromTheScenario) {
  Scenario scenario = in_tree("node-loss");
  scenario.controllers.node_healer->unhealthy_after = *parse_time_span("0.5x healer_unhealthy_after").value;
  EXPECT_EQ(planned(std::move(scenario), ProfileName::kubernetes).timers.healer_unhealthy_after, 150s);
}

}  // namespace
}  // namespace skidpad::scenario

// Whole scenarios on the simulated driver: each bundled one passes, equal seeds give equal bytes, and planted bugs are caught.
#include <gtest/gtest.h>

#include "controllers/node_healer/node_healer.hpp"
#include "harness/check/judge.hpp"
#include "harness/driver/sim/sim_driver.hpp"
#include "harness/history/codec.hpp"
#include "harness/history/run_directory.hpp"
#include "harness/scenario/listing.hpp"
#include "harness/scenario/loader.hpp"
#include "harness/scenario/runner.hpp"

namespace skidpad::cli {
namespace {

// The sanitized build runs the same code some ten times slower: one scenario and few seeds reach every line there.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif
constexpr std::uint64_t seed_count = sanitized ? 2 : 200;

struct Silent final : scenario::RunObserver {
  void phase(std::string_view) override {}
  void status(const Json&) override {}
  void note(const std::string&) override {}
};

struct Recorded {
  history::RunTexts texts;
  std::uint64_t digest = 0;
};

using Programs = std::map<std::string, runtime::sim::SimProgram>;

Recorded run(scenario::Scenario wanted, std::uint64_t seed, Programs instead = {}) {
  scenario::RunOptions options;
  options.seed = seed;
  options.scenario_file = wanted.name;
  scenario::RunPlan plan = scenario::plan_run(std::move(wanted), scenario::DriverName::sim, options);
  driver::sim::SimDriverOptions sim;
  sim.world.seed = seed;
  sim.provisioning_delay = plan.timers.machine_provision_delay;
  sim.programs["node-healer"] = controllers::node_healer::node_healer_main;
  for (auto& [name, program] : instead) sim.programs[name] = program;
  driver::sim::SimDriver driver(std::move(sim));
  Recorded recorded;
  recorded.texts.header = history::encode(plan.header);
  history::MemorySink history, trace, metrics;
  history::Recorder recorder(history, trace, metrics);
  Silent silent;
  scenario::Runner runner(driver, std::move(plan), recorder, silent);
  driver.run(runner.run());
  recorded.texts.history = history.text();
  recorded.texts.trace = trace.text();
  recorded.texts.metrics = metrics.text();
  recorded.digest = driver.world().digest();
  return recorded;
}

std::string reasons(const check::Judgement& judgement) {
  std::string text = judgement.summary;
  for (const check::Guarantee& guarantee : judgement.guarantees) {
    if (guarantee.verdict != check::Verdict::fail && guarantee.verdict != check::Verdict::unknown) continue;
    text += "\n  " + guarantee.name + ": " + guarantee.reason;
  }
  return text;
}

class BundledScenario : public testing::TestWithParam<std::string> {};

TEST_P(BundledScenario, PassesOnTheSimulator) {
  if (sanitized && GetParam().find("node-loss") == std::string::npos) GTEST_SKIP() << "run by the ordinary build";
  const Recorded recorded = run(scenario::load_scenario(GetParam()), 1);
  const check::Judgement judgement = check::judge(recorded.texts, GetParam());
  EXPECT_EQ(judgement.verdict, check::Verdict::pass) << reasons(judgement);
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = std::filesystem::path(info.param).stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Conformance, BundledScenario, testing::ValuesIn(scenario::find_scenarios(SKIDPAD_SOURCE_DIR "/scenarios/conformance")), test_name);

/// Small enough for hundreds of runs: one node that is all planes, two workers, one of which is away for a while.
std::string small() { return SKIDPAD_SOURCE_DIR "/harness/cli/testdata/small.yaml"; }

/// The first line that differs, for people.
std::string first_difference(const std::string& a, const std::string& b) {
  std::size_t begin = 0;
  while (begin < a.size() && begin < b.size()) {
    const std::size_t end_a = std::min(a.find('\n', begin), a.size());
    const std::size_t end_b = std::min(b.find('\n', begin), b.size());
    if (a.substr(begin, end_a - begin) != b.substr(begin, end_b - begin)) {
      return "first: " + a.substr(begin, end_a - begin) + "\nsecond: " + b.substr(begin, end_b - begin);
    }
    begin = end_a + 1;
  }
  return a.size() == b.size() ? "" : "one is longer";
}

TEST(SimulatedRun, OfOneSeedIsTheSameToTheByteAndPasses) {
  std::set<std::uint64_t> digests;
  for (std::uint64_t seed = 1; seed <= seed_count; ++seed) {
    const Recorded first = run(scenario::load_scenario(small()), seed);
    const Recorded second = run(scenario::load_scenario(small()), seed);
    ASSERT_EQ(first_difference(first.texts.trace, second.texts.trace), "") << "seed " << seed;
    ASSERT_EQ(first_difference(first.texts.history, second.texts.history), "") << "seed " << seed;
    ASSERT_EQ(first_difference(first.texts.metrics, second.texts.metrics), "") << "seed " << seed;
    ASSERT_EQ(first.digest, second.digest) << "seed " << seed;
    digests.insert(first.digest);
    const check::Judgement judgement = check::judge(first.texts, "seed " + std::to_string(seed));
    EXPECT_EQ(judgement.verdict, check::Verdict::pass) << "seed " << seed << ": " << reasons(judgement);
  }
  EXPECT_EQ(digests.size(), seed_count) << "different seeds must give different runs";
}

/// A healer that is up, leads, and never acts.
runtime::Task<int> idle_healer(runtime::Runtime& runtime, std::vector<std::string> arguments) {
  arguments.push_back("--paused=true");
  return controllers::node_healer::node_healer_main(runtime, std::move(arguments));
}

std::string node_loss() { return std::string(SKIDPAD_SOURCE_DIR) + "/scenarios/conformance/node-loss.yaml"; }

const check::Guarantee& named(const check::Judgement& judgement, const std::string& name) {
  for (const check::Guarantee& guarantee : judgement.guarantees) {
    if (guarantee.name == name) return guarantee;
  }
  ADD_FAILURE() << "no guarantee " << name;
  return judgement.guarantees.front();
}

TEST(PlantedBug, AHealerThatDoesNothingFailsNodeLoss) {
  if (sanitized) GTEST_SKIP() << "run by the ordinary build";
  Programs instead;
  instead["node-healer"] = idle_healer;
  const Recorded recorded = run(scenario::load_scenario(node_loss()), 1, std::move(instead));
  const check::Judgement judgement = check::judge(recorded.texts, "planted");
  EXPECT_EQ(judgement.verdict, check::Verdict::fail);
  EXPECT_EQ(named(judgement, "nodes_replaced_exactly").verdict, check::Verdict::fail);
}

/// A controller-manager that looks at nodes so seldom that it does not see one go.
runtime::Task<int> blind_controller_manager(runtime::Runtime& runtime, std::vector<std::string> arguments) {
  for (std::string& argument : arguments) {
    if (argument.starts_with("--node-monitor-grace-period=")) argument = "--node-monitor-grace-period=1h";
  }
  return driver::sim::bundled_programs().at("kube-controller-manager")(runtime, std::move(arguments));
}

TEST(PlantedBug, AControllerManagerThatDoesNotSeeALostNodeFailsNodeLoss) {
  if (sanitized) GTEST_SKIP() << "run by the ordinary build";
  Programs instead;
  instead["kube-controller-manager"] = blind_controller_manager;
  const Recorded recorded = run(scenario::load_scenario(node_loss()), 1, std::move(instead));
  const check::Judgement judgement = check::judge(recorded.texts, "planted");
  EXPECT_EQ(judgement.verdict, check::Verdict::fail);
  EXPECT_EQ(named(judgement, "detected_in_time").verdict, check::Verdict::fail);
}

}  // namespace
}  // namespace skidpad::cli

// Whole scenarios on the simulated driver: each bundled one passes, equal seeds give equal bytes, and planted bugs are caught.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "controllers/checkpointer/checkpointer.hpp"
#include "controllers/etcd_operator/etcd_operator.hpp"
#include "controllers/node_healer/node_healer.hpp"
#include "harness/check/judge.hpp"
#include "harness/cli/installation.hpp"
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
  sim.programs = controller_programs();
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

/// The texts of work(0), ..., work(count - 1), done by as many processes as there are cores: a simulated world is one thread's.
/// What a process that died was about to do gives no text.
std::vector<std::optional<std::string>> in_processes(std::size_t count, const std::function<std::string(std::size_t)>& work) {
  const std::size_t process_count = std::min<std::size_t>(count, std::max(1U, std::thread::hardware_concurrency()));
  std::vector<int> readers;
  std::vector<pid_t> children;
  for (std::size_t rank = 0; rank < process_count; ++rank) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("no process");
    if (child == 0) {
      ::close(ends[0]);
      FILE* out = ::fdopen(ends[1], "w");
      for (std::size_t index = rank; index < count; index += process_count) {
        std::fprintf(out, "%s\n", Json::array({index, work(index)}).dump().c_str());
        std::fflush(out);
      }
      ::_exit(0);
    }
    ::close(ends[1]);
    readers.push_back(ends[0]);
    children.push_back(child);
  }
  std::vector<std::optional<std::string>> texts(count);
  for (std::size_t rank = 0; rank < process_count; ++rank) {
    FILE* in = ::fdopen(readers[rank], "r");
    char* line = nullptr;
    std::size_t capacity = 0;
    while (::getline(&line, &capacity, in) > 0) {
      const Json told = Json::parse(line);
      texts.at(told[0].get<std::size_t>()) = told[1].get<std::string>();
    }
    std::free(line);
    std::fclose(in);
    ::waitpid(children[rank], nullptr, 0);
  }
  return texts;
}

/// Runs a seed twice. The digest; behind it, after a blank, what is wrong.
std::string digest_of_equal_runs(std::uint64_t seed) {
  const Recorded first = run(scenario::load_scenario(small()), seed);
  const Recorded second = run(scenario::load_scenario(small()), seed);
  std::string told = std::to_string(first.digest);
  if (first.digest != second.digest) told += " the digests differ";
  for (const auto& [name, text] : {std::pair("trace", &history::RunTexts::trace), std::pair("history", &history::RunTexts::history), std::pair("metrics", &history::RunTexts::metrics)}) {
    const std::string difference = first_difference(first.texts.*text, second.texts.*text);
    if (!difference.empty()) told += std::string(" ") + name + " differs: " + difference;
  }
  const check::Judgement judgement = check::judge(first.texts, "seed " + std::to_string(seed));
  if (judgement.verdict != check::Verdict::pass) told += " " + reasons(judgement);
  return told;
}

TEST(SimulatedRun, OfOneSeedIsTheSameToTheByteAndPasses) {
  std::set<std::string> digests;
  const auto told = in_processes(seed_count, [](std::size_t index) { return digest_of_equal_runs(index + 1); });
  for (std::size_t index = 0; index < told.size(); ++index) {
    ASSERT_TRUE(told[index]) << "the process that ran seed " << index + 1 << " died";
    EXPECT_EQ(told[index]->find(' '), std::string::npos) << "seed " << index + 1 << ": " << *told[index];
    digests.insert(*told[index]);
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

std::string conformance(const std::string& name) { return std::string(SKIDPAD_SOURCE_DIR) + "/scenarios/conformance/" + name + ".yaml"; }

/// A checkpointer whose copies lie where no kubelet looks.
runtime::Task<int> misplacing_checkpointer(runtime::Runtime& runtime, std::vector<std::string> arguments) {
  for (std::string& argument : arguments) {
    if (argument.starts_with("--manifests-dir=")) argument += ".elsewhere";
  }
  return controllers::checkpointer::checkpointer_main(runtime, std::move(arguments));
}

/// The real operator with one flag turned the wrong way.
struct MistakenOperator {
  std::string flag;
  runtime::Task<int> operator()(runtime::Runtime& runtime, std::vector<std::string> arguments) const {
    if (!arguments.empty() && arguments.front().starts_with("-")) arguments.push_back(flag);
    return controllers::etcd_operator::etcd_operator_main(runtime, std::move(arguments));
  }
};

TEST(PlantedBug, OperatorsOfEtcdThatShareTheWorkOrForgetWhatClientsSawAreFound) {
  if (sanitized) GTEST_SKIP() << "run by the ordinary build";
  const struct {
    const char* flag;
    const char* scenario;
    const char* found_by;
  } cases[] = {
      {"--leader-elect=false", "managed-etcd-disk-lost", "one_leader_acts"},
      {"--revision-slack=1", "managed-etcd-all-destroyed", "etcd_revisions_rise"},
  };
  for (const auto& each : cases) {
    Programs instead;
    instead["etcd-operator"] = MistakenOperator{each.flag};
    const Recorded recorded = run(scenario::load_scenario(SKIDPAD_SOURCE_DIR "/scenarios/conformance/" + std::string(each.scenario) + ".yaml"), 1, std::move(instead));
    const check::Judgement judgement = check::judge(recorded.texts, "planted");
    EXPECT_EQ(named(judgement, each.found_by).verdict, check::Verdict::fail) << each.flag << reasons(judgement);
  }
}

TEST(PlantedBug, CheckpointsThatNobodyRunsFailThePowerCycleOfTheControlPlane) {
  if (sanitized) GTEST_SKIP() << "run by the ordinary build";
  Programs instead;
  instead["checkpointer"] = misplacing_checkpointer;
  const check::Judgement judgement = check::judge(run(scenario::load_scenario(conformance("control-plane-power-cycle")), 1, std::move(instead)).texts, "planted");
  EXPECT_EQ(judgement.verdict, check::Verdict::fail);
  EXPECT_EQ(named(judgement, "steady_state_after").verdict, check::Verdict::fail);
}

}  // namespace
}  // namespace skidpad::cli

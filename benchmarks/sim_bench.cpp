// A whole scenario in the simulator: node loss with stock Kubernetes timers on 3 etcd, 3 control-plane and 5 worker machines.
#include <benchmark/benchmark.h>

#include <filesystem>

#include "harness/check/judge.hpp"
#include "harness/cli/installation.hpp"
#include "harness/driver/sim/sim_driver.hpp"
#include "harness/history/run_directory.hpp"
#include "harness/scenario/listing.hpp"
#include "harness/scenario/loader.hpp"
#include "harness/scenario/runner.hpp"

namespace skidpad {
namespace {

struct NobodyLooks final : scenario::RunObserver {
  void phase(std::string_view) override {}
  void status(const Json&) override {}
  void note(const std::string&) override {}
};

struct Simulated {
  double seconds = 0;
  std::uint64_t events = 0;
  bool passed = false;
};

Simulated simulate(scenario::Scenario wanted, std::uint64_t seed) {
  char place[] = "/tmp/skidpad-bench-XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(place);
  scenario::RunOptions run_options;
  run_options.seed = seed;
  scenario::RunPlan plan = scenario::plan_run(std::move(wanted), scenario::DriverName::sim, std::move(run_options));
  driver::sim::SimDriverOptions options;
  options.world.seed = seed;
  options.provisioning_delay = plan.timers.machine_provision_delay;
  options.programs = cli::controller_programs();
  driver::sim::SimDriver driver(std::move(options));
  Simulated simulated;
  {
    history::RunDirectory directory(folder / "run", plan.header);
    NobodyLooks nobody;
    scenario::Runner runner(driver, std::move(plan), directory.recorder(), nobody);
    driver.run(runner.run());
  }
  simulated.seconds = runtime::seconds(driver.world().now() - runtime::Instant{});
  simulated.events = driver.world().event_count();
  simulated.passed = check::judge(history::read_run_directory(folder / "run")).verdict == check::Verdict::pass;
  std::filesystem::remove_all(folder);
  return simulated;
}

void node_loss(benchmark::State& state) {
  const std::string folder = cli::find_installation().scenario_folder;
  scenario::Scenario wanted = scenario::load_scenario(scenario::find_scenario("node-loss", folder.empty() ? "scenarios" : folder));
  wanted.topology.type = scenario::TopologyType::separated_planes;
  wanted.profile = scenario::ProfileName::kubernetes;
  Simulated total;
  std::uint64_t seed = 0;
  for (auto _ : state) {
    const Simulated one = simulate(wanted, ++seed);
    total.seconds += one.seconds;
    total.events += one.events;
    if (!one.passed) state.SkipWithError(("the run with seed " + std::to_string(seed) + " did not pass").c_str());
  }
  state.counters["simulated_seconds_per_second"] = benchmark::Counter(total.seconds, benchmark::Counter::kIsRate);
  state.counters["events_per_second"] = benchmark::Counter(static_cast<double>(total.events), benchmark::Counter::kIsRate);
  state.counters["simulated_seconds"] = total.seconds / static_cast<double>(state.iterations());
}
BENCHMARK(node_loss)->Unit(benchmark::kMillisecond)->MinTime(3);

}  // namespace
}  // namespace skidpad

BENCHMARK_MAIN();

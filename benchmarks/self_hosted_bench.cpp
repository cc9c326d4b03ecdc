// A control plane of three nodes that hosts itself: from nothing to ten pods Ready, and through a power cut of all machines. One run of
// `skidpad run` measures both; what is reported is read from its record.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "harness/cli/installation.hpp"
#include "harness/runtime/json.hpp"

namespace skidpad {
namespace {

namespace fs = std::filesystem;

constexpr char scenario[] = R"(# A control plane that hosts itself comes back by itself after a power cut.
name: self-hosted-power-cycle
behaviours: [C14]
topology: {type: overlapping-planes, etcd: 3, control_plane: 3, workers: 0, hosting: self_hosted}
workload:
  deployments:
    - {name: web, image: echo, replicas: 10}
steady_state: {hold: "2s", within: "4m", nodes_ready: all, pods_ready: all, etcd_healthy: all, api_servers_ready: all}
faults:
  - {name: cut, kind: power_off, target: all_nodes, duration: "5s"}
blast_radius: {nodes: 3, roles: [control_plane, etcd, worker]}
expect: {guarantees: [nothing_left_behind]}
deadline: "4m"
)";

/// When a phase of the run began, in seconds; less than 0 if it never did.
double phase_begin(const fs::path& run, const std::string& name) {
  std::ifstream trace(run / "trace.jsonl");
  for (std::string line; std::getline(trace, line);) {
    const Json event = Json::parse(line, nullptr, false);
    if (event.is_object() && event.value("kind", "") == "phase" && event.value("subject", "") == name) return event.value("time", 0.0) / 1e9;
  }
  return -1;
}

void power_cycle(benchmark::State& state) {
  char place[] = "/tmp/skidpad-bench-XXXXXX";
  const fs::path folder = ::mkdtemp(place);
  std::ofstream(folder / "self-hosted-power-cycle.yaml") << scenario;
  const std::string skidpad = fs::path(cli::find_installation().bin_directory).parent_path() / "skidpad";
  double created = 0, ready = 0, recovered = 0, over_floor = 0;
  for (auto _ : state) {
    const fs::path run = folder / "run";
    fs::remove_all(run);
    const std::string command = skidpad + " run " + (folder / "self-hosted-power-cycle.yaml").string() + " --driver=process --out=" + run.string() + " >&2";
    const bool passed = std::system(command.c_str()) == 0;
    std::ifstream file(run / "result.json");
    const Json result = Json::parse(file, nullptr, false);
    if (!passed || !result.is_object()) {
      state.SkipWithError("the run did not pass");
      break;
    }
    const double recovery = result.value("recovery_seconds", 0.0);
    state.SetIterationTime(recovery);
    created += phase_begin(run, "workload");
    ready += phase_begin(run, "steady_state_before");
    recovered += recovery;
    over_floor += recovery / result["floor"].value("shortest_seconds", 1.0);
  }
  const auto runs = static_cast<double>(state.iterations());
  state.counters["pivot_seconds"] = created / runs;
  state.counters["ready_seconds"] = ready / runs;
  state.counters["recovery_seconds"] = recovered / runs;
  state.counters["over_floor"] = over_floor / runs;
  fs::remove_all(folder);
}
BENCHMARK(power_cycle)->UseManualTime()->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace skidpad

BENCHMARK_MAIN();

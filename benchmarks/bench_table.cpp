// `./dev bench`: runs the benchmark programs beside this one and prints one table: what was measured, what is aimed at, the ratio.
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>

#include "harness/runtime/json.hpp"

namespace {

using skidpad::Json;

enum class Better { more, less };

struct Row {
  const char* program;
  const char* benchmark;  ///< as Google Benchmark names it
  const char* counter;
  double scale;           ///< counter x scale = value in the unit
  const char* title;
  const char* unit;
  std::optional<double> aim;
  Better better;
};

// The aims are the project's own: what a user of a laptop with two cores should get.
const Row rows[] = {
    {"sim_bench", "node_loss", "simulated_seconds_per_second", 1, "simulation: node loss, 11 machines", "x real time", 1000, Better::more},
    {"sim_bench", "node_loss", "events_per_second", 1e-6, "simulation: events", "M/s", {}, Better::more},
    {"up_bench", "up_until_ten_pods_are_ready", "real_time", 1e-3, "up: 8 machines, 10 pods Ready", "s", 3, Better::less},
    {"up_bench", "up_until_ten_pods_are_ready", "up_seconds", 1, "up: 8 machines Ready", "s", {}, Better::less},
    {"up_bench", "up_until_ten_pods_are_ready", "cpu_seconds", 1, "up: CPU time of the whole cluster", "s", {}, Better::less},
    {"up_bench", "up_until_ten_pods_are_ready", "apiserver_mib", 1, "idle kube-apiserver, resident", "MiB", 32, Better::less},
    {"up_bench", "up_until_ten_pods_are_ready", "kubelet_mib", 1, "idle kubelet, resident", "MiB", 12, Better::less},
    {"self_hosted_bench", "power_cycle", "pivot_seconds", 1, "self-hosted: bootstrap to pivot done", "s", {}, Better::less},
    {"self_hosted_bench", "power_cycle", "ready_seconds", 1, "self-hosted: ... and 10 pods Ready", "s", 2, Better::less},
    {"self_hosted_bench", "power_cycle", "recovery_seconds", 1, "power cycle of 5 s: recovered", "s", {}, Better::less},
    {"self_hosted_bench", "power_cycle", "over_floor", 1, "power cycle: recovery beside its floor", "times", 1.2, Better::less},
    {"apiserver_bench", "apiserver", "gets_per_second", 1, "API server: GET, 16 connections, TLS", "/s", 10'000, Better::more},
    {"apiserver_bench", "apiserver", "creates_per_second", 1, "API server: create, 16 connections", "/s", {}, Better::more},
    {"apiserver_bench", "apiserver", "list_seconds", 1e3, "API server: list of 10,000 objects", "ms", {}, Better::less},
    {"apiserver_bench", "apiserver", "watch_events_per_second", 1, "API server: events to 200 watchers", "/s", {}, Better::more},
    {"apiserver_bench", "apiserver", "watch_delay_p99_seconds", 1e3, "API server: watch delay, p99", "ms", {}, Better::less},
    {"apiserver_bench", "apiserver", "mib_at_0", 1, "API server: resident, no objects", "MiB", 35, Better::less},
    {"apiserver_bench", "apiserver", "mib_at_10000", 1, "API server: resident, 10,000 objects", "MiB", {}, Better::less},
    {"apiserver_bench", "apiserver", "mib_at_100000", 1, "API server: resident, 100,000 objects", "MiB", {}, Better::less},
    {"apiserver_bench", "real_apiserver", "gets_per_second", 1, "real server: GET, 16 connections, TLS", "/s", {}, Better::more},
    {"apiserver_bench", "real_apiserver", "creates_per_second", 1, "real server: create, 16 connections", "/s", {}, Better::more},
    {"apiserver_bench", "real_apiserver", "list_seconds", 1e3, "real server: list of 10,000 objects", "ms", {}, Better::less},
    {"apiserver_bench", "real_apiserver", "watch_events_per_second", 1, "real server: events to 200 watchers", "/s", {}, Better::more},
    {"apiserver_bench", "real_apiserver", "watch_delay_p99_seconds", 1e3, "real server: watch delay, p99", "ms", {}, Better::less},
    {"apiserver_bench", "real_apiserver", "mib_at_0", 1, "real server: resident, no objects", "MiB", {}, Better::less},
    {"apiserver_bench", "real_apiserver", "mib_at_10000", 1, "real server: resident, 10,000 objects", "MiB", {}, Better::less},
    {"apiserver_bench", "real_apiserver", "mib_at_100000", 1, "real server: resident, 100,000 objects", "MiB", {}, Better::less},
    {"etcd_bench", "quorum_loss", "real_time", 1e-3, "etcd operator: quorum lost to full size", "s", 10, Better::less},
    {"etcd_bench", "quorum_loss", "outage_seconds", 1, "etcd operator: nobody served", "s", {}, Better::less},
    {"etcd_bench", "backup_of_100_mb", "real_time", 1e-3, "backup of 100 MB, stored and verified", "s", {}, Better::less},
    {"runtime_bench", "wake", "items_per_second", 1e-6, "runtime: wakeups", "M/s", {}, Better::more},
    {"runtime_bench", "call", "items_per_second", 1e-6, "runtime: child tasks", "M/s", {}, Better::more},
    {"runtime_bench", "timers/100", "items_per_second", 1e-6, "runtime: timers, 100 live", "M/s", {}, Better::more},
    {"runtime_bench", "timers/10000", "items_per_second", 1e-6, "runtime: timers, 10,000 live", "M/s", {}, Better::more},
    {"runtime_bench", "http_in_simulation", "items_per_second", 1e-3, "runtime: simulated HTTP requests", "k/s", {}, Better::more},
};

/// Benchmarks of one program by name, without the "/iterations:3/manual_time" that Google Benchmark appends.
Json run_program(const std::string& path) {
  Json found = Json::object();
  FILE* pipe = ::popen((path + " --benchmark_format=json").c_str(), "r");
  if (pipe == nullptr) return found;
  std::string text;
  char buffer[65536];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, count);
  ::pclose(pipe);
  const Json report = Json::parse(text, nullptr, false);
  if (!report.is_object() || !report.contains("benchmarks")) return found;
  for (const Json& benchmark : report["benchmarks"]) {
    std::string name = benchmark.value("name", "");
    for (const char* suffix : {"/min_time", "/iterations", "/manual_time"}) name = name.substr(0, name.find(suffix));
    found[name] = benchmark;
  }
  return found;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value);
  return text;
}

}  // namespace

int main(int argument_count, char** arguments) {
  std::string only;
  for (int i = 1; i < argument_count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--assets" && i + 1 < argument_count) {
      ::setenv("SKIDPAD_ASSETS", arguments[++i], 1);  // for the programs started below
    } else if (only.empty() && argument[0] != '-') {
      only = argument;
    } else {
      std::cerr << "usage: bench_table [PROGRAM] [--assets DIR]" << std::endl;
      return 64;
    }
  }
  const bool real_ones = ::getenv("SKIDPAD_ASSETS") != nullptr;
  const auto folder = std::filesystem::canonical("/proc/self/exe").parent_path();
  std::map<std::string, Json> measured;
  std::printf("%-38s %10s %-12s %8s  %s\n", "WHAT", "MEASURED", "UNIT", "AIM", "RATIO (above 1: better than the aim)");
  int code = 0;
  for (const Row& row : rows) {
    if (!only.empty() && only != row.program) continue;
    if (!real_ones && std::string_view(row.benchmark).substr(0, 5) == "real_") continue;
    if (!measured.count(row.program)) measured[row.program] = run_program(folder / row.program);
    const Json& of_program = measured[row.program];
    const Json benchmark = of_program.value(row.benchmark, Json::object());
    if (benchmark.value("error_occurred", false) || !benchmark.contains(row.counter)) {
      std::printf("%-38s %10s %-12s %8s  %s\n", row.title, "-", row.unit, "", benchmark.value("error_message", "did not run").c_str());
      code = 1;
      continue;
    }
    const double value = benchmark[row.counter].get<double>() * row.scale;
    std::string ratio;
    if (row.aim) ratio = number(row.better == Better::more ? value / *row.aim : *row.aim / value);
    std::printf("%-38s %10s %-12s %8s  %s\n", row.title, number(value).c_str(), row.unit, row.aim ? number(*row.aim).c_str() : "", ratio.c_str());
    std::fflush(stdout);
  }
  return code;
}

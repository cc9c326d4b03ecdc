// `skidpad up` on this host: three etcd members, three API servers and five workers with TLS, until ten pods are Ready; then what
// the idle components hold in memory. Needs root for full isolation, as the cluster does.
#include <benchmark/benchmark.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/cli/installation.hpp"
#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/runtime/real/real_runtime.hpp"

namespace skidpad {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using runtime::Task;

constexpr std::size_t pods_wanted = 10;
constexpr auto idle_time = 10s;

int run_skidpad(const std::string& skidpad, std::vector<std::string> arguments) {
  std::vector<char*> words;
  arguments.insert(arguments.begin(), skidpad);
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(2, 1);  // standard output is the benchmark's own
    ::execv(words[0], words.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

Json ten_pods() {
  const Json labels = {{"app", "bench"}};
  const Json container = {{"name", "workload"}, {"image", "skidpad/workload:1"}};
  const Json pod = {{"metadata", {{"labels", labels}}}, {"spec", {{"containers", Json::array({container})}, {"terminationGracePeriodSeconds", 1}}}};
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", {{"name", "bench"}, {"namespace", "default"}}},
          {"spec", {{"replicas", pods_wanted}, {"selector", {{"matchLabels", labels}}}, {"template", pod}}}};
}

bool is_ready(const Json& pod) {
  if (!pod.contains("status") || !pod["status"].contains("conditions")) return false;
  for (const Json& condition : pod["status"]["conditions"]) {
    if (condition.value("type", "") == "Ready") return condition.value("status", "") == "True";
  }
  return false;
}

Task<bool> run_pods(runtime::Runtime& runtime, std::string kubeconfig_path) {
  auto kubeconfig = client::load_kubeconfig(runtime.disk(), kubeconfig_path);
  if (!kubeconfig) co_return false;
  client::KubernetesClient admin(runtime, kubeconfig.value());
  auto created = co_await admin.create(client::types::deployments, ten_pods());
  if (!created) co_return false;
  client::ListOptions which;
  which.namespace_name = "default";
  which.label_selector = "app=bench";
  for (const auto due = runtime.now() + 60s; runtime.now() < due;) {
    auto pods = co_await admin.list(client::types::pods, which);
    std::size_t ready = 0;
    if (pods) {
      for (const auto& pod : pods.value().items) ready += is_ready(*pod);
    }
    if (ready >= pods_wanted) co_return true;
    co_await runtime.sleep_for(10ms);
  }
  co_return false;
}

/// Mean resident memory in MiB of the processes that run this program.
double resident_mib(const std::string& program) {
  double total = 0;
  int count = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::error_code error;
    if (fs::read_symlink(entry.path() / "exe", error).string() != program) continue;
    std::ifstream status(entry.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("VmRSS:", 0) == 0) total += std::atof(line.c_str() + 6) / 1024, ++count;
    }
  }
  return count == 0 ? 0 : total / count;
}

/// CPU seconds, user and system, that the cluster's processes have taken so far: all whose program lies below `folder`, and etcd.
double cpu_seconds(const std::string& folder) {
  double ticks = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::error_code error;
    const std::string program = fs::read_symlink(entry.path() / "exe", error).string();
    if (program.rfind(folder + "/", 0) != 0 && fs::path(program).filename() != "etcd") continue;
    if (program == fs::read_symlink("/proc/self/exe", error).string()) continue;
    std::ifstream file(entry.path() / "stat");
    std::string text;
    std::getline(file, text);
    std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
    std::string skipped;
    double value = 0;
    for (int number = 3; number <= 13; ++number) fields >> skipped;
    for (int number = 14; number <= 17 && fields >> value; ++number) ticks += value;  // its own, and of its children that have ended
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

void up_until_ten_pods_are_ready(benchmark::State& state) {
  const std::string skidpad = fs::path(cli::find_installation().bin_directory).parent_path() / "skidpad";
  const std::string fakes = fs::path(skidpad).parent_path() / "fakes";
  char place[] = "/tmp/skidpad-bench-XXXXXX";
  const std::string folder = ::mkdtemp(place);
  ::setenv("SKIDPAD_STATE", folder.c_str(), 1);
  double apiserver_mib = 0, kubelet_mib = 0, up_seconds = 0, cpu = 0;
  for (auto _ : state) {
    const auto begun = std::chrono::steady_clock::now();
    const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count(); };
    bool good = run_skidpad(skidpad, {"up", "--workers=5"}) == 0;
    up_seconds += elapsed();
    if (good) {
      runtime::RealRuntime runtime;
      good = runtime.run_until_complete(run_pods(runtime, folder + "/default/kubeconfig"));
    }
    state.SetIterationTime(elapsed());
    if (good) {
      cpu += cpu_seconds(fs::path(skidpad).parent_path());
      ::usleep(std::chrono::microseconds(idle_time).count());
      apiserver_mib += resident_mib(fakes + "/kube-apiserver");
      kubelet_mib += resident_mib(fakes + "/kubelet");
    }
    (void)run_skidpad(skidpad, {"down"});
    if (!good) state.SkipWithError("the cluster did not come up");
  }
  const auto runs = static_cast<double>(state.iterations());
  state.counters["up_seconds"] = up_seconds / runs;
  state.counters["cpu_seconds"] = cpu / runs;
  state.counters["apiserver_mib"] = apiserver_mib / runs;
  state.counters["kubelet_mib"] = kubelet_mib / runs;
  fs::remove_all(folder);
}
BENCHMARK(up_until_ten_pods_are_ready)->UseManualTime()->Iterations(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace skidpad

BENCHMARK_MAIN();

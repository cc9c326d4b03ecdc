#include "harness/driver/process/process_driver.hpp"

#include <unistd.h>

#include <filesystem>

#include "harness/driver/process/component_failure.hpp"
#include "harness/driver/process/sweep.hpp"

namespace skidpad::driver::process {

using runtime::Error;
using runtime::ErrorCode;
using namespace std::chrono_literals;

namespace {

constexpr auto supervisor_start_max = 10s;
/// Three etcd members with two log files of 64 MiB each, their databases, logs.
constexpr std::uintmax_t disk_free_min_bytes = 512ULL << 20;

/// A cluster on a full disk does not fail, it hangs: etcd cannot even write its first log.
Result<void> check_space(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return Error(ErrorCode::io, directory + " cannot be made: " + error.message() + "; mend: name another place with --out (run) or SKIDPAD_STATE (up)");
  const auto space = std::filesystem::space(directory, error);
  if (error || space.available >= disk_free_min_bytes) return runtime::success();
  return Error(ErrorCode::io, "only " + std::to_string(space.available >> 20) + " MiB are free at " + directory + ", and a cluster needs " +
                                  std::to_string(disk_free_min_bytes >> 20) + "; mend: free disk space, or name another place with --out (run) or SKIDPAD_STATE (up)");
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

Result<std::unique_ptr<ProcessDriver>> ProcessDriver::start(ProcessDriverOptions options) {
  TRY(check_space(options.state_directory));
  SupervisorOptions supervisor;
  supervisor.executable = options.programs.skidpad;
  supervisor.state_directory = options.state_directory;
  // Marks this cluster's processes and cgroups on the host: no other that runs now may share it.
  supervisor.run = "cluster-" + std::to_string(::getpid());
  supervisor.isolation = options.isolation;
  supervisor.seed = options.seed;
  supervisor.forwards = options.forwards;
  supervisor.provisioning_delay = runtime::format_go_duration(options.provisioning_delay);
  supervisor.visible_paths = options.programs.visible_paths;
  supervisor.die_with_parent = options.die_with_parent;
  TRY(SupervisorState state, start_supervisor(supervisor, supervisor_start_max));
  TRY(join_cluster_network(state));
  return std::unique_ptr<ProcessDriver>(new ProcessDriver(std::move(options), std::move(state)));
}

Result<std::unique_ptr<ProcessDriver>> ProcessDriver::join(std::string state_directory) {
  TRY(SupervisorState state, read_supervisor_state(state_directory));
  TRY(join_cluster_network(state));
  ProcessDriverOptions options;
  options.state_directory = std::move(state_directory);
  return std::unique_ptr<ProcessDriver>(new ProcessDriver(std::move(options), std::move(state)));
}

ProcessDriver::ProcessDriver(ProcessDriverOptions options, SupervisorState state) : options_(std::move(options)), state_(std::move(state)) {
  runtime::RealRuntimeOptions real;
  real.program = "skidpad";
  real.seed = options_.seed;
  real.stops_on_signal = true;
  real.log_level = runtime::LogLevel::warning;
  runtime_ = std::make_unique<runtime::RealRuntime>(real);
  const auto token = [this](const char* file) {
    auto text = runtime_->disk().read(options_.state_directory + "/" + file);
    return text ? trimmed(std::move(text.value())) : std::string();
  };
  user_token_ = token("provider-token");
  client::machines::MachineProviderClientOptions client;
  client.server = state_.provider;
  client.token = token("admin-token");
  machines_ = std::make_unique<MachineProviderClient>(*runtime_, std::move(client));
}

std::string ProcessDriver::lacks(Capability capability) const {
  if (capability == Capability::lose_unsynced_writes) return "a machine's files outlive its processes in the host's page cache";
  const bool links = capability == Capability::cut_links || capability == Capability::shape_links;
  if (links && state_.isolation == Isolation::loopback) return "machines on loopback addresses have no links of their own; run as root";
  const bool loopback = state_.isolation == Isolation::loopback;
  if (capability == Capability::separate_loopback && loopback) return "all machines share one 127.0.0.1; run as root";
  if (capability == Capability::pause_machines) {
    if (loopback) return "machines on loopback addresses have no cgroup; run as root";
    for (const std::string& limit : state_.limits) {
      if (limit.find("paused") != std::string::npos) return limit;
    }
  }
  return "";
}

void ProcessDriver::prepare(cluster::ClusterSpec& spec) const {
  spec.address_prefix = state_.address_prefix;
  spec.provider = state_.provider;
  spec.provider_token = user_token_;
  spec.components = options_.programs.components;
  spec.container_runtime_endpoint = options_.programs.container_runtime_endpoint;
  spec.hollow_nodes = options_.programs.hollow_nodes;
  spec.hollow_proxies = options_.programs.hollow_proxies;
}

void ProcessDriver::keep_only_logs() const {
  namespace fs = std::filesystem;
  const fs::path state = options_.state_directory;
  const fs::path logs = options_.log_directory.empty() ? state.parent_path() / "logs" : fs::path(options_.log_directory);
  std::error_code error;
  fs::rename(state / "logs", logs, error);
  fs::create_directories(logs, error);
  fs::rename(state / "supervisor.log", logs / "supervisor.log", error);
  fs::remove_all(state, error);
}

const std::optional<ComponentFailure>& ProcessDriver::component_failure() {
  if (!component_failure_) component_failure_ = find_component_failure(options_.state_directory + "/machines");
  return component_failure_;
}

Task<Leftovers> ProcessDriver::tear_down() {
  Leftovers leftovers;
  auto listed = co_await machines_->list();
  if (listed) {
    for (const auto& machine : listed.value()) co_await machines_->remove(machine.spec.name);
  }
  auto swept = sweep(options_.state_directory, LivingSupervisor::stop);
  auto found = process::leftovers(options_.state_directory);
  leftovers.checked = swept && found;
  leftovers.found = {{"processes_and_cgroups", found ? Json(found.value()) : Json::array()}};
  if (swept && !swept.value().remaining.empty()) leftovers.found["could_not_be_removed"] = swept.value().remaining;
  else keep_only_logs();
  co_return leftovers;
}

}  // namespace skidpad::driver::process

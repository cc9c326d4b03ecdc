#include "harness/cli/up_command.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "harness/cluster/cluster_maker.hpp"
#include "harness/driver/process/capabilities.hpp"
#include "harness/driver/process/sweep.hpp"
#include "harness/driver/rest_client.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::cli {
namespace {

namespace fs = std::filesystem;
using driver::process::ProcessDriver;
using runtime::Task;
using namespace std::chrono_literals;

std::string directory_of(const Installation& installation, const std::string& name) {
  const bool plain = !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  if (!plain) throw UsageError("--name: \"" + name + "\" is no name; expected lower-case letters, digits and '-'");
  return installation.state_directory + "/" + name;
}

cluster::ClusterSpec spec_of(const UpCommand& command, const Assets& assets) {
  cluster::ClusterSpec spec;
  spec.topology = command.topology;
  spec.worker_count = command.workers;
  spec.release = assets.release;
  spec.healer.enabled = command.healer;
  const std::string profile = profile_of(assets, command.profile, "fast");
  if (!history::timers_by_name(profile, spec.timers)) {
    throw UsageError("--profile: \"" + profile + "\" is no timer profile; expected fast, eased or kubernetes");
  }
  if (command.topology == cluster::TopologyType::standalone) spec.etcd_count = spec.control_plane_count = 1;
  if (command.topology == cluster::TopologyType::separated_planes) spec.control_plane_count = 2;
  return spec;
}

/// The planes' addresses are known before there are machines; see cluster_plan.hpp.
std::string api_servers_of(const cluster::ClusterSpec& spec) {
  const cluster::ClusterPlan plan = cluster::plan_cluster(spec);
  std::string all;
  for (const cluster::NodePlan* node : plan.control_plane_nodes()) {
    all += (all.empty() ? "" : ",") + node->address + ":" + std::to_string(plan.apiserver_port);
  }
  return all;
}

constexpr char binaries_file[] = "binaries.json";
/// Of a cluster that did not come up, beside its directory; no cluster may have such a name.
constexpr char logs_suffix[] = ".logs";

/// Of a cluster that did not come up: all but its logs.
Task<void> take_away(ProcessDriver& driver) {
  const driver::Leftovers leftovers = co_await driver.tear_down();
  const auto left = leftovers.found.find("could_not_be_removed");
  if (left == leftovers.found.end()) co_return;
  for (const Json& what : *left) std::cerr << "still there: " << what.get<std::string>() << std::endl;
}

Task<void> make(ProcessDriver& driver, cluster::ClusterSpec spec, std::string kubeconfig_path, std::uint16_t forward_port, runtime::Result<void>& result) {
  runtime::Runtime& runtime = driver.runtime();
  auto rendered = cluster::render_assets(spec, runtime.pki(), runtime.random());
  if (!rendered) {
    result = rendered.error();
    co_return;
  }
  const cluster::ClusterAssets assets = std::move(rendered.value());
  client::Kubeconfig for_user = assets.admin;
  if (forward_port != 0) for_user.servers = {"https://127.0.0.1:" + std::to_string(forward_port)};
  auto written = runtime.disk().write_atomically(kubeconfig_path, client::write_kubeconfig(for_user), 0600);
  if (!written) {
    result = written.error();
    co_return;
  }
  client::KubernetesClient admin(runtime, assets.admin);
  cluster::MakeOptions options;
  options.hopeless = [&driver] { return driver.component_failure() ? driver.component_failure()->headline : std::string(); };
  options.progress = [begun = runtime.now(), &runtime](std::string_view step) {
    std::cerr << "  " << step << " ready after " << runtime::seconds(runtime.now() - begun) << " s" << std::endl;
  };
  result = co_await cluster::make_cluster(runtime, driver.machines(), admin, assets, std::move(options));
}

}  // namespace

int up(const Installation& installation, const UpCommand& command) {
  const std::string directory = directory_of(installation, command.name);
  const Assets assets = find_assets(command.assets);
  cluster::ClusterSpec spec = spec_of(command, assets);
  driver::process::Programs programs = programs_of(installation);
  if (programs.components.at("etcd").executable.empty() && !assets.components.contains("etcd")) {
    throw std::runtime_error("etcd is missing; mend: apt-get install etcd-server");
  }
  if (assets.components.contains("kubelet") && spec.worker_count == 0) {
    throw UsageError("kubelet: a real one runs worker nodes, and there is none; expected --workers=1 or more");
  }
  apply(assets, programs);
  if (driver::process::read_supervisor_state(directory)) {
    throw UsageError("a cluster named " + command.name + " is already up; expected another --name, or first: skidpad down --name=" + command.name);
  }
  // Machines on loopback addresses are reached without a way in.
  const bool isolated = command.isolation == "auto" ? driver::process::detect().best_isolation() == driver::process::Isolation::namespaces
                                                    : command.isolation == "namespaces";
  if (!isolated && (spec.control_plane_count > 1 || spec.etcd_count > 1)) {
    throw std::runtime_error("without network namespaces all machines share one 127.0.0.1, and several control-plane nodes do not come up; "
                             "mend: run as root, or: skidpad up --topology=standalone");
  }
  driver::process::sweep_abandoned();
  const std::string logs = directory + logs_suffix;
  fs::remove_all(directory);
  fs::remove_all(logs);
  fs::create_directories(directory);
  driver::process::ProcessDriverOptions options;
  options.programs = std::move(programs);
  options.state_directory = directory;
  options.isolation = command.isolation;
  options.provisioning_delay = runtime::Duration::zero();
  options.die_with_parent = false;
  options.log_directory = logs;
  if (isolated) options.forwards.push_back("0=" + api_servers_of(spec));
  std::cerr << "cluster " << command.name << ": " << cluster::name(spec.topology) << ", " << spec.worker_count << " workers, timers " << spec.timers.profile
            << std::endl;
  tell_foreign(assets);
  const driver::process::Programs used = options.programs;
  auto started = ProcessDriver::start(std::move(options));
  if (!started) throw std::runtime_error(started.error().message);
  ProcessDriver& driver = *started.value();
  for (const std::string& limit : driver.limits()) std::cerr << "limit: " << limit << std::endl;
  driver.prepare(spec);
  const auto& ports = driver.supervisor().forward_ports;
  runtime::Result<void> made = runtime::success();
  const std::string kubeconfig = directory + "/kubeconfig";
  try {
    driver.run(make(driver, spec, kubeconfig, ports.empty() ? 0 : ports.front(), made));
    if (!made) {
      if (!tell_failure(driver)) std::cerr << "error: " << made.error().message << std::endl;
      driver.run(take_away(driver));
      std::cerr << "logs: " << logs << std::endl;
      return 1;
    }
  } catch (const runtime::Cancelled&) {
    // Half a cluster is of no use to anybody.
    (void)driver::process::sweep(directory, driver::process::LivingSupervisor::stop);
    fs::remove_all(directory);
    throw;
  }
  // Last: reading every program for its hash would be part of the start.
  std::ofstream(directory + "/" + binaries_file) << history::to_json(binaries_of(used, spec.release)).dump(2) << "\n";
  std::cout << "export KUBECONFIG=" << kubeconfig << std::endl;
  return 0;
}

namespace {

Task<void> tell_machines(ProcessDriver& driver, int& code) {
  auto machines = co_await driver.machines().list();
  if (!machines) {
    std::cerr << "error: " << machines.error().message << std::endl;
    code = 1;
    co_return;
  }
  std::printf("%-24s %-14s %-12s %s\n", "MACHINE", "ADDRESS", "STATE", "ROLE");
  for (const auto& machine : machines.value()) {
    const auto role = machine.spec.labels.find("role");
    std::printf("%-24s %-14s %-12s %s\n", machine.spec.name.c_str(), machine.spec.address.c_str(),
                std::string(client::machines::name(machine.state)).c_str(), role == machine.spec.labels.end() ? "" : role->second.c_str());
  }
}

}  // namespace

namespace {

/// The nodes as a user of the kubeconfig sees them.
int tell_nodes(const std::string& kubeconfig_path) {
  std::ifstream file(kubeconfig_path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  runtime::RealRuntime runtime;
  auto config = client::parse_kubeconfig(text, runtime.disk(), fs::path(kubeconfig_path).parent_path().string());
  if (!config) {
    std::cerr << "error: " << kubeconfig_path << ": " << config.error().message << std::endl;
    return 1;
  }
  auto nodes = driver::rest_get(config.value(), "/api/v1/nodes", 5s);
  if (!nodes) {
    std::cerr << "error: " << nodes.error().message << std::endl;
    return 1;
  }
  std::printf("%-24s %-10s %s\n", "NODE", "READY", "VERSION");
  int code = 0;
  for (const Json& node : runtime::list_at(nodes.value(), {"items"})) {
    const std::string ready = client::condition_status(node, "Ready");
    if (ready != "True") code = 1;
    std::printf("%-24s %-10s %s\n", client::name_of(node).c_str(), ready.c_str(), runtime::text_at(node, {"status", "nodeInfo", "kubeletVersion"}).c_str());
  }
  return code;
}

}  // namespace

namespace {

/// Which program each component of the cluster is: what `up` wrote down.
void tell_binaries(const std::string& directory) {
  std::ifstream file(directory + "/" + binaries_file);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto json = runtime::parse_json(text);
  if (!json) return;  // a cluster of an earlier build
  std::printf("%-24s %-12s %-12s %-14s %s\n", "COMPONENT", "VERSION", "WHOSE", "SHA256", "PATH");
  for (const auto& [name, binary] : history::binaries_from_json(json.value(), directory + "/" + binaries_file)) {
    std::printf("%-24s %-12s %-12s %-14s %s\n", name.c_str(), binary.version.c_str(), binary.owner.c_str(), binary.sha256.substr(0, 12).c_str(), binary.path.c_str());
  }
}

}  // namespace

int status(const Installation& installation, const std::string& name) {
  const std::string directory = directory_of(installation, name);
  if (!driver::process::read_supervisor_state(directory)) {
    std::cout << "cluster " << name << " is not up" << std::endl;
    return 1;
  }
  // From outside first: afterwards this process is inside the cluster's network.
  int code = tell_nodes(directory + "/kubeconfig");
  auto joined = ProcessDriver::join(directory);
  if (!joined) throw std::runtime_error(joined.error().message);
  joined.value()->run(tell_machines(*joined.value(), code));
  tell_binaries(directory);
  std::fflush(stdout);
  std::cout << "export KUBECONFIG=" << directory << "/kubeconfig" << std::endl;
  return code;
}

int down(const Installation& installation, const std::string& name) {
  const std::string directory = directory_of(installation, name);
  std::vector<std::string> remaining;
  if (fs::exists(directory)) {
    auto swept = driver::process::sweep(directory, driver::process::LivingSupervisor::stop);
    if (!swept) throw std::runtime_error(swept.error().message);
    remaining = swept.value().remaining;
    if (remaining.empty()) fs::remove_all(directory);
  }
  fs::remove_all(directory + logs_suffix);
  const driver::process::SweepReport abandoned = driver::process::sweep_abandoned();
  remaining.insert(remaining.end(), abandoned.remaining.begin(), abandoned.remaining.end());
  for (const std::string& what : remaining) std::cerr << "still there: " << what << std::endl;
  if (remaining.empty()) std::cout << "cluster " << name << " is down, nothing left" << std::endl;
  return remaining.empty() ? 0 : 1;
}

}  // namespace skidpad::cli

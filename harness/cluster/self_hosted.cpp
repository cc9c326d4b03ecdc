#include "harness/cluster/self_hosted.hpp"

#include "controllers/bootstrapper/assets.hpp"
#include "harness/cluster/manifests.hpp"

namespace skidpad::cluster {
namespace {

using client::machines::MachineFile;
using client::machines::MachineUnit;
using controllers::bootstrapper::RenderInput;
using runtime::Error;
using runtime::ErrorCode;
using runtime::success;

constexpr char asset_directory[] = "/opt/bootstrap/assets";
constexpr int revisions_raised = 2000;  ///< more than a cluster writes from one snapshot to the next
constexpr char pki_directory[] = "/etc/kubernetes/pki/";

/// What the static control plane needed on its nodes and this one has in Secrets.
constexpr const char* static_files[] = {
    "/etc/kubernetes/manifests/kube-apiserver.yaml", "/etc/kubernetes/manifests/kube-controller-manager.yaml", "/etc/kubernetes/manifests/kube-scheduler.yaml",
    "/etc/kubernetes/controller-manager.conf", "/etc/kubernetes/scheduler.conf", "/etc/kubernetes/pki/ca.key", "/etc/kubernetes/pki/sa.pub",
    "/etc/kubernetes/pki/sa.key", "/etc/kubernetes/pki/tokens.csv", "/etc/kubernetes/pki/apiserver.crt", "/etc/kubernetes/pki/apiserver.key",
    "/etc/kubernetes/pki/apiserver-kubelet-client.crt", "/etc/kubernetes/pki/apiserver-kubelet-client.key",
    "/etc/kubernetes/pki/apiserver-etcd-client.crt", "/etc/kubernetes/pki/apiserver-etcd-client.key",
    "/etc/kubernetes/pki/front-proxy-ca.crt", "/etc/kubernetes/pki/front-proxy-client.crt", "/etc/kubernetes/pki/front-proxy-client.key"};

MachineSpec* machine_named(ClusterAssets& assets, const std::string& name) {
  for (MachineSpec& machine : assets.machines) {
    if (machine.name == name) return &machine;
  }
  return nullptr;
}

const NodePlan& first_node(const ClusterPlan& plan) {
  const auto nodes = plan.control_plane_nodes();
  ASSERT(!nodes.empty());
  return *nodes.front();
}

Result<std::string> content_of(const MachineSpec& machine, const std::string& path) {
  for (const MachineFile& file : machine.files) {
    if (file.path == path) return file.content;
  }
  return Error(ErrorCode::not_found, machine.name + " has no " + path);
}

std::int64_t seconds_at_least_one(runtime::Duration duration) {
  return std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

/// The original's 5 s beside the stock monitor grace of 50 s, and in the same ratio for other profiles.
runtime::Duration checkpoint_poll(const history::Timers& timers) { return timers.node_monitor_grace_period / 10; }

controllers::bootstrapper::ControlPlaneInput control_plane_input(const ClusterSpec& spec, const ClusterPlan& plan) {
  const history::Timers& timers = spec.timers;
  controllers::bootstrapper::ControlPlaneInput input;
  for (const char* component : {"kube-apiserver", "kube-controller-manager", "kube-scheduler"}) input.images[component] = image_of(spec, component);
  input.images["pod-checkpointer"] = image_of(spec, "checkpointer");
  for (const NodePlan* node : plan.etcd_nodes()) input.etcd_servers.push_back("https://" + node->address + ":2379");
  input.service_cidr = plan.service_cidr;
  input.bootstrap_address = first_node(plan).address;
  input.api_url = "https://127.0.0.1:" + std::to_string(plan.balancer_port);
  input.replicas = plan.control_plane_nodes().size();
  input.toleration_seconds = seconds_at_least_one(timers.toleration);
  input.probe_period_seconds = seconds_at_least_one(timers.probe_period);
  input.node_monitor_period = timers.node_monitor_period;
  input.node_monitor_grace_period = timers.node_monitor_grace_period;
  input.leader_lease_duration = timers.leader_lease_duration;
  input.leader_renew_deadline = timers.leader_renew_deadline;
  input.leader_retry_period = timers.leader_retry_period;
  input.checkpoint_poll_interval = checkpoint_poll(timers);
  input.checkpoint_refresh_interval = 12 * checkpoint_poll(timers);
  input.checkpoint_grace_period = 12 * checkpoint_poll(timers);
  input.rescue_after = 12 * checkpoint_poll(timers);
  input.termination_grace_seconds = seconds_at_least_one(timers.termination_grace_period);
  return input;
}

Result<RenderInput> render_input(const ClusterSpec& spec, const ClusterAssets& assets, const MachineSpec& first) {
  const auto pki = [&](const char* file) { return content_of(first, std::string(pki_directory) + file); };
  RenderInput input;
  input.control_plane = control_plane_input(spec, assets.plan);
  TRY(input.authorities.cluster.certificate_pem, pki("ca.crt"));
  TRY(input.authorities.cluster.key_pem, pki("ca.key"));
  TRY(input.authorities.etcd_ca_pem, pki("etcd/ca.crt"));
  TRY(input.authorities.etcd_client.certificate_pem, pki("apiserver-etcd-client.crt"));
  TRY(input.authorities.etcd_client.key_pem, pki("apiserver-etcd-client.key"));
  TRY(input.authorities.service_accounts.certificate_pem, pki("sa.pub"));
  TRY(input.authorities.service_accounts.key_pem, pki("sa.key"));
  TRY(input.authorities.tokens_csv, pki("tokens.csv"));
  for (const NodePlan* node : assets.plan.control_plane_nodes()) {
    input.api_servers.push_back("https://" + node->address + ":" + std::to_string(assets.plan.apiserver_port));
    input.further_names.push_back(node->name);
  }
  input.further_names.insert(input.further_names.end(), spec.apiserver_names.begin(), spec.apiserver_names.end());
  input.service_address = assets.plan.service_address;
  std::size_t number = 100;
  for (const Json& object : assets.objects) {
    const std::string kind = runtime::text_at(object, {"kind"});
    std::string name = runtime::text_at(object, {"metadata", "name"});
    std::replace(name.begin(), name.end(), ':', '-');
    input.further_objects[std::to_string(number++) + "-" + name + "-" + kind + ".yaml"] = object;
  }
  return input;
}

MachineUnit bootstrap_unit(const ClusterSpec& spec, std::vector<std::string> arguments, const char* name = "bootstrap") {
  MachineUnit unit;
  unit.name = name;
  unit.argv = {spec.components.at("skidpad-bootstrap").executable};
  unit.argv.insert(unit.argv.end(), arguments.begin(), arguments.end());
  unit.restart_seconds = runtime::seconds(spec.timers.kubelet_restart_delay);
  return unit;
}

std::vector<std::string> start_arguments(const ClusterSpec& spec) {
  return {"start", std::string("--asset-dir=${ROOT}") + asset_directory, "--pod-manifest-path=${ROOT}/etc/kubernetes/manifests",
          "--bootstrap-secrets-dir=${ROOT}/etc/kubernetes/bootstrap-secrets",
          "--poll-interval=" + runtime::format_go_duration(std::min<runtime::Duration>(checkpoint_poll(spec.timers), std::chrono::seconds(5))), "--stay=true"};
}

/// The balancers know the temporary API server too: while nothing else serves, it is all there is.
Result<void> add_balancer_target(MachineSpec& machine, const std::string& target) {
  for (MachineFile& file : machine.files) {
    if (!file.path.ends_with("/apiserver-balancer.yaml")) continue;
    TRY(Json pod, runtime::parse_json(file.content));
    for (Json& word : pod["spec"]["containers"][0]["command"]) {
      const std::string text = word.get<std::string>();
      if (text.starts_with("--apiserver-balancer=")) word = text + "," + target;
    }
    file.content = pod.dump(2);
  }
  return success();
}

void label_control_plane(MachineSpec& machine) {
  for (MachineUnit& unit : machine.units)
    if (unit.name == "kubelet") unit.argv.push_back(std::string("--node-labels=") + controllers::bootstrapper::control_plane_label + "=true");
}

/// The flags that let a bootstrapper read etcd, and the files behind them.
void add_etcd_access(const ClusterAssets& assets, MachineSpec& machine, std::vector<std::string>& arguments) {
  const auto add = [&](const char* path, const std::string& content, unsigned mode) {
    std::erase_if(machine.files, [&](const MachineFile& file) { return file.path == path; });
    machine.files.push_back(MachineFile{path, content, mode});
  };
  add("/opt/bootstrap/etcd/ca.crt", assets.etcd_ca_pem, 0644);
  add("/opt/bootstrap/etcd/client.crt", assets.etcd_client_certificate_pem, 0644);
  add("/opt/bootstrap/etcd/client.key", assets.etcd_client_key_pem, 0600);
  std::string servers;
  for (const NodePlan* node : assets.plan.etcd_nodes()) servers += (servers.empty() ? "" : ",") + ("https://" + node->address + ":2379");
  arguments.insert(arguments.end(), {"--etcd-servers=" + servers, "--etcd-ca-path=${ROOT}/opt/bootstrap/etcd/ca.crt",
                                     "--etcd-certificate-path=${ROOT}/opt/bootstrap/etcd/client.crt",
                                     "--etcd-private-key-path=${ROOT}/opt/bootstrap/etcd/client.key"});
}

/// Where `skidpad-bootstrap start --recover` is run when all control-plane machines are lost: the first one's machine, with what is needed
/// to read etcd instead of assets.
MachineSpec recovery_machine(const ClusterSpec& spec, const ClusterAssets& assets) {
  const NodePlan& first_plan = first_node(assets.plan);
  MachineSpec machine;
  for (const MachineSpec& known : assets.machines) {
    if (known.name == first_plan.name) machine = known;
  }
  std::erase_if(machine.files, [](const MachineFile& file) { return file.path.starts_with(asset_directory); });
  std::erase_if(machine.units, [](const MachineUnit& unit) { return unit.name == "bootstrap"; });
  std::vector<std::string> arguments = start_arguments(spec);
  arguments.insert(arguments.end(), {"--recover=true", "--bootstrap-address=${ADDRESS}"});
  add_etcd_access(assets, machine, arguments);
  machine.units.push_back(bootstrap_unit(spec, std::move(arguments)));
  return machine;
}

/// As above when etcd is lost, too: its machines make their data of a snapshot that somebody lays there, before their etcd starts.
std::vector<MachineSpec> snapshot_machines(const ClusterSpec& spec, const ClusterAssets& assets) {
  std::vector<MachineSpec> machines;
  for (const NodePlan* node : assets.plan.etcd_nodes()) {
    const bool first = node->name == assets.recovery_machine->name;
    MachineSpec machine = first ? *assets.recovery_machine : *std::find_if(assets.machines.begin(), assets.machines.end(), [&](const MachineSpec& known) { return known.name == node->name; });
    for (MachineFile& file : machine.files) {
      if (file.path == "/etc/kubernetes/manifests/etcd.yaml") file.path = "/opt/bootstrap/etcd.yaml";
    }
    std::vector<std::string> arguments = {"recover", std::string("--snapshot=${ROOT}") + snapshot_path, "--cluster-ca=${ROOT}/etc/kubernetes/pki/ca.crt",
                                          "--etcd-manifest=${ROOT}/opt/bootstrap/etcd.yaml", "--pod-manifest-path=${ROOT}/etc/kubernetes/manifests",
                                          "--stay=true"};
    add_etcd_access(assets, machine, arguments);
    for (MachineUnit& unit : machine.units) {
      if (unit.name == "bootstrap") unit.argv.push_back("--raise-revision=" + std::to_string(revisions_raised));
    }
    machine.units.push_back(bootstrap_unit(spec, std::move(arguments), "restore-etcd"));
    machines.push_back(std::move(machine));
  }
  return machines;
}

}  // namespace

Result<void> host_itself(const ClusterSpec& spec, ClusterAssets& assets, runtime::Pki& pki) {
  const NodePlan& first_plan = first_node(assets.plan);
  MachineSpec* first = machine_named(assets, first_plan.name);
  ASSERT(first != nullptr);
  TRY(const RenderInput input, render_input(spec, assets, *first));
  TRY(const auto files, controllers::bootstrapper::render(input, pki));
  const std::string target = first_plan.address + ":" + std::to_string(controllers::bootstrapper::bootstrap_apiserver_port);
  for (MachineSpec& machine : assets.machines) {
    const auto nodes = assets.plan.control_plane_nodes();
    const bool control_plane = std::any_of(nodes.begin(), nodes.end(), [&](const NodePlan* node) { return node->name == machine.name; });
    TRY(add_balancer_target(machine, target));
    if (!control_plane) continue;
    label_control_plane(machine);
    std::erase_if(machine.files, [](const MachineFile& file) {
      return std::find(std::begin(static_files), std::end(static_files), file.path) != std::end(static_files);
    });
  }
  TRY(add_balancer_target(assets.worker_template, target));
  for (const auto& [path, file] : files) first->files.push_back(MachineFile{std::string(asset_directory) + "/" + path, file.content, file.mode});
  first->units.push_back(bootstrap_unit(spec, start_arguments(spec)));
  assets.recovery_machine = recovery_machine(spec, assets);
  assets.snapshot_machines = snapshot_machines(spec, assets);
  assets.objects.clear();  // the bootstrapper creates them
  return success();
}

}  // namespace skidpad::cluster

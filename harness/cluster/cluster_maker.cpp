#include "harness/cluster/cluster_maker.hpp"

namespace skidpad::cluster {
namespace {

using client::KubernetesClient;
using client::machines::MachineProviderClient;
using runtime::Error;
using runtime::ErrorCode;
using runtime::Instant;
using runtime::Runtime;
using runtime::success;

constexpr Duration look_interval = std::chrono::milliseconds(500);

class Maker {
 public:
  Maker(Runtime& runtime, MachineProviderClient& machines, KubernetesClient& admin, const ClusterAssets& assets, MakeOptions options)
      : runtime_(runtime), machines_(machines), admin_(admin), assets_(assets), options_(std::move(options)),
        due_(runtime.now() + options_.deadline) {}

  Task<Result<void>> run() {
    auto made = co_await make_machines();
    if (!made) co_return made.error();
    done("machines");
    auto serving = co_await wait_until("the API server", &Maker::api_serves);
    if (!serving) co_return serving.error();
    done("api");
    for (const Json& object : assets_.objects) {
      auto created = co_await create(object);
      if (!created) co_return created.error();
    }
    done("add-ons");
    auto labelled = co_await wait_until("all nodes to register", &Maker::label_nodes);
    if (!labelled) co_return labelled.error();
    auto ready = co_await wait_until("all nodes to be Ready", &Maker::nodes_ready);
    if (!ready) co_return ready.error();
    auto running = co_await wait_until("all add-on pods to be Ready", &Maker::pods_ready);
    if (!running) co_return running.error();
    done("nodes");
    co_return success();
  }

 private:
  void done(std::string_view step) {
    if (options_.progress) options_.progress(step);
  }

  Task<Result<void>> make_machines() {
    for (const MachineSpec& machine : assets_.machines) {
      auto created = co_await machines_.create(machine);
      if (!created) co_return wrap(created.error(), "creating machine " + machine.name);
    }
    for (const MachineSpec& machine : assets_.machines) {
      auto running = co_await machines_.wait_until_running(machine.name, due_ - runtime_.now());
      if (!running) co_return wrap(running.error(), "starting machine " + machine.name);
    }
    co_return success();
  }

  using Condition = Task<Result<bool>> (Maker::*)();
  /// Polls until the condition says true; its errors are ordinary while the cluster comes up.
  Task<Result<void>> wait_until(std::string what, Condition condition) {
    std::string last = "nothing yet";
    while (runtime_.now() < due_) {
      auto holds = co_await (this->*condition)();
      if (holds && holds.value()) co_return success();
      if (!holds) last = holds.error().message;
      if (holds && !missing_.empty()) last = missing_;
      // A control plane that hosts itself has programs wait for each other's ports by ending and starting again.
      const bool hosts_itself = assets_.recovery_machine.has_value();
      if (options_.hopeless && !hosts_itself && runtime_.now() >= next_look_) {
        next_look_ = runtime_.now() + look_interval;
        if (const std::string why = options_.hopeless(); !why.empty()) co_return Error(ErrorCode::invalid, why);
      }
      co_await runtime_.sleep_for(options_.poll_interval);
    }
    co_return Error(ErrorCode::timeout, "waited in vain for " + what + ": " + last);
  }

  Task<Result<bool>> api_serves() {
    auto answer = co_await admin_.raw("GET", "/readyz");
    if (!answer) co_return answer.error();
    co_return true;
  }

  Task<Result<void>> create(Json object) {
    auto type = type_of(object);
    if (!type) co_return type.error();
    const std::string name = object["kind"].get<std::string>() + " " + client::key_of(object);
    for (;;) {
      auto created = co_await admin_.create(type.value(), object);
      if (created || created.error().code == ErrorCode::already_exists) co_return success();
      const ErrorCode code = created.error().code;
      // Of several API servers one may have come up just now: its admission is the last thing to be ready, and says no until then.
      const bool starting = created.error().message.find("not yet ready to handle request") != std::string::npos;
      if (code == ErrorCode::invalid || (code == ErrorCode::forbidden && !starting) || runtime_.now() > due_) {
        co_return wrap(created.error(), "creating " + name);
      }
      co_await runtime_.sleep_for(options_.poll_interval);
    }
  }

  /// Roles are labels that a kubelet may not give itself; kubeadm's init phase does the same.
  Task<Result<bool>> label_nodes() {
    while (labelled_ < assets_.plan.nodes.size()) {
      const NodePlan& node = assets_.plan.nodes[labelled_];
      Json labels = Json::object();
      if (node.control_plane) labels["node-role.kubernetes.io/control-plane"] = "";
      if (node.etcd) labels["node-role.kubernetes.io/etcd"] = "";
      if (node.worker) labels["node-role.kubernetes.io/worker"] = "";
      Json patch;
      patch["metadata"]["labels"] = std::move(labels);
      auto patched = co_await admin_.patch(client::types::nodes, "", node.name, client::PatchType::merge, std::move(patch));
      missing_ = "node " + node.name;
      if (!patched) co_return patched.error();
      ++labelled_;
    }
    missing_.clear();
    co_return true;
  }

  Task<Result<bool>> nodes_ready() {
    auto nodes = co_await admin_.list(client::types::nodes);
    if (!nodes) co_return nodes.error();
    for (const auto& node : nodes.value().items) {
      if (client::is_node_ready(*node)) continue;
      missing_ = "node " + client::name_of(*node) + " is not Ready";
      co_return false;
    }
    missing_ = "a node is missing";
    co_return nodes.value().items.size() >= assets_.plan.nodes.size() + assets_.plan.hollow.names.size();
  }

  Task<Result<bool>> pods_ready() {
    // The DaemonSet's two numbers first: a list of all pods every few milliseconds would cost what the cluster starts with.
    auto proxies = co_await admin_.get(client::types::daemon_sets, "kube-system", "kube-proxy");
    if (!proxies) co_return proxies.error();
    missing_ = "kube-proxy is not on every node";
    // Where the user's kubelet is, kube-proxy is no pod.
    const auto& nodes = assets_.plan.nodes;
    const auto wanted = std::count_if(nodes.begin(), nodes.end(), [](const NodePlan& node) { return !node.real_kubelet; });
    if (runtime::integer_at(proxies.value(), {"status", "numberReady"}) < wanted) co_return false;
    client::ListOptions in_system;
    in_system.namespace_name = "kube-system";
    auto pods = co_await admin_.list(client::types::pods, std::move(in_system));
    if (!pods) co_return pods.error();
    for (const auto& pod : pods.value().items) {
      // What a hollow node says of its pods is made up.
      const auto& hollow = assets_.plan.hollow.names;
      if (client::is_pod_ready(*pod) || std::find(hollow.begin(), hollow.end(), runtime::text_at(*pod, {"spec", "nodeName"})) != hollow.end()) continue;
      missing_ = "pod " + client::name_of(*pod) + " is not Ready";
      co_return false;
    }
    for (const auto& pod : pods.value().items) {
      if (!runtime::text_at(client::labels_of(*pod), {"component"}).starts_with("bootstrap-")) continue;
      missing_ = "the temporary control plane still runs";
      co_return false;
    }
    co_return true;
  }

  Runtime& runtime_;
  MachineProviderClient& machines_;
  KubernetesClient& admin_;
  const ClusterAssets& assets_;
  MakeOptions options_;
  Instant due_;
  Instant next_look_{};
  std::size_t labelled_ = 0;
  std::string missing_;
};

}  // namespace

Result<client::ResourceType> type_of(const Json& object) {
  using namespace client::types;
  static const client::ResourceType* const known[] = {
      &pods, &nodes, &namespaces, &services, &endpoints, &config_maps, &secrets, &service_accounts, &deployments, &replica_sets,
      &daemon_sets, &stateful_sets, &jobs, &cron_jobs, &leases, &pod_disruption_budgets, &roles, &role_bindings, &cluster_roles,
      &cluster_role_bindings, &custom_resource_definitions, &priority_classes};
  const std::string api_version = runtime::text_at(object, {"apiVersion"});
  const std::string kind = runtime::text_at(object, {"kind"});
  for (const client::ResourceType* type : known) {
    if (type->kind == kind && type->api_version() == api_version) return *type;
  }
  return Error(ErrorCode::invalid, "unknown kind " + api_version + " " + kind);
}

Task<Result<void>> make_cluster(Runtime& runtime, MachineProviderClient& machines, KubernetesClient& admin, const ClusterAssets& assets,
                                MakeOptions options) {
  Maker maker(runtime, machines, admin, assets, std::move(options));
  co_return co_await maker.run();
}

}  // namespace skidpad::cluster

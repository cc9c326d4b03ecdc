#include "harness/scenario/cluster_view.hpp"

namespace skidpad::scenario {
namespace {

using client::ObjectPointer;
using runtime::text_at;
using namespace std::chrono_literals;

constexpr std::uint16_t etcd_port = 2379;
constexpr std::uint16_t etcd_metrics_port = 2381;
constexpr Duration ask_time_max = 1s;

client::InformerOptions in_namespace(std::string name) {
  client::InformerOptions options;
  options.namespace_name = std::move(name);
  options.backoff_first = 100ms;
  options.backoff_max = 1s;
  return options;
}

client::EtcdClientOptions etcd_options(const cluster::ClusterAssets& assets) {
  client::EtcdClientOptions options;
  for (const cluster::NodePlan* node : assets.plan.etcd_nodes()) options.endpoints.push_back(runtime::Endpoint{node->address, etcd_port});
  runtime::TlsClientOptions tls;
  tls.ca_pem = assets.etcd_ca_pem;
  tls.certificate_pem = assets.etcd_client_certificate_pem;
  tls.key_pem = assets.etcd_client_key_pem;
  options.tls = std::move(tls);
  options.connect_timeout = options.request_timeout = ask_time_max;
  return options;
}

/// Pods of the control plane and controllers tell of layer "controllers"; what runs on every node anyway tells of none.
std::string_view layer_of(const Json& pod, const std::string& workload_namespace) {
  if (client::namespace_of(pod) == workload_namespace) return "workload";
  const Json& labels = client::labels_of(pod);
  const std::string component = text_at(labels, {"component"});
  if (component == "kube-scheduler" || component == "kube-controller-manager" || text_at(labels, {"app"}) == "node-healer") return "controllers";
  return "";
}

}  // namespace

ClusterView::ClusterView(runtime::Runtime& runtime, client::KubernetesClient& admin, const cluster::ClusterAssets& assets,
                         history::Recorder& recorder, Instant start, ViewOptions options)
    : runtime_(runtime),
      admin_(admin),
      assets_(assets),
      recorder_(recorder),
      start_(start),
      options_(std::move(options)),
      informers_(admin),
      node_informer_(informers_.informer(client::types::nodes, in_namespace(""))),
      pod_informer_(informers_.informer(client::types::pods, in_namespace(""))),
      deployment_informer_(informers_.informer(client::types::deployments, in_namespace(options_.workload_namespace))),
      lease_informer_(informers_.informer(client::types::leases, in_namespace("kube-system"))),
      event_informer_(informers_.informer(client::types::events, in_namespace(""))),
      etcd_client_(runtime, etcd_options(assets)) {
  etcd_.wanted = assets_.plan.etcd_nodes().size();
  api_servers_.wanted = assets_.plan.control_plane_nodes().size();
  // First of all handlers: the others may ask for the counts.
  const auto count_again = [this](const ObjectPointer&) {
    counted_nodes_.reset();
    counted_pods_.reset();
  };
  for (client::Informer* informer : {&node_informer_, &pod_informer_, &deployment_informer_}) informer->add_handler(client::on_any_change(count_again));
  watch_nodes();
  watch_pods();
  watch_leases();
  watch_events();
}

void ClusterView::record_object(const std::string& subject, std::string_view change, std::string_view layer, bool healthy, Json extra) {
  recorder_.object(now(), subject, change, layer, healthy, std::move(extra));
}

void ClusterView::watch_nodes() {
  const auto tell = [this](const ObjectPointer& node, std::string_view change) {
    Json extra = {{"ready", client::condition_status(*node, "Ready")}};
    if (runtime::bool_at(*node, {"spec", "unschedulable"})) extra["unschedulable"] = true;
    if (client::is_deleting(*node)) extra["deleting"] = true;
    record_object("Node/" + client::name_of(*node), change, "nodes", change != "deleted" && client::is_node_ready(*node), std::move(extra));
  };
  client::InformerHandler handler;
  handler.added = [tell](const ObjectPointer& node) { tell(node, "added"); };
  handler.updated = [tell](const ObjectPointer& before, const ObjectPointer& node) {
    // Heartbeats change nothing that a reader of the trace could use.
    const bool same = client::condition_status(*before, "Ready") == client::condition_status(*node, "Ready") &&
                      runtime::find(*before, {"spec"}) == runtime::find(*node, {"spec"}) && client::is_deleting(*before) == client::is_deleting(*node);
    if (!same) tell(node, "modified");
  };
  handler.deleted = [tell](const ObjectPointer& node) { tell(node, "deleted"); };
  node_informer_.add_handler(std::move(handler));
}

void ClusterView::watch_pods() {
  const auto tell = [this](const ObjectPointer& pod, std::string_view change) {
    const std::string_view layer = layer_of(*pod, options_.workload_namespace);
    if (layer.empty()) return;
    Json extra = {{"node", text_at(*pod, {"spec", "nodeName"})}, {"phase", text_at(*pod, {"status", "phase"})}};
    if (client::is_deleting(*pod)) extra["deleting"] = true;
    record_object("Pod/" + client::key_of(*pod), change, layer, change != "deleted" && client::is_pod_ready(*pod) && !client::is_deleting(*pod), std::move(extra));
  };
  client::InformerHandler handler;
  handler.added = [tell](const ObjectPointer& pod) { tell(pod, "added"); };
  handler.updated = [tell](const ObjectPointer& before, const ObjectPointer& pod) {
    const bool same = client::is_pod_ready(*before) == client::is_pod_ready(*pod) && client::is_deleting(*before) == client::is_deleting(*pod) &&
                      text_at(*before, {"spec", "nodeName"}) == text_at(*pod, {"spec", "nodeName"}) &&
                      text_at(*before, {"status", "phase"}) == text_at(*pod, {"status", "phase"});
    if (!same) tell(pod, "modified");
  };
  handler.deleted = [tell](const ObjectPointer& pod) { tell(pod, "deleted"); };
  pod_informer_.add_handler(std::move(handler));
}

void ClusterView::watch_leases() {
  const auto tell = [this](const ObjectPointer& lease, std::string_view change) {
    const std::string holder = text_at(*lease, {"spec", "holderIdentity"});
    Json extra = Json::object();
    extra["holder"] = holder;
    // Its health is its holder's pod's; a Lease by itself has no level.
    recorder_.event(now(), history::event_kind::object, "Lease/" + client::key_of(*lease),
                    {{"change", change}, {"layer", "controllers"}, {"holder", holder}});
  };
  client::InformerHandler handler;
  handler.added = [tell](const ObjectPointer& lease) { tell(lease, "added"); };
  handler.updated = [tell](const ObjectPointer& before, const ObjectPointer& lease) {
    if (text_at(*before, {"spec", "holderIdentity"}) != text_at(*lease, {"spec", "holderIdentity"})) tell(lease, "modified");
  };
  handler.deleted = [tell](const ObjectPointer& lease) { tell(lease, "deleted"); };
  lease_informer_.add_handler(std::move(handler));
}

void ClusterView::watch_events() {
  const auto tell = [this](const ObjectPointer& event) {
    const std::string kind = text_at(*event, {"involvedObject", "kind"});
    const std::string name = text_at(*event, {"involvedObject", "name"});
    const std::string reason = text_at(*event, {"reason"});
    const std::string message = text_at(*event, {"message"});
    std::string source = text_at(*event, {"source", "component"});
    if (source.empty()) source = text_at(*event, {"reportingComponent"});
    recorder_.kubernetes_event(now(), kind + "/" + name, reason, message, source);
    if (source != "node-healer") return;
    // The healer's own account of what it does, by node.
    if (reason == "RemediationStarted") recorder_.remediation(now(), name, "started", message);
    if (reason == "RemediationFinished") recorder_.remediation(now(), name, "finished", message);
    if (reason == "RemediationFailed") recorder_.remediation(now(), name, "failed", message);
    if (reason == "RemediationRestricted") recorder_.remediation(now(), name, "restricted", message);
  };
  client::InformerHandler handler;
  handler.added = tell;
  event_informer_.add_handler(std::move(handler));
}

Task<void> ClusterView::run() {
  runtime::StopState& stop = co_await runtime::CurrentStop();
  runtime::TaskGroup tasks(stop);
  informers_.start(tasks);
  tasks.spawn("poll_etcd", poll_etcd());
  tasks.spawn("poll_api_servers", poll_api_servers());
  co_await tasks.join();
}

Task<void> ClusterView::wait_until_synced() { return informers_.wait_until_synced(); }

Task<void> ClusterView::poll_etcd() {
  std::optional<std::size_t> told;
  std::set<std::string> placed;
  for (;;) {
    std::size_t healthy = 0;
    std::optional<std::string> leader;
    for (const cluster::NodePlan* node : assets_.plan.etcd_nodes()) {
      runtime::Endpoint endpoint{node->address, etcd_port};
      auto status = co_await etcd_client_.status(std::move(endpoint));
      if (!status || status.value().leader == client::MemberId{}) continue;
      ++healthy;
      // Which node holds which member decides later whether a fault explains a lost quorum; pods need not tell.
      if (placed.insert(node->name).second) {
        recorder_.event(now(), history::event_kind::object, "EtcdMember/" + client::to_text(status.value().header.member_id),
                        {{"change", "added"}, {"layer", "etcd"}, {"node", node->name}});
      }
      if (status.value().leader == status.value().header.member_id) leader = node->name;
    }
    etcd_.healthy = healthy;
    etcd_leader_ = leader;
    if (told != healthy) recorder_.level(now(), "etcd", static_cast<std::int64_t>(healthy), static_cast<std::int64_t>(etcd_.wanted));
    told = healthy;
    co_await runtime_.sleep_for(options_.poll_interval);
  }
}

Task<void> ClusterView::poll_api_servers() {
  std::vector<std::unique_ptr<client::KubernetesClient>> servers;
  client::ClientOptions options;
  options.user_agent = "skidpad-view";
  options.connect_timeout = options.request_timeout = ask_time_max;
  for (const std::string& server : assets_.admin.servers) {
    client::Kubeconfig config = assets_.admin;
    config.servers = {server};
    servers.push_back(std::make_unique<client::KubernetesClient>(runtime_, std::move(config), options));
  }
  std::optional<std::size_t> told;
  for (;;) {
    std::size_t healthy = 0;
    for (const auto& server : servers) {
      auto answer = co_await server->raw("GET", "/readyz");
      if (answer) ++healthy;
    }
    api_servers_.healthy = healthy;
    if (told != healthy) recorder_.level(now(), "api", static_cast<std::int64_t>(healthy), static_cast<std::int64_t>(api_servers_.wanted));
    told = healthy;
    co_await runtime_.sleep_for(options_.poll_interval);
  }
}

Health ClusterView::nodes() const {
  if (counted_nodes_) return *counted_nodes_;
  Health& health = counted_nodes_.emplace();
  health.wanted = assets_.plan.nodes.size();
  for (const auto& [key, node] : node_informer_.store().objects()) health.healthy += client::is_node_ready(*node) ? 1 : 0;
  return health;
}

Health ClusterView::pods() const {
  if (counted_pods_) return *counted_pods_;
  Health& health = counted_pods_.emplace();
  for (const auto& [key, deployment] : deployment_informer_.store().objects()) {
    health.wanted += static_cast<std::size_t>(runtime::integer_at(*deployment, {"spec", "replicas"}, 1));
  }
  for (const ObjectPointer& pod : pod_informer_.store().in_namespace(options_.workload_namespace)) {
    const ObjectPointer node = node_informer_.store().find(text_at(*pod, {"spec", "nodeName"}));
    // A pod that claims to be Ready on a node that is not tells of the past.
    if (client::is_pod_ready(*pod) && !client::is_deleting(*pod) && node && client::is_node_ready(*node)) ++health.healthy;
  }
  return health;
}

std::vector<std::string> ClusterView::worker_names() const {
  std::set<std::string> names;
  for (const auto& [key, node] : node_informer_.store().objects()) names.insert(key);
  for (const cluster::NodePlan& node : assets_.plan.nodes) {
    if (node.control_plane || node.etcd) names.erase(node.name);
  }
  for (const std::string& hollow : assets_.plan.hollow.names) names.erase(hollow);
  return std::vector<std::string>(names.begin(), names.end());
}

std::vector<std::string> ClusterView::nodes_with_workload() const {
  std::set<std::string> names;
  for (const ObjectPointer& pod : pod_informer_.store().in_namespace(options_.workload_namespace)) {
    if (client::is_pod_ready(*pod)) names.insert(text_at(*pod, {"spec", "nodeName"}));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

std::string ClusterView::leading_node(const std::string& lease) const {
  const ObjectPointer found = lease_informer_.store().find("kube-system", lease);
  if (!found) return "";
  const std::string holder = text_at(*found, {"spec", "holderIdentity"});
  const std::string name = holder.substr(0, holder.find('_'));
  const ObjectPointer pod = pod_informer_.store().find("kube-system", name);
  return pod ? text_at(*pod, {"spec", "nodeName"}) : name;
}

std::string ClusterView::node_address(const std::string& node) const {
  const ObjectPointer found = node_informer_.store().find(node);
  if (!found) return "";
  for (const Json& address : runtime::list_at(*found, {"status", "addresses"})) {
    if (text_at(address, {"type"}) == "InternalIP") return text_at(address, {"address"});
  }
  return "";
}

std::vector<workload::ScrapeTarget> ClusterView::scrape_targets() const {
  std::vector<workload::ScrapeTarget> targets;
  for (const ObjectPointer& pod : pod_informer_.store().in_namespace("kube-system")) {
    const std::string app = text_at(client::labels_of(*pod), {"app"});
    if ((app != "node-healer" && app != "etcd-operator") || !client::is_pod_ready(*pod)) continue;
    workload::ScrapeTarget target;
    target.job = app;
    target.at = runtime::Endpoint{text_at(*pod, {"status", "podIP"}), static_cast<std::uint16_t>(app == "node-healer" ? 9100 : 9101)};
    targets.push_back(std::move(target));
  }
  for (const cluster::NodePlan* node : assets_.plan.etcd_nodes()) {
    workload::ScrapeTarget target;
    target.job = "etcd";
    target.at = runtime::Endpoint{node->address, etcd_metrics_port};
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace skidpad::scenario

#include "controllers/bootstrapper/pivot_gate.hpp"

namespace skidpad::controllers::bootstrapper {

using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;
using namespace std::chrono_literals;

namespace {
constexpr Duration clock_skew_max = 5s;
constexpr Duration answer_time_max = 2s;
}  // namespace

Task<Result<std::string>> PivotGate::missing() {
  auto looked = co_await look_at_nodes();
  if (!looked) co_return looked.error();
  if (fresh_nodes_.empty()) co_return std::string("no node has sent a heartbeat yet");
  for (const Required& required : required_workloads()) {
    auto missing = co_await missing_of(required);
    if (!missing || !missing.value().empty()) co_return missing;
  }
  co_return std::string();
}

/// Fresh: renewed after this run's API server came up, by the clock or (where clocks differ) before our eyes.
Task<Result<void>> PivotGate::look_at_nodes() {
  auto nodes = co_await client_.list_all(client::types::nodes);
  if (!nodes) co_return nodes.error();
  client::ListOptions heartbeats;
  heartbeats.namespace_name = "kube-node-lease";
  auto leases = co_await client_.list_all(client::types::leases, std::move(heartbeats));
  if (!leases) co_return leases.error();
  std::map<std::string, std::string> renewals;
  for (const auto& lease : leases.value().items) renewals[client::name_of(*lease)] = text_at(*lease, {"spec", "renewTime"});
  fresh_nodes_.clear();
  const runtime::WallTime now = client_.runtime().wall_now();
  for (const auto& node : nodes.value().items) {
    const std::string& name = client::name_of(*node);
    const auto renewal = renewals.find(name);
    if (renewal == renewals.end()) continue;
    const bool seen_to_change = first_renewal_.try_emplace(name, renewal->second).first->second != renewal->second;
    runtime::WallTime at{};
    const bool by_clock = runtime::parse_rfc3339(renewal->second, at) && at >= since_ && at <= now + clock_skew_max;
    if (seen_to_change || by_clock) fresh_nodes_[name] = client::labels_of(*node);
  }
  co_return runtime::success();
}

std::size_t PivotGate::fresh_nodes_for(const Json& pod_spec) const {
  std::size_t count = 0;
  for (const auto& [name, labels] : fresh_nodes_) {
    bool fits = true;
    for (const auto& [key, value] : list_at(pod_spec, {"nodeSelector"}).items()) fits = fits && text_at(labels, {key}) == value;
    count += fits ? 1 : 0;
  }
  return count;
}

Task<Result<std::string>> PivotGate::missing_of(Required required) {
  const bool daemon_set = required.kind == "DaemonSet";
  const client::ResourceType& type = daemon_set ? client::types::daemon_sets : client::types::deployments;
  auto workload = co_await client_.get(type, "kube-system", required.name);
  if (!workload) co_return workload.error();
  const std::size_t places = fresh_nodes_for(runtime::find(workload.value(), {"spec", "template", "spec"}));
  // One pod per living node is all that a DaemonSet, or a Deployment whose pods hold ports of their hosts, can have.
  const auto replicas = static_cast<std::size_t>(integer_at(workload.value(), {"spec", "replicas"}, 1));
  const std::size_t wanted = daemon_set ? places : std::min(places, replicas);
  if (places == 0) co_return required.name + ": no living node may run it";
  client::ListOptions options;
  options.namespace_name = "kube-system";
  options.label_selector = "component=" + required.name;
  auto pods = co_await client_.list_all(client::types::pods, std::move(options));
  if (!pods) co_return pods.error();
  std::set<std::string> good_nodes;
  for (const auto& pod : pods.value().items) {
    const std::string node = text_at(*pod, {"spec", "nodeName"});
    const bool own = text_at(client::controller_of(*pod), {"kind"}) == (daemon_set ? "DaemonSet" : "ReplicaSet");
    if (!own || client::is_deleting(*pod) || !client::is_pod_ready(*pod) || !fresh_nodes_.contains(node)) continue;
    const bool alive = co_await answers(*pod);
    if (alive) good_nodes.insert(node);
  }
  if (good_nodes.size() >= wanted) co_return std::string();
  co_return required.name + ": " + std::to_string(good_nodes.size()) + " of " + std::to_string(wanted) + " pods are Ready and answer";
}

Task<bool> PivotGate::answers(Json pod) {
  const Json& containers = list_at(pod, {"spec", "containers"});
  if (containers.empty()) co_return false;
  const Json& probe = runtime::find(containers[0], {"readinessProbe", "httpGet"});
  runtime::HttpClientOptions options;
  runtime::Endpoint endpoint;
  endpoint.address = text_at(pod, {"status", "podIP"});
  endpoint.port = static_cast<std::uint16_t>(integer_at(probe, {"port"}));
  options.servers.push_back(endpoint);
  options.connect_timeout = options.request_timeout = answer_time_max;
  if (text_at(probe, {"scheme"}) == "HTTPS") {
    runtime::TlsClientOptions tls;
    tls.insecure = true;
    tls.certificate_pem = client_.config().certificate_pem;
    tls.key_pem = client_.config().key_pem;
    options.tls = std::move(tls);
  }
  runtime::HttpClient http(client_.runtime(), std::move(options));
  runtime::HttpRequest request;
  request.target = text_at(probe, {"path"});
  auto answer = co_await http.request(std::move(request));
  co_return answer && answer.value().status == 200;
}

}  // namespace skidpad::controllers::bootstrapper

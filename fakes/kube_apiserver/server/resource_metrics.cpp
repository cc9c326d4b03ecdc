// metrics.k8s.io/v1beta1: what nodes and pods use now. On a real cluster metrics-server serves it behind the aggregator; here the API
// server asks the kubelets' summary API itself, whenever somebody asks. Served only where --kubelet-client-certificate is given.
#include "fakes/kube_apiserver/server/resource_metrics.hpp"

#include "fakes/kube_apiserver/api/selector.hpp"
#include "fakes/kube_apiserver/server/api_server.hpp"
#include "harness/runtime/http/http_client.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using namespace std::chrono_literals;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

constexpr const char* api_version = "metrics.k8s.io/v1beta1";
constexpr const char* window_text = "15s";

Resource virtual_resource(const char* plural, const char* kind, bool namespaced) {
  Resource resource;
  resource.group = "metrics.k8s.io";
  resource.version = "v1beta1";
  resource.kind = kind;
  resource.plural = plural;
  resource.namespaced = namespaced;
  resource.verbs = {"get", "list"};
  resource.list_kind = std::string(kind) + "List";
  return resource;
}

Json usage_of(const Json& entry) {
  const std::uint64_t bytes = static_cast<std::uint64_t>(integer_at(entry, {"memory", "workingSetBytes"}));
  return {{"cpu", std::to_string(integer_at(entry, {"cpu", "usageNanoCores"})) + "n"}, {"memory", std::to_string(bytes / 1024) + "Ki"}};
}

/// The summary of one node; null where its kubelet does not answer.
Task<void> ask_kubelet(runtime::Runtime& runtime, ObjectPtr node, runtime::TlsClientOptions tls, Json& summary) {
  std::string address;
  for (const Json& each : list_at(node->value(), {"status", "addresses"})) {
    if (text_at(each, {"type"}) == "InternalIP" && address.empty()) address = text_at(each, {"address"});
  }
  if (address.empty()) co_return;
  const std::int64_t port = integer_at(node->value(), {"status", "daemonEndpoints", "kubeletEndpoint", "Port"}, 10250);
  runtime::HttpClientOptions options;
  options.servers.push_back(runtime::Endpoint{address, static_cast<std::uint16_t>(port)});
  options.tls = std::move(tls);
  options.connect_timeout = 2s;
  options.request_timeout = 3s;
  runtime::HttpClient client(runtime, std::move(options));
  runtime::HttpRequest request;
  request.target = "/stats/summary";
  request.headers.set("Host", address);
  auto answer = co_await client.request(std::move(request));
  if (!answer || answer.value().status != 200) co_return;
  auto parsed = runtime::parse_json(answer.value().body);
  if (parsed) summary = std::move(parsed.value());
}

Json metadata_of(const Json& object, const std::string& time, bool namespaced) {
  Json metadata = {{"name", find(object, {"metadata", "name"})}, {"creationTimestamp", time}};
  if (namespaced) metadata["namespace"] = find(object, {"metadata", "namespace"});
  if (const Json& labels = find(object, {"metadata", "labels"}); labels.is_object()) metadata["labels"] = labels;
  return metadata;
}

}  // namespace

const std::vector<Resource>& resource_metrics_resources() {
  static const std::vector<Resource> resources{virtual_resource("nodes", "NodeMetrics", false), virtual_resource("pods", "PodMetrics", true)};
  return resources;
}

bool ApiServer::serves_resource_metrics() const { return options_.kubelet_client && !options_.kubelet_client->certificate_pem.empty(); }

Task<Answer> ApiServer::resource_metrics(Request& request) {
  const RequestInfo& info = request.info;
  const bool nodes = info.resource == "nodes";
  if (info.version != "v1beta1" || (!nodes && info.resource != "pods") || !info.subresource.empty()) throw unknown_resource();
  if (info.verb != "get" && info.verb != "list") throw method_not_allowed();
  const LabelSelector labels = LabelSelector::parse(query_value(request.query, "labelSelector"));

  // The nodes that know something about what is asked.
  std::set<std::string> wanted_nodes;
  std::vector<ObjectPtr> pods;
  if (nodes) {
    for (const ObjectPtr& node : store_.cached_list("/registry/minions/")) {
      const std::string name = text_at(node->value(), {"metadata", "name"});
      if ((info.name.empty() || info.name == name) && labels.matches(find(node->value(), {"metadata", "labels"}))) wanted_nodes.insert(name);
    }
  } else {
    for (const ObjectPtr& pod : store_.cached_list("/registry/pods/" + (info.object_namespace.empty() ? "" : info.object_namespace + "/"))) {
      if (!info.name.empty() && text_at(pod->value(), {"metadata", "name"}) != info.name) continue;
      if (!labels.matches(find(pod->value(), {"metadata", "labels"}))) continue;
      const std::string node = text_at(pod->value(), {"spec", "nodeName"});
      if (node.empty()) continue;
      wanted_nodes.insert(node);
      pods.push_back(pod);
    }
  }
  std::map<std::string, Json> summaries;
  for (const std::string& name : wanted_nodes) summaries[name] = nullptr;
  {
    runtime::TaskGroup asking(co_await runtime::CurrentStop());
    for (auto& [name, summary] : summaries) {
      const ObjectPtr node = store_.cached("/registry/minions/" + name);
      if (node) asking.spawn("summary", ask_kubelet(runtime_, node, *options_.kubelet_client, summary));
    }
    co_await asking.join();
  }

  const std::string now = now_text();
  Json items = Json::array();
  const auto add = [&](const Json& object, const char* kind) -> Json& {
    items.push_back({{"kind", kind}, {"apiVersion", api_version}, {"metadata", metadata_of(object, now, !nodes)}, {"timestamp", now}, {"window", window_text}});
    return items.back();
  };
  if (nodes) {
    for (const auto& [name, summary] : summaries) {
      if (!summary.is_object()) continue;
      const ObjectPtr node = store_.cached("/registry/minions/" + name);
      if (node) add(node->value(), "NodeMetrics")["usage"] = usage_of(summary["node"]);
    }
  }
  for (const ObjectPtr& pod : pods) {
    const Json& summary = summaries[text_at(pod->value(), {"spec", "nodeName"})];
    for (const Json& entry : list_at(summary, {"pods"})) {
      // Static pods are known to the kubelet by a UID of their own, so the name decides.
      const bool same = text_at(entry, {"podRef", "name"}) == text_at(pod->value(), {"metadata", "name"}) &&
                        text_at(entry, {"podRef", "namespace"}) == text_at(pod->value(), {"metadata", "namespace"});
      if (!same || list_at(entry, {"containers"}).empty()) continue;
      Json containers = Json::array();
      for (const Json& container : entry["containers"]) containers.push_back({{"name", container["name"]}, {"usage", usage_of(container)}});
      add(pod->value(), "PodMetrics")["containers"] = std::move(containers);
    }
  }
  if (!info.name.empty()) {
    if (items.empty()) {
      ApiError missing(404, "NotFound", std::string(nodes ? "nodemetrics" : "podmetrics") + ".metrics.k8s.io \"" + (nodes ? "" : info.object_namespace + "/") + info.name + "\" not found");
      throw missing;
    }
    co_return encode_answer(request, items[0], 200);
  }
  for (Json& item : items) {
    item.erase("kind");
    item.erase("apiVersion");
  }
  co_return encode_answer(request, {{"kind", nodes ? "NodeMetricsList" : "PodMetricsList"}, {"apiVersion", api_version}, {"metadata", Json::object()}, {"items", std::move(items)}}, 200);
}

}  // namespace skidpad::fakes::kube_apiserver

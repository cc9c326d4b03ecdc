#include "fakes/kube_controller_manager/service_endpoints.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

constexpr std::size_t endpoints_per_slice_max = 100;
constexpr std::size_t addresses_max = 1000;

bool publishes_not_ready(const Json& service) { return runtime::bool_at(service, {"spec", "publishNotReadyAddresses"}); }

Json pod_reference(const Json& pod) {
  Json reference = Json::object();
  reference["kind"] = "Pod";
  reference["namespace"] = client::namespace_of(pod);
  reference["name"] = client::name_of(pod);
  reference["uid"] = client::uid_of(pod);
  return reference;
}

}  // namespace

std::vector<ObjectPointer> endpoint_pods(const Json& service, const std::vector<ObjectPointer>& pods) {
  std::vector<ObjectPointer> chosen;
  const Selector selector = Selector::from_map(find(service, {"spec", "selector"}));
  for (const ObjectPointer& pod : pods) {
    if (client::is_pod_finished(*pod) || text_at(*pod, {"status", "podIP"}).empty()) continue;
    if (selector.matches(client::labels_of(*pod))) chosen.push_back(pod);
  }
  return chosen;
}

std::int64_t target_port(const Json& service_port, const Json& pod) {
  const Json& target = find(service_port, {"targetPort"});
  if (target.is_number_integer() && target.get<std::int64_t>() != 0) return target.get<std::int64_t>();
  if (!target.is_string()) return integer_at(service_port, {"port"});
  const std::string name = target.get<std::string>();
  const std::string protocol = text_at(service_port, {"protocol"}, "TCP");
  for (const char* kind : {"containers", "initContainers"}) {
    for (const Json& container : list_at(pod, {"spec", kind})) {
      for (const Json& port : list_at(container, {"ports"})) {
        if (text_at(port, {"name"}) == name && text_at(port, {"protocol"}, "TCP") == protocol) return integer_at(port, {"containerPort"});
      }
    }
  }
  return 0;
}

Json slice_endpoint(const Json& service, const Json& pod, const Json* node) {
  const bool serving = client::is_pod_ready(pod);
  const bool terminating = client::is_deleting(pod);
  Json endpoint = Json::object();
  endpoint["addresses"] = Json::array();
  endpoint["addresses"].push_back(text_at(pod, {"status", "podIP"}));
  Json& conditions = endpoint["conditions"];
  conditions["ready"] = publishes_not_ready(service) || (serving && !terminating);
  conditions["serving"] = serving;
  conditions["terminating"] = terminating;
  endpoint["targetRef"] = pod_reference(pod);
  const std::string node_name = text_at(pod, {"spec", "nodeName"});
  if (!node_name.empty()) endpoint["nodeName"] = node_name;
  const std::string zone = node == nullptr ? "" : text_at(*node, {"metadata", "labels", "topology.kubernetes.io/zone"});
  if (!zone.empty()) endpoint["zone"] = zone;
  const std::string host = text_at(pod, {"spec", "hostname"});
  if (!host.empty() && text_at(pod, {"spec", "subdomain"}) == client::name_of(service)) endpoint["hostname"] = host;
  return endpoint;
}

Json slice_ports(const Json& service, const Json& pod) {
  Json ports = Json::array();
  for (const Json& service_port : list_at(service, {"spec", "ports"})) {
    const std::int64_t number = target_port(service_port, pod);
    if (number == 0) continue;
    Json port = Json::object();
    port["name"] = text_at(service_port, {"name"});
    port["port"] = number;
    port["protocol"] = text_at(service_port, {"protocol"}, "TCP");
    const Json& application = find(service_port, {"appProtocol"});
    if (application.is_string()) port["appProtocol"] = application;
    ports.push_back(std::move(port));
  }
  return ports;
}

std::vector<Json> wanted_slices(const Json& service, const std::vector<ObjectPointer>& pods, const Store& nodes) {
  std::map<Json, std::vector<Json>> by_ports;
  for (const ObjectPointer& pod : pods) {
    const ObjectPointer node = nodes.find(text_at(*pod, {"spec", "nodeName"}));
    by_ports[slice_ports(service, *pod)].push_back(slice_endpoint(service, *pod, node.get()));
  }
  std::vector<Json> slices;
  for (auto& [ports, endpoints] : by_ports) {
    for (std::size_t i = 0; i < endpoints.size(); i += endpoints_per_slice_max) {
      Json slice = Json::object();
      slice["ports"] = ports;
      slice["endpoints"] = Json::array();
      for (std::size_t j = i; j < std::min(endpoints.size(), i + endpoints_per_slice_max); ++j) {
        slice["endpoints"].push_back(std::move(endpoints[j]));
      }
      slices.push_back(std::move(slice));
    }
  }
  if (slices.empty()) {
    Json slice = Json::object();
    slice["ports"] = Json::array();
    slice["endpoints"] = Json::array();
    slices.push_back(std::move(slice));
  }
  return slices;
}

Json wanted_subsets(const Json& service, const std::vector<ObjectPointer>& pods) {
  const bool headless = text_at(service, {"spec", "clusterIP"}) == "None";
  struct Subset {
    Json ready = Json::array();
    Json not_ready = Json::array();
  };
  std::map<Json, Subset> by_ports;
  std::size_t count = 0;
  for (const ObjectPointer& pod : pods) {
    // Terminating pods are in slices only.
    if (client::is_deleting(*pod) && !publishes_not_ready(service)) continue;
    if (++count > addresses_max) break;
    Json ports = Json::array();
    for (const Json& service_port : list_at(service, {"spec", "ports"})) {
      const std::int64_t number = target_port(service_port, *pod);
      if (number == 0) continue;
      Json port = Json::object();
      const std::string name = text_at(service_port, {"name"});
      if (!name.empty()) port["name"] = name;
      port["port"] = number;
      port["protocol"] = text_at(service_port, {"protocol"}, "TCP");
      const Json& application = find(service_port, {"appProtocol"});
      if (application.is_string()) port["appProtocol"] = application;
      ports.push_back(std::move(port));
    }
    if (ports.empty() && !headless) continue;
    Json address = Json::object();
    address["ip"] = text_at(*pod, {"status", "podIP"});
    const std::string node = text_at(*pod, {"spec", "nodeName"});
    if (!node.empty()) address["nodeName"] = node;
    address["targetRef"] = pod_reference(*pod);
    const std::string host = text_at(*pod, {"spec", "hostname"});
    if (!host.empty() && text_at(*pod, {"spec", "subdomain"}) == client::name_of(service)) address["hostname"] = host;
    Subset& subset = by_ports[ports];
    if (publishes_not_ready(service) || client::is_pod_ready(*pod)) {
      subset.ready.push_back(std::move(address));
    } else if (text_at(*pod, {"spec", "restartPolicy"}, "Always") != "Never" || !client::is_pod_finished(*pod)) {
      subset.not_ready.push_back(std::move(address));
    }
  }
  Json subsets = Json::array();
  for (auto& [ports, subset] : by_ports) {
    Json entry = Json::object();
    const auto by_address = [](Json& addresses) {
      std::stable_sort(addresses.begin(), addresses.end(), [](const Json& a, const Json& b) { return a["ip"] < b["ip"]; });
    };
    by_address(subset.ready);
    by_address(subset.not_ready);
    if (!subset.ready.empty()) entry["addresses"] = std::move(subset.ready);
    if (!subset.not_ready.empty()) entry["notReadyAddresses"] = std::move(subset.not_ready);
    if (!ports.empty()) entry["ports"] = ports;
    subsets.push_back(std::move(entry));
  }
  return subsets;
}

}  // namespace skidpad::fakes::kube_controller_manager

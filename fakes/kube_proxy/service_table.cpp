#include "fakes/kube_proxy/service_table.hpp"

#include <algorithm>

namespace skidpad::fakes::kube_proxy {

using runtime::bool_at;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

namespace {

bool is_ready(const Json& endpoint) { return bool_at(endpoint, {"conditions", "ready"}, true); }

bool serves_while_terminating(const Json& endpoint) {
  return bool_at(endpoint, {"conditions", "serving"}, true) && bool_at(endpoint, {"conditions", "terminating"}, false);
}

struct PortKey {
  std::string name;
  std::string protocol;
};

/// Endpoints of a service's port. @param local_node  "" = of any node
std::vector<Endpoint> backends(const std::vector<client::ObjectPointer>& slices, const PortKey& key, const std::string& local_node) {
  std::vector<Endpoint> ready;
  std::vector<Endpoint> terminating;
  for (const auto& slice : slices) {
    if (text_at(*slice, {"addressType"}, "IPv4") != "IPv4") continue;
    for (const Json& port : list_at(*slice, {"ports"})) {
      if (text_at(port, {"name"}) != key.name || text_at(port, {"protocol"}, "TCP") != key.protocol) continue;
      const auto number = integer_at(port, {"port"});
      if (number < 1 || number > 65535) continue;
      for (const Json& endpoint : list_at(*slice, {"endpoints"})) {
        if (!local_node.empty() && text_at(endpoint, {"nodeName"}) != local_node) continue;
        const Json& addresses = list_at(endpoint, {"addresses"});
        if (addresses.empty() || !addresses[0].is_string() || !runtime::is_ipv4(addresses[0].get<std::string>())) continue;
        Endpoint backend;
        backend.address = addresses[0].get<std::string>();
        backend.port = static_cast<std::uint16_t>(number);
        if (is_ready(endpoint)) {
          ready.push_back(std::move(backend));
        } else if (serves_while_terminating(endpoint)) {
          terminating.push_back(std::move(backend));
        }
      }
    }
  }
  std::vector<Endpoint>& chosen = ready.empty() ? terminating : ready;
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return std::move(chosen);
}

std::vector<std::string> listen_addresses(const Json& service) {
  std::vector<std::string> addresses;
  const Json& cluster = list_at(service, {"spec", "clusterIPs"});
  for (const Json& address : cluster) {
    if (address.is_string()) addresses.push_back(address.get<std::string>());
  }
  if (cluster.empty()) addresses.push_back(text_at(service, {"spec", "clusterIP"}));
  for (const Json& address : list_at(service, {"spec", "externalIPs"})) {
    if (address.is_string()) addresses.push_back(address.get<std::string>());
  }
  std::erase_if(addresses, [](const std::string& address) { return !runtime::is_ipv4(address); });
  return addresses;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const auto end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

DnsRecord address_record(const std::string& name, const std::string& address) {
  DnsRecord record;
  record.name = name;
  record.target = address;
  return record;
}

bool wants(const DnsQuestion& question, DnsType type) {
  return question.type == static_cast<std::uint16_t>(type) || question.type == static_cast<std::uint16_t>(DnsType::any);
}

}  // namespace

void add_service_index(client::Store& slices) {
  slices.add_index(by_service, [](const Json& slice, std::vector<std::string>& values) {
    const std::string service = text_at(slice, {"metadata", "labels", "kubernetes.io/service-name"});
    if (!service.empty()) values.push_back(client::make_key(client::namespace_of(slice), service));
  });
}

ServiceTable make_service_table(const client::Store& services, const client::Store& slices, const std::string& node_address, const std::string& node_name) {
  ServiceTable table;
  for (const auto& [key, service] : services.objects()) {
    if (text_at(*service, {"spec", "type"}) == "ExternalName") continue;
    const auto addresses = listen_addresses(*service);
    const auto own_slices = slices.by_index(by_service, key);
    const std::string internal_node = text_at(*service, {"spec", "internalTrafficPolicy"}) == "Local" ? node_name : "";
    const std::string external_node = text_at(*service, {"spec", "externalTrafficPolicy"}) == "Local" ? node_name : "";
    for (const Json& port : list_at(*service, {"spec", "ports"})) {
      const PortKey port_key{text_at(port, {"name"}), text_at(port, {"protocol"}, "TCP")};
      if (port_key.protocol != "TCP") continue;
      Endpoint at;
      at.port = static_cast<std::uint16_t>(integer_at(port, {"port"}));
      for (const std::string& address : addresses) {
        at.address = address;
        table.emplace(at, backends(own_slices, port_key, internal_node));
      }
      const auto node_port = integer_at(port, {"nodePort"});
      if (node_port < 1 || node_port > 65535) continue;
      at.address = node_address;
      at.port = static_cast<std::uint16_t>(node_port);
      table.emplace(at, backends(own_slices, port_key, external_node));
    }
  }
  return table;
}

std::vector<Endpoint> apiserver_endpoints(const client::Store& slices) {
  return backends(slices.by_index(by_service, "default/kubernetes"), PortKey{"https", "TCP"}, "");
}

DnsAnswer DnsZone::answer(const DnsQuestion& question) const {
  DnsAnswer none;
  none.code = DnsCode::no_such_name;
  if (question.name == zone_) return DnsAnswer();
  if (!question.name.ends_with("." + zone_)) return none;
  const std::vector<std::string> labels = split(question.name.substr(0, question.name.size() - zone_.size() - 1), '.');
  if (labels.back() == "svc") return service_answer(question, labels);
  if (labels.back() == "pod" && labels.size() == 3) {
    std::string address = labels[0];
    std::replace(address.begin(), address.end(), '-', '.');
    if (!runtime::is_ipv4(address)) return none;
    DnsAnswer answer;
    if (wants(question, DnsType::a)) answer.records.push_back(address_record(question.name_as_sent, address));
    return answer;
  }
  return none;
}

/// labels: [[_port, _protocol] | [hostname]] service namespace "svc"
DnsAnswer DnsZone::service_answer(const DnsQuestion& question, const std::vector<std::string>& labels) const {
  DnsAnswer none;
  none.code = DnsCode::no_such_name;
  const std::size_t count = labels.size();
  if (count < 2) return DnsAnswer();
  if (count == 2) {
    // A namespace exists for DNS if a Service lives in it.
    return services_.in_namespace(labels[0]).empty() ? none : DnsAnswer();
  }
  if (count > 5) return none;
  const auto service = services_.find(labels[count - 2], labels[count - 3]);
  if (!service) return none;
  DnsAnswer answer;
  if (count == 5) {
    if (labels[0].size() < 2 || labels[0][0] != '_' || labels[1].size() < 2 || labels[1][0] != '_') return none;
    add_srv(question, *service, labels[0].substr(1), labels[1].substr(1), answer);
    return answer.records.empty() && wants(question, DnsType::srv) ? none : answer;
  }
  if (text_at(*service, {"spec", "type"}) == "ExternalName") {
    DnsRecord alias;
    alias.name = question.name_as_sent;
    alias.type = DnsType::cname;
    alias.target = text_at(*service, {"spec", "externalName"});
    answer.records.push_back(std::move(alias));
    return answer;
  }
  const auto found = addresses(*service, count == 4 ? labels[0] : "");
  if (found.empty()) return none;
  if (!wants(question, DnsType::a)) return answer;
  for (const std::string& address : found) answer.records.push_back(address_record(question.name_as_sent, address));
  return answer;
}

std::vector<std::string> DnsZone::addresses(const Json& service, const std::string& hostname) const {
  const std::string cluster_ip = text_at(service, {"spec", "clusterIP"});
  std::vector<std::string> found;
  if (runtime::is_ipv4(cluster_ip) && hostname.empty()) {
    found.push_back(cluster_ip);
    return found;
  }
  const bool also_unready = bool_at(service, {"spec", "publishNotReadyAddresses"});
  for (const auto& slice : slices_.by_index(by_service, client::key_of(service))) {
    for (const Json& endpoint : list_at(*slice, {"endpoints"})) {
      if (!is_ready(endpoint) && !also_unready) continue;
      for (const Json& address : list_at(endpoint, {"addresses"})) {
        if (!address.is_string() || !runtime::is_ipv4(address.get<std::string>())) continue;
        std::string dashed = address.get<std::string>();
        std::replace(dashed.begin(), dashed.end(), '.', '-');
        if (!hostname.empty() && text_at(endpoint, {"hostname"}) != hostname && dashed != hostname) continue;
        found.push_back(address.get<std::string>());
      }
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

void DnsZone::add_srv(const DnsQuestion& question, const Json& service, const std::string& port, const std::string& protocol, DnsAnswer& answer) const {
  if (!wants(question, DnsType::srv)) return;
  const std::string base = client::name_of(service) + "." + client::namespace_of(service) + ".svc." + zone_;
  const bool headless = !runtime::is_ipv4(text_at(service, {"spec", "clusterIP"}));
  for (const Json& declared : list_at(service, {"spec", "ports"})) {
    std::string declared_protocol = text_at(declared, {"protocol"}, "TCP");
    std::transform(declared_protocol.begin(), declared_protocol.end(), declared_protocol.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (text_at(declared, {"name"}) != port || declared_protocol != protocol) continue;
    for (const std::string& address : addresses(service, "")) {
      DnsRecord record;
      record.name = question.name_as_sent;
      record.type = DnsType::srv;
      record.target = base;
      if (headless) {
        std::string dashed = address;
        std::replace(dashed.begin(), dashed.end(), '.', '-');
        record.target = dashed + "." + base;
      }
      record.port = static_cast<std::uint16_t>(integer_at(declared, {headless && find(declared, {"targetPort"}).is_number_integer() ? "targetPort" : "port"}));
      answer.additional.push_back(address_record(record.target, address));
      answer.records.push_back(std::move(record));
    }
  }
}

}  // namespace skidpad::fakes::kube_proxy

#include "fakes/kube_apiserver/api/field_checks.hpp"
#include "fakes/kube_apiserver/api/kind_validation.hpp"
#include "fakes/kube_apiserver/api/names.hpp"
#include "fakes/kube_apiserver/api/pod_validation.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

bool lists_text(const std::vector<std::string>& list, const std::string& wanted) { return std::find(list.begin(), list.end(), wanted) != list.end(); }

void check_service_port(const Json& port, const std::string& path, bool name_needed, std::vector<std::string>& names, FieldErrors& errors) {
  const std::string name = text_at(port, {"name"});
  if (name.empty()) {
    if (name_needed) errors.push_back(required_value(path + ".name"));
  } else {
    append_problems(dns1123_label_problems(name), name, path + ".name", errors);
    if (lists_text(names, name)) errors.push_back(duplicate_value(path + ".name", in_quotes(name)));
    names.push_back(name);
  }
  check_port_number(integer_at(port, {"port"}), path + ".port", errors);
  check_one_of(port, "protocol", path, {"SCTP", "TCP", "UDP"}, errors);
  check_port_number_or_name(find(port, {"targetPort"}), path + ".targetPort", errors);
  const std::string protocol = text_at(port, {"appProtocol"});
  if (!protocol.empty()) append_problems(qualified_name_problems(protocol), protocol, path + ".appProtocol", errors);
}

void check_service(const Json& object, FieldErrors& errors) {
  const Json& spec = object.at("spec");
  const std::string type = text_at(spec, {"type"});
  const Json& ports = list_at(spec, {"ports"});
  const bool headless = text_at(spec, {"clusterIP"}) == "None";
  if (ports.empty() && type != "ExternalName" && !headless) errors.push_back(required_value("spec.ports"));
  std::size_t position = 0;
  if (type == "LoadBalancer") {
    for (const Json& port : ports) {
      const std::string at = at_index("spec.ports", position++);
      if (integer_at(port, {"port"}) == 10250) errors.push_back(invalid_value(at, "10250", "may not expose port 10250 externally since it is used by kubelet"));
    }
  }
  if (headless && (type == "LoadBalancer" || type == "NodePort")) errors.push_back(invalid_text("spec.clusterIPs[0]", "None", "may not be set to 'None' for " + type + " services"));
  if (type == "ExternalName") {
    if (!text_at(spec, {"clusterIP"}).empty() || !list_at(spec, {"clusterIPs"}).empty()) errors.push_back(forbidden_value("spec.clusterIPs", "may not be set for ExternalName services"));
    if (!list_at(spec, {"ipFamilies"}).empty()) errors.push_back(forbidden_value("spec.ipFamilies", "may not be set for ExternalName services"));
    if (!text_at(spec, {"ipFamilyPolicy"}).empty()) errors.push_back(forbidden_value("spec.ipFamilyPolicy", "may not be set for ExternalName services"));
    std::string name = text_at(spec, {"externalName"});
    if (!name.empty() && name.back() == '.') name.pop_back();
    if (name.empty()) {
      errors.push_back(required_value("spec.externalName"));
    } else {
      append_problems(dns1123_subdomain_problems(name), name, "spec.externalName", errors);
    }
  }
  std::vector<std::string> names;
  position = 0;
  for (const Json& port : ports) check_service_port(port, at_index("spec.ports", position++), ports.size() > 1, names, errors);
  check_labels(find(spec, {"selector"}), "spec.selector", errors);
  const std::string affinity = text_at(spec, {"sessionAffinity"});
  if (affinity != "None" && affinity != "ClientIP") errors.push_back(unsupported_value("spec.sessionAffinity", in_quotes(affinity), {"ClientIP", "None"}));
  if (affinity == "ClientIP") {
    const std::int64_t seconds = integer_at(spec, {"sessionAffinityConfig", "clientIP", "timeoutSeconds"});
    if (seconds <= 0 || seconds > 86400) {
      errors.push_back(invalid_value("spec.sessionAffinityConfig.clientIP.timeoutSeconds", std::to_string(seconds), "must be greater than 0 and less than 86400"));
    }
  }
  position = 0;
  for (const Json& address : list_at(spec, {"externalIPs"})) {
    const std::string at = at_index("spec.externalIPs", position++);
    const std::string text = address.get<std::string>();
    check_ip_address(text, at, errors);
    if (is_ip_address(text)) check_ordinary_address(text, at, errors);
  }
  if (type != "ClusterIP" && type != "NodePort" && type != "LoadBalancer" && type != "ExternalName") {
    errors.push_back(unsupported_value("spec.type", in_quotes(type), {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"}));
  }
  position = 0;
  std::vector<std::string> node_ports;
  for (const Json& port : ports) {
    const std::string at = at_index("spec.ports", position++);
    const std::int64_t node_port = integer_at(port, {"nodePort"});
    if (node_port == 0) continue;
    if (type == "ClusterIP") errors.push_back(forbidden_value(at + ".nodePort", "may not be used when `type` is 'ClusterIP'"));
    const std::string key = text_at(port, {"protocol"}) + "/" + std::to_string(node_port);
    if (lists_text(node_ports, key)) errors.push_back(duplicate_value(at + ".nodePort", std::to_string(node_port)));
    node_ports.push_back(key);
  }
  position = 0;
  std::vector<std::string> seen;
  for (const Json& port : ports) {
    const std::string at = at_index("spec.ports", position++);
    const std::string protocol = text_at(port, {"protocol"});
    const std::string number = std::to_string(integer_at(port, {"port"}));
    if (lists_text(seen, protocol + "/" + number)) {
      errors.push_back(duplicate_value(at, "core.ServicePort{Name:\"\", Protocol:" + in_quotes(protocol) + ", AppProtocol:(*string)(nil), Port:" + number +
                                               ", TargetPort:intstr.IntOrString{Type:0, IntVal:0, StrVal:\"\"}, NodePort:0}"));
    }
    seen.push_back(protocol + "/" + number);
  }
  const Json& sources = list_at(spec, {"loadBalancerSourceRanges"});
  if (!sources.empty() && type != "LoadBalancer") errors.push_back(forbidden_value("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'"));
  position = 0;
  if (type == "LoadBalancer") {
    for (const Json& source : sources) check_cidr(source.get<std::string>(), at_index("spec.LoadBalancerSourceRanges", position++), errors);
  }
  if (find(spec, {"allocateLoadBalancerNodePorts"}).is_boolean() && type != "LoadBalancer") {
    errors.push_back(forbidden_value("spec.allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'"));
  }
  if (!text_at(spec, {"loadBalancerClass"}).empty() && type != "LoadBalancer") errors.push_back(forbidden_value("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'"));
  const std::string external = text_at(spec, {"externalTrafficPolicy"});
  const bool reachable = type == "NodePort" || type == "LoadBalancer" || (type == "ClusterIP" && !list_at(spec, {"externalIPs"}).empty());
  if (!external.empty() && !reachable) {
    errors.push_back(invalid_text("spec.externalTrafficPolicy", external, "may only be set for externally-accessible services"));
  } else {
    check_one_of(spec, "externalTrafficPolicy", "spec", {"Cluster", "Local"}, errors);
  }
  if (integer_at(spec, {"healthCheckNodePort"}) != 0 && !(type == "LoadBalancer" && external == "Local")) {
    errors.push_back(invalid_value("spec.healthCheckNodePort", find(spec, {"healthCheckNodePort"}).dump(), "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"));
  }
  check_one_of(spec, "internalTrafficPolicy", "spec", {"Cluster", "Local"}, errors);
  check_one_of(spec, "trafficDistribution", "spec", {"PreferClose"}, errors);
}

void check_endpoint_ports(const Json& subset, const std::string& path, FieldErrors& errors) {
  const Json& ports = list_at(subset, {"ports"});
  std::size_t position = 0;
  for (const Json& port : ports) {
    const std::string at = at_index(path + ".ports", position++);
    const std::string name = text_at(port, {"name"});
    if (name.empty() && ports.size() > 1) errors.push_back(required_value(at + ".name"));
    if (!name.empty()) append_problems(dns1123_label_problems(name), name, at + ".name", errors);
    check_port_number(integer_at(port, {"port"}), at + ".port", errors);
    check_one_of(port, "protocol", at, {"SCTP", "TCP", "UDP"}, errors);
  }
}

void check_endpoints(const Json& object, FieldErrors& errors) {
  std::size_t position = 0;
  for (const Json& subset : list_at(object, {"subsets"})) {
    const std::string path = at_index("subsets", position++);
    if (list_at(subset, {"addresses"}).empty() && list_at(subset, {"notReadyAddresses"}).empty()) errors.push_back(required_value(path, "must specify `addresses` or `notReadyAddresses`"));
    for (const char* list : {"addresses", "notReadyAddresses"}) {
      std::size_t number = 0;
      for (const Json& address : list_at(subset, {list})) {
        const std::string at = at_index(path + "." + list, number++);
        const std::string text = text_at(address, {"ip"});
        check_ip_address(text, at + ".ip", errors);
        const std::string host = text_at(address, {"hostname"});
        if (!host.empty()) append_problems(dns1123_label_problems(host), host, at + ".hostname", errors);
        const std::string node = text_at(address, {"nodeName"});
        if (!node.empty()) append_problems(dns1123_subdomain_problems(node), node, at + ".nodeName", errors);
        if (is_ip_address(text)) check_ordinary_address(text, at + ".ip", errors);
      }
    }
    check_endpoint_ports(subset, path, errors);
  }
}

void check_endpoint_slice(const Json& object, FieldErrors& errors) {
  const std::string type = text_at(object, {"addressType"});
  if (type.empty()) {
    errors.push_back(required_value("addressType"));
  } else {
    check_one_of(object, "addressType", "", {"FQDN", "IPv4", "IPv6"}, errors);
  }
  const Json& endpoints = list_at(object, {"endpoints"});
  if (endpoints.size() > 1000) {
    errors.push_back(too_many("endpoints", endpoints.size(), 1000));
  } else {
    std::size_t position = 0;
    for (const Json& endpoint : endpoints) {
      const std::string path = at_index("endpoints", position++);
      const Json& addresses = list_at(endpoint, {"addresses"});
      if (addresses.empty()) errors.push_back(required_value(path + ".addresses", "must contain at least 1 address"));
      if (addresses.size() > 100) errors.push_back(too_many(path + ".addresses", addresses.size(), 100));
      std::size_t number = 0;
      for (const Json& address : addresses) {
        const std::string at = at_index(path + ".addresses", number++);
        const std::string text = address.get<std::string>();
        const bool six = text.find(':') != std::string::npos;
        if (type == "FQDN") {
          append_problems(dns1123_subdomain_problems(text), text, at, errors);
        } else if (!is_ip_address(text) || six != (type == "IPv6")) {
          if (type == "IPv4") errors.push_back(invalid_text(at, text, "must be a valid IPv4 address"));
          if (type == "IPv6") errors.push_back(invalid_text(at, text, "must be a valid IPv6 address"));
        } else {
          check_ordinary_address(text, at, errors);
        }
      }
      const std::string host = text_at(endpoint, {"hostname"});
      if (!host.empty()) append_problems(dns1123_label_problems(host), host, path + ".hostname", errors);
      const std::string node = text_at(endpoint, {"nodeName"});
      if (!node.empty()) append_problems(dns1123_subdomain_problems(node), node, path + ".nodeName", errors);
    }
  }
  const Json& ports = list_at(object, {"ports"});
  if (ports.size() > 20000) errors.push_back(too_many("ports", ports.size(), 20000));
  std::vector<std::string> names;
  std::size_t position = 0;
  for (const Json& port : ports) {
    const std::string at = at_index("ports", position++);
    const std::string name = text_at(port, {"name"});
    if (!name.empty()) append_problems(dns1123_label_problems(name), name, at + ".name", errors);
    if (lists_text(names, name)) errors.push_back(duplicate_value(at + ".name", in_quotes(name)));
    names.push_back(name);
    check_one_of(port, "protocol", at, {"SCTP", "TCP", "UDP"}, errors);
  }
}

// --- networking.k8s.io ------------------------------------------------------------------------------------------------

void check_backend(const Json& backend, const std::string& path, FieldErrors& errors) {
  const bool resource = find(backend, {"resource"}).is_object();
  const Json& service = find(backend, {"service"});
  if (resource && service.is_object()) {
    errors.push_back(invalid_text(path, "", "cannot set both resource and service backends"));
  } else if (resource) {
    for (const char* key : {"kind", "name"}) {
      if (text_at(backend, {"resource", key}).empty()) errors.push_back(required_value(path + ".resource." + key));
    }
  } else if (service.is_object()) {
    const std::string name = text_at(service, {"name"});
    if (name.empty()) {
      errors.push_back(required_value(path + ".service.name"));
    } else {
      append_problems(dns1035_label_problems(name), name, path + ".service.name", errors);
    }
    const std::string port_name = text_at(service, {"port", "name"});
    const std::int64_t number = integer_at(service, {"port", "number"});
    if (!port_name.empty() && number != 0) {
      errors.push_back(invalid_text(path, "", "cannot set both port name & port number"));
    } else if (!port_name.empty()) {
      append_problems(port_name_problems(port_name), port_name, path + ".service.port.name", errors);
    } else if (number != 0) {
      check_port_number(number, path + ".service.port.number", errors);
    } else {
      errors.push_back(required_value(path, "port name or number is required"));
    }
  } else {
    errors.push_back(invalid_text(path, "", "resource or service backend is required"));
  }
}

void check_ingress_path(const Json& rule, const std::string& path, FieldErrors& errors) {
  const std::string text = text_at(rule, {"path"});
  const Json& type = find(rule, {"pathType"});
  const std::string kind = type.is_string() ? type.get<std::string>() : "";
  if (!type.is_string()) {
    errors.push_back(required_value(path + ".pathType", "pathType must be specified"));
  } else if (kind == "Exact" || kind == "Prefix") {
    if (text.empty() || text.front() != '/') errors.push_back(invalid_text(path + ".path", text, "must be an absolute path"));
    if (!text.empty()) {
      for (const char* sequence : {"//", "/./", "/../", "%2f", "%2F"}) {
        if (text.find(sequence) != std::string::npos) errors.push_back(invalid_text(path + ".path", text, std::string("must not contain '") + sequence + "'"));
      }
      for (const std::string suffix : {"/..", "/."}) {
        if (text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix) errors.push_back(invalid_text(path + ".path", text, "cannot end with '" + suffix + "'"));
      }
    }
  } else if (kind == "ImplementationSpecific") {
    if (!text.empty() && text.front() != '/') errors.push_back(invalid_text(path + ".path", text, "must be an absolute path"));
  } else {
    errors.push_back(unsupported_value(path + ".pathType", in_quotes(kind), {"Exact", "ImplementationSpecific", "Prefix"}));
  }
  check_backend(find(rule, {"backend"}), path + ".backend", errors);
}

void check_ingress(const Json& spec, FieldErrors& errors) {
  const Json& rules = list_at(spec, {"rules"});
  const Json& fallback = find(spec, {"defaultBackend"});
  if (rules.empty() && !fallback.is_object()) errors.push_back(invalid_value("spec", "[]networking.IngressRule(nil)", "either `defaultBackend` or `rules` must be specified"));
  if (fallback.is_object()) check_backend(fallback, "spec.defaultBackend", errors);
  std::size_t position = 0;
  for (const Json& rule : rules) {
    const std::string path = at_index("spec.rules", position++);
    const std::string host = text_at(rule, {"host"});
    if (!host.empty()) {
      if (is_ip_address(host)) errors.push_back(invalid_text(path + ".host", host, "must be a DNS name, not an IP address"));
      check_host_name(host, path + ".host", errors);
    }
    const Json& http = find(rule, {"http"});
    if (!http.is_object()) continue;
    const Json& paths = list_at(http, {"paths"});
    if (paths.empty()) errors.push_back(required_value(path + ".http.paths"));
    std::size_t number = 0;
    for (const Json& each : paths) check_ingress_path(each, at_index(path + ".http.paths", number++), errors);
  }
  position = 0;
  for (const Json& tls : list_at(spec, {"tls"})) {
    const std::string path = at_index("spec.tls", position++);
    std::size_t number = 0;
    for (const Json& host : list_at(tls, {"hosts"})) check_host_name(host.get<std::string>(), at_index(path + ".hosts", number++), errors);
    const std::string secret = text_at(tls, {"secretName"});
    if (!secret.empty()) append_problems(dns1123_subdomain_problems(secret), secret, path + ".secretName", errors);
  }
  const Json& name = find(spec, {"ingressClassName"});
  if (name.is_string()) append_problems(dns1123_subdomain_problems(name.get<std::string>()), name.get<std::string>(), "spec.ingressClassName", errors);
}

void check_ingress_class(const Json& spec, FieldErrors& errors) {
  const std::string controller = text_at(spec, {"controller"});
  const std::size_t slash = controller.find('/');
  if (controller.empty()) {
    errors.push_back(required_value("spec.controller"));
  } else if (slash == std::string::npos || slash == 0 || slash + 1 == controller.size()) {
    errors.push_back(invalid_text("spec.controller", controller, "must be a domain-prefixed path (such as \"acme.io/foo\")"));
  } else {
    append_problems(dns1123_subdomain_problems(controller.substr(0, slash)), controller.substr(0, slash), "spec.controller", errors);
  }
  const Json& parameters = find(spec, {"parameters"});
  if (!parameters.is_object()) return;
  for (const char* key : {"kind", "name"}) {
    if (text_at(parameters, {key}).empty()) errors.push_back(required_value(std::string("spec.parameters.") + key));
  }
  const std::string scope = text_at(parameters, {"scope"});
  if (scope.empty()) {
    errors.push_back(required_value("spec.parameters.scope"));
  } else {
    check_one_of(parameters, "scope", "spec.parameters", {"Cluster", "Namespace"}, errors);
  }
  const std::string space = text_at(parameters, {"namespace"});
  if (scope == "Namespace" && space.empty()) errors.push_back(required_value("spec.parameters.namespace", "`parameters.scope` is set to 'Namespace'"));
  if (scope == "Cluster" && !space.empty()) errors.push_back(forbidden_value("spec.parameters.namespace", "`parameters.scope` is set to 'Cluster'"));
}

void check_policy_peer(const Json& peer, const std::string& path, FieldErrors& errors) {
  std::size_t count = 0;
  for (const char* key : {"podSelector", "namespaceSelector"}) {
    if (!find(peer, {key}).is_object()) continue;
    ++count;
    check_selector(find(peer, {key}), path + "." + key, errors);
  }
  const Json& block = find(peer, {"ipBlock"});
  if (block.is_object()) {
    ++count;
    const std::string cidr = text_at(block, {"cidr"});
    if (cidr.empty()) {
      errors.push_back(required_value(path + ".ipBlock.cidr"));
    } else if (check_cidr(cidr, path + ".ipBlock.cidr", errors)) {
      std::size_t position = 0;
      for (const Json& except : list_at(block, {"except"})) {
        const std::string at = at_index(path + ".ipBlock.except", position++);
        const std::string text = except.get<std::string>();
        if (!check_cidr(text, at, errors) || text.find(':') != std::string::npos) continue;
        const auto parse = [](const std::string& range) {
          std::uint32_t number = 0;
          std::uint32_t part = 0;
          const std::size_t slash = range.find('/');
          for (const char c : range.substr(0, slash) + ".") {
            if (c == '.') {
              number = number << 8 | part;
              part = 0;
            } else {
              part = part * 10 + static_cast<std::uint32_t>(c - '0');
            }
          }
          return std::make_pair(number, std::stoi(range.substr(slash + 1)));
        };
        const auto [outer, outer_bits] = parse(cidr);
        const auto [inner, inner_bits] = parse(text);
        const std::uint32_t mask = outer_bits == 0 ? 0 : ~std::uint32_t{0} << (32 - outer_bits);
        if ((outer & mask) != (inner & mask) || outer_bits >= inner_bits) errors.push_back(invalid_text(at, text, "must be a strict subset of `cidr`"));
      }
    }
  }
  if (count == 0) {
    errors.push_back(required_value(path, "must specify a peer"));
  } else if (count > 1 && block.is_object()) {
    errors.push_back(forbidden_value(path, "may not specify both ipBlock and another peer"));
  }
}

void check_policy_port(const Json& port, const std::string& path, FieldErrors& errors) {
  check_one_of(port, "protocol", path, {"TCP", "UDP", "SCTP"}, errors);
  const Json& number = find(port, {"port"});
  const Json& end = find(port, {"endPort"});
  if (number.is_number_integer()) {
    check_port_number(number.get<std::int64_t>(), path + ".port", errors);
    if (end.is_number_integer()) {
      if (end.get<std::int64_t>() < number.get<std::int64_t>()) errors.push_back(invalid_value(path + ".endPort", end.dump(), "must be greater than or equal to `port`"));
      check_port_number(end.get<std::int64_t>(), path + ".endPort", errors);
    }
  } else if (number.is_string()) {
    if (end.is_number_integer()) errors.push_back(invalid_value(path + ".endPort", end.dump(), "may not be specified when `port` is non-numeric"));
    append_problems(port_name_problems(number.get<std::string>()), number.get<std::string>(), path + ".port", errors);
  } else if (end.is_number_integer()) {
    errors.push_back(invalid_value(path + ".endPort", end.dump(), "may not be specified when `port` is not specified"));
  }
}

void check_network_policy(const Json& spec, FieldErrors& errors) {
  check_selector(find(spec, {"podSelector"}), "spec.podSelector", errors);
  const std::pair<const char*, const char*> directions[] = {{"ingress", "from"}, {"egress", "to"}};
  for (const auto& [direction, side] : directions) {
    std::size_t position = 0;
    for (const Json& rule : list_at(spec, {direction})) {
      const std::string path = at_index(std::string("spec.") + direction, position++);
      std::size_t number = 0;
      for (const Json& port : list_at(rule, {"ports"})) check_policy_port(port, at_index(path + ".ports", number++), errors);
      number = 0;
      for (const Json& peer : list_at(rule, {side})) check_policy_peer(peer, at_index(path + "." + side, number++), errors);
    }
  }
  const Json& types = list_at(spec, {"policyTypes"});
  if (types.size() > 2) {
    errors.push_back(invalid_value("spec.policyTypes", "[]networking.PolicyType{}", "may not specify more than two policyTypes"));
    return;
  }
  std::size_t position = 0;
  for (const Json& type : types) {
    const std::string at = at_index("spec.policyTypes", position++);
    if (type != "Ingress" && type != "Egress") errors.push_back(unsupported_value(at, in_quotes(type.get<std::string>()), {"Ingress", "Egress"}));
  }
}

}  // namespace

void check_network_kind(const Json& object, const Resource& resource, FieldErrors& errors) {
  const std::string& kind = resource.kind;
  if (kind == "Service") return check_service(object, errors);
  if (kind == "Endpoints") return check_endpoints(object, errors);
  if (kind == "EndpointSlice") return check_endpoint_slice(object, errors);
  if (kind == "Ingress") return check_ingress(find(object, {"spec"}), errors);
  if (kind == "IngressClass") return check_ingress_class(find(object, {"spec"}), errors);
  if (kind == "NetworkPolicy") return check_network_policy(find(object, {"spec"}), errors);
}

void check_network_change(const Json& object, const Json& old, const Resource& resource, FieldErrors& errors) {
  const std::string& kind = resource.kind;
  if (kind == "EndpointSlice") check_immutable(find(object, {"addressType"}), find(old, {"addressType"}), "addressType", errors);
  if (kind == "IngressClass") check_immutable(find(object, {"spec", "controller"}), find(old, {"spec", "controller"}), "spec.controller", errors);
  if (kind != "Service") return;
  const std::string was = text_at(old, {"spec", "clusterIP"});
  const std::string type = text_at(object, {"spec", "type"});
  // A headless Service without a selector is dual-stack by itself; this cluster has one family only.
  if (text_at(object, {"spec", "ipFamilyPolicy"}) == "RequireDualStack" && !list_at(object, {"spec", "selector"}).empty()) {
    errors.push_back(invalid_value("spec.ipFamilyPolicy", "\"RequireDualStack\"", "this cluster is not configured for dual-stack services"));
  }
  if (!was.empty() && type != "ExternalName" && text_at(old, {"spec", "type"}) != "ExternalName" && text_at(object, {"spec", "clusterIP"}) != was) {
    const std::string now = text_at(object, {"spec", "clusterIP"});
    errors.push_back(invalid_value("spec.clusterIPs[0]", "[]string{" + in_quotes(now) + "}", "may not change once set"));
  }
}

}  // namespace skidpad::fakes::kube_apiserver

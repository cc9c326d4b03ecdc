#include "fakes/kube_apiserver/api/container_validation.hpp"

#include "fakes/kube_apiserver/api/field_checks.hpp"
#include "fakes/kube_apiserver/api/names.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::bool_at;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

bool is_whole_resource(const std::string& name) {
  for (const char* prefix : {"count/", "requests.hugepages-"}) {
    if (name.compare(0, std::strlen(prefix), prefix) == 0) return true;
  }
  if (name.find('/') != std::string::npos) return name.compare(0, 14, "kubernetes.io/") != 0;  // extended resources are counted
  for (const char* whole : {"pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims", "services.nodeports",
                            "services.loadbalancers"}) {
    if (name == whole) return true;
  }
  return false;
}

bool is_standard_container_resource(const std::string& name) {
  return name == "cpu" || name == "memory" || name == "ephemeral-storage" || name.compare(0, 10, "hugepages-") == 0;
}
bool is_standard_resource(const std::string& name) {
  if (is_standard_container_resource(name) || name.compare(0, 19, "requests.hugepages-") == 0) return true;
  for (const char* known : {"requests.cpu", "requests.memory", "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods", "resourcequotas", "services",
                            "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps", "services.nodeports", "services.loadbalancers", "requests.storage", "storage"}) {
    if (name == known) return true;
  }
  return false;
}

void check_container_resource_name(const std::string& name, const std::string& path, FieldErrors& errors) {
  append_problems(qualified_name_problems(name), name, path, errors);
  if (name.find('/') != std::string::npos) return;
  if (!is_standard_resource(name)) errors.push_back(invalid_text(path, name, "must be a standard resource type or fully qualified"));
  if (!is_standard_container_resource(name)) errors.push_back(invalid_text(path, name, "must be a standard resource for containers"));
}

void check_resources(const Json& container, const std::string& path, FieldErrors& errors) {
  const Json& limits = list_at(container, {"resources", "limits"});
  for (const auto& [name, amount] : limits.items()) {
    const std::string at = at_key(path + ".resources.limits", name);
    check_container_resource_name(name, at, errors);
    check_resource_amount(name, amount, at, errors);
  }
  for (const auto& [name, amount] : list_at(container, {"resources", "requests"}).items()) {
    const std::string at = at_key(path + ".resources.requests", name);
    check_container_resource_name(name, at, errors);
    check_resource_amount(name, amount, at, errors);
    const bool extended = name.find('/') != std::string::npos && name.find("kubernetes.io/") == std::string::npos;
    if (!limits.is_object() || !limits.contains(name)) {
      if (extended || name.compare(0, 10, "hugepages-") == 0) errors.push_back(required_value(at_key(path + ".resources.limits", name), "Limit must be set for non overcommitable resources"));
      continue;
    }
    const std::string limit = limits.at(name).get<std::string>();
    const std::string request = amount.get<std::string>();
    const int order = compare_quantities(request, limit);
    if (extended && order != 0) {
      errors.push_back(invalid_text(path + ".resources.requests", request, "must be equal to " + name + " limit of " + limit));
    } else if (order > 0) {
      errors.push_back(invalid_text(path + ".resources.requests", request, "must be less than or equal to " + name + " limit of " + limit));
    }
  }
}

/// What a probe or a hook does.
void check_handler(const Json& handler, const std::string& path, FieldErrors& errors) {
  std::size_t count = 0;
  const auto first = [&](const char* kind) {
    if (!find(handler, {kind}).is_object()) return false;
    if (++count == 1) return true;
    errors.push_back(forbidden_value(path + "." + kind, "may not specify more than 1 handler type"));
    return false;
  };
  if (first("exec") && list_at(handler, {"exec", "command"}).empty()) errors.push_back(required_value(path + ".exec.command"));
  if (first("httpGet")) {
    const Json& get = handler.at("httpGet");
    if (text_at(get, {"path"}).empty()) errors.push_back(required_value(path + ".httpGet.path"));
    check_port_number_or_name(find(get, {"port"}), path + ".httpGet.port", errors);
    check_one_of(get, "scheme", path + ".httpGet", {"HTTP", "HTTPS"}, errors);
  }
  if (first("tcpSocket")) check_port_number_or_name(find(handler, {"tcpSocket", "port"}), path + ".tcpSocket.port", errors);
  if (first("grpc")) check_port_number(integer_at(handler, {"grpc", "port"}), path + ".grpc.port", errors);
  (void)first("sleep");
  if (count == 0) errors.push_back(required_value(path, "must specify a handler type"));
}

void check_probe(const Json& container, const char* name, const std::string& container_path, FieldErrors& errors) {
  const Json& probe = find(container, {name});
  if (!probe.is_object()) return;
  const std::string path = container_path + "." + name;
  check_handler(probe, path, errors);
  for (const char* key : {"initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"}) check_not_negative(probe, key, path, errors);
  const Json& grace = find(probe, {"terminationGracePeriodSeconds"});
  if (grace.is_number_integer() && grace.get<std::int64_t>() <= 0) errors.push_back(invalid_value(path + ".terminationGracePeriodSeconds", grace.dump(), "must be greater than 0"));
  const bool readiness = std::string_view(name) == "readinessProbe";
  if (readiness && !grace.is_null()) errors.push_back(invalid_value(path + ".terminationGracePeriodSeconds", grace.dump(), "must not be set for readinessProbes"));
  if (!readiness && integer_at(probe, {"successThreshold"}, 1) != 1) {
    errors.push_back(invalid_value(path + ".successThreshold", find(probe, {"successThreshold"}).dump(), "must be 1"));
  }
}

void check_ports(const Json& container, const std::string& path, FieldErrors& errors) {
  std::size_t position = 0;
  std::vector<std::string> names;
  for (const Json& port : list_at(container, {"ports"})) {
    const std::string at = at_index(path + ".ports", position++);
    const std::string name = text_at(port, {"name"});
    if (!name.empty()) {
      const auto problems = port_name_problems(name);
      append_problems(problems, name, at + ".name", errors);
      if (problems.empty()) {
        if (std::find(names.begin(), names.end(), name) != names.end()) errors.push_back(duplicate_value(at + ".name", in_quotes(name)));
        names.push_back(name);
      }
    }
    const std::int64_t number = integer_at(port, {"containerPort"});
    if (number == 0) {
      errors.push_back(required_value(at + ".containerPort"));
    } else {
      check_port_number(number, at + ".containerPort", errors);
    }
    if (const std::int64_t host = integer_at(port, {"hostPort"}); host != 0) check_port_number(host, at + ".hostPort", errors);
    check_one_of(port, "protocol", at, {"SCTP", "TCP", "UDP"}, errors);
  }
}

bool is_downward_path(const std::string& path) {
  for (const char* known : {"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"}) {
    if (path == known) return true;
  }
  return (path.compare(0, 17, "metadata.labels['") == 0 || path.compare(0, 22, "metadata.annotations['") == 0) && path.size() > 2 && path.substr(path.size() - 2) == "']";
}

void check_key_reference(const Json& reference, const std::string& path, FieldErrors& errors) {
  append_problems(dns1123_subdomain_problems(text_at(reference, {"name"})), text_at(reference, {"name"}), path + ".name", errors);
  const std::string key = text_at(reference, {"key"});
  if (key.empty()) {
    errors.push_back(required_value(path + ".key"));
  } else {
    append_problems(config_map_key_problems(key), key, path + ".key", errors);
  }
}

void check_value_source(const Json& variable, const std::string& path, FieldErrors& errors) {
  const Json& source = find(variable, {"valueFrom"});
  if (!source.is_object()) return;
  std::size_t count = 0;
  if (const Json& field = find(source, {"fieldRef"}); field.is_object()) {
    ++count;
    const std::string field_path = text_at(field, {"fieldPath"});
    if (field_path.empty()) {
      errors.push_back(required_value(path + ".fieldRef.fieldPath"));
    } else if (!is_downward_path(field_path)) {
      const bool known = field_path == "metadata.labels" || field_path == "metadata.annotations" || field_path == "spec.restartPolicy" || field_path == "spec.schedulerName" || field_path == "status.phase";
      if (known) {
        errors.push_back(unsupported_value(path + ".fieldRef.fieldPath", in_quotes(field_path),
                                           {"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"}));
      } else {
        errors.push_back(invalid_text(path + ".fieldRef.fieldPath", field_path, "error converting fieldPath: field label not supported: " + field_path));
      }
    }
  }
  if (const Json& field = find(source, {"resourceFieldRef"}); field.is_object()) {
    ++count;
    const std::string resource = text_at(field, {"resource"});
    if (resource.empty()) {
      errors.push_back(required_value(path + ".resourceFieldRef.resource"));
    } else {
      const bool known = resource.compare(0, 17, "limits.hugepages-") == 0 || resource.compare(0, 19, "requests.hugepages-") == 0;
      const std::vector<std::string> supported = {"limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"};
      if (!known && std::find(supported.begin(), supported.end(), resource) == supported.end()) errors.push_back(unsupported_value(path + ".resourceFieldRef.resource", in_quotes(resource), supported));
    }
  }
  for (const char* kind : {"configMapKeyRef", "secretKeyRef"}) {
    if (const Json& reference = find(source, {kind}); reference.is_object()) {
      ++count;
      check_key_reference(reference, path + "." + kind, errors);
    }
  }
  if (count == 0) errors.push_back(invalid_text(path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"));
  if (!text_at(variable, {"value"}).empty()) {
    if (count != 0) errors.push_back(invalid_text(path, "", "may not be specified when `value` is not empty"));
  } else if (count > 1) {
    errors.push_back(invalid_text(path, "", "may not have more than one field specified at a time"));
  }
}

void check_environment(const Json& container, const std::string& path, FieldErrors& errors) {
  std::size_t position = 0;
  for (const Json& variable : list_at(container, {"env"})) {
    const std::string at = at_index(path + ".env", position++);
    const std::string name = text_at(variable, {"name"});
    const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~' && c != '='; });
    if (name.empty()) {
      errors.push_back(required_value(at + ".name"));
    } else if (!printable) {
      errors.push_back(invalid_text(at + ".name", name, "a valid environment variable name must consist only of printable ASCII characters other than '='"));
    }
    check_value_source(variable, at + ".valueFrom", errors);
  }
  position = 0;
  for (const Json& source : list_at(container, {"envFrom"})) {
    const std::string at = at_index(path + ".envFrom", position++);
    std::size_t count = 0;
    for (const char* kind : {"configMapRef", "secretRef"}) {
      if (!find(source, {kind}).is_object()) continue;
      ++count;
      append_problems(dns1123_subdomain_problems(text_at(source, {kind, "name"})), text_at(source, {kind, "name"}), at + "." + kind + ".name", errors);
    }
    if (count == 0) errors.push_back(invalid_text(at, "", "must specify one of: `configMapRef` or `secretRef`"));
    if (count > 1) errors.push_back(invalid_text(at, "", "may not have more than one field specified at a time"));
  }
}

void check_mounts(const Json& container, const std::string& path, const Json& volumes, FieldErrors& errors) {
  std::size_t position = 0;
  std::vector<std::string> paths;
  for (const Json& mount : list_at(container, {"volumeMounts"})) {
    const std::string at = at_index(path + ".volumeMounts", position++);
    const std::string volume = text_at(mount, {"name"});
    const bool known = std::any_of(volumes.begin(), volumes.end(), [&](const Json& each) { return text_at(each, {"name"}) == volume; });
    if (volume.empty()) errors.push_back(required_value(at + ".name"));
    if (!known) errors.push_back(not_found_value(at + ".name", in_quotes(volume)));
    const std::string where = text_at(mount, {"mountPath"});
    if (where.empty()) errors.push_back(required_value(at + ".mountPath"));
    if (std::find(paths.begin(), paths.end(), where) != paths.end()) errors.push_back(invalid_text(at + ".mountPath", where, "must be unique"));
    paths.push_back(where);
    const std::string below = text_at(mount, {"subPath"});
    if (below.empty()) continue;
    if (below.front() == '/') errors.push_back(invalid_text(at + ".subPath", below, "must be a relative path"));
    if (below == ".." || below.compare(0, 3, "../") == 0 || below.find("/../") != std::string::npos || (below.size() > 2 && below.substr(below.size() - 3) == "/..")) {
      errors.push_back(invalid_text(at + ".subPath", below, "must not contain '..'"));
    }
  }
}

void check_security(const Json& container, const std::string& path, FieldErrors& errors) {
  const Json& security = find(container, {"securityContext"});
  if (!security.is_object()) return;
  for (const char* key : {"runAsUser", "runAsGroup"}) {
    const Json& id = find(security, {key});
    if (id.is_number_integer() && (id.get<std::int64_t>() < 0 || id.get<std::int64_t>() > 2147483647)) {
      errors.push_back(invalid_value(path + ".securityContext." + key, id.dump(), "must be between 0 and 2147483647, inclusive"));
    }
  }
  const Json& escalation = find(security, {"allowPrivilegeEscalation"});
  if (escalation.is_boolean() && !escalation.get<bool>() && bool_at(security, {"privileged"})) {
    errors.push_back(invalid_value(path + ".securityContext", "core.SecurityContext{}", "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"));
  }
}

void check_container(const Json& container, const std::string& path, const Json& volumes, FieldErrors& errors) {
  const std::string name = text_at(container, {"name"});
  if (name.empty()) {
    errors.push_back(required_value(path + ".name"));
  } else {
    append_problems(dns1123_label_problems(name), name, path + ".name", errors);
  }
  const std::string image = text_at(container, {"image"});
  if (image.empty()) {
    errors.push_back(required_value(path + ".image"));
  } else if (std::isspace(static_cast<unsigned char>(image.front())) != 0 || std::isspace(static_cast<unsigned char>(image.back())) != 0) {
    errors.push_back(invalid_text(path + ".image", image, "must not have leading or trailing whitespace"));
  }
  check_one_of(container, "terminationMessagePolicy", path, {"File", "FallbackToLogsOnError"}, errors);
  check_ports(container, path, errors);
  check_environment(container, path, errors);
  check_mounts(container, path, volumes, errors);
  check_one_of(container, "imagePullPolicy", path, {"Always", "IfNotPresent", "Never"}, errors);
  check_resources(container, path, errors);
  check_security(container, path, errors);
}

void check_lifecycle_and_probes(const Json& container, const std::string& path, FieldErrors& errors) {
  for (const char* hook : {"postStart", "preStop"}) {
    if (const Json& handler = find(container, {"lifecycle", hook}); handler.is_object()) check_handler(handler, path + ".lifecycle." + hook, errors);
  }
  for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"}) check_probe(container, probe, path, errors);
}

void check_host_ports(const Json& containers, const std::string& path, FieldErrors& errors) {
  std::vector<std::string> taken;
  for (std::size_t i = 0; i < containers.size(); ++i) {
    std::size_t position = 0;
    for (const Json& port : list_at(containers[i], {"ports"})) {
      const std::string at = at_index(at_index(path, i) + ".ports", position++);
      if (integer_at(port, {"hostPort"}) == 0) continue;
      const std::string key = text_at(port, {"protocol"}) + "/" + text_at(port, {"hostIP"}) + "/" + std::to_string(integer_at(port, {"hostPort"}));
      if (std::find(taken.begin(), taken.end(), key) != taken.end()) errors.push_back(duplicate_value(at + ".hostPort", in_quotes(key)));
      taken.push_back(key);
    }
  }
}

}  // namespace

void check_resource_amount(const std::string& name, const Json& amount, const std::string& path, FieldErrors& errors) {
  const std::string text = amount.is_string() ? amount.get<std::string>() : amount.dump();
  if (compare_quantities(text, "0") < 0) errors.push_back(invalid_text(path, text, "must be greater than or equal to 0"));
  if (is_whole_resource(name) && quantity_milli(text) % 1000 != 0) errors.push_back(invalid_text(path, text, "must be an integer"));
}

void check_containers(const Json& spec, const std::string& path, FieldErrors& errors) {
  const Json& volumes = list_at(spec, {"volumes"});
  const Json& containers = list_at(spec, {"containers"});
  if (containers.empty()) errors.push_back(required_value(path + ".containers"));
  std::vector<std::string> names;
  const auto check_name = [&](const Json& container, const std::string& at) {
    const std::string name = text_at(container, {"name"});
    if (name.empty()) return;
    if (std::find(names.begin(), names.end(), name) != names.end()) errors.push_back(duplicate_value(at + ".name", in_quotes(name)));
    names.push_back(name);
  };
  for (std::size_t i = 0; i < containers.size(); ++i) {
    const std::string at = at_index(path + ".containers", i);
    check_container(containers[i], at, volumes, errors);
    check_name(containers[i], at);
    check_lifecycle_and_probes(containers[i], at, errors);
    if (!text_at(containers[i], {"restartPolicy"}).empty()) errors.push_back(forbidden_value(at + ".restartPolicy", "may not be set for non-init containers"));
  }
  check_host_ports(containers, path + ".containers", errors);
  const Json& first = list_at(spec, {"initContainers"});
  for (std::size_t i = 0; i < first.size(); ++i) {
    const std::string at = at_index(path + ".initContainers", i);
    check_container(first[i], at, volumes, errors);
    const std::string policy = text_at(first[i], {"restartPolicy"});
    if (!policy.empty() && policy != "Always") errors.push_back(unsupported_value(at + ".restartPolicy", in_quotes(policy), {"Always"}));
    check_name(first[i], at);
    if (policy == "Always") {
      check_lifecycle_and_probes(first[i], at, errors);
    } else {
      for (const char* key : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
        if (find(first[i], {key}).is_object()) errors.push_back(forbidden_value(at + "." + key, "may not be set for init containers without restartPolicy=Always"));
      }
    }
    check_host_ports(Json::array({first[i]}), path + ".initContainers", errors);
  }
  const Json& extra = list_at(spec, {"ephemeralContainers"});
  for (std::size_t i = 0; i < extra.size(); ++i) {
    const std::string at = at_index(path + ".ephemeralContainers", i);
    check_container(extra[i], at, volumes, errors);
    check_name(extra[i], at);
    for (const char* key : {"ports", "resources", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"}) {
      if (!find(extra[i], {key}).empty()) errors.push_back(forbidden_value(at + "." + key, "cannot be set for an Ephemeral Container"));
    }
    const std::string target = text_at(extra[i], {"targetContainerName"});
    const bool known = target.empty() || std::any_of(containers.begin(), containers.end(), [&](const Json& each) { return text_at(each, {"name"}) == target; }) ||
                       std::any_of(first.begin(), first.end(), [&](const Json& each) { return text_at(each, {"name"}) == target; });
    if (!known) errors.push_back(not_found_value(at + ".targetContainerName", in_quotes(target)));
  }
}

}  // namespace skidpad::fakes::kube_apiserver

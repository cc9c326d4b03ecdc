#include "fakes/kube_apiserver/api/pod_validation.hpp"

#include "fakes/kube_apiserver/api/names.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

constexpr const char* port_range = "must be between 1 and 65535, inclusive";

void check_enum(const Json& object, const char* key, const std::string& path, const std::vector<std::string>& supported, FieldErrors& errors) {
  const std::string value = text_at(object, {key});
  if (value.empty() || std::find(supported.begin(), supported.end(), value) != supported.end()) return;
  errors.push_back(unsupported_value(path + "." + key, in_quotes(value), supported));
}

void check_resources(const Json& container, const std::string& path, FieldErrors& errors) {
  const Json& limits = list_at(container, {"resources", "limits"});
  for (const auto& [name, request] : list_at(container, {"resources", "requests"}).items()) {
    if (!limits.is_object() || !limits.contains(name)) continue;
    const std::string limit = limits.at(name).get<std::string>();
    if (compare_quantities(request.get<std::string>(), limit) > 0) {
      errors.push_back(invalid_text(path + ".resources.requests", request.get<std::string>(), "must be less than or equal to " + name + " limit of " + limit));
    }
  }
  for (const char* part : {"limits", "requests"}) {
    for (const auto& [name, value] : list_at(container, {"resources", part}).items()) {
      if (compare_quantities(value.get<std::string>(), "0") < 0) {
        errors.push_back(invalid_text(path + ".resources." + part + "[" + name + "]", value.get<std::string>(), "must be greater than or equal to 0"));
      }
    }
  }
}

void check_probe(const Json& container, const char* name, const std::string& path, FieldErrors& errors) {
  const Json& probe = find(container, {name});
  if (!probe.is_object()) return;
  std::size_t handlers = 0;
  for (const char* handler : {"exec", "httpGet", "tcpSocket", "grpc"}) handlers += find(probe, {handler}).is_object() ? 1 : 0;
  if (handlers == 0) errors.push_back(required_value(path + "." + name, "must specify a handler type"));
  const bool once = std::string_view(name) != "readinessProbe";
  if (once && integer_at(probe, {"successThreshold"}, 1) != 1) {
    errors.push_back(invalid_value(path + "." + name + ".successThreshold", find(probe, {"successThreshold"}).dump(), "must be 1"));
  }
}

void check_container(const Json& container, const std::string& path, const Json& volumes, FieldErrors& errors) {
  const std::string name = text_at(container, {"name"});
  if (name.empty()) {
    errors.push_back(required_value(path + ".name"));
  } else {
    for (const std::string& problem : dns1123_label_problems(name)) errors.push_back(invalid_text(path + ".name", name, problem));
  }
  const std::string image = text_at(container, {"image"});
  if (image.empty()) {
    errors.push_back(required_value(path + ".image"));
  } else if (image.front() == ' ' || image.back() == ' ') {
    errors.push_back(invalid_text(path + ".image", image, "must not have leading or trailing whitespace"));
  }
  for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"}) check_probe(container, probe, path, errors);
  std::size_t position = 0;
  for (const Json& port : list_at(container, {"ports"})) {
    const std::string at = path + ".ports[" + std::to_string(position++) + "]";
    const std::string port_name = text_at(port, {"name"});
    if (!port_name.empty()) {
      for (const std::string& problem : port_name_problems(port_name)) errors.push_back(invalid_text(at + ".name", port_name, problem));
    }
    const std::int64_t number = integer_at(port, {"containerPort"});
    if (number == 0) {
      errors.push_back(required_value(at + ".containerPort"));
    } else if (number < 0 || number > 65535) {
      errors.push_back(invalid_value(at + ".containerPort", std::to_string(number), port_range));
    }
    const std::int64_t host = integer_at(port, {"hostPort"});
    if (host < 0 || host > 65535) errors.push_back(invalid_value(at + ".hostPort", std::to_string(host), port_range));
    check_enum(port, "protocol", at, {"SCTP", "TCP", "UDP"}, errors);
  }
  position = 0;
  for (const Json& variable : list_at(container, {"env"})) {
    const std::string at = path + ".env[" + std::to_string(position++) + "]";
    if (text_at(variable, {"name"}).empty()) errors.push_back(required_value(at + ".name"));
    if (find(variable, {"valueFrom"}).is_object() && !text_at(variable, {"value"}).empty()) {
      errors.push_back(invalid_text(at + ".valueFrom", "", "may not be specified when `value` is not empty"));
    }
  }
  position = 0;
  std::vector<std::string> paths;
  for (const Json& mount : list_at(container, {"volumeMounts"})) {
    const std::string at = path + ".volumeMounts[" + std::to_string(position++) + "]";
    const std::string volume = text_at(mount, {"name"});
    const bool known = std::any_of(volumes.begin(), volumes.end(), [&](const Json& each) { return text_at(each, {"name"}) == volume; });
    if (volume.empty()) {
      errors.push_back(required_value(at + ".name"));
    } else if (!known) {
      errors.push_back(not_found_value(at + ".name", in_quotes(volume)));
    }
    const std::string where = text_at(mount, {"mountPath"});
    if (where.empty()) errors.push_back(required_value(at + ".mountPath"));
    if (std::find(paths.begin(), paths.end(), where) != paths.end()) errors.push_back(invalid_text(at + ".mountPath", where, "must be unique"));
    paths.push_back(where);
  }
  check_enum(container, "imagePullPolicy", path, {"Always", "IfNotPresent", "Never"}, errors);
  check_enum(container, "terminationMessagePolicy", path, {"FallbackToLogsOnError", "File"}, errors);
  check_resources(container, path, errors);
}

}  // namespace

void check_pod_spec(const Json& spec, const std::string& path, FieldErrors& errors) {
  std::vector<std::string> volume_names;
  std::size_t position = 0;
  const Json& volumes = list_at(spec, {"volumes"});
  for (const Json& volume : volumes) {
    const std::string at = path + ".volumes[" + std::to_string(position++) + "]";
    const std::string name = text_at(volume, {"name"});
    if (name.empty()) {
      errors.push_back(required_value(at + ".name"));
    } else {
      for (const std::string& problem : dns1123_label_problems(name)) errors.push_back(invalid_text(at + ".name", name, problem));
      if (std::find(volume_names.begin(), volume_names.end(), name) != volume_names.end()) errors.push_back(duplicate_value(at + ".name", in_quotes(name)));
      volume_names.push_back(name);
    }
  }
  const Json& containers = list_at(spec, {"containers"});
  if (containers.empty()) errors.push_back(required_value(path + ".containers"));
  std::vector<std::string> names;
  for (const char* list : {"containers", "initContainers"}) {
    position = 0;
    for (const Json& container : list_at(spec, {list})) {
      const std::string at = path + "." + list + "[" + std::to_string(position++) + "]";
      check_container(container, at, volumes, errors);
      const std::string name = text_at(container, {"name"});
      if (!name.empty() && std::find(names.begin(), names.end(), name) != names.end()) errors.push_back(duplicate_value(at + ".name", in_quotes(name)));
      names.push_back(name);
    }
  }
  const std::string policy = text_at(spec, {"restartPolicy"});
  if (!policy.empty() && policy != "Always" && policy != "OnFailure" && policy != "Never") {
    errors.push_back(unsupported_value(path + ".restartPolicy", in_quotes(policy), {"Always", "OnFailure", "Never"}));
  }
  check_enum(spec, "dnsPolicy", path, {"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"}, errors);
  const Json& deadline = find(spec, {"activeDeadlineSeconds"});
  if (deadline.is_number() && (deadline.get<std::int64_t>() < 1 || deadline.get<std::int64_t>() > 2147483647)) {
    errors.push_back(invalid_value(path + ".activeDeadlineSeconds", deadline.dump(), "must be between 1 and 2147483647, inclusive"));
  }
  position = 0;
  for (const Json& toleration : list_at(spec, {"tolerations"})) {
    const std::string at = path + ".tolerations[" + std::to_string(position++) + "]";
    const std::string operation = text_at(toleration, {"operator"});
    if (!operation.empty() && operation != "Equal" && operation != "Exists") {
      errors.push_back(unsupported_value(at + ".operator", in_quotes(operation), {"Equal", "Exists"}));
    }
    if (operation == "Exists" && !text_at(toleration, {"value"}).empty()) {
      errors.push_back(invalid_value(at + ".operator", "core.Toleration{}", "value must be empty when `operator` is 'Exists'"));
    }
  }
  const std::string node = text_at(spec, {"nodeName"});
  if (!node.empty()) {
    for (const std::string& problem : dns1123_subdomain_problems(node)) errors.push_back(invalid_text(path + ".nodeName", node, problem));
  }
  check_labels(find(spec, {"nodeSelector"}), path + ".nodeSelector", errors);
}

void check_pod_template(const Json& pod_template, const std::string& path, FieldErrors& errors) {
  check_labels(find(pod_template, {"metadata", "labels"}), path + ".labels", errors);
  check_annotations(find(pod_template, {"metadata", "annotations"}), path + ".annotations", errors);
  check_pod_spec(find(pod_template, {"spec"}), path + ".spec", errors);
}

void check_pod_update(const Json& pod, const Json& old, FieldErrors& errors) {
  Json now = pod.at("spec");
  const Json& then = old.at("spec");
  const auto take = [&](Json& to, const Json& from, const char* key) {
    const auto found = from.find(key);
    if (found == from.end()) {
      to.erase(key);
    } else {
      to[key] = *found;
    }
  };
  for (const char* list : {"containers", "initContainers"}) {
    const Json& before = list_at(then, {list});
    if (!now.contains(list) || now[list].size() != before.size()) {
      if (list_at(now, {list}).size() != before.size()) {
        errors.push_back(forbidden_value(std::string("spec.") + list, "pod updates may not add or remove containers"));
        return;
      }
      continue;
    }
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (text_at(now[list][i], {"image"}).empty()) errors.push_back(required_value(std::string("spec.") + list + "[" + std::to_string(i) + "].image"));
      take(now[list][i], before[i], "image");
    }
  }
  take(now, then, "activeDeadlineSeconds");
  const Json& tolerations_before = list_at(then, {"tolerations"});
  const Json& tolerations = list_at(pod, {"spec", "tolerations"});
  bool kept = true;
  for (const Json& toleration : tolerations_before) kept &= std::find(tolerations.begin(), tolerations.end(), toleration) != tolerations.end();
  if (kept) take(now, then, "tolerations");
  take(now, then, "schedulingGates");
  if (integer_at(then, {"terminationGracePeriodSeconds"}) < 0 && integer_at(now, {"terminationGracePeriodSeconds"}) == 1) take(now, then, "terminationGracePeriodSeconds");
  if (now != then) {
    errors.push_back(forbidden_value("spec",
                                     "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
                                     "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
                                     "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n"));
  }
}

}  // namespace skidpad::fakes::kube_apiserver

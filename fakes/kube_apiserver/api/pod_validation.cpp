#include "fakes/kube_apiserver/api/pod_validation.hpp"

#include "fakes/kube_apiserver/api/container_validation.hpp"
#include "fakes/kube_apiserver/api/field_checks.hpp"
#include "fakes/kube_apiserver/api/names.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

constexpr const char* volume_sources[] = {"emptyDir", "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "secret", "nfs", "iscsi", "glusterfs", "persistentVolumeClaim", "rbd",
                                          "cinder", "cephfs", "flocker", "downwardAPI", "fc", "azureFile", "configMap", "vsphereVolume", "quobyte", "azureDisk", "photonPersistentDisk",
                                          "projected", "portworxVolume", "scaleIO", "storageos", "csi", "ephemeral", "image"};

void check_mode(const Json& holder, const char* key, const std::string& path, FieldErrors& errors) {
  const Json& mode = find(holder, {key});
  if (mode.is_number_integer() && (mode.get<std::int64_t>() < 0 || mode.get<std::int64_t>() > 0777)) {
    errors.push_back(invalid_value(path + "." + key, mode.dump(), "must be a number between 0 and 0777 (octal), both inclusive"));
  }
}

void check_items(const Json& holder, const std::string& path, FieldErrors& errors) {
  std::size_t position = 0;
  for (const Json& item : list_at(holder, {"items"})) {
    const std::string at = at_index(path + ".items", position++);
    if (text_at(item, {"key"}).empty()) errors.push_back(required_value(at + ".key"));
    const std::string where = text_at(item, {"path"});
    if (where.empty()) {
      errors.push_back(required_value(at + ".path"));
    } else if (where.front() == '/') {
      errors.push_back(invalid_text(at + ".path", where, "must be a relative path"));
    } else if (where.find("..") == 0) {
      errors.push_back(invalid_text(at + ".path", where, "must not contain '..'"));
    }
    check_mode(item, "mode", at, errors);
  }
}

void check_volume(const Json& volume, const std::string& path, FieldErrors& errors) {
  std::size_t count = 0;
  for (const char* kind : volume_sources) {
    const Json& source = find(volume, {kind});
    if (!source.is_object()) continue;
    const std::string at = path + "." + kind;
    if (++count > 1) {
      errors.push_back(forbidden_value(at, "may not specify more than 1 volume type"));
      continue;
    }
    const std::string_view name = kind;
    if (name == "emptyDir") {
      const std::string limit = text_at(source, {"sizeLimit"});
      if (!limit.empty() && compare_quantities(limit, "0") < 0) errors.push_back(forbidden_value(at + ".sizeLimit", "SizeLimit field must be a valid resource quantity"));
    } else if (name == "hostPath") {
      const std::string where = text_at(source, {"path"});
      if (where.empty()) {
        errors.push_back(required_value(at + ".path"));
      } else if ((where + "/").find("/../") != std::string::npos || where == "..") {
        errors.push_back(invalid_text(at + ".path", where, "must not contain '..'"));
      }
      check_one_of(source, "type", at, {"", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"}, errors);
    } else if (name == "secret") {
      if (text_at(source, {"secretName"}).empty()) errors.push_back(required_value(at + ".secretName"));
      check_mode(source, "defaultMode", at, errors);
      check_items(source, at, errors);
    } else if (name == "configMap") {
      if (text_at(source, {"name"}).empty()) errors.push_back(required_value(at + ".name"));
      check_mode(source, "defaultMode", at, errors);
      check_items(source, at, errors);
    } else if (name == "persistentVolumeClaim") {
      if (text_at(source, {"claimName"}).empty()) errors.push_back(required_value(at + ".claimName"));
    } else if (name == "downwardAPI" || name == "projected") {
      check_mode(source, "defaultMode", at, errors);
    } else if (name == "nfs") {
      if (text_at(source, {"server"}).empty()) errors.push_back(required_value(at + ".server"));
      const std::string where = text_at(source, {"path"});
      if (where.empty()) errors.push_back(required_value(at + ".path"));
      if (!where.empty() && where.front() != '/') errors.push_back(invalid_text(at + ".path", where, "must be an absolute path"));
    } else if (name == "csi") {
      if (text_at(source, {"driver"}).empty()) errors.push_back(required_value(at + ".driver"));
    }
  }
  if (count == 0) errors.push_back(required_value(path, "must specify a volume type"));
}

void check_tolerations(const Json& spec, const std::string& path, FieldErrors& errors) {
  std::size_t position = 0;
  for (const Json& toleration : list_at(spec, {"tolerations"})) {
    const std::string at = at_index(path + ".tolerations", position++);
    const std::string key = text_at(toleration, {"key"});
    const std::string operation = text_at(toleration, {"operator"});
    const std::string effect = text_at(toleration, {"effect"});
    const std::string value = text_at(toleration, {"value"});
    if (!key.empty()) append_problems(qualified_name_problems(key), key, at + ".key", errors);
    if (key.empty() && operation != "Exists") {
      errors.push_back(invalid_text(at + ".operator", operation, "operator must be Exists when `key` is empty, which means \"match all values and all keys\""));
    }
    if (find(toleration, {"tolerationSeconds"}).is_number() && effect != "NoExecute") {
      errors.push_back(invalid_text(at + ".effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    if (operation == "Equal" || operation.empty()) {
      append_problems(label_value_problems(value), value, at + ".operator", errors);
    } else if (operation == "Exists") {
      if (!value.empty()) errors.push_back(invalid_value(at + ".operator", "core.Toleration{}", "value must be empty when `operator` is 'Exists'"));
    } else {
      errors.push_back(unsupported_value(at + ".operator", in_quotes(operation), {"Equal", "Exists"}));
    }
    check_one_of(toleration, "effect", at, {"NoSchedule", "PreferNoSchedule", "NoExecute"}, errors);
  }
}

void check_node_terms(const Json& terms, const std::string& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < terms.size(); ++i) {
    std::size_t position = 0;
    for (const Json& requirement : list_at(terms[i], {"matchExpressions"})) {
      const std::string at = at_index(at_index(path, i) + ".matchExpressions", position++);
      const std::string operation = text_at(requirement, {"operator"});
      const Json& values = list_at(requirement, {"values"});
      if (operation == "In" || operation == "NotIn") {
        if (values.empty()) errors.push_back(required_value(at + ".values", "must be specified when `operator` is 'In' or 'NotIn'"));
      } else if (operation == "Exists" || operation == "DoesNotExist") {
        if (!values.empty()) errors.push_back(forbidden_value(at + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      } else if (operation == "Gt" || operation == "Lt") {
        if (values.size() != 1) errors.push_back(required_value(at + ".values", "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      } else {
        errors.push_back(invalid_text(at + ".operator", operation, "not a valid selector operator"));
      }
      append_problems(qualified_name_problems(text_at(requirement, {"key"})), text_at(requirement, {"key"}), at + ".key", errors);
    }
  }
}

void check_pod_term(const Json& term, const std::string& path, FieldErrors& errors) {
  check_selector(find(term, {"labelSelector"}), path + ".labelSelector", errors);
  check_selector(find(term, {"namespaceSelector"}), path + ".namespaceSelector", errors);
  const std::string topology = text_at(term, {"topologyKey"});
  if (topology.empty()) errors.push_back(required_value(path + ".topologyKey", "can not be empty"));
  append_problems(qualified_name_problems(topology), topology, path + ".topologyKey", errors);
}

void check_affinity(const Json& spec, const std::string& spec_path, FieldErrors& errors) {
  const std::string path = spec_path + ".affinity";
  const auto check_weight = [&](const Json& weighted, const std::string& at) {
    const std::int64_t weight = integer_at(weighted, {"weight"});
    if (weight < 1 || weight > 100) errors.push_back(invalid_value(at + ".weight", std::to_string(weight), "must be in the range 1-100"));
  };
  if (const Json& node = find(spec, {"affinity", "nodeAffinity"}); node.is_object()) {
    const std::string required = path + ".nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
    if (const Json& wanted = find(node, {"requiredDuringSchedulingIgnoredDuringExecution"}); wanted.is_object()) {
      const Json& terms = list_at(wanted, {"nodeSelectorTerms"});
      if (terms.empty()) errors.push_back(required_value(required, "must have at least one node selector term"));
      check_node_terms(terms, required, errors);
    }
    std::size_t position = 0;
    for (const Json& weighted : list_at(node, {"preferredDuringSchedulingIgnoredDuringExecution"})) {
      check_weight(weighted, at_index(path + ".nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution", position++));
    }
  }
  for (const char* kind : {"podAffinity", "podAntiAffinity"}) {
    const Json& pods = find(spec, {"affinity", kind});
    if (!pods.is_object()) continue;
    std::size_t position = 0;
    for (const Json& term : list_at(pods, {"requiredDuringSchedulingIgnoredDuringExecution"})) {
      check_pod_term(term, at_index(path + "." + kind + ".requiredDuringSchedulingIgnoredDuringExecution", position++), errors);
    }
    position = 0;
    for (const Json& weighted : list_at(pods, {"preferredDuringSchedulingIgnoredDuringExecution"})) {
      const std::string at = at_index(path + "." + kind + ".preferredDuringSchedulingIgnoredDuringExecution", position++);
      check_weight(weighted, at);
      check_pod_term(find(weighted, {"podAffinityTerm"}), at + ".podAffinityTerm", errors);
    }
  }
}

void check_spread(const Json& spec, const std::string& path, FieldErrors& errors) {
  std::size_t position = 0;
  for (const Json& rule : list_at(spec, {"topologySpreadConstraints"})) {
    const std::string at = at_index(path + ".topologySpreadConstraints", position++);
    const std::int64_t skew = integer_at(rule, {"maxSkew"});
    if (skew <= 0) errors.push_back(invalid_value(at + ".maxSkew", std::to_string(skew), "must be greater than zero"));
    const std::string topology = text_at(rule, {"topologyKey"});
    if (topology.empty()) {
      errors.push_back(required_value(at + ".topologyKey", "can not be empty"));
    } else {
      append_problems(qualified_name_problems(topology), topology, at + ".topologyKey", errors);
    }
    const std::string action = text_at(rule, {"whenUnsatisfiable"});
    if (action != "DoNotSchedule" && action != "ScheduleAnyway") errors.push_back(unsupported_value(at + ".whenUnsatisfiable", in_quotes(action), {"DoNotSchedule", "ScheduleAnyway"}));
    check_selector(find(rule, {"labelSelector"}), at + ".labelSelector", errors);
  }
}

void check_id(const Json& id, const std::string& path, FieldErrors& errors) {
  if (id.is_number_integer() && (id.get<std::int64_t>() < 0 || id.get<std::int64_t>() > 2147483647)) {
    errors.push_back(invalid_value(path, id.dump(), "must be between 0 and 2147483647, inclusive"));
  }
}

/// "net.ipv4.tcp_syncookies" or with slashes: segments of lower case letters and digits, - and _ inside.
bool is_sysctl_name(const std::string& name) {
  if (name.empty() || name.size() > 253) return false;
  bool inside = false;  // the last character may end a segment
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (letter) {
      inside = true;
    } else if (c == '.' || c == '/') {
      if (!inside) return false;
      inside = false;
    } else if ((c != '-' && c != '_') || !inside) {
      return false;
    }
  }
  return inside && name.back() != '-' && name.back() != '_';
}

void check_pod_security(const Json& spec, const std::string& spec_path, FieldErrors& errors) {
  const Json& security = find(spec, {"securityContext"});
  if (!security.is_object()) return;
  const std::string path = spec_path + ".securityContext";
  for (const char* key : {"fsGroup", "runAsUser", "runAsGroup"}) check_id(find(security, {key}), path + "." + key, errors);
  std::size_t position = 0;
  for (const Json& group : list_at(security, {"supplementalGroups"})) check_id(group, at_index(path + ".supplementalGroups", position++), errors);
  position = 0;
  std::vector<std::string> seen;
  for (const Json& sysctl : list_at(security, {"sysctls"})) {
    const std::string at = at_index(path + ".sysctls", position++) + ".name";
    const std::string name = text_at(sysctl, {"name"});
    if (name.empty()) {
      errors.push_back(required_value(at));
    } else if (!is_sysctl_name(name)) {
      errors.push_back(invalid_text(at, name, "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"));
    } else if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      errors.push_back(duplicate_value(at, in_quotes(name)));
    }
    seen.push_back(name);
  }
  check_one_of(security, "fsGroupChangePolicy", path, {"Always", "OnRootMismatch"}, errors);
}

void check_dns_config(const Json& spec, const std::string& spec_path, FieldErrors& errors) {
  const Json& servers = list_at(spec, {"dnsConfig", "nameservers"});
  const std::string path = spec_path + ".dnsConfig";
  if (text_at(spec, {"dnsPolicy"}) == "None" && servers.empty()) {
    errors.push_back(required_value(path + ".nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None"));
  }
  if (servers.size() > 3) errors.push_back(invalid_value(path + ".nameservers", shown_list(servers), "must not have more than 3 nameservers"));
  std::size_t position = 0;
  for (const Json& server : servers) check_ip_address(server.get<std::string>(), at_index(path + ".nameservers", position++), errors);
  const Json& searches = list_at(spec, {"dnsConfig", "searches"});
  if (searches.size() > 32) errors.push_back(invalid_value(path + ".searches", shown_list(searches), "must not have more than 32 search paths"));
  position = 0;
  for (const Json& search : searches) {
    std::string text = search.get<std::string>();
    if (text.size() > 1 && text.back() == '.') text.pop_back();
    append_problems(dns1123_subdomain_problems(text), text, at_index(path + ".searches", position++), errors);
  }
  position = 0;
  for (const Json& option : list_at(spec, {"dnsConfig", "options"})) {
    const std::string at = at_index(path + ".options", position++);
    if (text_at(option, {"name"}).empty()) errors.push_back(required_value(at, "must not be empty"));
  }
}

void check_gates(const Json& spec, const std::string& path, FieldErrors& errors) {
  std::size_t position = 0;
  for (const Json& gate : list_at(spec, {"readinessGates"})) {
    const std::string type = text_at(gate, {"conditionType"});
    append_problems(qualified_name_problems(type), type, at_index(path + ".readinessGates", position++) + ".conditionType", errors);
  }
  position = 0;
  std::vector<std::string> seen;
  for (const Json& gate : list_at(spec, {"schedulingGates"})) {
    const std::string at = at_index(path + ".schedulingGates", position++);
    const std::string name = text_at(gate, {"name"});
    append_problems(qualified_name_problems(name), name, at, errors);
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) errors.push_back(duplicate_value(at, in_quotes(name)));
    seen.push_back(name);
  }
}

void check_host_network(const Json& spec, const std::string& path, FieldErrors& errors) {
  if (!runtime::bool_at(spec, {"hostNetwork"})) return;
  const Json& containers = list_at(spec, {"containers"});
  for (std::size_t i = 0; i < containers.size(); ++i) {
    std::size_t position = 0;
    for (const Json& port : list_at(containers[i], {"ports"})) {
      const std::string at = at_index(at_index(path + ".containers", i) + ".ports", position++);
      const std::int64_t host = integer_at(port, {"hostPort"});
      if (host != integer_at(port, {"containerPort"})) errors.push_back(invalid_value(at + ".containerPort", std::to_string(integer_at(port, {"containerPort"})), "must match `hostPort` when `hostNetwork` is true"));
    }
  }
}

}  // namespace

void check_pod_spec(const Json& spec, const std::string& path, FieldErrors& errors) {
  std::vector<std::string> volume_names;
  std::size_t position = 0;
  for (const Json& volume : list_at(spec, {"volumes"})) {
    const std::string at = at_index(path + ".volumes", position++);
    const std::string name = text_at(volume, {"name"});
    check_volume(volume, at, errors);
    if (name.empty()) {
      errors.push_back(required_value(at + ".name"));
    } else {
      append_problems(dns1123_label_problems(name), name, at + ".name", errors);
      if (std::find(volume_names.begin(), volume_names.end(), name) != volume_names.end()) errors.push_back(duplicate_value(at + ".name", in_quotes(name)));
      volume_names.push_back(name);
    }
  }
  check_containers(spec, path, errors);
  const std::string policy = text_at(spec, {"restartPolicy"});
  if (!policy.empty() && policy != "Always" && policy != "OnFailure" && policy != "Never") {
    errors.push_back(unsupported_value(path + ".restartPolicy", in_quotes(policy), {"Always", "OnFailure", "Never"}));
  }
  check_one_of(spec, "dnsPolicy", path, {"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"}, errors);
  check_labels(find(spec, {"nodeSelector"}), path + ".nodeSelector", errors);
  check_host_network(spec, path, errors);
  check_pod_security(spec, path, errors);
  check_affinity(spec, path, errors);
  check_dns_config(spec, path, errors);
  check_gates(spec, path, errors);
  check_spread(spec, path, errors);
  const std::string account = text_at(spec, {"serviceAccountName"});
  if (!account.empty()) append_problems(dns1123_subdomain_problems(account), account, path + ".serviceAccountName", errors);
  const std::string node = text_at(spec, {"nodeName"});
  if (!node.empty()) append_problems(dns1123_subdomain_problems(node), node, path + ".nodeName", errors);
  const Json& deadline = find(spec, {"activeDeadlineSeconds"});
  if (deadline.is_number() && (deadline.get<std::int64_t>() < 1 || deadline.get<std::int64_t>() > 2147483647)) {
    errors.push_back(invalid_value(path + ".activeDeadlineSeconds", deadline.dump(), "must be between 1 and 2147483647, inclusive"));
  }
  for (const char* key : {"hostname", "subdomain"}) {
    const std::string text = text_at(spec, {key});
    if (!text.empty()) append_problems(dns1123_label_problems(text), text, path + "." + key, errors);
  }
  check_tolerations(spec, path, errors);
  position = 0;
  for (const Json& alias : list_at(spec, {"hostAliases"})) {
    const std::string at = at_index(path + ".hostAliases", position++);
    check_ip_address(text_at(alias, {"ip"}), at + ".ip", errors);
    for (const Json& host : list_at(alias, {"hostnames"})) append_problems(dns1123_subdomain_problems(host.get<std::string>()), host.get<std::string>(), at + ".hostnames", errors);
  }
  const std::string priority = text_at(spec, {"priorityClassName"});
  if (!priority.empty()) append_problems(dns1123_subdomain_problems(priority), priority, path + ".priorityClassName", errors);
  const std::string runtime_class = text_at(spec, {"runtimeClassName"});
  if (!runtime_class.empty()) append_problems(dns1123_subdomain_problems(runtime_class), runtime_class, path + ".runtimeClassName", errors);
  check_one_of(spec, "preemptionPolicy", path, {"Never", "PreemptLowerPriority"}, errors);
  if (find(spec, {"os"}).is_object()) {
    const std::string os = text_at(spec, {"os", "name"});
    if (os.empty()) errors.push_back(required_value(path + ".os.name", "cannot be empty"));
    if (!os.empty() && os != "linux" && os != "windows") errors.push_back(unsupported_value(path + ".os", in_quotes(os), {"linux", "windows"}));
  }
}

void check_new_pod(const Json& pod, FieldErrors& errors) {
  const Json& spec = pod.at("spec");
  check_pod_spec(spec, "spec", errors);
  if (!list_at(spec, {"ephemeralContainers"}).empty()) errors.push_back(forbidden_value("spec.ephemeralContainers", "cannot be set on create"));
  if (!list_at(spec, {"schedulingGates"}).empty() && !text_at(spec, {"nodeName"}).empty()) {
    errors.push_back(forbidden_value("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
  }
}

void check_pod_template(const Json& pod_template, const std::string& path, FieldErrors& errors) {
  check_labels(find(pod_template, {"metadata", "labels"}), path + ".labels", errors);
  check_annotations(find(pod_template, {"metadata", "annotations"}), path + ".annotations", errors);
  check_pod_spec(find(pod_template, {"spec"}), path + ".spec", errors);
  if (!list_at(pod_template, {"spec", "ephemeralContainers"}).empty()) errors.push_back(forbidden_value(path + ".spec.ephemeralContainers", "ephemeral containers not allowed in pod template"));
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

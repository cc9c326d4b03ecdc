#include "fakes/kube_apiserver/api/validation.hpp"

#include "fakes/kube_apiserver/api/base64.hpp"
#include "fakes/kube_apiserver/api/names.hpp"
#include "fakes/kube_apiserver/api/pod_validation.hpp"
#include "fakes/kube_apiserver/api/selector.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

constexpr const char* immutable = "field is immutable";

Problems name_problems(const Resource& resource, std::string_view name) {
  if (resource.group.empty()) {
    if (resource.kind == "Namespace") return dns1123_label_problems(name);
    if (resource.kind == "Service") return dns1035_label_problems(name);
  }
  if (resource.group == "rbac.authorization.k8s.io") return path_segment_problems(name);
  if (resource.kind == "StatefulSet") return dns1123_label_problems(name);
  return dns1123_subdomain_problems(name);
}

void check_metadata(const Json& object, const Resource& resource, FieldErrors& errors) {
  const Json& metadata = object.at("metadata");
  const std::string prefix = text_at(metadata, {"generateName"});
  const std::string name = text_at(metadata, {"name"});
  if (!prefix.empty()) {
    std::string_view stem = prefix;  // a trailing dash is as good as a letter: a suffix follows
    std::string masked(stem);
    if (!masked.empty() && masked.back() == '-') masked.back() = 'a';
    for (const std::string& problem : name_problems(resource, masked)) errors.push_back(invalid_text("metadata.generateName", prefix, problem));
  }
  if (name.empty()) {
    errors.push_back(required_value("metadata.name", "name or generateName is required"));
  } else {
    for (const std::string& problem : name_problems(resource, name)) errors.push_back(invalid_text("metadata.name", name, problem));
  }
  check_labels(find(metadata, {"labels"}), "metadata.labels", errors);
  check_annotations(find(metadata, {"annotations"}), "metadata.annotations", errors);
  for (const Json& owner : list_at(metadata, {"ownerReferences"})) {
    const std::string path = "metadata.ownerReferences";
    if (text_at(owner, {"apiVersion"}).empty()) errors.push_back(invalid_text(path + ".apiVersion", "", "version must not be empty"));
    if (text_at(owner, {"kind"}).empty()) errors.push_back(invalid_text(path + ".kind", "", "kind must not be empty"));
    if (text_at(owner, {"name"}).empty()) errors.push_back(invalid_text(path + ".name", "", "name must not be empty"));
    if (text_at(owner, {"kind"}) == "Event" && text_at(owner, {"apiVersion"}) == "v1") {
      errors.push_back(invalid_value(path, "v1.OwnerReference{}", "/v1, Kind=Event is disallowed from being an owner"));
    }
    if (text_at(owner, {"uid"}).empty()) errors.push_back(invalid_text(path + ".uid", "", "uid must not be empty"));
  }
  std::size_t controllers = 0;
  for (const Json& owner : list_at(metadata, {"ownerReferences"})) controllers += runtime::bool_at(owner, {"controller"}) ? 1 : 0;
  if (controllers > 1) {
    std::vector<std::string> names;
    for (const Json& owner : list_at(metadata, {"ownerReferences"})) {
      if (runtime::bool_at(owner, {"controller"})) names.push_back(text_at(owner, {"kind"}) + "/" + text_at(owner, {"name"}));
    }
    errors.push_back(invalid_value("metadata.ownerReferences", "[]v1.OwnerReference{}",
                                   "Only one reference can have Controller set to true. Found \"true\" in references for " + names[0] + " and " + names[1]));
  }
  std::size_t position = 0;
  for (const Json& finalizer : list_at(metadata, {"finalizers"})) {
    const std::string text = finalizer.get<std::string>();
    const std::string path = "metadata.finalizers[" + std::to_string(position++) + "]";
    for (const std::string& problem : qualified_name_problems(text)) errors.push_back(invalid_text("metadata.finalizers", text, problem));
    if (text.find('/') == std::string::npos && text != "orphan" && text != "foregroundDeletion" && text != "kubernetes") {
      errors.push_back(invalid_text(path, text, "name is neither a standard finalizer name nor is it fully qualified"));
    }
  }
}

void check_not_negative(const Json& object, std::initializer_list<const char*> path, FieldErrors& errors, const std::string& base = "") {
  const Json* at = &object;
  std::string name = base;
  for (const char* key : path) {
    at = &find(*at, {key});
    name += (name.empty() ? "" : ".") + std::string(key);
  }
  if (at->is_number_integer() && at->get<std::int64_t>() < 0) errors.push_back(invalid_value(name, at->dump(), "must be greater than or equal to 0"));
}

/// Selector and template of a workload fit each other.
void check_workload(const Json& object, const Resource& resource, FieldErrors& errors) {
  const Json& spec = object.at("spec");
  check_not_negative(object, {"spec", "replicas"}, errors);
  check_not_negative(object, {"spec", "minReadySeconds"}, errors);
  const Json& selector = find(spec, {"selector"});
  const Json& labels = find(spec, {"template", "metadata", "labels"});
  if (resource.kind != "ReplicationController") {
    if (!selector.is_object()) {
      errors.push_back(required_value("spec.selector"));
    } else if (list_at(selector, {"matchLabels"}).empty() && list_at(selector, {"matchExpressions"}).empty()) {
      errors.push_back(invalid_value("spec.selector", "v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement(nil)}",
                                     "empty selector is invalid for " + resource.singular));
    }
    if (!LabelSelector::from_object(selector).matches(labels)) {
      errors.push_back(invalid_value("spec.template.metadata.labels", shown_map(labels), "`selector` does not match template `labels`"));
    }
  }
  check_pod_template(find(spec, {"template"}), "spec.template", errors);
  const std::string policy = text_at(spec, {"template", "spec", "restartPolicy"});
  if (policy != "Always" && !policy.empty()) {
    errors.push_back(unsupported_value("spec.template.spec.restartPolicy", in_quotes(policy), {"Always"}));
  }
}

void check_job_spec(const Json& spec, const std::string& path, FieldErrors& errors) {
  check_not_negative(spec, {"parallelism"}, errors, path);
  check_not_negative(spec, {"completions"}, errors, path);
  check_not_negative(spec, {"backoffLimit"}, errors, path);
  check_not_negative(spec, {"ttlSecondsAfterFinished"}, errors, path);
  check_pod_template(find(spec, {"template"}), path + ".template", errors);
  const std::string policy = text_at(spec, {"template", "spec", "restartPolicy"});
  if (policy == "Always" || policy.empty()) {
    errors.push_back(required_value(path + ".template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\""));
  } else if (policy != "OnFailure" && policy != "Never") {
    errors.push_back(unsupported_value(path + ".template.spec.restartPolicy", in_quotes(policy), {"Never", "OnFailure"}));
  }
}

void check_service(const Json& object, FieldErrors& errors) {
  const Json& spec = object.at("spec");
  const std::string type = text_at(spec, {"type"});
  const Json& ports = list_at(spec, {"ports"});
  if (type != "ClusterIP" && type != "NodePort" && type != "LoadBalancer" && type != "ExternalName") {
    errors.push_back(unsupported_value("spec.type", in_quotes(type), {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"}));
  }
  if (ports.empty() && type != "ExternalName" && text_at(spec, {"clusterIP"}) != "None") errors.push_back(required_value("spec.ports"));
  std::vector<std::string> names;
  std::vector<std::string> seen;
  std::size_t position = 0;
  for (const Json& port : ports) {
    const std::string path = "spec.ports[" + std::to_string(position++) + "]";
    const std::string name = text_at(port, {"name"});
    if (name.empty()) {
      if (ports.size() > 1) errors.push_back(required_value(path + ".name"));
    } else {
      for (const std::string& problem : dns1123_label_problems(name)) errors.push_back(invalid_text(path + ".name", name, problem));
      if (std::find(names.begin(), names.end(), name) != names.end()) errors.push_back(duplicate_value(path + ".name", in_quotes(name)));
      names.push_back(name);
    }
    const std::int64_t number = integer_at(port, {"port"});
    if (number < 1 || number > 65535) errors.push_back(invalid_value(path + ".port", std::to_string(number), "must be between 1 and 65535, inclusive"));
    const std::string protocol = text_at(port, {"protocol"});
    if (protocol != "TCP" && protocol != "UDP" && protocol != "SCTP") errors.push_back(unsupported_value(path + ".protocol", in_quotes(protocol), {"SCTP", "TCP", "UDP"}));
    const Json& target = find(port, {"targetPort"});
    if (target.is_number_integer() && (target.get<std::int64_t>() < 1 || target.get<std::int64_t>() > 65535)) {
      errors.push_back(invalid_value(path + ".targetPort", target.dump(), "must be between 1 and 65535, inclusive"));
    }
    const std::string key = protocol + "/" + std::to_string(number);
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      errors.push_back(duplicate_value(path, "core.ServicePort{Protocol:" + in_quotes(protocol) + ", Port:" + std::to_string(number) + "}"));
    }
    seen.push_back(key);
  }
  const std::string affinity = text_at(spec, {"sessionAffinity"});
  if (affinity != "None" && affinity != "ClientIP") errors.push_back(unsupported_value("spec.sessionAffinity", in_quotes(affinity), {"ClientIP", "None"}));
  if (type == "ExternalName" && text_at(spec, {"externalName"}).empty()) errors.push_back(required_value("spec.externalName"));
}

void check_config_map(const Json& object, FieldErrors& errors) {
  std::size_t size_bytes = 0;
  const Json& data = list_at(object, {"data"});
  for (const char* part : {"data", "binaryData"}) {
    for (const auto& [key, value] : list_at(object, {part}).items()) {
      for (const std::string& problem : config_map_key_problems(key)) errors.push_back(invalid_text(std::string(part) + "[" + key + "]", key, problem));
      if (std::string_view(part) == "binaryData" && data.is_object() && data.contains(key)) {
        errors.push_back(invalid_text("data[" + key + "]", key, "duplicate of key present in binaryData"));
      }
      const std::string& text = value.get_ref<const std::string&>();
      size_bytes += std::string_view(part) == "data" ? text.size() : text.size() / 4 * 3;
    }
  }
  if (size_bytes > 1048576) errors.push_back(too_long("[]", "may not be more than 1048576 bytes"));
}

void check_secret(const Json& object, FieldErrors& errors) {
  std::size_t size_bytes = 0;
  for (const auto& [key, value] : list_at(object, {"data"}).items()) {
    for (const std::string& problem : config_map_key_problems(key)) errors.push_back(invalid_text("data[" + key + "]", key, problem));
    size_bytes += value.get_ref<const std::string&>().size() / 4 * 3;
  }
  if (size_bytes > 1048576) errors.push_back(too_long("data", "may not be more than 1048576 bytes"));
  const std::string type = text_at(object, {"type"});
  const auto require = [&](const char* key) {
    if (!find(object, {"data", key}).is_string()) errors.push_back(required_value("data[" + std::string(key) + "]"));
  };
  if (type == "kubernetes.io/tls") {
    require("tls.crt");
    require("tls.key");
  }
  if (type == "kubernetes.io/dockerconfigjson") require(".dockerconfigjson");
}

void check_rules(const Json& object, bool namespaced, FieldErrors& errors) {
  std::size_t position = 0;
  for (const Json& rule : list_at(object, {"rules"})) {
    const std::string path = "rules[" + std::to_string(position++) + "]";
    if (list_at(rule, {"verbs"}).empty()) errors.push_back(required_value(path + ".verbs", "verbs must contain at least one value"));
    if (!list_at(rule, {"nonResourceURLs"}).empty()) {
      if (namespaced) errors.push_back(invalid_value(path + ".nonResourceURLs", list_at(rule, {"nonResourceURLs"}).dump(), "namespaced rules cannot apply to non-resource URLs"));
      continue;
    }
    if (list_at(rule, {"apiGroups"}).empty()) errors.push_back(required_value(path + ".apiGroups", "resource rules must supply at least one api group"));
    if (list_at(rule, {"resources"}).empty()) errors.push_back(required_value(path + ".resources", "resource rules must supply at least one resource"));
  }
}

void check_lease(const Json& object, FieldErrors& errors) {
  const Json& duration = find(object, {"spec", "leaseDurationSeconds"});
  if (duration.is_number() && duration.get<std::int64_t>() <= 0) errors.push_back(invalid_value("spec.leaseDurationSeconds", duration.dump(), "must be greater than 0"));
  const Json& transitions = find(object, {"spec", "leaseTransitions"});
  if (transitions.is_number() && transitions.get<std::int64_t>() < 0) {
    errors.push_back(invalid_value("spec.leaseTransitions", transitions.dump(), "must be greater than or equal to 0"));
  }
}

void check_role_binding(const Json& object, const Resource& resource, FieldErrors& errors) {
  const std::string kind = text_at(object, {"roleRef", "kind"});
  const bool cluster = resource.kind == "ClusterRoleBinding";
  if (kind != "ClusterRole" && (cluster || kind != "Role")) {
    errors.push_back(unsupported_value("roleRef.kind", in_quotes(kind), cluster ? std::vector<std::string>{"ClusterRole"} : std::vector<std::string>{"ClusterRole", "Role"}));
  }
  if (text_at(object, {"roleRef", "name"}).empty()) errors.push_back(required_value("roleRef.name"));
}

void check_kind(const Json& object, const Resource& resource, FieldErrors& errors) {
  const std::string& kind = resource.kind;
  if (resource.custom) return;
  if (kind == "Pod") return check_pod_spec(object.at("spec"), "spec", errors);
  if (kind == "Service") return check_service(object, errors);
  if (kind == "ConfigMap") return check_config_map(object, errors);
  if (kind == "Secret") return check_secret(object, errors);
  if (kind == "Lease") return check_lease(object, errors);
  if (resource.group == "apps" && kind != "ControllerRevision") return check_workload(object, resource, errors);
  if (kind == "Job") return check_job_spec(object.at("spec"), "spec", errors);
  if (kind == "CronJob") {
    if (text_at(object, {"spec", "schedule"}).empty()) errors.push_back(required_value("spec.schedule"));
    return check_job_spec(find(object, {"spec", "jobTemplate", "spec"}), "spec.jobTemplate.spec", errors);
  }
  if (kind == "Role" || kind == "ClusterRole") return check_rules(object, kind == "Role", errors);
  if (kind == "RoleBinding" || kind == "ClusterRoleBinding") return check_role_binding(object, resource, errors);
  if (kind == "PodDisruptionBudget") {
    if (object.at("spec").contains("minAvailable") && object.at("spec").contains("maxUnavailable")) {
      errors.push_back(invalid_value("spec", "policy.PodDisruptionBudgetSpec{}", "minAvailable and maxUnavailable cannot be both set"));
    }
    return;
  }
  if (kind == "CertificateSigningRequest") {
    if (text_at(object, {"spec", "signerName"}).empty()) errors.push_back(required_value("spec.signerName"));
    if (list_at(object, {"spec", "usages"}).empty()) errors.push_back(required_value("spec.usages"));
    const auto pem = decode_base64(text_at(object, {"spec", "request"}));
    if (!pem || pem->find("CERTIFICATE REQUEST") == std::string::npos) {
      errors.push_back(invalid_value("spec.request", "[]byte{}", "PEM block type must be CERTIFICATE REQUEST"));
    }
  }
}

void check_same(const Json& object, const Json& old, std::initializer_list<std::string_view> path, FieldErrors& errors) {
  const Json& now = find(object, path);
  if (now == find(old, path)) return;
  std::string name;
  for (const std::string_view key : path) name += (name.empty() ? "" : ".") + std::string(key);
  errors.push_back(invalid_value(name, now.is_string() ? in_quotes(now.get<std::string>()) : now.dump(), immutable));
}

void check_immutable_data(const Json& object, const Json& old, FieldErrors& errors) {
  if (!runtime::bool_at(old, {"immutable"})) return;
  const char* detail = "field is immutable when `immutable` is set";
  if (!runtime::bool_at(object, {"immutable"})) errors.push_back(forbidden_value("immutable", detail));
  for (const char* part : {"data", "binaryData"}) {
    if (find(object, {part}) != find(old, {part})) errors.push_back(forbidden_value(part, detail));
  }
}

}  // namespace

std::string shown_map(const Json& map) {
  if (!map.is_object()) return "map[string]string(nil)";
  std::string text = "map[string]string{";
  for (const auto& [key, value] : map.items()) text += (text.back() == '{' ? "" : ", ") + in_quotes(key) + ":" + in_quotes(value.get<std::string>());
  return text + "}";
}

void check_labels(const Json& labels, const std::string& path, FieldErrors& errors) {
  if (!labels.is_object()) return;
  for (const auto& [key, value] : labels.items()) {
    for (const std::string& problem : qualified_name_problems(key)) errors.push_back(invalid_text(path, key, problem));
    for (const std::string& problem : label_value_problems(value.get<std::string>())) errors.push_back(invalid_text(path, value.get<std::string>(), problem));
  }
}

void check_annotations(const Json& annotations, const std::string& path, FieldErrors& errors) {
  if (!annotations.is_object()) return;
  std::size_t size_bytes = 0;
  for (const auto& [key, value] : annotations.items()) {
    std::string folded = key;
    for (char& c : folded) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const std::string& problem : qualified_name_problems(folded)) errors.push_back(invalid_text(path, key, problem));
    size_bytes += key.size() + value.get_ref<const std::string&>().size();
  }
  if (size_bytes > 262144) errors.push_back(too_long(path, "may not be more than 262144 bytes"));
}

FieldErrors validate_create(const Json& object, const Resource& resource) {
  FieldErrors errors;
  check_metadata(object, resource, errors);
  check_kind(object, resource, errors);
  return errors;
}

FieldErrors validate_update(const Json& object, const Json& old, const Resource& resource, std::string_view subresource) {
  FieldErrors errors;
  check_metadata(object, resource, errors);
  const Json& before = find(old, {"metadata", "deletionTimestamp"});
  if (!before.is_null()) {  // no new finalizers on what is going
    std::vector<std::string> added;
    const Json& known = list_at(old, {"metadata", "finalizers"});
    for (const Json& finalizer : list_at(object, {"metadata", "finalizers"})) {
      if (std::find(known.begin(), known.end(), finalizer) == known.end()) added.push_back(finalizer.get<std::string>());
    }
    if (!added.empty()) {
      std::string shown = "[]string{";
      for (const std::string& name : added) shown += (shown.back() == '{' ? "" : ", ") + in_quotes(name);
      for (int twice = 0; twice < 2; ++twice) errors.push_back(forbidden_value("metadata.finalizers", "no new finalizers can be added if the object is being deleted, found new finalizers " + shown + "}"));
    }
  }
  for (const FieldError& error : FieldErrors(errors)) {  // pods are checked once more by each layer
    if (resource.kind != "Pod" || error.message.find("Only one reference can have Controller") == std::string::npos) continue;
    for (int more = 0; more < 3; ++more) errors.push_back(error);
  }
  if (!subresource.empty()) return errors;
  const std::string& kind = resource.kind;
  if (kind == "Pod" && resource.group.empty()) {
    check_pod_update(object, old, errors);
    return errors;
  }
  check_kind(object, resource, errors);
  if (resource.group == "apps" && kind != "ControllerRevision") check_same(object, old, {"spec", "selector"}, errors);
  if (kind == "StatefulSet") {
    Json now = object.at("spec");
    Json then = old.at("spec");
    for (const char* key : {"replicas", "template", "updateStrategy", "persistentVolumeClaimRetentionPolicy", "minReadySeconds", "ordinals", "revisionHistoryLimit"}) {
      now.erase(key);
      then.erase(key);
    }
    now.erase("selector");
    then.erase("selector");
    if (now != then) {
      errors.push_back(forbidden_value("spec", "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                                               "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"));
    }
  }
  if (kind == "Job") {
    check_same(object, old, {"spec", "selector"}, errors);
    if (find(old, {"spec", "completionMode"}) != "Indexed") check_same(object, old, {"spec", "completions"}, errors);
    if (!runtime::bool_at(old, {"spec", "suspend"})) check_same(object, old, {"spec", "template"}, errors);
  }
  if (kind == "ConfigMap") check_immutable_data(object, old, errors);
  if (kind == "Secret") {
    check_same(object, old, {"type"}, errors);
    check_immutable_data(object, old, errors);
  }
  if (kind == "RoleBinding" || kind == "ClusterRoleBinding") {
    if (find(object, {"roleRef"}) != find(old, {"roleRef"})) errors.push_back(invalid_value("roleRef", "rbac.RoleRef{}", "cannot change roleRef"));
  }
  if (kind == "Service") {
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
  if (kind == "PriorityClass") {
    if (find(object, {"value"}) != find(old, {"value"})) errors.push_back(forbidden_value("value", "may not be changed in an update."));
  }
  if (kind == "EndpointSlice") check_same(object, old, {"addressType"}, errors);
  if (kind == "StorageClass") check_same(object, old, {"provisioner"}, errors);
  return errors;
}

}  // namespace skidpad::fakes::kube_apiserver

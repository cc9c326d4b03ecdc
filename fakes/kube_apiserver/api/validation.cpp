#include "fakes/kube_apiserver/api/validation.hpp"

#include "fakes/kube_apiserver/api/base64.hpp"
#include "fakes/kube_apiserver/api/field_checks.hpp"
#include "fakes/kube_apiserver/api/kind_validation.hpp"
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
  const auto has = [&](const char* key) { return find(object, {"data", key}).is_string(); };
  const auto require = [&](const char* key) {
    if (!has(key)) errors.push_back(required_value(at_key("data", key)));
  };
  const auto require_json = [&](const char* key) {
    require(key);
    if (!has(key)) return;
    const auto text = decode_base64(text_at(object, {"data", key}));
    if (!text || !Json::parse(*text, nullptr, false).is_object()) errors.push_back(invalid_text(at_key("data", key), "<secret contents redacted>", "invalid character 'x' looking for beginning of value"));
  };
  if (type == "kubernetes.io/service-account-token") {
    if (text_at(object, {"metadata", "annotations", "kubernetes.io/service-account.name"}).empty()) errors.push_back(required_value("metadata.annotations[kubernetes.io/service-account.name]"));
  } else if (type == "kubernetes.io/dockercfg") {
    require_json(".dockercfg");
  } else if (type == "kubernetes.io/dockerconfigjson") {
    require_json(".dockerconfigjson");
  } else if (type == "kubernetes.io/basic-auth") {
    if (!has("username") && !has("password")) {
      require("username");
      require("password");
    }
  } else if (type == "kubernetes.io/ssh-auth") {
    if (text_at(object, {"data", "ssh-privatekey"}).empty()) errors.push_back(required_value("data[ssh-privatekey]"));
  } else if (type == "kubernetes.io/tls") {
    require("tls.crt");
    require("tls.key");
  }
}

void check_rules(const Json& object, bool namespaced, FieldErrors& errors) {
  std::size_t position = 0;
  for (const Json& rule : list_at(object, {"rules"})) {
    const std::string path = "rules[" + std::to_string(position++) + "]";
    if (list_at(rule, {"verbs"}).empty()) errors.push_back(required_value(path + ".verbs", "verbs must contain at least one value"));
    const Json& paths = list_at(rule, {"nonResourceURLs"});
    if (!paths.empty()) {
      if (namespaced) errors.push_back(invalid_value(path + ".nonResourceURLs", shown_list(paths), "namespaced rules cannot apply to non-resource URLs"));
      if (!list_at(rule, {"apiGroups"}).empty() || !list_at(rule, {"resources"}).empty() || !list_at(rule, {"resourceNames"}).empty()) {
        errors.push_back(invalid_value(path + ".nonResourceURLs", shown_list(paths), "rules cannot apply to both regular resources and non-resource URLs"));
      }
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
  const bool cluster = resource.kind == "ClusterRoleBinding";
  const std::string rbac = "rbac.authorization.k8s.io";
  const std::string group = text_at(object, {"roleRef", "apiGroup"});
  if (group != rbac) errors.push_back(unsupported_value("roleRef.apiGroup", in_quotes(group), {rbac}));
  const std::string kind = text_at(object, {"roleRef", "kind"});
  if (kind != "ClusterRole" && (cluster || kind != "Role")) {
    errors.push_back(unsupported_value("roleRef.kind", in_quotes(kind), cluster ? std::vector<std::string>{"ClusterRole"} : std::vector<std::string>{"Role", "ClusterRole"}));
  }
  const std::string name = text_at(object, {"roleRef", "name"});
  if (name.empty()) {
    errors.push_back(required_value("roleRef.name"));
  } else {
    append_problems(path_segment_problems(name), name, "roleRef.name", errors);
  }
  std::size_t position = 0;
  for (const Json& subject : list_at(object, {"subjects"})) {
    const std::string at = at_index("subjects", position++);
    const std::string who = text_at(subject, {"name"});
    const std::string of = text_at(subject, {"apiGroup"});
    const std::string sort = text_at(subject, {"kind"});
    if (who.empty()) errors.push_back(required_value(at + ".name"));
    if (sort == "ServiceAccount") {
      if (!who.empty()) append_problems(dns1123_subdomain_problems(who), who, at + ".name", errors);
      if (!of.empty()) errors.push_back(unsupported_value(at + ".apiGroup", in_quotes(of), {""}));
      if (cluster && text_at(subject, {"namespace"}).empty()) errors.push_back(required_value(at + ".namespace"));
    } else if (sort == "User" || sort == "Group") {
      if (of != rbac) errors.push_back(unsupported_value(at + ".apiGroup", in_quotes(of), {rbac}));
    } else {
      errors.push_back(unsupported_value(at + ".kind", in_quotes(sort), {"ServiceAccount", "User", "Group"}));
    }
  }
}

void check_kind(const Json& object, const Resource& resource, FieldErrors& errors) {
  const std::string& kind = resource.kind;
  if (resource.custom) return;
  if (kind == "Pod") return check_new_pod(object, errors);
  if (kind == "ConfigMap") return check_config_map(object, errors);
  if (kind == "Secret") return check_secret(object, errors);
  if (kind == "Lease") return check_lease(object, errors);
  if (kind == "Role" || kind == "ClusterRole") return check_rules(object, kind == "Role", errors);
  if (kind == "RoleBinding" || kind == "ClusterRoleBinding") return check_role_binding(object, resource, errors);
  if (kind == "CertificateSigningRequest") {
    if (text_at(object, {"spec", "signerName"}).empty()) errors.push_back(required_value("spec.signerName"));
    if (list_at(object, {"spec", "usages"}).empty()) errors.push_back(required_value("spec.usages"));
    const auto pem = decode_base64(text_at(object, {"spec", "request"}));
    if (!pem || pem->find("CERTIFICATE REQUEST") == std::string::npos) {
      errors.push_back(invalid_value("spec.request", "[]byte{}", "PEM block type must be CERTIFICATE REQUEST"));
    }
    return;
  }
  check_workload_kind(object, resource, errors);
  check_network_kind(object, resource, errors);
  check_policy_kind(object, resource, errors);
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
  check_workload_change(object, old, resource, errors);
  check_network_change(object, old, resource, errors);
  check_policy_change(object, old, resource, errors);
  if (kind == "ConfigMap") check_immutable_data(object, old, errors);
  if (kind == "Secret") {
    check_same(object, old, {"type"}, errors);
    check_immutable_data(object, old, errors);
  }
  if (kind == "RoleBinding" || kind == "ClusterRoleBinding") {
    if (find(object, {"roleRef"}) != find(old, {"roleRef"})) errors.push_back(invalid_value("roleRef", "rbac.RoleRef{}", "cannot change roleRef"));
  }
  return errors;
}

}  // namespace skidpad::fakes::kube_apiserver

#include "fakes/kube_apiserver/access/authorizer.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::list_at;
using runtime::text_at;

constexpr const char* cluster_roles = "/registry/clusterroles/";
constexpr const char* cluster_role_bindings = "/registry/clusterrolebindings/";
constexpr const char* namespaced_roles = "/registry/roles/";
constexpr const char* role_bindings = "/registry/rolebindings/";
constexpr std::size_t decisions_max = 8192;

std::vector<std::string> texts(const Json& rule, const char* key) {
  std::vector<std::string> values;
  for (const Json& value : list_at(rule, {key})) values.push_back(value.get<std::string>());
  return values;
}

bool contains(const std::vector<std::string>& values, std::string_view wanted) { return std::find(values.begin(), values.end(), wanted) != values.end(); }

}  // namespace

bool Authorizer::Rule::matches(const Attributes& attributes) const {
  if (!contains(verbs, "*") && !contains(verbs, attributes.verb)) return false;
  if (attributes.resource.empty()) {
    for (const std::string& path : paths) {
      if (path == "*" || path == attributes.path) return true;
      if (path.size() > 1 && path.back() == '*' && attributes.path.compare(0, path.size() - 1, path, 0, path.size() - 1) == 0) return true;
    }
    return false;
  }
  if (!contains(groups, "*") && !contains(groups, attributes.group)) return false;
  if (!names.empty() && !contains(names, attributes.name)) return false;
  const std::string whole = attributes.subresource.empty() ? attributes.resource : attributes.resource + "/" + attributes.subresource;
  return contains(resources, "*") || contains(resources, whole) || (!attributes.subresource.empty() && contains(resources, "*/" + attributes.subresource));
}

void Authorizer::compile_if_changed() {
  std::uint64_t version = 0;
  for (const char* prefix : {cluster_roles, cluster_role_bindings, namespaced_roles, role_bindings}) version += store_.stream(prefix).end_position();
  if (version == compiled_at_) return;
  compiled_at_ = version;
  roles_.clear();
  grants_.clear();
  decisions_.clear();
  const auto add_role = [&](const std::string& key, const Json& role) {
    std::vector<Rule>& rules = roles_[key];
    for (const Json& rule : list_at(role, {"rules"})) {
      rules.push_back({texts(rule, "verbs"), texts(rule, "apiGroups"), texts(rule, "resources"), texts(rule, "resourceNames"), texts(rule, "nonResourceURLs")});
    }
  };
  store_.visit(cluster_roles, [&](const ObjectPtr& role) { add_role("ClusterRole/" + std::string(role->name()), role->value()); });
  store_.visit(namespaced_roles, [&](const ObjectPtr& role) {
    add_role("Role/" + std::string(role->object_namespace()) + "/" + std::string(role->name()), role->value());
  });
  const auto add_binding = [&](const ObjectPtr& object, bool cluster) {
    const Json& binding = object->value();
    const std::string where = cluster ? "" : std::string(object->object_namespace());
    const std::string kind = text_at(binding, {"roleRef", "kind"});
    const std::string name = text_at(binding, {"roleRef", "name"});
    Grant grant;
    grant.object_namespace = where;
    grant.role = kind == "Role" ? "Role/" + where + "/" + name : "ClusterRole/" + name;
    const std::string shown = cluster ? std::string(object->name()) : std::string(object->name()) + "/" + where;
    for (const Json& subject : list_at(binding, {"subjects"})) {
      const std::string type = text_at(subject, {"kind"});
      const std::string who = text_at(subject, {"name"});
      std::string key;
      std::string described = type + " \"" + who + "\"";
      if (type == "ServiceAccount") {
        key = "U:system:serviceaccount:" + text_at(subject, {"namespace"}, where) + ":" + who;
        described = type + " \"" + who + "/" + text_at(subject, {"namespace"}, where) + "\"";
      } else {
        key = (type == "User" ? "U:" : "G:") + who;
      }
      grant.reason = std::string("RBAC: allowed by ") + (cluster ? "ClusterRoleBinding" : "RoleBinding") + " \"" + shown + "\" of " + kind + " \"" + name + "\" to " + described;
      grants_[key].push_back(grant);
    }
  };
  store_.visit(cluster_role_bindings, [&](const ObjectPtr& object) { add_binding(object, true); });
  store_.visit(role_bindings, [&](const ObjectPtr& object) { add_binding(object, false); });
}

std::vector<const Authorizer::Grant*> Authorizer::grants_of(const User& user) const {
  std::vector<const Grant*> found;
  const auto add = [&](const std::string& key) {
    const auto grants = grants_.find(key);
    if (grants == grants_.end()) return;
    for (const Grant& grant : grants->second) found.push_back(&grant);
  };
  add("U:" + user.name);
  for (const std::string& group : user.groups) add("G:" + group);
  return found;
}

Decision Authorizer::decide(const Attributes& attributes) {
  if (modes_.always_allow || attributes.user.in_group("system:masters")) return {true, ""};
  compile_if_changed();
  std::string key = attributes.user.name;
  for (const std::string& group : attributes.user.groups) key.append("\1").append(group);
  for (const std::string* part : {&attributes.verb, &attributes.group, &attributes.resource, &attributes.subresource, &attributes.object_namespace,
                                  &attributes.name, &attributes.path}) {
    key.append("\2").append(*part);
  }
  const bool node = modes_.node && attributes.user.in_group("system:nodes");
  if (node && node_allows(attributes)) return {true, ""};
  if (const auto known = decisions_.find(key); known != decisions_.end() && !known->second) return {false, ""};
  std::string reason;
  bool allowed = false;
  if (modes_.rbac) {
    for (const Grant* grant : grants_of(attributes.user)) {
      if (!grant->object_namespace.empty() && (attributes.resource.empty() || grant->object_namespace != attributes.object_namespace)) continue;
      const auto role = roles_.find(grant->role);
      if (role == roles_.end()) continue;
      for (const Rule& rule : role->second) {
        if (!rule.matches(attributes)) continue;
        allowed = true;
        reason = grant->reason;
        break;
      }
      if (allowed) break;
    }
  }
  if (decisions_.size() >= decisions_max) decisions_.clear();
  if (!allowed) decisions_.emplace(std::move(key), false);
  return {allowed, reason};
}

std::vector<Json> Authorizer::rules_for(const User& user, const std::string& object_namespace) {
  compile_if_changed();
  std::vector<Json> rules;
  for (const Grant* grant : grants_of(user)) {
    if (!grant->object_namespace.empty() && grant->object_namespace != object_namespace) continue;
    const auto role = roles_.find(grant->role);
    if (role == roles_.end()) continue;
    for (const Rule& rule : role->second) {
      Json shown = {{"verbs", rule.verbs}};
      if (!rule.paths.empty()) {
        shown["nonResourceURLs"] = rule.paths;
      } else {
        shown["apiGroups"] = rule.groups;
        shown["resources"] = rule.resources;
        if (!rule.names.empty()) shown["resourceNames"] = rule.names;
      }
      rules.push_back(std::move(shown));
    }
  }
  return rules;
}

bool Authorizer::node_allows(const Attributes& attributes) const {
  constexpr std::string_view prefix = "system:node:";
  if (attributes.user.name.compare(0, prefix.size(), prefix) != 0) return false;
  const std::string node = attributes.user.name.substr(prefix.size());
  const auto verb_is = [&](std::initializer_list<std::string_view> verbs) { return std::find(verbs.begin(), verbs.end(), attributes.verb) != verbs.end(); };
  const std::string& resource = attributes.resource;
  const std::string& group = attributes.group;
  if (group.empty() && (resource == "secrets" || resource == "configmaps" || resource == "persistentvolumeclaims" || resource == "serviceaccounts")) {
    if (resource == "serviceaccounts" && attributes.subresource != "token") return false;
    if (!verb_is({"get", "list", "watch", "create"}) || attributes.name.empty()) return false;
    bool used = false;  // by a pod that runs on this node
    store_.visit("/registry/pods/" + attributes.object_namespace + "/", [&](const ObjectPtr& pod) {
      const Json& spec = runtime::find(pod->value(), {"spec"});
      if (used || text_at(spec, {"nodeName"}) != node) return;
      if (resource == "serviceaccounts") {
        used = text_at(spec, {"serviceAccountName"}) == attributes.name;
      } else {
        used = spec.dump().find("\"" + attributes.name + "\"") != std::string::npos;
      }
    });
    return used;
  }
  if (group == "coordination.k8s.io" && resource == "leases") {
    if (attributes.object_namespace != "kube-node-lease") return false;
    return attributes.verb == "create" || (verb_is({"get", "update", "patch", "delete"}) && attributes.name == node);
  }
  if (group == "storage.k8s.io" && resource == "csinodes") return attributes.verb == "create" || (verb_is({"get", "update", "patch", "delete"}) && attributes.name == node);
  const auto role = roles_.find("ClusterRole/system:node");
  if (role == roles_.end()) return false;
  return std::any_of(role->second.begin(), role->second.end(), [&](const Rule& rule) { return rule.matches(attributes); });
}

std::string denial_text(const Attributes& attributes) {
  const std::string who = "User \"" + attributes.user.name + "\" cannot ";
  if (attributes.resource.empty()) return who + attributes.verb + " path \"" + attributes.path + "\"";
  const std::string resource = attributes.subresource.empty() ? attributes.resource : attributes.resource + "/" + attributes.subresource;
  std::string text = who + attributes.verb + " resource \"" + resource + "\" in API group \"" + attributes.group + "\"";
  return text + (attributes.object_namespace.empty() ? " at the cluster scope" : " in the namespace \"" + attributes.object_namespace + "\"");
}

}  // namespace skidpad::fakes::kube_apiserver

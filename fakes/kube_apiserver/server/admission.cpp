// Admission: namespace lifecycle, service accounts, priorities, tolerations, node restriction.
#include "fakes/kube_apiserver/access/escalation.hpp"
#include "fakes/kube_apiserver/api/defaults.hpp"
#include "fakes/kube_apiserver/server/api_server.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::list_at;
using runtime::text_at;

constexpr const char* mirror_annotation = "kubernetes.io/config.mirror";
constexpr std::string_view node_user = "system:node:";

ApiError pod_forbidden(const std::string& name, const std::string& detail) { return forbidden("", "pods", name, detail); }

bool is_pod(const Resource& resource) { return resource.kind == "Pod" && resource.group.empty(); }

bool has_toleration(const Json& spec, const char* key) {
  for (const Json& toleration : list_at(spec, {"tolerations"})) {
    const std::string effect = text_at(toleration, {"effect"});
    const std::string wanted = text_at(toleration, {"key"});
    if ((wanted == key || wanted.empty()) && (effect == "NoExecute" || effect.empty())) return true;
  }
  return false;
}

void add_tolerations(Json& spec, std::int64_t not_ready_seconds, std::int64_t unreachable_seconds) {
  const std::pair<const char*, std::int64_t> wanted[] = {{"node.kubernetes.io/not-ready", not_ready_seconds}, {"node.kubernetes.io/unreachable", unreachable_seconds}};
  for (const auto& [key, seconds] : wanted) {
    if (has_toleration(spec, key)) continue;
    spec["tolerations"].push_back({{"key", key}, {"operator", "Exists"}, {"effect", "NoExecute"}, {"tolerationSeconds", seconds}});
  }
}

void mount_token(Json& spec, const std::string& volume) {
  const char* where = "/var/run/secrets/kubernetes.io/serviceaccount";
  bool used = false;
  for (const char* list : {"initContainers", "containers"}) {
    const auto containers = spec.find(list);
    if (containers == spec.end()) continue;
    for (Json& container : *containers) {
      const Json& mounts = list_at(container, {"volumeMounts"});
      if (std::any_of(mounts.begin(), mounts.end(), [&](const Json& mount) { return text_at(mount, {"mountPath"}) == where; })) continue;
      container["volumeMounts"].push_back({{"name", volume}, {"readOnly", true}, {"mountPath", where}});
      used = true;
    }
  }
  if (!used) return;
  spec["volumes"].push_back(
      {{"name", volume},
       {"projected",
        {{"sources",
          Json::array({{{"serviceAccountToken", {{"expirationSeconds", 3607}, {"path", "token"}}}},
                       {{"configMap", {{"name", "kube-root-ca.crt"}, {"items", Json::array({{{"key", "ca.crt"}, {"path", "ca.crt"}}})}}}},
                       {{"downwardAPI", {{"items", Json::array({{{"path", "namespace"}, {"fieldRef", {{"apiVersion", "v1"}, {"fieldPath", "metadata.namespace"}}}}})}}}}})},
         {"defaultMode", 420}}}});
}

}  // namespace

Task<void> ApiServer::check_namespace(const Request& request, const std::string& name) {
  const std::string& where = request.info.object_namespace;
  const std::string key = "/registry/namespaces/" + where;
  ObjectPtr found = store_.cached(key);
  if (!found) found = co_await store_.read(key);
  if (!found) {
    static const Resource* const namespaces = find_built_in("", "v1", "namespaces");
    throw not_found(*namespaces, where);
  }
  const Resource& resource = *request.resource;
  if (find(found->value(), {"metadata", "deletionTimestamp"}).is_null()) co_return;
  ApiError error = forbidden(resource.group, resource.plural, name, "unable to create new content in namespace " + where + " because it is being terminated");
  error.details["causes"] = Json::array({{{"reason", "NamespaceTerminating"}, {"message", "namespace " + where + " is being terminated"}, {"field", "metadata.namespace"}}});
  throw error;
}

Task<void> ApiServer::admit_create(Request& request, Json& object) {
  const Resource& resource = *request.resource;
  const std::string name = text_at(object, {"metadata", "name"});
  if (resource.namespaced) co_await check_namespace(request, name);
  const bool from_node = options_.node_restriction && request.user.in_group("system:nodes") && request.user.name.compare(0, node_user.size(), node_user) == 0;
  const std::string node = from_node ? request.user.name.substr(node_user.size()) : "";
  if (from_node && resource.kind == "Node" && resource.group.empty() && name != node) {
    throw forbidden("", "nodes", name, "node \"" + node + "\" is not allowed to modify node \"" + name + "\"");
  }
  admit_grant(request, object);
  if (resource.kind == "PersistentVolumeClaim" && !options_.disabled_admission.contains("DefaultStorageClass")) {
    const std::string chosen = default_class("/registry/storageclasses/", "storageclass.kubernetes.io/is-default-class");
    if (!chosen.empty() && !object["spec"].contains("storageClassName")) object["spec"]["storageClassName"] = chosen;
  }
  if (resource.kind == "Ingress" && !options_.disabled_admission.contains("DefaultIngressClass")) {
    const std::string chosen = default_class("/registry/ingressclasses/", "ingressclass.kubernetes.io/is-default-class");
    const bool annotated = find(object, {"metadata", "annotations", "kubernetes.io/ingress.class"}).is_string();
    if (!chosen.empty() && !annotated && !object["spec"].contains("ingressClassName")) object["spec"]["ingressClassName"] = chosen;
  }
  if (resource.kind == "PriorityClass" && runtime::bool_at(object, {"globalDefault"})) {
    store_.visit("/registry/priorityclasses/", [&](const ObjectPtr& each) {
      if (!runtime::bool_at(each->value(), {"globalDefault"})) return;
      throw forbidden(resource.group, resource.plural, name, "PriorityClass " + std::string(each->name()) + " is already marked as default. Only one default can exist");
    });
  }
  if (resource.kind == "PersistentVolumeClaim") admit_limits(request, object);
  if (!is_pod(resource)) co_return;
  Json& spec = object["spec"];
  const bool mirror = find(object, {"metadata", "annotations", mirror_annotation}).is_string();
  if (from_node) {
    if (!mirror) throw pod_forbidden(name, "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"" + node + "\" can only create mirror pods");
    if (text_at(spec, {"nodeName"}) != node) throw pod_forbidden(name, "node \"" + node + "\" can only create pods with spec.nodeName set to itself");
  }
  // ServiceAccount
  std::string account = text_at(spec, {"serviceAccountName"});
  if (!mirror) {
    if (account.empty()) account = "default";
    spec["serviceAccountName"] = spec["serviceAccount"] = account;
    const std::string key = "/registry/serviceaccounts/" + request.info.object_namespace + "/" + account;
    ObjectPtr found = store_.cached(key);
    if (!found) found = co_await store_.read(key);
    if (!found) throw pod_forbidden(name, "error looking up service account " + request.info.object_namespace + "/" + account + ": serviceaccount \"" + account + "\" not found");
    const Json& wish = find(spec, {"automountServiceAccountToken"});
    const Json& rule = find(found->value(), {"automountServiceAccountToken"});
    const bool mount = wish.is_boolean() ? wish.get<bool>() : rule.is_boolean() ? rule.get<bool>() : true;
    if (mount) mount_token(spec, "kube-api-access-" + random_.name_suffix(5));
    const Json& secrets = list_at(found->value(), {"imagePullSecrets"});
    if (!secrets.empty() && list_at(spec, {"imagePullSecrets"}).empty()) spec["imagePullSecrets"] = secrets;
  }
  // Priority
  std::string class_name = text_at(spec, {"priorityClassName"});
  std::int64_t priority = 0;
  std::string preemption = "PreemptLowerPriority";
  ObjectPtr chosen;
  if (class_name.empty()) {
    store_.visit("/registry/priorityclasses/", [&](const ObjectPtr& each) {
      if (runtime::bool_at(each->value(), {"globalDefault"})) chosen = each;
    });
    if (chosen) spec["priorityClassName"] = std::string(chosen->name());
  } else {
    const std::string key = "/registry/priorityclasses/" + class_name;
    chosen = store_.cached(key);
    if (!chosen) chosen = co_await store_.read(key);
    if (!chosen) throw pod_forbidden(name, "no PriorityClass with name " + class_name + " was found");
  }
  if (chosen) {
    priority = runtime::integer_at(chosen->value(), {"value"});
    preemption = text_at(chosen->value(), {"preemptionPolicy"}, preemption);
  }
  const Json& own = find(spec, {"priority"});
  if (own.is_number() && own.get<std::int64_t>() != priority) {
    throw pod_forbidden(name, "the integer value of priority (" + own.dump() + ") must not be provided in pod spec; priority admission controller computed " +
                                  std::to_string(priority) + " from the given PriorityClass name");
  }
  spec["priority"] = priority;
  if (find(spec, {"preemptionPolicy"}).is_null()) spec["preemptionPolicy"] = preemption;
  // DefaultTolerationSeconds, and what memory pressure must not throw out
  if (!options_.disabled_admission.contains("DefaultTolerationSeconds")) add_tolerations(spec, options_.not_ready_seconds, options_.unreachable_seconds);
  admit_limits(request, object);
}

/// The one class marked as the default, or the newest of several; "" if there is none.
std::string ApiServer::default_class(const std::string& prefix, const char* annotation) {
  ObjectPtr chosen;
  store_.visit(prefix, [&](const ObjectPtr& each) {
    if (text_at(each->value(), {"metadata", "annotations", annotation}) != "true") return;
    if (!chosen || text_at(each->value(), {"metadata", "creationTimestamp"}) > text_at(chosen->value(), {"metadata", "creationTimestamp"})) chosen = each;
  });
  return chosen ? std::string(chosen->name()) : "";
}

/// Roles and bindings hold no more than their writer may give.
void ApiServer::admit_grant(const Request& request, const Json& object) {
  const Resource& resource = *request.resource;
  if (resource.group != "rbac.authorization.k8s.io" || request.user.in_group("system:masters") || !authorizer_.uses_rbac()) return;
  const std::string name = text_at(object, {"metadata", "name"});
  const bool binding = resource.kind == "RoleBinding" || resource.kind == "ClusterRoleBinding";
  Attributes attributes;
  attributes.user = request.user;
  attributes.verb = binding ? "bind" : "escalate";
  attributes.group = resource.group;
  attributes.resource = resource.plural;
  attributes.name = name;
  attributes.object_namespace = resource.namespaced ? request.info.object_namespace : "";
  Json rules = list_at(object, {"rules"});
  if (binding) {
    const bool cluster = text_at(object, {"roleRef", "kind"}) == "ClusterRole";
    attributes.resource = cluster ? "clusterroles" : "roles";
    attributes.name = text_at(object, {"roleRef", "name"});
    if (authorizer_.decide(attributes).allowed) return;
    const ObjectPtr role = store_.cached(cluster ? "/registry/clusterroles/" + attributes.name : "/registry/roles/" + request.info.object_namespace + "/" + attributes.name);
    if (!role) throw not_found(*find_built_in(resource.group, resource.version, attributes.resource), attributes.name);
    rules = list_at(role->value(), {"rules"});
  } else if (authorizer_.decide(attributes).allowed) {
    return;
  }
  const std::string problem = escalation_problem(authorizer_, request.user, rules, resource.namespaced ? request.info.object_namespace : "");
  if (!problem.empty()) throw forbidden(resource.group, resource.plural, name, problem);
}

void ApiServer::admit_update(Request& request, const Json& object, const Json& old) {
  const char* granted = request.resource->kind == "RoleBinding" || request.resource->kind == "ClusterRoleBinding" ? "roleRef" : "rules";
  const bool subjects_differ = find(object, {"subjects"}) != find(old, {"subjects"});
  if (subjects_differ || find(object, {granted}) != find(old, {granted})) admit_grant(request, object);
  if (!options_.node_restriction || !request.user.in_group("system:nodes")) return;
  if (request.user.name.compare(0, node_user.size(), node_user) != 0) return;
  const Resource& resource = *request.resource;
  const std::string node = request.user.name.substr(node_user.size());
  const std::string name = text_at(object, {"metadata", "name"});
  if (resource.kind == "Node" && resource.group.empty()) {
    if (name != node) throw forbidden("", "nodes", name, "node \"" + node + "\" is not allowed to modify node \"" + name + "\"");
    if (find(object, {"spec", "taints"}) != find(old, {"spec", "taints"}) && request.info.subresource.empty()) {
      throw forbidden("", "nodes", name, "node \"" + node + "\" is not allowed to modify taints");
    }
  }
  if (is_pod(resource) && text_at(old, {"spec", "nodeName"}) != node) {
    throw pod_forbidden(name, "node \"" + node + "\" can only " + (request.info.verb == "delete" ? "delete" : "update") + " pods with spec.nodeName set to itself");
  }
}

}  // namespace skidpad::fakes::kube_apiserver

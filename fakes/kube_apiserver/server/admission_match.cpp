#include "fakes/kube_apiserver/server/admission_match.hpp"

#include "fakes/kube_apiserver/api/selector.hpp"
#include "fakes/kube_apiserver/cel/cel_program.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::list_at;
using runtime::text_at;

bool lists(const Json& list, const std::string& wanted) {
  return std::any_of(list.begin(), list.end(), [&](const Json& each) { return each == "*" || each == wanted; });
}

bool names_resource(const Json& resources, const RequestInfo& info) {
  for (const Json& each : resources) {
    const std::string text = each.get<std::string>();
    const std::size_t slash = text.find('/');
    const std::string resource = text.substr(0, slash);
    const std::string subresource = slash == std::string::npos ? "" : text.substr(slash + 1);
    if ((resource == "*" || resource == info.resource) && (subresource == info.subresource || (subresource == "*" && slash != std::string::npos))) return true;
  }
  return false;
}

bool matches_rule(const Json& rule, const Admission& admission) {
  const RequestInfo& info = admission.request.info;
  const Resource& resource = *admission.request.resource;
  const std::string scope = text_at(rule, {"scope"}, "*");
  if (scope == "Namespaced" && !resource.namespaced) return false;
  if (scope == "Cluster" && resource.namespaced) return false;
  const Json& names = list_at(rule, {"resourceNames"});
  if (!names.empty() && std::find(names.begin(), names.end(), admission.name()) == names.end()) return false;
  return lists(list_at(rule, {"operations"}), admission.operation) && lists(list_at(rule, {"apiGroups"}), resource.group) &&
         lists(list_at(rule, {"apiVersions"}), resource.version) && names_resource(list_at(rule, {"resources"}), info);
}

bool selects(const Json& holder, const char* key, const Json& labels) {
  const Json& selector = find(holder, {key});
  return !selector.is_object() || selector.empty() || LabelSelector::from_object(selector).matches(labels);
}

Json group_kind(const Resource& resource) { return {{"group", resource.group}, {"version", resource.version}, {"kind", resource.kind}}; }

}  // namespace

std::string Admission::name() const {
  const std::string given = text_at(object, {"metadata", "name"});
  return !given.empty() ? given : !request.info.name.empty() ? request.info.name : text_at(old, {"metadata", "name"});
}

bool is_exempt(const Resource& resource) {
  return resource.group == "admissionregistration.k8s.io" || resource.group == "authentication.k8s.io" || resource.group == "authorization.k8s.io";
}

bool matches_rules(const Json& rules, const Admission& admission) {
  return std::any_of(rules.begin(), rules.end(), [&](const Json& rule) { return matches_rule(rule, admission); });
}

bool matches_selectors(const Json& holder, const Admission& admission) {
  const bool is_namespace = admission.request.resource->kind == "Namespace" && admission.request.resource->group.empty();
  const Json& home = is_namespace ? (admission.object.is_null() ? admission.old : admission.object) : admission.home;
  if (!home.is_null() && !selects(holder, "namespaceSelector", find(home, {"metadata", "labels"}))) return false;
  const auto chosen = [&](const Json& object) { return !object.is_null() && selects(holder, "objectSelector", find(object, {"metadata", "labels"})); };
  return chosen(admission.object) || chosen(admission.old);
}

bool matches_resources(const Json& match, const Admission& admission) {
  if (!match.is_object()) return true;
  if (!matches_selectors(match, admission) || matches_rules(list_at(match, {"excludeResourceRules"}), admission)) return false;
  const Json& rules = list_at(match, {"resourceRules"});
  return rules.empty() || matches_rules(rules, admission);
}

Json admission_request(const Admission& admission, const std::string& uid) {
  const Request& request = admission.request;
  const Resource& resource = *request.resource;
  const User& user = request.user;
  Json who = {{"username", user.name}, {"groups", user.groups}};
  if (!user.uid.empty()) who["uid"] = user.uid;
  if (!user.extra.empty()) who["extra"] = user.extra;
  const Json where = {{"group", resource.group}, {"version", resource.version}, {"resource", resource.plural}};
  Json review = {{"uid", uid}, {"kind", group_kind(resource)}, {"resource", where}, {"requestKind", group_kind(resource)}, {"requestResource", where},
                 {"operation", admission.operation}, {"userInfo", std::move(who)}, {"dryRun", request.dry_run}};
  if (!admission.name().empty()) review["name"] = admission.name();
  if (!request.info.object_namespace.empty()) review["namespace"] = request.info.object_namespace;
  if (!request.info.subresource.empty()) review["subResource"] = review["requestSubResource"] = request.info.subresource;
  const std::string_view operation = admission.operation;
  const char* kind = operation == "CREATE" ? "CreateOptions" : operation == "DELETE" ? "DeleteOptions" : request.http.method == "PATCH" ? "PatchOptions" : "UpdateOptions";
  review["options"] = {{"kind", kind}, {"apiVersion", "meta.k8s.io/v1"}};
  return review;
}

std::map<std::string, Json> admission_variables(const Admission& admission) {
  return {{"object", admission.object}, {"oldObject", admission.old}, {"request", admission_request(admission, "")}, {"namespaceObject", admission.home}};
}

bool meets_conditions(const Json& conditions, const std::map<std::string, Json>& variables) {
  std::vector<std::string> names;
  for (const auto& [name, value] : variables) names.push_back(name);
  std::optional<cel::CelError> failure;
  for (const Json& condition : conditions) {
    try {
      if (cel::CelProgram::compile(text_at(condition, {"expression"}), names).evaluate(variables) != true) return false;
    } catch (const cel::CelError& error) {
      if (!failure) failure.emplace(error);
    }
  }
  if (failure) throw *failure;
  return true;
}

}  // namespace skidpad::fakes::kube_apiserver

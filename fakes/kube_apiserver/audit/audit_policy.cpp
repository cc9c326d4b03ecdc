#include "fakes/kube_apiserver/audit/audit_policy.hpp"

#include "harness/runtime/usage_error.hpp"
#include "harness/runtime/yaml.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::list_at;
using runtime::text_at;

bool holds(const Json& list, const std::string& text) { return std::find(list.begin(), list.end(), text) != list.end(); }

bool ends_with(const std::string& text, std::string_view end) { return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0; }

bool matches_resource_name(const std::string& wanted, const RequestInfo& info) {
  const std::string combined = info.subresource.empty() ? info.resource : info.resource + "/" + info.subresource;
  if (wanted == combined || wanted == "*") return true;
  if (wanted.compare(0, 2, "*/") == 0 && info.subresource == wanted.substr(2)) return true;
  return ends_with(wanted, "/*") && info.resource == wanted.substr(0, wanted.size() - 2);
}

bool matches_resources(const Json& body, const RequestInfo& info) {
  if (!info.is_resource) return false;
  const Json& namespaces = list_at(body, {"namespaces"});
  if (!namespaces.empty() && !holds(namespaces, info.object_namespace)) return false;
  const Json& resources = list_at(body, {"resources"});
  if (resources.empty()) return true;
  for (const Json& entry : resources) {
    if (text_at(entry, {"group"}) != info.group) continue;
    const Json& names = list_at(entry, {"resources"});
    if (names.empty()) return true;
    const Json& objects = list_at(entry, {"resourceNames"});
    if (!objects.empty() && !holds(objects, info.name)) continue;
    for (const Json& name : names) {
      if (matches_resource_name(name.get<std::string>(), info)) return true;
    }
  }
  return false;
}

bool matches_path(const Json& paths, const RequestInfo& info) {
  if (info.is_resource) return false;
  for (const Json& path : paths) {
    const std::string wanted = path.get<std::string>();
    if (wanted == "*" || wanted == info.path) return true;
    if (ends_with(wanted, "*") && info.path.compare(0, wanted.size() - 1, wanted, 0, wanted.size() - 1) == 0) return true;
  }
  return false;
}

void add_stages(const Json& holder, std::set<std::string>& stages) {
  for (const Json& stage : list_at(holder, {"omitStages"})) {
    const std::string name = stage.get<std::string>();
    if (name != "RequestReceived" && name != "ResponseStarted" && name != "ResponseComplete" && name != "Panic") {
      throw UsageError("audit policy: omitStages: Invalid value: \"" + name + "\": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic");
    }
    stages.insert(name);
  }
}

AuditLevel level_of(const std::string& name) {
  if (name == "None") return AuditLevel::none;
  if (name == "Metadata") return AuditLevel::metadata;
  if (name == "Request") return AuditLevel::request;
  if (name == "RequestResponse") return AuditLevel::request_response;
  throw UsageError("audit policy: level: Unsupported value: \"" + name + "\": supported values: \"None\", \"Metadata\", \"Request\", \"RequestResponse\"");
}

}  // namespace

AuditPolicy AuditPolicy::parse(const std::string& text) {
  const auto parsed = runtime::parse_yaml(text);
  if (!parsed) throw UsageError("audit policy: " + parsed.error().message);
  const Json& body = parsed.value();
  if (text_at(body, {"kind"}) != "Policy" || text_at(body, {"apiVersion"}) != "audit.k8s.io/v1") throw UsageError("audit policy: expected kind Policy of audit.k8s.io/v1");
  const Json& rules = list_at(body, {"rules"});
  if (rules.empty()) throw UsageError("audit policy: loaded illegal policy with 0 rules");
  AuditPolicy policy;
  for (const Json& each : rules) {
    Rule rule;
    rule.body = each;
    rule.decision.level = level_of(text_at(each, {"level"}));
    add_stages(body, rule.decision.omitted_stages);
    add_stages(each, rule.decision.omitted_stages);
    const Json& own = find(each, {"omitManagedFields"});
    rule.decision.omit_managed_fields = own.is_boolean() ? own.get<bool>() : runtime::bool_at(body, {"omitManagedFields"});
    policy.rules_.push_back(std::move(rule));
  }
  return policy;
}

AuditDecision AuditPolicy::decide(const User& user, const RequestInfo& info) const {
  for (const Rule& rule : rules_) {
    if (rule.matches(user, info)) return rule.decision;
  }
  return {};
}

bool AuditPolicy::Rule::matches(const User& user, const RequestInfo& info) const {
  const Json& users = list_at(body, {"users"});
  if (!users.empty() && !holds(users, user.name)) return false;
  const Json& groups = list_at(body, {"userGroups"});
  if (!groups.empty() && std::none_of(groups.begin(), groups.end(), [&](const Json& group) { return user.in_group(group.get<std::string>()); })) return false;
  const Json& verbs = list_at(body, {"verbs"});
  if (!verbs.empty() && !holds(verbs, info.verb)) return false;
  if (!list_at(body, {"namespaces"}).empty() || !list_at(body, {"resources"}).empty()) return matches_resources(body, info);
  const Json& paths = list_at(body, {"nonResourceURLs"});
  return paths.empty() || matches_path(paths, info);
}

}  // namespace skidpad::fakes::kube_apiserver

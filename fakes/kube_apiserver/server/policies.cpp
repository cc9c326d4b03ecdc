// ValidatingAdmissionPolicy: expressions that refuse, warn of or only note a write.
#include "fakes/kube_apiserver/api/selector.hpp"
#include "fakes/kube_apiserver/cel/cel_program.hpp"
#include "fakes/kube_apiserver/crd/custom_resources.hpp"
#include "fakes/kube_apiserver/server/admission_match.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using cel::CelError;
using cel::CelProgram;
using runtime::find;
using runtime::list_at;
using runtime::text_at;

constexpr const char* policies_prefix = "/registry/validatingadmissionpolicies/";
constexpr const char* bindings_prefix = "/registry/validatingadmissionpolicybindings/";

struct Denial {
  Denial(std::string message, std::string reason) : message(std::move(message)), reason(std::move(reason)) {}
  std::string message;
  std::string reason;
};

int code_of(const std::string& reason) {
  if (reason == "Unauthorized") return 401;
  if (reason == "Forbidden") return 403;
  return reason == "RequestEntityTooLarge" ? 413 : 422;
}

std::string one_line(const std::string& text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  return start == std::string::npos ? "" : text.substr(start, text.find_last_not_of(" \t\r\n") - start + 1);
}

std::string message_of(const Json& validation, const std::vector<std::string>& names, const cel::Variables& variables) {
  const std::string expression = text_at(validation, {"messageExpression"});
  if (!expression.empty()) {
    try {
      const Json made = CelProgram::compile(expression, names).evaluate(variables);
      const std::string text = made.is_string() ? one_line(made.get<std::string>()) : "";
      if (!text.empty() && text.find('\n') == std::string::npos) return text;
    } catch (const CelError&) {
    }
  }
  const std::string message = one_line(text_at(validation, {"message"}));
  return message.empty() ? "failed expression: " + one_line(text_at(validation, {"expression"})) : message;
}

/// What one policy says with one parameter.
std::vector<Denial> evaluate(const Json& spec, cel::Variables variables) {
  std::vector<Denial> denials;
  const bool ignore = text_at(spec, {"failurePolicy"}, "Fail") == "Ignore";
  try {
    if (!meets_conditions(list_at(spec, {"matchConditions"}), variables)) return denials;
  } catch (const CelError& error) {
    if (!ignore) denials.emplace_back(error.message, "");
    return denials;
  }
  std::vector<std::string> names = {"variables"};
  for (const auto& [name, value] : variables) names.push_back(name);
  variables["variables"] = Json::object();
  for (const Json& each : list_at(spec, {"variables"})) {
    try {
      Json value = CelProgram::compile(text_at(each, {"expression"}), names).evaluate(variables);
      variables["variables"][text_at(each, {"name"})] = std::move(value);
    } catch (const CelError&) {  // counts only where somebody asks for it
    }
  }
  for (const Json& validation : list_at(spec, {"validations"})) {
    const std::string expression = text_at(validation, {"expression"});
    try {
      if (CelProgram::compile(expression, names).evaluate(variables) != true) denials.emplace_back(message_of(validation, names, variables), text_at(validation, {"reason"}, "Invalid"));
    } catch (const CelError& error) {
      if (!ignore) denials.emplace_back("expression '" + expression + "' resulted in error: " + error.message, "");
    }
  }
  return denials;
}

}  // namespace

/// The objects a binding hands to its policy; one null if it wants none. Throws CelError if they must be there and are not.
std::vector<Json> ApiServer::policy_parameters(const Request& request, const Json& policy, const Json& binding) {
  const std::string version = text_at(policy, {"paramKind", "apiVersion"});
  const std::string kind = text_at(policy, {"paramKind", "kind"});
  const Json& reference = find(binding, {"paramRef"});
  if (kind.empty() || !reference.is_object()) return {Json()};
  const Resource* resource = find_built_in_kind(version, kind);
  std::shared_ptr<const Resource> custom;
  for (const auto& each : CustomResources::of(store_).all()) {
    if (each->api_version() == version && each->kind == kind) custom = each;
  }
  if (resource == nullptr) resource = custom.get();
  if (resource == nullptr) throw CelError("failed to find resource referenced by paramKind: '" + version + ", Kind=" + kind + "'");
  const std::string home = resource->namespaced ? text_at(reference, {"namespace"}, request.info.object_namespace) : "";
  std::vector<Json> found;
  const std::string name = text_at(reference, {"name"});
  if (!name.empty()) {
    if (const ObjectPtr object = store_.cached(resource->storage_key(home, name))) found.push_back(object->value());
  } else {
    const LabelSelector selector = LabelSelector::from_object(find(reference, {"selector"}));
    store_.visit(resource->storage_prefix() + (home.empty() ? "" : home + "/"), [&](const ObjectPtr& object) {
      if (selector.matches(find(object->value(), {"metadata", "labels"}))) found.push_back(object->value());
    });
  }
  if (found.empty() && text_at(reference, {"parameterNotFoundAction"}, "Deny") == "Deny") {
    throw CelError("failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction");
  }
  return found;
}

bool ApiServer::has_policies() { return store_.object_count(bindings_prefix) > 0; }

void ApiServer::admit_by_policies(Request& request, const char* operation, const Json& object, const Json& old) {
  if (!has_policies() || request.resource == nullptr || is_exempt(*request.resource) || options_.disabled_admission.contains("ValidatingAdmissionPolicy")) return;
  const ObjectPtr home = request.resource->namespaced ? store_.cached("/registry/namespaces/" + request.info.object_namespace) : nullptr;
  const Json nowhere;
  const Admission admission(request, operation, object, old, home ? home->value() : nowhere);
  std::optional<ApiError> refusal;
  store_.visit(bindings_prefix, [&](const ObjectPtr& bound) {
    const Json& binding = find(bound->value(), {"spec"});
    const std::string policy_name = text_at(binding, {"policyName"});
    const ObjectPtr policy = store_.cached(policies_prefix + policy_name);
    if (!policy || !matches_resources(find(policy->value(), {"spec", "matchConstraints"}), admission) || !matches_resources(find(binding, {"matchResources"}), admission)) return;
    const Json& spec = find(policy->value(), {"spec"});
    std::vector<Denial> denials;
    try {
      for (const Json& parameter : policy_parameters(request, spec, binding)) {
        cel::Variables variables = admission_variables(admission);
        variables["params"] = parameter;
        for (Denial& denial : evaluate(spec, std::move(variables))) denials.push_back(std::move(denial));
      }
    } catch (const CelError& error) {
      if (text_at(spec, {"failurePolicy"}) != "Ignore") denials.emplace_back(error.message, "");
    }
    const std::string binding_name(bound->name());
    for (const Denial& denial : denials) {
      for (const Json& action : list_at(binding, {"validationActions"})) {
        if (action == "Warn") {
          request.warnings.push_back("Validation failed for ValidatingAdmissionPolicy '" + policy_name + "' with binding '" + binding_name + "': " + denial.message);
        }
        if (action != "Deny" || refusal) continue;
        const std::string message = "ValidatingAdmissionPolicy '" + policy_name + "' with binding '" + binding_name + "' denied request: " + denial.message;
        refusal.emplace(forbidden(request.resource->group, request.resource->plural, admission.name(), message));
        refusal->reason = denial.reason.empty() ? "Invalid" : denial.reason;
        refusal->code = code_of(refusal->reason);
        refusal->details["causes"] = Json::array({{{"message", message}}});
      }
    }
  });
  if (refusal) throw *refusal;
}

}  // namespace skidpad::fakes::kube_apiserver

#include "fakes/kube_apiserver/crd/cel_rules.hpp"

#include "fakes/kube_apiserver/cel/cel_program.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using cel::CelError;
using cel::CelProgram;
using runtime::find;
using runtime::list_at;
using runtime::text_at;

constexpr const char* no_path = "<nil>";  ///< Go's name of the object itself
const std::vector<std::string> rule_variables = {"self", "oldSelf"};

const char* type_name(const Json& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "boolean";
  return value.is_number_float() ? "number" : "integer";
}

std::string trimmed(const std::string& text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  return start == std::string::npos ? "" : text.substr(start, text.find_last_not_of(" \t\r\n") - start + 1);
}

/// From messageExpression if that gives a line of text, else from message, else from the rule itself.
std::string detail_of(const Json& rule, const cel::Variables& variables) {
  const std::string expression = text_at(rule, {"messageExpression"});
  if (!expression.empty()) {
    try {
      const Json made = CelProgram::compile(expression, rule_variables).evaluate(variables);
      const std::string text = made.is_string() ? trimmed(made.get<std::string>()) : "";
      if (!text.empty() && text.find('\n') == std::string::npos) return text;
    } catch (const CelError&) {
    }
  }
  const std::string message = trimmed(text_at(rule, {"message"}));
  return message.empty() ? "failed rule: " + trimmed(text_at(rule, {"rule"})) : message;
}

FieldError failure_of(const Json& rule, const std::string& path, const std::string& type, const std::string& detail) {
  const std::string reason = text_at(rule, {"reason"});
  const std::string below = text_at(rule, {"fieldPath"});
  std::string where = path + below;
  if (path.empty()) where = below.empty() ? no_path : below.substr(1);
  if (reason == "FieldValueForbidden") return forbidden_value(where, detail);
  if (reason == "FieldValueRequired") return required_value(where, detail);
  if (reason == "FieldValueDuplicate") return duplicate_value(where, in_quotes(type));
  return invalid_value(where, in_quotes(type), detail);
}

void check_rule(const Json& rule, const Json& value, const Json& old, const std::string& path, const std::string& type, FieldErrors& errors) {
  const std::string text = text_at(rule, {"rule"});
  const std::string named = trimmed(text_at(rule, {"message"}).empty() ? text : text_at(rule, {"message"}));
  try {
    const CelProgram program = CelProgram::compile(text, rule_variables);
    const bool optional_old = runtime::bool_at(rule, {"optionalOldSelf"});
    const bool transition = program.mentions("oldSelf");
    if (old.is_null() && !optional_old && transition) return;
    if (!transition && !old.is_null() && value == old) return;  // what did not change may stay as it is
    cel::Variables variables;
    variables["self"] = value;
    variables["oldSelf"] = !optional_old ? old : old.is_null() ? cel::nothing() : cel::some(old);
    bool holds = false;
    try {
      holds = program.evaluate(variables) == true;
    } catch (const CelError& error) {
      const bool overload = error.message.compare(0, 16, "no such overload") == 0;
      errors.push_back(invalid_value(path.empty() ? no_path : path, in_quotes(type),
                                     overload ? "'" + error.message + "': call arguments did not match a supported operator, function or macro signature for rule: " + named
                                              : error.message + " evaluating rule: " + named));
      return;
    }
    if (!holds) errors.push_back(failure_of(rule, path, type, detail_of(rule, variables)));
  } catch (const CelError& error) {
    errors.push_back(invalid_value(path.empty() ? no_path : path, in_quotes(type), "rule compile error: " + error.message));
  }
}

/// The item of the old list that a rule of the new one may look back to: lists of type map correlate by their keys, others do not.
Json old_item(const Json& item, const Json& old, const Json& schema) {
  if (!old.is_array() || text_at(schema, {"x-kubernetes-list-type"}) != "map") return {};
  const Json& keys = list_at(schema, {"x-kubernetes-list-map-keys"});
  for (const Json& each : old) {
    if (std::all_of(keys.begin(), keys.end(), [&](const Json& key) { return find(each, {key.get<std::string>()}) == find(item, {key.get<std::string>()}); })) return each;
  }
  return {};
}

}  // namespace

void check_rules(const Json& value, const Json& old, const Json& schema, const std::string& path, FieldErrors& errors) {
  if (!schema.is_object() || value.is_null()) return;
  const std::string type = text_at(schema, {"type"}, type_name(value));
  for (const Json& rule : list_at(schema, {"x-kubernetes-validations"})) check_rule(rule, value, old, path, type, errors);
  if (value.is_object()) {
    const Json& properties = find(schema, {"properties"});
    const Json& additional = find(schema, {"additionalProperties"});
    for (const auto& [key, member] : value.items()) {
      const bool named = properties.is_object() && properties.contains(key);
      const std::string below = !named ? path + "[" + key + "]" : path.empty() ? key : path + "." + key;
      check_rules(member, find(old, {key}), named ? properties[key] : additional, below, errors);
    }
  }
  if (value.is_array()) {
    std::size_t position = 0;
    for (const Json& item : value) check_rules(item, old_item(item, old, schema), find(schema, {"items"}), path + "[" + std::to_string(position++) + "]", errors);
  }
}

void check_rule_texts(const Json& schema, const std::string& path, FieldErrors& errors) {
  std::size_t position = 0;
  for (const Json& rule : list_at(schema, {"x-kubernetes-validations"})) {
    const std::string at = path + ".x-kubernetes-validations[" + std::to_string(position++) + "]";
    const std::string text = text_at(rule, {"rule"});
    if (trimmed(text).empty()) {
      errors.push_back(required_value(at + ".rule", "rule is not specified"));
      continue;
    }
    const std::string shown = "apiextensions.ValidationRule{Rule:" + in_quotes(text) + ", Message:" + in_quotes(text_at(rule, {"message"})) + "}";
    try {
      (void)CelProgram::compile(text, rule_variables);
    } catch (const CelError& error) {
      errors.push_back(invalid_value(at + ".rule", shown, "compilation failed: " + error.message));
    }
    const std::string expression = text_at(rule, {"messageExpression"});
    if (expression.empty()) continue;
    try {
      (void)CelProgram::compile(expression, rule_variables);
    } catch (const CelError& error) {
      errors.push_back(invalid_value(at + ".messageExpression", shown, "messageExpression compilation failed: " + error.message));
    }
  }
}

}  // namespace skidpad::fakes::kube_apiserver

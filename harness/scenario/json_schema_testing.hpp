/// @file json_schema_testing.hpp
/// As much of a JSON Schema 2020-12 validator as scenarios/schema.json uses, to test that schema against the loader.
/// Promise: a keyword it does not know throws, so a schema cannot pass by being misunderstood.
/// Limits: $ref within the document only; patterns as std::regex reads ECMA-262; included by tests alone.
#pragma once

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <string>

#include "harness/scenario/document.hpp"

namespace skidpad::scenario::testing {

using OrderedJson = nlohmann::ordered_json;

class JsonSchema {
 public:
  explicit JsonSchema(OrderedJson schema) : schema_(std::move(schema)) {}

  /// Empty where the instance is valid; else the first thing wrong with it.
  std::string errors(const OrderedJson& instance) const { return check(schema_, instance, ""); }

 private:
  const OrderedJson& resolve(const std::string& reference) const {
    if (!reference.starts_with("#/")) throw std::runtime_error("foreign $ref " + reference);
    return schema_.at(OrderedJson::json_pointer(reference.substr(1)));
  }

  static bool matches(const std::string& text, const std::string& pattern) {
    static std::map<std::string, std::regex> compiled;
    const auto found = compiled.try_emplace(pattern, pattern).first;
    return text.size() < 1000 && std::regex_search(text, found->second);  // std::regex recurses on long text
  }

  static bool has_type(const OrderedJson& instance, const std::string& type) {
    if (type == "object") return instance.is_object();
    if (type == "array") return instance.is_array();
    if (type == "string") return instance.is_string();
    if (type == "boolean") return instance.is_boolean();
    if (type == "integer")
      return instance.is_number_integer() || (instance.is_number_float() && std::floor(instance.get<double>()) == instance.get<double>());
    throw std::runtime_error("unknown type " + type);
  }

  std::string check(const OrderedJson& schema, const OrderedJson& instance, const std::string& path) const {
    if (schema.is_boolean()) return schema.get<bool>() ? "" : path + ": not allowed";
    for (const auto& [keyword, rule] : schema.items())
      if (std::string error = check_keyword(schema, keyword, rule, instance, path); !error.empty()) return error;
    return "";
  }

  std::string check_keyword(const OrderedJson& schema, const std::string& keyword, const OrderedJson& rule, const OrderedJson& instance,
                            const std::string& path) const {
    if (keyword == "$schema" || keyword == "$defs" || keyword == "title" || keyword == "description" || keyword == "default") return "";
    if (keyword == "$ref") return check(resolve(rule), instance, path);
    if (keyword == "type") return has_type(instance, rule) ? "" : path + ": no " + rule.get<std::string>();
    if (keyword == "const") return instance == rule ? "" : path + ": not " + rule.dump();
    if (keyword == "enum") return std::find(rule.begin(), rule.end(), instance) != rule.end() ? "" : path + ": none of the choices";
    if (keyword == "pattern") return !instance.is_string() || matches(instance, rule) ? "" : path + ": does not match";
    if (keyword == "minimum") return !instance.is_number() || instance.get<double>() >= rule.get<double>() ? "" : path + ": too small";
    if (keyword == "maximum") return !instance.is_number() || instance.get<double>() <= rule.get<double>() ? "" : path + ": too large";
    if (keyword == "minItems") return !instance.is_array() || instance.size() >= rule ? "" : path + ": too few items";
    if (keyword == "maxItems") return !instance.is_array() || instance.size() <= rule ? "" : path + ": too many items";
    if (keyword == "uniqueItems") return !instance.is_array() || !rule.get<bool>() || all_distinct(instance) ? "" : path + ": repeats an item";
    if (keyword == "items") return check_each(rule, instance, path);
    if (keyword == "anyOf" || keyword == "oneOf") return check_alternatives(keyword, rule, instance, path);
    if (keyword == "required") return check_required(rule, instance, path);
    if (keyword == "properties" || keyword == "additionalProperties" || keyword == "propertyNames")
      return check_properties(schema, keyword, rule, instance, path);
    throw std::runtime_error("unknown keyword " + keyword);
  }

  static bool all_distinct(const OrderedJson& list) {
    for (std::size_t i = 0; i < list.size(); ++i)
      for (std::size_t j = i + 1; j < list.size(); ++j)
        if (list[i] == list[j]) return false;
    return true;
  }

  std::string check_each(const OrderedJson& rule, const OrderedJson& instance, const std::string& path) const {
    if (!instance.is_array()) return "";
    for (std::size_t i = 0; i < instance.size(); ++i)
      if (std::string error = check(rule, instance[i], path + "[" + std::to_string(i) + "]"); !error.empty()) return error;
    return "";
  }

  std::string check_alternatives(const std::string& keyword, const OrderedJson& rule, const OrderedJson& instance,
                                 const std::string& path) const {
    std::size_t good = 0;
    std::string last;
    for (const OrderedJson& alternative : rule) {
      const std::string error = check(alternative, instance, path);
      good += error.empty() ? 1 : 0;
      if (!error.empty()) last = error;
    }
    if (good == 0) return last;
    return keyword == "oneOf" && good > 1 ? path + ": fits several alternatives" : "";
  }

  static std::string check_required(const OrderedJson& rule, const OrderedJson& instance, const std::string& path) {
    if (!instance.is_object()) return "";
    for (const OrderedJson& name : rule)
      if (!instance.contains(name.get<std::string>())) return path + ": lacks " + name.get<std::string>();
    return "";
  }

  std::string check_properties(const OrderedJson& schema, const std::string& keyword, const OrderedJson& rule, const OrderedJson& instance,
                               const std::string& path) const {
    if (!instance.is_object()) return "";
    for (const auto& [key, value] : instance.items()) {
      const bool is_known = schema.contains("properties") && schema["properties"].contains(key);
      std::string error;
      if (keyword == "properties" && is_known) error = check(rule[key], value, path + "." + key);
      if (keyword == "additionalProperties" && !is_known) error = check(rule, value, path + "." + key);
      if (keyword == "propertyNames") error = check(rule, OrderedJson(key), path + "." + key);
      if (!error.empty()) return error;
    }
    return "";
  }

  OrderedJson schema_;
};

/// The document as an editor's YAML 1.2 reader hands it to a schema.
inline OrderedJson as_json(const Value& value) {
  switch (value.kind) {
    case Value::Kind::null:
      return nullptr;
    case Value::Kind::list: {
      OrderedJson list = OrderedJson::array();
      for (const Entry& entry : value.entries) list.push_back(as_json(entry.value));
      return list;
    }
    case Value::Kind::map: {
      OrderedJson map = OrderedJson::object();
      for (const Entry& entry : value.entries) map[entry.key] = as_json(entry.value);
      return map;
    }
    case Value::Kind::scalar:
      break;
  }
  if (value.is_quoted) return value.text;
  static const std::regex truth("true|True|TRUE"), falsehood("false|False|FALSE");
  static const std::regex integer("[-+]?[0-9]{1,15}"), hexadecimal("0x[0-9a-fA-F]{1,15}"), octal("0o[0-7]{1,15}");
  static const std::regex real(R"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)");
  const std::string& text = value.text;
  if (text.size() > 100) return text;
  if (std::regex_match(text, truth)) return true;
  if (std::regex_match(text, falsehood)) return false;
  if (std::regex_match(text, integer)) return std::stoll(text);
  if (std::regex_match(text, hexadecimal)) return std::stoll(text.substr(2), nullptr, 16);
  if (std::regex_match(text, octal)) return std::stoll(text.substr(2), nullptr, 8);
  if (std::regex_match(text, real)) return std::strtod(text.c_str(), nullptr);
  return text;
}

}  // namespace skidpad::scenario::testing

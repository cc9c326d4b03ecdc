#include "harness/history/fields.hpp"

#include <cmath>

namespace skidpad::history {
namespace {
const Json null_value;
const Json empty_object = Json::object();
}  // namespace

Fields::Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object.is_object()) throw UsageError(where_ + ": expected a JSON object, got " + object.type_name());
}

void Fields::refuse(std::string_view name, std::string_view what) const {
  throw UsageError(where_ + ": " + std::string(name) + ": " + std::string(what));
}

bool Fields::has(std::string_view name) const { return object_.contains(name); }

const Json* Fields::optional_field(std::string_view name) {
  asked_.emplace(name);
  const auto found = object_.find(name);
  if (found == object_.end() || found->is_null()) return nullptr;
  return &*found;
}

const Json& Fields::required_field(std::string_view name) {
  const Json* found = optional_field(name);
  if (!found) refuse(name, "missing");
  return *found;
}

std::string Fields::text(std::string_view name) {
  const Json& value = required_field(name);
  if (!value.is_string()) refuse(name, std::string("expected text, got ") + value.type_name());
  return value.get<std::string>();
}

std::optional<std::string> Fields::optional_text(std::string_view name) {
  if (!optional_field(name)) return std::nullopt;
  return text(name);
}

std::string Fields::text_or(std::string_view name, std::string_view otherwise) {
  return optional_text(name).value_or(std::string(otherwise));
}

bool Fields::boolean_or(std::string_view name, bool otherwise) {
  const Json* value = optional_field(name);
  if (!value) return otherwise;
  if (!value->is_boolean()) refuse(name, std::string("expected true or false, got ") + value->type_name());
  return value->get<bool>();
}

std::int64_t Fields::integer(std::string_view name, std::int64_t minimum, std::int64_t maximum) {
  const Json& value = required_field(name);
  if (!value.is_number_integer()) refuse(name, std::string("expected an integer, got ") + (value.is_number() ? "a fraction" : value.type_name()));
  const bool overflows = value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  if (overflows || value.get<std::int64_t>() < minimum || value.get<std::int64_t>() > maximum)
    refuse(name, value.dump() + " is outside " + std::to_string(minimum) + " to " + std::to_string(maximum));
  return value.get<std::int64_t>();
}

std::int64_t Fields::integer_or(std::string_view name, std::int64_t otherwise, std::int64_t minimum, std::int64_t maximum) {
  if (!optional_field(name)) return otherwise;
  return integer(name, minimum, maximum);
}

std::uint64_t Fields::unsigned_integer(std::string_view name) {
  const Json& value = required_field(name);
  if (!value.is_number_unsigned()) refuse(name, "expected an integer of 0 or more");
  return value.get<std::uint64_t>();
}

double Fields::number(std::string_view name) {
  const Json& value = required_field(name);
  if (!value.is_number()) refuse(name, std::string("expected a number, got ") + value.type_name());
  return value.get<double>();
}

double Fields::number_or(std::string_view name, double otherwise) {
  if (!optional_field(name)) return otherwise;
  return number(name);
}

runtime::Duration Fields::nanoseconds(std::string_view name) { return runtime::Duration(integer(name, 0, INT64_MAX)); }

std::optional<runtime::Duration> Fields::optional_nanoseconds(std::string_view name) {
  if (!optional_field(name)) return std::nullopt;
  return nanoseconds(name);
}

runtime::Duration Fields::go_duration(std::string_view name) {
  const std::string value = text(name);
  runtime::Duration duration{};
  if (!runtime::parse_go_duration(value, duration) || duration < runtime::Duration::zero())
    refuse(name, "\"" + value + "\" is no duration; expected text such as \"30s\" or \"1m30s\"");
  return duration;
}

std::optional<runtime::Duration> Fields::optional_go_duration(std::string_view name) {
  if (!optional_field(name)) return std::nullopt;
  return go_duration(name);
}

std::vector<std::string> Fields::texts_or_empty(std::string_view name) {
  std::vector<std::string> texts;
  const Json* value = optional_field(name);
  if (!value) return texts;
  if (!value->is_array()) refuse(name, "expected a list of texts");
  for (const Json& item : *value) {
    if (!item.is_string()) refuse(name, "expected a list of texts");
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

std::map<std::string, std::string> Fields::text_map_or_empty(std::string_view name) {
  std::map<std::string, std::string> texts;
  const Json* value = optional_field(name);
  if (!value) return texts;
  if (!value->is_object()) refuse(name, "expected an object of texts");
  for (const auto& [key, item] : value->items()) {
    if (!item.is_string()) refuse(name, "expected an object of texts, but " + key + " is " + item.type_name());
    texts.emplace(key, item.get<std::string>());
  }
  return texts;
}

const Json& Fields::any(std::string_view name) {
  const Json* value = optional_field(name);
  return value ? *value : null_value;
}

const Json& Fields::object_or_empty(std::string_view name) {
  const Json* value = optional_field(name);
  if (!value) return empty_object;
  if (!value->is_object()) refuse(name, std::string("expected an object, got ") + value->type_name());
  return *value;
}

void Fields::finish() const {
  for (const auto& [name, value] : object_.items())
    if (!asked_.contains(name)) refuse(name, "unknown field");
}

}  // namespace skidpad::history

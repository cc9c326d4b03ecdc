#include "harness/runtime/json.hpp"

#include "harness/runtime/json_text.hpp"

namespace skidpad::runtime {
namespace {

/// The deepest nesting of brackets outside strings; right for any valid JSON, an upper bound for the rest.
std::size_t nesting_depth(std::string_view text) {
  std::size_t depth = 0;
  std::size_t deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char byte = text[i];
    if (in_string) {
      if (byte == '\\') ++i;
      if (byte == '"') in_string = false;
    } else if (byte == '"') {
      in_string = true;
    } else if (byte == '{' || byte == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((byte == '}' || byte == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

const Json& null_value() {
  static const Json value;
  return value;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t depth_max) {
  Json value;
  if (read_json_text(text, value, nullptr, depth_max)) return value;
  // Checked before parsing: our own recursions over the value (dump, compare) rely on it.
  if (nesting_depth(text) > depth_max) return Error(ErrorCode::invalid, "json: nested deeper than " + std::to_string(depth_max));
  try {
    return Json::parse(text);
  } catch (const Json::exception& failure) {
    return Error(ErrorCode::invalid, std::string("json: ") + failure.what());
  }
}

const Json& find(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* value = &object;
  for (const std::string_view key : path) {
    if (!value->is_object()) return null_value();
    const auto member = value->find(key);
    if (member == value->end()) return null_value();
    value = &*member;
  }
  return *value;
}

std::string text_at(const Json& object, std::initializer_list<std::string_view> path, std::string_view otherwise) {
  const Json& value = find(object, path);
  return value.is_string() ? value.get_ref<const std::string&>() : std::string(otherwise);
}

std::int64_t integer_at(const Json& object, std::initializer_list<std::string_view> path, std::int64_t otherwise) {
  const Json& value = find(object, path);
  return value.is_number_integer() ? value.get<std::int64_t>() : otherwise;
}

bool bool_at(const Json& object, std::initializer_list<std::string_view> path, bool otherwise) {
  const Json& value = find(object, path);
  return value.is_boolean() ? value.get<bool>() : otherwise;
}

const Json& list_at(const Json& object, std::initializer_list<std::string_view> path) {
  static const Json empty = Json::array();
  const Json& value = find(object, path);
  return value.is_structured() ? value : empty;
}

}  // namespace skidpad::runtime

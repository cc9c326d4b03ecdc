/// @file json.hpp
/// The JSON value used everywhere, and the few ways of reading it that do not throw.
#pragma once

#include <nlohmann/json.hpp>

#include "harness/runtime/result.hpp"

namespace skidpad {
using Json = nlohmann::json;
}

namespace skidpad::runtime {

/// Reads one JSON document. Refuses more than depth_max levels, duplicate keys are kept last as in Go.
Result<Json> parse_json(std::string_view text, std::size_t depth_max = 10000);

/// The value at a path of keys, or null; never creates anything.
/// Example: find(pod, {"status", "phase"}).
const Json& find(const Json& object, std::initializer_list<std::string_view> path);
/// The text at a path, or `otherwise` where there is none.
std::string text_at(const Json& object, std::initializer_list<std::string_view> path, std::string_view otherwise = "");
/// The integer at a path, or `otherwise`.
std::int64_t integer_at(const Json& object, std::initializer_list<std::string_view> path, std::int64_t otherwise = 0);
/// The boolean at a path, or `otherwise`.
bool bool_at(const Json& object, std::initializer_list<std::string_view> path, bool otherwise = false);
/// The array or object at a path, or an empty array: for range loops.
const Json& list_at(const Json& object, std::initializer_list<std::string_view> path);

}  // namespace skidpad::runtime

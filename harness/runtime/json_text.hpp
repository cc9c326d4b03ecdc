/// @file json_text.hpp
/// JSON text to values and back, as nlohmann does it but several times quicker: simulated clusters spend most of their time here.
/// Promise: what read_json_text() accepts it reads as Json::parse() would; append_json() writes the bytes that dump() would.
/// Not RapidJSON 1.1: it takes half surrogate pairs for text, and writes escapes and numbers otherwise than Go and nlohmann do.
/// Not here: what is wrong with bad text, which Json::parse() says (see parse_json in json.hpp).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "harness/runtime/json.hpp"

namespace skidpad::runtime {

/// read_json_text() recurses; deeper text goes to nlohmann's parser, which does not.
inline constexpr std::size_t json_text_depth_max = 400;

/// Reads one document. False for bad text, and for what is left to Json::parse(): a byte order mark, extreme numbers,
/// deep nesting. `value` is then unspecified.
/// @param repeated_key  set to whether some object holds a key twice; the last one wins, as in Go.
/// @param depth_max     levels of brackets, at most json_text_depth_max.
[[nodiscard]] bool read_json_text(std::string_view text, Json& value, bool* repeated_key = nullptr, std::size_t depth_max = json_text_depth_max);

/// Reads text that others may have read just before: equal texts give one shared value while somebody still holds it.
/// An event goes to many watchers, and in the simulator most of them live in this thread. Null for bad text.
std::shared_ptr<const Json> read_shared_json(std::string_view text);

/// Appends the value's text, without spaces. Throws Json::type_error on text that is no UTF-8, as dump() does.
void append_json(std::string& text, const Json& value);
/// Appends a JSON string with its quotes.
void append_json_string(std::string& text, std::string_view value);
/// The same as value.dump().
std::string json_text(const Json& value);

}  // namespace skidpad::runtime

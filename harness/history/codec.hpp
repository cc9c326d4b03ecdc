/// @file codec.hpp
/// Lines of the run directory from data, and data from lines.
/// Promise: encoding is deterministic (equal data, equal bytes) and always valid UTF-8; decoding is strict.
/// Errors: UsageError "FILE:LINE: field: what is wrong". A cut-off last line is not an error: see Text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/history/record.hpp"

namespace skidpad::history {

/// One line with its newline.
std::string encode(const Operation& operation);
std::string encode(const Event& event);
std::string encode(const MetricSample& sample);
/// Several lines, for people to read.
std::string encode(const Header& header);

Header decode_header(std::string_view text, std::string_view file);

template <class Item>
struct Decoded {
  std::vector<Item> items;
  bool torn = false;      ///< the last line had no newline and was dropped
};
Decoded<Operation> decode_history(std::string_view text, std::string_view file);
/// Refuses a sequence that does not grow and a time that goes back: such a trace was not written by us.
Decoded<Event> decode_trace(std::string_view text, std::string_view file);
Decoded<MetricSample> decode_metrics(std::string_view text, std::string_view file);

Json to_json(const Expectations& expectations);
Expectations expectations_from_json(const Json& json, std::string_view where);

/// JSON text that is valid UTF-8 whatever the bytes: what is not becomes U+FFFD.
std::string dump(const nlohmann::ordered_json& json, int indent = -1);
std::string dump(const Json& json, int indent = -1);

}  // namespace skidpad::history

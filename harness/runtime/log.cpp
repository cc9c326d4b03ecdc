#include "harness/runtime/log.hpp"

namespace skidpad::runtime {
namespace {

/// The members of an object without its braces; foreign bytes that are not UTF-8 are replaced, since a log must never throw.
std::string members(const nlohmann::json& object) {
  const std::string text = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return object.is_object() ? text.substr(1, text.size() - 2) : "\"value\":" + text;
}

}  // namespace

std::string_view name(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
  }
  return "error";
}

bool parse_log_level(std::string_view text, LogLevel& level) {
  for (const LogLevel candidate : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
    if (text != name(candidate)) continue;
    level = candidate;
    return true;
  }
  return false;
}

std::string format_log_line(WallTime time, LogLevel level, std::string_view event, std::string_view origin_json, const nlohmann::json& fields) {
  std::string line = "{\"time\":\"" + format_rfc3339_micro(time) + "\",\"level\":\"";
  line += name(level);
  line += "\",\"event\":" + nlohmann::json(event).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const std::string_view origin = origin_json.size() > 2 ? origin_json.substr(1, origin_json.size() - 2) : std::string_view();
  if (!origin.empty()) line.append(",").append(origin);
  if (!fields.empty()) line.append(",").append(members(fields));
  return line + "}";
}

}  // namespace skidpad::runtime

/// @file log.hpp
/// One JSON object a line: a constant event and facts in fields.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "harness/runtime/time.hpp"

namespace skidpad::runtime {

enum class LogLevel { debug, info, warning, error };

class Log {
 public:
  virtual ~Log() = default;
  virtual bool enabled(LogLevel level) const = 0;
  virtual void write(LogLevel level, std::string_view event, const nlohmann::json& fields) = 0;

  /// Example: log.info("pod_started", {{"pod", name}, {"pid", pid}});
  void debug(std::string_view event, const nlohmann::json& fields = nlohmann::json::object()) { write(LogLevel::debug, event, fields); }
  void info(std::string_view event, const nlohmann::json& fields = nlohmann::json::object()) { write(LogLevel::info, event, fields); }
  void warning(std::string_view event, const nlohmann::json& fields = nlohmann::json::object()) { write(LogLevel::warning, event, fields); }
  void error(std::string_view event, const nlohmann::json& fields = nlohmann::json::object()) { write(LogLevel::error, event, fields); }
};

std::string_view name(LogLevel level);
/// Reads "debug", "info", "warning" or "error"; false on anything else.
bool parse_log_level(std::string_view text, LogLevel& level);
/// One line without its end: time, level, event, then the members of the object `origin_json` (host, program, pid), then the fields.
std::string format_log_line(WallTime time, LogLevel level, std::string_view event, std::string_view origin_json, const nlohmann::json& fields);

}  // namespace skidpad::runtime

/// @file log.hpp
/// One JSON object a line: a constant event and facts in fields.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

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

}  // namespace skidpad::runtime

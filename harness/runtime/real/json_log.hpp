/// @file json_log.hpp
/// Log lines as JSON on standard error, through spdlog.
#pragma once

#include <memory>
#include <string>

#include "harness/runtime/runtime.hpp"

namespace spdlog {
class logger;
}

namespace skidpad::runtime {

class JsonLog final : public Log {
 public:
  JsonLog(std::string host, std::string program, LogLevel level_min);
  ~JsonLog() override;
  bool enabled(LogLevel level) const override { return level >= level_min_; }
  void write(LogLevel level, std::string_view event, const nlohmann::json& fields) override;

 private:
  std::string origin_;
  LogLevel level_min_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace skidpad::runtime

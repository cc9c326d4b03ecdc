#include "harness/runtime/real/json_log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

namespace skidpad::runtime {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

JsonLog::JsonLog(std::string host, std::string program, LogLevel level_min)
    : level_min_(level_min), logger_(std::make_shared<spdlog::logger>(program, std::make_shared<spdlog::sinks::stderr_sink_st>())) {
  nlohmann::json origin;
  origin["host"] = std::move(host);
  origin["program"] = std::move(program);
  origin["pid"] = ::getpid();
  origin_ = origin.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  logger_->set_pattern("%v");
  logger_->set_level(spdlog::level::trace);  // enabled() decides
}

JsonLog::~JsonLog() = default;

void JsonLog::write(LogLevel level, std::string_view event, const nlohmann::json& fields) {
  if (!enabled(level)) return;
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  const std::string line = format_log_line(now, level, event, origin_, fields);
  logger_->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace skidpad::runtime

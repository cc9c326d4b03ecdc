/// @file workload.hpp
/// The workload image of skidpad (skidpad/workload:1): a small HTTP key-value and echo server for probes and traffic.
///
///     GET  /healthz /livez /readyz /startupz   200 or 503, as told
///     GET  / /echo[/...]                       JSON: pod, node, request as received
///     GET|PUT|DELETE /kv/KEY                   in memory; PUT answers 201 for a new key, 200 for a known one
///     GET  /kv                                 JSON list of keys
///     GET  /metrics
///     POST /control/unhealthy | healthy | unready | ready | hang | exit?code=N | terminate
///
/// Promise: on SIGTERM it turns unready, answers what is under way, and ends with 0 after --drain-delay.
/// Limits: the store lives and dies with the process, and is bounded.
#pragma once

#include <map>

#include "harness/runtime/http/http_server.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::workload {

struct WorkloadOptions {
  std::string address;        ///< $POD_IP, or "" for all
  std::uint16_t port = 8080;
  runtime::Duration start_delay{};  ///< before it listens
  runtime::Duration ready_delay{};  ///< after it listens
  runtime::Duration drain_delay{};  ///< between SIGTERM and the end
  std::size_t keys_max = 100'000;
  std::size_t value_bytes_max = 1 << 20;
};

struct Identity {
  std::string pod;
  std::string namespace_name;
  std::string node;
  std::string address;
};

/// What the server knows; answers without any network.
class Workload {
 public:
  Workload(runtime::Runtime& runtime, WorkloadOptions options, Identity identity);
  runtime::HttpResponse answer(const runtime::HttpRequest& request);
  /// Set when asked to end by itself; the exit code is valid then.
  runtime::Event& exit_asked() { return exit_asked_; }
  int exit_code() const { return exit_code_; }
  /// Set while requests but those of /control must stay without answer.
  bool hangs() const { return hangs_; }
  void set_ready(bool ready) { ready_ = ready; }
  std::string metrics() const;

 private:
  runtime::HttpResponse key_value(const runtime::HttpRequest& request, std::string_view path);
  runtime::HttpResponse control(const runtime::HttpRequest& request, std::string_view command);
  runtime::HttpResponse echo(const runtime::HttpRequest& request) const;

  runtime::Runtime& runtime_;
  WorkloadOptions options_;
  Identity identity_;
  std::map<std::string, std::string, std::less<>> values_;
  std::map<std::pair<std::string, int>, std::uint64_t> request_counts_;
  runtime::Event exit_asked_;
  int exit_code_ = 0;
  bool healthy_ = true;
  bool ready_ = false;
  bool hangs_ = false;
};

runtime::Task<int> workload_main(runtime::Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::fakes::workload

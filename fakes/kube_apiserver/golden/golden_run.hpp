/// @file golden_run.hpp
/// Replays one recorded case against an API server and compares; the C++ form of golden/replay.py, on either runtime.
#pragma once

#include <deque>

#include "fakes/kube_apiserver/golden/golden_compare.hpp"
#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/task_group.hpp"

namespace skidpad::fakes::kube_apiserver::golden {

using runtime::Task;

struct GoldenServer {
  runtime::Endpoint endpoint;
  std::optional<runtime::TlsClientOptions> tls;
  std::string admin_token = "admintoken";
  std::string bob_token = "bobtoken";
  runtime::Endpoint etcd;  ///< for cases that compact its history
};

class GoldenRun {
 public:
  GoldenRun(runtime::Runtime& runtime, const GoldenServer& server, Json document);
  ~GoldenRun();
  /// "" if every answer was the recorded one, else step and difference.
  Task<std::string> run();

 private:
  struct Reply {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
  };
  struct Watch;
  Task<void> prepare();
  Task<void> finish();
  Task<void> step(Json step);
  Task<void> do_request(Json step);
  Task<void> do_parallel(Json step);
  Task<void> do_watch(Json step);
  Task<void> do_events(Json step);
  Task<void> do_quiet(Json step);
  Task<void> do_end(Json step);
  Task<void> compact();
  Task<void> send_one(Json request, std::vector<int>* statuses);
  Task<Reply> send(Json request);
  Task<std::optional<std::string>> next_item(Watch& watch, runtime::Instant deadline, bool& timed_out);
  Task<void> pump(Watch& watch, runtime::HttpStream stream);
  runtime::HttpRequest http_request(const Json& request);
  Json decode(const Reply& reply, const Json& step);
  Json kept_headers(const Reply& reply, const Json& step);
  Json shape(Json body, const Json& step);
  void take(const Json& step, const Reply& reply, const Json& body, runtime::WallTime sent);
  void check(const Json& check, const Json& body, runtime::WallTime sent);
  Watch& watch_named(const std::string& name);

  runtime::Runtime& runtime_;
  const GoldenServer& server_;
  Json document_;
  Variables variables_;
  Holes holes_;
  bool managed_ = false;
  runtime::HttpClient http_;
  std::map<std::string, std::unique_ptr<Watch>> watches_;
  runtime::TaskGroup tasks_;
};

}  // namespace skidpad::fakes::kube_apiserver::golden

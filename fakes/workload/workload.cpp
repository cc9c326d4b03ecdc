#include "fakes/workload/workload.hpp"

#include <charconv>

#include "harness/runtime/flags.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::fakes::workload {

using runtime::Duration;
using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;
using runtime::Runtime;
using runtime::Task;

namespace {

HttpResponse make_response(int status, std::string body, const char* type = "text/plain; charset=utf-8") {
  HttpResponse response;
  response.status = status;
  response.headers.set("Content-Type", type);
  response.body = std::move(body);
  return response;
}

HttpResponse health(bool good) { return good ? make_response(200, "ok") : make_response(503, "not ok"); }

}  // namespace

Workload::Workload(Runtime& runtime, WorkloadOptions options, Identity identity)
    : runtime_(runtime), options_(std::move(options)), identity_(std::move(identity)) {}

HttpResponse Workload::answer(const HttpRequest& request) {
  const std::string_view path = request.path();
  HttpResponse response;
  if (path == "/healthz" || path == "/livez" || path == "/startupz") {
    response = health(healthy_);
  } else if (path == "/readyz") {
    response = health(healthy_ && ready_);
  } else if (path == "/" || path == "/echo" || path.starts_with("/echo/")) {
    response = echo(request);
  } else if (path == "/kv" || path.starts_with("/kv/")) {
    response = key_value(request, path);
  } else if (path.starts_with("/control/")) {
    response = control(request, path.substr(9));
  } else if (path == "/metrics") {
    response = make_response(200, metrics(), "text/plain; version=0.0.4; charset=utf-8");
  } else {
    response = make_response(404, "404 page not found\n");
  }
  ++request_counts_[{request.method, response.status}];
  return response;
}

HttpResponse Workload::echo(const HttpRequest& request) const {
  Json body = Json::object();
  body["pod"] = identity_.pod;
  body["namespace"] = identity_.namespace_name;
  body["node"] = identity_.node;
  body["address"] = identity_.address;
  body["client"] = request.remote.address;
  body["method"] = request.method;
  body["target"] = request.target;
  body["body"] = request.body;
  body["headers"] = Json::object();
  for (const auto& [name, value] : request.headers.fields()) body["headers"][name] = value;
  return make_response(200, body.dump(-1, ' ', false, Json::error_handler_t::replace), "application/json");
}

HttpResponse Workload::key_value(const HttpRequest& request, std::string_view path) {
  std::string key;
  if (path.size() > 4 && !runtime::percent_decode(path.substr(4), key, false)) return make_response(400, "bad key\n");
  if (key.empty()) {
    if (request.method != "GET") return make_response(405, "expected /kv/KEY\n");
    Json keys = Json::array();
    for (const auto& [known, value] : values_) keys.push_back(known);
    return make_response(200, keys.dump(-1, ' ', false, Json::error_handler_t::replace), "application/json");
  }
  const auto found = values_.find(key);
  if (request.method == "GET") {
    return found == values_.end() ? make_response(404, "no such key\n") : make_response(200, found->second, "application/octet-stream");
  }
  if (request.method == "PUT") {
    if (request.body.size() > options_.value_bytes_max) return make_response(413, "value too large\n");
    if (found != values_.end()) {
      found->second = request.body;
      return make_response(200, "updated\n");
    }
    if (values_.size() >= options_.keys_max) return make_response(507, "store is full\n");
    values_.emplace(std::move(key), request.body);
    return make_response(201, "created\n");
  }
  if (request.method == "DELETE") {
    if (found == values_.end()) return make_response(404, "no such key\n");
    values_.erase(found);
    return make_response(200, "deleted\n");
  }
  return make_response(405, "expected GET, PUT or DELETE\n");
}

HttpResponse Workload::control(const HttpRequest& request, std::string_view command) {
  if (request.method != "POST") return make_response(405, "expected POST\n");
  if (command == "unhealthy") healthy_ = false;
  else if (command == "healthy") healthy_ = true;
  else if (command == "unready") ready_ = false;
  else if (command == "ready") ready_ = true;
  else if (command == "hang") hangs_ = true;
  else if (command == "exit" || command == "terminate") {
    exit_code_ = command == "exit" ? 1 : 0;
    for (const auto& [name, value] : runtime::parse_query(request.query())) {
      if (name == "code") std::from_chars(value.data(), value.data() + value.size(), exit_code_);
    }
    exit_asked_.set();
  } else {
    return make_response(404, "expected unhealthy, healthy, unready, ready, hang, exit or terminate\n");
  }
  return make_response(200, "ok\n");
}

std::string Workload::metrics() const {
  std::string text = "# HELP workload_requests_total Requests answered, by method and status.\n# TYPE workload_requests_total counter\n";
  for (const auto& [key, count] : request_counts_) {
    text += "workload_requests_total{method=\"" + key.first + "\",code=\"" + std::to_string(key.second) + "\"} " + std::to_string(count) + "\n";
  }
  text += "# HELP workload_keys Keys in the store.\n# TYPE workload_keys gauge\nworkload_keys " + std::to_string(values_.size()) + "\n";
  return text;
}

namespace {

/// One running server: separate from Workload so that that stays free of waiting.
class Program {
 public:
  Program(Runtime& runtime, WorkloadOptions options, Identity identity)
      : runtime_(runtime),
        options_(options),
        workload_(runtime, options, std::move(identity)),
        server_(runtime, [this](const HttpRequest& request, HttpResponder& responder) { return answer(request, responder); }, {}, &serving_) {
    serving_.gate = runtime.stop().gate;
  }

  Task<int> run() {
    if (options_.start_delay > Duration{}) co_await runtime_.sleep_for(options_.start_delay);
    runtime::ListenOptions listen;
    listen.at.address = options_.address;
    listen.at.port = options_.port;
    auto listener = runtime_.network().listen(listen);
    if (!listener) {
      runtime_.log().error("cannot_listen", {{"error", listener.error().message}});
      co_return 1;
    }
    runtime_.log().info("workload_listens", {{"at", to_text(listener.value()->local())}});
    runtime::TaskGroup tasks(serving_);
    tasks.spawn("server", server_.serve(std::move(listener.value())));
    tasks.spawn("ready", become_ready());
    bool stopped = false;
    try {
      co_await workload_.exit_asked().wait();
    } catch (const runtime::Cancelled&) {
      stopped = true;
    }
    if (!stopped) {
      // Lets the answer to /control/exit leave first.
      co_await runtime::Yield();
      tasks.kill();
      co_return workload_.exit_code();
    }
    runtime_.log().info("workload_drains");
    workload_.set_ready(false);
    auto drain = drained();
    drain.use_stop_state(serving_);
    co_await drain;
    tasks.kill();
    co_return 0;
  }

 private:
  Task<void> become_ready() {
    if (options_.ready_delay > Duration{}) co_await runtime_.sleep_for(options_.ready_delay);
    workload_.set_ready(true);
  }

  Task<void> drained() { co_await runtime_.sleep_for(options_.drain_delay); }

  Task<void> answer(const HttpRequest& request, HttpResponder& responder) {
    if (workload_.hangs() && !request.path().starts_with("/control/")) {
      co_await responder.disconnected().wait_for(runtime_, std::chrono::hours(1));
      co_return;
    }
    HttpResponse response = workload_.answer(request);
    (void)co_await responder.send(std::move(response));
  }

  Runtime& runtime_;
  WorkloadOptions options_;
  Workload workload_;
  runtime::StopState serving_;  ///< its own: SIGTERM must not cut the answers that are under way
  runtime::HttpServer server_;
};

}  // namespace

Task<int> workload_main(Runtime& runtime, std::vector<std::string> arguments) {
  WorkloadOptions options;
  options.address = runtime.environment("POD_IP");
  std::int64_t port = options.port;
  runtime::Flags flags("workload", "A small HTTP key-value and echo server.");
  flags.add("address", options.address, "where to listen; default $POD_IP");
  flags.add("port", port);
  flags.add("start-delay", options.start_delay, "before it listens");
  flags.add("ready-delay", options.ready_delay, "after it listens, until /readyz says 200");
  flags.add("drain-delay", options.drain_delay, "between SIGTERM and the end");
  if (!flags.parse(arguments)) co_return 0;
  if (port < 0 || port > 65535) throw UsageError("--port: expected a number from 0 to 65535");
  options.port = static_cast<std::uint16_t>(port);
  Identity identity;
  identity.pod = runtime.environment("POD_NAME");
  if (identity.pod.empty()) identity.pod = runtime.environment("HOSTNAME");
  identity.namespace_name = runtime.environment("POD_NAMESPACE");
  identity.node = runtime.environment("NODE_NAME");
  if (identity.node.empty()) identity.node = runtime.host_name();
  identity.address = options.address;
  Program program(runtime, options, identity);
  co_return co_await program.run();
}

}  // namespace skidpad::fakes::workload

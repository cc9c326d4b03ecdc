/// @file component_server.hpp
/// What every control-plane component serves beside its work: /healthz, /livez, /readyz and /metrics over TLS.
/// Limits: no authorisation of /metrics; a certificate of its own making where no files are given, as the real ones do.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/client/metrics.hpp"
#include "harness/runtime/flags.hpp"
#include "harness/runtime/http/http_server.hpp"

namespace skidpad::client {

struct ComponentServerOptions {
  std::string bind_address = "0.0.0.0";
  std::int64_t secure_port = 0;          ///< 0: nothing is served
  std::string certificate_path;
  std::string key_path;
  bool plain_http = false;               ///< without TLS, as controllers of our own serve their metrics
  std::string own_name = "component";    ///< common name of the certificate made here

  /// --bind-address, --secure-port, --tls-cert-file, --tls-private-key-file, and what real ones accept beside them.
  void add_to(runtime::Flags& flags);
};

class ComponentServer {
 public:
  ComponentServer(runtime::Runtime& runtime, Metrics& metrics, ComponentServerOptions options);
  /// A named check: "" is good, other text says what is wrong. For all three endpoints, or for /readyz alone.
  enum class Where { everywhere, readyz };
  void add_check(std::string name, Where where, std::function<std::string()> check);
  /// Fails with io where the port is taken or a file is unreadable. Afterwards run() serves until stopped.
  runtime::Result<void> listen();
  runtime::Task<void> run();

 private:
  struct Check {
    std::string name;
    Where where;
    std::function<std::string()> good;
  };
  runtime::Task<void> answer(const runtime::HttpRequest& request, runtime::HttpResponder& responder);
  runtime::HttpResponse health(const runtime::HttpRequest& request, Where where);

  runtime::Runtime& runtime_;
  Metrics& metrics_;
  ComponentServerOptions options_;
  std::vector<Check> checks_;
  runtime::HttpServer server_;
  std::unique_ptr<runtime::Listener> listener_;
};

}  // namespace skidpad::client

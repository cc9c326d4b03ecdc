/// @file forwarder.hpp
/// Listens on one address and forwards each connection to one of its endpoints.
/// Promise: bytes in order, both directions on their own (half-close), no more than one chunk per direction held here; an
/// endpoint that does not answer costs a client one connect timeout at most, then it is passed over until it answers again;
/// connections to an endpoint that is gone or failed are closed, so that clients turn to another one at once.
#pragma once

#include <list>

#include "fakes/kube_proxy/endpoint_chooser.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::kube_proxy {

struct ForwarderOptions {
  runtime::Endpoint at;
  runtime::Duration connect_timeout = std::chrono::seconds(2);   ///< a lost SYN is sent again after one second
  runtime::Duration retest_interval = std::chrono::seconds(1);   ///< of failed endpoints
  runtime::Duration idle_timeout = std::chrono::hours(24);       ///< as the kernel's connection tracking
  std::size_t connections_max = 10'000;
};

class Forwarder {
 public:
  Forwarder(runtime::Runtime& runtime, ForwarderOptions options);
  ~Forwarder();
  void set_endpoints(std::vector<runtime::Endpoint> endpoints);
  /// Until stopped. An address that cannot be listened on is tried again.
  runtime::Task<void> run();
  std::uint64_t connection_count() const { return connection_count_; }
  std::uint64_t failure_count() const { return failure_count_; }
  const EndpointChooser& chooser() const { return chooser_; }

 private:
  struct Session {
    runtime::Endpoint backend;
    runtime::Connection* client = nullptr;
    runtime::Connection* server = nullptr;
    runtime::Instant active_at{};
  };
  runtime::Task<void> serve(std::unique_ptr<runtime::Connection> client);
  runtime::Task<std::unique_ptr<runtime::Connection>> connect(runtime::Endpoint& chosen);
  runtime::Task<void> copy(runtime::Connection& from, runtime::Connection& to, Session& session);
  runtime::Task<void> close_when_idle(Session& session);
  runtime::Task<void> retest();
  void close_sessions(const runtime::Endpoint& backend);

  runtime::Runtime& runtime_;
  ForwarderOptions options_;
  EndpointChooser chooser_;
  std::list<Session> sessions_;
  runtime::TaskGroup tasks_;
  bool retesting_ = false;
  std::uint64_t connection_count_ = 0;
  std::uint64_t failure_count_ = 0;
};

}  // namespace skidpad::fakes::kube_proxy

#include "fakes/kube_proxy/forwarder.hpp"

namespace skidpad::fakes::kube_proxy {

using runtime::Connection;
using runtime::Endpoint;
using runtime::Task;
using namespace std::chrono_literals;

Forwarder::Forwarder(runtime::Runtime& runtime, ForwarderOptions options)
    : runtime_(runtime), options_(std::move(options)), chooser_(runtime.random().split(to_text(options_.at))), tasks_(runtime.stop()) {}

Forwarder::~Forwarder() = default;

void Forwarder::set_endpoints(std::vector<Endpoint> endpoints) {
  for (const Endpoint& gone : chooser_.replace(std::move(endpoints))) close_sessions(gone);
}

Task<void> Forwarder::run() {
  runtime::Duration wait = 200ms;
  while (true) {
    runtime::ListenOptions listen;
    listen.at = options_.at;
    auto listener = runtime_.network().listen(listen);
    if (!listener) {
      runtime_.log().warning("cannot_listen", {{"at", to_text(options_.at)}, {"error", listener.error().message}});
      co_await runtime_.sleep_for(wait);
      wait = std::min<runtime::Duration>(wait * 2, 10s);
      continue;
    }
    wait = 200ms;
    while (true) {
      auto connection = co_await listener.value()->accept();
      if (!connection) break;
      if (sessions_.size() >= options_.connections_max) continue;  // dropped: the client sees it closed
      tasks_.spawn("forward", serve(std::move(connection.value())));
    }
    co_await runtime_.sleep_for(wait);
  }
}

/// The first endpoint that answers, or null.
Task<std::unique_ptr<Connection>> Forwarder::connect(Endpoint& chosen) {
  for (const Endpoint& endpoint : chooser_.order()) {
    runtime::ConnectOptions to;
    to.to = endpoint;
    to.timeout = options_.connect_timeout;
    auto connection = co_await runtime_.network().connect(to);
    if (connection) {
      chooser_.answered(endpoint);
      chosen = endpoint;
      co_return std::move(connection.value());
    }
    ++failure_count_;
    if (chooser_.failed(endpoint)) {
      runtime_.log().info("endpoint_failed", {{"at", to_text(options_.at)}, {"endpoint", to_text(endpoint)}, {"error", connection.error().message}});
      close_sessions(endpoint);
    }
    if (!chooser_.failed().empty() && !retesting_) {
      retesting_ = true;
      tasks_.spawn("retest", retest());
    }
  }
  co_return nullptr;
}

Task<void> Forwarder::serve(std::unique_ptr<Connection> client) {
  Endpoint backend;
  std::unique_ptr<Connection> server = co_await connect(backend);
  if (!server) co_return;
  ++connection_count_;
  sessions_.emplace_back();
  const auto session = std::prev(sessions_.end());
  struct Remove {
    std::list<Session>& sessions;
    std::list<Session>::iterator session;
    ~Remove() { sessions.erase(session); }
  } remove{sessions_, session};
  session->backend = backend;
  session->client = client.get();
  session->server = server.get();
  session->active_at = runtime_.now();
  runtime::TaskGroup idle(co_await runtime::CurrentStop());
  idle.spawn("idle", close_when_idle(*session));
  runtime::TaskGroup directions(co_await runtime::CurrentStop());
  directions.spawn("to_server", copy(*client, *server, *session));
  directions.spawn("to_client", copy(*server, *client, *session));
  co_await directions.join();
}

/// Until the end of one direction. A broken one breaks both; a closed one leaves the other open.
Task<void> Forwarder::copy(Connection& from, Connection& to, Session& session) {
  while (true) {
    auto bytes = co_await from.read_some();
    session.active_at = runtime_.now();
    if (!bytes) break;
    if (bytes.value().empty()) {
      to.shutdown_write();
      co_return;
    }
    const auto written = co_await to.write(std::move(bytes.value()));
    if (!written) break;
  }
  from.close();
  to.close();
}

Task<void> Forwarder::close_when_idle(Session& session) {
  while (runtime_.now() - session.active_at < options_.idle_timeout) co_await runtime_.sleep_until(session.active_at + options_.idle_timeout);
  session.client->close();
  session.server->close();
}

void Forwarder::close_sessions(const Endpoint& backend) {
  for (Session& session : sessions_) {
    if (session.backend != backend) continue;
    session.client->close();
    session.server->close();
  }
}

/// Asks failed endpoints whether they answer again, while there are any.
Task<void> Forwarder::retest() {
  while (!chooser_.failed().empty()) {
    co_await runtime_.sleep_for(options_.retest_interval);
    const std::set<Endpoint> failed = chooser_.failed();
    for (const Endpoint& endpoint : failed) {
      runtime::ConnectOptions to;
      to.to = endpoint;
      to.timeout = options_.connect_timeout;
      const auto connection = co_await runtime_.network().connect(to);
      if (!connection) continue;
      chooser_.answered(endpoint);
      runtime_.log().info("endpoint_answers_again", {{"at", to_text(options_.at)}, {"endpoint", to_text(endpoint)}});
    }
  }
  retesting_ = false;
}

}  // namespace skidpad::fakes::kube_proxy

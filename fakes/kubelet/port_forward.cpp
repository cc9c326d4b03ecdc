#include "fakes/kubelet/port_forward.hpp"

#include <charconv>

#include "harness/runtime/http/spdy_session.hpp"
#include "harness/runtime/http/upgrade.hpp"
#include "harness/runtime/http/web_socket.hpp"

namespace skidpad::fakes::kubelet {

using runtime::Connection;
using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::Result;
using runtime::SpdySession;
using runtime::Task;
using StreamPointer = SpdySession::StreamPointer;
using namespace std::chrono_literals;

namespace {

constexpr char protocol[] = "portforward.k8s.io";
constexpr std::size_t half_pairs_max = 256;
constexpr runtime::Duration pair_creation_timeout = 30s;
constexpr runtime::Duration dial_timeout = 10s;

struct Pair {
  StreamPointer data;
  StreamPointer error;
  runtime::Instant due{};
};

Task<void> refuse_forward(HttpResponder& responder, int status, std::string body) {
  runtime::HttpResponse response;
  response.status = status;
  response.headers.set("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  (void)co_await responder.send(std::move(response));
}

Task<Result<std::unique_ptr<Connection>>> dial(runtime::Runtime& runtime, std::string address, std::uint16_t port) {
  runtime::ConnectOptions options;
  options.to.address = std::move(address);
  options.to.port = port;
  options.timeout = dial_timeout;
  co_return co_await runtime.network().connect(std::move(options));
}

Task<void> to_pod(StreamPointer data, Connection& pod) {
  for (;;) {
    std::string bytes = co_await data->read();
    if (bytes.empty()) break;
    const auto written = co_await pod.write(std::move(bytes));
    if (!written) break;
  }
  data->discard_input();
  if (data->was_reset()) pod.close();
  else pod.shutdown_write();
}

Task<void> from_pod(StreamPointer data, Connection& pod) {
  for (;;) {
    auto bytes = co_await pod.read_some();
    if (!bytes || bytes.value().empty()) break;
    const auto written = co_await data->write(std::move(bytes.value()));
    if (!written) break;
  }
  (void)co_await data->finish();
}

Task<void> forward(runtime::Runtime& runtime, ForwardedPod pod, Pair pair, std::uint16_t port) {
  auto connection = co_await dial(runtime, pod.address, port);
  if (!connection && connection.error().code == runtime::ErrorCode::refused) connection = co_await dial(runtime, "127.0.0.1", port);
  if (!connection) {
    const std::string number = std::to_string(port);
    (void)co_await pair.error->write("error forwarding port " + number + " to pod " + pod.full_name + ", uid " + pod.uid +
                                     ": failed to execute portforward: failed to connect to localhost:" + number + ": " + connection.error().message);
    (void)co_await pair.error->finish();
    pair.data->discard_input();
    (void)co_await pair.data->finish();
    co_return;
  }
  const std::unique_ptr<Connection> to = std::move(connection.value());
  runtime::TaskGroup directions(co_await runtime::CurrentStop());
  directions.spawn("to_pod", to_pod(pair.data, *to));
  // As the real one: what the pod says decides; a client that only half closes still gets the rest.
  co_await from_pod(pair.data, *to);
  (void)co_await pair.error->finish();
  directions.kill();
}

/// Neighbouring streams form a pair where no request id is given: error first, then data.
std::string pair_key(const StreamPointer& stream, bool is_data) {
  const std::string id(stream->headers().get("requestid"));
  return id.empty() ? "#" + std::to_string(stream->id() - (is_data ? 2 : 0)) : id;
}

Task<void> accept_pairs(runtime::Runtime& runtime, SpdySession& session, ForwardedPod pod, runtime::TaskGroup& connections) {
  std::map<std::string, Pair> halves;
  for (;;) {
    auto stream = co_await session.accept();
    if (!stream) co_return;
    std::erase_if(halves, [&](const auto& half) { return half.second.due <= runtime.now(); });
    const std::string text(stream->headers().get("port"));
    const std::string type(stream->headers().get("streamtype"));
    std::uint16_t port = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    const bool good = read.ec == std::errc() && read.ptr == text.data() + text.size() && port > 0;
    if (!good || (type != "data" && type != "error") || halves.size() >= half_pairs_max) {
      co_await stream->reset();
      continue;
    }
    const bool is_data = type == "data";
    const std::string key = pair_key(stream, is_data);
    Pair& half = halves[key];
    half.due = runtime.now() + pair_creation_timeout;
    StreamPointer& place = is_data ? half.data : half.error;
    if (place) {
      co_await stream->reset();
      continue;
    }
    if (!is_data) stream->discard_input();
    place = std::move(stream);
    if (!half.data || !half.error) continue;
    Pair pair = std::move(half);
    halves.erase(key);
    connections.spawn("forward", forward(runtime, pod, std::move(pair), port));
  }
}

}  // namespace

Task<void> serve_port_forward(runtime::Runtime& runtime, const HttpRequest& request, HttpResponder& responder, ForwardedPod pod) {
  const auto upgrades = runtime::header_list(request.headers, "Upgrade");
  const bool spdy = std::any_of(upgrades.begin(), upgrades.end(), [](const std::string& each) { return runtime::equal_ignoring_case(each, "SPDY/3.1"); });
  if (!runtime::is_upgrade_request(request) || !spdy) {
    co_await refuse_forward(responder, 400, "unable to upgrade: missing upgrade headers in request: \"" + std::string(request.headers.get("Upgrade")) + "\"");
    co_return;
  }
  const auto offered = runtime::header_list(request.headers, "X-Stream-Protocol-Version");
  if (!offered.empty() && std::find(offered.begin(), offered.end(), protocol) == offered.end()) {
    co_await refuse_forward(responder, 403, "unable to upgrade: unable to negotiate protocol: server accepts [portforward.k8s.io]");
    co_return;
  }
  runtime::HttpHeaders headers;
  headers.add("Connection", "Upgrade");
  headers.add("Upgrade", "SPDY/3.1");
  headers.add("X-Stream-Protocol-Version", protocol);
  std::string already_read;
  auto connection = co_await runtime::switch_protocols(responder, std::move(headers), already_read);
  if (!connection) co_return;
  SpdySession session(std::move(connection.value()), std::move(already_read), runtime::SpdyRole::server);
  runtime::TaskGroup connections(co_await runtime::CurrentStop());
  runtime::TaskGroup tasks(co_await runtime::CurrentStop());
  tasks.spawn("accept_pairs", accept_pairs(runtime, session, std::move(pod), connections));
  co_await session.run();
  tasks.kill();
  connections.kill();
}

}  // namespace skidpad::fakes::kubelet

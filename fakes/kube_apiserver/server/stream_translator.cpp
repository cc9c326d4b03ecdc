#include "fakes/kube_apiserver/server/stream_translator.hpp"

#include "harness/runtime/http/spdy_session.hpp"
#include "harness/runtime/http/upgrade.hpp"
#include "harness/runtime/http/web_socket.hpp"

namespace skidpad::fakes::kube_apiserver {

using runtime::Connection;
using runtime::HttpHeaders;
using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::Result;
using runtime::SpdySession;
using runtime::SpdyStream;
using runtime::Task;
using runtime::WebSocket;
using runtime::WebSocketOpcode;
using StreamPointer = SpdySession::StreamPointer;
using namespace std::chrono_literals;

namespace {

constexpr char input_channel = 0;
constexpr char output_channel = 1;
constexpr char error_output_channel = 2;
constexpr char status_channel = 3;
constexpr char resize_channel = 4;
constexpr char close_signal = static_cast<char>(255);
constexpr std::size_t message_bytes_max = 32 * 1024;

struct Upgraded {
  std::unique_ptr<Connection> connection;
  std::string already_read;
};

/// A kubelet's SPDY connection. The error's message is what client-go says of it.
Task<Result<Upgraded>> dial_kubelet(runtime::Runtime& runtime, runtime::HttpClientOptions options, std::string target, std::string protocol) {
  runtime::HttpClient client(runtime, std::move(options));
  HttpRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.headers.set("Connection", "Upgrade");
  request.headers.set("Upgrade", "SPDY/3.1");
  request.headers.set("X-Stream-Protocol-Version", std::move(protocol));
  auto answer = co_await client.open_stream(std::move(request));
  if (!answer) co_return runtime::Error(runtime::ErrorCode::unavailable, "error sending request: " + answer.error().message);
  if (answer.value().status() != 101) {
    std::string body;
    while (body.size() < 4096) {
      auto more = co_await answer.value().read_some();
      if (!more || more.value().empty()) break;
      body += more.value();
    }
    co_return runtime::Error(runtime::ErrorCode::unavailable, "unable to upgrade connection: " + body);
  }
  Upgraded upgraded;
  upgraded.connection = answer.value().take_connection(upgraded.already_read);
  co_return std::move(upgraded);
}

Task<std::unique_ptr<WebSocket>> accept_web_socket(runtime::Runtime& runtime, const HttpRequest& request, HttpResponder& responder, std::string protocol) {
  HttpHeaders headers;
  headers.add("Upgrade", "websocket");
  headers.add("Connection", "Upgrade");
  headers.add("Sec-WebSocket-Accept", runtime::web_socket_accept(request.headers.get("Sec-WebSocket-Key")));
  headers.add("Sec-WebSocket-Protocol", std::move(protocol));
  std::string already_read;
  auto connection = co_await runtime::switch_protocols(responder, std::move(headers), already_read);
  if (!connection) co_return nullptr;
  co_return std::make_unique<WebSocket>(std::move(connection.value()), std::move(already_read), runtime::WebSocketRole::server, runtime.random());
}

Task<void> send_status(WebSocket& client, std::string status) {
  status.insert(status.begin(), status_channel);
  (void)co_await client.send(WebSocketOpcode::binary, std::move(status));
}

Task<void> send_failure(WebSocket& client, const std::string& message) {
  Json status = {{"metadata", Json::object()}, {"status", "Failure"}, {"message", "Internal error occurred: " + message}, {"reason", "InternalError"}, {"code", 500}};
  status["details"]["causes"] = Json::array({Json{{"message", message}}});
  co_await send_status(client, status.dump());
}

struct Streams {
  StreamPointer input, output, error, status, resize;
};

Task<Result<StreamPointer>> open_stream(SpdySession& session, std::string type) {
  HttpHeaders headers;
  headers.add("streamtype", std::move(type));
  co_return co_await session.open(std::move(headers));
}

/// In the order client-go opens them.
Task<Result<Streams>> open_streams(SpdySession& session, StreamWishes wishes) {
  Streams streams;
  CO_TRY(streams.status, co_await open_stream(session, "error"));
  if (wishes.input) {
    CO_TRY(streams.input, co_await open_stream(session, "stdin"));
  }
  if (wishes.output) {
    CO_TRY(streams.output, co_await open_stream(session, "stdout"));
  }
  if (wishes.error && !wishes.terminal) {
    CO_TRY(streams.error, co_await open_stream(session, "stderr"));
  }
  if (wishes.terminal) {
    CO_TRY(streams.resize, co_await open_stream(session, "resize"));
  }
  co_return std::move(streams);
}

Task<void> from_client(WebSocket& client, Streams& streams, runtime::Event& gone) {
  for (;;) {
    auto message = co_await client.read();
    if (!message) break;
    if (message->payload.empty()) continue;
    const char channel = message->payload[0];
    std::string bytes = message->payload.substr(1);
    if (channel == close_signal) {
      if (streams.input && bytes.size() == 1 && bytes[0] == input_channel) (void)co_await streams.input->finish();
    } else if (channel == input_channel && streams.input) {
      (void)co_await streams.input->write(std::move(bytes));
    } else if (channel == resize_channel && streams.resize) {
      (void)co_await streams.resize->write(std::move(bytes));
    }
  }
  gone.set();
}

Task<void> to_client(StreamPointer stream, WebSocket& client, char channel) {
  for (;;) {
    std::string bytes = co_await stream->read();
    if (bytes.empty()) co_return;
    for (std::size_t at = 0; at < bytes.size(); at += message_bytes_max) {
      std::string message(1, channel);
      message.append(bytes, at, message_bytes_max);
      const auto sent = co_await client.send(WebSocketOpcode::binary, std::move(message));
      if (!sent) co_return;
    }
  }
}

/// Returns when the kubelet has ended all streams.
Task<void> from_kubelet(Streams& streams, WebSocket& client, runtime::Event& done) {
  runtime::TaskGroup outputs(co_await runtime::CurrentStop());
  if (streams.output) outputs.spawn("output", to_client(streams.output, client, output_channel));
  if (streams.error) outputs.spawn("error_output", to_client(streams.error, client, error_output_channel));
  std::string status;
  while (status.size() < 64 * 1024) {
    std::string more = co_await streams.status->read();
    if (more.empty()) break;
    status += more;
  }
  co_await outputs.join();
  if (!status.empty()) co_await send_status(client, std::move(status));
  done.set();
}

Task<void> run_session(SpdySession& session) { co_await session.run(); }

}  // namespace

bool offers_protocol(const HttpRequest& request, std::string_view protocol) {
  if (!runtime::is_web_socket_request(request)) return false;
  const auto offered = runtime::header_list(request.headers, "Sec-WebSocket-Protocol");
  return std::find(offered.begin(), offered.end(), protocol) != offered.end();
}

Task<void> translate_streams(runtime::Runtime& runtime, const HttpRequest& request, HttpResponder& responder, runtime::HttpClientOptions kubelet, std::string target,
                             StreamWishes wishes) {
  const auto client = co_await accept_web_socket(runtime, request, responder, stream_close_protocol);
  if (!client) co_return;
  // An empty message on the first channel we write tells the client that the connection stands.
  std::string greeting(1, wishes.output ? output_channel : wishes.error ? error_output_channel : status_channel);
  (void)co_await client->send(WebSocketOpcode::binary, std::move(greeting));
  auto dialled = co_await dial_kubelet(runtime, std::move(kubelet), std::move(target), "v4.channel.k8s.io");
  if (!dialled) {
    co_await send_failure(*client, dialled.error().message);
    co_await client->close(1000, "");
    co_return;
  }
  SpdySession session(std::move(dialled.value().connection), std::move(dialled.value().already_read), runtime::SpdyRole::client);
  runtime::TaskGroup tasks(co_await runtime::CurrentStop());
  tasks.spawn("spdy_session", run_session(session));
  auto opened = co_await open_streams(session, wishes);
  if (!opened) {
    co_await send_failure(*client, opened.error().message);
    co_await client->close(1000, "");
    co_return;
  }
  Streams streams = std::move(opened.value());
  runtime::Event done;
  tasks.spawn("from_client", from_client(*client, streams, done));
  tasks.spawn("from_kubelet", from_kubelet(streams, *client, done));
  co_await done.wait();
  co_await client->close(1000, "");
  tasks.kill();
}

namespace {

Task<void> unwrap(WebSocket& client, Connection& kubelet, runtime::Event& done) {
  for (;;) {
    auto message = co_await client.read();
    if (!message) break;
    const auto written = co_await kubelet.write(std::move(message->payload));
    if (!written) break;
  }
  done.set();
}

Task<void> wrap_up(Connection& kubelet, WebSocket& client, std::string already_read, runtime::Event& done) {
  std::string bytes = std::move(already_read);
  for (;;) {
    if (!bytes.empty()) {
      const auto sent = co_await client.send(WebSocketOpcode::binary, std::move(bytes));
      if (!sent) break;
    }
    auto more = co_await kubelet.read_some();
    if (!more || more.value().empty()) break;
    bytes = std::move(more.value());
  }
  done.set();
}

}  // namespace

Task<void> tunnel_port_forward(runtime::Runtime& runtime, const HttpRequest& request, HttpResponder& responder, runtime::HttpClientOptions kubelet, std::string target) {
  auto dialled = co_await dial_kubelet(runtime, std::move(kubelet), std::move(target), "portforward.k8s.io");
  if (!dialled) {
    runtime::HttpResponse refusal;
    refusal.status = 500;
    refusal.headers.set("Content-Type", "text/plain; charset=utf-8");
    refusal.body = dialled.error().message + "\n";
    (void)co_await responder.send(std::move(refusal));
    co_return;
  }
  const auto client = co_await accept_web_socket(runtime, request, responder, tunnel_protocol);
  if (!client) co_return;
  const std::unique_ptr<Connection> connection = std::move(dialled.value().connection);
  runtime::Event done;
  runtime::TaskGroup tasks(co_await runtime::CurrentStop());
  tasks.spawn("unwrap", unwrap(*client, *connection, done));
  tasks.spawn("wrap", wrap_up(*connection, *client, std::move(dialled.value().already_read), done));
  co_await done.wait();
  co_await client->close(1000, "");
  tasks.kill();
}

}  // namespace skidpad::fakes::kube_apiserver

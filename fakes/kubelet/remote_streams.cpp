#include "fakes/kubelet/remote_streams.hpp"

#include "harness/client/kubernetes/kubeconfig.hpp"
#include "harness/runtime/http/spdy_session.hpp"
#include "harness/runtime/http/upgrade.hpp"
#include "harness/runtime/http/web_socket.hpp"

namespace skidpad::fakes::kubelet {

using runtime::HttpHeaders;
using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::Result;
using runtime::SpdySession;
using runtime::success;
using runtime::Task;
using runtime::WebSocket;
using runtime::WebSocketOpcode;
using namespace std::chrono_literals;

namespace {

constexpr runtime::Duration stream_creation_timeout = 30s;  // as the real kubelet
constexpr runtime::Duration farewell_max = 1s;

constexpr char input_channel = 0;
constexpr char output_channel = 1;
constexpr char error_channel = 2;
constexpr char status_channel = 3;
constexpr char resize_channel = 4;
constexpr char close_signal = static_cast<char>(255);

Task<void> refuse(HttpResponder& responder, int status, std::string body) {
  runtime::HttpResponse response;
  response.status = status;
  response.headers.set("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  (void)co_await responder.send(std::move(response));
}

/// What clients before v4 read: nothing, or a text.
std::string plain_text(const Json& status) {
  if (runtime::text_at(status, {"status"}) == "Success") return "";
  return runtime::text_at(status, {"message"});
}

// --- SPDY ---

class SpdyRemoteStreams final : public RemoteStreams {
 public:
  SpdyRemoteStreams(std::unique_ptr<runtime::Connection> connection, std::string already_read, std::string protocol, StreamOptions options, runtime::Runtime& runtime)
      : runtime_(runtime), session_(std::move(connection), std::move(already_read), runtime::SpdyRole::server), protocol_(std::move(protocol)), options_(options) {}

  Task<void> run() override {
    runtime::TaskGroup tasks(co_await runtime::CurrentStop());
    tasks.spawn("spdy_session", session_.run());
    tasks.spawn("streams", accept_streams());
    const bool in_time = co_await all_there_.wait_for(runtime_, stream_creation_timeout);
    if (in_time) co_await session_.closed().wait();
    all_there_.set();
    gone_.set();
  }
  Task<bool> ready() override {
    co_await all_there_.wait();
    co_return complete_;
  }
  Task<std::string> read_input() override {
    co_await all_there_.wait();
    if (!input_) co_return std::string();
    co_return co_await input_->read();
  }
  Task<std::optional<TerminalSize>> next_size() override {
    co_await all_there_.wait();
    while (resize_) {
      if (auto size = sizes_.next()) co_return size;
      const std::string bytes = co_await resize_->read();
      if (bytes.empty()) break;
      sizes_.put(bytes);
    }
    co_return std::optional<TerminalSize>();
  }
  Task<Result<void>> write(Output to, std::string bytes) override {
    co_await all_there_.wait();
    const auto stream = to == Output::output ? output_ : error_;
    if (!stream) co_return success();
    co_return co_await stream->write(std::move(bytes));
  }
  Task<void> end(Json status) override {
    co_await all_there_.wait();
    std::string text = protocol_ == "v4.channel.k8s.io" ? status.dump() : plain_text(status);
    if (status_) (void)co_await status_->write(std::move(text));
    for (const auto& stream : {input_, output_, error_, resize_, status_}) {
      if (!stream) continue;
      stream->discard_input();
      (void)co_await stream->finish();
    }
    co_await session_.go_away();
    // Closing at once would reset the connection if input is still on its way, and the status might be lost with it.
    co_await session_.closed().wait_for(runtime_, farewell_max);
  }
 private:
  Task<void> accept_streams() {
    std::size_t left = 1 + (options_.input ? 1 : 0) + (options_.output ? 1 : 0) + (options_.error ? 1 : 0);
    const bool resizes = options_.terminal && (protocol_ == "v3.channel.k8s.io" || protocol_ == "v4.channel.k8s.io");
    if (resizes) ++left;
    while (left > 0) {
      auto stream = co_await session_.accept();
      if (!stream) break;
      const std::string type(stream->headers().get("streamtype"));
      SpdySession::StreamPointer* place = type == "error"    ? &status_
                                          : type == "stdin"  ? &input_
                                          : type == "stdout" ? &output_
                                          : type == "stderr" ? &error_
                                          : type == "resize" ? &resize_
                                                             : nullptr;
      if (place == nullptr || *place) {
        co_await stream->reset();
        continue;
      }
      *place = std::move(stream);
      --left;
    }
    complete_ = left == 0;
    all_there_.set();
  }

  runtime::Runtime& runtime_;
  SpdySession session_;
  std::string protocol_;
  StreamOptions options_;
  SpdySession::StreamPointer status_, input_, output_, error_, resize_;
  TerminalSizes sizes_;
  runtime::Event all_there_;
  bool complete_ = false;
};

// --- WebSocket ---

class WebSocketRemoteStreams final : public RemoteStreams {
 public:
  WebSocketRemoteStreams(std::unique_ptr<runtime::Connection> connection, std::string already_read, std::string protocol, StreamOptions options, runtime::Runtime& runtime)
      : runtime_(runtime), socket_(std::move(connection), std::move(already_read), runtime::WebSocketRole::server, runtime.random()), protocol_(std::move(protocol)), options_(options) {
    base64_ = protocol_.find("base64") != std::string::npos;
    json_status_ = protocol_.starts_with("v4") || protocol_.starts_with("v5");
  }
  Task<void> run() override {
    const char first = options_.output ? output_channel : options_.error ? error_channel : status_channel;
    (void)co_await send(first, "");  // tells the client that the connection stands
    for (;;) {
      auto message = co_await socket_.read();
      if (!message) break;
      if (message->payload.empty()) continue;
      char channel = message->payload[0];
      std::string bytes = message->payload.substr(1);
      if (base64_) {
        channel = static_cast<char>(channel - '0');
        std::string decoded;
        if (!client::base64_decode(bytes, decoded)) continue;
        bytes = std::move(decoded);
      }
      if (channel == close_signal && !bytes.empty() && bytes[0] == input_channel) input_.close();
      if (channel == input_channel && options_.input && !bytes.empty()) (void)co_await input_.push(std::move(bytes));
      if (channel == resize_channel && options_.terminal) {
        sizes_.put(bytes);
        sized_.notify_all();
      }
    }
    input_.close();
    ended_ = true;
    sized_.notify_all();
    gone_.set();
  }
  Task<bool> ready() override { co_return true; }
  Task<std::string> read_input() override {
    auto bytes = co_await input_.pop();
    co_return bytes ? std::move(*bytes) : std::string();
  }
  Task<std::optional<TerminalSize>> next_size() override {
    while (!ended_) {
      if (auto size = sizes_.next()) co_return size;
      co_await sized_.wait();
    }
    co_return std::optional<TerminalSize>();
  }
  Task<Result<void>> write(Output to, std::string bytes) override {
    if (!(to == Output::output ? options_.output : options_.error)) co_return success();
    co_return co_await send(to == Output::output ? output_channel : error_channel, std::move(bytes));
  }
  Task<void> end(Json status) override {
    std::string text = json_status_ ? status.dump() : plain_text(status);
    if (!text.empty()) (void)co_await send(status_channel, std::move(text));
    input_.close();
    co_await socket_.close(1000, "");
    co_await gone_.wait_for(runtime_, farewell_max);
  }

 private:
  Task<Result<void>> send(char channel, std::string bytes) {
    std::string message(1, base64_ ? static_cast<char>('0' + channel) : channel);
    message += base64_ ? client::base64_encode(bytes) : bytes;
    const WebSocketOpcode opcode = base64_ ? WebSocketOpcode::text : WebSocketOpcode::binary;
    co_return co_await socket_.send(opcode, std::move(message));
  }
  runtime::Runtime& runtime_;
  WebSocket socket_;
  std::string protocol_;
  StreamOptions options_;
  bool base64_ = false;
  bool json_status_ = false;
  runtime::Channel<std::string> input_{16};
  TerminalSizes sizes_;
  runtime::Event sized_;
  bool ended_ = false;
};

/// The first of the client's protocols that we speak.
std::optional<std::string> chosen(const std::vector<std::string>& offered, std::initializer_list<const char*> spoken) {
  for (const std::string& protocol : offered) {
    for (const char* known : spoken) {
      if (protocol == known) return protocol;
    }
  }
  return std::nullopt;
}

}  // namespace

Json success_status() { return {{"metadata", Json::object()}, {"status", "Success"}}; }

Json exit_status(int code, const std::vector<std::string>& command) {
  if (code == 0) return success_status();
  std::string words;
  for (const std::string& word : command) words += (words.empty() ? "" : " ") + word;
  Json status = {{"metadata", Json::object()}, {"status", "Failure"}, {"reason", "NonZeroExitCode"}};
  status["message"] = "command terminated with non-zero exit code: error executing command [" + words + "], exit code " + std::to_string(code);
  status["details"]["causes"] = Json::array({Json{{"reason", "ExitCode"}, {"message", std::to_string(code)}}});
  return status;
}

Json failure_status(const std::string& message) {
  Json status = {{"metadata", Json::object()}, {"status", "Failure"}, {"reason", "InternalError"}, {"code", 500}};
  status["message"] = "Internal error occurred: " + message;
  status["details"]["causes"] = Json::array({Json{{"message", message}}});
  return status;
}

void TerminalSizes::put(std::string_view bytes) {
  pending_.append(bytes);
  if (pending_.size() > 4096 && pending_.find('}') == std::string::npos) pending_.clear();  // no size is that long
}

std::optional<TerminalSize> TerminalSizes::next() {
  for (;;) {
    const std::size_t end = pending_.find('}');
    if (end == std::string::npos) return std::nullopt;
    const auto parsed = runtime::parse_json(pending_.substr(0, end + 1));
    pending_.erase(0, end + 1);
    if (!parsed) continue;
    TerminalSize size;
    size.columns = static_cast<int>(std::clamp<std::int64_t>(runtime::integer_at(parsed.value(), {"Width"}), 0, 65535));
    size.rows = static_cast<int>(std::clamp<std::int64_t>(runtime::integer_at(parsed.value(), {"Height"}), 0, 65535));
    return size;
  }
}

Task<std::unique_ptr<RemoteStreams>> open_remote_streams(runtime::Runtime& runtime, const HttpRequest& request, HttpResponder& responder, StreamOptions options) {
  std::unique_ptr<RemoteStreams> none;
  HttpHeaders headers;
  std::string already_read;
  if (runtime::is_web_socket_request(request)) {
    const auto offered = runtime::header_list(request.headers, "Sec-WebSocket-Protocol");
    auto protocol = chosen(offered, {"v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io"});
    if (!protocol && !offered.empty()) {
      co_await refuse(responder, 403, "");  // as golang.org/x/net/websocket
      co_return std::move(none);
    }
    headers.add("Upgrade", "websocket");
    headers.add("Connection", "Upgrade");
    headers.add("Sec-WebSocket-Accept", runtime::web_socket_accept(request.headers.get("Sec-WebSocket-Key")));
    if (protocol) headers.add("Sec-WebSocket-Protocol", *protocol);
    auto connection = co_await runtime::switch_protocols(responder, std::move(headers), already_read);
    if (!connection) co_return std::move(none);
    co_return std::make_unique<WebSocketRemoteStreams>(std::move(connection.value()), std::move(already_read), protocol.value_or("channel.k8s.io"), options, runtime);
  }
  const auto upgrades = runtime::header_list(request.headers, "Upgrade");
  const bool spdy = std::any_of(upgrades.begin(), upgrades.end(), [](const std::string& each) { return runtime::equal_ignoring_case(each, "SPDY/3.1"); });
  if (!runtime::is_upgrade_request(request) || !spdy) {
    std::string named(request.headers.get("Upgrade"));
    co_await refuse(responder, 400, "unable to upgrade: missing upgrade headers in request: \"" + named + "\"");
    co_return std::move(none);
  }
  const auto offered = runtime::header_list(request.headers, "X-Stream-Protocol-Version");
  auto protocol = chosen(offered, {"v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"});
  if (!protocol && !offered.empty()) {
    std::string names;
    for (const std::string& each : offered) names += (names.empty() ? "" : " ") + each;
    co_await refuse(responder, 403, "unable to upgrade: unable to negotiate protocol: client supports [" + names +
                                        "], server accepts [v4.channel.k8s.io v3.channel.k8s.io v2.channel.k8s.io channel.k8s.io]");
    co_return std::move(none);
  }
  headers.add("Connection", "Upgrade");
  headers.add("Upgrade", "SPDY/3.1");
  if (protocol) headers.add("X-Stream-Protocol-Version", *protocol);
  auto connection = co_await runtime::switch_protocols(responder, std::move(headers), already_read);
  if (!connection) co_return std::move(none);
  co_return std::make_unique<SpdyRemoteStreams>(std::move(connection.value()), std::move(already_read), protocol.value_or("channel.k8s.io"), options, runtime);
}

}  // namespace skidpad::fakes::kubelet

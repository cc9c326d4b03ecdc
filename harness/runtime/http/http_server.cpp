#include "harness/runtime/http/http_server.hpp"

#include "harness/runtime/http/buffered_connection.hpp"
#include "harness/runtime/http/http_parser.hpp"

namespace skidpad::runtime {
namespace {

std::string encode_head(int status, const HttpHeaders& headers) {
  std::string head;
  head.reserve(256);
  head += "HTTP/1.1 ";
  head += std::to_string(status);
  head += ' ';
  head += status_text(status);
  head += "\r\n";
  for (const auto& [name, value] : headers.fields()) {
    head += name;
    head += ": ";
    head += value;
    head += "\r\n";
  }
  return head;
}

/// A connection that a handler took over; lives no longer than the handler.
class TakenConnection final : public Connection {
 public:
  explicit TakenConnection(BufferedConnection& inner) : inner_(inner) {}
  Task<Result<std::string>> read_some(std::size_t) override {
    co_await inner_.wait_readable(Instant::max());
    if (inner_.ended() && inner_.broke()) co_return Error(ErrorCode::connection_lost, "connection broke");
    co_return inner_.take();
  }
  Task<Result<void>> write(std::string bytes) override { return inner_.connection().write(std::move(bytes)); }
  void close() override { inner_.connection().close(); }
  void shutdown_write() override { inner_.connection().shutdown_write(); }
  const PeerIdentity& peer() const override { return inner_.connection().peer(); }
  Endpoint local() const override { return inner_.connection().local(); }
  Endpoint remote() const override { return inner_.connection().remote(); }

 private:
  BufferedConnection& inner_;
};

}  // namespace

/// One connection: requests one after the other, each answered before the next is read.
class HttpServer::Session final : public HttpResponder {
 public:
  Session(HttpServer& server, std::unique_ptr<Connection> connection)
      : server_(server), inbound_(server.runtime_, std::move(connection), server.connections_.stop()) {}

  Task<void> run() {
    std::string rest;
    for (;;) {
      HttpParser::Limits limits;
      limits.head_bytes_max = server_.limits_.head_bytes_max;
      limits.body_bytes_max = server_.limits_.body_bytes_max;
      parser_ = HttpParser::for_request(limits);
      const bool read = co_await read_request(std::move(rest));
      if (!read) co_return;
      HttpRequest request;
      request.method = std::move(parser_->method);
      request.target = std::move(parser_->target);
      request.headers = std::move(parser_->headers);
      request.body = std::move(parser_->body);
      request.peer = inbound_.connection().peer();
      request.remote = inbound_.connection().remote();
      keep_alive_ = parser_->keep_alive();
      head_only_ = request.method == "HEAD";
      answered_ = streaming_ = taken_ = false;
      co_await server_.handler_(request, *this);
      if (taken_ || streaming_ || !answered_ || !keep_alive_) co_return;
      rest = parser_->rest();
    }
  }

  Task<Result<void>> send(HttpResponse response) override {
    ASSERT(!answered_);
    answered_ = true;
    std::string message = encode_head(response.status, response.headers);
    if (response.status >= 200 && response.status != 204 && response.status != 304) {
      message += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    }
    if (!keep_alive_) message += "Connection: close\r\n";
    message += "\r\n";
    if (!head_only_) message += response.body;
    return inbound_.connection().write(std::move(message));
  }

  Task<Result<void>> start_stream(int status, HttpHeaders headers) override {
    ASSERT(!answered_);
    answered_ = streaming_ = true;
    std::string message = encode_head(status, headers);
    message += "Transfer-Encoding: chunked\r\n\r\n";
    return inbound_.connection().write(std::move(message));
  }

  Task<Result<void>> write_chunk(std::string bytes) override {
    ASSERT(streaming_);
    constexpr char digits[] = "0123456789abcdef";
    std::string size;
    for (std::size_t left = bytes.size(); left > 0; left >>= 4) size.insert(size.begin(), digits[left & 15]);
    ASSERT(!size.empty());
    std::string chunk;
    chunk.reserve(bytes.size() + 16);
    chunk += size;
    chunk += "\r\n";
    chunk += bytes;
    chunk += "\r\n";
    return inbound_.connection().write(std::move(chunk));
  }

  Task<Result<void>> end_stream() override {
    ASSERT(streaming_);
    streaming_ = false;
    return inbound_.connection().write("0\r\n\r\n");
  }

  Event& disconnected() override { return inbound_.disconnected(); }

  std::unique_ptr<Connection> take_connection(std::string& already_read) override {
    ASSERT(!answered_);
    answered_ = taken_ = true;
    already_read = parser_->rest();
    return std::make_unique<TakenConnection>(inbound_);
  }

 private:
  /// False: there is no further request; what had to be said to the client was said.
  Task<bool> read_request(std::string rest) {
    Instant due = server_.runtime_.now() + server_.limits_.idle_timeout;
    bool continue_sent = false;
    std::optional<Error> bad;
    if (!rest.empty()) {
      auto parsed = parser_->put(rest);
      if (!parsed) bad = parsed.error();
    }
    while (!bad && !parser_->done()) {
      const bool in_time = co_await inbound_.wait_readable(due);
      if (!in_time || inbound_.ended()) co_return false;
      if (!parser_->started()) due = server_.runtime_.now() + server_.limits_.head_timeout;
      auto parsed = parser_->put(inbound_.take());
      if (!parsed) bad = parsed.error();
      if (!bad && parser_->head_done() && !parser_->done() && !continue_sent) {
        // The body has a time of its own; it is bounded in size.
        due = server_.runtime_.now() + server_.limits_.idle_timeout;
        continue_sent = true;
        if (equal_ignoring_case(parser_->headers.get("Expect"), "100-continue")) {
          auto written = co_await inbound_.connection().write("HTTP/1.1 100 Continue\r\n\r\n");
          if (!written) co_return false;
        }
      }
    }
    if (!bad) co_return true;
    keep_alive_ = false;
    answered_ = false;
    HttpResponse response;
    response.status = bad->http_status;
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    response.body = bad->message + "\n";
    co_await send(std::move(response));
    co_return false;
  }

  HttpServer& server_;
  BufferedConnection inbound_;
  std::unique_ptr<HttpParser> parser_;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool answered_ = false;
  bool streaming_ = false;
  bool taken_ = false;
};

HttpServer::HttpServer(Runtime& runtime, HttpHandler handler, HttpServerLimits limits, StopState* stop)
    : runtime_(runtime), handler_(std::move(handler)), limits_(limits), connections_(stop == nullptr ? runtime.stop() : *stop) {}

HttpServer::~HttpServer() = default;

Task<void> HttpServer::serve(std::unique_ptr<Listener> listener) {
  for (;;) {
    auto connection = co_await listener->accept();
    if (!connection) co_return;
    if (connections_.running_count() >= limits_.connections_max) continue;  // dropped: the client sees it closed
    connections_.spawn("http_session", run_connection(std::move(connection.value())));
  }
}

Task<void> HttpServer::run_connection(std::unique_ptr<Connection> connection) {
  Session session(*this, std::move(connection));
  co_await session.run();
}

}  // namespace skidpad::runtime

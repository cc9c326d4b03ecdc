#include "harness/runtime/http/http_client.hpp"

#include "harness/runtime/http/buffered_connection.hpp"
#include "harness/runtime/http/http_parser.hpp"

namespace skidpad::runtime {
namespace {

std::string encode(const HttpRequest& request, const std::string& host) {
  std::string text;
  text.reserve(256 + request.body.size());
  text += request.method;
  text += ' ';
  text += request.target;
  text += " HTTP/1.1\r\n";
  if (!request.headers.has("Host")) text += "Host: " + host + "\r\n";
  for (const auto& [name, value] : request.headers.fields()) {
    text += name;
    text += ": ";
    text += value;
    text += "\r\n";
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH") {
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  text += "\r\n";
  text += request.body;
  return text;
}

bool idempotent(const HttpRequest& request) { return request.method == "GET" || request.method == "HEAD"; }

constexpr Instant never = Instant::max();

}  // namespace

struct HttpStream::State {
  std::unique_ptr<BufferedConnection> connection;
  std::unique_ptr<HttpParser> parser;
  std::string line_rest;
};

HttpStream::HttpStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpStream::HttpStream(HttpStream&&) noexcept = default;
HttpStream& HttpStream::operator=(HttpStream&&) noexcept = default;
HttpStream::~HttpStream() = default;
int HttpStream::status() const { return state_->parser->status; }
const HttpHeaders& HttpStream::headers() const { return state_->parser->headers; }

Task<Result<std::string>> HttpStream::read_some() {
  HttpParser& parser = *state_->parser;
  BufferedConnection& connection = *state_->connection;
  while (parser.body.empty() && !parser.done()) {
    co_await connection.wait_readable(never);
    if (connection.ended()) {
      auto ended = parser.put_end();
      if (connection.broke() || !ended) co_return Error(ErrorCode::connection_lost, "stream broke off");
      continue;
    }
    auto parsed = parser.put(connection.take());
    if (!parsed) co_return parsed.error();
  }
  co_return std::exchange(parser.body, {});
}

Task<Result<std::optional<std::string>>> HttpStream::read_line(std::size_t bytes_max) {
  std::string& rest = state_->line_rest;
  std::size_t searched = 0;
  for (;;) {
    const std::size_t end = rest.find('\n', searched);
    if (end != std::string::npos) {
      std::optional<std::string> line;
      if (end + 1 == rest.size()) {  // the usual case: one event, one line, and nothing behind it
        line = std::exchange(rest, {});
        line->pop_back();
      } else {
        line = rest.substr(0, end);
        rest.erase(0, end + 1);
      }
      co_return line;
    }
    searched = rest.size();
    if (rest.size() > bytes_max) co_return Error(ErrorCode::invalid, "a line is longer than " + std::to_string(bytes_max) + " bytes");
    auto more = co_await read_some();
    if (!more) co_return more.error();
    if (more.value().empty()) {
      if (rest.empty()) co_return std::optional<std::string>();
      co_return std::optional<std::string>(std::exchange(rest, {}));
    }
    if (rest.empty()) {
      rest = std::move(more.value());
    } else {
      rest += more.value();
    }
  }
}

HttpClient::HttpClient(Runtime& runtime, HttpClientOptions options) : runtime_(runtime), options_(std::move(options)) {}
HttpClient::~HttpClient() = default;

void HttpClient::replace_options(HttpClientOptions options) {
  options_ = std::move(options);
  idle_.clear();
}

std::string HttpClient::host_header() const {
  if (options_.servers.empty()) return "localhost";
  const Endpoint& first = options_.servers.front();
  return first.address + ":" + std::to_string(first.port);
}

Task<Result<std::unique_ptr<Connection>>> HttpClient::connect() {
  Error last(ErrorCode::refused, "no server to connect to");
  for (std::size_t attempt = 0; attempt < options_.servers.size(); ++attempt) {
    ConnectOptions options;
    options.to = options_.servers[server_next_ % options_.servers.size()];
    options.tls = options_.tls;
    options.timeout = options_.connect_timeout;
    auto connection = co_await runtime_.network().connect(std::move(options));
    if (connection) co_return std::move(connection.value());
    last = connection.error();
    ++server_next_;
  }
  // Whatever went wrong, no request was sent.
  last.code = ErrorCode::refused;
  co_return last;
}

Task<Result<HttpResponse>> HttpClient::request(HttpRequest request) {
  const Duration timeout = options_.request_timeout;
  co_return co_await this->request(std::move(request), timeout);
}

Task<Result<HttpResponse>> HttpClient::request(HttpRequest request, Duration timeout) {
  std::string doing = request.method + " ";
  doing += request.path();
  auto once = request_once(std::move(request));
  co_return co_await with_timeout<HttpResponse>(runtime_, timeout, std::move(once), std::move(doing));
}

Task<Result<HttpResponse>> HttpClient::request_once(HttpRequest request) {
  const bool repeatable = idempotent(request);
  const bool head_only = request.method == "HEAD";
  std::string message = encode(request, host_header());
  for (;;) {
    std::unique_ptr<BufferedConnection> connection;
    while (!idle_.empty() && !connection) {
      connection = std::move(idle_.back());
      idle_.pop_back();
      if (connection->readable()) connection.reset();  // closed by the server, or it speaks unasked
    }
    const bool reused = connection != nullptr;
    if (!reused) {
      auto fresh = co_await connect();
      if (!fresh) co_return fresh.error();
      connection = std::make_unique<BufferedConnection>(runtime_, std::move(fresh.value()), runtime_.stop());
    }
    auto parser = HttpParser::for_response(HttpParser::Limits(), head_only);
    std::optional<Error> failure;
    // Only over a connection that was used before may the request have to be sent again.
    std::string sent;
    if (reused && repeatable) {
      sent = message;
    } else {
      sent = std::move(message);
    }
    auto written = co_await connection->connection().write(std::move(sent));
    if (!written) failure = written.error();
    while (!failure && !parser->done()) {
      co_await connection->wait_readable(never);
      auto parsed = connection->ended() ? parser->put_end() : parser->put(connection->take());
      if (!parsed) failure = parsed.error();
      if (parser->done() && parser->status == 100) parser = HttpParser::for_response(HttpParser::Limits(), head_only);
    }
    if (failure) {
      if (reused && repeatable && !parser->started()) continue;
      Error error = wrap(*failure, request.method + " " + std::string(request.path()));
      if (error.code != ErrorCode::invalid) error.code = ErrorCode::connection_lost;
      co_return error;
    }
    HttpResponse response;
    response.status = parser->status;
    response.headers = std::move(parser->headers);
    response.body = std::move(parser->body);
    if (parser->keep_alive() && !connection->ended() && idle_.size() < options_.idle_connections_max) {
      idle_.push_back(std::move(connection));
    }
    co_return response;
  }
}

Task<Result<HttpStream>> HttpClient::open_stream(HttpRequest request) {
  const std::string doing = request.method + " " + std::string(request.path());
  auto once = open_stream_once(std::move(request));
  co_return co_await with_timeout<HttpStream>(runtime_, options_.request_timeout, std::move(once), doing);
}

Task<Result<HttpStream>> HttpClient::open_stream_once(HttpRequest request) {
  auto fresh = co_await connect();
  if (!fresh) co_return fresh.error();
  auto state = std::make_unique<HttpStream::State>();
  state->connection = std::make_unique<BufferedConnection>(runtime_, std::move(fresh.value()), runtime_.stop());
  state->parser = HttpParser::for_response(HttpParser::Limits(), false);
  auto written = co_await state->connection->connection().write(encode(request, host_header()));
  if (!written) co_return written.error();
  while (!state->parser->head_done()) {
    co_await state->connection->wait_readable(never);
    auto parsed = state->connection->ended() ? state->parser->put_end() : state->parser->put(state->connection->take());
    if (!parsed) co_return parsed.error();
  }
  co_return HttpStream(std::move(state));
}

namespace {

/// The connection behind a stream that switched protocols.
class UpgradedConnection final : public Connection {
 public:
  explicit UpgradedConnection(std::unique_ptr<BufferedConnection> inner) : inner_(std::move(inner)) {}
  Task<Result<std::string>> read_some(std::size_t) override {
    co_await inner_->wait_readable(never);
    if (inner_->ended() && inner_->broke()) co_return Error(ErrorCode::connection_lost, "connection broke");
    co_return inner_->take();
  }
  Task<Result<void>> write(std::string bytes) override { return inner_->connection().write(std::move(bytes)); }
  void close() override { inner_->connection().close(); }
  void shutdown_write() override { inner_->connection().shutdown_write(); }
  const PeerIdentity& peer() const override { return inner_->connection().peer(); }
  Endpoint local() const override { return inner_->connection().local(); }
  Endpoint remote() const override { return inner_->connection().remote(); }

 private:
  std::unique_ptr<BufferedConnection> inner_;
};

}  // namespace

std::unique_ptr<Connection> HttpStream::take_connection(std::string& already_read) {
  already_read = state_->parser->rest();
  return std::make_unique<UpgradedConnection>(std::move(state_->connection));
}

}  // namespace skidpad::runtime

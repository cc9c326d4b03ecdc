/// @file http_client.hpp
/// HTTP/1.1 client over a Runtime's network: keep-alive pool, whole answers and streamed ones.
/// Promise: a request that may have reached the server is never sent twice by itself.
#pragma once

#include <deque>

#include "harness/runtime/http/http.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::runtime {

class BufferedConnection;

/// An answer whose body arrives over time (watch, logs). Destroying it closes the connection.
class HttpStream {
 public:
  struct State;
  explicit HttpStream(std::unique_ptr<State> state);
  HttpStream(HttpStream&&) noexcept;
  HttpStream& operator=(HttpStream&&) noexcept;
  ~HttpStream();
  int status() const;
  const HttpHeaders& headers() const;
  /// The next decoded bytes of the body; "" at its proper end. connection_lost if it broke off.
  Task<Result<std::string>> read_some();
  /// The next line without its end; none at the end of the body. For newline-delimited JSON.
  Task<Result<std::optional<std::string>>> read_line(std::size_t bytes_max = 64 << 20);
  /// After 101 Switching Protocols: the connection, and what already arrived behind the head.
  std::unique_ptr<Connection> take_connection(std::string& already_read);

 private:
  std::unique_ptr<State> state_;
};

struct HttpClientOptions {
  std::vector<Endpoint> servers;        ///< tried in turn: a refused one is passed over for the next
  std::optional<TlsClientOptions> tls;
  Duration connect_timeout = std::chrono::seconds(5);
  Duration request_timeout = std::chrono::seconds(30);  ///< to the end of the answer; to its head for streams
  std::size_t idle_connections_max = 8;
};

class HttpClient {
 public:
  HttpClient(Runtime& runtime, HttpClientOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  /// Codes: refused (never sent), timeout, connection_lost (sent; effect unknown). Any HTTP status is a value.
  Task<Result<HttpResponse>> request(HttpRequest request);
  Task<Result<HttpResponse>> request(HttpRequest request, Duration timeout);
  Task<Result<HttpStream>> open_stream(HttpRequest request);
  const HttpClientOptions& options() const { return options_; }
  /// Idle connections are closed and new ones use these options (rotated certificates, changed servers).
  void replace_options(HttpClientOptions options);

 private:
  Task<Result<std::unique_ptr<Connection>>> connect();
  Task<Result<HttpResponse>> request_once(HttpRequest request);
  Task<Result<HttpStream>> open_stream_once(HttpRequest request);
  std::string host_header() const;

  Runtime& runtime_;
  HttpClientOptions options_;
  std::deque<std::unique_ptr<BufferedConnection>> idle_;
  std::size_t server_next_ = 0;
};

}  // namespace skidpad::runtime

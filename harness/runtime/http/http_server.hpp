/// @file http_server.hpp
/// HTTP/1.1 server over a Runtime's network. Bounded in everything a client can send.
#pragma once

#include <functional>

#include "harness/runtime/http/http.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::runtime {

/// How a handler answers: one response, or a head and then chunks, or the raw connection.
class HttpResponder {
 public:
  virtual ~HttpResponder() = default;
  virtual Task<Result<void>> send(HttpResponse response) = 0;
  /// Starts a chunked answer. Afterwards write_chunk() and end().
  virtual Task<Result<void>> start_stream(int status, HttpHeaders headers) = 0;
  virtual Task<Result<void>> write_chunk(std::string bytes) = 0;
  virtual Task<Result<void>> end_stream() = 0;
  /// Set when the client went away during a stream.
  virtual Event& disconnected() = 0;
  /// Takes the connection over (101 Switching Protocols is the handler's to write). `already_read` holds bytes behind the head.
  virtual std::unique_ptr<Connection> take_connection(std::string& already_read) = 0;
};

struct HttpServerLimits {
  std::size_t head_bytes_max = 1 << 20;
  std::size_t body_bytes_max = 3 << 20;         ///< as the real API server's 3 MiB
  Duration head_timeout = std::chrono::seconds(30);  ///< slow clients are closed
  Duration idle_timeout = std::chrono::minutes(3);
  std::size_t connections_max = 10000;
};

/// Coroutine: the request lives until it returns.
using HttpHandler = std::function<Task<void>(const HttpRequest& request, HttpResponder& responder)>;

class HttpServer {
 public:
  /// @param stop  what ends connections; the process's own stop state if null. For servers that drain after SIGTERM.
  HttpServer(Runtime& runtime, HttpHandler handler, HttpServerLimits limits = {}, StopState* stop = nullptr);
  ~HttpServer();
  /// Accepts until stopped; may be called for several listeners.
  Task<void> serve(std::unique_ptr<Listener> listener);
  std::size_t connection_count() const { return connections_.running_count(); }

 private:
  class Session;
  Task<void> run_connection(std::unique_ptr<Connection> connection);
  Runtime& runtime_;
  HttpHandler handler_;
  HttpServerLimits limits_;
  TaskGroup connections_;
};

}  // namespace skidpad::runtime

/// @file web_socket.hpp
/// WebSocket messages (RFC 6455) over a connection that switched protocols.
/// Promise: a message is at most 1 MiB, else the connection ends with code 1009; what breaks the RFC ends it with 1002. Pings are
/// answered while reading. No extensions, so reserved bits are errors.
#pragma once

#include "harness/runtime/http/http.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::runtime {

enum class WebSocketRole { client, server };
enum class WebSocketOpcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// What a server answers in Sec-WebSocket-Accept.
std::string web_socket_accept(std::string_view key);
/// Whether a request asks for a WebSocket.
bool is_web_socket_request(const HttpRequest& request);
/// The entries of a comma separated header, of all headers of that name.
std::vector<std::string> header_list(const HttpHeaders& headers, std::string_view name);

std::string encode_web_socket_frame(WebSocketOpcode opcode, std::string_view payload, bool final, std::optional<std::uint32_t> mask);

struct WebSocketMessage {
  WebSocketMessage() {}
  WebSocketOpcode opcode = WebSocketOpcode::binary;
  std::string payload;
};

/// Bytes in, messages out; fragments are put together, control frames come between them.
class WebSocketReader {
 public:
  /// @param role  ours: frames of clients must be masked, those of servers must not
  explicit WebSocketReader(WebSocketRole role, std::size_t message_bytes_max = 1 << 20) : role_(role), message_bytes_max_(message_bytes_max) {}
  void put(std::string_view bytes) { pending_.append(bytes); }
  /// The next message, or none until more is put. Errors: http_status holds the close code, 1002 or 1009.
  Result<std::optional<WebSocketMessage>> next();

 private:
  WebSocketRole role_;
  std::size_t message_bytes_max_;
  std::string pending_;
  std::optional<WebSocketMessage> partial_;
};

class WebSocket {
 public:
  WebSocket(std::unique_ptr<Connection> connection, std::string already_read, WebSocketRole role, Random& random);
  /// The next text or binary message; none when the other side closed in order or the connection ended.
  Task<std::optional<WebSocketMessage>> read();
  Task<Result<void>> send(WebSocketOpcode opcode, std::string payload);
  /// Sends a close frame, once.
  Task<void> close(std::uint16_t code, std::string reason);

 private:
  std::unique_ptr<Connection> connection_;
  WebSocketRole role_;
  Random& random_;
  WebSocketReader reader_;
  Mutex writing_;
  bool close_sent_ = false;
};

}  // namespace skidpad::runtime

#include "harness/runtime/http/web_socket.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

namespace skidpad::runtime {
namespace {

constexpr std::uint16_t protocol_error = 1002;
constexpr std::uint16_t too_big = 1009;

Error broken(std::uint16_t code, const std::string& what) { return Error(ErrorCode::invalid, "WebSocket: " + what, code, ""); }
std::uint64_t octet_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

}  // namespace

std::string web_socket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH];
  ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  unsigned char encoded[64];
  const int length = ::EVP_EncodeBlock(encoded, digest, sizeof digest);
  return std::string(reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(length));
}

std::vector<std::string> header_list(const HttpHeaders& headers, std::string_view name) {
  std::vector<std::string> entries;
  for (const auto& [field, value] : headers.fields()) {
    if (!equal_ignoring_case(field, name)) continue;
    for (std::size_t begin = 0; begin <= value.size();) {
      const std::size_t end = std::min(value.find(',', begin), value.size());
      std::string entry = value.substr(begin, end - begin);
      const std::size_t first = entry.find_first_not_of(" \t");
      if (first != std::string::npos) entries.push_back(entry.substr(first, entry.find_last_not_of(" \t") - first + 1));
      begin = end + 1;
    }
  }
  return entries;
}

bool is_web_socket_request(const HttpRequest& request) {
  const auto names = [&](std::string_view header, std::string_view wanted) {
    const auto entries = header_list(request.headers, header);
    return std::any_of(entries.begin(), entries.end(), [&](const std::string& entry) { return equal_ignoring_case(entry, wanted); });
  };
  return request.method == "GET" && names("Connection", "upgrade") && names("Upgrade", "websocket");
}

std::string encode_web_socket_frame(WebSocketOpcode opcode, std::string_view payload, bool final, std::optional<std::uint32_t> mask) {
  std::string out;
  out.reserve(payload.size() + 14);
  out += static_cast<char>((final ? 0x80 : 0) | static_cast<int>(opcode));
  const int mask_bit = mask ? 0x80 : 0;
  if (payload.size() < 126) {
    out += static_cast<char>(mask_bit | static_cast<int>(payload.size()));
  } else {
    const bool small = payload.size() < 65536;
    out += static_cast<char>(mask_bit | (small ? 126 : 127));
    for (int shift = small ? 8 : 56; shift >= 0; shift -= 8) out += static_cast<char>(static_cast<std::uint64_t>(payload.size()) >> shift & 255);
  }
  if (!mask) return out.append(payload);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(*mask >> shift & 255);
  for (std::size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ static_cast<char>(*mask >> (24 - 8 * (i & 3)) & 255));
  return out;
}

Result<std::optional<WebSocketMessage>> WebSocketReader::next() {
  for (;;) {
    if (pending_.size() < 2) return std::optional<WebSocketMessage>();
    const bool final = (octet_at(pending_, 0) & 0x80) != 0;
    const auto number = octet_at(pending_, 0) & 15;
    if ((octet_at(pending_, 0) & 0x70) != 0) return broken(protocol_error, "reserved bits");
    if (number > 10 || (number > 2 && number < 8)) return broken(protocol_error, "opcode " + std::to_string(number));
    const auto opcode = static_cast<WebSocketOpcode>(number);
    const bool masked = (octet_at(pending_, 1) & 0x80) != 0;
    if (masked != (role_ == WebSocketRole::server)) return broken(protocol_error, masked ? "a masked frame from a server" : "an unmasked frame from a client");
    std::uint64_t length = octet_at(pending_, 1) & 127;
    std::size_t head = 2;
    if (length >= 126) {
      const std::size_t extra = length == 126 ? 2 : 8;
      if (pending_.size() < 2 + extra) return std::optional<WebSocketMessage>();
      length = 0;
      for (std::size_t i = 0; i < extra; ++i) length = length << 8 | octet_at(pending_, 2 + i);
      head += extra;
    }
    const bool control = number >= 8;
    if (control && (length > 125 || !final)) return broken(protocol_error, "a control frame that is long or in fragments");
    if (!control && length + (partial_ ? partial_->payload.size() : 0) > message_bytes_max_) return broken(too_big, "a message too long");
    if (!control && (opcode == WebSocketOpcode::continuation) != partial_.has_value()) return broken(protocol_error, "fragments out of order");
    const std::size_t mask_at = head;
    if (masked) head += 4;
    if (pending_.size() < head + length) return std::optional<WebSocketMessage>();
    std::string payload = pending_.substr(head, static_cast<std::size_t>(length));
    if (masked) {
      for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ pending_[mask_at + (i & 3)]);
    }
    pending_.erase(0, head + static_cast<std::size_t>(length));
    if (control) {
      WebSocketMessage message;
      message.opcode = opcode;
      message.payload = std::move(payload);
      return std::optional<WebSocketMessage>(std::move(message));
    }
    if (!partial_) {
      partial_.emplace();
      partial_->opcode = opcode;
    }
    partial_->payload += payload;
    if (final) return std::exchange(partial_, std::nullopt);
  }
}

WebSocket::WebSocket(std::unique_ptr<Connection> connection, std::string already_read, WebSocketRole role, Random& random)
    : connection_(std::move(connection)), role_(role), random_(random), reader_(role) {
  reader_.put(already_read);
}

Task<std::optional<WebSocketMessage>> WebSocket::read() {
  for (;;) {
    auto next = reader_.next();
    if (!next) {
      co_await close(static_cast<std::uint16_t>(next.error().http_status), next.error().message);
      connection_->close();
      co_return std::optional<WebSocketMessage>();
    }
    if (!next.value()) {
      auto bytes = co_await connection_->read_some();
      if (!bytes || bytes.value().empty()) co_return std::optional<WebSocketMessage>();
      reader_.put(bytes.value());
      continue;
    }
    WebSocketMessage message = std::move(*next.value());
    if (message.opcode == WebSocketOpcode::ping) {
      (void)co_await send(WebSocketOpcode::pong, std::move(message.payload));
    } else if (message.opcode == WebSocketOpcode::close) {
      co_await close(1000, "");
      co_return std::optional<WebSocketMessage>();
    } else if (message.opcode != WebSocketOpcode::pong) {
      co_return std::optional<WebSocketMessage>(std::move(message));
    }
  }
}

Task<Result<void>> WebSocket::send(WebSocketOpcode opcode, std::string payload) {
  const auto held = co_await writing_.lock();
  if (close_sent_) co_return Error(ErrorCode::connection_lost, "the WebSocket is closed");
  if (opcode == WebSocketOpcode::close) close_sent_ = true;
  std::optional<std::uint32_t> mask;
  if (role_ == WebSocketRole::client) mask = static_cast<std::uint32_t>(random_.next());
  std::string frame = encode_web_socket_frame(opcode, payload, true, mask);
  co_return co_await connection_->write(std::move(frame));
}

Task<void> WebSocket::close(std::uint16_t code, std::string reason) {
  if (close_sent_) co_return;
  std::string payload;
  payload += static_cast<char>(code >> 8);
  payload += static_cast<char>(code & 255);
  payload += reason.substr(0, 120);
  (void)co_await send(WebSocketOpcode::close, std::move(payload));
}

}  // namespace skidpad::runtime

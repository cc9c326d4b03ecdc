#include "fakes/kubelet/grpc_health.hpp"

namespace skidpad::fakes::kubelet {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;

namespace {

// RFC 9113, section 6.
constexpr int data_frame = 0;
constexpr int headers_frame = 1;
constexpr int reset_frame = 3;
constexpr int settings_frame = 4;
constexpr int ping_frame = 6;
constexpr int go_away_frame = 7;
constexpr int end_stream = 1;
constexpr int ack = 1;
constexpr int padded = 8;
constexpr int end_headers = 4;
constexpr std::size_t frame_bytes_max = 16384;  // nobody may send more without our leave
constexpr std::size_t frames_max = 100;

int byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }
std::uint32_t u32_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint32_t>(byte_at(text, at)) << 24 | static_cast<std::uint32_t>(byte_at(text, at + 1)) << 16 |
         static_cast<std::uint32_t>(byte_at(text, at + 2)) << 8 | static_cast<std::uint32_t>(byte_at(text, at + 3));
}

std::string frame(int type, int flags, std::uint32_t stream, std::string_view payload) {
  std::string out;
  for (int shift = 16; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift & 255);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(stream >> shift & 255);
  return out.append(payload);
}

/// RFC 7541: a string without Huffman code; shorter than 127.
std::string literal(std::string_view text) {
  std::string out(1, static_cast<char>(std::min<std::size_t>(text.size(), 126)));
  return out.append(text.substr(0, 126));
}

std::optional<std::uint64_t> varint(std::string_view text, std::size_t& at) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && at < text.size(); shift += 7) {
    const auto byte = static_cast<std::uint64_t>(byte_at(text, at++));
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
  }
  return std::nullopt;
}

/// Field 1 of a HealthCheckResponse; 0 (UNKNOWN) where it is left out.
std::optional<int> serving_status(std::string_view message) {
  int status = 0;
  for (std::size_t at = 0; at < message.size();) {
    const auto key = varint(message, at);
    if (!key) return std::nullopt;
    const auto value = varint(message, at);
    if (!value) return std::nullopt;
    if ((*key & 7) == 2) at += static_cast<std::size_t>(std::min<std::uint64_t>(*value, message.size()));
    else if ((*key & 7) != 0) return std::nullopt;
    else if (*key >> 3 == 1) status = static_cast<int>(*value & 0x7fffffff);
  }
  return status;
}

}  // namespace

std::string health_check_request(const std::string& authority, const std::string& service) {
  std::string headers;
  headers += "\x83\x86";                                   // :method POST, :scheme http
  headers += "\x04" + literal("/grpc.health.v1.Health/Check");
  headers += "\x01" + literal(authority);
  headers += std::string("\x0f\x10") + literal("application/grpc");  // content-type
  headers += std::string("\x0f\x2b") + literal("kube-probe/1.32");   // user-agent
  headers += std::string(1, '\0') + literal("te") + literal("trailers");
  std::string request;
  if (!service.empty()) request += "\x0a" + literal(service);
  std::string message(4, '\0');
  message += static_cast<char>(request.size());
  message += request;
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(settings_frame, 0, 0, "") + frame(headers_frame, end_headers, 1, headers) + frame(data_frame, end_stream, 1, message);
}

Result<std::string> HealthCheckAnswer::put(std::string_view bytes) {
  std::string reply;
  pending_ += bytes;
  while (!done_ && pending_.size() >= 9) {
    const std::size_t length = u32_at(pending_, 0) >> 8;
    if (length > frame_bytes_max || ++frames_ > frames_max) return Error(ErrorCode::invalid, "the server speaks no HTTP/2");
    if (pending_.size() < 9 + length) {
      --frames_;
      break;
    }
    const int type = byte_at(pending_, 3);
    const int flags = byte_at(pending_, 4);
    const std::uint32_t stream = u32_at(pending_, 5) & 0x7fffffff;
    std::string payload = pending_.substr(9, length);
    pending_.erase(0, 9 + length);
    if (frames_ == 1 && type != settings_frame) return Error(ErrorCode::invalid, "the server speaks no HTTP/2");
    if (type == settings_frame && (flags & ack) == 0) reply += frame(settings_frame, ack, 0, "");
    if (type == ping_frame && (flags & ack) == 0) reply += frame(ping_frame, ack, 0, payload);
    if (type == go_away_frame || (type == reset_frame && stream == 1)) done_ = true;
    if (stream == 1 && type == data_frame) {
      if ((flags & padded) != 0) {
        const std::size_t padding = payload.empty() ? 0 : static_cast<std::size_t>(byte_at(payload, 0));
        if (payload.size() < padding + 1) return Error(ErrorCode::invalid, "a frame with more padding than length");
        payload = payload.substr(1, payload.size() - 1 - padding);
      }
      message_ += payload;
      if (message_.size() > frame_bytes_max) return Error(ErrorCode::invalid, "an answer too long");
      if (message_.size() >= 5 && message_[0] == '\0' && message_.size() >= 5 + static_cast<std::size_t>(u32_at(message_, 1))) {
        status_ = serving_status(std::string_view(message_).substr(5, u32_at(message_, 1)));
        done_ = true;
      }
    }
    if (stream == 1 && (type == data_frame || type == headers_frame) && (flags & end_stream) != 0) done_ = true;
  }
  return reply;
}

}  // namespace skidpad::fakes::kubelet

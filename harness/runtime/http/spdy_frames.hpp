/// @file spdy_frames.hpp
/// Frames of SPDY/3.1, as kubectl, API server and kubelet speak it inside an upgraded HTTP/1.1 connection.
/// Promise: bounded memory whatever arrives. A control frame is at most 64 KiB, its headers unpacked too; data comes in pieces as
/// it arrives, so a data frame may have any length. A malformed frame is an error and nothing after it is read.
/// Source: SPDY Protocol, draft 3.1; header blocks are zlib streams with the draft's dictionary, one per direction.
/// Not here: flow control. The Go library that Kubernetes uses has none; TCP holds a fast sender back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "harness/runtime/http/http.hpp"
#include "harness/runtime/result.hpp"

namespace skidpad::runtime {

enum class SpdyFrameType { data, syn_stream, syn_reply, rst_stream, settings, ping, go_away, headers, window_update, unknown };

struct SpdyFrame {
  SpdyFrame() {}
  SpdyFrame(SpdyFrameType type, std::uint32_t stream) : type(type), stream(stream) {}
  SpdyFrameType type = SpdyFrameType::data;
  std::uint32_t stream = 0;  ///< of a ping: its number; of go_away: the last stream that was looked at
  std::uint32_t status = 0;  ///< rst_stream and go_away
  bool fin = false;          ///< the sender writes nothing more on this stream
  HttpHeaders headers;       ///< syn_stream, syn_reply, headers
  std::string data;
};

constexpr std::uint32_t spdy_protocol_error = 1;
constexpr std::uint32_t spdy_refused_stream = 3;
constexpr std::uint32_t spdy_cancel = 5;

/// One per direction of a connection: packed headers depend on all before them, so frames must be sent in the order encoded.
class SpdyFrameWriter {
 public:
  SpdyFrameWriter();
  ~SpdyFrameWriter();
  std::string encode(const SpdyFrame& frame);

 private:
  struct Packer;
  std::unique_ptr<Packer> packer_;
};

class SpdyFrameReader {
 public:
  SpdyFrameReader();
  ~SpdyFrameReader();
  void put(std::string_view bytes) { pending_.append(bytes); }
  /// The next frame, or none until more bytes are put. Call it until none: it holds no more than what was put in between.
  Result<std::optional<SpdyFrame>> next();

 private:
  struct Unpacker;
  Result<std::optional<SpdyFrame>> control_frame();
  Result<HttpHeaders> read_headers(std::string_view block);
  std::unique_ptr<Unpacker> unpacker_;
  std::string pending_;
  std::uint32_t data_left_ = 0;    ///< of the data frame being read
  std::uint32_t data_stream_ = 0;
  bool data_fin_ = false;
};

}  // namespace skidpad::runtime

/// @file spdy_session.hpp
/// Many streams over one connection, by SPDY/3.1.
/// Promise: a stream that nobody reads holds all others back after 16 pieces (TCP then holds the sender back), so memory is
/// bounded; at most 1000 streams live at once, the next are refused. After closed() is set every read returns its end.
#pragma once

#include <map>

#include "harness/runtime/http/spdy_frames.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::runtime {

class SpdySession;

class SpdyStream {
 public:
  SpdyStream(SpdySession& session, std::uint32_t id, HttpHeaders headers);
  SpdyStream(const SpdyStream&) = delete;
  std::uint32_t id() const { return id_; }
  const HttpHeaders& headers() const { return headers_; }
  /// What arrived; "" when the other side has finished, reset it or is gone.
  Task<std::string> read();
  /// What arrives is thrown away from now on.
  void discard_input();
  bool was_reset() const { return was_reset_; }
  Task<Result<void>> write(std::string bytes);
  /// We write nothing more.
  Task<Result<void>> finish();
  Task<void> reset(std::uint32_t status = spdy_cancel);

 private:
  friend class SpdySession;
  SpdySession& session_;
  std::uint32_t id_;
  HttpHeaders headers_;
  Channel<std::string> input_{16};
  bool discards_ = false;
  bool was_reset_ = false;
  bool finished_here_ = false;
  bool finished_there_ = false;
};

enum class SpdyRole { client, server };

/// Outlives its streams' users; run() must run for anything to arrive.
class SpdySession {
 public:
  using StreamPointer = std::shared_ptr<SpdyStream>;
  /// @param already_read  bytes that came behind the head of the upgrade
  SpdySession(std::unique_ptr<Connection> connection, std::string already_read, SpdyRole role);
  ~SpdySession();
  SpdySession(const SpdySession&) = delete;
  /// Reads until the connection ends or breaks the protocol.
  Task<void> run();
  /// The next stream the other side opened; null when there will be none. It has been replied to.
  Task<StreamPointer> accept();
  Task<Result<StreamPointer>> open(HttpHeaders headers);
  /// Says that no stream is wanted any more. The connection ends with the session.
  Task<void> go_away();
  Event& closed() { return closed_; }
  std::size_t stream_count() const { return streams_.size(); }

 private:
  friend class SpdyStream;
  Task<Result<void>> send(SpdyFrame frame);
  Task<bool> take(SpdyFrame frame);
  Task<void> opened_by_peer(SpdyFrame frame);
  void end_input(SpdyStream& stream);
  void forget_if_done(std::uint32_t id);

  std::unique_ptr<Connection> connection_;
  SpdyRole role_;
  SpdyFrameReader reader_;
  SpdyFrameWriter writer_;
  Mutex writing_;
  std::map<std::uint32_t, StreamPointer> streams_;
  Channel<StreamPointer> incoming_{64};
  std::uint32_t next_id_;
  std::uint32_t last_seen_ = 0;
  Event closed_;
};

}  // namespace skidpad::runtime

#include "harness/runtime/http/spdy_session.hpp"

namespace skidpad::runtime {
namespace {

constexpr std::size_t streams_max = 1000;
constexpr std::size_t data_bytes_max = 32 * 1024;

}  // namespace

// --- a stream ---

SpdyStream::SpdyStream(SpdySession& session, std::uint32_t id, HttpHeaders headers) : session_(session), id_(id), headers_(std::move(headers)) {}

Task<std::string> SpdyStream::read() {
  auto piece = co_await input_.pop();
  co_return piece ? std::move(*piece) : std::string();
}

void SpdyStream::discard_input() {
  discards_ = true;
  while (input_.try_pop()) {
  }
}

Task<Result<void>> SpdyStream::write(std::string bytes) {
  if (finished_here_) co_return Error(ErrorCode::connection_lost, "stream " + std::to_string(id_) + " is closed");
  for (std::size_t at = 0; at < bytes.size(); at += data_bytes_max) {
    SpdyFrame frame(SpdyFrameType::data, id_);
    frame.data = bytes.substr(at, data_bytes_max);
    CO_TRY(co_await session_.send(std::move(frame)));
  }
  co_return success();
}

Task<Result<void>> SpdyStream::finish() {
  if (finished_here_) co_return success();
  finished_here_ = true;
  SpdyFrame frame(SpdyFrameType::data, id_);
  frame.fin = true;
  auto sent = co_await session_.send(std::move(frame));
  session_.forget_if_done(id_);
  co_return sent;
}

Task<void> SpdyStream::reset(std::uint32_t status) {
  if (finished_here_ && finished_there_) co_return;
  finished_here_ = true;
  session_.end_input(*this);
  SpdyFrame frame(SpdyFrameType::rst_stream, id_);
  frame.status = status;
  (void)co_await session_.send(std::move(frame));
  session_.forget_if_done(id_);
}

// --- the session ---

SpdySession::SpdySession(std::unique_ptr<Connection> connection, std::string already_read, SpdyRole role)
    : connection_(std::move(connection)), role_(role), next_id_(role == SpdyRole::client ? 1 : 2) {
  reader_.put(already_read);
}

SpdySession::~SpdySession() = default;

Task<Result<void>> SpdySession::send(SpdyFrame frame) {
  const auto held = co_await writing_.lock();
  if (closed_.is_set()) co_return Error(ErrorCode::connection_lost, "the connection is closed");
  // Encoded only now: packed headers must be sent in the order they were packed.
  std::string bytes = writer_.encode(frame);
  co_return co_await connection_->write(std::move(bytes));
}

Task<void> SpdySession::run() {
  bool good = true;
  while (good) {
    for (;;) {
      auto frame = reader_.next();
      good = frame.has_value();
      if (!good || !frame.value()) break;
      SpdyFrame taken = std::move(*frame.value());
      good = co_await take(std::move(taken));
      if (!good) break;
    }
    if (!good) break;
    auto bytes = co_await connection_->read_some();
    good = bytes && !bytes.value().empty();
    if (good) reader_.put(bytes.value());
  }
  connection_->close();
  closed_.set();
  incoming_.close();
  for (auto& [id, stream] : streams_) end_input(*stream);
  streams_.clear();
}

void SpdySession::end_input(SpdyStream& stream) {
  stream.finished_there_ = true;
  stream.input_.close();
}

void SpdySession::forget_if_done(std::uint32_t id) {
  const auto found = streams_.find(id);
  if (found != streams_.end() && found->second->finished_here_ && found->second->finished_there_) streams_.erase(found);
}

Task<bool> SpdySession::take(SpdyFrame frame) {
  const auto found = streams_.find(frame.stream);
  const StreamPointer stream = found == streams_.end() ? nullptr : found->second;
  switch (frame.type) {
    case SpdyFrameType::syn_stream: co_await opened_by_peer(std::move(frame)); break;
    case SpdyFrameType::data: {
      if (!stream) break;  // closed here in the meantime
      if (!frame.data.empty() && !stream->discards_) (void)co_await stream->input_.push(std::move(frame.data));
      if (frame.fin) end_input(*stream);
      forget_if_done(frame.stream);
      break;
    }
    case SpdyFrameType::syn_reply:
    case SpdyFrameType::headers:
      if (stream && frame.fin) end_input(*stream);
      forget_if_done(frame.stream);
      break;
    case SpdyFrameType::rst_stream:
      if (!stream) break;
      stream->was_reset_ = stream->finished_here_ = true;
      end_input(*stream);
      forget_if_done(frame.stream);
      break;
    case SpdyFrameType::ping: {
      const bool from_peer = (frame.stream & 1) == (role_ == SpdyRole::server ? 1U : 0U);
      if (!from_peer) break;
      SpdyFrame answer(SpdyFrameType::ping, frame.stream);
      const auto sent = co_await send(std::move(answer));
      co_return sent.has_value();
    }
    case SpdyFrameType::go_away:
      incoming_.close();
      co_return !streams_.empty();
    default: break;
  }
  co_return true;
}

Task<void> SpdySession::opened_by_peer(SpdyFrame frame) {
  const bool right_side = (frame.stream & 1) == (role_ == SpdyRole::server ? 1U : 0U);
  if (!right_side || frame.stream <= last_seen_ || streams_.size() >= streams_max) {
    SpdyFrame refusal(SpdyFrameType::rst_stream, frame.stream);
    refusal.status = right_side && frame.stream > last_seen_ ? spdy_refused_stream : spdy_protocol_error;
    (void)co_await send(std::move(refusal));
    co_return;
  }
  last_seen_ = frame.stream;
  auto stream = std::make_shared<SpdyStream>(*this, frame.stream, std::move(frame.headers));
  streams_.emplace(frame.stream, stream);
  if (frame.fin) end_input(*stream);
  SpdyFrame reply(SpdyFrameType::syn_reply, frame.stream);
  (void)co_await send(std::move(reply));
  (void)co_await incoming_.push(std::move(stream));
}

Task<SpdySession::StreamPointer> SpdySession::accept() {
  auto next = co_await incoming_.pop();
  co_return next ? std::move(*next) : nullptr;
}

Task<Result<SpdySession::StreamPointer>> SpdySession::open(HttpHeaders headers) {
  if (closed_.is_set()) co_return Error(ErrorCode::connection_lost, "the connection is closed");
  const std::uint32_t id = next_id_;
  next_id_ += 2;
  auto stream = std::make_shared<SpdyStream>(*this, id, headers);
  streams_.emplace(id, stream);
  SpdyFrame frame(SpdyFrameType::syn_stream, id);
  frame.headers = std::move(headers);
  CO_TRY(co_await send(std::move(frame)));
  co_return stream;
}

Task<void> SpdySession::go_away() {
  SpdyFrame frame(SpdyFrameType::go_away, last_seen_);
  (void)co_await send(std::move(frame));
}

}  // namespace skidpad::runtime

#include "harness/runtime/real/socket.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "harness/runtime/real/file_descriptor.hpp"

namespace skidpad::runtime {

using Direction = Descriptor::Direction;

Result<sockaddr_in> socket_address(const Endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  if (!endpoint.address.empty() && ::inet_pton(AF_INET, endpoint.address.c_str(), &address.sin_addr) != 1) {
    return Error(ErrorCode::invalid, "address " + endpoint.address + ": not an IPv4 address");
  }
  return address;
}

Endpoint endpoint_of(const sockaddr_in& address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  Endpoint endpoint;
  endpoint.address = text.data();
  endpoint.port = ntohs(address.sin_port);
  return endpoint;
}

Endpoint local_endpoint(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return endpoint_of(address);
}

std::string failed_call(std::string_view call, int error_number) {
  return std::string(call) + ": " + error_text(error_number);
}

void set_stream_options(int socket) {
  const auto set = [socket](int level, int option, int value) { ::setsockopt(socket, level, option, &value, sizeof value); };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  // Go's keepalive is 15 s; three unanswered probes or 30 s of unanswered data end a connection, much as client-go's pings do.
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);
}

void Stream::learn_endpoints() {
  local = local_endpoint(descriptor->number());
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getpeername(descriptor->number(), reinterpret_cast<sockaddr*>(&address), &size) == 0) remote = endpoint_of(address);
}

void Stream::close() {
  if (descriptor->closed()) return;
  if (tls) tls->send_close();
  // Closing over unread bytes would send a reset, and a reset can overtake what we wrote last (an error answer, say).
  std::array<char, 16384> discarded;
  for (int i = 0; i < 16 && ::recv(descriptor->number(), discarded.data(), discarded.size(), MSG_DONTWAIT) > 0; ++i) {
  }
  descriptor->close();
}

Error Stream::lost(std::string_view doing, std::string_view why) const {
  return Error(ErrorCode::connection_lost, std::string(doing) + " tcp " + to_text(local) + "->" + to_text(remote) + ": " + std::string(why));
}

namespace {

constexpr std::string_view closed_here = "use of closed network connection";  // Go's words

/// One attempt to read: TLS or not, the same five outcomes.
TlsStep try_read(Stream& stream, std::string& into, std::size_t bytes_max, std::string& failure) {
  if (stream.tls) {
    const TlsStep step = stream.tls->read(into, bytes_max);
    if (step == TlsStep::failed) failure = stream.tls->failure();
    return step;
  }
  // Copied from here, so that a waiting reader owns no buffer.
  thread_local std::array<char, 65536> scratch;
  const ssize_t count = ::recv(stream.descriptor->number(), scratch.data(), std::min(scratch.size(), bytes_max), 0);
  if (count > 0) {
    into.assign(scratch.data(), static_cast<std::size_t>(count));
    return TlsStep::done;
  }
  if (count == 0) return TlsStep::closed;
  if (errno == EAGAIN || errno == EINTR) return TlsStep::wants_read;
  failure = failed_call("read", errno);
  return TlsStep::failed;
}

TlsStep try_write(Stream& stream, std::string_view bytes, std::size_t& written, std::string& failure) {
  if (stream.tls) {
    const TlsStep step = stream.tls->write(bytes, written);
    if (step == TlsStep::failed) failure = stream.tls->failure();
    return step;
  }
  const ssize_t count = ::send(stream.descriptor->number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  written = count > 0 ? static_cast<std::size_t>(count) : 0;
  if (count >= 0) return TlsStep::done;
  if (errno == EAGAIN || errno == EINTR) return TlsStep::wants_write;
  failure = failed_call("write", errno);
  return TlsStep::failed;
}

// Free functions over the shared state: a Connection may be destroyed while one of them waits.
Task<Result<std::string>> read_stream(StreamPointer stream, std::size_t bytes_max) {
  std::string bytes;
  std::string failure;
  while (!stream->descriptor->closed()) {
    switch (try_read(*stream, bytes, bytes_max, failure)) {
      case TlsStep::done:
      case TlsStep::closed: co_return std::move(bytes);
      case TlsStep::wants_read: co_await stream->descriptor->ready(Direction::read); break;
      case TlsStep::wants_write: co_await stream->descriptor->ready(Direction::write); break;
      case TlsStep::failed: co_return stream->lost("read", failure);
    }
  }
  co_return stream->lost("read", closed_here);
}

Task<Result<void>> write_stream(StreamPointer stream, std::string bytes) {
  std::string failure;
  for (std::size_t offset = 0; offset < bytes.size();) {
    if (stream->descriptor->closed()) co_return stream->lost("write", closed_here);
    std::size_t written = 0;
    switch (try_write(*stream, std::string_view(bytes).substr(offset), written, failure)) {
      case TlsStep::done: offset += written; break;
      case TlsStep::wants_read: co_await stream->descriptor->ready(Direction::read); break;
      case TlsStep::wants_write: co_await stream->descriptor->ready(Direction::write); break;
      case TlsStep::closed: co_return stream->lost("write", "closed by the other side");
      case TlsStep::failed: co_return stream->lost("write", failure);
    }
  }
  co_return success();
}

class SocketConnection final : public Connection {
 public:
  explicit SocketConnection(StreamPointer stream) : stream_(std::move(stream)) {}
  ~SocketConnection() override { stream_->close(); }
  Task<Result<std::string>> read_some(std::size_t bytes_max) override {
    ASSERT(bytes_max > 0);
    return read_stream(stream_, bytes_max);
  }
  Task<Result<void>> write(std::string bytes) override { return write_stream(stream_, std::move(bytes)); }
  void close() override { stream_->close(); }
  void shutdown_write() override {
    if (stream_->descriptor->closed()) return;
    if (stream_->tls) stream_->tls->send_close();
    ::shutdown(stream_->descriptor->number(), SHUT_WR);
  }
  const PeerIdentity& peer() const override { return stream_->peer; }
  Endpoint local() const override { return stream_->local; }
  Endpoint remote() const override { return stream_->remote; }

 private:
  StreamPointer stream_;
};

}  // namespace

Task<Result<void>> run_handshake(StreamPointer stream) {
  ASSERT(stream->tls.has_value());
  while (!stream->descriptor->closed()) {
    switch (stream->tls->handshake()) {
      case TlsStep::done: stream->peer = stream->tls->peer(); co_return success();
      case TlsStep::wants_read: co_await stream->descriptor->ready(Direction::read); break;
      case TlsStep::wants_write: co_await stream->descriptor->ready(Direction::write); break;
      case TlsStep::closed: co_return Error(ErrorCode::refused, "tls: handshake with " + to_text(stream->remote) + ": EOF");
      case TlsStep::failed:
        co_return Error(ErrorCode::refused, "handshake with " + to_text(stream->remote) + ": " + stream->tls->failure());
    }
  }
  co_return Error(ErrorCode::refused, "tls: handshake: closed");
}

std::unique_ptr<Connection> make_connection(StreamPointer stream) { return std::make_unique<SocketConnection>(std::move(stream)); }

}  // namespace skidpad::runtime

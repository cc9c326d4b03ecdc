#include "harness/runtime/real/socket_listener.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "harness/runtime/real/socket.hpp"

namespace skidpad::runtime {
namespace {

using Direction = Descriptor::Direction;

// Beyond these the kernel's queue holds clients back.
constexpr std::size_t handshakes_max = 256;
constexpr std::size_t accepted_waiting_max = 256;
constexpr Duration handshake_timeout = 10s;
constexpr Duration pause_without_descriptors = 100ms;
constexpr int backlog = 4096;

class SocketListener final : public Listener {
 public:
  SocketListener(Runtime& runtime, EventLoop& loop, std::shared_ptr<Descriptor> descriptor, TlsContext tls)
      : runtime_(runtime),
        loop_(loop),
        descriptor_(std::move(descriptor)),
        tls_(std::move(tls)),
        local_(local_endpoint(descriptor_->number())),
        accepted_(accepted_waiting_max),
        tasks_(never_stopped_) {
    if (tls_) tasks_.spawn("accept " + to_text(local_), accept_and_shake_hands());
  }
  ~SocketListener() override { close(); }

  Task<Result<std::unique_ptr<Connection>>> accept() override {
    if (!tls_) {
      CO_TRY(std::shared_ptr<Stream> stream, co_await accept_stream());
      co_return make_connection(std::move(stream));
    }
    auto connection = co_await accepted_.pop();
    if (!connection) co_return closed();
    co_return std::move(*connection);
  }
  Endpoint local() const override { return local_; }
  void close() override {
    descriptor_->close();
    accepted_.close();
  }
  void replace_tls(TlsServerOptions options) override {
    ASSERT(tls_ != nullptr);
    auto context = server_context(options);
    if (context) {
      tls_ = std::move(context).value();
    } else {
      runtime_.log().warning("tls_certificate_not_replaced", {{"listener", to_text(local_)}, {"reason", context.error().message}});
    }
  }

 private:
  Error closed() const { return Error(ErrorCode::io, "accept tcp " + to_text(local_) + ": listener closed"); }

  Task<Result<StreamPointer>> accept_stream() {
    while (!descriptor_->closed()) {
      const int socket = ::accept4(descriptor_->number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (socket >= 0) {
        set_stream_options(socket);
        auto stream = std::make_shared<Stream>(Descriptor::watch(loop_, socket));
        stream->learn_endpoints();
        co_return stream;
      }
      if (errno == EAGAIN) {
        co_await descriptor_->ready(Direction::read);
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        runtime_.log().warning("accept_paused", {{"listener", to_text(local_)}, {"reason", failed_call("accept4", errno)}});
        co_await runtime_.sleep_for(pause_without_descriptors);
      }
      // Anything else concerns the one connection that broke before we took it.
    }
    co_return closed();
  }

  Task<void> accept_and_shake_hands() {
    for (;;) {
      while (handshake_count_ >= handshakes_max) co_await handshake_ended_.wait();
      auto stream = co_await accept_stream();
      if (!stream) co_return;
      tasks_.spawn("handshake", shake_hands(std::move(stream).value()));
    }
  }

  Task<void> shake_hands(StreamPointer stream) {
    struct Counted {
      explicit Counted(SocketListener& listener) : listener(listener) { ++listener.handshake_count_; }
      ~Counted() {
        --listener.handshake_count_;
        listener.handshake_ended_.notify_all();
      }
      SocketListener& listener;
    } counted(*this);
    const TlsContext context = tls_;
    auto session = TlsSession::for_server(context, stream->descriptor->number());
    if (!session) co_return;
    stream->tls.emplace(std::move(session).value());
    auto handshake = run_handshake(stream);
    auto shaken = co_await with_timeout<void>(runtime_, handshake_timeout, std::move(handshake), "TLS handshake");
    if (!shaken) {
      runtime_.log().debug("tls_handshake_failed", {{"from", to_text(stream->remote)}, {"reason", shaken.error().message}});
      co_return;
    }
    co_await accepted_.push(make_connection(std::move(stream)));
  }

  Runtime& runtime_;
  EventLoop& loop_;
  std::shared_ptr<Descriptor> descriptor_;
  TlsContext tls_;
  Endpoint local_;
  Channel<std::unique_ptr<Connection>> accepted_;
  std::size_t handshake_count_ = 0;
  Event handshake_ended_;
  // When to stop accepting is the owner's decision: a server may finish its work after SIGTERM.
  StopState never_stopped_;
  TaskGroup tasks_;
};

}  // namespace

Result<std::unique_ptr<Listener>> listen_on_socket(Runtime& runtime, EventLoop& loop, ListenOptions options) {
  const std::string doing = "listen tcp " + to_text(options.at);
  TRY(const sockaddr_in address, socket_address(options.at));
  TlsContext tls;
  if (options.tls) {
    auto context = server_context(*options.tls);
    if (!context) return wrap(std::move(context).error(), doing);
    tls = std::move(context).value();
  }
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return Error(ErrorCode::io, doing + ": " + failed_call("socket", errno));
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  std::string_view call = "bind";
  bool listening = ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (listening) {
    call = "listen";
    listening = ::listen(socket, backlog) == 0;
  }
  if (!listening) {
    const int error_number = errno;
    ::close(socket);
    return Error(error_number == EADDRINUSE ? ErrorCode::already_exists : ErrorCode::io, doing + ": " + failed_call(call, error_number));
  }
  return std::unique_ptr<Listener>(std::make_unique<SocketListener>(runtime, loop, Descriptor::watch(loop, socket), std::move(tls)));
}

}  // namespace skidpad::runtime

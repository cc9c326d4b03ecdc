#include "harness/runtime/http/buffered_connection.hpp"

namespace skidpad::runtime {
namespace {
constexpr std::size_t inbound_bytes_max = 1 << 20;
}

BufferedConnection::BufferedConnection(Runtime& runtime, std::unique_ptr<Connection> connection, StopState& owner)
    : runtime_(runtime), connection_(std::move(connection)), pump_(unstoppable_) {
  unstoppable_.gate = pump_.stop().gate = owner.gate;  // a paused process reads nothing
  pump_.spawn("connection_reader", pump());
}

Task<void> BufferedConnection::pump() {
  while (!ended_) {
    while (inbound_.size() >= inbound_bytes_max) co_await taken_.wait();
    auto bytes = co_await connection_->read_some();
    if (!bytes || bytes.value().empty()) {
      ended_ = true;
      broke_ = !bytes;
      disconnected_.set();
    } else if (inbound_.empty()) {
      inbound_ = std::move(bytes.value());
    } else {
      inbound_ += bytes.value();
    }
    arrived_.notify_all();
  }
}

Task<bool> BufferedConnection::wait_readable(Instant due) {
  if (readable()) co_return true;
  if (due == Instant::max()) {
    co_await arrived_.wait();
    co_return true;
  }
  const bool in_time = co_await arrived_.wait_until(runtime_, due);
  co_return in_time || readable();
}

std::string BufferedConnection::take() {
  taken_.notify_all();
  return std::exchange(inbound_, {});
}

}  // namespace skidpad::runtime

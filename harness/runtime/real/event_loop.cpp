#include "harness/runtime/real/event_loop.hpp"

#include <fcntl.h>
#include <time.h>

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

namespace skidpad::runtime {

namespace asio = boost::asio;

namespace {
/// How many wakeups run before descriptors are looked at again: a task that never waits for the world must not starve it.
constexpr std::size_t wakeups_per_round_max = 1000;
}  // namespace

struct EventLoop::Asio {
  asio::io_context context{1};
  // Keeps run_one() from returning at once while nothing is awaited but a timer.
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::unique_ptr<asio::signal_set> signals;
  std::function<void()> on_signal;

  void wait_for_signal() {
    signals->async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      on_signal();
      wait_for_signal();
    });
  }
};

EventLoop::EventLoop() : asio_(std::make_unique<Asio>()) {}
EventLoop::~EventLoop() = default;

asio::io_context& EventLoop::context() { return asio_->context; }

Instant EventLoop::now() const {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return Instant(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

bool EventLoop::fire_due_timers() {
  if (timers_.empty()) return false;
  const Instant current = now();
  bool any = false;
  while (!timers_.empty() && timers_.next_due() <= current) {
    timers_.fire_first();
    any = true;
  }
  return any;
}

void EventLoop::run_until(const std::function<bool()>& finished) {
  asio::io_context& context = asio_->context;
  while (!finished()) {
    const bool more_ready = run_ready(wakeups_per_round_max) == wakeups_per_round_max;
    if (fire_due_timers() || more_ready) {
      context.poll_one();
      continue;
    }
    if (finished()) return;
    // The wait itself carries the next due time, so no Asio timer is armed and re-armed. Rounded up to a whole millisecond
    // by epoll_wait; with nothing due it still returns now and then, harmlessly.
    if (timers_.empty()) {
      context.run_one();
    } else {
      context.run_one_until(std::chrono::steady_clock::time_point(timers_.next_due().time_since_epoch()));
    }
  }
}

void EventLoop::on_termination_signal(std::function<void()> handler) {
  asio_->on_signal = std::move(handler);
  if (asio_->signals) return;
  asio_->signals = std::make_unique<asio::signal_set>(asio_->context, SIGTERM, SIGINT);
  asio_->wait_for_signal();
}

void EventLoop::post_from_any_thread(std::function<void()> call) { asio::post(asio_->context, std::move(call)); }

struct Descriptor::Watch {
  Watch(asio::io_context& context, int number) : descriptor(context, number) {}
  asio::posix::stream_descriptor descriptor;
};

Descriptor::Waiters::~Waiters() {
  while (next != this) next->unlink();
  previous = next = nullptr;
}

Descriptor::Descriptor(EventLoop& loop, int number) : number_(number) {
  ASSERT(number >= 0);
  ::fcntl(number, F_SETFL, ::fcntl(number, F_GETFL) | O_NONBLOCK);
  watch_ = std::make_unique<Watch>(loop.context(), number);
}

std::shared_ptr<Descriptor> Descriptor::watch(EventLoop& loop, int number) {
  return std::shared_ptr<Descriptor>(new Descriptor(loop, number));
}

Descriptor::~Descriptor() { close(); }

void Descriptor::close() {
  if (closed()) return;
  number_ = -1;
  boost::system::error_code ignored;
  watch_->descriptor.close(ignored);
  wake_all(Direction::read);
  wake_all(Direction::write);
}

void Descriptor::start_waiting(Link& node, Direction direction) {
  const auto index = static_cast<std::size_t>(direction);
  node.insert_before(waiters_[index]);
  if (asio_waits_[index]) return;
  asio_waits_[index] = true;
  const auto kind = direction == Direction::read ? asio::posix::stream_descriptor::wait_read : asio::posix::stream_descriptor::wait_write;
  watch_->descriptor.async_wait(kind, [self = shared_from_this(), direction, index](const boost::system::error_code&) {
    self->asio_waits_[index] = false;
    self->wake_all(direction);
  });
}

void Descriptor::wake_all(Direction direction) {
  Link& head = waiters_[static_cast<std::size_t>(direction)];
  while (head.next != &head) {
    auto& node = static_cast<Ready::Node&>(*head.next);
    node.unlink();
    node.ready->done();
  }
}

}  // namespace skidpad::runtime

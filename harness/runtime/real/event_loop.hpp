/// @file event_loop.hpp
/// One thread's event loop over Boost.Asio, and descriptors whose readiness can be awaited.
/// Promise: what Asio still holds when a coroutine is destroyed is shared state, never a pointer into the coroutine's frame.
/// Only event_loop.cpp includes Asio: sockets, pipes, pidfds are all plain descriptors to the rest of this folder.
#pragma once

#include <functional>
#include <memory>

#include "harness/runtime/clock.hpp"
#include "harness/runtime/result.hpp"

namespace boost::asio {
class io_context;
}

namespace skidpad::runtime {

class EventLoop final : public Clock {
 public:
  EventLoop();
  ~EventLoop() override;
  EventLoop(const EventLoop&) = delete;

  Instant now() const override;
  TimerQueue& timers() override { return timers_; }
  /// Runs wakeups, timers and descriptors until the condition holds; it is looked at after each round.
  void run_until(const std::function<bool()>& finished);
  /// Calls `handler` in the loop for each SIGTERM and SIGINT.
  void on_termination_signal(std::function<void()> handler);
  /// Runs `call` in the loop; the one member other threads may use.
  void post_from_any_thread(std::function<void()> call);

  boost::asio::io_context& context();

 private:
  struct Asio;
  bool fire_due_timers();

  TimerQueue timers_;
  std::unique_ptr<Asio> asio_;
};

/// Owns an open file descriptor that epoll can watch.
class Descriptor : public std::enable_shared_from_this<Descriptor> {
 public:
  enum class Direction { read, write };

  /// Takes the descriptor over and makes it non-blocking.
  static std::shared_ptr<Descriptor> watch(EventLoop& loop, int number);
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;

  int number() const { return number_; }
  bool closed() const { return number_ < 0; }
  /// Idempotent; wakes all who wait.
  void close();

  /// co_await descriptor->ready(Direction::read): returns when trying again makes sense, or when closed. May be spurious.
  class Ready final : public Wait {
   public:
    Ready(std::shared_ptr<Descriptor> descriptor, Direction direction)
        : descriptor_(std::move(descriptor)), direction_(direction) {
      node_.ready = this;
    }
    Ready(const Ready&) = delete;
    bool await_ready() const noexcept { return descriptor_->closed(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) {
      descriptor_->start_waiting(node_, direction_);
      suspend(waiting);
    }
    void await_resume() { throw_if_stopped(); }

   private:
    friend class Descriptor;
    struct Node : Link {
      Ready* ready = nullptr;
    };
    void cancel() override { node_.unlink(); }
    std::shared_ptr<Descriptor> descriptor_;
    Direction direction_;
    Node node_;
  };
  Ready ready(Direction direction) { return Ready(shared_from_this(), direction); }

 private:
  struct Watch;
  struct Waiters : Link {
    Waiters() { previous = next = this; }
    ~Waiters();
  };
  Descriptor(EventLoop& loop, int number);
  void start_waiting(Link& node, Direction direction);
  void wake_all(Direction direction);

  int number_;
  std::unique_ptr<Watch> watch_;
  Waiters waiters_[2];
  bool asio_waits_[2] = {false, false};
};

}  // namespace skidpad::runtime

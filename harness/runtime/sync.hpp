/// @file sync.hpp
/// What tasks of one event loop wait for besides time: events, channels, mutexes; and deadlines on any task.
#pragma once

#include <deque>

#include "harness/runtime/clock.hpp"
#include "harness/runtime/result.hpp"
#include "harness/runtime/task.hpp"

namespace skidpad::runtime {

/// A flag to wait for. set() wakes all waiters and stays set until reset().
class Event {
 public:
  Event() { waiters_.previous = waiters_.next = &waiters_; }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();
  bool is_set() const { return set_; }
  void set();
  void reset() { set_ = false; }

  class Waiter final : public Wait {
   public:
    /// With a due time the wait ends then at the latest; clock may be null without one.
    Waiter(Event& event, Clock* clock, Instant due) : event_(event), timer_(*this), clock_(clock), due_(due) {}
    Waiter(const Waiter&) = delete;
    bool await_ready() const noexcept { return event_.set_; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) {
      node_.waiter = this;
      node_.insert_before(event_.waiters_);
      if (clock_ != nullptr) clock_->timers().arm(timer_, due_);
      suspend(waiting);
    }
    /// False if the due time came first.
    bool await_resume() {
      throw_if_stopped();
      return event_.set_ || notified_;
    }

   private:
    friend class Event;
    struct Node : Link {
      Waiter* waiter = nullptr;
    };
    struct Timer final : TimerNode {
      explicit Timer(Waiter& waiter) : waiter(waiter) {}
      void fire() override {
        waiter.node_.unlink();
        waiter.done();
      }
      Waiter& waiter;
    };
    void cancel() override {
      node_.unlink();
      if (timer_.armed()) clock_->timers().disarm(timer_);
    }
    Event& event_;
    Node node_;
    Timer timer_;
    Clock* clock_;
    Instant due_;
    bool notified_ = false;
  };

  /// Suspends until set.
  Waiter wait() { return Waiter(*this, nullptr, Instant{}); }
  /// Suspends until set or due; the value says whether it was set.
  Waiter wait_until(Clock& clock, Instant due) { return Waiter(*this, &clock, due); }
  Waiter wait_for(Clock& clock, Duration duration) { return Waiter(*this, &clock, clock.now() + duration); }
  /// Wakes those who wait now, without setting the flag.
  void notify_all();

 private:
  bool set_ = false;
  Link waiters_;
};

/// A bounded queue between tasks. A full channel refuses try_push: the producer decides what to do, nothing grows for ever.
template <class T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) : capacity_(capacity) {}
  bool try_push(T item) {
    if (closed_ || items_.size() >= capacity_) return false;
    items_.push_back(std::move(item));
    changed_.notify_all();
    return true;
  }
  /// Waits for room. False if the channel was closed.
  Task<bool> push(T item) {
    while (!closed_ && items_.size() >= capacity_) co_await changed_.wait();
    co_return try_push(std::move(item));
  }
  /// The next item; none when the channel is closed and empty.
  Task<std::optional<T>> pop() {
    while (items_.empty() && !closed_) co_await changed_.wait();
    co_return try_pop();
  }
  std::optional<T> try_pop() {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    changed_.notify_all();
    return item;
  }
  void close() {
    closed_ = true;
    changed_.notify_all();
  }
  bool closed() const { return closed_; }
  std::size_t size() const { return items_.size(); }
  /// Woken whenever something was pushed, popped or closed.
  Event& changed() { return changed_; }

 private:
  std::size_t capacity_;
  bool closed_ = false;
  std::deque<T> items_;
  Event changed_;
};

/// Serialises tasks. `auto held = co_await mutex.lock();`
class Mutex {
 public:
  class [[nodiscard]] Held {
   public:
    explicit Held(Mutex* mutex) : mutex_(mutex) {}
    Held(Held&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    ~Held() {
      if (mutex_ != nullptr) mutex_->unlock();
    }

   private:
    Mutex* mutex_;
  };
  Task<Held> lock();

 private:
  void unlock();
  bool locked_ = false;
  Event unlocked_;
};

/// Runs a task with a deadline: it is stopped then, unwinds, and the result is ErrorCode::timeout.
template <class T>
Task<Result<T>> with_deadline(Clock& clock, Instant due, Task<Result<T>> task, std::string doing = "waiting") {
  StopState& outer = co_await CurrentStop();
  StopState inner(outer);
  struct Deadline final : TimerNode {
    explicit Deadline(StopState& stop) : stop(stop) {}
    void fire() override { stop.request_stop(); }
    StopState& stop;
  } deadline(inner);
  clock.timers().arm(deadline, due);
  task.use_stop_state(inner);
  std::optional<Result<T>> result;
  try {
    result.emplace(co_await task);
  } catch (const Cancelled&) {
    if (outer.stop_requested()) throw;
  }
  if (result) co_return std::move(*result);
  Error error(ErrorCode::timeout, "timed out: " + doing);
  co_return error;
}

template <class T>
Task<Result<T>> with_timeout(Clock& clock, Duration timeout, Task<Result<T>> task, std::string doing = "waiting") {
  return with_deadline<T>(clock, clock.now() + timeout, std::move(task), std::move(doing));
}

}  // namespace skidpad::runtime

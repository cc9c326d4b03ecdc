/// @file clock.hpp
/// Monotonic time and timers, and the waits built on them.
#pragma once

#include "harness/runtime/task.hpp"
#include "harness/runtime/time.hpp"
#include "harness/runtime/timer_queue.hpp"

namespace skidpad::runtime {

class Sleep;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual TimerQueue& timers() = 0;
  Sleep sleep_for(Duration duration);
  Sleep sleep_until(Instant due);
};

/// co_await clock.sleep_for(5s): throws Cancelled when the task is asked to stop.
class Sleep final : public Wait, private TimerNode {
 public:
  Sleep(Clock& clock, Instant due) : clock_(clock), due_(due) {}
  Sleep(const Sleep&) = delete;
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waiting) {
    clock_.timers().arm(*this, due_);
    suspend(waiting);
  }
  void await_resume() { throw_if_stopped(); }

 private:
  void fire() override { done(); }
  void cancel() override {
    if (armed()) clock_.timers().disarm(*this);
  }
  Clock& clock_;
  Instant due_;
};

inline Sleep Clock::sleep_for(Duration duration) { return Sleep(*this, now() + duration); }
inline Sleep Clock::sleep_until(Instant due) { return Sleep(*this, due); }

}  // namespace skidpad::runtime

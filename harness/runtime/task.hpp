/// @file task.hpp
/// Task<T>: a lazily started coroutine of one event loop, and the stop state that ends waits from outside.
/// Promise: single-threaded; a woken coroutine runs in the order it was woken; destroying a Task that waits is safe at any time
/// and takes it out of every queue it stands in.
/// Not offered: symmetric transfer, since g++ 12 turns it into recursion without optimisation.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>
#include <variant>

#include "harness/runtime/assert.hpp"

namespace skidpad::runtime {

/// A member of an intrusive doubly linked list; leaves its list when destroyed.
struct Link {
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { unlink(); }
  bool linked() const { return next != nullptr; }
  void unlink();
  void insert_before(Link& position);
  Link* previous = nullptr;
  Link* next = nullptr;
};

/// Thrown out of a wait whose task was asked to stop. Not an error and not a std::exception: only owners of tasks catch it.
struct Cancelled {};

/// Holds back the wakeups of a paused process (SIGSTOP in the simulator).
struct Gate {
  bool closed = false;
};

/// Whether some tasks were asked to stop. Children of a stopped state are stopped too.
class StopState {
 public:
  class Callback : public Link {
   public:
    virtual void on_stop() = 0;

   protected:
    ~Callback() = default;
  };

  StopState();
  explicit StopState(StopState& parent);
  StopState(const StopState&) = delete;
  StopState& operator=(const StopState&) = delete;
  ~StopState();

  bool stop_requested() const { return stopped_; }
  /// Calls each callback once, in the order they were added. Idempotent.
  void request_stop();
  void add(Callback& callback);

  Gate* gate = nullptr;  ///< inherited from the parent

 private:
  struct Chain final : Callback {
    StopState* child = nullptr;
    void on_stop() override { child->request_stop(); }
  };
  bool stopped_ = false;
  Link callbacks_;  ///< list head
  Chain chain_;
};

/// A coroutine that waits to be run. wake() puts it at the end of the ready queue; at most once.
class Wakeup : public Link {
 public:
  std::coroutine_handle<> handle;
  StopState* stop = nullptr;
  void wake();
};

/// Runs everything ready, in order, until nothing is. Returns how many wakeups ran.
/// Each event loop calls this between its own events.
std::size_t run_ready(std::size_t wakeups_max = SIZE_MAX);
/// Puts wakeups that a gate held back into the ready queue again.
void release_gate(Gate& gate);

/// A suspended wait inside a coroutine's frame. A derived awaiter calls suspend() and later something calls wake().
class Wait : public Wakeup, private StopState::Callback {
 public:
  bool stopped() const { return stopped_; }
  /// Throws Cancelled if the task was asked to stop: first thing in await_resume().
  void throw_if_stopped() const {
    if (stopped_) throw Cancelled{};
  }
  template <class Promise>
  void suspend(std::coroutine_handle<Promise> waiting) {
    handle = waiting;
    stop = waiting.promise().stop;
    if (stop == nullptr) return;
    if (stop->stop_requested()) {
      on_stop();
    } else {
      stop->add(*this);
    }
  }
  void done() {
    StopState::Callback::unlink();
    wake();
  }

 protected:
  ~Wait() = default;
  /// Takes the wait out of whatever would have ended it.
  virtual void cancel() = 0;

 private:
  void on_stop() override {
    stopped_ = true;
    StopState::Callback::unlink();
    cancel();
    wake();
  }
  bool stopped_ = false;
};

struct PromiseBase {
  StopState* stop = nullptr;
  std::coroutine_handle<> continuation;
  bool running_inline = false;

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> finished) noexcept {
      auto& promise = finished.promise();
      if (!promise.running_inline && promise.continuation) promise.continuation.resume();
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
};

template <class T>
struct ValuePromise : PromiseBase {
  std::variant<std::monostate, T, std::exception_ptr> outcome;
  template <class U>
  void return_value(U&& value) {
    outcome.template emplace<1>(std::forward<U>(value));
  }
  void unhandled_exception() noexcept { outcome.template emplace<2>(std::current_exception()); }
  T take() {
    if (outcome.index() == 2) std::rethrow_exception(std::get<2>(outcome));
    ASSERT(outcome.index() == 1);
    return std::move(std::get<1>(outcome));
  }
};

template <>
struct ValuePromise<void> : PromiseBase {
  std::exception_ptr failure;
  void return_void() {}
  void unhandled_exception() noexcept { failure = std::current_exception(); }
  void take() {
    if (failure) std::rethrow_exception(failure);
  }
};

/// Starts when awaited; awaiting it gives its value or rethrows. The awaiting task's stop state is inherited.
template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type : ValuePromise<T> {
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
  };
  using Handle = std::coroutine_handle<promise_type>;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  class Awaiter {
   public:
    explicit Awaiter(Handle handle) : handle_(handle) {}
    bool await_ready() noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiting) {
      auto& promise = handle_.promise();
      promise.continuation = waiting;
      if (promise.stop == nullptr) promise.stop = waiting.promise().stop;
      promise.running_inline = true;
      handle_.resume();
      if (handle_.done()) return false;
      promise.running_inline = false;
      return true;
    }
    T await_resume() { return handle_.promise().take(); }

   private:
    Handle handle_;
  };
  Awaiter operator co_await() && noexcept { return Awaiter(handle_); }
  Awaiter operator co_await() & noexcept { return Awaiter(handle_); }

  /// Gives the task a stop state of its own instead of the awaiting task's. Before it is awaited.
  void use_stop_state(StopState& stop) { handle_.promise().stop = &stop; }

 private:
  explicit Task(Handle handle) : handle_(handle) {}
  Handle handle_;
};

/// co_await CurrentStop(): the stop state of the running task.
class CurrentStop {
 public:
  CurrentStop() {}
  bool await_ready() noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiting) {
    stop_ = waiting.promise().stop;
    return false;
  }
  StopState& await_resume() {
    ASSERT(stop_ != nullptr);
    return *stop_;
  }

 private:
  StopState* stop_ = nullptr;
};

/// co_await Yield(): lets everything else that is ready run first.
class Yield final : public Wait {
 public:
  Yield() {}
  bool await_ready() noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waiting) {
    suspend(waiting);
    wake();
  }
  void await_resume() { throw_if_stopped(); }

 private:
  void cancel() override {}
};

}  // namespace skidpad::runtime

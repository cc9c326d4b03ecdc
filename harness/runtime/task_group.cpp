#include "harness/runtime/task_group.hpp"

namespace skidpad::runtime {

struct TaskGroup::Running {
  std::string name;
  std::coroutine_handle<> frame;
  std::list<Running>::iterator self;
};

/// The coroutine at the root of a spawned task; the group owns its frame.
struct TaskGroup::Root {
  struct promise_type {
    promise_type(TaskGroup& group, Running& running, Task<void>&) : group(group), running(running), stop(&group.stop_) {}
    Root get_return_object() { return Root{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> root) noexcept {
        root.promise().group.finished(root.promise().running);
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() noexcept { std::terminate(); }
    TaskGroup& group;
    Running& running;
    StopState* stop;
  };
  std::coroutine_handle<promise_type> handle;
};

class TaskGroup::Join final : public Wait {
 public:
  explicit Join(TaskGroup& group) : group_(group) { node_.join = this; }
  bool await_ready() noexcept { return group_.running_.empty(); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waiting) {
    node_.insert_before(group_.joiners_);
    // The join outlives a stop request on purpose: the group's own tasks are stopped by it and then finish.
    handle = waiting;
    stop = waiting.promise().stop;
  }
  void await_resume() {}
  struct Node : Link {
    Join* join = nullptr;
  };

 private:
  void cancel() override {}
  TaskGroup& group_;
  Node node_;
};

TaskGroup::TaskGroup(StopState& parent) : stop_(parent) { joiners_.previous = joiners_.next = &joiners_; }

TaskGroup::~TaskGroup() {
  kill();
  ASSERT(joiners_.next == &joiners_);
  joiners_.previous = joiners_.next = nullptr;
}

void TaskGroup::kill() {
  while (!running_.empty()) {
    // The frame's destructors may look at the group, so the entry leaves the list first.
    std::list<Running> one;
    one.splice(one.begin(), running_, std::prev(running_.end()));
    one.front().frame.destroy();
  }
}

TaskGroup::Root TaskGroup::run(TaskGroup& group, Running&, Task<void> task) {
  try {
    co_await task;
  } catch (const Cancelled&) {
  } catch (...) {
    if (!group.failure_) group.failure_ = std::current_exception();
    group.request_stop();
  }
}

void TaskGroup::spawn(std::string name, Task<void> task) {
  running_.emplace_back();
  Running& running = running_.back();
  running.name = std::move(name);
  running.self = std::prev(running_.end());
  auto root = run(*this, running, std::move(task));
  running.frame = root.handle;
  root.handle.resume();
}

void TaskGroup::finished(Running& running) {
  auto frame = running.frame;
  running_.erase(running.self);
  frame.destroy();
  if (!running_.empty()) return;
  while (joiners_.next != &joiners_) {
    auto& node = static_cast<Join::Node&>(*joiners_.next);
    node.unlink();
    node.join->wake();
  }
}

Task<void> TaskGroup::join() {
  while (!running_.empty()) co_await Join(*this);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

Task<void> TaskGroup::stop_and_join() {
  request_stop();
  co_await join();
}

}  // namespace skidpad::runtime

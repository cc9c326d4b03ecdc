/// @file task_group.hpp
/// The owner of concurrent tasks. Every task in skidpad is awaited by another or spawned in a group.
/// Promise: the first task that fails stops the others; join() waits for all and rethrows that failure; destroying the group
/// ends what still runs at its current suspension point, so nothing a task refers to can be used after its owner is gone.
#pragma once

#include <list>
#include <string>

#include "harness/runtime/task.hpp"

namespace skidpad::runtime {

class TaskGroup {
 public:
  /// Tasks of the group are stopped when the parent is.
  explicit TaskGroup(StopState& parent);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  /// Starts the task at once, up to its first wait. The name is for messages only.
  void spawn(std::string name, Task<void> task);
  void request_stop() { stop_.request_stop(); }
  StopState& stop() { return stop_; }
  std::size_t running_count() const { return running_.size(); }
  /// Waits until no task runs; rethrows the first failure. Does not stop anything by itself.
  Task<void> join();
  /// The first failure, once nothing runs any more; null if there was none. For owners that are no coroutine.
  std::exception_ptr take_failure() { return std::exchange(failure_, nullptr); }
  /// request_stop() and join().
  Task<void> stop_and_join();
  /// Ends all tasks where they stand, without waiting.
  void kill();

 private:
  struct Root;
  struct Running;
  class Join;
  static Root run(TaskGroup& group, Running& running, Task<void> task);
  void finished(Running& running);

  StopState stop_;
  std::list<Running> running_;
  std::exception_ptr failure_;
  Link joiners_;  ///< list head of Join waits
};

}  // namespace skidpad::runtime

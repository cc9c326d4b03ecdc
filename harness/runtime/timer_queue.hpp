/// @file timer_queue.hpp
/// Deadlines in order; equal deadlines fire in the order they were made.
/// An indexed 4-ary heap of nodes that live in their waiters' frames: arming allocates nothing per timer.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/runtime/time.hpp"

namespace skidpad::runtime {

class TimerQueue;

class TimerNode {
 public:
  TimerNode() = default;
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;
  bool armed() const { return queue_ != nullptr; }

 protected:
  ~TimerNode();

 private:
  friend class TimerQueue;
  virtual void fire() = 0;
  TimerQueue* queue_ = nullptr;
  std::size_t position_ = 0;
};

class TimerQueue {
 public:
  void arm(TimerNode& node, Instant due);
  void disarm(TimerNode& node);
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  /// When the first is due; the queue must not be empty.
  Instant next_due() const { return heap_.front().due; }
  /// Removes the first and fires it.
  void fire_first();

 private:
  struct Entry {
    Instant due;
    std::uint64_t sequence;
    TimerNode* node;
    bool before(const Entry& other) const { return due != other.due ? due < other.due : sequence < other.sequence; }
  };
  void place(std::size_t position, Entry entry);
  void sift_up(std::size_t position, Entry entry);
  void sift_down(std::size_t position, Entry entry);
  std::vector<Entry> heap_;
  std::uint64_t sequence_ = 0;
};

}  // namespace skidpad::runtime

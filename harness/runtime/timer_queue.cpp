#include "harness/runtime/timer_queue.hpp"

#include "harness/runtime/assert.hpp"

namespace skidpad::runtime {

TimerNode::~TimerNode() {
  if (queue_ != nullptr) queue_->disarm(*this);
}

void TimerQueue::place(std::size_t position, Entry entry) {
  heap_[position] = entry;
  entry.node->position_ = position;
}

void TimerQueue::sift_up(std::size_t position, Entry entry) {
  while (position > 0) {
    const std::size_t parent = (position - 1) / 4;
    if (!entry.before(heap_[parent])) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, entry);
}

void TimerQueue::sift_down(std::size_t position, Entry entry) {
  for (;;) {
    const std::size_t first = position * 4 + 1;
    if (first >= heap_.size()) break;
    std::size_t least = first;
    for (std::size_t child = first + 1; child < std::min(first + 4, heap_.size()); ++child) {
      if (heap_[child].before(heap_[least])) least = child;
    }
    if (!heap_[least].before(entry)) break;
    place(position, heap_[least]);
    position = least;
  }
  place(position, entry);
}

void TimerQueue::arm(TimerNode& node, Instant due) {
  ASSERT(!node.armed());
  node.queue_ = this;
  heap_.emplace_back();
  sift_up(heap_.size() - 1, Entry{due, sequence_++, &node});
}

void TimerQueue::disarm(TimerNode& node) {
  ASSERT(node.queue_ == this);
  node.queue_ = nullptr;
  const std::size_t position = node.position_;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (position == heap_.size()) return;
  if (position > 0 && last.before(heap_[(position - 1) / 4])) {
    sift_up(position, last);
  } else {
    sift_down(position, last);
  }
}

void TimerQueue::fire_first() {
  TimerNode* node = heap_.front().node;
  disarm(*node);
  node->fire();
}

}  // namespace skidpad::runtime

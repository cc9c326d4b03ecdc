#include "harness/runtime/task.hpp"

namespace skidpad::runtime {

void Link::unlink() {
  if (next == nullptr) return;
  previous->next = next;
  next->previous = previous;
  previous = next = nullptr;
}

void Link::insert_before(Link& position) {
  ASSERT(!linked());
  previous = position.previous;
  next = &position;
  previous->next = this;
  position.previous = this;
}

namespace {

/// A list head that links to itself when empty.
struct Ring : Link {
  Ring() { previous = next = this; }
  ~Ring() { previous = next = nullptr; }
  bool empty() const { return next == this; }
};

Ring& ready_queue() {
  thread_local Ring queue;
  return queue;
}

Ring& held_back() {
  thread_local Ring queue;
  return queue;
}

}  // namespace

StopState::StopState() { callbacks_.previous = callbacks_.next = &callbacks_; }

StopState::StopState(StopState& parent) : StopState() {
  gate = parent.gate;
  chain_.child = this;
  if (parent.stop_requested()) {
    stopped_ = true;
  } else {
    parent.add(chain_);
  }
}

StopState::~StopState() {
  while (callbacks_.next != &callbacks_) callbacks_.next->unlink();
  callbacks_.previous = callbacks_.next = nullptr;
}

void StopState::request_stop() {
  if (stopped_) return;
  stopped_ = true;
  while (callbacks_.next != &callbacks_) {
    auto& callback = static_cast<Callback&>(*callbacks_.next);
    callback.unlink();
    callback.on_stop();
  }
}

void StopState::add(Callback& callback) {
  ASSERT(!stopped_);
  callback.insert_before(callbacks_);
}

void Wakeup::wake() {
  if (!linked()) insert_before(ready_queue());
}

std::size_t run_ready(std::size_t wakeups_max) {
  Ring& queue = ready_queue();
  std::size_t count = 0;
  for (; count < wakeups_max && !queue.empty(); ++count) {
    auto& wakeup = static_cast<Wakeup&>(*queue.next);
    wakeup.unlink();
    if (wakeup.stop != nullptr && wakeup.stop->gate != nullptr && wakeup.stop->gate->closed) {
      wakeup.insert_before(held_back());
      continue;
    }
    wakeup.handle.resume();
  }
  return count;
}

void release_gate(Gate& gate) {
  Ring& held = held_back();
  for (Link* link = held.next; link != &held;) {
    auto& wakeup = static_cast<Wakeup&>(*link);
    link = link->next;
    if (wakeup.stop->gate != &gate) continue;
    wakeup.unlink();
    wakeup.wake();
  }
}

}  // namespace skidpad::runtime

#include "harness/runtime/sync.hpp"

namespace skidpad::runtime {

Event::~Event() {
  while (waiters_.next != &waiters_) waiters_.next->unlink();
  waiters_.previous = waiters_.next = nullptr;
}

void Event::set() {
  set_ = true;
  notify_all();
}

void Event::notify_all() {
  while (waiters_.next != &waiters_) {
    auto& waiter = *static_cast<Waiter::Node&>(*waiters_.next).waiter;
    waiter.notified_ = true;
    waiter.cancel();
    waiter.done();
  }
}

Task<Mutex::Held> Mutex::lock() {
  while (locked_) co_await unlocked_.wait();
  locked_ = true;
  co_return Held(this);
}

void Mutex::unlock() {
  locked_ = false;
  unlocked_.notify_all();
}

}  // namespace skidpad::runtime

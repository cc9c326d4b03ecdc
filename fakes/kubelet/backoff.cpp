#include "fakes/kubelet/backoff.hpp"

#include <algorithm>

#include "harness/runtime/assert.hpp"

namespace skidpad::fakes::kubelet {

WallTime Backoff::due_after(WallTime ended) const {
  return delay_ == Duration{} || expired(ended) ? ended : ended + delay_;
}

void Backoff::attempt(WallTime ended, WallTime now) {
  delay_ = delay_ == Duration{} || expired(ended) ? limits_.initial : std::min(delay_ * 2, limits_.max);
  updated_ = now;
  ASSERT(delay_ <= std::max(limits_.initial, limits_.max));
}

}  // namespace skidpad::fakes::kubelet

/// @file backoff.hpp
/// How long a dead container, a missing image or a volume that cannot be made waits for the next attempt.
/// Promise: the same delays as Kubernetes' flowcontrol.Backoff: the first restart at once, then initial, doubling to max, and
/// from the start again once the thing ran for longer than twice max.
#pragma once

#include "harness/runtime/time.hpp"

namespace skidpad::fakes::kubelet {

using runtime::Duration;
using runtime::WallTime;

struct BackoffLimits {
  Duration initial = std::chrono::seconds(10);
  Duration max = std::chrono::minutes(5);
};

class Backoff {
 public:
  explicit Backoff(BackoffLimits limits) : limits_(limits) {}
  /// When the next attempt is due after an end at `ended`. Not later than `ended` where there is no wait.
  WallTime due_after(WallTime ended) const;
  /// The wait now in force, as the message names it.
  Duration delay() const { return delay_; }
  /// An attempt is made now, after an end at `ended`: the next wait is longer.
  void attempt(WallTime ended, WallTime now);
  void reset() { delay_ = {}; }

 private:
  bool expired(WallTime at) const { return at - updated_ > 2 * limits_.max; }
  BackoffLimits limits_;
  Duration delay_{};
  WallTime updated_{};
};

}  // namespace skidpad::fakes::kubelet

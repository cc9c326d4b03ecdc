#include "fakes/kubelet/backoff.hpp"

#include <gtest/gtest.h>

namespace skidpad::fakes::kubelet {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, FirstRestartIsImmediateThenTenSecondsDoublingToFiveMinutes) {
  Backoff backoff({10s, 5min});
  WallTime now{1000s};
  const Duration expected[] = {0s, 10s, 20s, 40s, 80s, 160s, 300s, 300s};
  for (Duration wait : expected) {
    EXPECT_EQ(backoff.due_after(now) - now, wait);
    now = std::max(now, backoff.due_after(now));
    backoff.attempt(now, now);
  }
}

TEST(Backoff, StartsAgainAfterAContainerRanLongerThanTwiceTheMaximum) {
  Backoff backoff({10s, 5min});
  WallTime now{1000s};
  for (int i = 0; i < 6; ++i) backoff.attempt(now, now);
  EXPECT_EQ(backoff.due_after(now + 10min), now + 10min + 300s);
  const WallTime late = now + 10min + 1s;
  EXPECT_EQ(backoff.due_after(late), late);
  backoff.attempt(late, late);
  EXPECT_EQ(backoff.delay(), 10s);
}

}  // namespace
}  // namespace skidpad::fakes::kubelet

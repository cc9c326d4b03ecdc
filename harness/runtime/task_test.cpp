// Tasks, groups, events, channels, deadlines and timers on a clock that the test moves by hand.
#include <gtest/gtest.h>

#include "harness/runtime/sync.hpp"
#include "harness/runtime/task_group.hpp"

namespace skidpad::runtime {
namespace {

class HandClock final : public Clock {
 public:
  Instant now() const override { return now_; }
  TimerQueue& timers() override { return timers_; }
  void advance(Duration duration) {
    const Instant end = now_ + duration;
    run_ready();
    while (!timers_.empty() && timers_.next_due() <= end) {
      now_ = timers_.next_due();
      timers_.fire_first();
      run_ready();
    }
    now_ = end;
  }

 private:
  Instant now_{};
  TimerQueue timers_;
};

/// Writes into a shared text when it is destroyed: tells that a frame unwound, and in which order.
class Mark {
 public:
  Mark(std::string& text, char letter) : text_(text), letter_(letter) {}
  Mark(const Mark&) = delete;
  ~Mark() { text_ += letter_; }

 private:
  std::string& text_;
  char letter_;
};

class TaskTest : public ::testing::Test {
 protected:
  ~TaskTest() override { run_ready(); }
  HandClock clock;
  StopState stop;
  std::string trace;

  Task<void> sleep_and_mark(Duration duration, char done, char unwound = '-') {
    const Mark mark(trace, unwound);
    co_await clock.sleep_for(duration);
    trace += done;
  }
  Task<int> give(int value) {
    co_await clock.sleep_for(1s);
    co_return value;
  }
  Task<Result<int>> give_result(Duration after, int value) {
    const Mark mark(trace, 'u');
    co_await clock.sleep_for(after);
    co_return value;
  }
  Task<void> fail_after(Duration duration) {
    co_await clock.sleep_for(duration);
    throw std::runtime_error("planned");
  }
  Task<int> count_children(int count) {
    int sum = 0;
    for (int i = 0; i < count; ++i) sum += co_await immediately(1);
    co_return sum;
  }
  Task<int> immediately(int value) { co_return value; }
};

TEST_F(TaskTest, ALoopOverReadyChildrenNeedsNoStack) {
  int sum = 0;
  struct Run {
    static Task<void> into(int* sum, Task<int> task) { *sum = co_await task; }
  };
  TaskGroup group(stop);
  group.spawn("sum", Run::into(&sum, count_children(500'000)));
  EXPECT_EQ(sum, 500'000);
}

TEST_F(TaskTest, ValuesAndExceptionsReachWhoAwaits) {
  struct Run {
    static Task<void> all(TaskTest* test, std::string* seen, Task<int> value, Task<void> failure) {
      (void)test;
      *seen += std::to_string(co_await value);
      try {
        co_await failure;
      } catch (const std::runtime_error& error) {
        *seen += error.what();
      }
    }
  };
  std::string seen;
  TaskGroup group(stop);
  group.spawn("all", Run::all(this, &seen, give(7), fail_after(1s)));
  clock.advance(5s);
  EXPECT_EQ(seen, "7planned");
}

TEST_F(TaskTest, EqualDeadlinesFireInTheOrderTheyWereMade) {
  TaskGroup group(stop);
  for (const char letter : {'a', 'b', 'c', 'd', 'e', 'f'}) group.spawn("sleep", sleep_and_mark(1s, letter, '.'));
  group.spawn("earlier", sleep_and_mark(999ms, 'x', '.'));
  clock.advance(1s);
  EXPECT_EQ(trace, "x.a.b.c.d.e.f.");
}

TEST_F(TaskTest, DestroyingAGroupUnwindsItsTasksWhereTheyStandLastFirst) {
  {
    TaskGroup group(stop);
    group.spawn("first", sleep_and_mark(1s, 'x', '1'));
    group.spawn("second", sleep_and_mark(1s, 'x', '2'));
  }
  EXPECT_EQ(trace, "21");
  clock.advance(2s);
  EXPECT_EQ(trace, "21");
  EXPECT_TRUE(clock.timers().empty());
}

TEST_F(TaskTest, DestroyingATaskThatIsAboutToRunIsSafe) {
  {
    TaskGroup group(stop);
    group.spawn("sleeper", sleep_and_mark(1s, 'x', '1'));
    run_ready();
    clock.timers().fire_first();  // woken, but not yet run
  }
  run_ready();
  EXPECT_EQ(trace, "1");
}

TEST_F(TaskTest, StoppingWakesEveryWaitAndIsNoFailure) {
  TaskGroup group(stop);
  group.spawn("a", sleep_and_mark(1h, 'x', 'a'));
  group.spawn("b", sleep_and_mark(2h, 'x', 'b'));
  stop.request_stop();
  EXPECT_EQ(trace, "");  // not from within request_stop()
  run_ready();
  EXPECT_EQ(trace, "ab");
  EXPECT_EQ(group.running_count(), 0u);
  group.spawn("late", sleep_and_mark(1h, 'x', 'c'));
  run_ready();
  EXPECT_EQ(trace, "abc");
}

TEST_F(TaskTest, TheFirstFailureStopsTheSiblingsAndIsRethrownOnce) {
  std::string seen;
  struct Run {
    static Task<void> join(TaskGroup* group, std::string* seen) {
      try {
        co_await group->join();
        *seen += "joined";
      } catch (const std::runtime_error& error) {
        *seen += error.what();
      }
    }
  };
  TaskGroup outer(stop);
  TaskGroup group(stop);
  group.spawn("sibling", sleep_and_mark(1h, 'x', 's'));
  group.spawn("failing", fail_after(1s));
  outer.spawn("join", Run::join(&group, &seen));
  clock.advance(2s);
  EXPECT_EQ(trace, "s");
  EXPECT_EQ(seen, "planned");
  outer.spawn("join", Run::join(&group, &seen));
  run_ready();
  EXPECT_EQ(seen, "plannedjoined");
  EXPECT_FALSE(stop.stop_requested());
}

TEST_F(TaskTest, ADeadlineStopsTheTaskAndSaysTimeout) {
  struct Run {
    static Task<void> wait(Clock* clock, Task<Result<int>> task, Duration timeout, std::string* seen) {
      auto result = co_await with_timeout<int>(*clock, timeout, std::move(task), "the answer");
      *seen = result ? std::to_string(result.value()) : result.error().message;
    }
  };
  std::string late, early;
  TaskGroup group(stop);
  group.spawn("late", Run::wait(&clock, give_result(10s, 1), 2s, &late));
  group.spawn("early", Run::wait(&clock, give_result(1s, 42), 2s, &early));
  clock.advance(3s);
  EXPECT_EQ(late, "timed out: the answer");
  EXPECT_EQ(early, "42");
  EXPECT_EQ(trace, "uu");
  EXPECT_TRUE(clock.timers().empty());
}

TEST_F(TaskTest, AStopFromOutsideIsCancelledNotTimeout) {
  struct Run {
    static Task<void> wait(Clock* clock, Task<Result<int>> task, std::string* seen) {
      const Mark mark(*seen, 'u');
      auto result = co_await with_timeout<int>(*clock, 2s, std::move(task));
      *seen += result ? "value" : "error";
    }
  };
  std::string seen;
  TaskGroup group(stop);
  group.spawn("waiting", Run::wait(&clock, give_result(10s, 1), &seen));
  stop.request_stop();
  run_ready();
  EXPECT_EQ(seen, "u");
}

TEST_F(TaskTest, DestroyingATaskInsideADeadlineIsSafe) {
  struct Run {
    static Task<void> wait(Clock* clock, Task<Result<int>> task) { (void)co_await with_timeout<int>(*clock, 2s, std::move(task)); }
  };
  {
    TaskGroup group(stop);
    group.spawn("waiting", Run::wait(&clock, give_result(10s, 1)));
  }
  EXPECT_EQ(trace, "u");
  EXPECT_TRUE(clock.timers().empty());
}

TEST_F(TaskTest, AnEventWakesAllWaitersInOrderAndStaysSet) {
  Event event;
  struct Run {
    static Task<void> wait(Event* event, std::string* trace, char letter) {
      co_await event->wait();
      *trace += letter;
    }
  };
  TaskGroup group(stop);
  group.spawn("a", Run::wait(&event, &trace, 'a'));
  group.spawn("b", Run::wait(&event, &trace, 'b'));
  run_ready();
  EXPECT_EQ(trace, "");
  event.set();
  run_ready();
  group.spawn("c", Run::wait(&event, &trace, 'c'));
  EXPECT_EQ(trace, "abc");
}

TEST_F(TaskTest, AnEventWithADueTimeTellsWhichCameFirst) {
  Event event;
  struct Run {
    static Task<void> wait(Event* event, Clock* clock, Duration duration, std::string* trace) {
      const bool set = co_await event->wait_for(*clock, duration);
      *trace += set ? 's' : 't';
    }
  };
  TaskGroup group(stop);
  group.spawn("short", Run::wait(&event, &clock, 1s, &trace));
  group.spawn("long", Run::wait(&event, &clock, 3s, &trace));
  clock.advance(2s);
  EXPECT_EQ(trace, "t");
  event.notify_all();
  run_ready();
  EXPECT_EQ(trace, "ts");
  EXPECT_FALSE(event.is_set());
  EXPECT_TRUE(clock.timers().empty());
}

TEST_F(TaskTest, AnEventMayBeDestroyedBeforeItsWaiters) {
  auto event = std::make_unique<Event>();
  struct Run {
    static Task<void> wait(Event* event) { co_await event->wait(); }
  };
  TaskGroup group(stop);
  group.spawn("waiting", Run::wait(event.get()));
  event.reset();
  stop.request_stop();
  run_ready();
  EXPECT_EQ(group.running_count(), 0u);
}

TEST_F(TaskTest, AChannelKeepsOrderAndItsBound) {
  Channel<int> channel(2);
  EXPECT_TRUE(channel.try_push(1));
  EXPECT_TRUE(channel.try_push(2));
  EXPECT_FALSE(channel.try_push(3));
  struct Run {
    static Task<void> produce(Channel<int>* channel, std::string* trace) {
      for (int i = 3; i <= 6; ++i) {
        const bool pushed = co_await channel->push(i);
        *trace += pushed ? 'p' : 'x';
      }
    }
    static Task<void> consume(Channel<int>* channel, std::string* trace) {
      for (;;) {
        const auto item = co_await channel->pop();
        if (!item) break;
        *trace += std::to_string(*item);
      }
      *trace += 'e';
    }
  };
  TaskGroup group(stop);
  group.spawn("produce", Run::produce(&channel, &trace));
  run_ready();
  EXPECT_EQ(trace, "");
  group.spawn("consume", Run::consume(&channel, &trace));
  run_ready();
  EXPECT_EQ(channel.size(), 0u);
  channel.close();
  run_ready();
  std::string items;
  for (const char letter : trace) {
    if (letter >= '0' && letter <= '9') items += letter;
  }
  EXPECT_EQ(items, "123456");
  EXPECT_EQ(trace.back(), 'e');
  EXPECT_FALSE(channel.try_push(7));
}

TEST_F(TaskTest, ClosingAChannelWakesAProducer) {
  Channel<int> channel(1);
  channel.try_push(1);
  struct Run {
    static Task<void> produce(Channel<int>* channel, std::string* trace) {
      const bool pushed = co_await channel->push(2);
      *trace += pushed ? 'p' : 'x';
    }
  };
  TaskGroup group(stop);
  group.spawn("produce", Run::produce(&channel, &trace));
  channel.close();
  run_ready();
  EXPECT_EQ(trace, "x");
  EXPECT_EQ(channel.try_pop(), 1);  // what was in it stays
}

TEST_F(TaskTest, AMutexLetsOneInAndSurvivesAKilledHolder) {
  Mutex mutex;
  struct Run {
    static Task<void> hold(Mutex* mutex, Clock* clock, Duration duration, std::string* trace, char letter) {
      auto held = co_await mutex->lock();
      *trace += letter;
      co_await clock->sleep_for(duration);
      *trace += letter;
    }
  };
  TaskGroup killed(stop);
  TaskGroup group(stop);
  killed.spawn("a", Run::hold(&mutex, &clock, 1h, &trace, 'a'));
  group.spawn("b", Run::hold(&mutex, &clock, 1s, &trace, 'b'));
  group.spawn("c", Run::hold(&mutex, &clock, 1s, &trace, 'c'));
  clock.advance(1s);
  EXPECT_EQ(trace, "a");
  killed.kill();
  clock.advance(5s);
  EXPECT_EQ(trace, "abbcc");
}

TEST_F(TaskTest, AClosedGateHoldsWakeupsBackAndReleasesThemInOrder) {
  Gate gate;
  stop.gate = &gate;
  TaskGroup group(stop);
  group.spawn("a", sleep_and_mark(1s, 'a', '.'));
  group.spawn("b", sleep_and_mark(2s, 'b', '.'));
  gate.closed = true;
  clock.advance(5s);
  EXPECT_EQ(trace, "");
  gate.closed = false;
  release_gate(gate);
  run_ready();
  EXPECT_EQ(trace, "a.b.");
}

TEST_F(TaskTest, ATaskHeldBackByAGateCanBeDestroyed) {
  Gate gate;
  stop.gate = &gate;
  {
    TaskGroup group(stop);
    group.spawn("a", sleep_and_mark(1s, 'x', 'a'));
    gate.closed = true;
    clock.advance(2s);
  }
  gate.closed = false;
  release_gate(gate);
  run_ready();
  EXPECT_EQ(trace, "a");
}

TEST_F(TaskTest, YieldLetsTheOthersRunFirst) {
  struct Run {
    static Task<void> twice(std::string* trace, char letter) {
      *trace += letter;
      co_await Yield();
      *trace += letter;
    }
  };
  TaskGroup group(stop);
  group.spawn("a", Run::twice(&trace, 'a'));
  group.spawn("b", Run::twice(&trace, 'b'));
  run_ready();
  EXPECT_EQ(trace, "abab");
}

TEST(TimerQueue, FiresInOrderUnderRandomArmingAndDisarming) {
  // Goal: the indexed heap keeps order and forgets the disarmed. Method: compared with a sorted multimap.
  struct Node final : TimerNode {
    void fire() override { fired->push_back(number); }
    std::vector<int>* fired = nullptr;
    int number = 0;
  };
  Random random(5);
  std::vector<int> fired;
  std::vector<std::unique_ptr<Node>> nodes;
  std::multimap<Instant, int> expected;
  TimerQueue queue;
  for (int i = 0; i < 2000; ++i) {
    auto node = std::make_unique<Node>();
    node->fired = &fired;
    node->number = i;
    const Instant due = Instant{} + random.between(0s, 300s);
    queue.arm(*node, due);
    expected.emplace(due, i);
    nodes.push_back(std::move(node));
    if (random.chance(Ratio{1, 3})) {
      const std::size_t victim = random.below(nodes.size());
      if (nodes[victim] == nullptr) continue;
      for (auto entry = expected.begin(); entry != expected.end(); ++entry) {
        if (entry->second == static_cast<int>(victim)) {
          expected.erase(entry);
          break;
        }
      }
      if (random.chance(Ratio{1, 2})) queue.disarm(*nodes[victim]);
      nodes[victim].reset();
    }
  }
  EXPECT_EQ(queue.size(), expected.size());
  while (!queue.empty()) queue.fire_first();
  std::vector<int> order;
  for (const auto& [due, number] : expected) order.push_back(number);
  EXPECT_EQ(fired, order);
}

}  // namespace
}  // namespace skidpad::runtime

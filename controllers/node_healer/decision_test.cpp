// What decide() answers, row by row of behaviours.md; each rule also with the smallest input that must not trip it.
#include <gtest/gtest.h>

#include "controllers/node_healer/decision.hpp"

namespace skidpad::controllers::node_healer {
namespace {

using namespace std::chrono_literals;

constexpr Instant now = Instant(1'000'000s);
const WallTime wall_now = WallTime(2'000'000s);

struct Scene {
  explicit Scene(int worker_count, int plane_count = 3) {
    seen.now = now;
    seen.wall_now = wall_now;
    seen.machines_known = true;
    for (int i = 1; i <= plane_count; ++i) {
      NodeSight node;
      node.name = "control-plane-" + std::to_string(i);
      node.ready = true;
      node.control_plane = true;
      seen.nodes[node.name] = node;
    }
    for (int i = 1; i <= worker_count; ++i) {
      Worker worker;
      worker.name = "worker-" + std::to_string(i);
      worker.machine_listed = worker.joined = true;
      worker.machine_age = 10000s;
      NodeSight node;
      node.name = worker.name;
      node.uid = "uid-" + std::to_string(i);
      node.ready = true;
      node.ready_status = "True";
      node.created = WallTime(std::chrono::seconds(1000 + i));
      worker.node = node;
      seen.workers.push_back(worker);
    }
  }
  Worker& worker(int i) { return seen.workers[std::size_t(i - 1)]; }
  Scene& lost(int i, Duration lasting, const char* status = "Unknown") {
    NodeSight& node = *worker(i).node;
    node.ready = false;
    node.ready_status = status;
    node.not_ready_since = now - lasting;
    return *this;
  }
  Scene& zone(int i, const char* name) {
    worker(i).node->zone = name;
    return *this;
  }
  Decision decided() {
    for (const Worker& one : seen.workers) {
      if (one.node) seen.nodes[one.name] = *one.node;
      else seen.nodes.erase(one.name);
    }
    return decide(policy, seen, state);
  }
  std::string chosen() {
    const Decision decision = decided();
    EXPECT_EQ(decision.chosen.has_value(), decision.verb == Verb::start);
    return decision.chosen ? decision.chosen->worker : "";
  }

  Policy policy;
  Observation seen;
  HealerState state;
};

// --- N1: who is unhealthy ---

TEST(NodeDetector, ANodeIsUnhealthyOnlyAfterItsTimeIsUp) {
  EXPECT_EQ(Scene(5).chosen(), "");
  EXPECT_EQ(Scene(5).lost(2, 299s).chosen(), "");
  EXPECT_EQ(Scene(5).lost(2, 300s).chosen(), "worker-2");
  EXPECT_EQ(Scene(5).lost(2, 300s, "False").chosen(), "worker-2");
  EXPECT_EQ(Scene(5).lost(2, 299s).decided().look_again_in, 1s);
  EXPECT_FALSE(Scene(5).decided().look_again_in);
}

TEST(NodeDetector, AMachineThatNeverJoinedFailsAfterItsTime) {
  for (const auto& [age, expected] : {std::pair<Duration, std::string>{599s, ""}, {600s, "worker-3"}}) {
    Scene scene(5);
    scene.worker(3).node.reset();
    scene.worker(3).joined = false;
    scene.worker(3).machine_age = age;
    EXPECT_EQ(scene.chosen(), expected);
  }
}

TEST(NodeDetector, ADeletedNodeObjectIsRepairedAtOnce) {
  Scene scene(5);
  scene.worker(3).node.reset();
  const Decision decision = scene.decided();
  ASSERT_EQ(decision.verb, Verb::start);
  EXPECT_EQ(decision.chosen->worker, "worker-3");
  EXPECT_EQ(decision.chosen->ailment, Ailment::no_node);
}

TEST(NodeDetector, AMachineTheProviderNoLongerHasIsReplacedAtOnceOnlyIfTheApiMissesItToo) {
  Scene gone(5);
  gone.lost(2, 0s).worker(2).machine_listed = false;
  EXPECT_EQ(gone.chosen(), "worker-2");
  Scene ready(5);
  ready.worker(2).machine_listed = false;
  EXPECT_EQ(ready.chosen(), "") << "its kubelet says it lives";
  Scene provider_silent(5);
  provider_silent.lost(2, 0s).worker(2).machine_listed = false;
  provider_silent.seen.machines_known = false;
  EXPECT_EQ(provider_silent.chosen(), "") << "not listed means nothing if the provider did not answer";
  Scene both_gone(5);
  both_gone.worker(2).node.reset();
  both_gone.worker(2).machine_listed = false;
  EXPECT_EQ(both_gone.chosen(), "worker-2");
  Scene never_was(5);
  never_was.worker(2).node.reset();
  never_was.worker(2).machine_listed = never_was.worker(2).joined = false;
  EXPECT_EQ(never_was.chosen(), "");
}

// --- N2: the fuse ---

TEST(Fuse, RoundsDownAndAllowsAtLeastOne) {
  const struct {
    const char* text;
    std::size_t workers;
    std::size_t allowed;
  } cases[] = {{"40%", 5, 2}, {"40%", 4, 1}, {"40%", 2, 1}, {"40%", 1, 1}, {"100%", 3, 3}, {"2/5", 10, 4}, {"2", 10, 2}, {"0", 3, 1}, {"0%", 3, 1}};
  for (const auto& one : cases) EXPECT_EQ(UnhealthyLimit::parse(one.text).value().allowed(one.workers), one.allowed) << one.text << " of " << one.workers;
  for (const char* bad : {"", "%", "-1", "101%", "1/0", "6/5", "forty", "4 %", "40%%", "1e3", "99999999999999999999"}) {
    EXPECT_FALSE(UnhealthyLimit::parse(bad)) << bad;
  }
}

TEST(Fuse, BlownMeansNothingIsStartedAndUnderItAgainRepairGoesOn) {
  Scene scene(5);
  scene.lost(1, 400s).lost(2, 400s).lost(3, 10s);  // three not Ready; only two for long enough, yet all three count
  const Decision blown = scene.decided();
  EXPECT_EQ(blown.verb, Verb::restrict);
  EXPECT_EQ(blown.unhealthy_count, 3U);
  EXPECT_EQ(blown.unhealthy_allowed, 2U);
  EXPECT_FALSE(blown.chosen);
  scene.worker(3).node->ready = true;
  EXPECT_EQ(scene.chosen(), "worker-1");
}

TEST(Fuse, SaysNothingWhileNobodyIsDue) {
  Scene scene(5);
  scene.lost(1, 10s).lost(2, 10s).lost(3, 10s);
  EXPECT_EQ(scene.decided().verb, Verb::nothing);
}

TEST(Fuse, SkippedAndMissingWorkersCountAsUnhealthyToo) {
  Scene scene(5);
  scene.lost(1, 400s).lost(2, 400s);
  scene.worker(2).node->skip = true;
  scene.worker(3).node.reset();
  EXPECT_EQ(scene.decided().verb, Verb::restrict);
}

// --- N3: mass failure ---

TEST(MassFailure, OfTheWholeClusterStartsNothingWhateverTheFuseAllows) {
  Scene scene(2, 1);
  scene.policy.max_unhealthy = UnhealthyLimit::parse("100%").value();
  scene.lost(1, 400s).lost(2, 900s);
  EXPECT_EQ(scene.chosen(), "worker-1") << "the control plane is there: nodes failed";
  scene.seen.nodes["control-plane-1"].ready = false;
  scene.seen.nodes["control-plane-1"].not_ready_since = now - 400s;
  const Decision away = scene.decided();
  EXPECT_EQ(away.verb, Verb::wait);
  EXPECT_EQ(away.zones_away, std::vector<std::string>{""});
}

TEST(MassFailure, OfAZoneStartsNothingThereButElsewhere) {
  Scene scene(10);
  scene.policy.max_unhealthy = UnhealthyLimit::parse("100%").value();
  scene.zone(1, "a").zone(2, "a").zone(3, "b").zone(4, "b");
  scene.lost(1, 400s).lost(2, 420s).lost(3, 350s);
  const Decision decision = scene.decided();
  EXPECT_EQ(decision.zones_away, std::vector<std::string>{"a"});
  ASSERT_TRUE(decision.chosen);
  EXPECT_EQ(decision.chosen->worker, "worker-3");
}

TEST(MassFailure, AZoneThatDiedNodeByNodeOrHasOnlyOneIsOrdinary) {
  Scene slowly(10);
  slowly.zone(1, "a").zone(2, "a").lost(1, 400s).lost(2, 451s);
  EXPECT_EQ(slowly.chosen(), "worker-1") << "more than one grace apart";
  Scene single(10);
  single.zone(1, "a").lost(1, 400s);
  EXPECT_EQ(single.chosen(), "worker-1");
}

TEST(MassFailure, IsFollowedByOneGraceOfRest) {
  Scene scene(5);
  scene.lost(2, 400s);
  scene.seen.hold_until[""] = now + 50s;
  const Decision held = scene.decided();
  EXPECT_EQ(held.verb, Verb::wait);
  EXPECT_EQ(held.look_again_in, 50s);
  scene.seen.hold_until[""] = now;
  EXPECT_EQ(scene.chosen(), "worker-2");
  scene.seen.hold_until["a"] = now + 50s;
  EXPECT_EQ(scene.chosen(), "worker-2") << "another zone's rest";
  EXPECT_EQ(scene.zone(2, "a").chosen(), "");
}

// --- N7: retries ---

TEST(Retries, WaitLongerWithEachFailureAndEndAtTheLimit) {
  Policy policy;
  EXPECT_EQ(retry_wait(policy, 0), 0s);
  EXPECT_EQ(retry_wait(policy, 1), 10s);
  EXPECT_EQ(retry_wait(policy, 2), 20s);
  EXPECT_EQ(retry_wait(policy, 6), 300s);
  EXPECT_EQ(retry_wait(policy, 1'000'000), 300s);

  Scene scene(5);
  scene.lost(2, 400s);
  Slot& slot = scene.state.slots["worker-2"];
  slot.failures = 2;
  slot.failed_at = wall_now - 19s;
  EXPECT_EQ(scene.chosen(), "");
  EXPECT_EQ(scene.decided().look_again_in, 1s);
  slot.failed_at = wall_now - 20s;
  EXPECT_EQ(scene.chosen(), "worker-2");
  slot.failures = 5;
  slot.failed_at = wall_now - 400s;
  EXPECT_EQ(scene.chosen(), "worker-2");
  slot.failures = 6;
  EXPECT_EQ(scene.chosen(), "");
  EXPECT_EQ(scene.decided().gives_up, "worker-2");
  slot.gave_up = true;
  EXPECT_FALSE(scene.decided().gives_up) << "said once";
}

TEST(Retries, OneWorkerGivenUpDoesNotHoldUpAnother) {
  Scene scene(5);
  scene.lost(1, 400s).lost(2, 400s);
  scene.state.slots["worker-1"].failures = 6;
  scene.state.slots["worker-1"].failed_at = wall_now - 1h;
  EXPECT_EQ(scene.chosen(), "worker-2");
}

TEST(Retries, AReplacementLostWithinTheHourCountsAndOneThatLastedClearsTheCount) {
  Policy policy;
  Slot slot;
  slot.failures = 3;
  slot.finished_at = wall_now - 59min;
  EXPECT_EQ(failures_now(policy, slot, wall_now), 4);
  slot.finished_at = wall_now - 60min;
  EXPECT_EQ(failures_now(policy, slot, wall_now), 0);
}

TEST(Retries, AClockSetBackDoesNotStopRepairs) {
  Scene scene(5);
  scene.lost(2, 400s);
  scene.state.slots["worker-2"].failures = 1;
  scene.state.slots["worker-2"].failed_at = wall_now + 24h;
  EXPECT_EQ(scene.chosen(), "worker-2");
}

// --- N11: skip and pause ---

TEST(SkipAndPause, GiveNoActions) {
  for (int how = 0; how < 3; ++how) {
    Scene scene(5);
    scene.lost(2, 400s);
    if (how == 0) scene.worker(2).node->skip = true;
    if (how == 1) scene.worker(2).node->paused = true;
    if (how == 2) scene.policy.paused = true;
    const Decision decision = scene.decided();
    EXPECT_EQ(decision.verb, Verb::nothing) << how;
    EXPECT_EQ(decision.unhealthy_count, 1U) << "seen all the same";
  }
  Scene other(5);
  other.lost(2, 400s).lost(3, 400s);
  other.worker(2).node->skip = true;
  EXPECT_EQ(other.chosen(), "worker-3");
}

// --- N12: order ---

TEST(Order, AnnotatedThenWithoutNodeThenOldest) {
  Scene scene(10);
  scene.policy.max_unhealthy = UnhealthyLimit::parse("100%").value();
  scene.lost(5, 400s).lost(4, 900s);
  scene.worker(5).node->created = WallTime(1s);
  scene.worker(6).node.reset();
  scene.worker(7).node->remediate = true;
  std::vector<std::string> order;
  for (const Trouble& trouble : scene.decided().troubles) order.push_back(trouble.worker);
  EXPECT_EQ(order, (std::vector<std::string>{"worker-7", "worker-6", "worker-5", "worker-4"}));
}

}  // namespace
}  // namespace skidpad::controllers::node_healer

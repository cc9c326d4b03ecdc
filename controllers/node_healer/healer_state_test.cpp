#include <gtest/gtest.h>

#include "controllers/node_healer/healer_state.hpp"
#include "controllers/node_healer/node_tracker.hpp"

namespace skidpad::controllers::node_healer {
namespace {

using namespace std::chrono_literals;

HealerState full_state() {
  HealerState state;
  state.workers = {{"worker-1", true}, {"worker-2", false}};
  state.slots["worker-2"].generation = 3;
  state.slots["worker-2"].failures = 1;
  state.slots["worker-2"].failed_at = WallTime(1700000000s + 5us);
  state.slots["worker-1"].finished_at = WallTime(1700000001s);
  state.slots["worker-1"].gave_up = true;
  state.open.emplace();
  state.open->node = "worker-2";
  state.open->uid = "u";
  state.open->replacement = "worker-2-r4";
  state.open->reason = "why";
  state.open->labels["zone"] = "a";
  state.open->started = WallTime(1700000002s);
  state.open->announced = state.open->created = true;
  state.open->created_at = WallTime(1700000003s);
  state.restricted = true;
  state.restricted_count = 7;
  return state;
}

TEST(HealerState, SurvivesWritingAndReading) {
  for (const HealerState& state : {HealerState(), full_state()}) {
    const auto read = healer_state_from_json(runtime::parse_json(to_json(state).dump()).value());
    ASSERT_TRUE(read);
    EXPECT_EQ(read.value(), state);
  }
}

TEST(HealerState, IsRefusedWhenItIsNotWhatWasWritten) {
  for (const char* text : {"null", "[]", "{}", R"({"version":2})", R"({"version":1,"workers":{"a":1}})", R"({"version":1,"open":{}})",
                           R"({"version":1,"slots":{"a":{"failedAt":"yesterday"}}})"}) {
    EXPECT_FALSE(healer_state_from_json(runtime::parse_json(text).value())) << text;
  }
}

TEST(Names, OfReplacementsGrowAndAreNeverUsedTwice) {
  const struct {
    const char* name;
    const char* slot;
    std::int64_t generation;
  } cases[] = {{"worker-2", "worker-2", 0}, {"worker-2-r1", "worker-2", 1}, {"worker-2-r12", "worker-2", 12}, {"my-rack-2", "my-rack-2", 0},
               {"a-r", "a-r", 0},           {"a-r01", "a-r01", 0},          {"-r1", "-r1", 0},                {"a-r1x", "a-r1x", 0}};
  for (const auto& one : cases) {
    EXPECT_EQ(slot_of(one.name), one.slot);
    EXPECT_EQ(generation_of(one.name), one.generation);
  }
  HealerState state;
  EXPECT_EQ(next_name("worker-2", state), "worker-2-r1");
  EXPECT_EQ(next_name("worker-2-r1", state), "worker-2-r2");
  state.slots["worker-2"].generation = 4;
  EXPECT_EQ(next_name("worker-2-r1", state), "worker-2-r5");
  state.workers["worker-2-r9"] = true;
  EXPECT_EQ(next_name("worker-2", state), "worker-2-r10");
  EXPECT_EQ(next_name(std::string(63, 'x'), HealerState()).size(), 63U);
}

// --- NodeTracker ---

constexpr Instant start = Instant(1000s);
const WallTime wall = WallTime(1700000000s);

Json node(const std::string& status, WallTime transition, const std::string& uid = "1") {
  Json object = Json::object();
  object["metadata"]["name"] = "n";
  object["metadata"]["uid"] = uid;
  Json condition = Json::object();
  condition["type"] = "Ready";
  condition["status"] = status;
  condition["lastTransitionTime"] = runtime::format_rfc3339(transition);
  object["status"]["conditions"] = Json::array({condition});
  return object;
}

TEST(NodeTracker, MeasuresByOurClockFromWhenWeSawIt) {
  NodeTracker tracker;
  tracker.saw(node("True", wall - 1h), Seen::in_first_list, start, wall);
  // The writer's clock is an hour behind, and ours has been set ahead by a day meanwhile.
  EXPECT_TRUE(tracker.saw(node("Unknown", wall - 1h), Seen::live, start + 50s, wall + 24h));
  EXPECT_EQ(tracker.find("n")->not_ready_since, start + 50s);
  EXPECT_TRUE(tracker.saw(node("False", wall - 30min), Seen::live, start + 60s, wall + 24h));
  EXPECT_EQ(tracker.find("n")->not_ready_since, start + 50s) << "Unknown to False: not Ready all along";
  EXPECT_FALSE(tracker.saw(node("False", wall - 30min), Seen::live, start + 70s, wall)) << "a heartbeat changes nothing";
}

TEST(NodeTracker, OfANodeThatWasLostBeforeWeCameOnlyItsOwnTimeTells) {
  NodeTracker tracker;
  tracker.saw(node("Unknown", wall - 100s), Seen::in_first_list, start, wall);
  EXPECT_EQ(tracker.find("n")->not_ready_since, start - 100s);
  NodeTracker future;
  future.saw(node("Unknown", wall + 100s), Seen::in_first_list, start, wall);
  EXPECT_EQ(future.find("n")->not_ready_since, start);
  NodeTracker newcomer;
  newcomer.saw(node("False", wall - 100s), Seen::live, start, wall);
  EXPECT_EQ(newcomer.find("n")->not_ready_since, start) << "it has just joined, with a clock that is behind";
}

TEST(NodeTracker, SeesThatANodeWasReadyInBetweenAndThatANewOneIsNotTheOld) {
  NodeTracker tracker;
  tracker.saw(node("Unknown", wall), Seen::live, start, wall);
  tracker.saw(node("Unknown", wall + 70s), Seen::live, start + 100s, wall + 100s);
  EXPECT_EQ(tracker.find("n")->not_ready_since, start + 100s);
  tracker.saw(node("Unknown", wall + 70s, "2"), Seen::live, start + 200s, wall + 200s);
  EXPECT_EQ(tracker.find("n")->not_ready_since, start + 200s);
  EXPECT_TRUE(tracker.gone("n"));
  EXPECT_FALSE(tracker.gone("n"));
}

TEST(NodeTracker, KnowsAPlanesNodeByLabelOrTaint) {
  NodeTracker tracker;
  Json labelled = node("True", wall);
  labelled["metadata"]["labels"]["node-role.kubernetes.io/etcd"] = "";
  tracker.saw(labelled, Seen::live, start, wall);
  EXPECT_TRUE(tracker.find("n")->control_plane);
  Json tainted = node("True", wall);
  Json taint = Json::object();
  taint["key"] = "node-role.kubernetes.io/control-plane";
  tainted["spec"]["taints"] = Json::array({taint});
  tracker.saw(tainted, Seen::live, start, wall);
  EXPECT_TRUE(tracker.find("n")->control_plane);
  Json worker = node("True", wall);
  worker["metadata"]["labels"]["node-role.kubernetes.io/worker"] = "";
  tracker.saw(worker, Seen::live, start, wall);
  EXPECT_FALSE(tracker.find("n")->control_plane);
}

}  // namespace
}  // namespace skidpad::controllers::node_healer

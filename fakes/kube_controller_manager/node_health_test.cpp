#include "fakes/kube_controller_manager/node_health.hpp"

#include <gtest/gtest.h>

namespace skidpad::fakes::kube_controller_manager {
namespace {

using namespace std::chrono_literals;
const WallTime monday(std::chrono::seconds(1767225600));

Json node(const char* ready, const std::string& heartbeat = "2026-01-01T00:00:00Z") {
  Json node = Json::object();
  node["metadata"]["name"] = "n1";
  node["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z";
  if (*ready != '\0') {
    client::set_condition(node["status"]["conditions"], "Ready", ready, "KubeletReady", "", monday);
    node["status"]["conditions"][0]["lastHeartbeatTime"] = heartbeat;
  }
  return node;
}

Json node_lease(const std::string& renewed) {
  Json lease = Json::object();
  lease["spec"]["renewTime"] = renewed;
  return lease;
}

TEST(NodeHealthJudge, WaitsForTheWholeGracePeriod) {
  Settings settings;
  settings.node_monitor_grace_period = 40s;
  NodeObservation seen;
  const runtime::Instant start{};
  EXPECT_EQ(judge_node(node("True"), nullptr, seen, true, settings, start, monday).ready_now, "True");
  EXPECT_EQ(judge_node(node("True"), nullptr, seen, false, settings, start + 40s, monday).ready_now, "True");
  const NodeHealth lost = judge_node(node("True"), nullptr, seen, false, settings, start + 41s, monday + 41s);
  EXPECT_EQ(lost.ready_now, "Unknown");
  ASSERT_EQ(lost.conditions.size(), 4U);
  EXPECT_EQ(text_at(lost.conditions[0], {"reason"}), "NodeStatusUnknown");
  EXPECT_EQ(text_at(lost.conditions[0], {"message"}), "Kubelet stopped posting node status.");
  EXPECT_EQ(text_at(lost.conditions[1], {"reason"}), "NodeStatusNeverUpdated");
}

TEST(NodeHealthJudge, TakesEitherLeaseOrHeartbeatAsLife) {
  Settings settings;
  NodeObservation seen;
  const runtime::Instant start{};
  Json lease = node_lease("1");
  judge_node(node("True"), &lease, seen, true, settings, start, monday);
  lease = node_lease("2");
  judge_node(node("True"), &lease, seen, false, settings, start + 39s, monday);
  EXPECT_EQ(judge_node(node("True"), &lease, seen, false, settings, start + 70s, monday).ready_now, "True");
  judge_node(node("True", "2026-01-01T00:01:10Z"), &lease, seen, false, settings, start + 75s, monday);
  EXPECT_EQ(judge_node(node("True", "2026-01-01T00:01:10Z"), &lease, seen, false, settings, start + 110s, monday).ready_now, "True");
  EXPECT_EQ(judge_node(node("True", "2026-01-01T00:01:10Z"), &lease, seen, false, settings, start + 120s, monday).ready_now, "Unknown");
}

TEST(NodeHealthJudge, OwnVerdictIsNoSignOfLife) {
  Settings settings;
  NodeObservation seen;
  const runtime::Instant start{};
  judge_node(node("True"), nullptr, seen, true, settings, start, monday);
  const NodeHealth lost = judge_node(node("True"), nullptr, seen, false, settings, start + 41s, monday);
  Json marked = node("True");
  marked["status"]["conditions"] = lost.conditions;
  const NodeHealth again = judge_node(marked, nullptr, seen, false, settings, start + 46s, monday);
  EXPECT_EQ(again.ready_now, "Unknown");
  EXPECT_TRUE(again.conditions.is_null());
}

TEST(NodeHealthJudge, GivesANodeThatNeverReportedLonger) {
  Settings settings;
  NodeObservation seen;
  const runtime::Instant start{};
  judge_node(node(""), nullptr, seen, true, settings, start, monday);
  EXPECT_TRUE(judge_node(node(""), nullptr, seen, false, settings, start + 59s, monday).conditions.is_null());
  EXPECT_EQ(judge_node(node(""), nullptr, seen, false, settings, start + 61s, monday).conditions.size(), 4U);
}

TEST(Taints, FollowConditionsAndKeepForeignOnes) {
  Json object = node("Unknown");
  object["spec"]["unschedulable"] = true;
  object["spec"]["taints"] = Json::parse(R"([{"key":"team","value":"red","effect":"NoSchedule"},{"key":"node.kubernetes.io/not-ready","effect":"NoSchedule"}])");
  const Json taints = taints_with_no_schedule(object, wanted_no_schedule_taints(object), monday);
  ASSERT_EQ(taints.size(), 3U);
  EXPECT_EQ(text_at(taints[0], {"key"}), "team");
  EXPECT_EQ(text_at(taints[1], {"key"}), taint_unreachable);
  EXPECT_EQ(text_at(taints[2], {"key"}), taint_unschedulable);
  object["spec"]["taints"] = taints;
  EXPECT_TRUE(taints_with_no_schedule(object, wanted_no_schedule_taints(object), monday).is_null()) << "settled";
}

TEST(Taints, SwapNoExecuteInOneWrite) {
  Json object = node("Unknown");
  object["spec"]["taints"] = Json::parse(R"([{"key":"node.kubernetes.io/not-ready","effect":"NoExecute"}])");
  const Json swapped = taints_with_no_execute(object, taint_unreachable, monday);
  ASSERT_EQ(swapped.size(), 1U);
  EXPECT_EQ(text_at(swapped[0], {"key"}), taint_unreachable);
  object["spec"]["taints"] = swapped;
  EXPECT_TRUE(taints_with_no_execute(object, "", monday).empty());
}

TEST(Zones, SlowDownWhenMostOfThemIsDown) {
  struct Case {
    std::size_t ready, not_ready;
    ZoneState state;
  };
  for (const Case& one : {Case{3, 0, ZoneState::normal}, Case{2, 1, ZoneState::normal}, Case{0, 3, ZoneState::full_disruption},
                          Case{1, 2, ZoneState::normal}, Case{2, 3, ZoneState::partial_disruption}, Case{4, 3, ZoneState::normal}}) {
    ZoneCount count;
    count.ready = one.ready;
    count.not_ready = one.not_ready;
    EXPECT_EQ(zone_state(count, 0.55), one.state) << one.ready << "/" << one.not_ready;
  }
  Settings settings;
  EXPECT_EQ(eviction_rate(ZoneState::partial_disruption, 50, settings), 0);
  EXPECT_EQ(eviction_rate(ZoneState::partial_disruption, 51, settings), 0.01);
  EXPECT_EQ(eviction_rate(ZoneState::normal, 5, settings), 0.1);
}

}  // namespace
}  // namespace skidpad::fakes::kube_controller_manager

#include "fakes/kubelet/pod_status.hpp"

#include <gtest/gtest.h>

#include "harness/client/kubernetes/object.hpp"

namespace skidpad::fakes::kubelet {
namespace {

using Phase = ContainerState::Phase;

ContainerState running(std::string name, bool ready = true) {
  ContainerState state;
  state.name = std::move(name);
  state.phase = Phase::running;
  state.started = true;
  state.ready = ready;
  return state;
}

ContainerState waiting(std::string name) {
  ContainerState state;
  state.name = std::move(name);
  return state;
}

ContainerState ended(std::string name, int code, Phase phase = Phase::terminated) {
  ContainerState state;
  state.name = std::move(name);
  state.phase = phase;
  state.termination.emplace();
  state.termination->exit_code = code;
  return state;
}

ContainerState as_init(ContainerState state, ContainerKind kind = ContainerKind::init) {
  state.kind = kind;
  return state;
}

Json pod_with(const std::string& policy) {
  Json pod = Json::object();
  pod["spec"]["restartPolicy"] = policy;
  return pod;
}

TEST(PodPhase, IsComputedAsTheRealKubeletDoes) {
  const struct {
    const char* name;
    const char* policy;
    std::vector<ContainerState> containers;
    bool terminating;
    const char* phase;
  } cases[] = {
      {"nothing yet", "Always", {waiting("a")}, false, "Pending"},
      {"one of two", "Always", {running("a"), waiting("b")}, false, "Pending"},
      {"both", "Always", {running("a"), running("b")}, false, "Running"},
      {"crashed, to be restarted", "Always", {ended("a", 1, Phase::waiting)}, false, "Running"},
      {"done", "OnFailure", {ended("a", 0)}, false, "Succeeded"},
      {"failed, retried", "OnFailure", {ended("a", 1, Phase::waiting)}, false, "Running"},
      {"failed, not retried", "Never", {ended("a", 0), ended("b", 2)}, false, "Failed"},
      {"init still running", "Always", {as_init(running("i")), waiting("a")}, false, "Pending"},
      {"init failed for good", "Never", {as_init(ended("i", 1)), waiting("a")}, false, "Failed"},
      {"init done", "Always", {as_init(ended("i", 0)), running("a")}, false, "Running"},
      {"sidecar up", "Always", {as_init(running("s"), ContainerKind::sidecar), running("a")}, false, "Running"},
      {"job done, sidecar still serves", "Never", {as_init(running("s"), ContainerKind::sidecar), ended("a", 0)}, false, "Running"},
      {"job and sidecar done", "Never", {as_init(ended("s", 0), ContainerKind::sidecar), ended("a", 0)}, false, "Succeeded"},
      {"ephemeral one failed", "Always", {running("a"), as_init(ended("d", 1), ContainerKind::ephemeral)}, false, "Running"},
      {"job done, ephemeral one runs on", "Never", {ended("a", 0), as_init(running("d"), ContainerKind::ephemeral)}, false, "Succeeded"},
      {"stopped for good, code 0", "Always", {ended("a", 0)}, true, "Succeeded"},
      {"stopped for good, killed", "Always", {ended("a", 137)}, true, "Failed"},
      {"stopped before it began", "Always", {waiting("a")}, true, "Failed"},
  };
  for (const auto& one : cases) {
    PodFacts facts;
    facts.containers = one.containers;
    facts.terminating = one.terminating;
    EXPECT_EQ(pod_phase(pod_with(one.policy), facts), one.phase) << one.name;
  }
}

TEST(PodStatus, NamesWhatIsNotReadyAndKeepsTransitionTimes) {
  const Json pod = pod_with("Always");
  PodFacts facts;
  facts.sandbox_ready = true;
  facts.containers = {running("a"), running("b", false)};
  const WallTime early{std::chrono::seconds(1000)};
  const Json first = make_pod_status(pod, facts, Json::object(), early);
  const Json ready = client::condition_of(Json{{"status", first}}, "Ready");
  EXPECT_EQ(ready["status"], "False");
  EXPECT_EQ(ready["reason"], "ContainersNotReady");
  EXPECT_EQ(ready["message"], "containers with unready status: [b]");
  facts.containers.push_back(as_init(running("d", false), ContainerKind::ephemeral));
  const Json with_ephemeral = make_pod_status(pod, facts, Json::object(), early);
  EXPECT_EQ(client::condition_of(Json{{"status", with_ephemeral}}, "Ready"), ready) << "an ephemeral one does not count";
  EXPECT_EQ(with_ephemeral["ephemeralContainerStatuses"][0]["name"], "d");
  EXPECT_EQ(with_ephemeral["containerStatuses"].size(), 2u);
  facts.containers.pop_back();
  EXPECT_EQ(client::condition_status(Json{{"status", first}}, "Initialized"), "True");

  facts.containers[1].ready = true;
  const WallTime late{std::chrono::seconds(2000)};
  const Json second = make_pod_status(pod, facts, first, late);
  const Json ready_now = client::condition_of(Json{{"status", second}}, "Ready");
  EXPECT_EQ(ready_now["status"], "True");
  EXPECT_EQ(ready_now["lastTransitionTime"], runtime::format_rfc3339(late));
  EXPECT_FALSE(ready_now.contains("reason"));
  EXPECT_EQ(client::condition_of(Json{{"status", second}}, "Initialized")["lastTransitionTime"], runtime::format_rfc3339(early));
}

TEST(PodStatus, KeepsConditionsOfOtherWriters) {
  const Json before = Json::parse(R"({"conditions":[{"type":"DisruptionTarget","status":"True","reason":"X"},{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}]})");
  PodFacts facts;
  facts.containers = {running("a")};
  const Json status = make_pod_status(pod_with("Always"), facts, before, WallTime{});
  EXPECT_EQ(client::condition_of(Json{{"status", status}}, "DisruptionTarget")["reason"], "X");
  EXPECT_EQ(client::condition_of(Json{{"status", status}}, "Ready")["lastTransitionTime"], "2026-01-01T00:00:00Z");
}

TEST(PodStatus, ShowsTheLastEndWhileWaitingForARestart) {
  PodFacts facts;
  facts.containers = {ended("a", 3, Phase::waiting)};
  facts.containers[0].waiting_reason = "CrashLoopBackOff";
  const Json status = make_pod_status(pod_with("Always"), facts, Json::object(), WallTime{});
  EXPECT_EQ(status["containerStatuses"][0]["state"]["waiting"]["reason"], "CrashLoopBackOff");
  EXPECT_EQ(status["containerStatuses"][0]["lastState"]["terminated"]["exitCode"], 3);
}

TEST(ContainerStateFile, ReadsBackWhatItWrote) {
  ContainerState state = ended("a", 3);
  state.process = {42, 7};
  state.restart_count = 5;
  state.container_id = "skidpad://x";
  state.started_at = WallTime{std::chrono::seconds(1000)};
  const ContainerState again = container_state_from_json(to_json(state));
  EXPECT_EQ(again.process, state.process);
  EXPECT_EQ(again.restart_count, 5);
  EXPECT_EQ(again.phase, Phase::terminated);
  ASSERT_TRUE(again.termination);
  EXPECT_EQ(again.termination->exit_code, 3);
  EXPECT_EQ(again.started_at, state.started_at);
}

TEST(QosClass, FollowsRequestsAndLimits) {
  const auto qos = [](const char* resources) {
    return qos_class(Json::parse(std::string(R"({"spec":{"containers":[{"resources":)") + resources + "}]}}"));
  };
  EXPECT_EQ(qos("{}"), "BestEffort");
  EXPECT_EQ(qos(R"({"requests":{"cpu":"1"}})"), "Burstable");
  EXPECT_EQ(qos(R"({"limits":{"cpu":"1","memory":"1Gi"}})"), "Guaranteed");
  EXPECT_EQ(qos(R"({"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"500m"}})"), "Burstable");
}

TEST(RestartPolicy, HoldsPerKindOfContainer) {
  EXPECT_TRUE(should_restart(pod_with("Always"), ContainerKind::main, 0));
  EXPECT_FALSE(should_restart(pod_with("OnFailure"), ContainerKind::main, 0));
  EXPECT_TRUE(should_restart(pod_with("OnFailure"), ContainerKind::main, 1));
  EXPECT_FALSE(should_restart(pod_with("Never"), ContainerKind::main, 1));
  EXPECT_FALSE(should_restart(pod_with("Always"), ContainerKind::ephemeral, 1));
  EXPECT_FALSE(should_restart(pod_with("Always"), ContainerKind::init, 0));
  EXPECT_TRUE(should_restart(pod_with("Always"), ContainerKind::init, 1));
  EXPECT_TRUE(should_restart(pod_with("Never"), ContainerKind::sidecar, 0));
}

}  // namespace
}  // namespace skidpad::fakes::kubelet

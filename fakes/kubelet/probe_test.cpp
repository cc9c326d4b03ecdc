#include "fakes/kubelet/probe.hpp"

#include <gtest/gtest.h>

namespace skidpad::fakes::kubelet {
namespace {

using namespace std::chrono_literals;
using Result = ProbeState::Result;

TEST(ProbeState, BeginsAsKubernetesDoes) {
  EXPECT_EQ(ProbeState(ProbeKind::liveness, 1, 3).result(), Result::success);
  EXPECT_EQ(ProbeState(ProbeKind::readiness, 1, 3).result(), Result::failure);
  EXPECT_EQ(ProbeState(ProbeKind::startup, 1, 3).result(), Result::unknown);
}

TEST(ProbeState, ChangesOnlyAfterAnUnbrokenRun) {
  ProbeState state(ProbeKind::readiness, 2, 3);
  struct Step {
    bool answer;
    Result result;
  };
  const Step steps[] = {{true, Result::failure}, {false, Result::failure}, {true, Result::failure}, {true, Result::success},
                        {false, Result::success}, {false, Result::success}, {true, Result::success}, {false, Result::success},
                        {false, Result::success}, {false, Result::failure}};
  for (const Step& step : steps) {
    const Result before = state.result();
    const bool changed = state.record(step.answer);
    EXPECT_EQ(state.result(), step.result);
    EXPECT_EQ(changed, before != step.result);
  }
  EXPECT_FALSE(state.container_must_die());
}

TEST(ProbeState, LivenessFailureAtItsThresholdMeansTheContainerMustDie) {
  ProbeState state(ProbeKind::liveness, 1, 3);
  EXPECT_FALSE(state.record(false));
  EXPECT_FALSE(state.record(false));
  EXPECT_FALSE(state.container_must_die());
  EXPECT_TRUE(state.record(false));
  EXPECT_TRUE(state.container_must_die());
}

TEST(ReadProbe, ResolvesNamedPortsAndDefaults) {
  const Json container = Json::parse(R"({"name":"c","ports":[{"name":"web","containerPort":8080}],
    "livenessProbe":{"httpGet":{"path":"healthz","port":"web","scheme":"HTTPS","httpHeaders":[{"name":"X","value":"1"}]},"periodSeconds":2},
    "readinessProbe":{"tcpSocket":{"port":9},"timeoutSeconds":0},
    "startupProbe":{"exec":{"command":["true"]},"failureThreshold":30,"terminationGracePeriodSeconds":5}})");
  const auto live = read_probe(container, ProbeKind::liveness);
  ASSERT_TRUE(live);
  EXPECT_EQ(live->port, 8080);
  EXPECT_EQ(live->path, "/healthz");
  EXPECT_EQ(live->scheme, "HTTPS");
  EXPECT_EQ(live->period, 2s);
  EXPECT_EQ(live->timeout, 1s);
  EXPECT_EQ(live->failure_threshold, 3);
  EXPECT_EQ(live->headers.size(), 1u);
  const auto ready = read_probe(container, ProbeKind::readiness);
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->action, ProbeSpec::Action::tcp_socket);
  EXPECT_EQ(ready->timeout, 1s);
  const auto startup = read_probe(container, ProbeKind::startup);
  ASSERT_TRUE(startup);
  EXPECT_EQ(startup->termination_grace, Duration(5s));
  EXPECT_FALSE(read_probe(Json::object(), ProbeKind::liveness));
}

TEST(EarlyWait, GrowsToThePeriodAndNeverBeyond) {
  EXPECT_EQ(early_wait(0, 10s), 50ms);
  EXPECT_EQ(early_wait(3, 10s), 400ms);
  EXPECT_EQ(early_wait(5, 1s), 1s);
  EXPECT_EQ(early_wait(60, 10s), 10s);
}

}  // namespace
}  // namespace skidpad::fakes::kubelet

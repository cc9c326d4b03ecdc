#include "fakes/kube_controller_manager/autoscaling_plan.hpp"

#include <gtest/gtest.h>

namespace skidpad::fakes::kube_controller_manager {
namespace {

using namespace std::chrono_literals;

const WallTime noon{std::chrono::seconds(1767268800)};

ObjectPointer autoscaled_pod(const std::string& name, const char* phase = "Running", const char* ready = "True", const char* request = "100m") {
  Json pod = Json::object();
  pod["metadata"]["name"] = name;
  pod["spec"]["containers"] = Json::array({{{"name", "c"}}});
  if (request != nullptr) pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] = request;
  pod["status"]["phase"] = phase;
  pod["status"]["startTime"] = runtime::format_rfc3339(noon - 1h);
  pod["status"]["conditions"] = Json::array({{{"type", "Ready"}, {"status", ready}, {"lastTransitionTime", runtime::format_rfc3339(noon - 1h)}}});
  return std::make_shared<const Json>(std::move(pod));
}

PodUsages usages_of(const std::vector<std::int64_t>& milli) {
  PodUsages usages;
  for (std::size_t i = 0; i < milli.size(); ++i) usages["p" + std::to_string(i)] = PodUsage{milli[i], noon, 15s};
  return usages;
}

TEST(AutoscalingPlan, BringsUsageToItsTarget) {
  const struct {
    const char* name;
    std::int64_t pods;
    std::vector<std::int64_t> milli;   ///< of the first pods; the others have no metrics
    std::int64_t replicas;
  } cases[] = {
      {"twice the target doubles", 2, {100, 100}, 4},
      {"within a tenth nothing moves", 2, {52, 54}, 2},
      {"half the target halves", 4, {25, 25, 25, 25}, 2},
      {"a missing pod counts as idle when growing", 2, {100}, 2},
      {"and as busy when shrinking", 2, {10}, 2},
  };
  const Json metric = Json::parse(R"({"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50}}})");
  for (const auto& one : cases) {
    std::vector<ObjectPointer> pods;
    for (std::int64_t i = 0; i < one.pods; ++i) pods.push_back(autoscaled_pod("p" + std::to_string(i)));
    const auto proposal = propose(metric, one.pods, pods, usages_of(one.milli), AutoscalingTimes(), noon);
    ASSERT_TRUE(proposal) << one.name;
    EXPECT_EQ(proposal.value().replicas, one.replicas) << one.name;
    EXPECT_EQ(proposal.value().name, "cpu resource utilization (percentage of request)");
  }
}

TEST(AutoscalingPlan, SaysWhyItCannot) {
  const Json metric = Json::parse(R"({"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50}}})");
  const struct {
    std::vector<ObjectPointer> pods;
    PodUsages usages;
    const char* message;
  } cases[] = {
      {{}, {}, "failed to get cpu utilization: no pods returned by selector while calculating replica count"},
      {{autoscaled_pod("p0", "Running", "False")}, {}, "failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)"},
      {{autoscaled_pod("p0", "Running", "True", nullptr)}, usages_of({5}), "failed to get cpu utilization: missing request for cpu in container c of Pod p0"},
  };
  for (const auto& one : cases) {
    const auto proposal = propose(metric, 1, one.pods, one.usages, AutoscalingTimes(), noon);
    ASSERT_FALSE(proposal) << one.message;
    EXPECT_EQ(proposal.error().message, one.message);
  }
}

TEST(AutoscalingPlan, StabilisesShrinkingAndLimitsGrowing) {
  const Json plain = Json::parse(R"({"spec":{"minReplicas":2,"maxReplicas":20}})");
  AutoscalerMemory memory;
  BoundedSize size = bound_size(plain, 5, 30, AutoscalingTimes(), memory, noon);
  EXPECT_EQ(size.replicas, 10);
  EXPECT_EQ(size.limited_reason, "ScaleUpLimit");
  size = bound_size(plain, 10, 1, AutoscalingTimes(), memory, noon + 1min);
  EXPECT_EQ(size.able_reason, "ScaleDownStabilized");
  EXPECT_EQ(size.replicas, 20);
  EXPECT_EQ(size.limited_reason, "TooManyReplicas");
  size = bound_size(plain, 10, 1, AutoscalingTimes(), memory, noon + 10min);
  EXPECT_EQ(size.replicas, 2);
  EXPECT_EQ(size.limited_reason, "TooFewReplicas");
  EXPECT_TRUE(size.limited);

  const Json careful = Json::parse(R"({"spec":{"minReplicas":1,"maxReplicas":20,"behavior":{
    "scaleDown":{"stabilizationWindowSeconds":0,"selectPolicy":"Max","policies":[{"type":"Pods","value":2,"periodSeconds":60}]},
    "scaleUp":{"stabilizationWindowSeconds":0,"selectPolicy":"Disabled"}}}})");
  AutoscalerMemory other;
  size = bound_size(careful, 10, 1, AutoscalingTimes(), other, noon);
  EXPECT_EQ(size.replicas, 8);
  EXPECT_EQ(size.limited_reason, "ScaleDownLimit");
  remember_scaling(other, 10, 8, noon);
  EXPECT_EQ(bound_size(careful, 8, 1, AutoscalingTimes(), other, noon + 30s).replicas, 8) << "two have gone in this minute";
  EXPECT_EQ(bound_size(careful, 8, 1, AutoscalingTimes(), other, noon + 2min).replicas, 6);
  EXPECT_EQ(bound_size(careful, 8, 15, AutoscalingTimes(), other, noon + 3min).replicas, 8) << "growing is disabled";
}

}  // namespace
}  // namespace skidpad::fakes::kube_controller_manager

#include <gtest/gtest.h>

#include "fakes/kube_controller_manager/controller_history.hpp"
#include "fakes/kube_controller_manager/cron_job.hpp"
#include "fakes/kube_controller_manager/daemon_set.hpp"
#include "fakes/kube_controller_manager/deployment_plan.hpp"
#include "fakes/kube_controller_manager/disruption.hpp"
#include "fakes/kube_controller_manager/job.hpp"
#include "fakes/kube_controller_manager/namespaces.hpp"
#include "fakes/kube_controller_manager/ownership.hpp"
#include "fakes/kube_controller_manager/pod_garbage.hpp"
#include "fakes/kube_controller_manager/replica_set.hpp"
#include "fakes/kube_controller_manager/resource_quota.hpp"
#include "fakes/kube_controller_manager/service_endpoints.hpp"
#include "fakes/kube_controller_manager/stateful_set.hpp"
#include "fakes/kube_controller_manager/taint_eviction.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::fakes::kube_controller_manager {
namespace {

const WallTime monday(std::chrono::seconds(1767225600));

ObjectPointer object(const char* json) { return std::make_shared<const Json>(Json::parse(json)); }

ObjectPointer pod(const std::string& name, bool ready, const std::string& node = "n1", const std::string& hash = "") {
  Json pod = Json::object();
  pod["metadata"]["name"] = name;
  pod["metadata"]["namespace"] = "ns";
  pod["metadata"]["uid"] = "uid-" + name;
  pod["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z";
  if (!hash.empty()) pod["metadata"]["labels"][controller_revision_hash_label] = hash;
  pod["spec"]["nodeName"] = node;
  pod["status"]["phase"] = "Running";
  client::set_condition(pod["status"]["conditions"], "Ready", ready ? "True" : "False", "", "", monday);
  return std::make_shared<const Json>(std::move(pod));
}

ObjectPointer deleting(const ObjectPointer& pod) {
  Json changed = *pod;
  changed["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  return std::make_shared<const Json>(std::move(changed));
}

ObjectPointer replica_set(const std::string& name, std::int64_t replicas, std::int64_t available, const std::string& image = "img:1",
                          std::int64_t desired = -1) {
  Json set = Json::object();
  set["metadata"]["name"] = name;
  set["metadata"]["uid"] = "uid-" + name;
  set["metadata"]["creationTimestamp"] = "2026-01-01T00:00:0" + std::to_string(image == "img:1" ? 1 : 2) + "Z";
  if (desired >= 0) {
    set["metadata"]["annotations"][annotations::desired_replicas] = std::to_string(desired);
    set["metadata"]["annotations"][annotations::max_replicas] = std::to_string(desired + 1);
  }
  set["spec"]["replicas"] = replicas;
  set["spec"]["template"]["metadata"]["labels"][template_hash_label] = name;
  set["spec"]["template"]["spec"]["image"] = image;
  set["status"]["replicas"] = replicas;
  set["status"]["readyReplicas"] = available;
  set["status"]["availableReplicas"] = available;
  return std::make_shared<const Json>(std::move(set));
}

Json deployment(std::int64_t replicas, Json surge, Json unavailable, const std::string& image = "img:2") {
  Json deployment = Json::object();
  deployment["metadata"]["name"] = "web";
  deployment["metadata"]["generation"] = 2;
  deployment["spec"]["replicas"] = replicas;
  deployment["spec"]["progressDeadlineSeconds"] = 600;
  deployment["spec"]["strategy"]["type"] = "RollingUpdate";
  deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"] = std::move(surge);
  deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] = std::move(unavailable);
  deployment["spec"]["template"]["spec"]["image"] = image;
  return deployment;
}

TEST(ReplicaSetPlan, GivesUpTheLeastUsefulPodsFirst) {
  const Json set = Json::parse(R"({"spec":{"replicas":1}})");
  const ReplicaSetPlan plan = plan_replica_set(set, {pod("ready", true), pod("unready", false), pod("unbound", false, "")}, {});
  ASSERT_EQ(plan.remove.size(), 2U);
  EXPECT_EQ(client::name_of(*plan.remove[0]), "unbound");
  EXPECT_EQ(client::name_of(*plan.remove[1]), "unready");
}

TEST(ReplicaSetPlan, PrefersDoubledUpNodes) {
  const Json set = Json::parse(R"({"spec":{"replicas":2}})");
  const ReplicaSetPlan plan =
      plan_replica_set(set, {pod("alone", true, "n1"), pod("b", true, "n2"), pod("c", true, "n2")}, {{"n1", 1}, {"n2", 2}});
  ASSERT_EQ(plan.remove.size(), 1U);
  EXPECT_EQ(text_at(*plan.remove[0], {"spec", "nodeName"}), "n2");
}

TEST(ReplicaSetPlan, CreatesWhatIsMissing) {
  EXPECT_EQ(plan_replica_set(Json::parse(R"({"spec":{"replicas":3}})"), {pod("a", true)}, {}).create_count, 2);
}

TEST(DeploymentPlan, StaysWithinSurgeAndAvailability) {
  struct Case {
    const char* name;
    std::int64_t replicas;
    Json surge;
    Json unavailable;
    std::int64_t old_size, old_available, new_size, new_available;
    std::int64_t new_target, old_target;
  };
  const Case cases[] = {
      {"first step surges by one and takes one", 4, 1, 1, 4, 4, 0, 0, 1, 3},
      {"unready new ones do not count", 4, 1, 1, 3, 3, 2, 0, 2, 3},
      {"goes on as they get ready", 4, 1, 1, 3, 3, 2, 2, 2, 1},
      {"25 % of 3 is one surge and none away", 3, "25%", "25%", 3, 3, 0, 0, 1, 3},
      {"unhealthy old ones go first", 4, 0, 1, 4, 2, 0, 0, 0, 3},
      {"nothing both ways still moves", 2, 0, 0, 2, 2, 0, 0, 0, 1},
      {"done", 4, 1, 1, 0, 0, 4, 4, 4, 0},
  };
  for (const Case& one : cases) {
    const Json object = deployment(one.replicas, one.surge, one.unavailable);
    const ObjectPointer old_set = replica_set("old", one.old_size, one.old_available);
    const ObjectPointer new_set = replica_set("new", one.new_size, one.new_available, "img:2");
    EXPECT_EQ(new_replica_set_size(object, {old_set, new_set}, *new_set), one.new_target) << one.name;
    const auto scales = scale_down_old(object, {old_set}, new_set);
    EXPECT_EQ(scales.empty() ? one.old_size : scales.front().replicas, one.old_target) << one.name;
  }
}

TEST(DeploymentPlan, FindsTheSetOfATemplateDespiteItsHash) {
  const ReplicaSets sets{replica_set("old", 2, 2), replica_set("new", 0, 0, "img:2")};
  EXPECT_EQ(client::name_of(*find_new_replica_set(deployment(2, 1, 0, "img:2"), sets)), "new");
  EXPECT_EQ(client::name_of(*find_new_replica_set(deployment(2, 1, 0, "img:1"), sets)), "old");
  EXPECT_EQ(find_new_replica_set(deployment(2, 1, 0, "img:3"), sets), nullptr);
}

TEST(DeploymentPlan, ScalesInProportionDuringARollout) {
  const ObjectPointer old_set = replica_set("old", 8, 8, "img:1", 10);
  const ObjectPointer new_set = replica_set("new", 3, 1, "img:2", 10);
  const Json object = deployment(20, 1, 0);
  EXPECT_TRUE(is_scaling_event(object, {old_set, new_set}));
  std::int64_t sum = 0;
  for (const Scale& scale : scale_proportionally(object, {old_set}, new_set)) {
    sum += scale.replicas;
    EXPECT_GE(scale.replicas, replicas_of(*scale.replica_set));
  }
  EXPECT_EQ(sum, 21);
}

TEST(DeploymentStatus, TimesOutOnlyWithoutProgress) {
  Json object = deployment(3, 1, 0);
  object["spec"]["progressDeadlineSeconds"] = 6;
  const ReplicaSets sets{replica_set("old", 3, 3), replica_set("new", 1, 0, "img:2")};
  Json status = rollout_status(object, sets, sets[1], monday);
  object["status"] = status;
  set_deployment_condition(object["status"], "Progressing", "True", "ReplicaSetUpdated", "x", monday);
  const Json early = rollout_status(object, sets, sets[1], monday + std::chrono::seconds(5));
  EXPECT_EQ(text_at(early["conditions"].back(), {"reason"}), "ReplicaSetUpdated");
  const Json late = rollout_status(object, sets, sets[1], monday + std::chrono::seconds(7));
  const Json& condition = late["conditions"].back();
  EXPECT_EQ(text_at(condition, {"reason"}), "ProgressDeadlineExceeded");
  EXPECT_EQ(text_at(condition, {"message"}), "ReplicaSet \"new\" has timed out progressing.");
  EXPECT_EQ(integer_at(late, {"unavailableReplicas"}), 1);
  // A step forward at the last moment saves it.
  const ReplicaSets better{sets[0], replica_set("new", 1, 1, "img:2")};
  const Json saved = rollout_status(object, better, better[1], monday + std::chrono::seconds(7));
  EXPECT_EQ(text_at(saved["conditions"].back(), {"reason"}), "ReplicaSetUpdated");
}

TEST(DeploymentAnnotations, RememberFormerRevisions) {
  Json set = *replica_set("a", 0, 0);
  Json object = deployment(2, 1, 0);
  object["metadata"]["annotations"]["note"] = "x";
  object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "{}";
  EXPECT_TRUE(set_new_replica_set_annotations(object, set, 1, false));
  EXPECT_EQ(client::annotation(set, annotations::max_replicas), "3");
  EXPECT_EQ(client::annotation(set, "note"), "x");
  EXPECT_EQ(client::annotation(set, "kubectl.kubernetes.io/last-applied-configuration"), "");
  EXPECT_TRUE(set_new_replica_set_annotations(object, set, 3, true));
  EXPECT_EQ(client::annotation(set, annotations::revision), "3");
  EXPECT_EQ(client::annotation(set, annotations::revision_history), "1");
  EXPECT_FALSE(set_new_replica_set_annotations(object, set, 3, true));
}

ObjectPointer node(const std::string& name, const char* taints = "[]") {
  Json node = Json::object();
  node["metadata"]["name"] = name;
  node["spec"]["taints"] = Json::parse(taints);
  return std::make_shared<const Json>(std::move(node));
}

TEST(DaemonSetPlan, PutsOnePodOnEachNodeThatFits) {
  const Json set = Json::parse(R"({"metadata":{"name":"d","namespace":"ns","uid":"u"},"spec":{"template":{"spec":{"containers":[]}}}})");
  const std::vector<ObjectPointer> nodes{node("n1"), node("n2", R"([{"key":"t","effect":"NoSchedule"}])"),
                                         node("n3", R"([{"key":"node.kubernetes.io/unreachable","effect":"NoExecute"}])"),
                                         node("n4", R"([{"key":"t","effect":"NoExecute"}])")};
  const DaemonPlan plan = plan_daemon_set(set, nodes, {{"n4", {pod("stray", true, "n4")}}, {"n2", {pod("stays", true, "n2")}}});
  EXPECT_EQ(plan.create_on, (std::vector<std::string>{"n1", "n3"}));
  ASSERT_EQ(plan.remove.size(), 1U);
  EXPECT_EQ(client::name_of(*plan.remove[0]), "stray");
  const Json made = daemon_pod(set, "n1", "h");
  EXPECT_EQ(made["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"][0]["matchFields"][0]
                ["values"][0],
            "n1");
}

TEST(DaemonSetPlan, UpdatesOneNodeAtATime) {
  const Json set = Json::parse(R"({"spec":{"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":1,"maxSurge":0}}}})");
  const std::vector<ObjectPointer> nodes{node("n1"), node("n2"), node("n3")};
  PodsByNode pods{{"n1", {pod("a", true, "n1", "old")}}, {"n2", {pod("b", true, "n2", "old")}}, {"n3", {pod("c", true, "n3", "new")}}};
  EXPECT_EQ(plan_daemon_update(set, nodes, pods, "new", monday).remove.size(), 1U);
  pods["n3"] = {pod("c", false, "n3", "new")};
  EXPECT_TRUE(plan_daemon_update(set, nodes, pods, "new", monday).remove.empty()) << "one is away already";
  pods["n3"] = {deleting(pod("c", true, "n3", "old"))};
  EXPECT_TRUE(plan_daemon_update(set, nodes, pods, "new", monday).remove.empty());
  pods["n1"] = {pod("a", false, "n1", "old")};
  EXPECT_EQ(plan_daemon_update(set, nodes, pods, "new", monday).remove.size(), 1U) << "one that serves nobody costs nothing";
}

TEST(StatefulSetPlan, GoesInOrderAndBackwards) {
  Json set = Json::parse(R"({"metadata":{"name":"db"},"spec":{"replicas":3}})");
  using Pods = std::map<std::int64_t, ObjectPointer>;
  const auto first = [&](const Pods& pods) -> std::string {
    const auto steps = plan_stateful_set(set, pods, "new", monday);
    if (steps.empty()) return "nothing";
    EXPECT_EQ(steps.size(), 1U);
    const char* kind = steps[0].kind == StatefulStep::Kind::create ? "create " : steps[0].kind == StatefulStep::Kind::remove ? "remove " : "again ";
    return kind + std::to_string(steps[0].ordinal);
  };
  const auto p = [](bool ready, const char* hash) { return pod("x", ready, "n1", hash); };
  EXPECT_EQ(first({}), "create 0");
  EXPECT_EQ(first({{0, p(false, "new")}}), "nothing");
  EXPECT_EQ(first({{0, p(true, "new")}}), "create 1");
  EXPECT_EQ(first({{0, p(true, "old")}, {1, p(true, "old")}, {2, p(true, "old")}}), "remove 2");
  EXPECT_EQ(first({{0, p(true, "old")}, {1, p(true, "old")}, {2, p(false, "new")}}), "nothing");
  EXPECT_EQ(first({{0, p(true, "old")}, {1, p(true, "old")}, {2, p(true, "new")}}), "remove 1");
  EXPECT_EQ(first({{0, p(true, "old")}, {1, deleting(p(true, "old"))}, {2, p(true, "new")}}), "nothing");
  set["spec"]["replicas"] = 1;
  EXPECT_EQ(first({{0, p(true, "new")}, {1, p(true, "new")}, {2, p(true, "new")}}), "remove 2");
  EXPECT_EQ(first({{0, p(true, "new")}, {1, p(true, "new")}, {2, deleting(p(true, "new"))}}), "nothing");
  set["spec"]["replicas"] = 3;
  set["spec"]["podManagementPolicy"] = "Parallel";
  EXPECT_EQ(plan_stateful_set(set, {}, "new", monday).size(), 3U);
}

ObjectPointer job_pod(const std::string& name, const char* phase, bool tracked = true) {
  Json made = *pod(name, false);
  made["status"]["phase"] = phase;
  if (tracked) made["metadata"]["finalizers"] = Json::array({job_tracking_finalizer});
  return std::make_shared<const Json>(std::move(made));
}

TEST(JobPlan, CountsEachPodOnceAcrossPasses) {
  Json job = Json::parse(R"({"spec":{"parallelism":2,"completions":3,"backoffLimit":6},"status":{"startTime":"2026-01-01T00:00:00Z"}})");
  EXPECT_EQ(plan_job(job, {}, monday).create_indexes.size(), 2U);
  // One finished: remembered by UID, its finalizer may go, its place is filled.
  JobPlan plan = plan_job(job, {job_pod("a", "Succeeded"), job_pod("b", "Running")}, monday);
  EXPECT_EQ(integer_at(plan.status, {"succeeded"}), 0);
  EXPECT_EQ(plan.status["uncountedTerminatedPods"]["succeeded"].size(), 1U);
  EXPECT_EQ(plan.release.size(), 1U);
  EXPECT_EQ(plan.create_indexes.size(), 1U);
  // Its finalizer is gone: counted, once.
  job["status"] = plan.status;
  plan = plan_job(job, {job_pod("a", "Succeeded", false), job_pod("b", "Running"), job_pod("c", "Running")}, monday);
  EXPECT_EQ(integer_at(plan.status, {"succeeded"}), 1);
  EXPECT_TRUE(plan.status["uncountedTerminatedPods"].empty());
  job["status"] = plan.status;
  EXPECT_EQ(integer_at(plan_job(job, {job_pod("a", "Succeeded", false)}, monday).status, {"succeeded"}), 1);
}

TEST(JobPlan, FailsBeyondItsBackoffLimitAndCompletesOnlyWhenAllIsCounted) {
  Json job = Json::parse(R"({"spec":{"parallelism":1,"completions":1,"backoffLimit":0},"status":{"startTime":"2026-01-01T00:00:00Z"}})");
  JobPlan plan = plan_job(job, {job_pod("a", "Failed")}, monday);
  job["status"] = plan.status;
  EXPECT_EQ(client::condition_status(job, "FailureTarget"), "True");
  EXPECT_EQ(client::condition_status(job, "Failed"), "") << "its pod still has the finalizer";
  plan = plan_job(job, {job_pod("a", "Failed", false)}, monday);
  job["status"] = plan.status;
  EXPECT_EQ(client::condition_status(job, "Failed"), "True");
  EXPECT_EQ(plan.event_reason, "BackoffLimitExceeded");
}

TEST(JobIndexes, GoBothWays) {
  for (const char* text : {"", "0", "0,1", "1,3-5", "0-2,7,9-11"}) EXPECT_EQ(format_indexes(parse_indexes(text)), text);
}

TEST(Budgets, CountReadyPodsAndGrantedEvictions) {
  Json budget = Json::parse(R"({"metadata":{"generation":1},"spec":{"minAvailable":2},"status":{"disruptedPods":{"c":"2026-01-01T00:00:00Z"}}})");
  const std::vector<ObjectPointer> pods{pod("a", true), pod("b", true), pod("c", true)};
  const auto need = budget_need(budget, 3, 3);
  ASSERT_TRUE(need);
  const Json status = budget_status(budget, pods, *need, monday + std::chrono::seconds(1), nullptr);
  EXPECT_EQ(integer_at(status, {"currentHealthy"}), 2);
  EXPECT_EQ(integer_at(status, {"disruptionsAllowed"}), 0);
  EXPECT_EQ(text_at(status["conditions"][0], {"reason"}), "InsufficientPods");
  const Json later = budget_status(budget, pods, *need, monday + std::chrono::minutes(3), nullptr);
  EXPECT_EQ(integer_at(later, {"disruptionsAllowed"}), 1) << "an eviction that did not happen counts no longer";
  EXPECT_EQ(budget_need(Json::parse(R"({"spec":{"maxUnavailable":"30%"}})"), 3, 10)->desired_healthy, 7);
  EXPECT_FALSE(budget_need(Json::parse(R"({"spec":{"maxUnavailable":1}})"), 3, std::nullopt));
}

TEST(Endpoints, FollowReadinessAndTermination) {
  const Json service = Json::parse(
      R"({"metadata":{"name":"web","namespace":"ns"},"spec":{"selector":{},"ports":[{"name":"http","port":80,"targetPort":8080,"protocol":"TCP"}]}})");
  const auto at = [](ObjectPointer pod, const char* address) {
    Json changed = *pod;
    changed["status"]["podIP"] = address;
    return std::make_shared<const Json>(std::move(changed));
  };
  const std::vector<ObjectPointer> pods{at(pod("a", true), "10.0.0.2"), at(pod("b", false), "10.0.0.1"), at(deleting(pod("c", true)), "10.0.0.3"),
                                        pod("no-address", true)};
  const Store nodes;
  const auto slices = wanted_slices(service, endpoint_pods(service, pods), nodes);
  ASSERT_EQ(slices.size(), 1U);
  const Json& endpoints = slices[0]["endpoints"];
  ASSERT_EQ(endpoints.size(), 3U);
  EXPECT_EQ(endpoints[0]["conditions"].dump(), R"({"ready":true,"serving":true,"terminating":false})");
  EXPECT_EQ(endpoints[1]["conditions"].dump(), R"({"ready":false,"serving":false,"terminating":false})");
  EXPECT_EQ(endpoints[2]["conditions"].dump(), R"({"ready":false,"serving":true,"terminating":true})");
  const Json subsets = wanted_subsets(service, endpoint_pods(service, pods));
  ASSERT_EQ(subsets.size(), 1U);
  EXPECT_EQ(subsets[0]["addresses"].size(), 1U);
  EXPECT_EQ(subsets[0]["notReadyAddresses"].size(), 1U);
  EXPECT_EQ(subsets[0]["ports"][0]["port"], 8080);
}

TEST(Claims, AdoptMatchReleaseAndLeaveOthersAlone) {
  const Json owner = Json::parse(R"({"metadata":{"name":"o","uid":"o1"}})");
  const auto selector = Selector::parse("a=1").value();
  const std::vector<ObjectPointer> pods{
      object(R"({"metadata":{"name":"owned","labels":{"a":"1"},"ownerReferences":[{"uid":"o1","controller":true}]}})"),
      object(R"({"metadata":{"name":"lost","labels":{"a":"2"},"ownerReferences":[{"uid":"o1","controller":true}]}})"),
      object(R"({"metadata":{"name":"other","labels":{"a":"1"},"ownerReferences":[{"uid":"o2","controller":true}]}})"),
      object(R"({"metadata":{"name":"orphan","labels":{"a":"1"}}})"),
      object(R"({"metadata":{"name":"going","labels":{"a":"1"},"deletionTimestamp":"2026-01-01T00:00:00Z"}})")};
  const ClaimPlan plan = plan_claims(owner, selector, pods);
  ASSERT_EQ(plan.owned.size(), 1U);
  ASSERT_EQ(plan.release.size(), 1U);
  ASSERT_EQ(plan.adopt.size(), 1U);
  EXPECT_EQ(client::name_of(*plan.release[0]), "lost");
  EXPECT_EQ(client::name_of(*plan.adopt[0]), "orphan");
  Json going = owner;
  going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  EXPECT_TRUE(plan_claims(going, selector, pods).adopt.empty());
}

TEST(ToleratedTime, IsTheShortestOfAllTaints) {
  const Json tainted = Json::parse(R"({"spec":{"taints":[{"key":"a","effect":"NoExecute"},{"key":"b","effect":"NoExecute"},{"key":"c","effect":"NoSchedule"}]}})");
  const auto time = [&](const char* tolerations) {
    Json subject = Json::object();
    subject["spec"]["tolerations"] = Json::parse(tolerations);
    return tolerated_time(subject, tainted);
  };
  EXPECT_EQ(time("[]"), Duration::zero());
  EXPECT_EQ(time(R"([{"key":"a","operator":"Exists","tolerationSeconds":5},{"key":"b","operator":"Exists","tolerationSeconds":3}])"),
            Duration(std::chrono::seconds(3)));
  EXPECT_EQ(time(R"([{"operator":"Exists"}])"), std::nullopt);
  EXPECT_EQ(tolerated_time(*pod("a", true), Json::object()), std::nullopt) << "no taints, no hurry";
}

TEST(TerminatedPods, GoOldestFirstAboveTheThreshold) {
  std::vector<ObjectPointer> pods;
  for (int i = 0; i < 4; ++i) {
    Json made = *job_pod("p" + std::to_string(i), "Succeeded");
    made["metadata"]["creationTimestamp"] = "2026-01-01T00:00:0" + std::to_string(9 - i) + "Z";
    pods.push_back(std::make_shared<const Json>(std::move(made)));
  }
  pods.push_back(pod("running", true));
  const auto chosen = terminated_above(pods, 3);
  ASSERT_EQ(chosen.size(), 1U);
  EXPECT_EQ(client::name_of(*chosen[0]), "p3");
  EXPECT_TRUE(terminated_above(pods, 4).empty());
}

TEST(NamespaceConditions, SayWhatIsLeft) {
  NamespaceContent content;
  content.count_by_resource["configmaps."] = 1;
  content.count_by_finalizer["x.example/hold"] = 1;
  Json holder = Json::object();
  holder["status"]["conditions"] = namespace_conditions(Json::object(), content, monday);
  EXPECT_EQ(text_at(client::condition_of(holder, "NamespaceContentRemaining"), {"message"}),
            "Some resources are remaining: configmaps. has 1 resource instances");
  EXPECT_EQ(text_at(client::condition_of(holder, "NamespaceFinalizersRemaining"), {"message"}),
            "Some content in the namespace has finalizers remaining: x.example/hold in 1 resource instances");
  EXPECT_EQ(client::condition_status(holder, "NamespaceDeletionContentFailure"), "False");
}

TEST(CronSchedules, FindTheNextTime) {
  struct Case {
    const char* schedule;
    const char* next;   // after 2026-01-01T00:00:00Z, a Thursday
  };
  for (const Case& one : {Case{"* * * * *", "2026-01-01T00:01:00Z"}, Case{"*/15 * * * *", "2026-01-01T00:15:00Z"},
                          Case{"0 3 * * *", "2026-01-01T03:00:00Z"}, Case{"30 2 * * mon", "2026-01-05T02:30:00Z"},
                          Case{"0 0 29 2 *", "2028-02-29T00:00:00Z"}, Case{"0 12 13 * fri", "2026-01-02T12:00:00Z"},
                          Case{"5-10/5,20 1 * * *", "2026-01-01T01:05:00Z"}, Case{"@monthly", "2026-02-01T00:00:00Z"},
                          Case{"0 0 * * 7", "2026-01-04T00:00:00Z"}}) {
    const auto schedule = CronSchedule::parse(one.schedule);
    ASSERT_TRUE(schedule) << one.schedule;
    EXPECT_EQ(runtime::format_rfc3339(*schedule.value().next(monday)), one.next) << one.schedule;
  }
  EXPECT_FALSE(CronSchedule::parse("0 0 30 2 *").value().next(monday));
  for (const char* bad : {"", "* * * *", "60 * * * *", "5-1 * * * *", "*/0 * * * *", "a * * * *"}) EXPECT_FALSE(CronSchedule::parse(bad)) << bad;
}

TEST(CronJobPlan, StartsOnlyTheNewestMissedTimeAndNotTooLate) {
  Json cron_job = Json::parse(R"({"metadata":{"name":"c","namespace":"ns","creationTimestamp":"2026-01-01T00:00:30Z"},"spec":{}})");
  const auto schedule = CronSchedule::parse("* * * * *").value();
  EXPECT_FALSE(plan_cron_job(cron_job, schedule, monday + std::chrono::seconds(45)).due);
  const CronPlan plan = plan_cron_job(cron_job, schedule, monday + std::chrono::seconds(200));
  EXPECT_EQ(*plan.due, monday + std::chrono::minutes(3));
  EXPECT_EQ(client::name_of(job_of(cron_job, *plan.due)), "c-29453763");
  cron_job["spec"]["startingDeadlineSeconds"] = 10;
  EXPECT_TRUE(plan_cron_job(cron_job, schedule, monday + std::chrono::seconds(200)).too_late);
  cron_job["status"]["lastScheduleTime"] = "2026-01-01T00:03:00Z";
  EXPECT_FALSE(plan_cron_job(cron_job, schedule, monday + std::chrono::seconds(185)).due);
}

/// A place one hour ahead of UTC, two from 29 March 2026 01:00 UTC on.
std::string zone_file() {
  const auto number = [](std::int64_t value, int bytes) {
    std::string text;
    for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xFF);
    return text;
  };
  const auto header = [&](int times, int types) { return "TZif2" + std::string(15, '\0') + number(0, 4) + number(0, 4) + number(0, 4) + number(times, 4) + number(types, 4) + number(1, 4); };
  const std::string empty = header(0, 1) + number(0, 4) + std::string(2, '\0') + std::string(1, '\0');
  return empty + header(1, 2) + number(1774746000, 8) + std::string(1, '\1') + number(3600, 4) + std::string(2, '\0') + number(7200, 4) + std::string("\1\0", 2) + std::string(1, '\0');
}

TEST(CronJobPlan, CountsByTheClocksOfItsZone) {
  const auto zone = TimeZone::parse(zone_file());
  ASSERT_TRUE(zone.has_value());
  Json cron_job = Json::parse(R"({"metadata":{"name":"c","namespace":"ns","creationTimestamp":"2026-03-27T00:00:00Z"},"spec":{}})");
  const auto at = [](const char* text) {
    WallTime time;
    EXPECT_TRUE(runtime::parse_rfc3339(text, time));
    return time;
  };
  struct Row {
    const char* schedule;
    const char* now;
    const char* next;
  };
  const Row zoned_rows[] = {
      {"0 9 * * *", "2026-03-28T06:00:00Z", "2026-03-28T08:00:00Z"},
      {"0 9 * * *", "2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z"},
      {"30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z"},  // the clocks leap from 2:00 to 3:00 on the 29th
  };
  for (const Row& row : zoned_rows) {
    const CronPlan plan = plan_cron_job(cron_job, CronSchedule::parse(row.schedule).value(), at(row.now), zone.value());
    EXPECT_EQ(runtime::format_rfc3339(*plan.next), row.next) << row.schedule;
  }
  EXPECT_FALSE(TimeZone::parse("TZif").has_value());
}

TEST(QuotaUse, AddsUpLivingPodsAndCounts) {
  Json quota = Json::parse(R"({"spec":{"hard":{"pods":"10","requests.cpu":"4","limits.memory":"1Gi","services":"3","x/unknown":"1"}}})");
  Json one = *pod("a", true);
  one["spec"]["containers"] = Json::parse(R"([{"resources":{"requests":{"cpu":"250m"},"limits":{"memory":"100Mi"}}},{"resources":{"requests":{"cpu":"1"}}}])");
  const std::vector<ObjectPointer> pods{std::make_shared<const Json>(one), job_pod("done", "Succeeded")};
  const Json used = quota_used(quota, pods, {{"services", 2}});
  EXPECT_EQ(used.dump(), R"({"limits.memory":"104857600","pods":"1","requests.cpu":"1250m","services":"2"})");
}

TEST(Flags, TurnControllersOnAndOff) {
  Settings settings;
  runtime::Flags flags("kube-controller-manager");
  settings.add_to(flags);
  const std::vector<std::string> arguments{"--controllers=*,-namespace", "--node-monitor-grace-period=8s", "--node-eviction-rate=0.5",
                                           "--use-service-account-credentials=true", "--cluster-cidr=10.0.0.0/8"};
  ASSERT_TRUE(flags.parse(arguments));
  settings.finish();
  EXPECT_TRUE(settings.enabled("deployment-controller"));
  EXPECT_FALSE(settings.enabled("namespace-controller"));
  EXPECT_EQ(settings.node_monitor_grace_period, std::chrono::seconds(8));
  EXPECT_EQ(settings.node_eviction_rate, 0.5);
  Settings bad;
  runtime::Flags other("kube-controller-manager");
  bad.add_to(other);
  ASSERT_TRUE(other.parse({"--node-eviction-rate=fast"}));
  EXPECT_THROW(bad.finish(), UsageError);
}

}  // namespace
}  // namespace skidpad::fakes::kube_controller_manager

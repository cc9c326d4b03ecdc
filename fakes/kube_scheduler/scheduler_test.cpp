#include <gtest/gtest.h>

#include "fakes/kube_scheduler/preemption.hpp"
#include "fakes/kube_scheduler/scores.hpp"

namespace skidpad::fakes::kube_scheduler {
namespace {

struct NoNamespaces final : NamespaceLabels {
  const Json& labels(const std::string&) const override {
    static const Json none = Json::object();
    return none;
  }
};

ObjectPointer node(const std::string& name, const char* labels = "{}", const char* spec = "{}", const char* cpu = "2") {
  Json node = Json::object();
  node["metadata"]["name"] = name;
  node["metadata"]["labels"] = Json::parse(labels);
  node["metadata"]["labels"]["kubernetes.io/hostname"] = name;
  node["spec"] = Json::parse(spec);
  node["status"]["allocatable"]["cpu"] = cpu;
  node["status"]["allocatable"]["memory"] = "8Gi";
  node["status"]["allocatable"]["pods"] = "110";
  return std::make_shared<const Json>(std::move(node));
}

std::shared_ptr<const PodFacts> pod(const std::string& name, const char* spec, const char* labels = "{}", const char* owner = "") {
  Json pod = Json::object();
  pod["metadata"]["name"] = name;
  pod["metadata"]["namespace"] = "ns";
  pod["metadata"]["uid"] = "uid-" + name;
  pod["metadata"]["labels"] = Json::parse(labels);
  if (*owner != '\0') {
    Json reference = Json::object();
    reference["uid"] = owner;
    reference["controller"] = true;
    pod["metadata"]["ownerReferences"] = Json::array();
    pod["metadata"]["ownerReferences"].push_back(std::move(reference));
  }
  pod["spec"] = Json::parse(spec);
  return std::make_shared<const PodFacts>(std::make_shared<const Json>(std::move(pod)));
}

constexpr const char* red_taint = R"({"taints":[{"key":"team","value":"red","effect":"NoSchedule"}]})";

struct Filtered {
  std::string fits;      ///< names
  std::string message;
};

Filtered filter(const ClusterState& cluster, const PodFacts& pod) {
  NoNamespaces namespaces;
  const PodFilter filter(pod, cluster, namespaces);
  Filtered result;
  Refusals refusals;
  std::map<std::string, std::size_t> counts;
  for (const NodeFacts* node : cluster.nodes()) {
    auto refusal = filter.check(*node);
    if (!refusal) {
      result.fits += (result.fits.empty() ? "" : " ") + node->name();
      continue;
    }
    for (const std::string& reason : refusal->reasons) ++counts[reason];
    refusals.emplace(node->name(), *refusal);
  }
  if (result.fits.empty()) {
    result.message = describe_refusals(cluster.nodes().size(), counts) + " preemption: " + plan_preemption(pod, cluster, refusals, namespaces).message;
  }
  return result;
}

TEST(Filters, SayWhyInTheRealOnesWords) {
  ClusterState cluster;
  cluster.set_node(node("n1", R"({"disk":"ssd"})"));
  cluster.set_node(node("n2"));
  cluster.set_node(node("n3", "{}", red_taint));
  EXPECT_EQ(filter(cluster, *pod("big", R"({"containers":[{"resources":{"requests":{"cpu":"5"}}}]})")).message,
            "0/3 nodes are available: 1 node(s) had untolerated taint {team: red}, 2 Insufficient cpu. preemption: 0/3 nodes are available: "
            "1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.");
  EXPECT_EQ(filter(cluster, *pod("tol", R"({"containers":[],"nodeSelector":{"kubernetes.io/hostname":"n3"}})")).message,
            "0/3 nodes are available: 1 node(s) had untolerated taint {team: red}, 2 node(s) didn't match Pod's node affinity/selector. "
            "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.");
}

TEST(Filters, ChooseTheNodesThatFit) {
  ClusterState cluster;
  cluster.set_node(node("n1", R"({"disk":"ssd","topology.kubernetes.io/zone":"a"})"));
  cluster.set_node(node("n2", R"({"topology.kubernetes.io/zone":"a"})"));
  cluster.set_node(node("n3", R"({"topology.kubernetes.io/zone":"b"})", red_taint));
  cluster.set_node(node("n4", R"({"topology.kubernetes.io/zone":"b"})", R"({"unschedulable":true})"));
  cluster.assume(pod("web", R"({"containers":[{"ports":[{"containerPort":80,"hostPort":80}]}]})", R"({"app":"web"})"), "n2");
  struct Case {
    const char* name;
    const char* spec;
    const char* fits;
  };
  const Case cases[] = {
      {"plain", R"({"containers":[]})", "n1 n2"},
      {"selector", R"({"containers":[],"nodeSelector":{"disk":"ssd"}})", "n1"},
      {"toleration", R"({"containers":[],"tolerations":[{"key":"team","operator":"Exists"}]})", "n1 n2 n3"},
      {"tolerates everything", R"({"containers":[],"tolerations":[{"operator":"Exists"}]})", "n1 n2 n3 n4"},
      {"host port taken", R"({"containers":[{"ports":[{"hostPort":80}]}]})", "n1"},
      {"another address of the port", R"({"containers":[{"ports":[{"hostPort":80,"protocol":"UDP"}]}]})", "n1 n2"},
      {"affinity by field", R"({"containers":[],"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":
        [{"matchFields":[{"key":"metadata.name","operator":"In","values":["n2"]}]}]}}}})", "n2"},
      {"near web", R"({"containers":[],"affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
        [{"topologyKey":"kubernetes.io/hostname","labelSelector":{"matchLabels":{"app":"web"}}}]}}})", "n2"},
      {"in web's zone", R"({"containers":[],"affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
        [{"topologyKey":"topology.kubernetes.io/zone","labelSelector":{"matchLabels":{"app":"web"}}}]}}})", "n1 n2"},
      {"away from web", R"({"containers":[],"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
        [{"topologyKey":"kubernetes.io/hostname","labelSelector":{"matchLabels":{"app":"web"}}}]}}})", "n1"},
      {"too much with what is there", R"({"containers":[{"resources":{"requests":{"memory":"9Gi"}}}]})", ""},
  };
  for (const Case& one : cases) EXPECT_EQ(filter(cluster, *pod("x", one.spec)).fits, one.fits) << one.name;
}

TEST(Filters, HonourTheAntiAffinityOfOthers) {
  ClusterState cluster;
  cluster.set_node(node("n1"));
  cluster.set_node(node("n2"));
  cluster.assume(pod("hermit", R"({"containers":[],"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
    [{"topologyKey":"kubernetes.io/hostname","labelSelector":{}}]}}})"), "n1");
  EXPECT_EQ(filter(cluster, *pod("x", R"({"containers":[]})")).fits, "n2");
}

TEST(Filters, KeepTheSkewOfATopologyBounded) {
  ClusterState cluster;
  cluster.set_node(node("n1", R"({"zone":"a"})"));
  cluster.set_node(node("n2", R"({"zone":"b"})"));
  cluster.assume(pod("one", R"({"containers":[]})", R"({"app":"x"})"), "n1");
  EXPECT_EQ(filter(cluster, *pod("two", R"({"containers":[],"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone",
    "whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"x"}}}]})", R"({"app":"x"})")).fits, "n2");
}

TEST(Scores, SpreadPodsOfOneOwner) {
  ClusterState cluster;
  for (const char* name : {"n1", "n2", "n3"}) cluster.set_node(node(name));
  std::map<std::string, int> count;
  for (int i = 0; i < 6; ++i) {
    const auto one = pod("p" + std::to_string(i), R"({"containers":[{"resources":{"requests":{"cpu":"100m"}}}]})", "{}", "rs");
    const auto nodes = cluster.nodes();
    const auto scores = score_nodes(*one, nodes, cluster, SpreadPeers());
    const std::size_t best = std::size_t(std::max_element(scores.begin(), scores.end()) - scores.begin());
    ++count[nodes[best]->name()];
    cluster.assume(one, nodes[best]->name());
  }
  EXPECT_EQ(count, (std::map<std::string, int>{{"n1", 2}, {"n2", 2}, {"n3", 2}}));
}

TEST(Preemption, TakesTheFewestLeastImportantPods) {
  ClusterState cluster;
  cluster.set_node(node("n1"));
  cluster.set_node(node("n2"));
  const char* one_cpu = R"({"priority":10,"containers":[{"resources":{"requests":{"cpu":"1"}}}]})";
  cluster.assume(pod("a", one_cpu), "n1");
  cluster.assume(pod("b", R"({"priority":0,"containers":[{"resources":{"requests":{"cpu":"1"}}}]})"), "n1");
  cluster.assume(pod("c", one_cpu), "n2");
  cluster.assume(pod("d", one_cpu), "n2");
  NoNamespaces namespaces;
  const auto incoming = pod("vip", R"({"priority":100,"containers":[{"resources":{"requests":{"cpu":"1"}}}]})");
  const PodFilter filter(*incoming, cluster, namespaces);
  Refusals refusals;
  for (const NodeFacts* node : cluster.nodes()) refusals.emplace(node->name(), *filter.check(*node));
  const PreemptionPlan plan = plan_preemption(*incoming, cluster, refusals, namespaces);
  EXPECT_EQ(plan.node, "n1");
  ASSERT_EQ(plan.victims.size(), 1U);
  EXPECT_EQ(plan.victims[0]->key, "ns/b");
  const auto equal = pod("equal", R"({"priority":0,"containers":[{"resources":{"requests":{"cpu":"1"}}}]})");
  EXPECT_EQ(plan_preemption(*equal, cluster, refusals, namespaces).node, "");
}

TEST(ClusterStates, AddUpAndTakeBack) {
  ClusterState cluster;
  cluster.set_node(node("n1"));
  const auto one = pod("a", R"({"containers":[{"resources":{"requests":{"cpu":"500m"}}}],"initContainers":[{"resources":{"requests":{"cpu":"1"}}}]})");
  cluster.assume(one, "n1");
  EXPECT_EQ(cluster.node("n1")->requested.cpu_milli, 1000) << "the init container alone needs more";
  Json bound = *one->pod;
  bound["spec"]["nodeName"] = "n1";
  cluster.set_pod(std::make_shared<const Json>(bound));
  EXPECT_EQ(cluster.node("n1")->requested.cpu_milli, 1000);
  cluster.forget("ns/a");
  EXPECT_EQ(cluster.node("n1")->requested.cpu_milli, 1000) << "confirmed pods are not forgotten";
  cluster.remove_pod("ns/a");
  EXPECT_EQ(cluster.node("n1")->requested.cpu_milli, 0);
}

}  // namespace
}  // namespace skidpad::fakes::kube_scheduler

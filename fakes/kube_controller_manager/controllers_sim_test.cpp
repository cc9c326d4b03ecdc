#include <gtest/gtest.h>

#include "fakes/kube_controller_manager/kube_controller_manager.hpp"
#include "fakes/kube_controller_manager/node_health.hpp"
#include "harness/client/kubernetes/testing/small_api.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::fakes::kube_controller_manager {
namespace {

using namespace std::chrono_literals;
using client::testing::SmallApi;
using runtime::sim::MachineSpec;
using runtime::sim::World;
using runtime::sim::WorldOptions;

SmallApi* api = nullptr;
Task<int> api_main(Runtime& runtime, std::vector<std::string>) { return api->serve(runtime); }

/// Binds pods to ready nodes by turns, runs them, ends deleted ones, renews leases: nodes without substance.
class Hollow {
 public:
  std::set<std::string> silent;
  Task<int> run(Runtime& runtime) {
    for (int beat = 0;; ++beat) {
      for (const char* name : {"n1", "n2", "n3"}) {
        if (silent.count(name) != 0) continue;
        Json lease = Json::object();
        lease["metadata"]["name"] = name;
        lease["metadata"]["namespace"] = "kube-node-lease";
        lease["spec"]["renewTime"] = runtime::format_rfc3339_micro(runtime.wall_now());
        if (beat % 10 == 0) api->put(types::leases, std::move(lease));
      }
      std::vector<std::string> keys;
      for (const auto& [key, pod] : api->all(types::pods)) keys.push_back(key);
      for (const std::string& key : keys) tend(runtime, api->all(types::pods).at(key), key);
      co_await runtime.sleep_for(1s);
    }
  }

 private:
  void tend(Runtime& runtime, Json& pod, const std::string& key) {
    const std::string node = text_at(pod, {"spec", "nodeName"});
    if (node.empty()) {
      for (int tries = 0; tries < 3; ++tries) {
        const std::string name = "n" + std::to_string(++turn_ % 3 + 1);
        if (!list_at(*api->get(types::nodes, name), {"spec", "taints"}).empty()) continue;
        pod["spec"]["nodeName"] = name;
        api->touch(types::pods, key);
        return;
      }
      return;
    }
    if (silent.count(node) != 0) return;
    if (client::is_deleting(pod)) {
      api->erase(types::pods, key);
    } else if (text_at(pod, {"status", "phase"}) == "Pending") {
      pod["status"]["phase"] = "Running";
      client::set_condition(pod["status"]["conditions"], "Ready", "True", "", "", runtime.wall_now());
      api->touch(types::pods, key);
    }
  }
  int turn_ = 0;
};
Hollow* hollow = nullptr;
Task<int> hollow_main(Runtime& runtime, std::vector<std::string>) { return hollow->run(runtime); }

class ControllersTest : public ::testing::Test {
 protected:
  explicit ControllersTest(std::uint64_t seed = 1) : world(options(seed)) {
    api = &server;
    hollow = &nodes;
    world.register_program("api", api_main);
    world.register_program("hollow", hollow_main);
    world.register_program("kube-controller-manager", kube_controller_manager_main);
    for (int i = 1; i <= 3; ++i) {
      MachineSpec spec;
      spec.name = "m" + std::to_string(i);
      spec.address = "10.0.0." + std::to_string(i);
      world.add_machine(spec);
      Json node = Json::object();
      node["metadata"]["name"] = "n" + std::to_string(i);
      client::set_condition(node["status"]["conditions"], "Ready", "True", "KubeletReady", "", world.wall_now());
      server.put(types::nodes, std::move(node));
    }
    start("m1", "api");
    start("m1", "hollow");
  }
  static WorldOptions options(std::uint64_t seed) {
    WorldOptions options;
    options.seed = seed;
    return options;
  }
  runtime::sim::SimProcess* start(const std::string& machine, const std::string& program) {
    runtime::ProcessSpec spec;
    spec.executable = "/bin/" + program;
    if (program == "kube-controller-manager") {
      const std::string kubeconfig = client::write_kubeconfig(SmallApi::kubeconfig("10.0.0.1"));
      EXPECT_TRUE(static_cast<runtime::Disk&>(world.machine(machine)->disk()).write("/kubeconfig", kubeconfig));
      spec.arguments.push_back("--kubeconfig=/kubeconfig");
    }
    return world.machine(machine)->start(std::move(spec)).value();
  }
  void run_for(Duration duration) { world.run_until(world.now() + duration); }
  void create_deployment(std::int64_t replicas) {
    Json object = Json::parse(R"({"metadata":{"name":"web","namespace":"ns"},"spec":{"selector":{"matchLabels":{"app":"web"}},
      "progressDeadlineSeconds":600,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1,"maxUnavailable":0}},
      "template":{"metadata":{"labels":{"app":"web"}},"spec":{"terminationGracePeriodSeconds":5,"containers":[{"name":"c","image":"img:1"}],
      "tolerations":[{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},
                     {"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}]}}}})");
    object["spec"]["replicas"] = replicas;
    server.put(types::deployments, std::move(object));
  }
  std::int64_t ready_pods() {
    std::int64_t count = 0;
    for (const auto& [key, pod] : server.all(types::pods)) {
      if (client::is_pod_ready(pod) && !client::is_deleting(pod)) ++count;
    }
    return count;
  }
  bool has_taint(const std::string& node, const std::string& key, const std::string& effect) {
    for (const Json& taint : list_at(*server.get(types::nodes, node), {"spec", "taints"})) {
      if (text_at(taint, {"key"}) == key && text_at(taint, {"effect"}) == effect) return true;
    }
    return false;
  }

  SmallApi server;
  Hollow nodes;
  World world;
};

TEST_F(ControllersTest, ADeploymentComesUpAndSettles) {
  start("m2", "kube-controller-manager");
  create_deployment(3);
  ASSERT_TRUE(world.run_until(world.now() + 20s, [&] { return ready_pods() == 3; }));
  run_for(5s);
  const Json& status = find(*server.get(types::deployments, "ns/web"), {"status"});
  EXPECT_EQ(integer_at(status, {"availableReplicas"}), 3);
  // Settled controllers stay still: only the lease is written.
  const std::size_t before = server.writes.size();
  run_for(60s);
  for (std::size_t i = before; i < server.writes.size(); ++i) {
    EXPECT_NE(server.writes[i].target.find("/leases/"), std::string::npos) << server.writes[i].method << " " << server.writes[i].target;
  }
}

TEST_F(ControllersTest, ALostNodeLosesItsPodsInTheDocumentedOrder) {
  start("m2", "kube-controller-manager");
  create_deployment(3);
  ASSERT_TRUE(world.run_until(world.now() + 20s, [&] { return ready_pods() == 3; }));
  run_for(20s);
  nodes.silent.insert("n2");
  const auto lost_at = world.now();
  ASSERT_TRUE(world.run_until(lost_at + 60s, [&] { return client::condition_status(*server.get(types::nodes, "n2"), "Ready") == "Unknown"; }));
  EXPECT_GE(world.now() - lost_at, 30s);
  ASSERT_TRUE(world.run_until(world.now() + 1s, [&] { return has_taint("n2", taint_unreachable, "NoSchedule"); }));
  ASSERT_TRUE(world.run_until(world.now() + 1s, [&] { return ready_pods() == 2; }));
  ASSERT_TRUE(world.run_until(world.now() + 12s, [&] { return has_taint("n2", taint_unreachable, "NoExecute"); }));
  const auto tainted_at = world.now();
  ASSERT_TRUE(world.run_until(world.now() + 310s, [&] { return ready_pods() == 3; }));
  EXPECT_GE(world.now() - tainted_at, 299s);
  // Back again: taints go, and the pods that were terminating there.
  nodes.silent.clear();
  Json& node = server.all(types::nodes).at("n2");
  client::set_condition(node["status"]["conditions"], "Ready", "True", "KubeletReady", "", world.wall_now());
  server.touch(types::nodes, "n2");
  run_for(15s);
  EXPECT_TRUE(list_at(*server.get(types::nodes, "n2"), {"spec", "taints"}).empty());
  EXPECT_EQ(server.all(types::pods).size(), 3U);
}

TEST_F(ControllersTest, SilenceOfAllNodesEvictsNobody) {
  start("m2", "kube-controller-manager");
  create_deployment(3);
  ASSERT_TRUE(world.run_until(world.now() + 20s, [&] { return ready_pods() == 3; }));
  run_for(20s);
  nodes.silent = {"n1", "n2", "n3"};
  run_for(600s);
  for (const char* name : {"n1", "n2", "n3"}) {
    EXPECT_EQ(client::condition_status(*server.get(types::nodes, name), "Ready"), "Unknown");
    EXPECT_FALSE(has_taint(name, taint_unreachable, "NoExecute")) << name;
  }
  for (const auto& [key, pod] : server.all(types::pods)) EXPECT_FALSE(client::is_deleting(pod)) << key;
}

TEST_F(ControllersTest, ARolloutKeepsItsPromiseAndGarbageIsCollected) {
  start("m2", "kube-controller-manager");
  create_deployment(3);
  ASSERT_TRUE(world.run_until(world.now() + 20s, [&] { return ready_pods() == 3; }));
  Json& object = server.all(types::deployments).at("ns/web");
  object["spec"]["template"]["spec"]["containers"][0]["image"] = "img:2";
  object["metadata"]["generation"] = 2;
  server.touch(types::deployments, "ns/web");
  bool kept = true;
  ASSERT_TRUE(world.run_until(world.now() + 120s, [&] {
    kept = kept && ready_pods() >= 3;
    return integer_at(*server.get(types::deployments, "ns/web"), {"status", "observedGeneration"}) == 2 &&
           integer_at(*server.get(types::deployments, "ns/web"), {"status", "updatedReplicas"}) == 3 &&
           integer_at(*server.get(types::deployments, "ns/web"), {"status", "replicas"}) == 3;
  }));
  EXPECT_TRUE(kept) << "maxUnavailable 0";
  EXPECT_EQ(server.all(types::replica_sets).size(), 2U);
  server.erase(types::deployments, "ns/web");
  ASSERT_TRUE(world.run_until(world.now() + 60s, [&] { return server.all(types::replica_sets).empty() && server.all(types::pods).empty(); }));
}

TEST_F(ControllersTest, OneActsAndTheOtherTakesOverAfterAKill) {
  auto* first = start("m2", "kube-controller-manager");
  run_for(5s);
  start("m3", "kube-controller-manager");
  run_for(5s);
  first->signal(runtime::Signal::kill);
  create_deployment(2);
  run_for(5s);
  EXPECT_TRUE(server.all(types::replica_sets).empty()) << "nobody leads yet";
  ASSERT_TRUE(world.run_until(world.now() + 25s, [&] { return ready_pods() == 2; }));
}

TEST_F(ControllersTest, AClaimIsBoundToTheSmallestVolumeThatFitsAndReleasedAfterwards) {
  const auto volume = [](const char* name, const char* size) {
    Json object = Json::parse(R"({"spec":{"accessModes":["ReadWriteOnce"],"persistentVolumeReclaimPolicy":"Retain","hostPath":{"path":"/x"}}})");
    object["metadata"]["name"] = name;
    object["spec"]["capacity"]["storage"] = size;
    return object;
  };
  for (const auto& [name, size] : {std::pair("small", "1Gi"), std::pair("large", "10Gi"), std::pair("middle", "5Gi")}) server.put(types::persistent_volumes, volume(name, size));
  Json claim = Json::parse(R"({"metadata":{"name":"c","namespace":"ns"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"2Gi"}}},"status":{"phase":"Pending"}})");
  server.put(types::persistent_volume_claims, claim);
  claim["metadata"]["name"] = "greedy";
  claim["spec"]["resources"]["requests"]["storage"] = "1Ti";
  server.put(types::persistent_volume_claims, claim);
  start("m2", "kube-controller-manager");
  ASSERT_TRUE(world.run_until(world.now() + 20s, [&] { return text_at(*server.get(types::persistent_volume_claims, "ns/c"), {"status", "phase"}) == "Bound"; }));
  run_for(5s);
  const Json& bound = *server.get(types::persistent_volume_claims, "ns/c");
  EXPECT_EQ(text_at(bound, {"spec", "volumeName"}), "middle");
  EXPECT_EQ(text_at(bound, {"status", "capacity", "storage"}), "5Gi");
  EXPECT_EQ(text_at(bound, {"metadata", "annotations", "pv.kubernetes.io/bind-completed"}), "yes");
  EXPECT_EQ(text_at(*server.get(types::persistent_volumes, "middle"), {"status", "phase"}), "Bound");
  EXPECT_EQ(text_at(*server.get(types::persistent_volumes, "small"), {"status", "phase"}), "Available");
  EXPECT_EQ(text_at(*server.get(types::persistent_volume_claims, "ns/greedy"), {"status", "phase"}), "Pending");
  server.erase(types::persistent_volume_claims, "ns/c");
  EXPECT_TRUE(world.run_until(world.now() + 20s, [&] { return text_at(*server.get(types::persistent_volumes, "middle"), {"status", "phase"}) == "Released"; }));
}

TEST_F(ControllersTest, EndpointsWrittenByHandAreMirroredAsLongAsTheirServiceSelectsNothing) {
  server.put(types::services, Json::parse(R"({"metadata":{"name":"outside","namespace":"ns"},"spec":{"ports":[{"port":80}]}})"));
  server.put(types::endpoints, Json::parse(R"({"metadata":{"name":"outside","namespace":"ns","labels":{"a":"b"}},
    "subsets":[{"addresses":[{"ip":"192.0.2.1"},{"ip":"2001:db8::1"}],"notReadyAddresses":[{"ip":"192.0.2.2"}],"ports":[{"port":80}]}]})"));
  server.put(types::endpoints, Json::parse(R"({"metadata":{"name":"lonely","namespace":"ns"},"subsets":[{"addresses":[{"ip":"192.0.2.9"}]}]})"));
  start("m2", "kube-controller-manager");
  const auto mirrored = [&] {
    std::vector<Json> slices;
    for (const auto& [key, slice] : server.all(types::endpoint_slices)) {
      if (text_at(slice, {"metadata", "labels", "endpointslice.kubernetes.io/managed-by"}) == "endpointslicemirroring-controller.k8s.io") slices.push_back(slice);
    }
    return slices;
  };
  ASSERT_TRUE(world.run_until(world.now() + 20s, [&] { return mirrored().size() == 2; }));
  for (const Json& slice : mirrored()) {
    EXPECT_EQ(text_at(slice, {"metadata", "labels", "kubernetes.io/service-name"}), "outside");
    EXPECT_EQ(text_at(slice, {"metadata", "labels", "a"}), "b");
    EXPECT_EQ(list_at(slice, {"endpoints"}).size(), text_at(slice, {"addressType"}) == "IPv4" ? 2U : 1U);
  }
  server.all(types::services).at("ns/outside")["spec"]["selector"]["app"] = "x";
  server.touch(types::services, "ns/outside");
  EXPECT_TRUE(world.run_until(world.now() + 20s, [&] { return mirrored().empty(); }));
}

TEST_F(ControllersTest, RolesAreAggregatedAndNodesSayHowLongSecretsMayBeKept) {
  const auto role = [](const char* name, const char* rest) {
    Json object = Json::parse(rest);
    object["metadata"]["name"] = name;
    return object;
  };
  const char* part = R"({"metadata":{"labels":{"to":"sum"}},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]})";
  server.put(types::cluster_roles, role("a", part));
  server.put(types::cluster_roles, role("b", part));
  server.put(types::cluster_roles, role("c", R"({"metadata":{"labels":{"to":"sum"}},"rules":[{"apiGroups":[""],"resources":["nodes"],"verbs":["get"]}]})"));
  server.put(types::cluster_roles, role("sum", R"({"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"to":"sum"}}]}})"));
  start("m2", "kube-controller-manager");
  EXPECT_TRUE(world.run_until(world.now() + 20s, [&] { return list_at(*server.get(types::cluster_roles, "sum"), {"rules"}).size() == 2; }));
  EXPECT_TRUE(world.run_until(world.now() + 5s, [&] { return text_at(*server.get(types::nodes, "n1"), {"metadata", "annotations", "node.alpha.kubernetes.io/ttl"}) == "0"; }));
}

/// One seeded run with a kill in the middle; the digest of everything that happened.
std::uint64_t run_once(std::uint64_t seed);

class SeededControllers : public ControllersTest {
 public:
  explicit SeededControllers(std::uint64_t seed) : ControllersTest(seed) {}
  void TestBody() override {}
  std::uint64_t run() {
    auto* first = start("m2", "kube-controller-manager");
    start("m3", "kube-controller-manager");
    create_deployment(3);
    run_for(3s + world.random().between(0s, 10s));
    first->signal(runtime::Signal::kill);
    EXPECT_TRUE(world.run_until(world.now() + 60s, [&] { return ready_pods() == 3; }));
    run_for(5s);
    EXPECT_EQ(server.all(types::pods).size(), 3U) << "no duplicates after a crash";
    EXPECT_EQ(server.all(types::replica_sets).size(), 1U);
    return world.digest();
  }
};
std::uint64_t run_once(std::uint64_t seed) { return SeededControllers(seed).run(); }

TEST(ControllersUnderCrash, EndTheSameAndRepeatExactly) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::uint64_t digest = run_once(seed);
    EXPECT_EQ(run_once(seed), digest) << "seed " << seed;
  }
}

}  // namespace
}  // namespace skidpad::fakes::kube_controller_manager

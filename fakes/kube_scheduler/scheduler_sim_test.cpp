#include <gtest/gtest.h>

#include "fakes/kube_scheduler/kube_scheduler.hpp"
#include "harness/client/kubernetes/testing/small_api.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::fakes::kube_scheduler {
namespace {

using namespace std::chrono_literals;
using client::testing::SmallApi;
using runtime::Duration;
using runtime::Runtime;
using runtime::Task;
using runtime::text_at;
namespace types = client::types;

SmallApi* api = nullptr;
Task<int> api_main(Runtime& runtime, std::vector<std::string>) { return api->serve(runtime); }

class SchedulerTest : public ::testing::Test {
 protected:
  SchedulerTest() : world(runtime::sim::WorldOptions{}) {
    api = &server;
    world.register_program("api", api_main);
    world.register_program("kube-scheduler", kube_scheduler_main);
    for (int i = 1; i <= 2; ++i) {
      runtime::sim::MachineSpec spec;
      spec.name = "m" + std::to_string(i);
      spec.address = "10.0.0." + std::to_string(i);
      world.add_machine(spec);
    }
    start("m1", "api", {});
    const std::string kubeconfig = client::write_kubeconfig(SmallApi::kubeconfig("10.0.0.1"));
    EXPECT_TRUE(static_cast<runtime::Disk&>(world.machine("m2")->disk()).write("/kubeconfig", kubeconfig));
    start("m2", "kube-scheduler", {"--kubeconfig=/kubeconfig"});
  }
  void start(const std::string& machine, const std::string& program, std::vector<std::string> arguments) {
    runtime::ProcessSpec spec;
    spec.executable = "/bin/" + program;
    spec.arguments = std::move(arguments);
    EXPECT_TRUE(world.machine(machine)->start(std::move(spec)));
  }
  void put_node(const std::string& name, const char* cpu, const char* taints = "[]") {
    Json node = Json::object();
    node["metadata"]["name"] = name;
    node["metadata"]["labels"]["kubernetes.io/hostname"] = name;
    node["spec"]["taints"] = Json::parse(taints);
    node["status"]["allocatable"] = Json::parse(R"({"memory":"8Gi","pods":"110"})");
    node["status"]["allocatable"]["cpu"] = cpu;
    server.put(types::nodes, std::move(node));
  }
  void put_pod(const std::string& name, const char* cpu, std::int64_t priority = 0) {
    Json pod = Json::object();
    pod["metadata"]["name"] = name;
    pod["metadata"]["namespace"] = "ns";
    pod["spec"]["schedulerName"] = "default-scheduler";
    pod["spec"]["priority"] = priority;
    pod["spec"]["terminationGracePeriodSeconds"] = 0;
    pod["spec"]["containers"] = Json::parse(R"([{"resources":{"requests":{}}}])");
    pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] = cpu;
    server.put(types::pods, std::move(pod));
  }
  std::string node_of(const std::string& pod) {
    const Json* object = server.get(types::pods, "ns/" + pod);
    return object == nullptr ? "gone" : text_at(*object, {"spec", "nodeName"});
  }
  void run_for(Duration duration) { world.run_until(world.now() + duration); }

  SmallApi server;
  runtime::sim::World world;
};

TEST_F(SchedulerTest, BindsAPodAndRecordsIt) {
  put_node("n1", "2");
  put_pod("a", "1");
  run_for(3s);
  EXPECT_EQ(node_of("a"), "n1");
  ASSERT_EQ(server.all(types::events).size(), 2U);  // LeaderElection and Scheduled
  bool told = false;
  for (const auto& [key, event] : server.all(types::events)) told = told || text_at(event, {"message"}) == "Successfully assigned ns/a to n1";
  EXPECT_TRUE(told);
}

TEST_F(SchedulerTest, NeverOverfillsANodeInABurst) {
  put_node("n1", "2");
  put_node("n2", "1");
  run_for(2s);
  for (int i = 0; i < 6; ++i) put_pod("p" + std::to_string(i), "1");
  run_for(5s);
  std::map<std::string, int> count;
  for (int i = 0; i < 6; ++i) ++count[node_of("p" + std::to_string(i))];
  EXPECT_EQ(count, (std::map<std::string, int>{{"n1", 2}, {"n2", 1}, {"", 3}}));
}

TEST_F(SchedulerTest, AWaitingPodIsWokenByWhatHelpsIt) {
  put_node("n1", "2", R"([{"key":"k","effect":"NoSchedule"}])");
  put_pod("a", "1");
  run_for(5s);
  EXPECT_EQ(node_of("a"), "");
  const Json* pod = server.get(types::pods, "ns/a");
  EXPECT_EQ(text_at(client::condition_of(*pod, "PodScheduled"), {"reason"}), "Unschedulable");
  const std::size_t quiet = server.writes.size();
  run_for(60s);
  for (std::size_t i = quiet; i < server.writes.size(); ++i) {
    EXPECT_NE(server.writes[i].target.find("/leases"), std::string::npos) << "tried again without a reason";
  }
  server.all(types::nodes).at("n1")["spec"].erase("taints");
  server.touch(types::nodes, "n1");
  run_for(3s);
  EXPECT_EQ(node_of("a"), "n1");
}

TEST_F(SchedulerTest, ImportantPodsPushOthersAside) {
  put_node("n1", "1");
  put_pod("small", "1");
  run_for(3s);
  EXPECT_EQ(node_of("small"), "n1");
  put_pod("vip", "1", 1000);
  run_for(40s);
  EXPECT_EQ(node_of("vip"), "n1");
}

}  // namespace
}  // namespace skidpad::fakes::kube_scheduler

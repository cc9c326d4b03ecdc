// The whole program on a simulated node: a container runtime's records, real (simulated) processes behind them, and an API server
// that can be away, lie, or forget. What a kubelet would do with the files is done by hand.
#include <gtest/gtest.h>

#include "controllers/checkpointer/checkpointer.hpp"
#include "controllers/checkpointer/rescue.hpp"
#include "harness/client/kubernetes/testing/small_api.hpp"
#include "harness/runtime/sim/sim_disk.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::controllers::checkpointer {
namespace {

using client::testing::SmallApi;
using runtime::Runtime;
using runtime::sim::SimProcess;
using runtime::sim::World;
using runtime::Task;
using namespace std::chrono_literals;

constexpr char active_file[] = "/etc/kubernetes/manifests/kube-system-kube-apiserver-x.json";
constexpr char inactive_file[] = "/etc/kubernetes/inactive-manifests/kube-system-kube-apiserver-x.json";
constexpr char own_file[] = "/etc/kubernetes/manifests/kube-system-pod-checkpointer-x.json";

Task<int> sleep_for_ever(Runtime&, std::vector<std::string>) {
  runtime::Event never;
  co_await never.wait();
  co_return 0;
}

class CheckpointerTest : public ::testing::Test {
 protected:
  CheckpointerTest() : world(runtime::sim::WorldOptions()) {
    world.register_program("api", [this](Runtime& runtime, std::vector<std::string>) { return api.serve(runtime); });
    world.register_program("kube-apiserver", sleep_for_ever);
    world.register_program("checkpointer", checkpointer_main);
    for (const char* name : {"api", "node"}) {
      runtime::sim::MachineSpec spec;
      spec.name = name;
      spec.address = std::string("10.0.0.") + (std::string_view(name) == "api" ? "1" : "2");
      world.add_machine(spec);
    }
    disk = &world.machine("node")->disk();
    EXPECT_TRUE(disk->make_directories("/etc/kubernetes/manifests"));
    EXPECT_TRUE(disk->make_directories("/var/lib/kubelet/pods"));
    EXPECT_TRUE(disk->write_atomically("/kubeconfig", client::write_kubeconfig(SmallApi::kubeconfig("10.0.0.1"))));
    start("api", "api");
    Json node;
    node["metadata"]["name"] = "node";
    api.put(client::types::nodes, node);
    set_secret("one");
    for (const char* name : {"kube-apiserver-x", "pod-checkpointer-x"}) {
      api.put(client::types::pods, parent(name));
      run_parent(name);
    }
  }

  SimProcess* start(const std::string& machine, const std::string& program, std::vector<std::string> arguments = {}) {
    runtime::ProcessSpec spec;
    spec.executable = "/bin/" + program;
    spec.arguments = std::move(arguments);
    return world.machine(machine)->start(std::move(spec)).value();
  }
  SimProcess* start_checkpointer(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"--kubeconfig=/kubeconfig", "--node-name=node", "--node-address=10.0.0.2", "--pod-name=pod-checkpointer-x"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return start("node", "checkpointer", std::move(arguments));
  }
  void set_secret(const std::string& key) {
    Json secret;
    secret["metadata"] = {{"name", "kube-apiserver"}, {"namespace", "kube-system"}};
    secret["data"]["tls.key"] = client::base64_encode(key);
    api.put(client::types::secrets, secret);
  }
  static Json parent(const std::string& name) {
    Json pod;
    pod["metadata"] = {{"name", name}, {"namespace", "kube-system"}, {"uid", "uid-" + name}};
    pod["metadata"]["annotations"][std::string(checkpoint_annotation)] = "true";
    pod["spec"] = {{"nodeName", "node"}, {"containers", Json::array({{{"name", "c"}, {"image", "i"}}})}};
    pod["spec"]["volumes"] = Json::array({{{"name", "s"}, {"secret", {{"secretName", "kube-apiserver"}}}}});
    return pod;
  }
  /// As a kubelet would: a process, and the record of it.
  void run_parent(const std::string& name) {
    processes[name] = start("node", "kube-apiserver");
    Json state;
    state["static"] = false;
    state["pod"] = parent(name);
    state["containers"] = Json::array({{{"name", "c"}, {"phase", "running"}, {"pid", processes[name]->id().pid}, {"pidStart", processes[name]->id().start_time}}});
    EXPECT_TRUE(disk->make_directories("/var/lib/kubelet/pods/uid-" + name));
    EXPECT_TRUE(disk->write_atomically("/var/lib/kubelet/pods/uid-" + name + "/state.json", state.dump()));
  }
  /// The record still says that it runs: only the kernel knows better.
  void kill_parent(const std::string& name) { processes.at(name)->signal(runtime::Signal::kill); }
  void run_for(Duration duration) { world.run_until(world.now() + duration); }
  bool active() { return disk->exists(active_file); }
  bool inactive() { return disk->exists(inactive_file); }
  void cut_api(bool cut) {
    if (cut) world.machine("api")->power_off();
    else {
      world.machine("api")->power_on();
      start("api", "api");
    }
  }
  std::string secret_on_disk(const char* manifest) {
    const Json pod = runtime::parse_json(disk->read(manifest).value()).value();
    return disk->read(runtime::text_at(pod["spec"]["volumes"][0], {"hostPath", "path"}) + "/tls.key").value();
  }

  SmallApi api;
  World world;
  runtime::Disk* disk = nullptr;
  std::map<std::string, SimProcess*> processes;
};

TEST_F(CheckpointerTest, CheckpointsARunningParentWithinTwoLooksAndKeepsItsOwnCopyActive) {
  start_checkpointer();
  run_for(10s);
  EXPECT_TRUE(inactive());
  EXPECT_FALSE(active());
  EXPECT_TRUE(disk->exists(own_file));
  EXPECT_EQ(secret_on_disk(inactive_file), "one");
}

TEST_F(CheckpointerTest, APodThatNeverRanHereIsNoReason) {
  kill_parent("kube-apiserver-x");
  start_checkpointer();
  run_for(30s);
  EXPECT_FALSE(inactive());
  EXPECT_FALSE(active());
}

TEST_F(CheckpointerTest, ActivatesWhenApiAndParentAreGoneAndDeactivatesWhenTheParentRuns) {
  start_checkpointer();
  run_for(10s);
  cut_api(true);
  run_for(30s);
  EXPECT_FALSE(active()) << "the parent runs on: its record and its process say so";
  kill_parent("kube-apiserver-x");
  run_for(10s);
  EXPECT_TRUE(active());
  EXPECT_EQ(secret_on_disk(active_file), "one");
  run_parent("kube-apiserver-x");
  run_for(10s);
  EXPECT_FALSE(active());
  EXPECT_TRUE(inactive());
}

TEST_F(CheckpointerTest, ActivatesThoughTheApiIsUpAndKeepsTheActiveCopyFresh) {
  start_checkpointer();
  run_for(10s);
  kill_parent("kube-apiserver-x");
  run_for(10s);
  EXPECT_TRUE(active());
  set_secret("two");
  run_for(65s);
  EXPECT_EQ(secret_on_disk(active_file), "two");
}

TEST_F(CheckpointerTest, RemovesAfterTheGraceAndNotASecondSooner) {
  start_checkpointer();
  run_for(10s);
  kill_parent("kube-apiserver-x");
  api.erase(client::types::pods, "kube-system/kube-apiserver-x");
  run_for(54s);
  EXPECT_TRUE(inactive());
  run_for(12s);
  EXPECT_FALSE(inactive());
  EXPECT_FALSE(active());
  EXPECT_FALSE(disk->exists("/etc/kubernetes/checkpoint-secrets/kube-system/kube-apiserver-x"));
}

TEST_F(CheckpointerTest, AParentThatIsBackBeforeTheGraceIsOverKeepsItsCheckpoint) {
  start_checkpointer();
  run_for(10s);
  api.erase(client::types::pods, "kube-system/kube-apiserver-x");
  run_for(55s);
  api.put(client::types::pods, parent("kube-apiserver-x"));
  run_for(200s);
  EXPECT_TRUE(inactive());
}

TEST_F(CheckpointerTest, RemovesNothingOnDoubt) {
  start_checkpointer();
  run_for(10s);
  kill_parent("kube-apiserver-x");
  // An API server that has forgotten everything, this node included.
  const auto world_before = api.collections;
  api.collections.clear();
  run_for(300s);
  EXPECT_TRUE(disk->exists(inactive_file));
  EXPECT_TRUE(disk->exists(own_file));
  // One that answers with a past that had no such pod.
  api.collections = world_before;
  run_for(10s);
  api.all(client::types::pods).erase("kube-system/kube-apiserver-x");
  api.version = 50;
  run_for(300s);
  EXPECT_TRUE(disk->exists(inactive_file));
  // And an outage that outlasts the grace.
  cut_api(true);
  run_for(300s);
  EXPECT_TRUE(disk->exists(inactive_file));
}

TEST_F(CheckpointerTest, AMissingSecretKeepsOnlyItsOwnPodFromACheckpoint) {
  Json other = parent("other-x");
  other["spec"]["volumes"][0]["secret"]["secretName"] = "absent";
  api.put(client::types::pods, other);
  run_parent("other-x");
  start_checkpointer();
  run_for(10s);
  EXPECT_TRUE(inactive());
  EXPECT_FALSE(disk->exists("/etc/kubernetes/inactive-manifests/kube-system-other-x.json"));
  bool told = false;
  for (const auto& [key, event] : api.all(client::types::events)) told = told || runtime::text_at(event, {"message"}).find("secret absent") != std::string::npos;
  EXPECT_TRUE(told);
}

TEST_F(CheckpointerTest, ASecondOneOnTheNodeWritesNothingUntilTheFirstIsGone) {
  SimProcess* first = start_checkpointer();
  run_for(10s);
  start_checkpointer();
  run_for(10s);
  ASSERT_TRUE(disk->remove(inactive_file));
  first->signal(runtime::Signal::stop);
  run_for(30s);
  EXPECT_FALSE(inactive()) << "the second one wrote while the first held the lock";
  first->signal(runtime::Signal::kill);
  run_for(10s);
  EXPECT_TRUE(inactive());
}

TEST_F(CheckpointerTest, UnscheduledItRemovesTheOthersFirstAndItselfLast) {
  start_checkpointer();
  run_for(10s);
  api.erase(client::types::pods, "kube-system/pod-checkpointer-x");
  bool ever_alone = false;
  for (int second = 0; second < 75; ++second) {
    run_for(1s);
    ever_alone = ever_alone || (inactive() && !disk->exists(own_file));
  }
  EXPECT_FALSE(ever_alone);
  EXPECT_FALSE(inactive());
  EXPECT_FALSE(disk->exists(own_file));
}

TEST_F(CheckpointerTest, RebootedWithoutAnApiServerItStartsWhatItHasOnDisk) {
  start_checkpointer();
  run_for(10s);
  cut_api(true);
  world.machine("node")->power_off();
  run_for(5s);
  world.machine("node")->power_on();
  start_checkpointer();  // the kubelet finds its copy among the static pods
  run_for(10s);
  EXPECT_TRUE(active());
}

TEST_F(CheckpointerTest, RescuesADeploymentWhoseLastPodIsGoneOnceAndStepsBackWhenItRuns) {
  Json deployment;
  deployment["metadata"] = {{"name", "kube-scheduler"}, {"namespace", "kube-system"}};
  deployment["spec"] = {{"replicas", 2}, {"selector", {{"matchLabels", {{"component", "kube-scheduler"}}}}}};
  deployment["spec"]["template"]["spec"]["containers"] = Json::array({{{"name", "c"}, {"image", "i"}}});
  api.put(client::types::deployments, deployment);
  start_checkpointer({"--rescue=kube-scheduler"});
  run_for(25s);
  EXPECT_EQ(api.get(client::types::pods, "kube-system/kube-scheduler-rescue"), nullptr);
  run_for(15s);
  const Json* rescue = api.get(client::types::pods, "kube-system/kube-scheduler-rescue");
  ASSERT_NE(rescue, nullptr);
  EXPECT_EQ(runtime::text_at(*rescue, {"spec", "nodeName"}), "node");
  EXPECT_TRUE(runtime::text_at(*rescue, {"metadata", "labels", "component"}).empty()) << "the Deployment must not count it";
  Json own;
  own["metadata"] = {{"name", "kube-scheduler-abc"}, {"namespace", "kube-system"}, {"labels", {{"component", "kube-scheduler"}}}};
  own["status"]["conditions"] = Json::array({{{"type", "Ready"}, {"status", "True"}}});
  api.put(client::types::pods, own);
  run_for(45s);
  rescue = api.get(client::types::pods, "kube-system/kube-scheduler-rescue");
  EXPECT_TRUE(rescue == nullptr || client::is_deleting(*rescue));
}

}  // namespace
}  // namespace skidpad::controllers::checkpointer

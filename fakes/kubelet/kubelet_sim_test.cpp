#include "fakes/kubelet/kubelet.hpp"

#include <gtest/gtest.h>

#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/http/http_server.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::fakes::kubelet {
namespace {

using namespace std::chrono_literals;
using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;
using runtime::ProcessSpec;
using runtime::sim::SimProcess;

bool healthy = true;

Task<void> answer_health(const HttpRequest&, HttpResponder& responder) {
  HttpResponse response;
  response.status = healthy ? 200 : 500;
  (void)co_await responder.send(std::move(response));
}

/// Serves /healthz on 8080, or "--port=N", of its pod's address; "--exit=N" ends it with that code, at once or "--after=N" seconds.
Task<int> server_main(Runtime& runtime, std::vector<std::string> arguments) {
  std::optional<int> code;
  int after = 0;
  int port = 8080;
  for (const std::string& argument : arguments) {
    if (argument.starts_with("--exit=")) code = std::stoi(argument.substr(7));
    if (argument.starts_with("--after=")) after = std::stoi(argument.substr(8));
    if (argument.starts_with("--port=")) port = std::stoi(argument.substr(7));
  }
  if (after > 0) co_await runtime.sleep_for(std::chrono::seconds(after));
  if (code) co_return *code;
  runtime::ListenOptions listen;
  listen.at.address = runtime.environment("POD_IP");
  listen.at.port = static_cast<std::uint16_t>(port);
  auto listener = runtime.network().listen(listen);
  if (!listener) co_return 1;
  runtime::HttpServer server(runtime, answer_health);
  co_await server.serve(std::move(listener.value()));
  co_return 0;
}

constexpr char manifest_path[] = "/etc/kubernetes/manifests/web.yaml";

std::string manifest(const std::string& more_container = "", const std::string& arguments = "") {
  return "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: kube-system}\nspec:\n  terminationGracePeriodSeconds: 5\n  containers:\n"
         "  - name: web\n    image: server:1\n    args: [" + arguments + "]\n" + more_container;
}

constexpr char liveness[] = "    livenessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 2, failureThreshold: 2}\n";

class KubeletSim : public testing::Test {
 protected:
  KubeletSim() : world_({}) {
    healthy = true;
    world_.register_program("kubelet", kubelet_main);
    world_.register_program("server", server_main);
    world_.add_machine({.name = "n1", .address = "10.0.0.1", .pod_cidr = "10.244.1.0/24"});
    (void)machine().disk().make_directories("/etc/kubernetes/manifests", 0755);
    (void)machine().disk().make_directories("/images", 0755);
    (void)machine().disk().write_atomically("/images/images.json", R"({"server:1":{"executable":"/bin/server"}})", 0644);
    write(manifest_path, manifest());
  }
  runtime::sim::Machine& machine() { return *world_.machine("n1"); }
  void write(const std::string& path, const std::string& text) { (void)machine().disk().write_atomically(path, text, 0644); }
  SimProcess* start_kubelet() {
    ProcessSpec spec;
    spec.executable = "/bin/kubelet";
    spec.arguments = {"--pod-manifest-path=/etc/kubernetes/manifests", "--image-store=/images", "--node-ip=10.0.0.1", "--hostname-override=n1",
                      "--pod-cidr=10.244.1.0/24"};
    return kubelet_ = machine().start(std::move(spec)).value();
  }
  std::vector<SimProcess*> servers() {
    std::vector<SimProcess*> found;
    for (SimProcess* process : machine().processes()) {
      if (process->program_name() == "server") found.push_back(process);
    }
    return found;
  }
  std::int64_t server_pid() { return servers().size() == 1 ? servers()[0]->id().pid : -1; }
  void pass(Duration time) { world_.run_until(world_.now() + time); }
  /// The only pod's record on disk.
  Json state() {
    const auto names = machine().disk().list("/var/lib/kubelet/pods");
    if (!names || names.value().size() != 1) return Json();
    return Json::parse(machine().disk().read("/var/lib/kubelet/pods/" + names.value()[0] + "/state.json", 1 << 20).value());
  }
  std::int64_t restarts() { return runtime::integer_at(state()["containers"][0], {"restartCount"}, -1); }
  runtime::sim::World world_;
  SimProcess* kubelet_ = nullptr;
};

TEST_F(KubeletSim, AStaticPodStartsAtOnceAndIsRestartedWithGrowingWaits) {
  start_kubelet();
  pass(100ms);
  ASSERT_EQ(servers().size(), 1u);
  servers()[0]->signal(runtime::Signal::kill);
  pass(100ms);
  ASSERT_EQ(servers().size(), 1u) << "the first restart does not wait";
  EXPECT_EQ(restarts(), 1);
  servers()[0]->signal(runtime::Signal::kill);
  pass(9s);
  EXPECT_EQ(servers().size(), 0u);
  pass(2s);
  EXPECT_EQ(servers().size(), 1u);
  EXPECT_EQ(restarts(), 2);
}

TEST_F(KubeletSim, ARestartedKubeletTakesItsPodsUpAgain) {
  start_kubelet();
  pass(1s);
  const auto pid = server_pid();
  ASSERT_GT(pid, 0);
  for (int i = 0; i < 3; ++i) {
    kubelet_->signal(i == 1 ? runtime::Signal::terminate : runtime::Signal::kill);
    pass(2s);
    EXPECT_EQ(server_pid(), pid) << "a pod outlives its kubelet";
    start_kubelet();
    pass(2s);
    EXPECT_EQ(server_pid(), pid);
  }
  EXPECT_EQ(restarts(), 0);
  servers()[0]->signal(runtime::Signal::kill);
  pass(1s);
  EXPECT_NE(server_pid(), pid);
  EXPECT_EQ(restarts(), 1);
}

TEST_F(KubeletSim, AfterAPowerCutPodsStartAgainWithOneMoreRestart) {
  start_kubelet();
  pass(1s);
  machine().power_off();
  pass(1s);
  machine().power_on();
  start_kubelet();
  pass(1s);
  EXPECT_EQ(servers().size(), 1u);
  EXPECT_EQ(restarts(), 1);
}

TEST_F(KubeletSim, AFailedLivenessProbeRestartsTheContainerOnlyOnce) {
  write(manifest_path, manifest(liveness));
  start_kubelet();
  pass(10s);
  const auto pid = server_pid();
  ASSERT_GT(pid, 0);
  EXPECT_EQ(restarts(), 0);
  healthy = false;
  EXPECT_TRUE(world_.run_until(world_.now() + 10s, [&] { return server_pid() != pid; }));
  healthy = true;
  pass(1s);
  EXPECT_EQ(restarts(), 1);
  // What stopped the first instance must not reach the second, not even when its grace has run out.
  pass(2min);
  EXPECT_EQ(restarts(), 1);
}

TEST_F(KubeletSim, ReadinessFollowsTheProbeWithoutARestart) {
  write(manifest_path, manifest("    readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1, failureThreshold: 2}\n"));
  start_kubelet();
  pass(2s);
  EXPECT_TRUE(runtime::bool_at(state()["containers"][0], {"ready"}));
  healthy = false;
  pass(4s);
  EXPECT_FALSE(runtime::bool_at(state()["containers"][0], {"ready"}));
  healthy = true;
  pass(2s);
  EXPECT_TRUE(runtime::bool_at(state()["containers"][0], {"ready"}));
  EXPECT_EQ(restarts(), 0);
}

TEST_F(KubeletSim, ManifestsComeChangeAndGo) {
  start_kubelet();
  pass(1s);
  const auto pid = server_pid();
  write(manifest_path, manifest(liveness));
  pass(3s);
  EXPECT_NE(server_pid(), pid) << "a changed manifest is another pod";
  EXPECT_EQ(servers().size(), 1u);
  EXPECT_EQ(restarts(), 0);
  const auto changed = server_pid();
  write(manifest_path, "kind: [Pod");
  pass(30s);
  EXPECT_EQ(server_pid(), changed) << "half a file stops nothing";
  (void)machine().disk().remove(manifest_path);
  pass(3s);
  EXPECT_EQ(servers().size(), 0u);
  EXPECT_TRUE(machine().disk().list("/var/lib/kubelet/pods").value().empty());
}

TEST_F(KubeletSim, OneBadManifestDoesNotHoldUpTheOthers) {
  write("/etc/kubernetes/manifests/a-bad.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n");
  write("/etc/kubernetes/manifests/b-unknown-image.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec: {containers: [{name: b, image: 'nothere:1'}]}\n");
  start_kubelet();
  pass(1s);
  EXPECT_EQ(servers().size(), 1u);
}

TEST_F(KubeletSim, InitContainersRunInOrderAndFailuresAreRetried) {
  write(manifest_path, manifest("  initContainers:\n  - {name: first, image: server:1, args: ['--exit=0']}\n  - {name: second, image: server:1, args: ['--exit=1']}\n"));
  start_kubelet();
  pass(5s);
  EXPECT_EQ(servers().size(), 0u) << "the main container waits for init containers";
  const Json containers = state()["containers"];
  EXPECT_EQ(containers[0]["phase"], "terminated");
  EXPECT_EQ(containers[0]["restartCount"], 0);
  EXPECT_EQ(containers[1]["restartCount"], 1);
}

TEST_F(KubeletSim, SidecarsStartBeforeAndEndAfterTheOthers) {
  write(manifest_path, "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: kube-system}\nspec:\n  restartPolicy: Never\n  containers:\n"
                       "  - {name: job, image: server:1, args: ['--exit=0', '--after=5']}\n"
                       "  initContainers:\n  - {name: one, image: server:1, restartPolicy: Always, args: ['--port=8081']}\n"
                       "  - {name: two, image: server:1, restartPolicy: Always, args: ['--port=8082']}\n");
  start_kubelet();
  pass(2s);
  EXPECT_EQ(servers().size(), 3u);
  pass(10s);
  EXPECT_EQ(servers().size(), 0u) << "nobody is left to be served";
  const Json containers = state()["containers"];
  for (const Json& container : containers) {
    EXPECT_EQ(container["phase"], "terminated");
    EXPECT_EQ(container["restartCount"], 0);
  }
}

TEST_F(KubeletSim, APodPastItsActiveDeadlineIsStoppedForGood) {
  std::string text = manifest();
  text.insert(text.find("  containers:"), "  activeDeadlineSeconds: 7\n");
  write(manifest_path, text);
  start_kubelet();
  pass(6s);
  EXPECT_EQ(servers().size(), 1u);
  pass(2s);
  EXPECT_EQ(servers().size(), 0u);
  EXPECT_EQ(state()["failedReason"], "DeadlineExceeded");
  kubelet_->signal(runtime::Signal::kill);
  pass(1s);
  start_kubelet();
  pass(1min);
  EXPECT_EQ(servers().size(), 0u) << "a later life of the kubelet knows it too";
  EXPECT_EQ(restarts(), 0);
}

TEST_F(KubeletSim, StaticPodsStayWhereTheDiskIsFull) {
  machine().disk().set_capacity_bytes(1 << 20);
  start_kubelet();
  pass(1s);
  ASSERT_TRUE(machine().disk().write("/fill", std::string(950 << 10, 'x'), 0644));
  pass(1min);
  EXPECT_EQ(servers().size(), 1u);
  EXPECT_EQ(restarts(), 0);
}

TEST_F(KubeletSim, AnIdleKubeletDoesNextToNothing) {
  start_kubelet();
  pass(5s);
  const auto before = world_.event_count();
  pass(1h);
  // One look at the manifests and one at the logs a second: a timer and a wakeup each.
  EXPECT_LT(world_.event_count() - before, 4 * 3600u + 400u);
}

TEST_F(KubeletSim, EqualSeedsGiveEqualRuns) {
  const auto run = [](std::uint64_t seed) {
    runtime::sim::WorldOptions options;
    options.seed = seed;
    runtime::sim::World world(options);
    world.register_program("kubelet", kubelet_main);
    world.register_program("server", server_main);
    auto& machine = world.add_machine({.name = "n1", .address = "10.0.0.1", .pod_cidr = "10.244.1.0/24"});
    (void)machine.disk().make_directories("/m", 0755);
    (void)machine.disk().write_atomically("/m/web.yaml", manifest(liveness), 0644);
    (void)machine.disk().make_directories("/images", 0755);
    (void)machine.disk().write_atomically("/images/images.json", R"({"server:1":{"executable":"/bin/server"}})", 0644);
    ProcessSpec spec;
    spec.executable = "/bin/kubelet";
    spec.arguments = {"--pod-manifest-path=/m", "--image-store=/images", "--node-ip=10.0.0.1", "--hostname-override=n1"};
    (void)machine.start(std::move(spec));
    world.run_until(world.now() + 60s);
    return world.digest();
  };
  EXPECT_EQ(run(5), run(5));
}

}  // namespace
}  // namespace skidpad::fakes::kubelet

#include <gtest/gtest.h>

#include "harness/client/kubernetes/event_recorder.hpp"
#include "harness/client/kubernetes/informer.hpp"
#include "harness/client/kubernetes/leader_elector.hpp"
#include "harness/client/kubernetes/testing/small_api.hpp"
#include "harness/client/kubernetes/work_queue.hpp"
#include "harness/runtime/sim/sim_disk.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::client {
namespace {

using namespace std::chrono_literals;
using runtime::sim::Machine;
using runtime::sim::MachineSpec;
using runtime::sim::World;
using runtime::sim::WorldOptions;
using testing::SmallApi;

SmallApi* api = nullptr;
std::vector<std::string> seen;
Informer* informer_now = nullptr;

Json pod(const std::string& name, const std::string& node = "") {
  Json object = Json::object();
  object["metadata"]["name"] = name;
  object["metadata"]["namespace"] = "ns";
  if (!node.empty()) object["spec"]["nodeName"] = node;
  return object;
}

Task<int> api_main(Runtime& runtime, std::vector<std::string>) { return api->serve(runtime); }

Task<int> informer_main(Runtime& runtime, std::vector<std::string>) {
  KubernetesClient client(runtime, SmallApi::kubeconfig("10.0.0.1"));
  InformerSet informers(client);
  Informer& informer = informers.informer(types::pods);
  EXPECT_EQ(&informer, &informers.informer(types::pods)) << "one informer for one kind";
  informer.store().add_index("node", [](const Json& object, std::vector<std::string>& values) {
    values.push_back(runtime::text_at(object, {"spec", "nodeName"}));
  });
  InformerHandler handler;
  handler.added = [](const ObjectPointer& now) { seen.push_back("+" + name_of(*now)); };
  handler.updated = [](const ObjectPointer&, const ObjectPointer& now) { seen.push_back("~" + name_of(*now)); };
  handler.deleted = [](const ObjectPointer& last) { seen.push_back("-" + name_of(*last)); };
  informer.add_handler(std::move(handler));
  informer_now = &informer;
  runtime::TaskGroup group(runtime.stop());
  informers.start(group);
  co_await informers.wait_until_synced();
  co_await group.join();
  co_return 0;
}

class InformerTest : public ::testing::Test {
 protected:
  InformerTest() : world(WorldOptions{}) {
    api = &server;
    seen.clear();
    world.register_program("api", api_main);
    world.register_program("informer", informer_main);
    for (int i = 1; i <= 3; ++i) {
      MachineSpec spec;
      spec.name = "m" + std::to_string(i);
      spec.address = "10.0.0." + std::to_string(i);
      world.add_machine(spec);
    }
    start("m1", "api");
  }
  runtime::sim::SimProcess* start(const std::string& machine, const std::string& program, std::vector<std::string> arguments = {}) {
    runtime::ProcessSpec spec;
    spec.executable = "/bin/" + program;
    spec.arguments = std::move(arguments);
    return world.machine(machine)->start(std::move(spec)).value();
  }
  void run_for(Duration duration) { world.run_until(world.now() + duration); }
  std::string told() {
    std::string text;
    for (const std::string& one : seen) text += (text.empty() ? "" : " ") + one;
    seen.clear();
    return text;
  }

  SmallApi server;
  World world;
};

TEST_F(InformerTest, ListsThenFollowsInOrder) {
  server.put(types::pods, pod("a"));
  start("m2", "informer");
  run_for(1s);
  EXPECT_EQ(told(), "+a");
  EXPECT_TRUE(informer_now->has_synced());
  server.put(types::pods, pod("b", "n1"));
  server.put(types::pods, pod("a", "n1"));
  run_for(1s);
  EXPECT_EQ(informer_now->store().by_index("node", "n1").size(), 2U);
  server.erase(types::pods, "ns/b");
  run_for(1s);
  EXPECT_EQ(told(), "+b ~a -b");
  EXPECT_EQ(informer_now->store().by_index("node", "n1").size(), 1U);
}

TEST_F(InformerTest, ResumesAnEndedWatchWithoutListing) {
  start("m2", "informer");
  run_for(5s);
  server.end_watches();
  server.put(types::pods, pod("a"));
  run_for(5s);
  EXPECT_EQ(told(), "+a");
  EXPECT_EQ(server.list_count, 1U);
}

TEST_F(InformerTest, TurnsAnExpiredVersionIntoDifferences) {
  server.put(types::pods, pod("stays"));
  server.put(types::pods, pod("changes"));
  server.put(types::pods, pod("goes"));
  server.put(types::pods, pod("replaced"));
  start("m2", "informer");
  run_for(5s);
  told();
  // While it cannot hear anything the world changes, and the history is compacted.
  server.refuse = [](const runtime::HttpRequest&) { return 503; };
  server.end_watches();
  server.erase(types::pods, "ns/goes");
  server.put(types::pods, pod("comes"));
  server.put(types::pods, pod("changes", "n2"));
  server.erase(types::pods, "ns/replaced");
  server.put(types::pods, pod("replaced"));  // same name, another object
  server.compact();
  run_for(3s);
  server.refuse = nullptr;
  run_for(20s);
  EXPECT_EQ(told(), "-goes ~changes +comes -replaced +replaced");
  EXPECT_EQ(informer_now->relist_count(), 2U);
}

TEST_F(InformerTest, OutlivesAServerThatWasCutOff) {
  start("m2", "informer");
  run_for(1s);
  runtime::sim::LinkState cut;
  cut.cut = true;
  world.set_link("m1", "m2", cut);
  world.set_link("m2", "m1", cut);
  run_for(10s);
  server.put(types::pods, pod("a"));
  run_for(60s);
  EXPECT_EQ(told(), "");
  world.set_link("m1", "m2", runtime::sim::LinkState());
  world.set_link("m2", "m1", runtime::sim::LinkState());
  run_for(60s);
  EXPECT_EQ(told(), "+a");
}

KubernetesClient* client_now = nullptr;

Task<int> two_servers_main(Runtime& runtime, std::vector<std::string>) {
  Kubeconfig config = SmallApi::kubeconfig("10.0.0.1");
  config.servers.push_back("http://10.0.0.3:6443");
  KubernetesClient client(runtime, config);
  client_now = &client;
  InformerSet informers(client);
  InformerHandler handler;
  handler.added = [](const ObjectPointer& now) { seen.push_back("+" + name_of(*now)); };
  informers.informer(types::pods).add_handler(std::move(handler));
  runtime::TaskGroup group(runtime.stop());
  informers.start(group);
  co_await group.join();
  co_return 0;
}

TEST_F(InformerTest, ReconnectsToAnotherServerWhenTold) {
  world.register_program("two-servers", two_servers_main);
  start("m3", "api");
  start("m2", "two-servers");
  run_for(1s);
  runtime::sim::LinkState cut;
  cut.cut = true;
  world.set_link("m1", "m2", cut);
  world.set_link("m2", "m1", cut);
  server.put(types::pods, pod("a"));
  run_for(2s);
  EXPECT_EQ(told(), "") << "the watch hangs";
  client_now->reconnect();
  run_for(7s);
  EXPECT_EQ(told(), "+a");
}

// --- leader election ---

std::map<std::string, LeaderElector*> electors;
std::vector<std::string> leading;

Task<void> lead_and_write(KubernetesClient& client, std::string name) {
  for (int i = 0;; ++i) {
    leading.push_back(name);
    Json event = Json::object();
    event["metadata"]["name"] = name + "-" + std::to_string(i);
    event["metadata"]["namespace"] = "ns";
    auto written = co_await client.create(types::config_maps, std::move(event));
    (void)written;
    co_await client.runtime().sleep_for(500ms);
  }
}

Task<int> leader_main(Runtime& runtime, std::vector<std::string>) {
  KubernetesClient client(runtime, SmallApi::kubeconfig("10.0.0.1"));
  LeaderElectionOptions options;
  options.lease_name = "test";
  options.identity = runtime.host_name();
  options.release_on_stop = true;
  LeaderElector elector(client, options);
  electors[runtime.host_name()] = &elector;
  client.set_write_deadline([&elector] { return elector.leads_until(); });
  std::function<Task<void>()> lead = [&client, &runtime] { return lead_and_write(client, runtime.host_name()); };
  co_await elector.run(std::move(lead));
  co_return 1;
}

/// Whose writes came when: the last writer by name prefix.
std::string last_writer(const SmallApi& server) {
  for (auto call = server.writes.rbegin(); call != server.writes.rend(); ++call) {
    if (call->target.find("configmaps") != std::string::npos) return Json::parse(call->body)["metadata"]["name"].get<std::string>().substr(0, 2);
  }
  return "";
}

class LeaderTest : public InformerTest {
 protected:
  LeaderTest() {
    leading.clear();
    electors.clear();
    world.register_program("leader", leader_main);
  }
  std::string holder() { return runtime::text_at(*server.get(types::leases, "kube-system/test"), {"spec", "holderIdentity"}); }
};

TEST_F(LeaderTest, OneLeadsAndTheOtherWaits) {
  start("m2", "leader");
  run_for(1s);
  start("m3", "leader");
  run_for(60s);
  EXPECT_EQ(holder(), "m2");
  EXPECT_EQ(std::count(leading.begin(), leading.end(), "m3"), 0);
}

TEST_F(LeaderTest, TakesOverAfterAKillButNeverBeforeTheLeaseEnds) {
  auto* first = start("m2", "leader");
  run_for(5s);
  start("m3", "leader");
  run_for(5s);
  first->signal(runtime::Signal::kill);
  const auto killed_at = world.now();
  ASSERT_TRUE(world.run_until(killed_at + 25s, [&] { return holder() == "m3"; }));
  EXPECT_GE(world.now() - killed_at, 12s);
  EXPECT_LE(world.now() - killed_at, 21s);
  EXPECT_EQ(runtime::integer_at(*server.get(types::leases, "kube-system/test"), {"spec", "leaseTransitions"}), 1);
}

TEST_F(LeaderTest, ReleasesWhenStopped) {
  auto* first = start("m2", "leader");
  run_for(5s);
  start("m3", "leader");
  run_for(5s);
  first->signal(runtime::Signal::terminate);
  ASSERT_TRUE(world.run_until(world.now() + 6s, [&] { return holder() == "m3"; }));
}

TEST_F(LeaderTest, APausedLeaderWritesNothingAfterItsTime) {
  const auto first = start("m2", "leader")->shared_from_this();
  run_for(5s);
  start("m3", "leader");
  run_for(5s);
  first->signal(runtime::Signal::stop);
  run_for(30s);
  EXPECT_EQ(last_writer(server), "m3");
  const std::size_t before = server.writes.size();
  first->signal(runtime::Signal::resume);
  run_for(10s);
  for (std::size_t i = before; i < server.writes.size(); ++i) {
    if (server.writes[i].target.find("configmaps") == std::string::npos) continue;
    EXPECT_EQ(server.writes[i].body.find("m2-"), std::string::npos) << "a write of the ex-leader: " << server.writes[i].body;
  }
  EXPECT_FALSE(first->alive()) << "an ex-leader ends and is started anew";
}

TEST_F(LeaderTest, KeepsLeadingThroughShortOutages) {
  start("m2", "leader");
  run_for(5s);
  server.refuse = [](const runtime::HttpRequest&) { return 503; };
  run_for(7s);
  server.refuse = nullptr;
  run_for(10s);
  EXPECT_EQ(holder(), "m2");
  EXPECT_TRUE(electors["m2"]->is_leader());
}

// --- work queue ---

std::vector<std::string> worked;

Task<Result<void>> fail_twice(Runtime& runtime, std::string key) {
  worked.push_back(key + "@" + std::to_string((runtime.now() - Instant{}) / 1ms));
  co_await runtime.sleep_for(1ms);
  const auto tries = std::count_if(worked.begin(), worked.end(), [&](const std::string& one) { return one.starts_with(key + "@"); });
  if (key == "bad" && tries <= 2) {
    Error error(ErrorCode::unavailable, "not yet");
    co_return error;
  }
  co_return runtime::success();
}

Task<int> queue_main(Runtime& runtime, std::vector<std::string>) {
  WorkQueue queue(runtime);
  runtime::TaskGroup group(runtime.stop());
  queue.add("a");
  queue.add("a");
  queue.add("bad");
  queue.add_after("later", 100ms);
  queue.add_after("later", 50ms);
  group.spawn("worker", queue.work([&runtime](std::string key) { return fail_twice(runtime, std::move(key)); }));
  co_await runtime.sleep_for(1s);
  EXPECT_EQ(queue.requeue_count("bad"), 0U) << "success forgets";
  co_return 0;
}

TEST_F(InformerTest, WorkQueueDeduplicatesDelaysAndBacksOff) {
  worked.clear();
  world.register_program("queue", queue_main);
  start("m2", "queue");
  run_for(2s);
  const std::vector<std::string> expected{"a@0", "bad@1", "bad@7", "bad@18", "later@50"};
  EXPECT_EQ(worked, expected);
}

Task<Result<void>> never_done(Runtime& runtime, std::string key) {
  worked.push_back(key);
  co_await runtime.sleep_for(1h);
  co_return runtime::success();
}

/// A leader that loses its lease in the middle of its work, and leads anew.
Task<int> interrupted_main(Runtime& runtime, std::vector<std::string>) {
  WorkQueue queue(runtime);
  const WorkQueue::Reconcile reconcile = [&runtime](std::string key) { return never_done(runtime, std::move(key)); };
  queue.add("a");
  for (int term = 0; term < 2; ++term) {
    runtime::TaskGroup group(runtime.stop());
    group.spawn("worker", queue.work(reconcile));
    co_await runtime.sleep_for(1s);
    co_await group.stop_and_join();
  }
  co_return 0;
}

TEST_F(InformerTest, WorkThatWasInterruptedIsBegunAgainByTheNextWorker) {
  worked.clear();
  world.register_program("interrupted", interrupted_main);
  start("m2", "interrupted");
  run_for(3s);
  EXPECT_EQ(worked, (std::vector<std::string>{"a", "a"}));
}

// --- events ---

Task<int> recorder_main(Runtime& runtime, std::vector<std::string>) {
  KubernetesClient client(runtime, SmallApi::kubeconfig("10.0.0.1"));
  EventRecorderOptions options;
  options.component = "tester";
  EventRecorder recorder(client, options);
  Json object = pod("a");
  object["metadata"]["uid"] = "u";
  for (int i = 0; i < 3; ++i) recorder.record(object, types::pods, EventType::warning, "Failed", "it did");
  recorder.record(object, types::pods, EventType::normal, "Worked", "it did");
  runtime::TaskGroup group(runtime.stop());
  group.spawn("events", recorder.run());
  co_await runtime.sleep_for(1s);
  co_return 0;
}

TEST_F(InformerTest, RepeatedEventsAreCounted) {
  world.register_program("recorder", recorder_main);
  start("m2", "recorder");
  run_for(2s);
  std::map<std::string, std::int64_t> counts;
  for (const auto& [key, event] : server.all(types::events)) counts[runtime::text_at(event, {"reason"})] = runtime::integer_at(event, {"count"});
  const std::map<std::string, std::int64_t> expected{{"Failed", 3}, {"Worked", 1}};
  EXPECT_EQ(counts, expected);
}

// --- kubeconfig ---

TEST(KubeconfigFile, ReadsWhatKubeadmWrites) {
  runtime::sim::SimDisk sim_disk([] { return WallTime(); });
  runtime::Disk& disk = sim_disk;
  ASSERT_TRUE(disk.make_directories("/etc/kubernetes/pki"));
  ASSERT_TRUE(disk.write("/etc/kubernetes/pki/client.crt", "CERT"));
  const std::string text = R"(apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Q0E=
    server: https://10.0.0.1:6443
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: system:kube-scheduler
  name: system:kube-scheduler@kubernetes
current-context: system:kube-scheduler@kubernetes
kind: Config
preferences: {}
users:
- name: system:kube-scheduler
  user:
    client-certificate: pki/client.crt
    client-key-data: S0VZ
)";
  const auto config = parse_kubeconfig(text, disk, "/etc/kubernetes");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config.value().servers, std::vector<std::string>{"https://10.0.0.1:6443"});
  EXPECT_EQ(config.value().ca_pem, "CA");
  EXPECT_EQ(config.value().certificate_pem, "CERT");
  EXPECT_EQ(config.value().key_pem, "KEY");
  const auto again = parse_kubeconfig(write_kubeconfig(config.value()), disk, "/");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again.value().key_pem, "KEY");
  EXPECT_EQ(again.value().user_name, "system:kube-scheduler");
}

TEST(KubeconfigFile, SaysWhatIsMissing) {
  runtime::sim::SimDisk sim_disk([] { return WallTime(); });
  runtime::Disk& disk = sim_disk;
  const auto config = parse_kubeconfig("current-context: nowhere\n", disk, "/");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find("context \"nowhere\" does not exist"), std::string::npos);
}

}  // namespace
}  // namespace skidpad::client

// The whole program in a simulated world: two healers, an API server and a provider in memory.
#include <gtest/gtest.h>

#include "controllers/node_healer/node_healer.hpp"
#include "controllers/node_healer/node_tracker.hpp"
#include "controllers/node_healer/testing/small_cluster.hpp"
#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/sim/sim_disk.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::controllers::node_healer {
namespace {

using runtime::HttpRequest;
using runtime::Instant;
using runtime::Runtime;
using runtime::Task;
using runtime::sim::SimProcess;
using runtime::sim::World;
using testing::SmallCluster;
using namespace std::chrono_literals;

class HealerTest : public ::testing::Test {
 protected:
  HealerTest() { build(1); }

  void build(std::uint64_t seed, int workers = 5) {
    world.reset();
    cluster = std::make_unique<SmallCluster>();
    runtime::sim::WorldOptions options;
    options.seed = seed;
    world = std::make_unique<World>(options);
    SmallCluster* shared = cluster.get();
    world->register_program("api", [shared](Runtime& runtime, std::vector<std::string>) { return shared->serve_api(runtime); });
    world->register_program("provider", [shared](Runtime& runtime, std::vector<std::string>) { return shared->serve_provider(runtime); });
    world->register_program("node-healer", node_healer_main);
    const char* names[] = {"api", "provider", "h1", "h2"};
    for (int i = 0; i < 4; ++i) {
      runtime::sim::MachineSpec spec;
      spec.name = names[i];
      spec.address = "10.0.0." + std::to_string(i + 1);
      runtime::Disk& disk = world->add_machine(spec).disk();
      EXPECT_TRUE(disk.write("/kubeconfig", client::write_kubeconfig(client::testing::SmallApi::kubeconfig("10.0.0.1"))));
      EXPECT_TRUE(disk.write("/template.json", R"({"labels":{"role":"worker"},"files":[],"units":[]})"));
    }
    for (int i = 1; i <= 3; ++i) cluster->add_node("control-plane-" + std::to_string(i), "control-plane");
    for (int i = 1; i <= workers; ++i) cluster->add_node("worker-" + std::to_string(i), "worker");
    start("api", "api");
    start("provider", "provider");
  }
  SimProcess* start(const std::string& machine, const std::string& program, std::vector<std::string> arguments = {}) {
    runtime::ProcessSpec spec;
    spec.executable = "/bin/" + program;
    spec.arguments = std::move(arguments);
    return world->machine(machine)->start(std::move(spec)).value();
  }
  void start_healer(const std::string& machine) {
    std::vector<std::string> arguments{"--kubeconfig=/kubeconfig", "--provider=10.0.0.2:7070", "--worker-template=/template.json"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    start(machine, "node-healer", std::move(arguments));
  }
  void start_healers() {
    start_healer("h1");
    start_healer("h2");
    run_for(90s);  // over the rest after a start
  }
  void run_for(Duration duration) { world->run_until(world->now() + duration); }
  std::string leader() {
    const Json* lease = cluster->api.get(client::types::leases, "kube-system/node-healer");
    if (lease == nullptr) return "";
    const std::string holder = runtime::text_at(*lease, {"spec", "holderIdentity"});
    return holder.substr(0, holder.find('_'));
  }
  void kill_healer(const std::string& machine) {
    for (SimProcess* process : world->machine(machine)->processes()) process->signal(runtime::Signal::kill);
  }
  /// As a kubelet would, a few seconds later.
  void restart_dead_healers() {
    for (const char* machine : {"h1", "h2"}) {
      if (world->machine(machine)->processes().empty()) start_healer(machine);
    }
  }
  bool whole(const std::vector<std::string>& workers) {
    std::vector<std::string> wanted{"control-plane-1", "control-plane-2", "control-plane-3"};
    wanted.insert(wanted.end(), workers.begin(), workers.end());
    std::sort(wanted.begin(), wanted.end());
    if (cluster->ready_nodes() != wanted || cluster->api.all(client::types::nodes).size() != wanted.size()) return false;
    return state_open().is_null();
  }
  Json state_open() {
    const Json* map = cluster->api.get(client::types::config_maps, "kube-system/node-healer-state");
    if (map == nullptr) return Json();
    return runtime::find(runtime::parse_json(runtime::text_at(*map, {"data", "state.json"})).value(), {"open"});
  }
  void expect_clean() {
    for (const std::string& offence : cluster->offences) ADD_FAILURE() << offence;
  }
  std::string metrics_of(const std::string& address) {
    auto get = [](Runtime& runtime, std::string at) -> Task<std::string> {
      runtime::HttpClientOptions options;
      options.servers.push_back(runtime::Endpoint{at, 9100});
      runtime::HttpClient client(runtime, options);
      runtime::HttpRequest request;
      request.target = "/metrics";
      auto response = co_await client.request(std::move(request));
      co_return response ? response.value().body : std::string();
    };
    SimProcess* anyone = world->machine("provider")->processes().front();
    return world->run(get(*anyone, address), world->now() + 10s).value_or("");
  }

  std::unique_ptr<SmallCluster> cluster;
  std::unique_ptr<World> world;
  std::vector<std::string> flags;
};

TEST_F(HealerTest, ReplacesAWorkerWhoseKubeletFellSilentAndTellsOfIt) {
  start_healers();
  cluster->kill("worker-2");
  const Instant killed = world->now();
  ASSERT_TRUE(world->run_until(killed + 600s, [&] { return whole({"worker-1", "worker-2-r1", "worker-3", "worker-4", "worker-5"}); }));
  const Duration took = world->now() - killed;
  EXPECT_GE(took, 40s + 300s + 60s);
  EXPECT_LE(took, 40s + 300s + 60s + 5s) << "the end of a wait is not left to the poll";
  EXPECT_EQ(cluster->machines_made, std::vector<std::string>{"worker-2-r1"});
  EXPECT_EQ(cluster->machines_deleted, std::vector<std::string>{"worker-2"});
  EXPECT_EQ(cluster->reasons(), (std::vector<std::string>{"worker-2 MachineCreated", "worker-2 RemediationFinished", "worker-2 RemediationStarted"}));
  expect_clean();
  std::string all;
  for (const char* address : {"10.0.0.3", "10.0.0.4"}) all += metrics_of(address);
  EXPECT_NE(all.find("controller_node_healer_remediations_total{result=\"finished\"} 1"), std::string::npos) << all;
  EXPECT_NE(all.find("controller_node_healer_remediations_total{result=\"started\"} 1"), std::string::npos);
  EXPECT_NE(all.find("controller_node_healer_is_leader 1"), std::string::npos);
  run_for(3600s);
  EXPECT_EQ(cluster->machines_made.size(), 1U) << "and stays still";
}

TEST_F(HealerTest, DoesNotWaitForAMachineThatIsGoneNorForADeletedNode) {
  start_healers();
  cluster->destroy("worker-1");
  const Instant destroyed = world->now();
  ASSERT_TRUE(world->run_until(destroyed + 600s, [&] { return whole({"worker-1-r1", "worker-2", "worker-3", "worker-4", "worker-5"}); }));
  EXPECT_LE(world->now() - destroyed, 40s + 60s + 15s);
  cluster->living_destroyed_is_offence = false;  // whose Node is deleted is taken for lost
  cluster->api.erase(client::types::nodes, "worker-4");
  const Instant deleted = world->now();
  ASSERT_TRUE(world->run_until(deleted + 600s, [&] { return whole({"worker-1-r1", "worker-2", "worker-3", "worker-4-r1", "worker-5"}); }));
  EXPECT_LE(world->now() - deleted, 60s + 5s);
  expect_clean();
}

TEST_F(HealerTest, ReplacesAReplacementUnderANewName) {
  start_healers();
  cluster->kill("worker-2");
  ASSERT_TRUE(world->run_until(world->now() + 600s, [&] { return whole({"worker-1", "worker-2-r1", "worker-3", "worker-4", "worker-5"}); }));
  cluster->kill("worker-2-r1");
  ASSERT_TRUE(world->run_until(world->now() + 600s, [&] { return whole({"worker-1", "worker-2-r2", "worker-3", "worker-4", "worker-5"}); }));
  expect_clean();
}

TEST_F(HealerTest, TriesAgainWhenAReplacementNeverJoinsAndGivesUpAfterTheLimit) {
  flags = {"--max-retry=2"};
  start_healers();
  for (int i = 1; i <= 9; ++i) cluster->stillborn.insert("worker-2-r" + std::to_string(i));
  cluster->kill("worker-2");
  run_for(3h);
  EXPECT_EQ(cluster->machines_made, (std::vector<std::string>{"worker-2-r1", "worker-2-r2", "worker-2-r3"}));
  EXPECT_EQ(cluster->told("worker-2 RemediationFailed"), 1U);
  EXPECT_EQ(cluster->told("worker-2-r3 RemediationFailed"), 1U) << "given up";
  expect_clean();
}

TEST_F(HealerTest, LeavesAloneWhatIsPausedSkippedOrAboveTheFuse) {
  start_healers();
  cluster->annotate("worker-1", annotations::skip_remediation);
  cluster->annotate("worker-2", annotations::paused);
  cluster->kill("worker-1");
  cluster->kill("worker-2");
  run_for(1h);
  EXPECT_TRUE(cluster->reasons().empty());
  cluster->kill("worker-3");  // the third of five
  run_for(1h);
  EXPECT_EQ(cluster->reasons(), std::vector<std::string>{"worker-3 RemediationRestricted"});
  EXPECT_TRUE(cluster->machines_made.empty());
  cluster->revive("worker-1");
  cluster->revive("worker-2");
  run_for(200s);
  EXPECT_EQ(cluster->machines_made, std::vector<std::string>{"worker-3-r1"}) << "resumes when back under";
  expect_clean();
}

TEST_F(HealerTest, DoesNothingAtAllWhenPaused) {
  flags = {"--paused"};
  start_healers();
  const auto at = [this] { return std::pair(cluster->machines_made.size() + cluster->machines_deleted.size(), cluster->reasons().size()); };
  cluster->kill("worker-1");
  run_for(2h);
  EXPECT_EQ(at(), std::pair(std::size_t(0), std::size_t(0)));
  EXPECT_EQ(cluster->api.get(client::types::config_maps, "kube-system/node-healer-state"), nullptr);
}

TEST_F(HealerTest, NeverTouchesTheControlPlane) {
  start_healers();
  cluster->kill("control-plane-1");
  run_for(1h);
  EXPECT_TRUE(cluster->reasons().empty());
  EXPECT_TRUE(cluster->machines_deleted.empty());
}

TEST_F(HealerTest, ReplacesOneWorkerAfterTheOther) {
  start_healers();
  cluster->kill("worker-1");
  cluster->kill("worker-2");
  std::size_t most = 0;
  ASSERT_TRUE(world->run_until(world->now() + 700s, [&] {
    most = std::max(most, cluster->joins_at.size());
    return whole({"worker-1-r1", "worker-2-r1", "worker-3", "worker-4", "worker-5"});
  }));
  EXPECT_EQ(most, 1U);
  expect_clean();
}

TEST_F(HealerTest, AnApiOutageAloneReplacesNothingAndIsFollowedByOneGraceOfRest) {
  start_healers();
  // Nearly due when the API goes away; its kubelet is well again, but can say so only some time after the return.
  cluster->kill("worker-2");
  run_for(330s);
  bool away = true;
  cluster->on_any = [&away](const HttpRequest&) { return away ? 503 : 0; };
  run_for(300s);
  away = false;
  run_for(45s);
  EXPECT_TRUE(cluster->machines_made.empty());
  cluster->revive("worker-2");
  run_for(1h);
  EXPECT_TRUE(cluster->machines_made.empty());
  EXPECT_TRUE(cluster->reasons().empty());
}

TEST_F(HealerTest, AWorkerStillLostAfterTheGraceIsReplaced) {
  start_healers();
  cluster->kill("worker-2");
  run_for(330s);
  bool away = true;
  cluster->on_any = [&away](const HttpRequest&) { return away ? 503 : 0; };
  run_for(300s);
  away = false;
  const Instant back = world->now();
  ASSERT_TRUE(world->run_until(back + 300s, [&] { return !cluster->machines_made.empty(); }));
  EXPECT_GE(world->now() - back, 50s);
  EXPECT_LE(world->now() - back, 90s);
}

TEST_F(HealerTest, AStoppedLeaderThatWakesAfterItsTermDoesNothing) {
  start_healers();
  cluster->kill("worker-2");
  run_for(338s);
  const std::string old = leader();
  ASSERT_FALSE(old.empty());
  world->machine(old)->processes().front()->signal(runtime::Signal::stop);
  ASSERT_TRUE(world->run_until(world->now() + 300s, [&] { return !cluster->machines_made.empty(); }));
  EXPECT_NE(leader(), old);
  run_for(10s);
  world->machine(old)->processes().front()->signal(runtime::Signal::resume);
  run_for(600s);
  EXPECT_TRUE(whole({"worker-1", "worker-2-r1", "worker-3", "worker-4", "worker-5"}));
  EXPECT_EQ(cluster->told("worker-2 RemediationStarted"), 1U);
  EXPECT_EQ(cluster->machines_made.size(), 1U);
  expect_clean();
}

TEST_F(HealerTest, IsCheapWhenNothingHappens) {
  start_healers();
  std::size_t requests = 0;
  cluster->on_any = [&requests](const HttpRequest& request) {
    if (request.target.find("/leases") == std::string::npos) ++requests;
    return 0;
  };
  run_for(1000s);
  EXPECT_LE(requests, 2 * 100 + 60U) << "two looks at the state per poll, and watches that end now and then";
}

// O1. The leader dies at each of its writes, just before or just after it takes effect; the end is that of a run without deaths.
TEST_F(HealerTest, DyingAtAnyWriteChangesNothingInTheEnd) {
  std::size_t deaths = 0;
  for (int write = 1; write <= 12; ++write) {
    for (const bool effective : {false, true}) {
      build(std::uint64_t(write), 5);
      start_healers();
      cluster->kill("worker-2");
      int writes = 0;
      bool died = false;
      cluster->on_write = [&](const HttpRequest&) {
        if (died || ++writes != write) return 0;
        died = true;
        ++deaths;
        const std::string machine = leader();
        world->defer([this, machine] { kill_healer(machine); });
        return effective ? 0 : 503;
      };
      const Instant end = world->now() + 1000s;
      bool done = false;
      while (!done && world->now() < end) {
        done = world->run_until(world->now() + 5s, [&] { return whole({"worker-1", "worker-2-r1", "worker-3", "worker-4", "worker-5"}); });
        restart_dead_healers();
      }
      const std::string run = "death at write " + std::to_string(write) + (effective ? ", which took effect" : ", which did not");
      EXPECT_TRUE(done) << run;
      EXPECT_EQ(cluster->machines_made, std::vector<std::string>{"worker-2-r1"}) << run;
      EXPECT_EQ(cluster->machines_deleted, std::vector<std::string>{"worker-2"}) << run;
      EXPECT_EQ(cluster->told("worker-2 RemediationStarted"), 1U) << run;
      EXPECT_EQ(cluster->told("worker-2 MachineCreated"), 1U) << run;
      EXPECT_EQ(cluster->told("worker-2 RemediationFinished"), 1U) << run;
      EXPECT_EQ(cluster->told("worker-2 RemediationFailed"), 0U) << run;
      expect_clean();
    }
  }
  EXPECT_GE(deaths, 16U) << "the walk must have reached the last write";
}

// O1, the other way: deaths at random times, many of them.
TEST_F(HealerTest, DyingAtRandomTimesChangesNothingInTheEnd) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    build(seed, 5);
    start_healers();
    cluster->kill("worker-2");
    runtime::Random random(seed);
    const Instant end = world->now() + 3000s;
    bool done = false;
    for (int deaths = 0; !done && world->now() < end;) {
      const Duration wait = random.between(1s, 60s);
      done = world->run_until(world->now() + wait, [&] { return whole({"worker-1", "worker-2-r1", "worker-3", "worker-4", "worker-5"}); });
      restart_dead_healers();
      if (deaths++ < 20 && random.chance(runtime::Ratio{2, 3})) kill_healer(leader().empty() ? "h1" : leader());
    }
    EXPECT_TRUE(done) << "seed " << seed;
    EXPECT_EQ(cluster->machines_made, std::vector<std::string>{"worker-2-r1"}) << "seed " << seed;
    EXPECT_EQ(cluster->machines_deleted, std::vector<std::string>{"worker-2"}) << "seed " << seed;
    EXPECT_EQ(cluster->reasons().size(), 3U) << "seed " << seed;
    expect_clean();
  }
}

TEST_F(HealerTest, OneSeedGivesOneRun) {
  std::vector<std::uint64_t> digests;
  for (int i = 0; i < 2; ++i) {
    build(7);
    start_healers();
    cluster->kill("worker-2");
    run_for(500s);
    digests.push_back(world->digest());
  }
  EXPECT_EQ(digests[0], digests[1]);
}

}  // namespace
}  // namespace skidpad::controllers::node_healer

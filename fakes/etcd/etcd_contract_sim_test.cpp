// The contract suite against the model in the simulator.
#include <gtest/gtest.h>

#include "fakes/etcd/etcd.hpp"
#include "fakes/etcd/etcd_contract.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::fakes::etcd {
namespace {

using namespace std::chrono_literals;
using runtime::Duration;
using runtime::Runtime;
using runtime::Task;
namespace sim = runtime::sim;

class SimCluster;
SimCluster* current_cluster = nullptr;
const Contract* current_contract = nullptr;

class SimCluster final : public ContractCluster {
 public:
  explicit SimCluster(std::uint64_t seed) {
    sim::WorldOptions options;
    options.seed = seed;
    world.emplace(options);
    world->register_program("etcd", etcd_main);
    world->register_program("test", test_main);
    for (std::size_t member = 0; member < 5; ++member) add_machine("m" + std::to_string(member), address(member));
    add_machine("client", "10.0.0.100");
    world->on_exit = [this](sim::Machine& machine, sim::SimProcess& process, const std::string&) {
      if (process.program_name() == "etcd" && process.exit_status()) exits[machine.name()] = process.exit_status()->code;
    };
  }
  static std::string address(std::size_t member) { return "10.0.0." + std::to_string(member + 1); }
  void add_machine(std::string name, std::string address) {
    sim::MachineSpec machine;
    machine.name = std::move(name);
    machine.address = std::move(address);
    world->add_machine(machine);
  }
  Runtime& runtime() override { return *test_runtime; }
  runtime::Endpoint client_endpoint(std::size_t member) override { return {address(member), 2379}; }
  std::string peer_url(std::size_t member) override { return "http://" + address(member) + ":2380"; }
  std::string data_directory(std::size_t) override { return "/var/lib/etcd"; }
  Duration heartbeat_interval() override { return 100ms; }
  void start_process(std::size_t member, std::vector<std::string> flags) override {
    runtime::ProcessSpec process;
    process.executable = "/usr/bin/etcd";
    process.arguments = std::move(flags);
    sim::Machine* machine = world->machine(name(member));
    exits.erase(name(member));
    ASSERT(machine->start(process));
  }
  void kill(std::size_t member) override {
    for (sim::SimProcess* process : world->machine(name(member))->processes()) process->signal(runtime::Signal::kill);
  }
  void wipe(std::size_t member) override { world->machine(name(member))->disk().format(); }
  std::optional<int> exit_code(std::size_t member) override {
    const auto found = exits.find(name(member));
    return found == exits.end() ? std::nullopt : std::optional(found->second);
  }
  std::string scratch_path(const std::string& name) override { return "/tmp/" + name; }
  Task<bool> snapshot_accepted(std::string path) override { co_return test_runtime->disk().exists(path); }

  static Task<int> test_main(Runtime& runtime, std::vector<std::string>) {
    current_cluster->test_runtime = &runtime;
    co_await run_contract(*current_cluster, *current_contract);
    current_cluster->finished = true;
    co_return 0;
  }
  void run(const Contract& contract) {
    current_cluster = this;
    current_contract = &contract;
    runtime::ProcessSpec process;
    process.executable = "test";
    ASSERT(world->machine("client")->start(process));
    world->run_until(world->now() + 300s, [&] { return finished; });
    expect(finished, "the contract did not end");
  }

  Runtime* test_runtime = nullptr;
  bool finished = false;
  std::map<std::string, int> exits;
  std::optional<sim::World> world;
};

class EtcdModelInSimulator : public testing::TestWithParam<Contract> {};

TEST_P(EtcdModelInSimulator, KeepsTheContract) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SimCluster cluster(seed);
    cluster.run(GetParam());
    for (const std::string& finding : cluster.findings) ADD_FAILURE() << "seed " << seed << ": " << finding;
    if (HasFailure()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EtcdModelInSimulator, testing::ValuesIn(contracts()), [](const auto& info) { return info.param.name; });

TEST(EtcdModelInSimulatorRuns, EqualSeedsGiveEqualRuns) {
  const Contract& contract = contracts().at(7);
  std::set<std::uint64_t> digests;
  for (int repeat = 0; repeat < 2; ++repeat) {
    SimCluster cluster(42);
    cluster.run(contract);
    digests.insert(cluster.world->digest());
  }
  EXPECT_EQ(digests.size(), 1u);
}

}  // namespace
}  // namespace skidpad::fakes::etcd

// Random faults against concurrent clients: whatever happens to the members, what the model acknowledged stays, reads are
// linearizable per key, watches are complete and ordered. The same checks must find bugs that are planted.
#include <gtest/gtest.h>

#include "fakes/etcd/etcd.hpp"
#include "harness/client/etcd/etcd_client.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::fakes::etcd {
namespace {

using namespace std::chrono_literals;
using client::EtcdClient;
using client::KeyValue;
using client::PutRequest;
using client::Revision;
using runtime::Duration;
using runtime::Instant;
using runtime::Result;
using runtime::Runtime;
using runtime::Task;
namespace sim = runtime::sim;

constexpr std::size_t member_count = 3;
constexpr std::size_t key_count = 3;
constexpr std::size_t writer_count = 4;
constexpr std::size_t reader_count = 3;

struct Observation {
  Instant call{};
  Instant done{};
  std::string key;
  std::string value;  ///< of a write; of a read what it saw
  Revision revision = 0;  ///< of the write; of a read the mod_revision it saw
  bool is_write = false;
  bool acknowledged = false;
};

/// One run's record, filled in by the programs below (one thread, so plain globals serve).
struct Record {
  std::vector<Observation> operations;
  std::vector<std::tuple<Revision, std::string, std::string>> watched;
  std::vector<std::string> violations;
  std::map<std::string, KeyValue> final_state;
  Revision watch_from = 0;
  bool clients_stop = false;
  std::size_t clients_running = 0;
  std::optional<Revision> final_revision;
  bool watcher_done() const { return final_revision && !watched.empty() && std::get<0>(watched.back()) >= *final_revision; }
  RaftOptions planted;
};
Record* record = nullptr;

std::string address(std::size_t member) { return "10.0.0." + std::to_string(member + 1); }

client::EtcdClientOptions all_members() {
  client::EtcdClientOptions options;
  for (std::size_t member = 0; member < member_count; ++member) options.endpoints.push_back({address(member), 2379});
  options.request_timeout = 8s;
  options.connect_timeout = 500ms;
  options.watch_probe_interval = 5s;
  options.watch_probe_timeout = 1s;
  return options;
}

Task<int> planted_main(Runtime& runtime, std::vector<std::string> arguments) { return run_etcd(runtime, std::move(arguments), record->planted); }

Task<int> client_main(Runtime& runtime, std::vector<std::string> arguments) {
  // Each starts at a member of its own, so that stale ones are asked too.
  client::EtcdClientOptions options = all_members();
  const std::size_t number = std::stoul(arguments.at(0));
  const bool reads_only = number >= writer_count;
  std::rotate(options.endpoints.begin(), options.endpoints.begin() + static_cast<std::ptrdiff_t>(number % member_count), options.endpoints.end());
  EtcdClient etcd(runtime, std::move(options));
  for (int i = 0; !record->clients_stop; ++i) {
    Observation operation;
    operation.key = "k" + std::to_string(runtime.random().below(key_count));
    // A reader alone is not held up by writes, and so stays with a leader that is cut off from the others.
    operation.is_write = !reads_only && runtime.random().below(2) == 0;
    operation.call = runtime.now();
    if (operation.is_write) {
      operation.value = std::to_string(number) + ":" + std::to_string(i);
      Result<client::PutResponse> put = co_await etcd.put(PutRequest(operation.key, operation.value));
      operation.acknowledged = put.has_value();
      if (put) operation.revision = put.value().header.revision;
    } else {
      Result<std::optional<KeyValue>> read = co_await etcd.get(operation.key);
      operation.acknowledged = read.has_value();
      if (read && read.value()) {
        operation.value = read.value()->value;
        operation.revision = read.value()->mod_revision;
      }
    }
    operation.done = runtime.now();
    record->operations.push_back(std::move(operation));
    const Duration pause = runtime.random().between(1ms, 60ms);
    co_await runtime.sleep_for(pause);
  }
  --record->clients_running;
  co_return 0;
}

Task<int> watcher_main(Runtime& runtime, std::vector<std::string>) {
  EtcdClient etcd(runtime, all_members());
  client::WatchRequest request = client::WatchRequest::prefix("k");
  request.start_revision = 1;
  client::EtcdWatch watch = etcd.watch(request);
  for (;;) {
    Result<client::WatchBatch> batch = co_await watch.next();
    if (!batch) {
      record->violations.push_back("watch ended: " + batch.error().message);
      co_return 1;
    }
    for (const client::EtcdWatchEvent& event : batch.value().events) record->watched.emplace_back(event.kv.mod_revision, event.kv.key, event.kv.value);
  }
}

/// Ends the run: a last write that the watcher waits for, and the final state of all keys.
Task<int> closer_main(Runtime& runtime, std::vector<std::string>) {
  EtcdClient etcd(runtime, all_members());
  for (;;) {
    Result<client::PutResponse> last = co_await etcd.put(PutRequest("k-last", "x"));
    if (!last) continue;
    Result<client::RangeResponse> all = co_await etcd.range(client::RangeRequest::prefix("k"));
    if (!all) continue;
    for (const KeyValue& kv : all.value().kvs) record->final_state[kv.key] = kv;
    record->final_revision = last.value().header.revision;
    co_return 0;
  }
}

/// Per key, revisions order the writes; real time must agree with that order.
void check(Record& run) {
  const auto violated = [&](std::string what) {
    if (run.violations.size() < 20) run.violations.push_back(std::move(what));
  };
  // Watch: strictly ordered, and the truth about every acknowledged write.
  std::map<Revision, std::pair<std::string, std::string>> history;
  Revision last = 0;
  for (const auto& [revision, key, value] : run.watched) {
    if (revision <= last) violated("watch event out of order at revision " + std::to_string(revision));
    last = revision;
    history[revision] = {key, value};
  }
  std::set<std::string> written;
  for (const auto& [revision, change] : history)
    if (!written.insert(change.second).second && change.second != "x") violated("one write happened twice: " + change.second);
  for (const Observation& operation : run.operations) {
    if (!operation.acknowledged || operation.revision == 0) continue;
    const auto found = history.find(operation.revision);
    if (found == history.end() || found->second != std::pair(operation.key, operation.value))
      violated((operation.is_write ? "acknowledged write lost or changed: " : "read of what never was: ") + operation.key + "=" + operation.value + " at " +
               std::to_string(operation.revision));
  }
  // Real time: an operation that began after another one ended sees at least its revision.
  std::vector<const Observation*> by_done, by_call;
  for (const Observation& operation : run.operations) {
    if (!operation.acknowledged) continue;
    by_done.push_back(&operation);
    by_call.push_back(&operation);
  }
  std::stable_sort(by_done.begin(), by_done.end(), [](auto* a, auto* b) { return a->done < b->done; });
  std::stable_sort(by_call.begin(), by_call.end(), [](auto* a, auto* b) { return a->call < b->call; });
  std::map<std::string, Revision> settled;
  std::size_t ended = 0;
  for (const Observation* operation : by_call) {
    for (; ended < by_done.size() && by_done[ended]->done < operation->call; ++ended) {
      Revision& floor = settled[by_done[ended]->key];
      floor = std::max(floor, by_done[ended]->revision);
    }
    const Revision floor = settled[operation->key];
    if (operation->is_write ? operation->revision <= floor && floor != 0 : operation->revision < floor)
      violated(std::string(operation->is_write ? "a write went into the past: " : "a stale read: ") + operation->key + " at " + std::to_string(operation->revision) +
               ", but " + std::to_string(floor) + " had been seen");
  }
  // The end agrees with the history.
  std::map<std::string, std::pair<Revision, std::string>> expected;
  for (const auto& [revision, change] : history) expected[change.first] = {revision, change.second};
  for (const auto& [key, value] : expected) {
    const auto found = run.final_state.find(key);
    if (found == run.final_state.end() || found->second.mod_revision != value.first || found->second.value != value.second) violated("final state differs at " + key);
  }
}

class Chaos {
 public:
  Chaos(std::uint64_t seed, RaftOptions planted, Record& run, std::vector<std::string> more_flags = {})
      : random_(seed), more_flags_(std::move(more_flags)), world(options(seed)) {
    record = &run;
    run.planted = planted;
    world.register_program("etcd", planted_main);
    world.register_program("client", client_main);
    world.register_program("watcher", watcher_main);
    world.register_program("closer", closer_main);
    for (std::size_t member = 0; member < member_count; ++member) add("m" + std::to_string(member), address(member));
    add("client", "10.0.0.100");
  }
  void start_all() {
    for (std::size_t member = 0; member < member_count; ++member) start_member(member);
  }
  /// Only cuts one member from the others, and heals: how a leader is made to lead alone for a while.
  bool isolations_only = false;
  void run(int faults) {
    start_all();
    world.run_until(world.now() + 3s);
    record->clients_running = writer_count + reader_count;
    for (std::size_t number = 0; number < writer_count + reader_count; ++number) start_program("client", {std::to_string(number)});
    start_program("watcher", {});
    for (int i = 0; i < faults; ++i) {
      world.run_until(world.now() + random_.between(200ms, 4s));
      one_fault();
    }
    heal();
    world.run_until(world.now() + 5s);
    record->clients_stop = true;
    const bool stopped = world.run_until(world.now() + 60s, [] { return record->clients_running == 0; });
    if (!stopped) record->violations.push_back("clients hang after everything was healed");
    start_program("closer", {});
    const bool closed = world.run_until(world.now() + 120s, [] { return record->watcher_done(); });
    if (!record->final_revision) {
      record->violations.push_back("the cluster does not come back");
    } else if (!closed) {
      record->violations.push_back("the watch stays behind revision " + std::to_string(*record->final_revision) + " at " +
                                   std::to_string(record->watched.empty() ? 0 : std::get<0>(record->watched.back())));
    }
    if (closed) check(*record);
  }

 private:
  static sim::WorldOptions options(std::uint64_t seed) {
    sim::WorldOptions world_options;
    world_options.seed = seed;
    world_options.log_level = runtime::LogLevel::error;
    return world_options;
  }
  void add(std::string name, std::string address) {
    sim::MachineSpec machine;
    machine.name = std::move(name);
    machine.address = std::move(address);
    world.add_machine(machine);
  }
  sim::Machine& machine(std::size_t member) { return *world.machine("m" + std::to_string(member)); }
  void start_program(const std::string& name, std::vector<std::string> arguments) {
    runtime::ProcessSpec process;
    process.executable = name;
    process.arguments = std::move(arguments);
    ASSERT(world.machine("client")->start(process));
  }
  void start_member(std::size_t member) {
    std::string initial;
    for (std::size_t other = 0; other < member_count; ++other) initial += (other == 0 ? "" : ",") + std::string("m") + std::to_string(other) + "=http://" + address(other) + ":2380";
    runtime::ProcessSpec process;
    process.executable = "etcd";
    process.arguments = {"--name=m" + std::to_string(member), "--data-dir=/var/lib/etcd", "--listen-client-urls=http://" + address(member) + ":2379",
                         "--advertise-client-urls=http://" + address(member) + ":2379", "--listen-peer-urls=http://" + address(member) + ":2380",
                         "--initial-advertise-peer-urls=http://" + address(member) + ":2380", "--initial-cluster=" + initial};
    process.arguments.insert(process.arguments.end(), more_flags_.begin(), more_flags_.end());
    machine(member).power_on();
    ASSERT(machine(member).start(process));
  }
  void one_fault() {
    const std::size_t member = random_.below(member_count);
    const std::size_t other = (member + 1 + random_.below(member_count - 1)) % member_count;
    const std::string from = "m" + std::to_string(member), to = "m" + std::to_string(other);
    sim::LinkState cut;
    cut.cut = true;
    sim::LinkState lossy;
    lossy.loss = runtime::Ratio{1, 10};
    lossy.jitter = 50ms;
    switch (isolations_only ? 2 + 5 * random_.below(2) : random_.below(8)) {
      case 0: machine(member).power_off(); break;
      case 1:
        for (sim::SimProcess* process : machine(member).processes()) process->signal(runtime::Signal::kill);
        break;
      case 2:
        for (std::size_t peer = 0; peer < member_count; ++peer) {
          if (peer == member) continue;
          world.set_link(from, "m" + std::to_string(peer), cut);
          world.set_link("m" + std::to_string(peer), from, cut);
        }
        break;
      case 3: world.set_link(from, to, cut); break;  // one way only
      case 4: world.set_link(from, to, lossy); break;
      case 5:
        for (sim::SimProcess* process : machine(member).processes()) process->signal(runtime::Signal::stop);
        break;
      default: heal();
    }
  }
  void heal() {
    for (std::size_t a = 0; a < member_count; ++a)
      for (std::size_t b = 0; b < member_count; ++b)
        if (a != b) world.set_link("m" + std::to_string(a), "m" + std::to_string(b), sim::LinkState());
    for (std::size_t member = 0; member < member_count; ++member) {
      for (sim::SimProcess* process : machine(member).processes()) process->signal(runtime::Signal::resume);
      if (!machine(member).powered() || machine(member).processes().empty()) start_member(member);
    }
  }
  runtime::Random random_;
  std::vector<std::string> more_flags_;

 public:
  sim::World world;
};

constexpr int faults_per_run = 12;

TEST(EtcdModelUnderFaults, LosesNothingAndReadsNothingStale) {
  std::size_t operations = 0, acknowledged = 0;
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    Record run;
    // Small logs on every third seed, so that snapshots and lagging followers meet.
    Chaos chaos(seed, RaftOptions(), run, seed % 3 == 0 ? std::vector<std::string>{"--snapshot-count=20"} : std::vector<std::string>());
    chaos.run(faults_per_run);
    operations += run.operations.size();
    for (const Observation& operation : run.operations) acknowledged += operation.acknowledged ? 1 : 0;
    for (const std::string& violation : run.violations) ADD_FAILURE() << "seed " << seed << ": " << violation;
    if (HasFailure()) break;
  }
  // The faults must leave enough to judge.
  EXPECT_GT(acknowledged, operations / 2);
  EXPECT_GT(acknowledged, 10000u);
}

TEST(EtcdModelUnderFaults, RepeatsByteForByte) {
  std::set<std::uint64_t> digests;
  for (int repeat = 0; repeat < 2; ++repeat) {
    Record run;
    Chaos chaos(7, RaftOptions(), run);
    chaos.run(faults_per_run);
    digests.insert(chaos.world.digest());
  }
  EXPECT_EQ(digests.size(), 1u);
}

TEST(EtcdModelUnderFaults, CostsLittleWhenIdle) {
  Record run;
  Chaos chaos(3, RaftOptions(), run);
  chaos.start_all();
  chaos.world.run_until(chaos.world.now() + 10s);
  const std::uint64_t before = chaos.world.event_count();
  chaos.world.run_until(chaos.world.now() + 100s);
  // Ten heartbeats a second to two followers and back, each a few events of the simulator: no more than that.
  EXPECT_LT(chaos.world.event_count() - before, 100u * 250u);
}

struct Planted {
  std::string name;
  bool RaftOptions::*bug;
  bool isolations_only;
};
class EtcdModelWithPlantedBug : public testing::TestWithParam<Planted> {};

TEST_P(EtcdModelWithPlantedBug, IsCaught) {
  RaftOptions planted;
  planted.*GetParam().bug = true;
  std::size_t caught = 0;
  for (std::uint64_t seed = 1; seed <= 60 && caught == 0; ++seed) {
    Record run;
    Chaos chaos(seed, planted, run);
    chaos.isolations_only = GetParam().isolations_only;
    chaos.run(faults_per_run);
    // Hanging would not do: the bug itself must show.
    const auto is_about_safety = [](const std::string& what) { return what.find("hang") == std::string::npos && what.find("come back") == std::string::npos; };
    caught += std::any_of(run.violations.begin(), run.violations.end(), is_about_safety) ? 1 : 0;
  }
  EXPECT_GT(caught, 0u);
}

INSTANTIATE_TEST_SUITE_P(All, EtcdModelWithPlantedBug,
                         testing::Values(Planted{"AcknowledgesBeforeQuorum", &RaftOptions::bug_commit_before_quorum, false},
                                         Planted{"ReadsWithoutQuorum", &RaftOptions::bug_read_without_quorum, true}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace skidpad::fakes::etcd

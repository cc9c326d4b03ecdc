// The smaller checkers, each with a good history and the smallest bad one.
#include <gtest/gtest.h>

#include "harness/check/describe.hpp"
#include "harness/check/floor.hpp"
#include "harness/check/metrics.hpp"
#include "harness/check/probes.hpp"
#include "harness/check/recovery.hpp"
#include "harness/check/remediation.hpp"
#include "harness/check/writes.hpp"
#include "harness/history/codec.hpp"
#include "harness/history/recorder.hpp"

namespace skidpad::check {
namespace {

using namespace std::chrono_literals;
using history::Operation;
using history::Outcome;

// --- floor ---

TEST(Floor, OfALostNodeIsTheSumOfTheTimersInForce) {
  FloorFault fault;
  fault.kind = "power_off";
  const auto floor = floor_of(fault, history::kubernetes(), NodeReplacement::by_node_healer);
  ASSERT_TRUE(floor);
  EXPECT_EQ(floor->shortest, 40s + 300s + 60s);                                    // grace less one renewal, N1's timeout, the machine
  EXPECT_EQ(floor->longest, 60s + 310s + 60s + (10s + 5s + 20s));
  const auto evicted = floor_of(fault, history::kubernetes(), NodeReplacement::none);
  EXPECT_EQ(evicted->shortest, 40s + 300s);
  const auto fast = floor_of(fault, history::fast(), NodeReplacement::by_node_healer);
  EXPECT_LT(fast->longest, floor->longest / 10);
}

TEST(Floor, TermsAddUpForEveryFaultKindAndProfile) {
  for (const history::Timers& timers : {history::kubernetes(), history::fast()})
    for (const NodeReplacement replacement : {NodeReplacement::none, NodeReplacement::by_node_healer})
      for (const char* kind : {"power_off", "destroy_machine", "reinstall_machine", "delete_node", "kill_process", "stop_process", "partition"})
        for (const char* process : {"", "kubelet", "etcd", "kube_apiserver", "node_healer"}) {
          FloorFault fault;
          fault.kind = kind;
          fault.process = process;
          const auto floor = floor_of(fault, timers, replacement);
          if (!floor) continue;
          Duration shortest{}, longest{};
          for (const FloorTerm& term : floor->terms) {
            shortest += term.shortest;
            longest += term.longest;
          }
          EXPECT_EQ(shortest, floor->shortest) << kind;
          EXPECT_EQ(longest, floor->longest) << kind;
          EXPECT_LE(floor->shortest, floor->longest) << kind;
        }
}

TEST(Floor, OfAFaultTakenBackInTimeIsItsDuration) {
  FloorFault fault;
  fault.kind = "partition";
  fault.healed_after = 30s;
  EXPECT_EQ(floor_of(fault, history::kubernetes(), NodeReplacement::by_node_healer)->shortest, 30s);
  fault.healed_after = 3600s;
  EXPECT_EQ(floor_of(fault, history::kubernetes(), NodeReplacement::by_node_healer)->shortest, 400s);
}

TEST(Floor, OfSeveralFaultsIsThatOfTheLastToEndAndUnknownKindsHaveNone) {
  FloorFault first, second, packets;
  first.kind = second.kind = "power_off";
  second.offset = 100s;
  packets.kind = "packet_loss";
  const history::Timers timers = history::kubernetes();
  EXPECT_EQ(floor_of({first, second}, timers, NodeReplacement::by_node_healer)->shortest, 500s);
  EXPECT_FALSE(floor_of(packets, timers, NodeReplacement::by_node_healer));
  EXPECT_FALSE(floor_of(std::vector<FloorFault>{}, timers, NodeReplacement::none));
}

// --- probes ---

Operation probe(Duration call, bool answered, Duration latency = 10ms) {
  Operation operation;
  operation.client = "p";
  operation.workload = "web";
  operation.operation = "probe";
  operation.call = call;
  operation.returned = call + latency;
  operation.outcome = answered ? Outcome::ok : Outcome::failed;
  return operation;
}

TEST(Probes, MeasureGapsFromTheFirstFailedCallToTheNextGoodAnswer) {
  const auto summary = summarise_probes(std::vector<Operation>{probe(0s, true), probe(1s, false), probe(2s, false), probe(3s, true, 500ms), probe(4s, false)})[0];
  ASSERT_EQ(summary.gaps.size(), 2u);
  EXPECT_EQ(summary.gaps[0].begin, 1s);
  EXPECT_EQ(summary.gaps[0].end, 3s + 500ms);
  EXPECT_TRUE(summary.gaps[0].ended);
  EXPECT_FALSE(summary.gaps[1].ended);
  EXPECT_EQ(summary.gap_longest, 2s + 500ms);
  EXPECT_EQ(summary.downtime, 2s + 500ms + 10ms);
  EXPECT_EQ(summary.answered, 2u);
  EXPECT_EQ(summary.latency_max, 500ms);
}

TEST(Probes, SeeNoGapWhereAllIsWellAndSilenceWhereNobodyProbed) {
  const auto well = summarise_probes(std::vector<Operation>{probe(0s, true), probe(1s, true), probe(9s, true)})[0];
  EXPECT_TRUE(well.gaps.empty());
  EXPECT_EQ(well.downtime, 0s);
  EXPECT_EQ(well.silence_longest, 8s);
  EXPECT_EQ(well.silence_begin, 1s);
}

TEST(Probes, CountAnUnansweredProbeAsDown) {
  Operation pending = probe(1s, false);
  pending.outcome = Outcome::unknown;
  pending.returned.reset();
  const auto summary = summarise_probes(std::vector<Operation>{probe(0s, true), pending, probe(2s, true)})[0];
  EXPECT_EQ(summary.downtime, 1s + 10ms);
}

// --- acknowledged writes ---

Operation write(std::string key, std::string value, Duration call, Outcome outcome = Outcome::ok) {
  Operation operation;
  operation.client = "w";
  operation.operation = "put";
  operation.key = std::move(key);
  operation.value = std::move(value);
  operation.call = call;
  if (outcome != Outcome::unknown) operation.returned = call + 1s;
  operation.outcome = outcome;
  return operation;
}
Operation read(std::string key, std::optional<std::string> observed, Duration call) {
  Operation operation;
  operation.client = "r";
  operation.operation = "get";
  operation.key = std::move(key);
  operation.observed = std::move(observed);
  operation.call = call;
  operation.returned = call + 1ms;
  operation.outcome = Outcome::ok;
  return operation;
}
Operation append(std::string key, std::string value, Duration call, Outcome outcome = Outcome::ok) {
  Operation operation = write(std::move(key), std::move(value), call, outcome);
  operation.operation = "append";
  return operation;
}

TEST(AcknowledgedWrites, AreFoundLostInTheSmallestHistories) {
  struct Case {
    const char* name;
    std::vector<Operation> operations;
    Verdict verdict;
  };
  const Case cases[] = {
      {"nothing", {}, Verdict::pass},
      {"kept", {write("a", "1", 0s), read("a", "1", 9s)}, Verdict::pass},
      {"lost", {write("a", "1", 0s), read("a", std::nullopt, 9s)}, Verdict::fail},
      {"one of two keys lost", {write("a", "1", 0s), write("b", "1", 0s), read("a", "1", 9s), read("b", std::nullopt, 9s)}, Verdict::fail},
      {"gone back", {write("a", "1", 0s), write("a", "2", 2s), read("a", "1", 9s)}, Verdict::fail},
      {"overlapping writes may end either way", {write("a", "1", 0s), write("a", "2", 0s + 500ms), read("a", "1", 9s)}, Verdict::pass},
      {"unanswered write may win", {write("a", "1", 0s), write("a", "2", 2s, Outcome::unknown), read("a", "2", 9s)}, Verdict::pass},
      {"unanswered write may lose", {write("a", "1", 0s), write("a", "2", 2s, Outcome::unknown), read("a", "1", 9s)}, Verdict::pass},
      {"old unanswered write may come late", {write("a", "2", 0s, Outcome::unknown), write("a", "1", 2s), read("a", "2", 9s)}, Verdict::pass},
      {"refused write seen", {write("a", "1", 0s), write("a", "2", 2s, Outcome::failed), read("a", "2", 9s)}, Verdict::fail},
      {"invented", {write("a", "1", 0s), read("a", "7", 9s)}, Verdict::fail},
      {"not audited", {write("a", "1", 0s)}, Verdict::unknown},
      {"read too early to audit", {write("a", "1", 0s), read("a", "1", 500ms)}, Verdict::unknown},
      {"appends kept", {append("a", "x", 0s), append("a", "y", 2s), read("a", "xy", 9s)}, Verdict::pass},
      {"append lost", {append("a", "x", 0s), append("a", "y", 2s), read("a", "x", 9s)}, Verdict::fail},
  };
  for (const Case& one : cases) {
    const auto result = check_acknowledged_writes(one.operations);
    EXPECT_EQ(name(result.verdict), name(one.verdict)) << one.name << ": " << result.reason;
  }
}

// --- metrics ---

history::MetricSample sample(Duration time, std::string target, double value, std::string metric = "c_total") {
  history::MetricSample result;
  result.time = time;
  result.target = std::move(target);
  result.metric = std::move(metric);
  result.labels = {{"job", "j"}};
  result.value = value;
  return result;
}

TEST(CounterIncrease, SurvivesRestartsAndLateSeries) {
  using Samples = std::vector<history::MetricSample>;
  EXPECT_EQ(counter_increase(Samples{sample(0s, "a", 5), sample(1s, "a", 7)}, "c_total"), 2);
  EXPECT_EQ(counter_increase(Samples{sample(0s, "a", 5), sample(1s, "a", 7), sample(2s, "a", 1)}, "c_total"), 3);
  EXPECT_EQ(counter_increase(Samples{sample(0s, "a", 0), sample(3s, "b", 1)}, "c_total"), 1);
  EXPECT_EQ(counter_increase(Samples{sample(0s, "a", 0)}, "other_total"), std::nullopt);
  EXPECT_EQ(counter_increase(Samples{sample(0s, "a", 0)}, "c_total", {{"result", "failed"}}), std::nullopt);
}

TEST(JobAvailability, NeedsOnlyOneTargetToAnswer) {
  using Samples = std::vector<history::MetricSample>;
  const auto up = [](Duration time, std::string target, double value) { return sample(time, std::move(target), value, "up"); };
  EXPECT_EQ(job_availability(Samples{up(0s, "a", 1), up(0s, "b", 0), up(5s, "a", 0), up(5s, "b", 1)}, "j")->down_longest, 0s);
  EXPECT_EQ(job_availability(Samples{up(0s, "a", 1), up(5s, "a", 0), up(10s, "a", 1)}, "j")->down_longest, 10s);
  EXPECT_EQ(job_availability(Samples{up(0s, "a", 1), up(5s, "a", 0)}, "j")->down.size(), 1u);
  EXPECT_FALSE(job_availability(Samples{}, "j"));
}

// --- remediation ---

Remediation remediation(std::string node, Duration started, std::optional<Duration> ended, std::size_t unhealthy = 1) {
  Remediation result;
  result.node = std::move(node);
  result.started = started;
  result.ended = ended;
  result.nodes_unhealthy = unhealthy;
  result.nodes_known = 5;
  return result;
}

TEST(Remediations, MayFollowButNotOverlapEachOther) {
  EXPECT_EQ(check_remediations_at_once({remediation("a", 0s, 5s), remediation("b", 5s, 9s)}, 1).verdict, Verdict::pass);
  EXPECT_EQ(check_remediations_at_once({remediation("a", 0s, 6s), remediation("b", 5s, 9s)}, 1).verdict, Verdict::fail);
  EXPECT_EQ(check_remediations_at_once({remediation("a", 0s, std::nullopt), remediation("b", 5s, 9s)}, 1).verdict, Verdict::fail);
  EXPECT_EQ(check_remediations_at_once({remediation("a", 0s, 6s), remediation("b", 5s, 9s)}, 2).verdict, Verdict::pass);
}

TEST(Fuse, AlwaysAllowsOneAndNothingAboveItsLimit) {
  EXPECT_EQ(check_fuse({remediation("a", 0s, 5s, 1)}, 0).verdict, Verdict::pass);
  EXPECT_EQ(check_fuse({remediation("a", 0s, 5s, 2)}, 2).verdict, Verdict::pass);
  EXPECT_EQ(check_fuse({remediation("a", 0s, 5s, 3)}, 2).verdict, Verdict::fail);
}

// --- recovery phases ---

history::RunRecord told(const std::function<void(history::Recorder&)>& tell) {
  history::MemorySink history, trace, metrics;
  history::Recorder recorder(history, trace, metrics);
  tell(recorder);
  history::RunRecord record;
  record.header.timers = history::kubernetes();
  record.events = history::decode_trace(trace.text(), "trace.jsonl").items;
  return record;
}
history::FaultInterval fault_of(std::string kind, std::string process = "") {
  history::FaultInterval fault;
  fault.id = "f1";
  fault.kind = std::move(kind);
  fault.process = std::move(process);
  fault.targets = {"a"};
  return fault;
}

TEST(Recovery, RedundancyCountsOnlyWhenItStays) {
  const auto record = told([](history::Recorder& recorder) {
    recorder.level(1s, "etcd", 3, 3);
    recorder.fault_injected(2s, fault_of("kill_process", "etcd"));
    recorder.level(3s, "etcd", 2, 3);
    recorder.level(4s, "etcd", 3, 3);
    recorder.level(5s, "etcd", 2, 3);
    recorder.level(7s, "etcd", 3, 3);
  });
  const Recovery recovery = recovery_of(record);
  const LayerRecovery& etcd = *find_layer(recovery, "etcd");
  EXPECT_EQ(recovery.primary_layer, "etcd");
  EXPECT_EQ(etcd.milestones.at(Phase::detected).time, 3s);
  EXPECT_EQ(etcd.milestones.at(Phase::redundancy_back).time, 7s);
  EXPECT_EQ(recovery.recovery_time, Duration(5s));
}

TEST(Recovery, NeverBackMeansNoRedundancyAndNoTime) {
  const auto record = told([](history::Recorder& recorder) {
    recorder.level(1s, "etcd", 3, 3);
    recorder.fault_injected(2s, fault_of("kill_process", "etcd"));
    recorder.level(3s, "etcd", 1, 3);
    recorder.level(4s, "etcd", 2, 3);
  });
  const Recovery recovery = recovery_of(record);
  EXPECT_FALSE(find_layer(recovery, "etcd")->milestones.contains(Phase::redundancy_back));
  EXPECT_FALSE(recovery.recovery_time);
  EXPECT_FALSE(recovery.milestones.contains(Phase::redundancy_back));
}

TEST(Recovery, ALeaseThatChangesHandsIsAControllerThatTookOver) {
  const auto record = told([](history::Recorder& recorder) {
    const auto lease = [&recorder](Duration time, const char* holder) {
      recorder.event(time, history::event_kind::object, "Lease/kube-system/kube-scheduler", {{"change", "modified"}, {"layer", "controllers"}, {"holder", holder}});
    };
    lease(1s, "node-1");
    recorder.fault_injected(2s, fault_of("kill_process", "kube_scheduler"));
    lease(3s, "node-1");
    lease(20s, "node-2");
  });
  const Recovery recovery = recovery_of(record);
  EXPECT_EQ(find_layer(recovery, "controllers")->milestones.at(Phase::acted).time, 20s);
}

TEST(Recovery, SteadyAgainIsTheBeginOfTheLastUnbrokenLook) {
  const auto record = told([](history::Recorder& recorder) {
    recorder.fault_injected(2s, fault_of("power_off"));
    recorder.steady_state(3s, "after", true);
    recorder.steady_state(4s, "after", false);
    recorder.steady_state(6s, "after", true);
    recorder.steady_state(9s, "after", true);
  });
  EXPECT_EQ(recovery_of(record).recovery_time, Duration(4s));
}

TEST(Describe, TellsDurationsAsPeopleDo) {
  EXPECT_EQ(describe(Duration(0)), "0 s");
  EXPECT_EQ(describe(Duration(1500us)), "1.5 ms");
  EXPECT_EQ(describe(Duration(250ms)), "250 ms");
  EXPECT_EQ(describe(Duration(1234ms)), "1.23 s");
  EXPECT_EQ(describe(Duration(75s)), "75 s");
  EXPECT_EQ(describe(Duration(421s)), "7 min 1 s");
  EXPECT_EQ(describe(Duration(7260s)), "2 h 1 min");
  EXPECT_EQ(listed({"a", "b", "c"}, 2), "a, b and 1 more");
  EXPECT_EQ(listed({"a", "b"}), "a and b");
}

}  // namespace
}  // namespace skidpad::check

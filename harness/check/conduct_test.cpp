// Quorum and settling, each with a good history and the smallest bad one.
#include <gtest/gtest.h>

#include "harness/check/judge.hpp"
#include "harness/check/quorum.hpp"
#include "harness/check/sample_run.hpp"
#include "harness/check/settling.hpp"
#include "harness/history/codec.hpp"
#include "harness/history/recorder.hpp"

namespace skidpad::check {
namespace {

using namespace std::chrono_literals;
using history::Recorder;

history::RunRecord told(const std::function<void(Recorder&)>& story) {
  history::MemorySink history_sink, trace_sink, metrics_sink;
  Recorder recorder(history_sink, trace_sink, metrics_sink);
  story(recorder);
  history::Header header = history::decode_run(sample_run(), "sample").header;
  return history::decode_run({history::encode(header), history_sink.text(), trace_sink.text(), metrics_sink.text()}, "told");
}

history::FaultInterval fault(const char* id, const char* kind, std::vector<std::string> targets, const char* process = "") {
  history::FaultInterval interval;
  interval.id = id;
  interval.kind = kind;
  interval.process = process;
  interval.targets = std::move(targets);
  return interval;
}

// --- quorum ---

struct QuorumCase {
  const char* name;
  Verdict verdict;
  std::function<void(Recorder&)> story;
};

void whole(Recorder& recorder) {
  recorder.level(1s, "etcd", 1, 3);  // still starting
  recorder.level(2s, "etcd", 3, 3);
}

const QuorumCase quorum_cases[] = {
    {"not watched", Verdict::not_applicable, [](Recorder& recorder) { recorder.level(1s, "api", 0, 3); }},
    {"never whole", Verdict::unknown, [](Recorder& recorder) { recorder.level(1s, "etcd", 2, 3); }},
    {"whole all along", Verdict::pass, whole},
    {"one member away, quorum kept", Verdict::pass,
     [](Recorder& recorder) {
       whole(recorder);
       recorder.level(5s, "etcd", 2, 3);
     }},
    {"two away and no fault", Verdict::fail,
     [](Recorder& recorder) {
       whole(recorder);
       recorder.level(5s, "etcd", 1, 3);
     }},
    {"one killed by a fault, another lost besides", Verdict::fail,
     [](Recorder& recorder) {
       whole(recorder);
       recorder.fault_injected(4s, fault("f", "kill_process", {"n1"}, "etcd"));
       recorder.level(5s, "etcd", 0, 3);
     }},
    {"two killed by faults, and the third alone has no leader", Verdict::pass,
     [](Recorder& recorder) {
       whole(recorder);
       recorder.fault_injected(4s, fault("f", "kill_process", {"n1", "n2"}, "etcd"));
       recorder.level(5s, "etcd", 0, 3);
       recorder.level(9s, "etcd", 3, 3);
     }},
    {"whole after that fault, then below once more", Verdict::fail,
     [](Recorder& recorder) {
       whole(recorder);
       recorder.fault_injected(4s, fault("f", "kill_process", {"n1", "n2"}, "etcd"));
       recorder.level(5s, "etcd", 0, 3);
       recorder.level(9s, "etcd", 3, 3);
       recorder.level(12s, "etcd", 1, 3);
     }},
    {"a fault that lasts may strike again", Verdict::pass,
     [](Recorder& recorder) {
       whole(recorder);
       recorder.fault_injected(4s, fault("f", "stop_process", {"n1", "n2"}, "etcd"));
       recorder.level(5s, "etcd", 0, 3);
       recorder.level(9s, "etcd", 3, 3);
       recorder.level(12s, "etcd", 1, 3);
       recorder.fault_healed(20s, "f");
     }},
    {"two nodes lost of which nobody recorded whether they hold members", Verdict::unknown,
     [](Recorder& recorder) {
       whole(recorder);
       recorder.fault_injected(4s, fault("f", "power_off", {"n1", "n2"}));
       recorder.level(5s, "etcd", 1, 3);
     }},
    {"a worker lost does not excuse two members", Verdict::fail,
     [](Recorder& recorder) {
       whole(recorder);
       recorder.fault_injected(4s, fault("f", "power_off", {"worker-2"}));
       recorder.level(5s, "etcd", 1, 3);
     }},
    {"two kubelets killed harm no member", Verdict::fail,
     [](Recorder& recorder) {
       whole(recorder);
       recorder.fault_injected(4s, fault("f", "kill_process", {"n1", "n2"}, "kubelet"));
       recorder.level(5s, "etcd", 1, 3);
     }},
    {"nodes with recorded members, powered off", Verdict::pass,
     [](Recorder& recorder) {
       for (const char* node : {"n1", "n2", "n3"}) recorder.object(2s, std::string("Pod/kube-system/etcd-") + node, "added", "etcd", true, {{"node", node}});
       recorder.fault_injected(4s, fault("f", "power_off", {"n1", "n2"}));
       for (const char* node : {"n1", "n2"}) recorder.object(5s, std::string("Pod/kube-system/etcd-") + node, "modified", "etcd", false, {{"node", node}});
     }},
    {"nodes with recorded members, but others were powered off", Verdict::fail,
     [](Recorder& recorder) {
       for (const char* node : {"n1", "n2", "n3"}) recorder.object(2s, std::string("Pod/kube-system/etcd-") + node, "added", "etcd", true, {{"node", node}});
       recorder.fault_injected(4s, fault("f", "power_off", {"w1", "w2"}));
       for (const char* node : {"n1", "n2"}) recorder.object(5s, std::string("Pod/kube-system/etcd-") + node, "deleted", "etcd", false, {{"node", node}});
     }},
    {"what cleanup takes down is no fault of ours", Verdict::pass,
     [](Recorder& recorder) {
       whole(recorder);
       recorder.phase(5s, "cleanup");
       recorder.level(6s, "etcd", 0, 3);
     }},
};

TEST(Quorum, IsJudgedAsItsHeaderSays) {
  for (const QuorumCase& one : quorum_cases) EXPECT_EQ(check_quorum(told(one.story)).verdict, one.verdict) << one.name << ": " << check_quorum(told(one.story)).reason;
}

// --- settling ---

void recovered(Recorder& recorder) {
  recorder.object(1s, "Node/w1", "added", "nodes", true);
  recorder.object(1s, "Node/w2", "added", "nodes", true);
  recorder.object(1s, "Pod/default/web-1", "added", "workload", true);
  recorder.object(1s, "Pod/default/web-2", "added", "workload", false);
  recorder.event(1s, history::event_kind::object, "Lease/kube-system/node-healer", {{"change", "added"}, {"layer", "controllers"}, {"holder", "a"}});
  recorder.fault_injected(2s, fault("f", "power_off", {"w2"}));
  recorder.object(3s, "Node/w2", "modified", "nodes", false);
  recorder.steady_state(4s, "after", false);
  recorder.remediation(5s, "w2", "started", "");
  recorder.object(6s, "Node/w3", "added", "nodes", true);
  recorder.object(6s, "Node/w2", "deleted", "nodes", false);
  recorder.steady_state(10s, "after", true);
  recorder.remediation(10s + 1ms, "w2", "finished", "");
}

ConductResult settled(const std::function<void(Recorder&)>& then) {
  const history::RunRecord record = told([&then](Recorder& recorder) {
    recovered(recorder);
    then(recorder);
    recorder.phase(40s, "cleanup");
    recorder.object(41s, "Node/w1", "deleted", "nodes", false);
  });
  return check_settled(record, recovery_of(record));
}

TEST(Settling, PassesWhenNothingMoves) {
  const ConductResult still = settled([](Recorder&) {});
  EXPECT_EQ(still.verdict, Verdict::pass) << still.reason;
  const ConductResult tidied = settled([](Recorder& recorder) {
    recorder.object(20s, "Pod/default/web-2", "deleted", "workload", false);
    recorder.object(21s, "Node/w1", "modified", "nodes", true);
    recorder.event(22s, history::event_kind::object, "Lease/kube-system/node-healer", {{"change", "modified"}, {"layer", "controllers"}, {"holder", "a"}});
    recorder.remediation(23s, "w1", "restricted", "");
  });
  EXPECT_EQ(tidied.verdict, Verdict::pass) << (tidied.evidence.empty() ? "" : tidied.evidence.front());
}

TEST(Settling, SeesEachKindOfUnrest) {
  const struct {
    const char* name;
    std::function<void(Recorder&)> then;
  } cases[] = {
      {"another remediation", [](Recorder& recorder) { recorder.remediation(20s, "w1", "started", ""); }},
      {"a failed one", [](Recorder& recorder) { recorder.remediation(20s, "w1", "failed", ""); }},
      {"a node flaps", [](Recorder& recorder) { recorder.object(20s, "Node/w1", "modified", "nodes", false); }},
      {"a node goes", [](Recorder& recorder) { recorder.object(20s, "Node/w3", "deleted", "nodes", false); }},
      {"a node too many", [](Recorder& recorder) { recorder.object(20s, "Node/w4", "added", "nodes", true); }},
      {"a pod turns unhealthy", [](Recorder& recorder) { recorder.object(20s, "Pod/default/web-1", "modified", "workload", false); }},
      {"a healthy pod is deleted", [](Recorder& recorder) { recorder.object(20s, "Pod/default/web-1", "deleted", "workload", false); }},
      {"a pod is created", [](Recorder& recorder) { recorder.object(20s, "Pod/default/web-9", "added", "workload", false); }},
      {"a lease changes hands", [](Recorder& recorder) {
         recorder.event(20s, history::event_kind::object, "Lease/kube-system/node-healer", {{"change", "modified"}, {"layer", "controllers"}, {"holder", "b"}});
       }}};
  for (const auto& one : cases) {
    const ConductResult result = settled(one.then);
    EXPECT_EQ(result.verdict, Verdict::fail) << one.name;
    EXPECT_EQ(result.evidence.size(), 1U) << one.name;
  }
}

TEST(Settling, CannotTellFromAGlanceAndFailsWithoutAnEnd) {
  const history::RunRecord glance = told([](Recorder& recorder) {
    recovered(recorder);
    recorder.phase(14s, "cleanup");  // 4 s, of a monitor period of 5 s
  });
  EXPECT_EQ(check_settled(glance, recovery_of(glance)).verdict, Verdict::unknown);
  const history::RunRecord never = told([](Recorder& recorder) {
    recovered(recorder);
    recorder.steady_state(12s, "after", false);
    recorder.phase(40s, "cleanup");
  });
  EXPECT_EQ(check_settled(never, recovery_of(never)).verdict, Verdict::fail);
}

TEST(Settling, IsJudgedWithoutFaultsToo) {
  for (const bool calm : {true, false}) {
    const history::RunRecord record = told([calm](Recorder& recorder) {
      recorder.object(1s, "Node/w1", "added", "nodes", true);
      recorder.steady_state(2s, "before", true);
      if (!calm) recorder.object(5s, "Node/w1", "modified", "nodes", false);
      recorder.phase(20s, "cleanup");
    });
    EXPECT_EQ(check_settled(record, recovery_of(record)).verdict, calm ? Verdict::pass : Verdict::fail);
  }
}

TEST(Conduct, IsJudgedOnlyWhenAskedForAndThenInTheWholeRun) {
  history::RunRecord record = history::decode_run(sample_run(), "sample");
  const auto verdict = [&record](const std::string& name) {
    const Judgement judgement = judge(record);
    for (const Guarantee& guarantee : judgement.guarantees)
      if (guarantee.name == name) return guarantee.verdict;
    return Verdict::unknown;
  };
  for (const char* name : {"never_below_quorum", "controllers_settle"}) {
    EXPECT_EQ(verdict(name), Verdict::not_applicable) << name;
    record.header.expectations.guarantees.push_back(name);
    EXPECT_EQ(verdict(name), Verdict::pass) << name;
  }
}

}  // namespace
}  // namespace skidpad::check

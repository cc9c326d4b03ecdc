#include "harness/check/judge.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "harness/check/guarantees.hpp"
#include "harness/check/sample_run.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::check {
namespace {

using namespace std::chrono_literals;
using history::Event;
using history::Operation;
using history::Outcome;
using history::RunRecord;
namespace kind = history::event_kind;

const RunRecord& good_record() {
  static const RunRecord record = history::decode_run(sample_run(), "sample");
  return record;
}

const Guarantee& named(const Judgement& judgement, const std::string& name) {
  for (const Guarantee& guarantee : judgement.guarantees)
    if (guarantee.name == name) return guarantee;
  ADD_FAILURE() << "no guarantee " << name;
  return judgement.guarantees.front();
}

std::string told(const Judgement& judgement) {
  std::string text = judgement.summary + "\n";
  for (const Guarantee& guarantee : judgement.guarantees) text += std::string(name(guarantee.verdict)) + " " + guarantee.name + ": " + guarantee.reason + "\n";
  return text;
}

Event& first(RunRecord& record, const std::function<bool(const Event&)>& wanted) {
  for (Event& event : record.events)
    if (wanted(event)) return event;
  ADD_FAILURE() << "no such event";
  return record.events.front();
}
void drop(RunRecord& record, const std::function<bool(const Event&)>& unwanted) { std::erase_if(record.events, unwanted); }
bool is(const Event& event, std::string_view of_kind) { return event.kind == of_kind; }

TEST(Judge, PassesTheGoodRun) {
  const Judgement judgement = judge(good_record());
  EXPECT_EQ(judgement.verdict, Verdict::pass) << told(judgement);
  for (const char* name : {"no_acknowledged_write_lost", "linearizable", "fuse_respected", "nodes_replaced_exactly", "controllers_up", "downtime_within_limit", "detected_in_time"})
    EXPECT_EQ(named(judgement, name).verdict, Verdict::pass) << name;
}

TEST(Judge, GivesEqualBytesAndVerdictsForEqualSeeds) {
  EXPECT_EQ(sample_run(3).trace, sample_run(3).trace);
  EXPECT_NE(sample_run(3).trace, sample_run(4).trace);
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const Judgement judgement = judge(sample_run(seed), "sample");
    EXPECT_EQ(judgement.verdict, Verdict::pass) << "seed " << seed << "\n" << told(judgement);
  }
}

TEST(Judge, ReadsTheRecoveryPhasesOfEachLayer) {
  const Judgement judgement = judge(good_record());
  const Recovery& recovery = judgement.recovery;
  ASSERT_TRUE(recovery.injected);
  const LayerRecovery& nodes = *find_layer(recovery, "nodes");
  EXPECT_TRUE(nodes.disturbed);
  EXPECT_EQ(nodes.wanted, 8);
  EXPECT_EQ(nodes.lowest, 7);
  EXPECT_EQ(nodes.last, 8);
  EXPECT_EQ(nodes.milestones.at(Phase::detected).time - *recovery.injected, 47s + 210ms);
  EXPECT_EQ(nodes.milestones.at(Phase::decided).time - nodes.milestones.at(Phase::detected).time, 303s + 40ms);
  EXPECT_EQ(nodes.milestones.at(Phase::acted).time - nodes.milestones.at(Phase::decided).time, 180ms);
  const LayerRecovery& workload = *find_layer(recovery, "workload");
  EXPECT_TRUE(workload.disturbed);
  EXPECT_LT(workload.milestones.at(Phase::redundancy_back).time, nodes.milestones.at(Phase::redundancy_back).time);
  EXPECT_FALSE(find_layer(recovery, "etcd")->disturbed);
  EXPECT_EQ(recovery.milestones.at(Phase::redundancy_back).time, nodes.milestones.at(Phase::redundancy_back).time);
  ASSERT_TRUE(recovery.recovery_time);
  ASSERT_TRUE(judgement.floor);
  EXPECT_GE(*recovery.recovery_time, judgement.floor->shortest);
}

// Goal: each checker can fail. Method: the smallest change that breaks one guarantee in the good run, and no other change.
struct Planted {
  const char* name;
  std::function<void(RunRecord&)> plant;
  const char* guarantee;
  Verdict verdict;
};

TEST(Judge, SeesEachPlantedFlaw) {
  const Planted flaws[] = {
      {"trace cut off", [](RunRecord& r) { r.torn_files = {"trace.jsonl"}; }, "record_complete", Verdict::unknown},
      {"recorder killed", [](RunRecord& r) { drop(r, [](const Event& e) { return is(e, kind::run_ended); }); }, "record_complete", Verdict::unknown},
      {"interrupted", [](RunRecord& r) { first(r, [](const Event& e) { return is(e, kind::run_ended); }).fields = {{"outcome", "interrupted"}, {"reason", "SIGINT"}}; }, "record_complete", Verdict::unknown},
      {"not steady before", [](RunRecord& r) { for (Event& e : r.events) if (is(e, kind::steady_state) && e.subject == "before") e.fields["ok"] = false; }, "steady_state_before", Verdict::unknown},
      {"nobody looked before", [](RunRecord& r) { drop(r, [](const Event& e) { return is(e, kind::steady_state) && e.subject == "before"; }); }, "steady_state_before", Verdict::unknown},
      {"no independent witness", [](RunRecord& r) { for (Event& e : r.events) if (is(e, kind::fault_witness)) e.fields["independent"] = false; }, "faults_witnessed", Verdict::unknown},
      {"a witness denies", [](RunRecord& r) { first(r, [](const Event& e) { return is(e, kind::fault_witness) && e.fields["independent"] == true; }).fields["confirmed"] = false; }, "faults_witnessed", Verdict::unknown},
      {"another node down", [](RunRecord& r) {
         Event extra = first(r, [](const Event& e) { return is(e, kind::object) && e.subject == "Node/worker-3"; });
         extra.fields["healthy"] = false;
         const auto injected = std::find_if(r.events.begin(), r.events.end(), [](const Event& e) { return is(e, kind::fault_injected); });
         extra.time = injected->time;
         r.events.insert(injected + 1, extra);
       }, "blast_radius_kept", Verdict::fail},
      {"too slow", [](RunRecord& r) { r.header.expectations.deadline = 300s; }, "recovery_within_limit", Verdict::fail},
      {"never recovered", [](RunRecord& r) { for (Event& e : r.events) if (is(e, kind::steady_state) && e.subject == "after") e.fields["ok"] = false; }, "steady_state_after", Verdict::fail},
      {"detected too late", [](RunRecord& r) { r.header.expectations.phases_within["detected"] = 47s; }, "detected_in_time", Verdict::fail},
      {"phase never seen", [](RunRecord& r) {
         drop(r, [](const Event& e) { return is(e, kind::kubernetes_event) && e.fields["reason"] == "MachineCreated"; });
         drop(r, [](const Event& e) { return is(e, kind::object) && e.fields["change"] == "added" && e.subject == "Node/worker-6"; });
       }, "acted_in_time", Verdict::fail},
      {"one pod never back", [](RunRecord& r) { drop(r, [](const Event& e) { return e.subject == "Pod/default/web-6d5f-9xk2p" && e.fields.value("healthy", false); }); }, "redundancy_restored", Verdict::fail},
      {"layer never watched", [](RunRecord& r) { r.header.expectations.layers_restored = {"nodes", "dns"}; }, "redundancy_restored", Verdict::unknown},
      {"downtime over the limit", [](RunRecord& r) { r.header.expectations.downtime_max["web"] = 1ms; }, "downtime_within_limit", Verdict::fail},
      {"one gap over the limit", [](RunRecord& r) { r.header.expectations.gap_max["web"] = 1ms; }, "downtime_within_limit", Verdict::fail},
      {"prober stalled", [](RunRecord& r) { std::erase_if(r.operations, [](const Operation& o) { return o.workload == "web" && o.call > 200s && o.call < 205s + 600ms; }); }, "downtime_within_limit", Verdict::unknown},
      {"probe never sent", [](RunRecord& r) { std::erase_if(r.operations, [](const Operation& o) { return o.workload == "web"; }); }, "downtime_within_limit", Verdict::unknown},
      {"write lost", [](RunRecord& r) { for (Operation& o : r.operations) if (o.client == "auditor") { o.observed.reset(); break; } }, "no_acknowledged_write_lost", Verdict::fail},
      {"stale read", [](RunRecord& r) { for (Operation& o : r.operations) if (o.client == "kv-client-1" && o.operation == "get" && o.observed != "value-1" && o.call > 300s) { o.observed = "value-1"; break; } }, "linearizable", Verdict::fail},
      {"not audited", [](RunRecord& r) { std::erase_if(r.operations, [](const Operation& o) { return o.client == "auditor"; }); }, "no_acknowledged_write_lost", Verdict::unknown},
      {"asked for, no traffic", [](RunRecord& r) { std::erase_if(r.operations, [](const Operation& o) { return o.workload == "kv"; }); }, "linearizable", Verdict::unknown},
      {"asked for, no checker", [](RunRecord& r) { r.header.expectations.guarantees.push_back("teapot_stays_warm"); }, "teapot_stays_warm", Verdict::unknown},
      {"two remediations at once", [](RunRecord& r) {
         const auto started = std::find_if(r.events.begin(), r.events.end(), [](const Event& e) { return is(e, kind::remediation); });
         Event extra = *started;
         extra.subject = "worker-3";
         r.events.insert(started + 1, extra);
       }, "one_remediation_at_a_time", Verdict::fail},
      {"fuse ignored", [](RunRecord& r) {
         for (Event& e : r.events) if (is(e, kind::object) && (e.subject == "Node/worker-4" || e.subject == "Node/worker-5")) e.fields["healthy"] = false;
       }, "fuse_respected", Verdict::fail},
      {"counter did not move", [](RunRecord& r) { for (auto& s : r.metrics) if (s.metric == "controller_node_healer_remediations_total") s.value = 0; }, "nodes_replaced_exactly", Verdict::fail},
      {"counter moved twice", [](RunRecord& r) { for (auto& s : r.metrics) if (s.metric == "controller_node_healer_remediations_total") s.value *= 2; }, "nodes_replaced_exactly", Verdict::fail},
      {"counter never scraped", [](RunRecord& r) { std::erase_if(r.metrics, [](const auto& s) { return s.metric == "controller_node_healer_remediations_total"; }); }, "nodes_replaced_exactly", Verdict::unknown},
      {"no remediation finished", [](RunRecord& r) { drop(r, [](const Event& e) { return is(e, kind::remediation) && e.fields["state"] == "finished"; }); }, "nodes_replaced_exactly", Verdict::fail},
      {"controller silent", [](RunRecord& r) { for (auto& s : r.metrics) if (s.metric == "up" && s.time > 200s && s.time < 240s) s.value = 0; }, "controllers_up", Verdict::fail},
      {"controller never scraped", [](RunRecord& r) { std::erase_if(r.metrics, [](const auto& s) { return s.metric == "up"; }); }, "controllers_up", Verdict::unknown},
      {"process left", [](RunRecord& r) { first(r, [](const Event& e) { return is(e, kind::cleanup); }).fields["left"]["processes"] = {"4711 etcd"}; }, "nothing_left_behind", Verdict::fail},
      {"did not look", [](RunRecord& r) { first(r, [](const Event& e) { return is(e, kind::cleanup); }).fields["checked"] = false; }, "nothing_left_behind", Verdict::unknown},
      {"no cleanup", [](RunRecord& r) { drop(r, [](const Event& e) { return is(e, kind::cleanup); }); }, "nothing_left_behind", Verdict::unknown},
  };
  for (const Planted& flaw : flaws) {
    RunRecord record = good_record();
    flaw.plant(record);
    const Judgement judgement = judge(record);
    EXPECT_EQ(name(named(judgement, flaw.guarantee).verdict), name(flaw.verdict)) << flaw.name << ": " << named(judgement, flaw.guarantee).reason;
    EXPECT_NE(judgement.verdict, Verdict::pass) << flaw.name;
  }
}

TEST(Judge, IsNeverGreenWhenTheDriverDeclines) {
  RunRecord record = good_record();
  first(record, [](const Event& event) { return is(event, kind::run_ended); }).fields = {{"outcome", "not_applicable"}, {"reason", "no CanSkewClock"}};
  EXPECT_EQ(judge(record).verdict, Verdict::not_applicable);
  EXPECT_NE(judge(record).summary.find("no CanSkewClock"), std::string::npos);
  first(record, [](const Event& event) { return is(event, kind::cleanup); }).fields["left"]["mounts"] = {"/tmp/x"};
  EXPECT_EQ(judge(record).verdict, Verdict::fail);
}

TEST(Judge, SaysUnknownOfAnEmptyRecord) {
  RunRecord record;
  record.header = good_record().header;
  EXPECT_EQ(judge(record).verdict, Verdict::unknown);
}

TEST(Judge, DoesNotBlameAnUnfinishedRecordForWhatIsMissing) {
  RunRecord record = good_record();
  const auto decided = std::find_if(record.events.begin(), record.events.end(), [](const Event& event) { return is(event, kind::remediation); });
  record.events.erase(decided, record.events.end());
  const Judgement judgement = judge(record);
  EXPECT_EQ(judgement.verdict, Verdict::unknown) << told(judgement);
}

TEST(RecoveryLimit, IsNeverBelowWhatTheTimersAloneExplain) {
  Floor floor;
  floor.shortest = 100s;
  floor.longest = 130s;
  history::Expectations expectations;
  EXPECT_FALSE(recovery_limit(expectations, floor));
  expectations.recovery_floor_factor = 1.1;
  EXPECT_EQ(recovery_limit(expectations, floor), 130s);
  expectations.recovery_floor_factor = 1.5;
  expectations.recovery_slack = 5s;
  EXPECT_EQ(recovery_limit(expectations, floor), 155s);
  expectations.deadline = 120s;
  EXPECT_EQ(recovery_limit(expectations, floor), 120s);
}

TEST(Verdicts, CombineFailOverUnknownOverPass) {
  using enum Verdict;
  EXPECT_EQ(combine(pass, unknown), unknown);
  EXPECT_EQ(combine(unknown, fail), fail);
  EXPECT_EQ(combine(pass, not_applicable), pass);
  EXPECT_EQ(combine(not_applicable, not_applicable), not_applicable);
  for (const Verdict verdict : {pass, fail, unknown, not_applicable}) {
    Verdict parsed = pass;
    EXPECT_TRUE(parse_verdict(name(verdict), parsed));
    EXPECT_EQ(parsed, verdict);
  }
  EXPECT_EQ(exit_code(pass) * 1000 + exit_code(fail) * 100 + exit_code(unknown) * 10 + exit_code(not_applicable), 123);
}

}  // namespace
}  // namespace skidpad::check

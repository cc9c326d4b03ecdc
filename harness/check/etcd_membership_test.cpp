// An operator's steps towards etcd: each rule with a good history and the smallest bad one, as the bugs that are planted leave them.
#include <gtest/gtest.h>

#include "harness/check/data_audit.hpp"
#include "harness/check/etcd_membership.hpp"

namespace skidpad::check {
namespace {

using namespace std::chrono_literals;
using history::Event;

class Story {
 public:
  Story() { record.header.timers.healer_poll_interval = 1s; }
  void event(std::string_view kind, std::string_view subject, Json fields) {
    Event event;
    event.time = now_ += 1s;
    event.kind = kind;
    event.subject = subject;
    event.fields = std::move(fields);
    record.events.push_back(std::move(event));
  }
  /// "a", "b-" (unhealthy), "c?" (learner, not healthy), "d@a" on the host of a; "e=f": named e, its ID is f.
  void members(const std::vector<std::string>& who, const std::string& cluster = "1") {
    Json list = Json::array();
    for (const std::string& one : who) {
      const std::string name = one.substr(0, 1), node = one.size() == 3 && one[1] == '@' ? one.substr(2) : name, id = one.size() == 3 && one[1] == '=' ? one.substr(2) : name;
      const bool learner = one.ends_with('?');
      list.push_back({{"id", id}, {"name", name}, {"node", "node-" + node}, {"voter", !learner}, {"healthy", !learner && !one.ends_with('-')}});
    }
    event("etcd_members", "data", {{"serves", true}, {"wanted", 3}, {"cluster_id", cluster}, {"members", list}});
  }
  void silence() { event("etcd_members", "data", {{"serves", false}, {"wanted", 3}}); }
  void fault(const std::string& kind, const std::vector<std::string>& nodes) { event(history::event_kind::fault_injected, kind, {{"fault_kind", kind}, {"targets", nodes}}); }
  void healed(const std::string& id) { event(history::event_kind::fault_healed, id, Json::object()); }
  void recovery() { event("etcd_recovery", "data", {{"id", "r1"}, {"restoredRevision", 10}, {"raisedTo", 1010}}); }
  /// "5", or "5!" for a broken one; named and dated by its revision.
  void backups(const std::vector<std::string>& objects, const std::vector<std::string>& claimed) {
    Json list = Json::array();
    for (const std::string& one : objects) list.push_back({{"name", one.substr(0, 1)}, {"revision", std::atoi(one.c_str())}, {"whole", !one.ends_with('!')}});
    event("etcd_backups", "data", {{"answers", true}, {"objects", list}, {"claimed", claimed}});
  }
  void wait(Duration time) { now_ += time; }
  void scrape(const std::string& instance, double acts) {
    for (const auto& [metric, value] : {std::pair("controller_etcd_operator_is_leader", 1.0), std::pair("controller_etcd_operator_actions_total", acts)}) {
      history::MetricSample sample;
      sample.time = now_ += 1s;
      sample.target = instance;
      sample.metric = metric;
      sample.value = value;
      record.metrics.push_back(std::move(sample));
    }
  }
  void handover() { event(history::event_kind::object, "Lease/kube-system/etcd-operator", {{"holder", "b"}}); }
  history::RunRecord record;

 private:
  Duration now_{};
};

struct Case {
  const char* name;
  Verdict verdict;
  void (*tell)(Story& story);
};

void expect(ConductResult (*check)(const history::RunRecord&), std::initializer_list<Case> cases) {
  for (const Case& each : cases) {
    Story story;
    each.tell(story);
    const ConductResult result = check(story.record);
    EXPECT_EQ(result.verdict, each.verdict) << each.name << ": " << result.reason;
  }
}

TEST(MembershipSteps, TellGoodFromBad) {
  expect(check_membership_steps, {
      {"not watched", Verdict::not_applicable, [](Story&) {}},
      {"never answered", Verdict::unknown, [](Story& s) { s.silence(); }},
      {"grown by learners", Verdict::pass, [](Story& s) { s.members({"a"}); s.members({"a", "b?"}); s.members({"a", "b-"}); s.members({"a", "b"}); s.members({"a", "b", "c?"}); s.members({"a", "b", "c"}); }},
      {"two on one host", Verdict::fail, [](Story& s) { s.members({"a", "b", "c@a"}); }},
      {"a second one before the first had caught up", Verdict::fail, [](Story& s) { s.members({"a"}); s.members({"a", "b-"}); s.members({"a", "b-", "c?"}); }},
      {"two learners", Verdict::fail, [](Story& s) { s.members({"a"}); s.members({"a", "b?", "c?"}); }},
      {"a voter more while one has long been down", Verdict::fail, [](Story& s) { s.members({"a", "b", "c-"}); s.wait(1min); s.members({"a", "b", "c-", "d"}); }},
      {"a voter more while one just went down", Verdict::pass, [](Story& s) { s.members({"a", "b"}); s.members({"a", "b-"}); s.members({"a", "b-", "d"}); }},
      {"the dead one is removed", Verdict::pass, [](Story& s) { s.members({"a", "b", "c-"}); s.members({"a", "b"}); }},
      {"a healthy one is removed where two of five are dead", Verdict::fail, [](Story& s) { s.members({"a", "b", "c", "d-", "e-"}); s.members({"a", "b", "d-", "e-"}); }},
      {"five become three, one by one", Verdict::pass, [](Story& s) { s.members({"a", "b", "c", "d", "e"}); s.members({"a", "b", "c", "d"}); s.members({"a", "b", "c"}); }},
      {"a name is used again", Verdict::fail, [](Story& s) { s.members({"a", "b", "c"}); s.members({"a", "b"}); s.members({"a", "b", "c=x"}); }},
      {"begun again after silence", Verdict::pass, [](Story& s) { s.members({"a", "b", "c"}); s.silence(); s.members({"c"}); }},
  });
}

TEST(NeedlessRecovery, IsToldFromANeededOne) {
  expect(check_no_needless_recovery, {
      {"not watched", Verdict::not_applicable, [](Story&) {}},
      {"none", Verdict::pass, [](Story& s) { s.members({"a", "b", "c"}); s.members({"a", "b"}); }},
      {"two of three lost their disks", Verdict::pass, [](Story& s) { s.members({"a", "b", "c"}); s.fault("reinstall_machine", {"node-a", "node-b"}); s.silence(); s.members({"c"}); s.recovery(); }},
      {"told before it is seen", Verdict::pass, [](Story& s) { s.members({"a", "b", "c"}); s.fault("reinstall_machine", {"node-a", "node-b"}); s.silence(); s.recovery(); s.members({"c"}); }},
      {"while the quorum lives", Verdict::fail, [](Story& s) { s.members({"a", "b", "c"}); s.fault("reinstall_machine", {"node-a"}); s.members({"a-", "b", "c"}); s.silence(); s.members({"c"}); }},
      {"told only", Verdict::fail, [](Story& s) { s.members({"a", "b", "c"}); s.recovery(); }},
      {"a partition taken for death", Verdict::fail, [](Story& s) { s.members({"a", "b", "c"}); s.fault("partition", {"node-a", "node-b"}); s.silence(); s.members({"c"}); s.recovery(); }},
      {"from a backup while the quorum lives", Verdict::fail, [](Story& s) { s.members({"a", "b", "c"}); s.silence(); s.members({"d"}, "2"); }},
      {"asked for", Verdict::pass, [](Story& s) { s.members({"a", "b", "c"}); s.fault("restore_etcd", {"node-a"}); s.silence(); s.members({"d"}, "2"); s.recovery(); }},
      {"lost one by one, each replaced", Verdict::fail, [](Story& s) { s.members({"a", "b", "c"}); s.fault("reinstall_machine", {"node-a"}); s.members({"b", "c", "d"}); s.fault("reinstall_machine", {"node-b"}); s.silence(); s.members({"c"}); }},
  });
}

TEST(UpgradeInOrder, TellsGoodFromBad) {
  // "a1": version 1, healthy; "a1*": leads; "a-": does not answer.
  const auto look = [](Story& s, const std::vector<std::string>& who) {
    Json list = Json::array();
    for (const std::string& one : who) {
      const std::string name = one.substr(0, 1);
      Json member = {{"id", name}, {"name", name}, {"node", "node-" + name}, {"voter", true}, {"healthy", one[1] != '-'}};
      if (one[1] != '-') member["version"] = one.substr(1, 1);
      if (one.ends_with('*')) member["leader"] = true;
      list.push_back(std::move(member));
    }
    s.event("etcd_members", "data", {{"serves", true}, {"members", list}});
  };
  const struct {
    const char* name;
    Verdict verdict;
    std::vector<std::vector<std::string>> looks;
  } cases[] = {
      {"no upgrade", Verdict::not_applicable, {{"a1*", "b1", "c1"}}},
      {"leader last", Verdict::pass, {{"a1*", "b1", "c1"}, {"a1*", "b-", "c1"}, {"a1*", "b2", "c1"}, {"a1*", "b2", "c-"}, {"a1", "b2*", "c2"}, {"a-", "b2*", "c2"}, {"a2", "b2*", "c2"}}},
      {"leader first", Verdict::fail, {{"a1*", "b1", "c1"}, {"a-", "b1*", "c1"}, {"a2", "b1*", "c1"}}},
      {"two at once", Verdict::fail, {{"a1*", "b1", "c1", "d1", "e1"}, {"a1*", "b-", "c-", "d1", "e1"}, {"a1*", "b2", "c2", "d1", "e1"}}},
  };
  for (const auto& each : cases) {
    Story story;
    story.fault("change_etcd", {});
    for (const auto& who : each.looks) look(story, who);
    const ConductResult result = check_upgrade_in_order(story.record);
    EXPECT_EQ(result.verdict, each.verdict) << each.name << ": " << result.reason;
  }
}

TEST(BackupsKept, TellsGoodFromBad) {
  expect(check_backups_kept, {
      {"none watched", Verdict::not_applicable, [](Story&) {}},
      {"old ones are pruned", Verdict::pass, [](Story& s) { s.backups({"1"}, {"1"}); s.backups({"1", "2"}, {"1", "2"}); s.backups({"2"}, {"2"}); }},
      {"the last one is pruned", Verdict::fail, [](Story& s) { s.backups({"1"}, {"1"}); s.backups({}, {}); }},
      {"the newest one is pruned", Verdict::fail, [](Story& s) { s.backups({"1", "2"}, {"1", "2"}); s.backups({"1"}, {"1"}); }},
      {"one that is not there is counted", Verdict::fail, [](Story& s) { s.backups({"1"}, {"1", "2"}); s.wait(5s); s.backups({"1"}, {"1", "2", "3"}); }},
      {"one that is not there is counted to the end", Verdict::fail, [](Story& s) { s.backups({"1"}, {"1", "2"}); s.wait(5s); s.event(history::event_kind::phase, "cleanup", Json::object()); }},
      {"one that is broken is counted", Verdict::fail, [](Story& s) { s.backups({"1", "2!"}, {"1", "2"}); s.wait(5s); s.backups({"1", "2!"}, {"1", "2"}); }},
      {"counted a moment too early", Verdict::pass, [](Story& s) { s.backups({"1"}, {"1", "2"}); s.backups({"1", "2"}, {"1", "2"}); }},
      {"the store lies for a while", Verdict::pass, [](Story& s) { s.backups({"1"}, {"1"}); s.fault("backup_store", {"node-a"}); s.backups({"1!"}, {"1"}); s.backups({}, {"1"}); s.healed("backup_store"); s.backups({"1"}, {"1"}); }},
      {"counted while the store loses", Verdict::fail, [](Story& s) { s.backups({"1"}, {"1"}); s.fault("backup_store", {"node-a"}); s.backups({"1"}, {"1", "2"}); s.healed("backup_store"); s.backups({"1"}, {"1", "2"}); s.wait(5s); s.backups({"1"}, {"1", "2", "3"}); }},
  });
}

TEST(OneLeaderActs, TellsGoodFromBad) {
  expect(check_one_leader_acts, {
      {"one instance", Verdict::not_applicable, [](Story& s) { s.scrape("a", 0); s.scrape("a", 3); }},
      {"one of two acts", Verdict::pass, [](Story& s) { for (double acts : {0, 1, 2, 3}) { s.scrape("a", acts); s.scrape("b", 0); } }},
      {"both act", Verdict::fail, [](Story& s) { for (double acts : {0, 1, 2, 3}) { s.scrape("a", acts); s.scrape("b", acts); } }},
      {"one after the other, with the Lease", Verdict::pass, [](Story& s) { s.scrape("a", 0); s.scrape("b", 0); s.scrape("a", 1); s.handover(); s.scrape("b", 1); s.scrape("b", 2); }},
      {"the other acts without the Lease", Verdict::fail, [](Story& s) { s.handover(); s.scrape("a", 0); s.scrape("b", 0); s.scrape("a", 1); s.scrape("b", 1); }},
  });
}

TEST(RevisionsAndRestores, TellGoodFromBad) {
  expect(check_revisions_rise, {
      {"not watched", Verdict::not_applicable, [](Story&) {}},
      {"rise", Verdict::pass, [](Story& s) { s.members({"a"}); }},
      {"went back", Verdict::fail, [](Story& s) { s.members({"a"}); s.event("etcd_revision_back", "data", {{"from", 9}, {"to", 5}}); }},
  });
  expect(check_restores_finish, {
      {"none", Verdict::not_applicable, [](Story&) {}},
      {"finished", Verdict::pass, [](Story& s) { s.event("etcd_restore", "r", {{"phase", "Started"}}); s.event("etcd_restore", "r", {{"phase", "Finished"}}); }},
      {"failed", Verdict::fail, [](Story& s) { s.event("etcd_restore", "r", {{"phase", "Failed"}}); }},
  });
}

TEST(DataAudit, CountsWhatARestoreCost) {
  Story story;
  const auto operation = [&](const char* name, const char* value, std::int64_t revision, Duration at) {
    history::Operation one;
    one.client = "c";
    one.workload = "etcd-0";
    one.operation = name;
    one.key = "k";
    (one.operation == "get" ? one.observed : one.value) = value;
    if (revision > 0) one.revision = revision;
    one.call = at;
    one.returned = at;
    one.outcome = history::Outcome::ok;
    story.record.operations.push_back(std::move(one));
  };
  operation("put", "1", 9, 100ms);
  operation("put", "2", 11, 600ms);
  operation("put", "3", 12, 900ms);
  story.members({"a", "b", "c"});   // 1 s
  story.silence();                  // 2 s
  story.members({"d"}, "2");        // 3 s
  story.recovery();                 // 4 s, to revision 10
  story.event("etcd_relist", "data", Json::object());
  operation("get", "1", 0, 5s);
  operation("get", "1", 0, 6s);
  const std::vector<RestoreAudit> audits = audit_restores(story.record);
  ASSERT_EQ(audits.size(), 1u);
  EXPECT_EQ(audits[0].acknowledged, 3u);
  EXPECT_EQ(audits[0].lost.size(), 2u);
  EXPECT_EQ(audits[0].recovery_point, 800ms);
  EXPECT_EQ(audits[0].recovery_time, 1s);
  EXPECT_EQ(audits[0].back_from_the_dead, std::vector<std::string>{"k = 1"});
  EXPECT_EQ(audits[0].watchers_told, 1u);
}

}  // namespace
}  // namespace skidpad::check

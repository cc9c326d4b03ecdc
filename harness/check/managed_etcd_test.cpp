// An operator's conduct towards etcd: each with a good history and the smallest bad one.
#include <gtest/gtest.h>

#include "harness/check/managed_etcd.hpp"

namespace skidpad::check {
namespace {

using namespace std::chrono_literals;
using history::Event;
using history::Operation;

class Story {
 public:
  void event(std::string_view kind, std::string_view subject, Json fields) {
    Event event;
    event.time = now_ += 1s;
    event.kind = kind;
    event.subject = subject;
    event.fields = std::move(fields);
    record.events.push_back(std::move(event));
  }
  /// "a", "b-" (unhealthy), "c?" (learner); each on a node of its own.
  void members(std::vector<std::string> who, int wanted = 3) {
    Json list = Json::array();
    for (const std::string& one : who) {
      const std::string name = one.substr(0, 1);
      list.push_back({{"id", name}, {"name", name}, {"node", "node-" + name}, {"voter", !one.ends_with('?')}, {"healthy", !one.ends_with('-')}});
    }
    event("etcd_members", "data", {{"serves", true}, {"wanted", wanted}, {"members", list}});
  }
  void silence() { event("etcd_members", "data", {{"serves", false}, {"wanted", 3}}); }
  void fault(const std::string& node) { event(history::event_kind::fault_injected, "kill-1", {{"targets", Json::array({node})}}); }
  void put(const std::string& value, std::int64_t revision) { operation("put", value, revision); }
  void get(const std::string& value) { operation("get", value, 0); }
  history::RunRecord record;

 private:
  void operation(const std::string& name, const std::string& value, std::int64_t revision) {
    Operation operation;
    operation.client = "client";
    operation.operation = name;
    operation.key = "k";
    if (name == "put") operation.value = value;
    else operation.observed = value;
    if (revision > 0) operation.revision = revision;
    operation.call = now_ += 1s;
    operation.returned = now_ += 1s;
    operation.outcome = history::Outcome::ok;
    record.operations.push_back(std::move(operation));
  }
  Duration now_{};
};

TEST(NoHealthyVoterRemoved, TellsGoodFromBad) {
  const struct {
    const char* name;
    Verdict verdict;
    void (*tell)(Story& story);
  } cases[] = {
      {"not watched", Verdict::not_applicable, [](Story&) {}},
      {"never answered", Verdict::unknown, [](Story& s) { s.silence(); }},
      {"nothing removed", Verdict::pass, [](Story& s) { s.members({"a", "b", "c"}); }},
      {"a healthy one removed", Verdict::fail, [](Story& s) { s.members({"a", "b", "c"}); s.members({"a", "b"}); }},
      {"an unhealthy one removed", Verdict::pass, [](Story& s) { s.members({"a", "b", "c-"}); s.members({"a", "b"}); }},
      {"hit by a fault since the last look", Verdict::pass, [](Story& s) { s.members({"a", "b", "c"}); s.fault("node-c"); s.members({"a", "b"}); }},
      {"another was hit", Verdict::fail, [](Story& s) { s.members({"a", "b", "c"}); s.fault("node-b"); s.members({"a", "b-"}); }},
      {"came back before it was removed", Verdict::fail, [](Story& s) { s.members({"a", "b", "c-"}); s.members({"a", "b", "c"}); s.members({"a", "b"}); }},
      {"a learner has no vote", Verdict::pass, [](Story& s) { s.members({"a", "b", "c?"}); s.members({"a", "b"}); }},
      {"one too many", Verdict::pass, [](Story& s) { s.members({"a", "b", "c", "d"}); s.members({"a", "b", "c"}); }},
      {"begun again after silence", Verdict::pass, [](Story& s) { s.members({"a", "b", "c"}); s.silence(); s.members({"c"}); }},
  };
  for (const auto& each : cases) {
    Story story;
    each.tell(story);
    EXPECT_EQ(check_no_healthy_voter_removed(story.record).verdict, each.verdict) << each.name;
  }
}

TEST(OnlyWritesSinceSnapshotLost, TellsGoodFromBad) {
  const auto restored = [](Story& s) { s.event("etcd_recovery", "data", {{"restoredRevision", 10}, {"raisedTo", 1030}}); };
  const struct {
    const char* name;
    Verdict verdict;
    std::function<void(Story& story)> tell;
  } cases[] = {
      {"no restore, nothing lost", Verdict::pass, [](Story& s) { s.put("1", 5); s.get("1"); }},
      {"no restore, a write lost", Verdict::fail, [](Story& s) { s.put("1", 5); s.put("2", 6); s.get("1"); }},
      {"the write after the snapshot is lost", Verdict::pass, [&](Story& s) { s.put("1", 10); s.put("2", 11); restored(s); s.get("1"); }},
      {"the write in the snapshot is lost", Verdict::fail, [&](Story& s) { s.put("1", 9); s.put("2", 10); restored(s); s.get("1"); }},
      {"a write after the restore is lost", Verdict::fail, [&](Story& s) { s.put("1", 10); s.put("2", 11); restored(s); s.put("3", 1031); s.get("1"); }},
      {"a revision that was given up comes again", Verdict::fail, [&](Story& s) { s.put("1", 10); s.put("2", 11); restored(s); s.put("3", 11); s.get("3"); }},
      {"revisions go on above", Verdict::pass, [&](Story& s) { s.put("1", 10); s.put("2", 11); restored(s); s.put("3", 1031); s.get("3"); }},
      {"a write beyond what the restore knew of is lost", Verdict::fail, [&](Story& s) { s.put("1", 10); s.put("2", 1031); restored(s); s.get("1"); }},
  };
  for (const auto& each : cases) {
    Story story;
    each.tell(story);
    const ConductResult result = check_only_writes_since_snapshot_lost(story.record, story.record.operations);
    EXPECT_EQ(result.verdict, each.verdict) << each.name << ": " << result.reason;
  }
}

}  // namespace
}  // namespace skidpad::check

#include "harness/check/settling.hpp"

#include <map>

#include "harness/check/describe.hpp"

namespace skidpad::check {
namespace {

using history::Event;
namespace kind = history::event_kind;

/// Begin of the unbroken steady state that the looks before any fault ended with.
std::optional<Duration> steady_before(const std::vector<Event>& events) {
  std::optional<Duration> since;
  for (const Event& event : events) {
    if (event.kind != kind::steady_state) continue;
    if (!runtime::bool_at(event.fields, {"ok"})) since.reset();
    else if (!since) since = event.time;
  }
  return since;
}

Duration end_of_watch(const history::RunRecord& record) {
  for (const Event& event : record.events)
    if (event.kind == kind::phase && event.subject == "cleanup") return event.time;
  return history::end_time(record);
}

/// Follows objects and says what a change of one means: "" for nothing that counts.
class Follower {
 public:
  std::string follow(const Event& event) {
    if (event.kind == kind::remediation) {
      const std::string state = runtime::text_at(event.fields, {"state"});
      return state == "started" || state == "failed" ? "remediation of " + event.subject + " " + state : "";
    }
    if (event.kind != kind::object) return "";
    if (const std::string holder = runtime::text_at(event.fields, {"holder"}); !holder.empty()) {
      std::string& known = holders_[event.subject];
      const std::string before = std::exchange(known, holder);
      return !before.empty() && before != holder ? event.subject + " went from " + before + " to " + holder : "";
    }
    if (!event.fields.contains("healthy")) return "";
    const std::string change = runtime::text_at(event.fields, {"change"});
    const bool is_node = event.subject.starts_with("Node/");
    const auto known = healthy_.find(event.subject);
    const bool was_known = known != healthy_.end();
    const bool was_healthy = was_known && known->second;
    if (change == "deleted") {
      if (was_known) healthy_.erase(known);
      return is_node || was_healthy ? event.subject + " was deleted" : "";
    }
    const bool healthy = runtime::bool_at(event.fields, {"healthy"});
    healthy_[event.subject] = healthy;
    if (!was_known) return event.subject + " was created";
    if (was_healthy && !healthy) return event.subject + " is no longer healthy";
    if (is_node && !was_healthy && healthy) return event.subject + " became healthy";
    return "";
  }

 private:
  std::map<std::string, bool> healthy_;
  std::map<std::string, std::string> holders_;
};

}  // namespace

ConductResult check_settled(const history::RunRecord& record, const Recovery& recovery) {
  ConductResult result;
  const std::optional<Duration> begin = recovery.injected ? recovery.steady_again : steady_before(record.events);
  if (!begin) {
    result.verdict = Verdict::fail;
    result.reason = "the steady state never came";
    return result;
  }
  const Duration end = end_of_watch(record);
  Follower follower;
  for (const Event& event : record.events) {
    if (event.time >= end) break;
    const std::string restless = follower.follow(event);
    // At the very moment of the begin, what made the state steady is still being told.
    if (event.time > *begin && !restless.empty()) result.evidence.push_back("at " + describe(event.time) + ": " + restless);
  }
  const Duration watched = end - *begin;
  if (!result.evidence.empty()) {
    result.verdict = Verdict::fail;
    result.reason = counted(result.evidence.size(), "change") + " in the " + describe(watched) + " after the cluster was steady";
  } else if (watched < record.header.timers.node_monitor_period || watched == Duration::zero()) {
    result.verdict = Verdict::unknown;
    result.reason = "watched for only " + describe(watched) + ", less than one node_monitor_period of " + describe(record.header.timers.node_monitor_period);
  } else {
    result.reason = "nothing moved for " + describe(watched);
  }
  return result;
}

}  // namespace skidpad::check

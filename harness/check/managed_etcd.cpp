#include "harness/check/managed_etcd.hpp"

#include <algorithm>
#include <map>

#include "harness/check/describe.hpp"

namespace skidpad::check {
namespace {

using history::Event;
using history::Operation;
using runtime::bool_at;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;
namespace kind = history::event_kind;

constexpr std::string_view members_kind = "etcd_members";
constexpr std::string_view recovery_kind = "etcd_recovery";

struct Voter {
  std::string name;
  std::string node;
  bool healthy = false;
};

}  // namespace

ConductResult check_no_healthy_voter_removed(const history::RunRecord& record) {
  ConductResult result;
  std::map<std::string, Voter> voters;  ///< by member ID, as last seen
  std::int64_t wanted = 0;
  bool watched = false, served = false;
  std::size_t removed = 0;
  for (const Event& event : record.events) {
    if (event.kind == kind::phase && event.subject == "cleanup") break;
    if (event.kind == kind::fault_injected) {
      for (const Json& target : list_at(event.fields, {"targets"})) {
        for (auto& [id, voter] : voters) {
          if (target.is_string() && voter.node == target.get<std::string>()) voter.healthy = false;
        }
      }
    }
    if (event.kind != members_kind) continue;
    watched = true;
    if (!bool_at(event.fields, {"serves"})) {
      for (auto& [id, voter] : voters) voter.healthy = false;
      continue;
    }
    served = true;
    std::map<std::string, Voter> now;
    for (const Json& member : list_at(event.fields, {"members"})) {
      if (bool_at(member, {"voter"})) now[text_at(member, {"id"})] = Voter{text_at(member, {"name"}), text_at(member, {"node"}), bool_at(member, {"healthy"})};
    }
    const bool shrinking = static_cast<std::int64_t>(voters.size()) > integer_at(event.fields, {"wanted"}, wanted);
    for (const auto& [id, voter] : voters) {
      if (now.contains(id)) continue;
      ++removed;
      if (!voter.healthy || shrinking) continue;
      result.verdict = Verdict::fail;
      result.evidence.push_back("at " + describe(event.time) + ": " + voter.name + " on " + voter.node + " was healthy and is no longer a member");
    }
    wanted = integer_at(event.fields, {"wanted"}, wanted);
    voters = std::move(now);
  }
  if (!watched) {
    result.verdict = Verdict::not_applicable;
    result.reason = "no etcd operator's members were watched";
  } else if (!served) {
    result.verdict = Verdict::unknown;
    result.reason = "no member ever answered";
  } else if (result.verdict == Verdict::fail) {
    result.reason = counted(result.evidence.size(), "healthy voter") + " removed";
  } else {
    result.verdict = Verdict::pass;
    result.reason = counted(removed, "voter") + " removed, none of them healthy";
  }
  return result;
}

ConductResult check_only_writes_since_snapshot_lost(const history::RunRecord& record, const std::vector<Operation>& operations) {
  std::vector<std::pair<std::int64_t, std::int64_t>> windows;  ///< revisions that a restore gave up: above the first, up to the second
  ConductResult result;
  for (const Event& event : record.events) {
    if (event.kind != recovery_kind) continue;
    windows.emplace_back(integer_at(event.fields, {"restoredRevision"}), integer_at(event.fields, {"raisedTo"}));
    // A revision that was given up must not come again: who has seen it would never learn of the new one (R2).
    for (const Operation& operation : operations) {
      if (!operation.revision || operation.outcome != history::Outcome::ok || operation.operation != "put" || operation.call <= event.time || *operation.revision > windows.back().second) continue;
      result.verdict = Verdict::fail;
      result.reason = "revisions went back";
      result.evidence = {"at " + describe(operation.call) + ": " + operation.key + " was written at revision " + std::to_string(*operation.revision) + ", and " + std::to_string(windows.back().second) + " had been seen"};
      return result;
    }
  }
  std::vector<Operation> kept;
  std::size_t given_up = 0;
  for (const Operation& operation : operations) {
    const bool lost = operation.revision && operation.outcome == history::Outcome::ok && operation.operation == "put" &&
                      std::any_of(windows.begin(), windows.end(), [&](const auto& window) { return *operation.revision > window.first && *operation.revision <= window.second; });
    if (!lost) {
      kept.push_back(operation);
      continue;
    }
    ++given_up;
    result.evidence.push_back("at " + describe(operation.call) + ": " + operation.key + " = " + operation.value.value_or("") + ", revision " + std::to_string(*operation.revision));
  }
  const WritesResult writes = check_acknowledged_writes(kept);
  result.verdict = writes.verdict;
  result.reason = writes.reason;
  if (writes.verdict == Verdict::pass)
    result.reason = counted(given_up, "acknowledged write") + " lost to " + counted(windows.size(), "restore") + ", every other one of " + std::to_string(writes.acknowledged) + " is there";
  if (writes.verdict == Verdict::fail) result.evidence.clear();
  result.evidence.insert(result.evidence.end(), writes.lost.begin(), writes.lost.end());
  result.evidence.insert(result.evidence.end(), writes.invented.begin(), writes.invented.end());
  return result;
}

}  // namespace skidpad::check

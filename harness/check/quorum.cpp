#include "harness/check/quorum.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "harness/check/describe.hpp"

namespace skidpad::check {
namespace {

using history::Event;
namespace kind = history::event_kind;

constexpr std::string_view etcd_layer = "etcd";

struct Level {
  std::int64_t healthy = 0;
  std::int64_t wanted = 0;
  std::int64_t quorum() const { return wanted / 2 + 1; }
};

/// The level of etcd as events tell it: outright, or object by object where nobody does.
class LevelReader {
 public:
  explicit LevelReader(const std::vector<Event>& events)
      : stated_(std::any_of(events.begin(), events.end(), [](const Event& event) { return event.kind == kind::level && event.subject == etcd_layer; })) {}
  std::optional<Level> read(const Event& event) {
    if (stated_) {
      if (event.kind != kind::level || event.subject != etcd_layer) return std::nullopt;
      return Level{runtime::integer_at(event.fields, {"healthy"}), runtime::integer_at(event.fields, {"wanted"})};
    }
    if (event.kind != kind::object || runtime::text_at(event.fields, {"layer"}) != etcd_layer) return std::nullopt;
    const bool deleted = runtime::text_at(event.fields, {"change"}) == "deleted";
    if (!deleted && runtime::bool_at(event.fields, {"healthy"})) healthy_.insert(event.subject);
    else healthy_.erase(event.subject);
    seen_most_ = std::max(seen_most_, healthy_.size());
    return Level{static_cast<std::int64_t>(healthy_.size()), static_cast<std::int64_t>(seen_most_)};
  }

 private:
  bool stated_;
  std::set<std::string> healthy_;
  std::size_t seen_most_ = 0;
};

std::set<std::string> recorded_members(const std::vector<Event>& events) {
  std::set<std::string> nodes;
  for (const Event& event : events)
    if (event.kind == kind::object && runtime::text_at(event.fields, {"layer"}) == etcd_layer) nodes.insert(runtime::text_at(event.fields, {"node"}));
  nodes.erase("");
  return nodes;
}

/// What the faults so far took away, and may not yet have given back.
class Hits {
 public:
  Hits(const std::vector<history::FaultInterval>& faults, std::set<std::string> members) : faults_(faults), members_(std::move(members)) {}
  void injected(const std::string& id) { felt_.insert(id); }
  void whole_again(Duration now) {
    std::erase_if(felt_, [this, now](const std::string& id) {
      const auto fault = std::find_if(faults_.begin(), faults_.end(), [&id](const auto& one) { return one.id == id; });
      return fault == faults_.end() || !fault->healed || *fault->healed <= now;  // one that is never healed struck once
    });
  }
  std::int64_t certain() const { return count(false); }
  std::int64_t possible() const { return count(true); }

 private:
  std::int64_t count(bool with_possible) const {
    std::set<std::string> nodes;
    for (const history::FaultInterval& fault : faults_) {
      if (!felt_.contains(fault.id)) continue;
      for (const std::string& target : fault.targets) {
        const bool hits_node = fault.process.empty() && fault.kind != "delete_node";
        const bool known = fault.process == "etcd" || (hits_node && members_.contains(target));
        const bool maybe = hits_node && members_.empty();
        if (known || (with_possible && maybe)) nodes.insert(target);
      }
    }
    return static_cast<std::int64_t>(nodes.size());
  }
  const std::vector<history::FaultInterval>& faults_;
  std::set<std::string> members_;
  std::set<std::string> felt_;
};

}  // namespace

ConductResult check_quorum(const history::RunRecord& record) {
  const auto faults = history::fault_intervals(record.events);
  Hits hits(faults, recorded_members(record.events));
  LevelReader reader(record.events);
  ConductResult result;
  bool begun = false, watched = false, doubtful = false, broken = false;
  Level lowest;
  for (const Event& event : record.events) {
    if (event.kind == kind::phase && event.subject == "cleanup") break;
    if (event.kind == kind::fault_injected) hits.injected(event.subject);
    const std::optional<Level> level = reader.read(event);
    if (!level || level->wanted <= 0) continue;
    watched = true;
    if (level->healthy >= level->wanted) {
      if (!begun) lowest = *level;
      begun = true;
      hits.whole_again(event.time);
    }
    if (!begun) continue;
    if (level->healthy < lowest.healthy) lowest = *level;
    if (level->healthy >= level->quorum()) continue;
    const std::int64_t needed = level->wanted - level->quorum() + 1;
    if (hits.certain() >= needed) continue;
    (hits.possible() >= needed ? doubtful : broken) = true;
    result.evidence.push_back("at " + describe(event.time) + ": " + std::to_string(level->healthy) + " of " + std::to_string(level->wanted) +
                              " members healthy, quorum " + std::to_string(level->quorum()) + "; faults hit " + std::to_string(hits.certain()) +
                              " for certain, " + std::to_string(hits.possible()) + " at the most");
  }
  if (!watched) {
    result.verdict = Verdict::not_applicable;
    result.reason = "etcd was not watched";
  } else if (!begun) {
    result.verdict = Verdict::unknown;
    result.reason = "etcd was never whole";
  } else if (broken) {
    result.verdict = Verdict::fail;
    result.reason = "etcd was below its quorum, which no fault explains";
  } else if (doubtful) {
    result.verdict = Verdict::unknown;
    result.reason = "etcd was below its quorum, and whether the faults hit its members was not recorded";
  } else {
    result.reason = "never fewer than " + std::to_string(lowest.healthy) + " of " + std::to_string(lowest.wanted) + " members healthy" +
                    (lowest.healthy < lowest.quorum() ? ", and that by the faults alone" : "");
  }
  return result;
}

}  // namespace skidpad::check

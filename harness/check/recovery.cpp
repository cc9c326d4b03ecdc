#include "harness/check/recovery.hpp"

#include <algorithm>

#include "harness/check/floor.hpp"

namespace skidpad::check {
namespace {

using history::Event;
namespace kind = history::event_kind;

/// What well-known Kubernetes events tell about a recovery. The reasons are those of the real components and of our controllers.
struct KnownReason {
  std::string_view reason;
  std::string_view layer;
  Phase phase;
};
constexpr KnownReason known_reasons[] = {
    {"NodeNotReady", "nodes", Phase::detected},
    {"RemediationStarted", "nodes", Phase::decided},
    {"TaintManagerEviction", "workload", Phase::decided},
    {"MachineCreated", "nodes", Phase::acted},
    {"LeaderElection", "controllers", Phase::acted},
};

class LayerTracker {
 public:
  explicit LayerTracker(std::string layer) { recovery_.layer = std::move(layer); }

  void object(const Event& event, bool after_fault) {
    const bool deleted = runtime::text_at(event.fields, {"change"}) == "deleted";
    const bool added = runtime::text_at(event.fields, {"change"}) == "added";
    const bool judged = event.fields.contains("healthy");
    const bool healthy = judged && !deleted && runtime::bool_at(event.fields, {"healthy"});
    const bool was_healthy = healthy_.contains(event.subject);
    // A Lease that changes hands is a controller that took over.
    const std::string holder = runtime::text_at(event.fields, {"holder"});
    if (!holder.empty()) {
      std::string& known = holders_[event.subject];
      if (after_fault && !known.empty() && known != holder) {
        note(Phase::acted, event.time, event.subject + " taken over by " + holder);
        note(Phase::converged, event.time, event.subject + " taken over by " + holder);
      }
      known = holder;
    }
    if (healthy) healthy_.insert(event.subject);
    else healthy_.erase(event.subject);
    if (after_fault) {
      if (was_healthy && !healthy) note(Phase::detected, event.time, event.subject + (deleted ? " deleted" : " no longer healthy"));
      if (runtime::bool_at(event.fields, {"deleting"})) note_if_detected(Phase::decided, event.time, event.subject + " is being deleted");
      if (added) note_if_detected(Phase::acted, event.time, event.subject + " created");
    }
    if (judged || deleted || was_healthy) set_level(event.time, static_cast<std::int64_t>(healthy_.size()), after_fault, event.subject);
  }

  void level(const Event& event, bool after_fault) {
    const std::int64_t wanted = runtime::integer_at(event.fields, {"wanted"});
    if (!after_fault) stated_wanted_ = wanted;
    set_level(event.time, runtime::integer_at(event.fields, {"healthy"}), after_fault, event.subject);
  }

  void fault_begins() {
    recovery_.wanted = std::max(level_, stated_wanted_.value_or(0));
    recovery_.lowest = level_;
  }

  /// The first time a phase is reached counts.
  void note(Phase phase, Duration time, std::string evidence) { recovery_.milestones.try_emplace(phase, Milestone{time, std::move(evidence)}); }
  void state(Phase phase, Duration time, std::string evidence) { stated_[phase] = Milestone{time, std::move(evidence)}; }

  LayerRecovery finish() {
    for (auto& [phase, milestone] : stated_) recovery_.milestones[phase] = std::move(milestone);
    recovery_.last = level_;
    recovery_.disturbed = recovery_.lowest < recovery_.wanted || recovery_.milestones.contains(Phase::acted) || !stated_.empty();
    if (!recovery_.disturbed) recovery_.milestones.clear();
    return std::move(recovery_);
  }

 private:
  void note_if_detected(Phase phase, Duration time, std::string evidence) {
    if (recovery_.milestones.contains(Phase::detected)) note(phase, time, std::move(evidence));
  }

  void set_level(Duration time, std::int64_t level, bool after_fault, const std::string& subject) {
    const std::int64_t before = level_;
    level_ = level;
    if (recovery_.levels.empty() || recovery_.levels.back().second != level) recovery_.levels.emplace_back(time, level);
    if (!after_fault) return;
    const std::string of_wanted = std::to_string(level) + " of " + std::to_string(recovery_.wanted) + " healthy";
    recovery_.lowest = std::min(recovery_.lowest, level);
    if (level < recovery_.wanted) {
      note(Phase::detected, time, subject + ": " + of_wanted);
      recovery_.milestones.erase(Phase::redundancy_back);  // whole again counts only if it stays so
    }
    if (level > before && recovery_.lowest < recovery_.wanted) {
      note(Phase::converged, time, subject + " healthy, " + of_wanted);
      if (level >= recovery_.wanted) note(Phase::redundancy_back, time, subject + " healthy, " + of_wanted);
    }
  }

  LayerRecovery recovery_;
  std::int64_t level_ = 0;
  std::optional<std::int64_t> stated_wanted_;
  std::set<std::string> healthy_;
  std::map<std::string, std::string> holders_;
  std::map<Phase, Milestone> stated_;
};

std::optional<Duration> steady_again(const std::vector<Event>& events, Duration injected) {
  std::optional<Duration> since;
  for (const Event& event : events) {
    if (event.kind != kind::steady_state || event.subject != "after" || event.time < injected) continue;
    if (!runtime::bool_at(event.fields, {"ok"})) since.reset();
    else if (!since) since = event.time;
  }
  return since;
}

void summarise(Recovery& recovery) {
  if (const LayerRecovery* primary = find_layer(recovery, recovery.primary_layer); primary && primary->disturbed)
    for (const Phase phase : {Phase::detected, Phase::decided, Phase::acted})
      if (const auto found = primary->milestones.find(phase); found != primary->milestones.end()) recovery.milestones[phase] = found->second;
  for (const Phase phase : {Phase::converged, Phase::redundancy_back}) {
    std::optional<Milestone> latest;
    bool complete = true;
    for (const LayerRecovery& layer : recovery.layers) {
      if (!layer.disturbed || layer.lowest >= layer.wanted) continue;
      const auto found = layer.milestones.find(phase);
      if (found == layer.milestones.end()) complete = false;
      else if (!latest || found->second.time > latest->time) latest = Milestone{found->second.time, layer.layer + ": " + found->second.evidence};
    }
    if (complete && latest) recovery.milestones[phase] = *latest;
  }
}

}  // namespace

std::string_view name(Phase phase) { return history::recovery_phases[static_cast<std::size_t>(phase)]; }

const LayerRecovery* find_layer(const Recovery& recovery, std::string_view layer) {
  for (const LayerRecovery& candidate : recovery.layers)
    if (candidate.layer == layer) return &candidate;
  return nullptr;
}

Recovery recovery_of(const history::RunRecord& record) {
  std::map<std::string, LayerTracker> trackers;
  const auto tracker = [&trackers](const std::string& layer) -> LayerTracker& { return trackers.try_emplace(layer, layer).first->second; };
  for (const std::string_view layer : history::layers) tracker(std::string(layer));

  Recovery recovery;
  for (const Event& event : record.events) {
    const bool after_fault = recovery.injected.has_value();
    if (event.kind == kind::fault_injected && !after_fault) {
      recovery.injected = event.time;
      recovery.primary_layer = primary_layer(runtime::text_at(event.fields, {"fault_kind"}), runtime::text_at(event.fields, {"process"}));
      for (auto& [layer, of_layer] : trackers) of_layer.fault_begins();
    } else if (event.kind == kind::object) {
      const std::string layer = runtime::text_at(event.fields, {"layer"});
      if (!layer.empty()) tracker(layer).object(event, after_fault);
    } else if (event.kind == kind::level) {
      tracker(event.subject).level(event, after_fault);
    } else if (!after_fault) {
      continue;
    } else if (event.kind == kind::kubernetes_event) {
      const std::string reason = runtime::text_at(event.fields, {"reason"});
      for (const KnownReason& known : known_reasons)
        if (reason == known.reason) tracker(std::string(known.layer)).note(known.phase, event.time, reason + " on " + event.subject);
    } else if (event.kind == kind::remediation && runtime::text_at(event.fields, {"state"}) == "started") {
      tracker("nodes").note(Phase::decided, event.time, "remediation of " + event.subject + " started");
    } else if (event.kind == kind::milestone) {
      for (const Phase phase : phases)
        if (runtime::text_at(event.fields, {"phase"}) == name(phase))
          tracker(event.subject).state(phase, event.time, runtime::text_at(event.fields, {"evidence"}));
    }
  }
  for (const std::string_view layer : history::layers) recovery.layers.push_back(tracker(std::string(layer)).finish());
  for (auto& [layer, of_layer] : trackers)
    if (!find_layer(recovery, layer)) recovery.layers.push_back(of_layer.finish());
  if (!recovery.injected) return recovery;
  summarise(recovery);
  recovery.steady_again = steady_again(record.events, *recovery.injected);
  const auto whole = recovery.milestones.find(Phase::redundancy_back);
  if (recovery.steady_again) recovery.recovery_time = *recovery.steady_again - *recovery.injected;
  else if (whole != recovery.milestones.end()) recovery.recovery_time = whole->second.time - *recovery.injected;
  return recovery;
}

}  // namespace skidpad::check

#include "controllers/node_healer/decision.hpp"

namespace skidpad::controllers::node_healer {

namespace {

std::string rounded(Duration duration) {
  return runtime::format_go_duration(std::chrono::duration_cast<std::chrono::milliseconds>(duration));
}

/// Keeps the earliest time at which time alone matters.
class Alarm {
 public:
  explicit Alarm(Decision& decision) : decision_(decision) {}
  void in(Duration duration) {
    if (!decision_.look_again_in || duration < *decision_.look_again_in) decision_.look_again_in = duration;
  }

 private:
  Decision& decision_;
};

std::optional<Trouble> trouble_of(const Policy& policy, const Worker& worker, const Observation& seen, Alarm& alarm) {
  Trouble trouble;
  trouble.worker = worker.name;
  if (worker.node) {
    trouble.uid = worker.node->uid;
    trouble.zone = worker.node->zone;
    trouble.created = worker.node->created;
    if (worker.node->remediate) {
      trouble.ailment = Ailment::annotated;
      trouble.reason = std::string("annotated with ") + annotations::remediate;
      return trouble;
    }
    if (worker.node->ready) return std::nullopt;
    const Duration lasting = seen.now - worker.node->not_ready_since;
    const std::string status = worker.node->ready_status.empty() ? "not set" : worker.node->ready_status;
    if (seen.machines_known && !worker.machine_listed) {
      trouble.ailment = Ailment::machine_gone;
      trouble.reason = "its Ready condition is " + status + " and the provider no longer has its machine";
      return trouble;
    }
    if (lasting >= policy.unhealthy_after) {
      trouble.ailment = Ailment::not_ready;
      trouble.reason = "its Ready condition has been " + status + " for " + rounded(lasting);
      return trouble;
    }
    alarm.in(policy.unhealthy_after - lasting);
    return std::nullopt;
  }
  if (!seen.machines_known) return std::nullopt;
  if (worker.joined) {
    trouble.ailment = Ailment::no_node;
    trouble.reason = worker.machine_listed ? "its machine has no Node object any more" : "its Node object and its machine are gone";
    return trouble;
  }
  if (!worker.machine_listed) return std::nullopt;  // taken away before it ever was a node
  if (worker.machine_age >= policy.never_joined_after) {
    trouble.ailment = Ailment::never_joined;
    trouble.reason = "its machine has not joined within " + rounded(policy.never_joined_after);
    return trouble;
  }
  alarm.in(policy.never_joined_after - worker.machine_age);
  return std::nullopt;
}

bool is_excused(const Worker& worker) { return worker.node && (worker.node->skip || worker.node->paused); }

bool is_well(const Worker& worker) { return worker.node && worker.node->ready && !worker.node->remediate; }

/// What dies one by one is nodes; what dies at once is a switch, a room, or our own eyes (N3).
std::vector<std::string> zones_away(const Policy& policy, const Observation& seen) {
  struct Zone {
    std::size_t nodes = 0;
    std::size_t ready = 0;
    Instant first = Instant::max();
    Instant last = Instant::min();
  };
  std::map<std::string, Zone> zones;
  for (const auto& [name, node] : seen.nodes) {
    std::vector<std::string> of_node{""};
    if (!node.zone.empty()) of_node.push_back(node.zone);
    for (const std::string& zone_name : of_node) {
      Zone& zone = zones[zone_name];
      ++zone.nodes;
      if (node.ready) {
        ++zone.ready;
      } else {
        zone.first = std::min(zone.first, node.not_ready_since);
        zone.last = std::max(zone.last, node.not_ready_since);
      }
    }
  }
  std::vector<std::string> away;
  for (const auto& [name, zone] : zones) {
    if (zone.nodes < 2 || zone.ready > 0) continue;
    // The whole cluster away is never node failure, whenever it began; a zone may also have died node by node.
    if (name.empty() || zone.last - zone.first <= policy.monitor_grace) away.push_back(name);
  }
  return away;
}

/// Why nothing may be started in this zone now; "" if it may.
std::string zone_trouble(const std::string& zone, const Observation& seen, const Decision& decision, Alarm& alarm) {
  for (const std::string& away : decision.zones_away) {
    if (away.empty()) return "every node of the cluster was lost at once";
    if (away == zone) return "every node of zone " + zone + " was lost at once";
  }
  for (const std::string& name : {std::string(), zone}) {
    const auto hold = seen.hold_until.find(name);
    if (hold == seen.hold_until.end() || hold->second <= seen.now) continue;
    alarm.in(hold->second - seen.now);
    return name.empty() ? "the API or the whole cluster was away until lately" : "zone " + zone + " was away until lately";
  }
  return "";
}

}  // namespace

std::size_t unhealthy_count(const std::vector<Worker>& workers) {
  return std::size_t(std::count_if(workers.begin(), workers.end(), [](const Worker& worker) { return !is_well(worker); }));
}

Duration retry_wait(const Policy& policy, std::int64_t failures) {
  Duration wait = policy.retry_first;
  for (std::int64_t i = 1; i < failures && wait < policy.retry_max; ++i) wait *= 2;
  return failures == 0 ? Duration::zero() : std::min(wait, policy.retry_max);
}

std::int64_t failures_now(const Policy& policy, const Slot& slot, WallTime wall_now) {
  if (!slot.finished_at) return slot.failures;
  return wall_now - *slot.finished_at < policy.healthy_min ? slot.failures + 1 : 0;
}

Decision decide(const Policy& policy, const Observation& seen, const HealerState& state) {
  ASSERT(!state.open);
  Decision decision;
  Alarm alarm(decision);
  decision.worker_count = seen.workers.size();
  decision.unhealthy_allowed = policy.max_unhealthy.allowed(decision.worker_count);
  decision.unhealthy_count = unhealthy_count(seen.workers);
  decision.zones_away = zones_away(policy, seen);
  for (const Worker& worker : seen.workers) {
    if (is_excused(worker)) continue;
    if (auto trouble = trouble_of(policy, worker, seen, alarm)) decision.troubles.push_back(std::move(*trouble));
  }
  std::stable_sort(decision.troubles.begin(), decision.troubles.end(), [](const Trouble& a, const Trouble& b) {
    return std::tie(a.ailment, a.created, a.worker) < std::tie(b.ailment, b.created, b.worker);
  });
  if (policy.paused || decision.troubles.empty()) return decision;
  decision.verb = Verb::wait;
  for (const Trouble& trouble : decision.troubles) {
    if (const std::string away = zone_trouble(trouble.zone, seen, decision, alarm); !away.empty()) {
      if (decision.why.empty()) decision.why = away;
      continue;
    }
    if (decision.unhealthy_count > decision.unhealthy_allowed) {
      decision.verb = Verb::restrict;
      decision.why = std::to_string(decision.unhealthy_count) + " of " + std::to_string(decision.worker_count) + " workers are unhealthy, at most " +
                     std::to_string(decision.unhealthy_allowed) + " may be";
      return decision;
    }
    const std::string slot_name = slot_of(trouble.worker);
    if (const auto known = state.slots.find(slot_name); known != state.slots.end()) {
      const Slot& slot = known->second;
      const std::int64_t failures = failures_now(policy, slot, seen.wall_now);
      if (failures > policy.retry_count_max) {
        if (!slot.gave_up && !decision.gives_up) decision.gives_up = slot_name;
        if (decision.why.empty()) decision.why = slot_name + " was replaced in vain " + std::to_string(failures) + " times";
        continue;
      }
      const WallTime last = std::max(slot.finished_at.value_or(WallTime::min()), slot.failed_at.value_or(WallTime::min()));
      if (failures > 0 && last != WallTime::min() && last <= seen.wall_now) {  // a step back of the clock must not hold a repair up for long
        const Duration left = last + retry_wait(policy, failures) - seen.wall_now;
        if (left > Duration::zero()) {
          alarm.in(left);
          if (decision.why.empty()) decision.why = slot_name + " is tried again in " + rounded(left);
          continue;
        }
      }
    }
    decision.verb = Verb::start;
    decision.why.clear();
    decision.chosen = trouble;
    return decision;
  }
  return decision;
}

}  // namespace skidpad::controllers::node_healer

#include "harness/check/guarantees.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "harness/check/data_audit.hpp"
#include "harness/check/control_plane.hpp"
#include "harness/check/describe.hpp"
#include "harness/check/etcd_membership.hpp"
#include "harness/check/linearizability.hpp"
#include "harness/check/managed_etcd.hpp"
#include "harness/check/metrics.hpp"
#include "harness/check/quorum.hpp"
#include "harness/check/settling.hpp"
#include "harness/check/watches.hpp"
#include "harness/check/writes.hpp"

namespace skidpad::check {
namespace {

using history::Event;
using history::Operation;
using history::RunRecord;
namespace kind = history::event_kind;

Guarantee guarantee(std::string name, std::string claim) {
  Guarantee result;
  result.name = std::move(name);
  result.claim = std::move(claim);
  return result;
}

Guarantee decided(Guarantee result, Verdict verdict, std::string reason, std::vector<std::string> evidence = {}) {
  constexpr std::size_t evidence_count_max = 20;
  if (evidence.size() > evidence_count_max) {
    const std::size_t more = evidence.size() - evidence_count_max;
    evidence.resize(evidence_count_max);
    evidence.push_back("and " + std::to_string(more) + " more");
  }
  result.verdict = verdict;
  result.reason = std::move(reason);
  result.evidence = std::move(evidence);
  return result;
}

const Event* last_event(const RunRecord& record, std::string_view of_kind) {
  for (auto event = record.events.rbegin(); event != record.events.rend(); ++event)
    if (event->kind == of_kind) return &*event;
  return nullptr;
}

/// A fail that a longer record might have turned into a pass; judge() softens it when the record is not whole.
Guarantee by_absence(Guarantee result) {
  result.by_absence = result.verdict == Verdict::fail;
  return result;
}

Guarantee judge_steady_state(Guarantee result, const std::vector<const Event*>& looks, const char* when) {
  if (looks.empty()) return decided(std::move(result), Verdict::unknown, std::string("nobody looked ") + when);
  const Event& last = *looks.back();
  std::vector<std::string> evidence;
  for (const Json& condition : runtime::list_at(last.fields, {"conditions"})) {
    const bool ok = runtime::bool_at(condition, {"ok"});
    std::string line = runtime::text_at(condition, {"name"}) + (ok ? ": holds" : ": does not hold");
    if (const std::string observed = runtime::text_at(condition, {"observed"}); !observed.empty()) line += ", " + observed;
    if (const std::string expected = runtime::text_at(condition, {"expected"}); !expected.empty()) line += " (expected " + expected + ")";
    evidence.push_back(std::move(line));
  }
  const bool ok = runtime::bool_at(last.fields, {"ok"});
  const std::string at = "at " + describe(last.time);
  if (ok) return decided(std::move(result), Verdict::pass, "holds " + at, std::move(evidence));
  return decided(std::move(result), Verdict::fail, "does not hold " + at, std::move(evidence));
}

/// Two stores may use the same keys: the workload becomes part of the key.
std::vector<Operation> key_value_operations(const RunRecord& record) {
  std::vector<Operation> chosen;
  for (const Operation& operation : record.operations)
    for (const std::string_view name : {"get", "put", "append", "delete", "cas"}) {
      if (operation.operation != name) continue;
      chosen.push_back(operation);
      if (!operation.workload.empty()) chosen.back().key = operation.workload + "/" + operation.key;
    }
  return chosen;
}

/// Judged only when asked for: a store of several independent copies promises neither, and a scenario may well use one.
bool asked_for(const RunRecord& record, const Guarantee& guarantee) {
  const auto& asked = record.header.expectations.guarantees;
  return std::find(asked.begin(), asked.end(), guarantee.name) != asked.end();
}

}  // namespace

Guarantee judge_record_complete(const RunRecord& record) {
  Guarantee result = guarantee("record_complete", "The record is whole: the run ended by itself and no file is cut off");
  std::vector<std::string> evidence;
  for (const std::string& file : record.torn_files) evidence.push_back(file + ": last line cut off");
  const Event* ended = last_event(record, kind::run_ended);
  if (!ended) return decided(std::move(result), Verdict::unknown, "the recorder stopped before the run ended", std::move(evidence));
  const std::string outcome = runtime::text_at(ended->fields, {"outcome"});
  const std::string reason = runtime::text_at(ended->fields, {"reason"});
  if (outcome != "completed") return decided(std::move(result), Verdict::unknown, "run ended as " + outcome + (reason.empty() ? "" : ": " + reason), std::move(evidence));
  if (!evidence.empty()) return decided(std::move(result), Verdict::unknown, counted(evidence.size(), "file") + " cut off", std::move(evidence));
  return decided(std::move(result), Verdict::pass,
                 counted(record.events.size(), "event") + ", " + counted(record.operations.size(), "operation") + ", " + counted(record.metrics.size(), "metric sample"));
}

Guarantee judge_steady_state_before(const RunRecord& record) {
  std::vector<const Event*> looks;
  std::string_view phase;
  for (const Event& event : record.events) {
    if (event.kind == kind::phase) phase = event.subject;
    if (event.kind == kind::fault_injected && phase == "create")
      return decided(guarantee("steady_state_before", "The cluster was in its steady state before the first fault"), Verdict::not_applicable, "the first fault hit the cluster while it was created");
    if (event.kind == kind::fault_injected) break;
    if (event.kind == kind::steady_state && event.subject == "before") looks.push_back(&event);
  }
  Guarantee result = judge_steady_state(guarantee("steady_state_before", "The cluster was in its steady state before the first fault"), looks, "before the first fault");
  // A cluster that was never well proves nothing about how it recovers.
  if (result.verdict == Verdict::fail) result.verdict = Verdict::unknown;
  return result;
}

Guarantee judge_steady_state_after(const RunRecord& record) {
  std::vector<const Event*> looks;
  for (const Event& event : record.events) {
    if (event.kind == kind::fault_injected) looks.clear();
    if (event.kind == kind::steady_state && event.subject == "after") looks.push_back(&event);
  }
  return by_absence(judge_steady_state(guarantee("steady_state_after", "The steady state was regained and held to the end"), looks, "after the last fault"));
}

Guarantee judge_faults_witnessed(const std::vector<history::FaultInterval>& faults) {
  Guarantee result = guarantee("faults_witnessed", "Every fault was seen by a witness independent of its maker");
  if (faults.empty()) return decided(std::move(result), Verdict::not_applicable, "no fault in this run");
  std::vector<std::string> evidence;
  std::size_t unwitnessed = 0;
  for (const history::FaultInterval& fault : faults) {
    const std::string who = fault.id + " (" + fault.kind + " on " + listed(fault.targets) + ")";
    bool confirmed = false, denied = false;
    for (const history::Witness& witness : fault.witnesses) {
      if (!witness.independent) continue;
      confirmed |= witness.confirmed;
      denied |= !witness.confirmed;
      evidence.push_back(who + ": " + witness.name + (witness.confirmed ? " confirms" : " denies") + (witness.evidence.empty() ? "" : ": " + witness.evidence));
    }
    if (confirmed && !denied) continue;
    ++unwitnessed;
    if (!confirmed && !denied) evidence.push_back(who + ": no independent witness");
  }
  if (unwitnessed > 0)
    return decided(std::move(result), Verdict::unknown, std::to_string(unwitnessed) + " of " + counted(faults.size(), "fault") + " not proven to have happened", std::move(evidence));
  return decided(std::move(result), Verdict::pass, counted(faults.size(), "fault") + " witnessed", std::move(evidence));
}

Guarantee judge_blast_radius(const RunRecord& record, const std::vector<history::FaultInterval>& faults) {
  Guarantee result = guarantee("blast_radius_kept", "No node outside the declared blast radius was disturbed");
  if (faults.empty()) return decided(std::move(result), Verdict::not_applicable, "no fault in this run");
  std::set<std::string> allowed;
  for (const history::FaultInterval& fault : faults) {
    allowed.insert(fault.blast_radius.begin(), fault.blast_radius.end());
    allowed.insert(fault.targets.begin(), fault.targets.end());
  }
  std::set<std::string> healthy_before;
  std::vector<std::string> evidence;
  std::size_t nodes_seen = 0;
  bool injected = false;
  for (const Event& event : record.events) {
    if (event.kind == kind::fault_injected) injected = true;
    if (event.kind == kind::phase && event.subject == "cleanup") break;  // the harness itself takes the cluster down now
    if (event.kind != kind::object || !event.subject.starts_with("Node/")) continue;
    ++nodes_seen;
    const std::string node = event.subject.substr(std::string_view("Node/").size());
    const bool healthy = runtime::text_at(event.fields, {"change"}) != "deleted" && runtime::bool_at(event.fields, {"healthy"});
    if (!injected) {
      if (healthy) healthy_before.insert(node);
      else healthy_before.erase(node);
    } else if (!healthy && healthy_before.contains(node) && !allowed.contains(node) && !allowed.contains(event.subject)) {
      evidence.push_back("at " + describe(event.time) + ": node " + node + " no longer ready");
      healthy_before.erase(node);
    }
  }
  if (!evidence.empty()) return decided(std::move(result), Verdict::fail, counted(evidence.size(), "node") + " outside the blast radius disturbed", std::move(evidence));
  if (nodes_seen == 0) return decided(std::move(result), Verdict::unknown, "no node was watched");
  return decided(std::move(result), Verdict::pass, "only " + listed({allowed.begin(), allowed.end()}) + " could be touched, and no other node was");
}

std::optional<Duration> recovery_limit(const history::Expectations& expectations, const std::optional<Floor>& floor) {
  std::optional<Duration> limit = expectations.deadline;
  if (expectations.recovery_floor_factor && floor) {
    const auto scaled = runtime::from_seconds(runtime::seconds(floor->shortest) * *expectations.recovery_floor_factor) + expectations.recovery_slack;
    const Duration fair = std::max(scaled, floor->longest);
    limit = limit ? std::min(*limit, fair) : fair;
  }
  return limit;
}

Guarantee judge_recovery_time(const RunRecord& record, const Recovery& recovery, const std::optional<Floor>& floor) {
  Guarantee result = guarantee("recovery_within_limit", "The steady state was regained in time");
  if (!recovery.injected) return decided(std::move(result), Verdict::not_applicable, "no fault in this run");
  const std::optional<Duration> limit = recovery_limit(record.header.expectations, floor);
  std::vector<std::string> evidence;
  if (floor) {
    evidence.push_back("timers in force allow " + describe(floor->shortest) + " at the least and explain " + describe(floor->longest));
    for (const FloorTerm& term : floor->terms) evidence.push_back(term.phase + ": " + term.what + ", " + describe(term.shortest) + " to " + describe(term.longest));
  }
  if (!recovery.recovery_time) {
    const Duration waited = history::end_time(record) - *recovery.injected;
    result = decided(std::move(result), Verdict::fail, "not recovered " + describe(waited) + " after the fault, when the record ends", std::move(evidence));
    const bool too_late_already = limit && waited > *limit;
    return too_late_already ? result : by_absence(std::move(result));
  }
  const Duration took = *recovery.recovery_time;
  std::string reason = "recovered in " + describe(took);
  if (floor) {
    reason += ", floor " + describe(floor->shortest);
    if (took < floor->shortest) reason += " (faster than the timers alone allow: something other than they was at work)";
  }
  if (!limit) return decided(std::move(result), Verdict::not_applicable, reason + ", no limit asked for", std::move(evidence));
  reason += ", limit " + describe(*limit);
  return decided(std::move(result), took <= *limit ? Verdict::pass : Verdict::fail, std::move(reason), std::move(evidence));
}

Guarantee judge_phase(const Recovery& recovery, Phase phase, Duration within) {
  Guarantee result = guarantee(std::string(name(phase)) + "_in_time", "The recovery phase \"" + std::string(name(phase)) + "\" was reached in time");
  if (!recovery.injected) return decided(std::move(result), Verdict::not_applicable, "no fault in this run");
  const auto found = recovery.milestones.find(phase);
  if (found == recovery.milestones.end()) return by_absence(decided(std::move(result), Verdict::fail, "never seen, limit " + describe(within)));
  const Duration took = found->second.time - *recovery.injected;
  return decided(std::move(result), took <= within ? Verdict::pass : Verdict::fail, describe(took) + " after the fault, limit " + describe(within),
                 {found->second.evidence});
}

Guarantee judge_redundancy(const RunRecord& record, const Recovery& recovery) {
  Guarantee result = guarantee("redundancy_restored", "Every layer has its full redundancy back");
  if (!recovery.injected) return decided(std::move(result), Verdict::not_applicable, "no fault in this run");
  const auto& named = record.header.expectations.layers_restored;
  std::vector<std::string> evidence, missing, unseen;
  for (const std::string& layer : named) {
    const LayerRecovery* found = find_layer(recovery, layer);
    if (!found || found->levels.empty()) unseen.push_back(layer);
  }
  std::size_t watched = 0;
  for (const LayerRecovery& layer : recovery.layers) {
    if (!named.empty() && std::find(named.begin(), named.end(), layer.layer) == named.end()) continue;
    if (layer.levels.empty()) continue;
    ++watched;
    evidence.push_back(layer.layer + ": " + std::to_string(layer.wanted) + " before, lowest " + std::to_string(layer.lowest) + ", now " + std::to_string(layer.last));
    if (layer.last < layer.wanted) missing.push_back(layer.layer + " " + std::to_string(layer.last) + "/" + std::to_string(layer.wanted));
  }
  if (!missing.empty()) return by_absence(decided(std::move(result), Verdict::fail, "not whole at the end: " + listed(missing), std::move(evidence)));
  if (!unseen.empty()) return decided(std::move(result), Verdict::unknown, "never watched: " + listed(unseen), std::move(evidence));
  if (watched == 0) return decided(std::move(result), Verdict::unknown, "no layer was watched");
  return decided(std::move(result), Verdict::pass, counted(watched, "layer") + " whole at the end", std::move(evidence));
}

Guarantee judge_downtime(const RunRecord& record, const std::vector<ProbeSummary>& probes) {
  Guarantee result = guarantee("downtime_within_limit", "Users of the workload were served, but for the downtime the scenario allows");
  const history::Expectations& expectations = record.header.expectations;
  const auto limit_of = [](const std::map<std::string, Duration>& limits, const std::string& probe) -> std::optional<Duration> {
    const auto found = limits.find(probe);
    return found == limits.end() ? std::nullopt : std::optional<Duration>(found->second);
  };
  std::set<std::string> limited;
  for (const auto& [probe, limit] : expectations.downtime_max) limited.insert(probe);
  for (const auto& [probe, limit] : expectations.gap_max) limited.insert(probe);
  if (limited.empty()) return decided(std::move(result), Verdict::not_applicable, "no downtime limit asked for");
  std::vector<std::string> evidence, exceeded, unseen;
  for (const std::string& wanted : limited) {
    const auto found = std::find_if(probes.begin(), probes.end(), [&wanted](const ProbeSummary& summary) { return summary.probe == wanted; });
    if (found == probes.end() || found->answered == 0) {
      // Never answered at all: the whole run was downtime, if it was asked.
      if (found != probes.end()) exceeded.push_back(wanted + " never answered");
      else unseen.push_back(wanted + " was never sent");
      continue;
    }
    const ProbeSummary& probe = *found;
    const std::string downtime = describe(probe.downtime) + " down in " + counted(probe.gaps.size(), "gap") + ", longest " + describe(probe.gap_longest);
    evidence.push_back(wanted + ": " + std::to_string(probe.answered) + " of " + std::to_string(probe.sent) + " answered, " + downtime);
    for (const Gap& gap : probe.gaps)
      evidence.push_back(wanted + ": gap " + describe(gap.begin) + " to " + describe(gap.end) + (gap.ended ? "" : " (still down)") + ", " + counted(gap.probes_failed, "probe") + " failed" +
                         (gap.first_error.empty() ? "" : ": " + gap.first_error));
    if (const auto limit = limit_of(expectations.downtime_max, wanted); limit && probe.downtime > *limit)
      exceeded.push_back(wanted + " down " + describe(probe.downtime) + ", allowed " + describe(*limit));
    if (const auto limit = limit_of(expectations.gap_max, wanted); limit && probe.gap_longest > *limit)
      exceeded.push_back(wanted + " gap of " + describe(probe.gap_longest) + ", allowed " + describe(*limit));
    if (const auto interval = limit_of(expectations.probe_interval, wanted); interval && probe.silence_longest > 10 * *interval)
      unseen.push_back(wanted + " was not sent for " + describe(probe.silence_longest) + " from " + describe(probe.silence_begin));
  }
  if (!exceeded.empty()) return decided(std::move(result), Verdict::fail, listed(exceeded), std::move(evidence));
  if (!unseen.empty()) return decided(std::move(result), Verdict::unknown, listed(unseen), std::move(evidence));
  std::string reason;
  for (const ProbeSummary& probe : probes)
    if (limited.contains(probe.probe)) reason += (reason.empty() ? "" : "; ") + probe.probe + " down " + describe(probe.downtime);
  return decided(std::move(result), Verdict::pass, std::move(reason), std::move(evidence));
}

Guarantee judge_no_acknowledged_write_lost(const RunRecord& record) {
  Guarantee result = guarantee("no_acknowledged_write_lost", "Every write that was answered ok is still there, and nothing nobody wrote");
  if (!asked_for(record, result)) return decided(std::move(result), Verdict::not_applicable, "not asked for");
  const auto operations = key_value_operations(record);
  if (operations.empty()) return decided(std::move(result), Verdict::not_applicable, "no key-value traffic recorded");
  WritesResult writes = check_acknowledged_writes(operations);
  std::vector<std::string> evidence = std::move(writes.lost);
  evidence.insert(evidence.end(), writes.invented.begin(), writes.invented.end());
  return decided(std::move(result), writes.verdict, std::move(writes.reason), std::move(evidence));
}

Guarantee judge_linearizable(const RunRecord& record) {
  Guarantee result = guarantee("linearizable", "Each key behaved like one register: every answer fits one order of the operations");
  if (!asked_for(record, result)) return decided(std::move(result), Verdict::not_applicable, "not asked for");
  const auto operations = key_value_operations(record);
  if (operations.empty()) return decided(std::move(result), Verdict::not_applicable, "no key-value traffic recorded");
  LinearizabilityResult checked = check_map(operations);
  return decided(std::move(result), checked.verdict, std::move(checked.reason), std::move(checked.evidence));
}

Guarantee judge_one_remediation_at_a_time(const RunRecord& record, const std::vector<Remediation>& remediations) {
  Guarantee result = guarantee("one_remediation_at_a_time", "The healer never replaced more nodes at once than allowed");
  if (remediations.empty()) return decided(std::move(result), Verdict::not_applicable, "no remediation in this run");
  ConductResult conduct = check_remediations_at_once(remediations, record.header.expectations.remediations_at_once_max);
  return decided(std::move(result), conduct.verdict, std::move(conduct.reason), std::move(conduct.evidence));
}

Guarantee judge_fuse(const RunRecord& record, const std::vector<Remediation>& remediations) {
  Guarantee result = guarantee("fuse_respected", "The healer started nothing while too many nodes were unhealthy");
  const auto& limit = record.header.expectations.unhealthy_nodes_max;
  if (!limit) return decided(std::move(result), Verdict::not_applicable, "no fuse configured");
  ConductResult conduct = check_fuse(remediations, *limit);
  return decided(std::move(result), conduct.verdict, std::move(conduct.reason), std::move(conduct.evidence));
}

Guarantee judge_nodes_replaced(const RunRecord& record, const std::vector<Remediation>& remediations) {
  Guarantee result = guarantee("nodes_replaced_exactly", "Exactly the lost nodes were replaced, and the healer's own counter says so");
  const history::Expectations& expectations = record.header.expectations;
  if (!expectations.nodes_replaced) return decided(std::move(result), Verdict::not_applicable, "no number asked for");
  const std::int64_t wanted = *expectations.nodes_replaced;
  std::int64_t finished = 0;
  std::vector<std::string> evidence;
  for (const Remediation& one : remediations) {
    finished += one.finished ? 1 : 0;
    evidence.push_back(one.node + ": started " + describe(one.started) + (one.ended ? (one.finished ? ", finished " : ", failed ") + describe(*one.ended) : ", never ended"));
  }
  const std::string metric = expectations.remediation_metric;
  const std::optional<double> counted_by_healer = counter_increase(record.metrics, metric, expectations.remediation_labels);
  const std::string events_say = std::to_string(finished) + " replaced by events";
  if (finished != wanted) {
    result = decided(std::move(result), Verdict::fail, events_say + ", expected " + std::to_string(wanted), std::move(evidence));
    return finished < wanted ? by_absence(std::move(result)) : result;
  }
  if (!counted_by_healer) {
    // A labelled counter that never moved has no series; that is honest only when nothing was to be counted.
    if (wanted == 0) return decided(std::move(result), Verdict::pass, "none replaced, and " + metric + " never appeared", std::move(evidence));
    return decided(std::move(result), Verdict::unknown, events_say + ", but " + metric + " was never scraped", std::move(evidence));
  }
  const auto moved = static_cast<std::int64_t>(std::llround(*counted_by_healer));
  evidence.push_back(metric + " rose by " + std::to_string(moved));
  if (moved != wanted)
    return decided(std::move(result), Verdict::fail, metric + " rose by " + std::to_string(moved) + ", expected " + std::to_string(wanted), std::move(evidence));
  return decided(std::move(result), Verdict::pass, std::to_string(wanted) + " replaced, by events and by the healer's counter", std::move(evidence));
}

Guarantee judge_controllers_up(const RunRecord& record) {
  Guarantee result = guarantee("controllers_up", "Each controller had an instance that answered its metrics endpoint");
  const history::Expectations& expectations = record.header.expectations;
  if (expectations.controllers_up.empty()) return decided(std::move(result), Verdict::not_applicable, "no controller named");
  const Duration allowed = expectations.controller_down_max.value_or(2 * record.header.timers.leader_lease_duration);
  std::vector<std::string> evidence, down, unseen;
  for (const std::string& job : expectations.controllers_up) {
    const auto availability = job_availability(record.metrics, job);
    if (!availability) {
      unseen.push_back(job);
      continue;
    }
    evidence.push_back(job + ": " + counted(availability->scrapes, "scrape") + ", longest without an answer " + describe(availability->down_longest));
    if (availability->down_longest > allowed) down.push_back(job + " for " + describe(availability->down_longest));
  }
  if (!down.empty()) return decided(std::move(result), Verdict::fail, "no answer from " + listed(down) + ", allowed " + describe(allowed), std::move(evidence));
  if (!unseen.empty()) return decided(std::move(result), Verdict::unknown, "never scraped: " + listed(unseen), std::move(evidence));
  return decided(std::move(result), Verdict::pass, listed(expectations.controllers_up) + " answered all along", std::move(evidence));
}

Guarantee judge_never_below_quorum(const RunRecord& record) {
  Guarantee result = guarantee("never_below_quorum", "etcd never had fewer healthy members than its quorum, but by the faults themselves");
  if (!asked_for(record, result)) return decided(std::move(result), Verdict::not_applicable, "not asked for");
  ConductResult conduct = check_quorum(record);
  return decided(std::move(result), conduct.verdict, std::move(conduct.reason), std::move(conduct.evidence));
}

Guarantee judge_watches_complete(const RunRecord& record) {
  Guarantee result = guarantee("watches_complete", "Watchers saw every acknowledged write once, in order, and nothing else");
  ConductResult conduct = check_watches(record.operations);
  return decided(std::move(result), conduct.verdict, std::move(conduct.reason), std::move(conduct.evidence));
}

Guarantee judge_no_healthy_voter_removed(const RunRecord& record) {
  Guarantee result = guarantee("no_healthy_voter_removed", "The etcd operator took no voter out that answered");
  if (!asked_for(record, result)) return decided(std::move(result), Verdict::not_applicable, "not asked for");
  ConductResult conduct = check_no_healthy_voter_removed(record);
  return decided(std::move(result), conduct.verdict, std::move(conduct.reason), std::move(conduct.evidence));
}

namespace {

Guarantee conduct(Guarantee result, ConductResult conduct) { return decided(std::move(result), conduct.verdict, std::move(conduct.reason), std::move(conduct.evidence)); }

}  // namespace

Guarantee judge_etcd_changed_one_by_one(const RunRecord& record) {
  return conduct(guarantee("etcd_changed_one_by_one", "Members joined one at a time, each on a host of its own, and removals left a quorum"), check_membership_steps(record));
}

Guarantee judge_no_needless_recovery(const RunRecord& record) {
  return conduct(guarantee("no_needless_recovery", "etcd was begun again only where too many members had lost their data"), check_no_needless_recovery(record));
}

Guarantee judge_backups_kept(const RunRecord& record) {
  return conduct(guarantee("backups_kept", "Whole backups stayed, the newest among them, and only whole ones were counted"), check_backups_kept(record));
}

Guarantee judge_upgrade_in_order(const RunRecord& record) {
  return conduct(guarantee("upgrade_in_order", "Members changed their version one at a time, the leader last"), check_upgrade_in_order(record));
}

Guarantee judge_revisions_rise(const RunRecord& record) {
  return conduct(guarantee("etcd_revisions_rise", "No client of the operator's etcd saw its revision go back"), check_revisions_rise(record));
}

Guarantee judge_restores_finish(const RunRecord& record) {
  return by_absence(conduct(guarantee("restores_finish", "Every restore that was asked for finished"), check_restores_finish(record)));
}

Guarantee judge_one_leader_acts(const RunRecord& record) {
  return conduct(guarantee("one_leader_acts", "Of each controller only the instance that held the Lease acted"), check_one_leader_acts(record));
}

Guarantee judge_only_writes_since_snapshot_lost(const RunRecord& record) {
  Guarantee result = guarantee("only_writes_since_snapshot_lost", "After a restore exactly the writes since the snapshot are lost, and listed");
  if (!asked_for(record, result)) return decided(std::move(result), Verdict::not_applicable, "not asked for");
  const auto operations = key_value_operations(record);
  if (operations.empty()) return decided(std::move(result), Verdict::not_applicable, "no key-value traffic recorded");
  ConductResult conduct = check_only_writes_since_snapshot_lost(record, operations);
  return decided(std::move(result), conduct.verdict, std::move(conduct.reason), std::move(conduct.evidence));
}

Guarantee judge_controllers_settle(const RunRecord& record, const Recovery& recovery) {
  Guarantee result = guarantee("controllers_settle", "Once the cluster was well again, controllers came to rest and stayed still");
  if (!asked_for(record, result)) return decided(std::move(result), Verdict::not_applicable, "not asked for");
  ConductResult conduct = check_settled(record, recovery);
  const bool never_came = conduct.verdict == Verdict::fail && conduct.evidence.empty();
  result = decided(std::move(result), conduct.verdict, std::move(conduct.reason), std::move(conduct.evidence));
  return never_came ? by_absence(std::move(result)) : result;
}

Guarantee judge_no_double_control_plane(const RunRecord& record) {
  Guarantee result = guarantee("no_double_control_plane", "There never were two API servers where one belongs, nor a temporary one beside those that lived");
  if (!asked_for(record, result)) return decided(std::move(result), Verdict::not_applicable, "not asked for");
  ConductResult conduct = check_no_double_control_plane(record);
  return decided(std::move(result), conduct.verdict, std::move(conduct.reason), std::move(conduct.evidence));
}

Guarantee judge_nothing_left_behind(const RunRecord& record) {
  Guarantee result = guarantee("nothing_left_behind", "No process, namespace, link, mount, rule or file of the run remains");
  const Event* cleanup = last_event(record, kind::cleanup);
  if (!cleanup) return decided(std::move(result), Verdict::unknown, "the driver never reported its cleanup");
  if (!runtime::bool_at(cleanup->fields, {"checked"})) return decided(std::move(result), Verdict::unknown, "the driver cleaned up but did not look afterwards");
  std::vector<std::string> looked_for, left;
  for (const auto& [what, items] : runtime::list_at(cleanup->fields, {"left"}).items()) {
    looked_for.push_back(what);
    for (const Json& item : items) left.push_back(what + ": " + item.get<std::string>());
  }
  if (!left.empty()) {
    std::string reason = counted(left.size(), "leftover") + ": " + listed(left, 3);
    return decided(std::move(result), Verdict::fail, std::move(reason), std::move(left));
  }
  if (looked_for.empty()) return decided(std::move(result), Verdict::unknown, "the driver does not say what it looked for");
  return decided(std::move(result), Verdict::pass, "looked for " + listed(looked_for, 12) + "; found none");
}

}  // namespace skidpad::check

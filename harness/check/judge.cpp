#include "harness/check/judge.hpp"

#include <algorithm>

#include "harness/check/describe.hpp"
#include "harness/check/guarantees.hpp"
#include "harness/check/inventory.hpp"
#include "harness/check/machines.hpp"

namespace skidpad::check {
namespace {

using history::RunRecord;

/// The reason with which a driver declined the scenario, if it did.
std::optional<std::string> not_applicable_reason(const RunRecord& record) {
  for (const history::Event& event : record.events)
    if (event.kind == history::event_kind::run_ended && runtime::text_at(event.fields, {"outcome"}) == "not_applicable")
      return runtime::text_at(event.fields, {"reason"}, "the driver cannot do what the scenario needs");
  return std::nullopt;
}

/// Guarantees a scenario asks for that no checker here judges: never silently green.
void add_unjudged(const RunRecord& record, std::vector<Guarantee>& guarantees) {
  for (const std::string& asked : record.header.expectations.guarantees) {
    const auto found = std::find_if(guarantees.begin(), guarantees.end(), [&asked](const Guarantee& guarantee) { return guarantee.name == asked; });
    if (found == guarantees.end()) {
      Guarantee missing;
      missing.name = asked;
      missing.claim = "Asked for by the scenario";
      missing.verdict = Verdict::unknown;
      missing.reason = "this version has no checker for it";
      guarantees.push_back(std::move(missing));
    } else if (found->verdict == Verdict::not_applicable) {
      // Asked for by name, yet nothing was recorded to judge it by.
      found->verdict = Verdict::unknown;
      found->reason = "asked for, but " + found->reason;
    }
  }
}

std::string summary_of(const Judgement& judgement) {
  std::vector<std::string> failed, unknown;
  std::size_t held = 0;
  for (const Guarantee& guarantee : judgement.guarantees) {
    if (guarantee.verdict == Verdict::fail) failed.push_back(guarantee.name + " (" + guarantee.reason + ")");
    if (guarantee.verdict == Verdict::unknown) unknown.push_back(guarantee.name + " (" + guarantee.reason + ")");
    if (guarantee.verdict == Verdict::pass) ++held;
  }
  if (!failed.empty()) return "Broken: " + listed(failed, 2) + ".";
  if (!unknown.empty()) return "Cannot tell: " + listed(unknown, 2) + ".";
  std::string text = "All " + counted(held, "guarantee") + " held";
  if (judgement.recovery.recovery_time) {
    text += "; recovered in " + describe(*judgement.recovery.recovery_time);
    if (judgement.floor) text += " where the timers allow " + describe(judgement.floor->shortest) + " at best";
  }
  for (const ProbeSummary& probe : judgement.probes)
    text += "; " + probe.probe + (probe.downtime == Duration::zero() ? " never missed a probe" : " was down " + describe(probe.downtime));
  return text + ".";
}

}  // namespace

Judgement judge(const RunRecord& record) {
  Judgement judgement;
  judgement.run_duration = history::end_time(record);
  judgement.faults = history::fault_intervals(record.events);
  judgement.recovery = recovery_of(record);
  judgement.floor = floor_of(record);
  judgement.recovery_limit = recovery_limit(record.header.expectations, judgement.floor);
  judgement.probes = summarise_probes(record.operations);
  judgement.remediations = remediations(record.events);
  judgement.restores = audit_restores(record);

  if (const auto declined = not_applicable_reason(record)) {
    const Guarantee left = judge_nothing_left_behind(record);
    judgement.verdict = left.verdict == Verdict::fail ? Verdict::fail : Verdict::not_applicable;
    judgement.summary = left.verdict == Verdict::fail ? "Not applicable, yet not clean: " + left.reason + "." : "Not applicable: " + *declined + ".";
    judgement.guarantees.push_back(left);
    return judgement;
  }

  std::vector<Guarantee>& guarantees = judgement.guarantees;
  guarantees.push_back(judge_record_complete(record));
  guarantees.push_back(judge_steady_state_before(record));
  guarantees.push_back(judge_faults_witnessed(judgement.faults));
  guarantees.push_back(judge_blast_radius(record, judgement.faults));
  guarantees.push_back(judge_recovery_time(record, judgement.recovery, judgement.floor));
  for (const Phase phase : phases) {
    const auto within = record.header.expectations.phases_within.find(std::string(name(phase)));
    if (within != record.header.expectations.phases_within.end()) guarantees.push_back(judge_phase(judgement.recovery, phase, within->second));
  }
  guarantees.push_back(judge_redundancy(record, judgement.recovery));
  guarantees.push_back(judge_steady_state_after(record));
  guarantees.push_back(judge_downtime(record, judgement.probes));
  guarantees.push_back(judge_no_acknowledged_write_lost(record));
  guarantees.push_back(judge_linearizable(record));
  guarantees.push_back(judge_watches_complete(record));
  guarantees.push_back(judge_one_remediation_at_a_time(record, judgement.remediations));
  guarantees.push_back(judge_fuse(record, judgement.remediations));
  guarantees.push_back(judge_nodes_replaced(record, judgement.remediations));
  guarantees.push_back(judge_machines_match_nodes(record));
  guarantees.push_back(judge_never_below_quorum(record));
  guarantees.push_back(judge_no_healthy_voter_removed(record));
  guarantees.push_back(judge_only_writes_since_snapshot_lost(record));
  guarantees.push_back(judge_etcd_changed_one_by_one(record));
  guarantees.push_back(judge_no_needless_recovery(record));
  guarantees.push_back(judge_upgrade_in_order(record));
  guarantees.push_back(judge_backups_kept(record));
  guarantees.push_back(judge_revisions_rise(record));
  guarantees.push_back(judge_restores_finish(record));
  guarantees.push_back(judge_one_leader_acts(record));
  guarantees.push_back(judge_controllers_up(record));
  guarantees.push_back(judge_controllers_settle(record, judgement.recovery));
  guarantees.push_back(judge_objects_preserved(record));
  guarantees.push_back(judge_checkpoints_settled(record));
  guarantees.push_back(judge_no_double_control_plane(record));
  guarantees.push_back(judge_nothing_left_behind(record));
  add_unjudged(record, guarantees);
  if (guarantees.front().verdict != Verdict::pass)  // record_complete: what did not happen may have happened unrecorded
    for (Guarantee& guarantee : guarantees) {
      if (!guarantee.by_absence) continue;
      guarantee.verdict = Verdict::unknown;
      guarantee.by_absence = false;
      guarantee.reason += "; but the record is not whole";
    }

  judgement.verdict = Verdict::not_applicable;
  for (const Guarantee& guarantee : guarantees) judgement.verdict = combine(judgement.verdict, guarantee.verdict);
  judgement.summary = summary_of(judgement);
  return judgement;
}

Judgement judge(const history::RunTexts& texts, const std::string& directory) { return judge(history::decode_run(texts, directory)); }

}  // namespace skidpad::check

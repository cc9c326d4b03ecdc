/// @file guarantees.hpp
/// The named guarantees of a run, each a pure function from the record to a verdict with its reason.
/// A new guarantee is one function here and one line in judge.cpp; docs/run-directory.md lists what each reads.
#pragma once

#include <optional>
#include <vector>

#include "harness/check/floor.hpp"
#include "harness/check/probes.hpp"
#include "harness/check/recovery.hpp"
#include "harness/check/remediation.hpp"
#include "harness/check/verdict.hpp"
#include "harness/history/record.hpp"

namespace skidpad::check {

/// The run ended by itself and no file is cut off; otherwise whatever else was seen may not be all there was.
Guarantee judge_record_complete(const history::RunRecord& record);
/// The last look before the first fault found the steady state.
Guarantee judge_steady_state_before(const history::RunRecord& record);
/// The last look after the faults found it again.
Guarantee judge_steady_state_after(const history::RunRecord& record);
/// Each fault was confirmed by a witness independent of its maker. A witness that denies it makes the run unknown, never a pass.
Guarantee judge_faults_witnessed(const std::vector<history::FaultInterval>& faults);
/// No node outside the declared blast radius became unhealthy or went while the faults lasted or were recovered from.
Guarantee judge_blast_radius(const history::RunRecord& record, const std::vector<history::FaultInterval>& faults);
/// Steady state was regained within the limit; see recovery_limit().
Guarantee judge_recovery_time(const history::RunRecord& record, const Recovery& recovery, const std::optional<Floor>& floor);
/// A phase was reached within its own limit from the first fault.
Guarantee judge_phase(const Recovery& recovery, Phase phase, Duration within);
/// Every disturbed layer, or every one named, has its full level again and kept it.
Guarantee judge_redundancy(const history::RunRecord& record, const Recovery& recovery);
/// Probes' downtime and longest gaps, against the limits per probe. Silence makes it unknown.
Guarantee judge_downtime(const history::RunRecord& record, const std::vector<ProbeSummary>& probes);
Guarantee judge_no_acknowledged_write_lost(const history::RunRecord& record);
Guarantee judge_linearizable(const history::RunRecord& record);
/// See watches.hpp. Judged when there were watchers.
Guarantee judge_watches_complete(const history::RunRecord& record);
Guarantee judge_one_remediation_at_a_time(const history::RunRecord& record, const std::vector<Remediation>& remediations);
Guarantee judge_fuse(const history::RunRecord& record, const std::vector<Remediation>& remediations);
/// Exactly the expected number of nodes was replaced, and the healer's own counter moved by as much.
Guarantee judge_nodes_replaced(const history::RunRecord& record, const std::vector<Remediation>& remediations);
Guarantee judge_controllers_up(const history::RunRecord& record);
/// etcd never sank below its quorum but by the faults themselves; see quorum.hpp. Judged only when asked for.
Guarantee judge_never_below_quorum(const history::RunRecord& record);
/// Both: see managed_etcd.hpp. Judged only when asked for.
Guarantee judge_no_healthy_voter_removed(const history::RunRecord& record);
Guarantee judge_only_writes_since_snapshot_lost(const history::RunRecord& record);
/// These two: see data_audit.hpp.
Guarantee judge_revisions_rise(const history::RunRecord& record);
Guarantee judge_restores_finish(const history::RunRecord& record);
/// These five: see etcd_membership.hpp. Judged wherever an operator's etcd, its backups, or two instances of a controller were watched.
Guarantee judge_etcd_changed_one_by_one(const history::RunRecord& record);
Guarantee judge_no_needless_recovery(const history::RunRecord& record);
Guarantee judge_upgrade_in_order(const history::RunRecord& record);
Guarantee judge_backups_kept(const history::RunRecord& record);
Guarantee judge_one_leader_acts(const history::RunRecord& record);
/// See control_plane.hpp. Judged only when asked for.
Guarantee judge_no_double_control_plane(const history::RunRecord& record);
/// Nothing moved between the recovery and the end; see settling.hpp. Judged only when asked for.
Guarantee judge_controllers_settle(const history::RunRecord& record, const Recovery& recovery);
/// The driver looked for leftovers after its cleanup and found none.
Guarantee judge_nothing_left_behind(const history::RunRecord& record);

/// The judged limit of the recovery time: the least of the deadline and factor * shortest floor + slack, the latter never below
/// what the timers alone may take, since that verdict would depend on luck. None when neither is set.
std::optional<Duration> recovery_limit(const history::Expectations& expectations, const std::optional<Floor>& floor);

}  // namespace skidpad::check

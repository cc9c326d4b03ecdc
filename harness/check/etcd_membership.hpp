/// @file etcd_membership.hpp
/// How an operator of etcd changes and recovers its cluster, judged from looks at the members from outside (events `etcd_members`,
/// `etcd_recovery` and `etcd_backups`; docs/run-directory.md) and from the faults. None of it believes the operator.
#pragma once

#include "harness/check/remediation.hpp"

namespace skidpad::check {

/// E3, E4, E8, E17. fail: two members on one host; a name that came back with another member ID; more than one member that is a
/// learner or has never been healthy; one voter more while another was unhealthy for longer than a look of the operator takes; a
/// voter removed although the healthy ones that stay are no quorum of those that stay.
/// not_applicable: nobody watched members; unknown: none ever answered.
ConductResult check_membership_steps(const history::RunRecord& record);

/// E13, E14, E16. A cluster is begun again (another cluster ID, one voter where several were, or a recovery told) only when so many
/// voters had lost their machine or disk to a fault that no quorum could come back, or when a fault asked for a restore.
ConductResult check_no_needless_recovery(const history::RunRecord& record);

/// U15. While members change their version: each was a follower when it last answered, unless all others had the new version by
/// then, and at no look did two voters not answer. not_applicable: no member changed its version.
ConductResult check_upgrade_in_order(const history::RunRecord& record);

/// K1, K4, K5. Once the store held a whole backup it holds one at every later look, the newest goes only when a newer whole one is
/// there, and no backup that the operator counts is missing or broken for 3 s. Looks while the store itself has a
/// fault are passed over. not_applicable: no backups were watched.
ConductResult check_backups_kept(const history::RunRecord& record);

/// O1. Of the instances of one controller only one acts between two changes of its Lease: seen by counters `controller_NAME_*_total`
/// of each instance and by who held Lease NAME. not_applicable: fewer than two instances were scraped.
ConductResult check_one_leader_acts(const history::RunRecord& record);

}  // namespace skidpad::check

/// @file managed_etcd.hpp
/// Whether an operator of etcd keeps its promises, from what was seen of the members from outside (event kinds `etcd_members` and
/// `etcd_recovery`; docs/run-directory.md) and from the writes.
#pragma once

#include "harness/check/settling.hpp"
#include "harness/check/writes.hpp"

namespace skidpad::check {

/// fail: a voter that answered a linearizable read at the last look, and that no fault has hit since, is no longer in the member
/// list, though there were no more voters than wanted. not_applicable: no member was watched; unknown: none ever answered.
ConductResult check_no_healthy_voter_removed(const history::RunRecord& record);

/// Every acknowledged write is there, but those that a restore named: revisions above the restored one, up to where the revision
/// was raised to. `evidence` lists what was lost so.
/// fail: another write is gone. A run without a restore may lose nothing.
ConductResult check_only_writes_since_snapshot_lost(const history::RunRecord& record, const std::vector<history::Operation>& operations);

}  // namespace skidpad::check

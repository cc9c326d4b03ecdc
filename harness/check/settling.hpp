/// @file settling.hpp
/// Whether controllers come to rest once the cluster is well again.
#pragma once

#include "harness/check/recovery.hpp"
#include "harness/check/remediation.hpp"

namespace skidpad::check {

/// Judged from the begin of the last unbroken steady state (without faults: the last one before) until cleanup. In that time none of these
/// may happen: a remediation starts or fails; a Node comes, goes, or changes between healthy and not; a pod of a layer is created
/// or turns unhealthy (the end of one that was unhealthy already is only tidying up); a Lease changes hands.
/// fail: one did, or the steady state never came. unknown: less than one `node_monitor_period` was watched.
ConductResult check_settled(const history::RunRecord& record, const Recovery& recovery);

}  // namespace skidpad::check

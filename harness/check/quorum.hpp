/// @file quorum.hpp
/// Whether etcd ever sank below its quorum otherwise than by the faults of the run.
#pragma once

#include "harness/check/remediation.hpp"

namespace skidpad::check {

/// Judged from the time etcd was first whole until cleanup. Its level is that of the `level` events of layer etcd, or else the
/// number of healthy objects of that layer. Below floor(wanted / 2) + 1 the faults must explain it: those that hit so many members
/// that no quorum is left without them. A fault counts from its injection until etcd is whole again, and while it lasts.
/// A fault of process etcd, or of a node whose etcd pod was recorded, certainly hit a member; one of a whole node possibly.
/// fail: not even all possible hits explain it. unknown: only possible ones do. not_applicable: etcd was not watched.
ConductResult check_quorum(const history::RunRecord& record);

}  // namespace skidpad::check

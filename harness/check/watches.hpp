/// @file watches.hpp
/// Whether watchers saw every acknowledged write once, in order, and nothing else, through every disconnection.
/// A watcher's records are operations of its own client, in the order it saw things:
///   watch_list    it listed (again): what it saw before no longer binds it; `revision` of the list
///   watch_event   one change: `key`, `observed` (absent: deleted), `revision`
///   watch_resume  it opened its watch again, after `revision`
///   watch_end     it was told to stop, having been served up to `revision`
/// Writes are the puts of the same workload; a put's `revision` is the one its answer named.
#pragma once

#include <span>

#include "harness/check/remediation.hpp"

namespace skidpad::check {

/// fail: an event out of order or twice, one that nobody wrote, an acknowledged write between a list and the end of what was
/// served that never came, or a watcher that was not served the last acknowledged write though it had its time.
/// unknown: nothing to judge by, or a watcher without its watch_end. not_applicable: nobody watched.
ConductResult check_watches(std::span<const history::Operation> operations);

}  // namespace skidpad::check

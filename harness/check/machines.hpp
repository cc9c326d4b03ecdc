/// @file machines.hpp
/// Whether there are as many worker machines in the end as at the start, each a node: a healer replaces one by one and takes the old away.
/// Reads events of kind "machines": subject "after"; fields machines (workers' of the provider, but for those being deleted) and nodes
/// (of the API), lists of names, and wanted, how many; or error, why they could not be listed.
#pragma once

#include "harness/check/verdict.hpp"
#include "harness/history/record.hpp"

namespace skidpad::check {

inline constexpr std::string_view machines_event = "machines";

/// Judged where the healer runs, that is where the event was recorded.
Guarantee judge_machines_match_nodes(const history::RunRecord& record);

}  // namespace skidpad::check

/// @file inventory.hpp
/// Whether the objects a cluster had before the faults are the same objects afterwards, and whether any checkpoint still runs.
/// Reads events of kind "inventory": subject "before" or "after"; fields objects {"Kind/namespace/name": UID} and copies, the static
/// copies of pods that run now (without the checkpointer's own, which always do).
#pragma once

#include "harness/check/verdict.hpp"
#include "harness/history/record.hpp"

namespace skidpad::check {

inline constexpr std::string_view inventory_event = "inventory";

/// Every object listed before is there afterwards under the same UID; new ones may have come. Judged only when asked for.
Guarantee judge_objects_preserved(const history::RunRecord& record);
/// No copy runs in the last inventory. Judged only when asked for.
Guarantee judge_checkpoints_settled(const history::RunRecord& record);

}  // namespace skidpad::check

/// @file recovery.hpp
/// When each layer noticed a fault, decided, acted, converged and was whole again: from recorded events alone.
/// A layer's level is the number of its healthy objects (or what `level` events say); it is whole at the level it had when the
/// first fault was injected. A layer whose level never sank is undisturbed and has no phases.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/history/record.hpp"

namespace skidpad::check {

using runtime::Duration;

enum class Phase { detected, decided, acted, converged, redundancy_back };
inline constexpr Phase phases[] = {Phase::detected, Phase::decided, Phase::acted, Phase::converged, Phase::redundancy_back};
std::string_view name(Phase phase);

struct Milestone {
  Duration time{};           ///< run time, not since the fault
  std::string evidence;      ///< the event it was read from, in words
};

struct LayerRecovery {
  std::string layer;
  bool disturbed = false;
  std::int64_t wanted = 0;   ///< the level when the first fault was injected
  std::int64_t lowest = 0;   ///< from then on
  std::int64_t last = 0;
  std::map<Phase, Milestone> milestones;
  std::vector<std::pair<Duration, std::int64_t>> levels;  ///< every change, from the start of the run
};

struct Recovery {
  std::optional<Duration> injected;              ///< the first fault
  std::string primary_layer;                     ///< where its kind is felt first
  std::vector<LayerRecovery> layers;             ///< in the order of history::layers, then others by name
  std::map<Phase, Milestone> milestones;         ///< of the run: first three from the primary layer, last two the latest of all
  std::optional<Duration> steady_again;          ///< begin of the unbroken steady state with which the run ended
  std::optional<Duration> recovery_time;         ///< injection to steady state regained; of redundancy, where that was not evaluated
};

Recovery recovery_of(const history::RunRecord& record);

/// The layer by name, or nullptr.
const LayerRecovery* find_layer(const Recovery& recovery, std::string_view layer);

}  // namespace skidpad::check

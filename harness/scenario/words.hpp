/// @file words.hpp
/// The spelling of every enumeration of the language; to_word(value) gives one.
#pragma once

#include <span>

#include "harness/scenario/scenario.hpp"

namespace skidpad::scenario {

std::span<const Word<DriverName>> words(DriverName);
std::span<const Word<ProfileName>> words(ProfileName);
std::span<const Word<TopologyType>> words(TopologyType);
std::span<const Word<Hosting>> words(Hosting);
std::span<const Word<WorkloadImage>> words(WorkloadImage);
std::span<const Word<TrafficKind>> words(TrafficKind);
std::span<const Word<FaultKind>> words(FaultKind);
std::span<const Word<Process>> words(Process);
std::span<const Word<Signal>> words(Signal);
std::span<const Word<StoreTrouble>> words(StoreTrouble);
std::span<const Word<Creation>> words(Creation);
std::span<const Word<Direction>> words(Direction);
std::span<const Word<ProbeKind>> words(ProbeKind);
std::span<const Word<Guarantee>> words(Guarantee);

}  // namespace skidpad::scenario

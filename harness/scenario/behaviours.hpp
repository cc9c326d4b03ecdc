/// @file behaviours.hpp
/// The behaviours that make up the conformance profile: what a scenario's `behaviours` may name.
/// Limits: identifier and title only; the criteria are what scenarios and checkers show.
#pragma once

#include <span>
#include <string_view>

namespace skidpad::scenario {

struct Behaviour {
  std::string_view id;      ///< "N1"
  std::string_view title;   ///< "Node detector"
};

/// Every row once, in the order of the document.
std::span<const Behaviour> behaviours();

}  // namespace skidpad::scenario

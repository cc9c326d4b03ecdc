/// @file writer.hpp
/// A Scenario back as text: the one canonical form, with every setting that is in force written out.
/// Promise: parse_scenario(write_scenario(s), s.name + ".yaml") == s.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "harness/scenario/scenario.hpp"

namespace skidpad::scenario {

/// Keys in story order; spans, shares and targets as their text.
nlohmann::ordered_json to_json(const Scenario& scenario);
std::string write_scenario(const Scenario& scenario);

}  // namespace skidpad::scenario

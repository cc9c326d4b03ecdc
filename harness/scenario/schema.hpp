/// @file schema.hpp
/// The language as a JSON Schema for editors, and as tables for docs/scenario-language.md, both from fields.hpp.
/// Promise: what the schema refuses the loader refuses; what the loader refuses for its shape the schema refuses.
/// Limits: repeated keys, contradictions between keys and values beyond their written form are the loader's alone.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace skidpad::scenario {

/// JSON Schema 2020-12, keys in story order.
nlohmann::ordered_json scenario_schema();
/// scenarios/schema.json as it must stand in the tree.
std::string write_schema();
/// The reference tables of docs/scenario-language.md, between its markers.
std::string write_reference();

}  // namespace skidpad::scenario

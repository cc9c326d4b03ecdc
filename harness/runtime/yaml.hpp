/// @file yaml.hpp
/// Reads YAML as Kubernetes does: into JSON values, with YAML 1.1's booleans. Hides yaml-cpp.
/// Promise: duplicate keys, non-text keys that JSON cannot hold, unending nesting and alias bombs are errors with line and column.
/// Not for scenarios, which are read strictly with positions kept (harness/scenario).
#pragma once

#include <string_view>
#include <vector>

#include "harness/runtime/json.hpp"
#include "harness/runtime/result.hpp"

namespace skidpad::runtime {

/// One document; JSON is read as JSON. Errors are `invalid` with "yaml: line 3: ..." as message.
/// @param values_max  a bound on scalars, lists and mappings after aliases are followed.
Result<Json> parse_yaml(std::string_view text, std::size_t values_max = 1'000'000);
/// All documents between "---" lines; empty ones are left out.
Result<std::vector<Json>> parse_yaml_documents(std::string_view text, std::size_t values_max = 1'000'000);

}  // namespace skidpad::runtime

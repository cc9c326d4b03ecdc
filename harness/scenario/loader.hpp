/// @file loader.hpp
/// From a scenario file to a Scenario, strictly.
/// Promise: any file gives either a sensible Scenario or exactly one UsageError whose text is one line,
/// "FILE:LINE:COLUMN: field.path: what is wrong; expected ...". Nothing but the file is touched.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "harness/runtime/usage_error.hpp"
#include "harness/scenario/document.hpp"
#include "harness/scenario/scenario.hpp"

namespace skidpad::scenario {

/// A refused scenario, for callers that want more than the line.
class ScenarioError : public UsageError {
 public:
  ScenarioError(std::string_view file, Refusal refusal);
  const Refusal& refusal() const { return refusal_; }

 private:
  Refusal refusal_;
};

/// Reads a regular file of at most DocumentLimits::bytes_max. Throws ScenarioError.
Scenario load_scenario(const std::filesystem::path& file);

/// The same for text; `file` names it in errors, and `name` must equal its last component up to the first dot.
Scenario parse_scenario(std::string_view text, std::string_view file);

/// The file's text, with the errors of load_scenario (missing, directory, too large, unreadable).
std::string read_scenario_file(const std::filesystem::path& file);

/// The first comment of a file as one line; empty when it does not begin with one.
/// Lines that address an editor (`# yaml-language-server: ...`) are not part of it.
std::string first_comment(std::string_view text);

}  // namespace skidpad::scenario

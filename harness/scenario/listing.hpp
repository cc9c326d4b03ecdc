/// @file listing.hpp
/// What `skidpad list` and `skidpad validate` do, as functions of files to text and an exit code.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace skidpad::scenario {

/// Exit codes of the command line that are decided here.
inline constexpr int exit_pass = 0;
inline constexpr int exit_usage = 64;

/// Checks each file; one line for each, on `out` if good and on `error` if not. Touches nothing but the files.
int validate_files(std::span<const std::string> files, std::ostream& out, std::ostream& error);

/// One line for each scenario: name, drivers, behaviours, hypothesis. A bad file is one line on `error`; the rest is listed.
int list_scenarios(std::span<const std::string> files, std::ostream& out, std::ostream& error);

/// Every row of the conformance profile with the scenarios that show it.
int list_behaviours(std::span<const std::string> files, std::ostream& out, std::ostream& error);
/// Scenario -> what its last run said, such as "pass on sim".
using LastRuns = std::map<std::string, std::string>;
/// The same, with what the last run of each scenario said, or that there was none.
int list_behaviours_and_runs(std::span<const std::string> files, const LastRuns& last_runs, std::ostream& out, std::ostream& error);

/// The scenario files below a folder, sorted by path. Empty where there is no such folder.
std::vector<std::string> find_scenarios(const std::filesystem::path& folder);

/// The file that an argument means: a path (with a slash or .yaml), or the name of a scenario below `folder`.
/// Throws UsageError, with the nearest name.
std::string find_scenario(const std::string& argument, const std::filesystem::path& folder);

}  // namespace skidpad::scenario

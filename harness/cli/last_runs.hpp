/// @file last_runs.hpp
/// What the newest run of each scenario below a folder of run directories said.
#pragma once

#include <filesystem>

#include "harness/scenario/listing.hpp"

namespace skidpad::cli {

/// Reads FOLDER/*/result.json; what is unreadable is passed over. "pass on sim", by scenario.
scenario::LastRuns find_last_runs(const std::filesystem::path& folder);

}  // namespace skidpad::cli

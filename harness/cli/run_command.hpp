/// @file run_command.hpp
/// `skidpad run` and `skidpad check`: scenarios to run directories to verdicts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/cli/assets.hpp"
#include "harness/scenario/scenario.hpp"

namespace skidpad::cli {

struct RunCommand {
  std::vector<std::string> scenarios;   ///< names or files; empty: the main job, node-loss
  scenario::DriverName driver = scenario::DriverName::process;
  std::optional<scenario::ProfileName> profile;
  std::uint64_t seed = 1;
  std::string out;                      ///< "" = run/<scenario>-<driver>-<seed>, with a number if that exists
  AssetOptions assets;
  std::string isolation = "auto";
  runtime::LogLevel log_level = runtime::LogLevel::warning;  ///< of simulated programs
  bool dry_run = false;
  bool quiet = false;
};

/// Exit code: the worst verdict of all runs.
int run_scenarios(const Installation& installation, const RunCommand& command);
/// Judges recorded runs again from their files alone and rewrites their reports.
int check_runs(const std::vector<std::string>& directories);

}  // namespace skidpad::cli

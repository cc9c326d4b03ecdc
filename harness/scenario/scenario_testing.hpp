/// @file scenario_testing.hpp
/// What the tests of this folder share: finding testdata and golden files. Included by tests alone.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace skidpad::scenario::testing {

inline std::filesystem::path source_folder() { return SKIDPAD_SOURCE_DIR; }
inline std::filesystem::path testdata_folder() { return source_folder() / "harness/scenario/testdata"; }

inline std::string read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  EXPECT_TRUE(stream) << "cannot read " << file;
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Files of a folder and below that end so, sorted.
inline std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder, std::string_view ending) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.path().filename().string().ends_with(ending)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// Inputs of the golden pairs, and all scenarios of the tree.
inline std::vector<std::filesystem::path> golden_inputs() { return files_below(testdata_folder(), ".input.yaml"); }
inline std::vector<std::filesystem::path> tree_scenarios() { return files_below(source_folder() / "scenarios", ".yaml"); }

inline bool update_golden() {
  const auto arguments = ::testing::internal::GetArgvs();
  return std::find(arguments.begin(), arguments.end(), "--update-golden") != arguments.end();
}

/// Compares with the file, or writes it when the program was started with --update-golden.
inline void expect_golden(const std::filesystem::path& file, const std::string& actual) {
  if (update_golden()) {
    std::ofstream(file, std::ios::binary) << actual;
    return;
  }
  ASSERT_TRUE(std::filesystem::exists(file)) << file << " is missing; run with --update-golden and read what it says";
  EXPECT_EQ(read_file(file), actual) << file << " differs; if that is meant, run with --update-golden";
}

}  // namespace skidpad::scenario::testing

/// @file run_directory.hpp
/// The run directory on this host: its file names, recording into it, and reading it back.
/// Promise: reading is strict (UsageError, one line) except for the one thing a killed recorder leaves: a cut-off last line.
#pragma once

#include <memory>
#include <string>

#include "harness/history/record.hpp"
#include "harness/history/recorder.hpp"

namespace skidpad::history {

namespace file_name {
inline constexpr const char* header = "run.json";
inline constexpr const char* history = "history.jsonl";
inline constexpr const char* trace = "trace.jsonl";
inline constexpr const char* metrics = "metrics.jsonl";
inline constexpr const char* result = "result.json";
inline constexpr const char* junit = "junit.xml";
inline constexpr const char* report = "report.html";
}  // namespace file_name

/// The texts of the four recorded files.
struct RunTexts {
  std::string header;
  std::string history;
  std::string trace;
  std::string metrics;
};

/// Data from texts: the pure half of reading. `directory` only begins error texts.
RunRecord decode_run(const RunTexts& texts, const std::string& directory);

/// Reads a run directory. Missing metrics and history files are empty; a missing header or trace is an error.
RunRecord read_run_directory(const std::string& directory);

/// Creates the directory and its files and records into them. Refuses a directory that already holds a run.
class RunDirectory {
 public:
  RunDirectory(std::string directory, const Header& header);
  Recorder& recorder() { return *recorder_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::unique_ptr<FileSink> history_;
  std::unique_ptr<FileSink> trace_;
  std::unique_ptr<FileSink> metrics_;
  std::unique_ptr<Recorder> recorder_;
};

/// Writes a whole file beside its final name and renames it, so that nobody ever reads half of it.
void write_whole_file(const std::string& path, std::string_view text);

}  // namespace skidpad::history

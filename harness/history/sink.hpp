/// @file sink.hpp
/// Where recorded lines go. Recorders know only Sink, so the simulated world and the real one share their code.
#pragma once

#include <string>
#include <string_view>

#include "harness/runtime/result.hpp"

namespace skidpad::history {

class Sink {
 public:
  virtual ~Sink() = default;
  /// Appends whole lines. What was appended before a success outlives a SIGKILL of this process.
  virtual runtime::Result<void> append(std::string_view lines) = 0;
};

/// Keeps the text in memory: for tests and for comparing two runs of one seed.
class MemorySink : public Sink {
 public:
  runtime::Result<void> append(std::string_view lines) override {
    text_ += lines;
    return runtime::success();
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// A file of the run directory on this host, opened to append. Each append is one write to the kernel, no buffer of ours.
class FileSink : public Sink {
 public:
  /// Throws UsageError when the file cannot be created, with the path and the system's reason.
  explicit FileSink(const std::string& path);
  ~FileSink() override;
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;
  runtime::Result<void> append(std::string_view lines) override;

 private:
  std::string path_;
  int descriptor_;
};

}  // namespace skidpad::history

/// @file system_call.hpp
/// Owned file descriptors and operating-system errors as Results.
#pragma once

#include <string>
#include <utility>

#include "harness/runtime/result.hpp"

namespace skidpad::driver::process {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;
using runtime::success;

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  ~FileDescriptor() { close(); }
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }
  bool open() const { return number_ >= 0; }
  void close();

 private:
  int number_ = -1;
};

/// "doing: Permission denied", from errno.
Error system_error(std::string doing);
Error system_error(std::string doing, int number);

/// Whole small files, as /proc and /sys have them.
Result<std::string> read_text(const std::string& path);
Result<void> write_text(const std::string& path, std::string_view text, unsigned mode = 0644);
/// Appends and syncs: what is returned is on the disk.
Result<void> append_durably(const std::string& path, std::string_view text);
Result<void> make_directories(const std::string& path, unsigned mode = 0755);

}  // namespace skidpad::driver::process

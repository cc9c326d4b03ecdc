/// @file file_descriptor.hpp
/// Owns a file descriptor that nobody waits for; for those somebody does, see Descriptor in event_loop.hpp.
#pragma once

#include <string>
#include <utility>

namespace skidpad::runtime {

class FileDescriptor {
 public:
  /// A negative number owns nothing.
  explicit FileDescriptor(int number = -1) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor();
  explicit operator bool() const { return number_ >= 0; }
  int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

/// "no such file or directory", in small letters as Go words it.
std::string error_text(int error_number);

}  // namespace skidpad::runtime

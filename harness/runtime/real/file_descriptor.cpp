#include "harness/runtime/real/file_descriptor.hpp"

#include <unistd.h>

#include <cctype>
#include <cstring>

namespace skidpad::runtime {

FileDescriptor::~FileDescriptor() {
  if (number_ >= 0) ::close(number_);
}

std::string error_text(int error_number) {
  std::string text = std::strerror(error_number);
  // "Connection refused", but "RFS specific error" stays.
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1]))) {
    text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  }
  return text;
}

}  // namespace skidpad::runtime

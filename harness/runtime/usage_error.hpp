/// @file usage_error.hpp
/// Bad input from a person: one clear error, caught once in the command line, exit code 64.
#pragma once

#include <stdexcept>
#include <string>

namespace skidpad {

/// what() is the whole line to print: "FILE:LINE:COLUMN: field: what is wrong; expected ...".
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace skidpad

/// @file assert.hpp
/// ASSERT: a broken invariant of our own ends the program, in every build.
/// Promise: prints the expression, its place, and the seed and time of the run if a context was set.
#pragma once

#include <string>

namespace skidpad::runtime {

/// Says, for the message of a failed ASSERT, which run this is (seed, virtual time). May be empty.
void set_assert_context(std::string (*describe)());

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace skidpad::runtime

#define ASSERT(condition) \
  (static_cast<bool>(condition) ? void(0) : ::skidpad::runtime::assertion_failed(#condition, __FILE__, __LINE__))

/// @file memory.hpp
/// Giving memory back that a program needed only for its start: freed heap, and pages of program text that run once (flags, YAML,
/// OpenSSL's providers, the linker). A node holds dozens of programs, so idle megabytes count.
#pragma once

#include <cstddef>

namespace skidpad::runtime {

/// Trims the heap, and drops the clean pages of mapped files from this process; what is used again comes back from the page cache.
/// Takes about a millisecond. Returns the bytes of mappings that were told to the kernel; 0 where /proc does not say what is clean.
std::size_t give_back_memory();

}  // namespace skidpad::runtime

#include "harness/runtime/real/memory.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace skidpad::runtime {

std::size_t give_back_memory() {
  ::malloc_trim(0);
  // Only mappings without a page of our own: dropping a page that the linker has relocated would restore the file's bytes.
  std::vector<std::pair<std::uintptr_t, std::uintptr_t>> clean;
  std::ifstream maps("/proc/self/smaps");
  bool file = false;
  std::uintptr_t begin = 0, end = 0;
  for (std::string line; std::getline(maps, line);) {
    unsigned long long from = 0, to = 0;
    char permissions[5] = {};
    int path_at = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx %4s %*s %*s %*s %n", &from, &to, permissions, &path_at) == 3) {
      file = permissions[1] == '-' && static_cast<std::size_t>(path_at) < line.size() && line[static_cast<std::size_t>(path_at)] == '/';
      begin = from;
      end = to;
    } else if (unsigned long long kibibytes = 0; file && std::sscanf(line.c_str(), "Anonymous: %llu kB", &kibibytes) == 1) {
      if (kibibytes == 0) clean.emplace_back(begin, end);
      file = false;
    }
  }
  std::size_t bytes = 0;
  for (const auto& [from, to] : clean) {
    if (::madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED) == 0) bytes += to - from;
  }
  return bytes;
}

}  // namespace skidpad::runtime

#include "harness/runtime/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace skidpad::runtime {
namespace {
std::string (*describe_run)() = nullptr;
}

void set_assert_context(std::string (*describe)()) { describe_run = describe; }

void assertion_failed(const char* expression, const char* file, int line) {
  const std::string run = describe_run ? describe_run() : std::string();
  std::fprintf(stderr, "ASSERT failed: %s at %s:%d%s%s\n", expression, file, line, run.empty() ? "" : " in ", run.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace skidpad::runtime

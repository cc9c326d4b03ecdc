#include "harness/runtime/real/memory.hpp"

#include <gtest/gtest.h>

#include <string>

namespace skidpad::runtime {
namespace {

std::string spell(int number) { return std::to_string(number * 37); }

TEST(GiveBackMemory, LeavesDataAndCodeAsTheyWere) {
  std::string kept(1 << 20, 'x');
  { std::string freed(8 << 20, 'y'); }
  EXPECT_GT(give_back_memory(), std::size_t{64} << 10) << "at least this program's own text is a clean mapping";
  EXPECT_EQ(kept, std::string(1 << 20, 'x'));
  EXPECT_EQ(spell(1000), "37000");
  EXPECT_GT(give_back_memory(), 0U) << "and again";
}

}  // namespace
}  // namespace skidpad::runtime

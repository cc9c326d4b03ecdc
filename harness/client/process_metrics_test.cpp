#include "harness/client/process_metrics.hpp"

#include <gtest/gtest.h>

namespace skidpad::client {
namespace {

const char self_stat[] =
    "4711 (a) odd (name)) S 1 4711 4711 0 -1 4194560 5120 0 0 0 150 50 7 9 20 0 1 0 12345 104857600 2560 18446744073709551615 1 1 0 0 0 0 0 0 0";
const char stat[] = "cpu  1 2 3\nbtime 1700000000\nprocesses 9\n";

TEST(ProcessMetrics, AreReadBehindAnyProgramName) {
  const auto usage = parse_process_usage(self_stat, stat);
  ASSERT_TRUE(usage);
  EXPECT_DOUBLE_EQ(usage->cpu_seconds, 2.0);
  EXPECT_DOUBLE_EQ(usage->start_seconds, 1700000123.45);
  EXPECT_DOUBLE_EQ(usage->virtual_bytes, 104857600);
  EXPECT_DOUBLE_EQ(usage->resident_bytes, 2560.0 * 4096);
}

TEST(ProcessMetrics, AreLeftOutWhereProcIsNotWhatLinuxWrites) {
  EXPECT_FALSE(parse_process_usage("", stat));
  EXPECT_FALSE(parse_process_usage(self_stat, "cpu 1 2 3\n"));
  EXPECT_FALSE(parse_process_usage("4711 (short) S 1 2 3", stat));
}

}  // namespace
}  // namespace skidpad::client

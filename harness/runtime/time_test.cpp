#include "harness/runtime/time.hpp"

#include <gtest/gtest.h>

namespace skidpad::runtime {
namespace {

TEST(GoDuration, ReadsAndWritesWhatGoDoes) {
  struct Case {
    std::string_view text;
    Duration duration;
    std::string_view written;
  };
  const std::vector<Case> cases{
      {"0", 0s, "0s"},
      {"-0", 0s, "0s"},
      {"5s", 5s, "5s"},
      {"1h2m3.5s", 1h + 2min + 3500ms, "1h2m3.5s"},
      {"300ms", 300ms, "300ms"},
      {"1.5h", 90min, "1h30m0s"},
      {"-1m30s", -90s, "-1m30s"},
      {"+2us", 2us, "2\xC2\xB5s"},
      {"2\xC2\xB5s", 2us, "2\xC2\xB5s"},
      {"2\xCE\xBCs", 2us, "2\xC2\xB5s"},
      {"1ns", 1ns, "1ns"},
      {".5s", 500ms, "500ms"},
      {"1.s", 1s, "1s"},
      {"1.0000000015s", 1s + 1ns, "1.000000001s"},
      {"1.5ms", 1500us, "1.5ms"},
      {"90s", 90s, "1m30s"},
      {"9223372036854775807ns", Duration::max(), "2562047h47m16.854775807s"},
      {"-9223372036854775808ns", Duration::min(), "-2562047h47m16.854775808s"},
  };
  for (const Case& good : cases) {
    Duration duration{};
    ASSERT_TRUE(parse_go_duration(good.text, duration)) << good.text;
    EXPECT_EQ(duration, good.duration) << good.text;
    EXPECT_EQ(format_go_duration(duration), good.written) << good.text;
  }
}

TEST(GoDuration, RefusesWhatGoRefuses) {
  for (const std::string_view wrong : {"", "5", "s", ".s", "5x", "1h 2m", "--1s", "- 1s", "-", "1.2.3s", "9223372036854775808ns", "3000000h", "1e3s",
                                       "99999999999999999999999999s"}) {
    Duration duration{};
    EXPECT_FALSE(parse_go_duration(wrong, duration)) << wrong;
  }
}

TEST(Rfc3339, ReadsAndWrites) {
  struct Case {
    std::string_view text;
    std::string_view seconds;
    std::string_view micro;
  };
  const std::vector<Case> cases{
      {"2026-11-22T18:25:16Z", "2026-11-22T18:25:16Z", "2026-11-22T18:25:16.000000Z"},
      {"2026-11-22T18:25:16.1234569Z", "2026-11-22T18:25:16Z", "2026-11-22T18:25:16.123456Z"},
      {"2026-11-22T01:25:16+02:30", "2026-11-21T22:55:16Z", "2026-11-21T22:55:16.000000Z"},
      {"2024-02-29T23:59:59-01:00", "2024-03-01T00:59:59Z", "2024-03-01T00:59:59.000000Z"},
      {"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.500000Z"},
      {"1970-01-01T00:00:00.000000000000Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"},
  };
  for (const Case& good : cases) {
    WallTime time;
    ASSERT_TRUE(parse_rfc3339(good.text, time)) << good.text;
    EXPECT_EQ(format_rfc3339(time), good.seconds);
    EXPECT_EQ(format_rfc3339_micro(time), good.micro);
  }
}

TEST(Rfc3339, RefusesAnythingElse) {
  for (const std::string_view wrong :
       {"", "2026-11-22", "2026-11-22T18:25:16", "2026-11-22 18:25:16Z", "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-22T24:00:00Z",
        "2026-11-22T18:25:16.Z", "2026-11-22T18:25:16Zx", "2026-11-22T18:25:16+2:00", "0001-01-01T00:00:00Z", "26-11-22T18:25:16Z"}) {
    WallTime time;
    EXPECT_FALSE(parse_rfc3339(wrong, time)) << wrong;
  }
}

}  // namespace
}  // namespace skidpad::runtime

#include "harness/scenario/values.hpp"

#include <gtest/gtest.h>

#include <regex>

namespace skidpad::scenario {
namespace {

using namespace std::chrono_literals;

struct DurationCase {
  std::string_view text;
  std::optional<Duration> value;
};
constexpr DurationCase duration_cases[] = {
    {"0s", 0s},         {"30s", 30s},          {"1m30s", 90s},       {"250ms", 250ms}, {"5us", 5us},        {"999h", 999h},
    {"1h1m1s1ms1us", 1h + 1min + 1s + 1ms + 1us},                    {"90s", 90s},     {"9999999s", 9999999s},
    {"", {}},           {"30", {}},            {"s", {}},            {"30 s", {}},     {" 30s", {}},        {"30s ", {}},
    {"30S", {}},        {"1.5s", {}},          {"-1s", {}},          {"+1s", {}},      {"030s", {}},        {"1s1m", {}},
    {"1s1s", {}},       {"1000h", {}},         {"10000000s", {}},    {"1d", {}},       {"1e3s", {}},        {"99999999999999999999s", {}},
    {"1ns", {}},        {"1s\n", {}},          {"٣s", {}},
};

TEST(Duration, IsReadOnlyInItsOneForm) {
  for (const auto& [text, value] : duration_cases) {
    const auto parsed = parse_duration(text);
    EXPECT_EQ(parsed.value, value) << text;
    EXPECT_EQ(parsed.wrong.empty(), value.has_value()) << text;
  }
}

TEST(Duration, IsWrittenAsItIsRead) {
  for (const auto& [text, value] : duration_cases) {
    if (!value || *value > 999h) continue;
    EXPECT_EQ(parse_duration(to_text(*value)).value, value) << text;
  }
  EXPECT_EQ(to_text(90s), "1m30s");
}

struct SpanCase {
  std::string_view text;
  std::string_view canonical;  // empty: refused
};
constexpr SpanCase span_cases[] = {
    {"30s", "30s"},
    {"3x node_monitor_grace_period", "3x node_monitor_grace_period"},
    {"1.5x floor + 10s", "1.5x floor + 10s"},
    {"10s + 1.50x floor", "1.5x floor + 10s"},
    {"1s + 1s", "2s"},
    {"1x floor + 1x floor", "2x floor"},
    {"0.001x floor", "0.001x floor"},
    {"1x floor + 1x node_lease_duration", "1x node_lease_duration + 1x floor"},
    {"999.999x floor", "999.999x floor"},
    {"1s+1s", ""},
    {"1s +1s", ""},
    {"1s + ", ""},
    {" + 1s", ""},
    {"1s  + 1s", ""},
    {"1s + -1s", ""},
    {"3xfloor", ""},
    {"3x  floor", ""},
    {"3x", ""},
    {"x floor", ""},
    {"1.x floor", ""},
    {"1.0001x floor", ""},
    {"1000x floor", ""},
    {"0x floor", ""},
    {"0.000x floor", ""},
    {"999x floor + 1x floor", ""},
    {"999h + 1us", ""},
    {"99999m", ""},
    {"-1x floor", ""},
    {"03x floor", ""},
    {"3x Floor", ""},
    {"1s + 1s + 1s + 1s + 1s + 1s + 1s + 1s", "8s"},
    {"1s + 1s + 1s + 1s + 1s + 1s + 1s + 1s + 1s", ""},
};

TEST(TimeSpan, IsReadOnlyInItsOneForm) {
  for (const auto& [text, canonical] : span_cases) {
    const auto parsed = parse_time_span(text);
    ASSERT_EQ(parsed.value.has_value(), !canonical.empty()) << text << ": " << parsed.wrong;
    if (!parsed.value) continue;
    EXPECT_EQ(to_text(*parsed.value), canonical) << text;
    EXPECT_EQ(parse_time_span(canonical).value, parsed.value) << text;
  }
}

TEST(TimeSpan, PatternAgreesWithTheParserUnlessTheFormIsNotTheFault) {
  const std::regex pattern(time_span_pattern(true));
  const auto agrees = [&](std::string_view text) {
    const auto parsed = parse_time_span(text);
    const bool matches = std::regex_match(text.begin(), text.end(), pattern);
    EXPECT_EQ(matches, parsed.value.has_value() || parsed.beyond_form) << text << ": " << parsed.wrong;
  };
  for (const auto& [text, canonical] : span_cases) agrees(text);
  for (const auto& [text, value] : duration_cases) agrees(text);
}

TEST(TimeSpan, ResolvesUnderTheTimersInForce) {
  const auto timers = [](Timer timer) -> Duration { return timer == Timer::floor ? 400s : 50s; };
  const auto value = [&](std::string_view text) { return resolve(*parse_time_span(text).value, timers); };
  EXPECT_EQ(value("30s"), 30s);
  EXPECT_EQ(value("1.5x floor + 10s"), 610s);
  EXPECT_EQ(value("0.5x node_monitor_grace_period + 1x floor"), 425s);
}

TEST(TimeSpan, IsSurelyLongerOnlyWhereNoTimerCouldChangeThat) {
  const auto longer = [](std::string_view left, std::string_view right) {
    return surely_longer(*parse_time_span(left).value, *parse_time_span(right).value);
  };
  EXPECT_TRUE(longer("31s", "30s"));
  EXPECT_FALSE(longer("30s", "30s"));
  EXPECT_TRUE(longer("2x floor", "1x floor"));
  EXPECT_TRUE(longer("1x floor + 30s", "30s"));
  EXPECT_FALSE(longer("1x floor", "30s"));
  EXPECT_FALSE(longer("30s", "1x floor"));
  EXPECT_FALSE(longer("2x floor", "1x floor + 1s"));
}

TEST(Ratio, IsReadOnlyInItsOneForm) {
  struct Case {
    std::string_view text;
    std::optional<Ratio> value;
  };
  const Case cases[] = {
      {"1/20", Ratio{1, 20}}, {"5%", Ratio{1, 20}},     {"100%", Ratio{1, 1}}, {"0%", Ratio{0, 1}}, {"0.5%", Ratio{1, 200}},
      {"2/4", Ratio{1, 2}},   {"33.333%", Ratio{33333, 100000}},               {"0/7", Ratio{0, 1}},
      {"", {}},               {"5", {}},                {"5 %", {}},           {"0.05", {}},        {"-5%", {}},
      {"101%", {}},           {"3/2", {}},              {"1/0", {}},           {"01%", {}},         {"1/020", {}},
      {"1/", {}},             {"/2", {}},               {"1//2", {}},          {"1.%", {}},         {"1.0000%", {}},
      {"1/9999999", {}},      {"99999999999999999999%", {}},
  };
  const std::regex pattern(ratio_pattern());
  for (const auto& [text, value] : cases) {
    const auto parsed = parse_ratio(text);
    EXPECT_EQ(parsed.value, value) << text;
    EXPECT_EQ(std::regex_match(text.begin(), text.end(), pattern), parsed.value.has_value() || parsed.beyond_form) << text;
    if (value) {
      EXPECT_EQ(parse_ratio(to_text(*value)).value, value) << text;
    }
  }
}

TEST(Count, IsDecimalDigitsAndNothingElse) {
  struct Case {
    std::string_view text;
    std::optional<std::uint32_t> value;
  };
  for (const auto& [text, value] : {Case{"0", 0u}, {"7", 7u}, {"999999999", 999999999u}, {"", {}}, {"-1", {}}, {"+1", {}}, {"030", {}},
                                    {"00", {}}, {"0x1", {}}, {"1e2", {}}, {"1.0", {}}, {"1_0", {}}, {"4294967296", {}}, {"99999999999999999999", {}}})
    EXPECT_EQ(parse_count(text).value, value) << text;
}

TEST(Target, EveryFormIsWrittenAsItIsRead) {
  std::vector<std::string> texts{"worker_0", "control_plane_12", "etcd_999", "2_workers", "3_control_planes", "999_etcd", "same_as_first_loss"};
  for (const TargetWord& word : target_words()) texts.emplace_back(word.text);
  const std::regex pattern(target_pattern());
  for (const std::string& text : texts) {
    const auto parsed = parse_target(text);
    ASSERT_TRUE(parsed.value) << text << ": " << parsed.wrong;
    EXPECT_EQ(to_text(*parsed.value), text);
    EXPECT_TRUE(std::regex_match(text, pattern)) << text;
  }
}

TEST(Target, NothingElseIsOne) {
  const std::regex pattern(target_pattern());
  for (const std::string text : {"", "worker", "worker_", "worker_-1", "worker_01", "worker_1000", "0_workers", "1000_workers", "2_worker",
                                 "same_as_", "same_as_A", "One_worker", "one_worker ", "workers_2", "2 workers"}) {
    EXPECT_FALSE(parse_target(text).value) << text;
    EXPECT_FALSE(std::regex_match(text, pattern)) << text;
  }
}

TEST(Amount, SharesRoundDown) {
  EXPECT_EQ(resolve(Amount{}, 5), 5u);
  EXPECT_EQ(resolve(Amount(2u), 5), 2u);
  EXPECT_EQ(resolve(Amount(Ratio{2, 5}), 5), 2u);
  EXPECT_EQ(resolve(Amount(Ratio{2, 5}), 4), 1u);
  EXPECT_EQ(resolve(Amount(Ratio{2, 5}), 0), 0u);
}

TEST(Nearest, FindsSlipsAndKeepsStillOtherwise) {
  const std::vector<std::string_view> known{"deadline", "name", "topology"};
  EXPECT_EQ(nearest("deadlien", known), "deadline");
  EXPECT_EQ(nearest("deadlines", known), "deadline");
  EXPECT_EQ(nearest("nmae", known), "name");
  EXPECT_EQ(nearest("colour", known), "");
  EXPECT_EQ(nearest("", known), "");
}

TEST(InQuotes, IsOneShortPrintableLine) {
  EXPECT_EQ(in_quotes("a\nb\x07\"\\"), "\"a\\x0ab\\x07\\\"\\\\\"");
  EXPECT_LT(in_quotes(std::string(5000, 'x')).size(), 60u);
  EXPECT_EQ(in_quotes(std::string(47, 'x') + "ü"), "\"" + std::string(47, 'x') + "...\"");
}

}  // namespace
}  // namespace skidpad::scenario

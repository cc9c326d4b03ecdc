// The small leaves of the runtime: random numbers, JSON access, endpoints, paths, errors, log lines.
#include <gtest/gtest.h>

#include "harness/runtime/runtime.hpp"

namespace skidpad::runtime {
namespace {

TEST(Random, FollowsThePublishedAlgorithm) {
  // SplitMix64 of seed 0 begins e220a8397b1dcdaf, 6e789e6aa1b965f4, 06c45d188009454f, f88bb8a8724c81ec (Vigna's splitmix64.c);
  // xoshiro256** then gives rotl(s1 * 5, 7) * 9.
  Random random(0);
  EXPECT_EQ(random.next(), 0x99ec5f36cb75f2b4u);
}

TEST(Random, SameSeedSameDrawsAndSplitsAreIndependent) {
  Random first(42);
  Random second(42);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(first.next(), second.next());
  // A split depends on the seed only, not on what was drawn meanwhile.
  EXPECT_EQ(first.split("network").next(), Random(42).split("network").next());
  EXPECT_NE(first.split("network").next(), first.split("disk").next());
  EXPECT_NE(first.split("a").split("b").next(), first.split("b").split("a").next());
  EXPECT_NE(first.split("").next(), Random(42).next());
}

TEST(Random, DrawsStayInTheirBounds) {
  Random random(7);
  std::array<int, 6> seen{};
  for (int i = 0; i < 6000; ++i) ++seen[random.below(6)];
  for (const int count : seen) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(random.below(1), 0u);
  for (int i = 0; i < 1000; ++i) {
    const Duration drawn = random.between(-3ns, 3ns);
    EXPECT_GE(drawn, -3ns);
    EXPECT_LE(drawn, 3ns);
  }
  EXPECT_EQ(random.between(5s, 5s), 5s);
  random.between(Duration::min(), Duration::max());
  int hits = 0;
  for (int i = 0; i < 10000; ++i) hits += random.chance(Ratio{1, 20}) ? 1 : 0;
  EXPECT_NEAR(hits, 500, 100);
  EXPECT_FALSE(random.chance(Ratio{0, 1}));
  EXPECT_TRUE(random.chance(Ratio{1, 1}));
}

TEST(Random, MakesNamesAndUuidsAndShufflesEverything) {
  Random random(1);
  EXPECT_EQ(random.name_suffix(5).size(), 5u);
  EXPECT_EQ(random.name_suffix(1000).find_first_not_of("bcdfghjklmnpqrstvwxz2456789"), std::string::npos);
  for (int i = 0; i < 100; ++i) {
    const std::string uuid = random.uuid();
    ASSERT_EQ(uuid.size(), 36u);
    EXPECT_EQ(uuid[14], '4');
    EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos) << uuid;
    for (const std::size_t dash : {8, 13, 18, 23}) EXPECT_EQ(uuid[dash], '-');
  }
  std::vector<int> items{1, 2, 3, 4, 5};
  std::set<std::vector<int>> orders;
  for (int i = 0; i < 5000; ++i) {
    random.shuffle(items);
    orders.insert(items);
  }
  EXPECT_EQ(orders.size(), 120u);
}

TEST(Json, ReadsWithoutThrowing) {
  EXPECT_EQ(parse_json("{\"a\": 1, \"a\": 2}").value()["a"], 2);
  for (const std::string_view wrong : {"", "{", "{\"a\":}", "[1,]", "nul", "1 2", "\"\xff\""}) {
    const auto result = parse_json(wrong);
    ASSERT_FALSE(result) << wrong;
    EXPECT_EQ(result.error().code, ErrorCode::invalid);
  }
}

TEST(Json, BoundsNesting) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(10), 10));
  EXPECT_FALSE(parse_json(nested(11), 10));
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
  // Brackets in strings do not count, escaped quotes do not end strings.
  EXPECT_TRUE(parse_json(R"(["[[[[\"[[[["])", 1));
}

TEST(Json, FindsPathsOrNothing) {
  const Json pod = Json::parse(R"({"status":{"phase":"Running","n":3,"ready":true,"list":[1,2]}})");
  EXPECT_EQ(text_at(pod, {"status", "phase"}), "Running");
  EXPECT_EQ(text_at(pod, {"status", "n"}, "none"), "none");
  EXPECT_EQ(integer_at(pod, {"status", "n"}), 3);
  EXPECT_EQ(integer_at(pod, {"status", "phase"}, -1), -1);
  EXPECT_TRUE(bool_at(pod, {"status", "ready"}));
  EXPECT_TRUE(bool_at(pod, {"nothing"}, true));
  EXPECT_EQ(list_at(pod, {"status", "list"}).size(), 2u);
  EXPECT_TRUE(list_at(pod, {"status", "phase"}).empty());
  EXPECT_TRUE(find(pod, {"status", "phase", "deeper"}).is_null());
  EXPECT_EQ(&find(pod, {}), &pod);
}

TEST(Endpoint, ReadsAndWrites) {
  EXPECT_EQ(to_text(parse_endpoint("10.0.0.1:6443").value()), "10.0.0.1:6443");
  EXPECT_EQ(parse_endpoint(":6443").value().address, "");
  EXPECT_EQ(parse_endpoint("localhost:0").value().port, 0);
  for (const std::string_view wrong : {"", "10.0.0.1", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:-1", "10.0.0.1:0x1", "[::1]:80", "a:1:2"}) {
    EXPECT_EQ(parse_endpoint(wrong).error().code, ErrorCode::invalid) << wrong;
  }
}

TEST(Endpoint, KnowsDottedQuads) {
  for (const std::string_view good : {"0.0.0.0", "10.96.0.1", "255.255.255.255"}) EXPECT_TRUE(is_ipv4(good)) << good;
  for (const std::string_view wrong : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", "a.b.c.d", "1..2.3", "1.2.3.0000"}) {
    EXPECT_FALSE(is_ipv4(wrong)) << wrong;
  }
}

TEST(Path, SplitsAtTheLastSlash) {
  EXPECT_EQ(parent_path("a/b/c.txt"), "a/b");
  EXPECT_EQ(parent_path("/x"), "/");
  EXPECT_EQ(parent_path("x"), ".");
  EXPECT_EQ(file_name("a/b/c.txt"), "c.txt");
  EXPECT_EQ(file_name("x"), "x");
}

TEST(Result, TryReturnsTheFailureOrTheValue) {
  struct Steps {
    static Result<int> half(int value) {
      if (value % 2 != 0) return Error(ErrorCode::invalid, "odd");
      return value / 2;
    }
    static Result<void> even(int value) {
      if (value % 2 == 0) TRY(half(value));
      else TRY(half(value));
      return success();
    }
    static Result<int> quarter(int value) {
      TRY(const int once, half(value));
      TRY(int twice, half(once));
      return twice;
    }
  };
  EXPECT_EQ(Steps::quarter(12).value(), 3);
  EXPECT_EQ(Steps::quarter(6).error().message, "odd");
  EXPECT_FALSE(Steps::even(3));
  EXPECT_TRUE(Steps::even(4));
}

TEST(Result, WrappingKeepsTheCause) {
  const Error wrapped = wrap(Error(ErrorCode::conflict, "object changed", 409, "Conflict"), "update pod a");
  EXPECT_EQ(wrapped.message, "update pod a: object changed");
  EXPECT_EQ(wrapped.code, ErrorCode::conflict);
  EXPECT_EQ(wrapped.http_status, 409);
  EXPECT_EQ(wrapped.reason, "Conflict");
  EXPECT_EQ(name(ErrorCode::connection_lost), "connection_lost");
}

TEST(ResultDeathTest, LookingAtTheValueOfAFailureEndsTheProgram) {
  Result<int> failed = Error(ErrorCode::io, "disk on fire");
  EXPECT_DEATH(failed.value(), "io: disk on fire");
}

TEST(LogLine, IsOneJsonObjectWhateverTheFieldsHold) {
  const WallTime time{std::chrono::seconds(1767225600)};
  EXPECT_EQ(format_log_line(time, LogLevel::info, "pod_started", "{\"host\":\"a\"}", {{"pod", "web\n"}}),
            R"({"time":"2026-01-01T00:00:00.000000Z","level":"info","event":"pod_started","host":"a","pod":"web\n"})");
  EXPECT_EQ(format_log_line(time, LogLevel::error, "x", "{}", Json::object()), R"({"time":"2026-01-01T00:00:00.000000Z","level":"error","event":"x"})");
  EXPECT_TRUE(Json::accept(format_log_line(time, LogLevel::error, "x", "{}", {{"bytes", "\xff\xfe"}})));
  EXPECT_TRUE(Json::accept(format_log_line(time, LogLevel::error, "x", "{}", "no object")));
  LogLevel level = LogLevel::error;
  EXPECT_TRUE(parse_log_level("debug", level));
  EXPECT_EQ(level, LogLevel::debug);
  EXPECT_FALSE(parse_log_level("loud", level));
}

}  // namespace
}  // namespace skidpad::runtime

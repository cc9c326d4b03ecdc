#include "fakes/kubelet/container_logs.hpp"

#include <gtest/gtest.h>

#include "fakes/kubelet/remote_streams.hpp"
#include "fakes/kubelet/request_access.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::fakes::kubelet {
namespace {

using runtime::WallTime;
using namespace std::chrono_literals;

TEST(LogOptions, AreReadAsTheRealKubeletDoes) {
  const WallTime now(1'700'000'000s);
  const auto options = parse_log_options("follow=true&tailLines=20&sinceSeconds=60&timestamps=true&limitBytes=7&previous=false", now);
  ASSERT_TRUE(options);
  EXPECT_TRUE(options.value().follow && options.value().timestamps && !options.value().previous);
  EXPECT_EQ(options.value().tail_lines, 20u);
  EXPECT_EQ(options.value().bytes_max, 7u);
  EXPECT_EQ(options.value().since, now - 60s);
  for (const char* bad : {"tailLines=-1", "tailLines=x", "tailLines=", "sinceSeconds=1.5", "limitBytes=99999999999999999999", "sinceTime=yesterday"}) {
    EXPECT_FALSE(parse_log_options(bad, now).has_value()) << bad;
  }
}

TEST(LogTimes, KnowWhenWhatWasThere) {
  const LogTimes times = LogTimes::parse("10 1000000000\nbroken\n5 2000000000\n30 3000000000\n\n40 x\n");
  EXPECT_EQ(times.size(), 2u) << "what is broken or goes backwards is passed over";
  EXPECT_EQ(times.time_of(1), WallTime(1s));
  EXPECT_EQ(times.time_of(10), WallTime(1s));
  EXPECT_EQ(times.time_of(11), WallTime(3s));
  EXPECT_EQ(times.time_of(31), std::nullopt);
  EXPECT_EQ(times.offset_before(WallTime(1s)), 0u);
  EXPECT_EQ(times.offset_before(WallTime(2s)), 10u);
  EXPECT_EQ(times.offset_before(WallTime(4s)), 30u);
  LogTimes thinned = times;
  thinned.thin();
  EXPECT_EQ(thinned.text(), "10 1000000000\n");
}

TEST(LogBegin, FindsTheLastLines) {
  runtime::sim::World world({});
  runtime::Disk& disk = world.add_machine({.name = "n1", .address = "10.0.0.1"}).disk();
  const struct {
    std::string text;
    std::uint64_t lines;
    std::string expected;
  } cases[] = {
      {"a\nb\nc\n", 2, "b\nc\n"}, {"a\nb\nc\n", 3, "a\nb\nc\n"}, {"a\nb\nc\n", 9, "a\nb\nc\n"}, {"a\nb\nc\n", 0, ""},
      {"a\nb\nc", 1, "c"},         {"a\nb\nc", 2, "b\nc"},         {"", 5, ""},                   {"\n\n\n", 2, "\n\n"},
  };
  for (const auto& each : cases) {
    ASSERT_TRUE(disk.write("/log", each.text));
    LogOptions options;
    options.tail_lines = each.lines;
    EXPECT_EQ(each.text.substr(log_begin(disk, "/log", each.text.size(), options)), each.expected);
  }
  std::string large;
  for (int i = 0; i < 100'000; ++i) large += "line " + std::to_string(i) + "\n";
  ASSERT_TRUE(disk.write("/log", large));
  LogOptions options;
  options.tail_lines = 50'000;
  EXPECT_EQ(large.substr(log_begin(disk, "/log", large.size(), options), 11), "line 50000\n");
}

TEST(TerminalSizes, ComeInPiecesAndRubbishIsPassedOver) {
  TerminalSizes sizes;
  sizes.put("{\"Width\":80,\"Hei");
  EXPECT_FALSE(sizes.next());
  sizes.put("ght\":24}\n{broken}{\"Width\":-5,\"Height\":99999999}");
  auto size = sizes.next();
  ASSERT_TRUE(size);
  EXPECT_EQ(size->columns, 80);
  EXPECT_EQ(size->rows, 24);
  size = sizes.next();
  ASSERT_TRUE(size);
  EXPECT_EQ(size->columns, 0);
  EXPECT_EQ(size->rows, 65535);
  sizes.put(std::string(100'000, '{'));
  EXPECT_FALSE(sizes.next());
}

TEST(ExitStatus, IsToldAsKubectlReadsIt) {
  EXPECT_EQ(exit_status(0, {"true"}), success_status());
  const Json failed = exit_status(3, {"sh", "-c", "exit 3"});
  EXPECT_EQ(failed["reason"], "NonZeroExitCode");
  EXPECT_EQ(failed["details"]["causes"][0]["reason"], "ExitCode");
  EXPECT_EQ(failed["details"]["causes"][0]["message"], "3");
}

TEST(NodeSubresource, OfAPathIsThatOfTheRealKubelet) {
  for (const auto& [path, expected] : {std::pair{"/stats/summary", "stats"}, {"/metrics", "metrics"}, {"/metrics/cadvisor", "metrics"}, {"/logs/", "log"},
                                       {"/pods", "proxy"}, {"/exec/a/b/c", "proxy"}, {"/statsx", "proxy"}, {"", "proxy"}}) {
    EXPECT_EQ(node_subresource(path), expected) << path;
  }
}

}  // namespace
}  // namespace skidpad::fakes::kubelet

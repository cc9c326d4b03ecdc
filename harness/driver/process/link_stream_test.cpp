#include "harness/driver/process/link_stream.hpp"

#include <gtest/gtest.h>

namespace skidpad::driver::process {
namespace {

using namespace std::chrono_literals;
using runtime::Ratio;

constexpr std::size_t frame_bytes = 100;

std::string fates(LinkStream& stream, int count) {
  std::string text;
  Instant now{1s};
  for (int i = 0; i < count; ++i, now += 100us) {
    const LinkStream::Fate fate = stream.decide(now, frame_bytes);
    text += std::to_string(fate.count);
    for (std::size_t copy = 0; copy < fate.count; ++copy) text += "@" + std::to_string((fate.due[copy] - now).count());
    text += ' ';
  }
  return text;
}

LinkRule noisy() {
  LinkRule rule;
  rule.loss = Ratio{1, 10};
  rule.duplicate = Ratio{1, 10};
  rule.reorder = Ratio{1, 10};
  rule.delay = 2ms;
  rule.jitter = 1ms;
  return rule;
}

LinkStream stream_with(LinkRule rule, std::uint64_t seed = 7, const char* from = "a", const char* to = "b") {
  LinkStream stream(seed, LinkName{from, to});
  stream.set_rule(rule);
  return stream;
}

TEST(LinkStream, GivesTheSameFatesForTheSameSeedAndLink) {
  LinkStream one = stream_with(noisy());
  LinkStream again = stream_with(noisy());
  EXPECT_EQ(fates(one, 500), fates(again, 500));
}

TEST(LinkStream, DiffersBySeedAndByDirection) {
  LinkStream one = stream_with(noisy());
  LinkStream other_seed = stream_with(noisy(), 8);
  LinkStream other_way = stream_with(noisy(), 7, "b", "a");
  const std::string expected = fates(one, 500);
  EXPECT_NE(expected, fates(other_seed, 500));
  EXPECT_NE(expected, fates(other_way, 500));
}

TEST(LinkStream, LosesTheSameFramesWhateverElseTheRuleSays) {
  LinkRule only_loss;
  only_loss.loss = Ratio{1, 10};
  LinkStream plain = stream_with(only_loss);
  LinkStream loud = stream_with(noisy());
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(plain.decide(Instant{1s}, 1).count == 0, loud.decide(Instant{1s}, 1).count == 0) << "frame " << i;
  }
}

TEST(LinkStream, ACutDropsEveryFrameAndCountsIt) {
  LinkRule cut;
  cut.cut = true;
  LinkStream stream = stream_with(cut);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(stream.decide(Instant{1s}, frame_bytes).count, 0U);
  EXPECT_EQ(stream.counters().dropped_by_cut, 10U);
  EXPECT_EQ(stream.counters().forwarded, 0U);
}

TEST(LinkStream, DelayAndJitterKeepTheOrderEvenAcrossHealing) {
  LinkRule slow;
  slow.delay = 5ms;
  slow.jitter = 5ms;
  LinkStream stream = stream_with(slow);
  Instant now{1s};
  Instant last{};
  for (int i = 0; i < 400; ++i, now += 50us) {
    if (i == 200) stream.set_rule(LinkRule{});
    const LinkStream::Fate fate = stream.decide(now, frame_bytes);
    ASSERT_EQ(fate.count, 1U);
    EXPECT_GE(fate.due[0], last);
    last = fate.due[0];
  }
  EXPECT_EQ(stream.counters().delayed, 200U);
}

TEST(LinkStream, EveryFrameIsAccountedForOnce) {
  LinkStream stream = stream_with(noisy());
  fates(stream, 1000);
  stream.overflowed(2, frame_bytes);
  const LinkCounters& counters = stream.counters();
  EXPECT_EQ(counters.frames, 1000U);
  EXPECT_EQ(counters.frames + counters.duplicated, counters.forwarded + counters.lost + counters.dropped_by_cut + counters.overflowed);
  EXPECT_EQ(counters.bytes, counters.forwarded * frame_bytes);
  EXPECT_NEAR(static_cast<double>(counters.lost), 100, 40);
}

}  // namespace
}  // namespace skidpad::driver::process

#include "harness/fault/link_rules.hpp"

#include <gtest/gtest.h>

namespace skidpad::fault {
namespace {

using client::machines::LinkName;
using client::machines::LinkRule;
using runtime::Ratio;
using namespace std::chrono_literals;

const std::vector<LinkName> one_link{{"a", "b"}};

LinkRule cut() {
  LinkRule rule;
  rule.cut = true;
  return rule;
}

LinkRule slow_and_lossy(Ratio loss) {
  LinkRule rule;
  rule.delay = 20ms;
  rule.loss = loss;
  return rule;
}

TEST(LinkRules, ALinkObeysTheWorstOfItsFaults) {
  LinkRules rules;
  rules.change("first", one_link, slow_and_lossy(Ratio{1, 3}));
  const auto changes = rules.change("second", one_link, slow_and_lossy(Ratio{1, 20}));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].rule, slow_and_lossy(Ratio{1, 3}));
}

TEST(LinkRules, HealingOneFaultLeavesTheOther) {
  LinkRules rules;
  rules.change("cut", one_link, cut());
  rules.change("bad", one_link, slow_and_lossy(Ratio{1, 20}));
  EXPECT_EQ(rules.change("cut", one_link, LinkRule())[0].rule, slow_and_lossy(Ratio{1, 20}));
  EXPECT_TRUE(rules.change("bad", one_link, LinkRule())[0].rule.healthy());
}

TEST(LinkRules, TwoCutsHealOnlyTogether) {
  LinkRules rules;
  rules.change("first", one_link, cut());
  rules.change("second", one_link, cut());
  EXPECT_TRUE(rules.change("first", one_link, LinkRule())[0].rule.cut);
  EXPECT_FALSE(rules.change("second", one_link, LinkRule())[0].rule.cut);
}

TEST(LinkRules, OtherLinksStayAsTheyAre) {
  LinkRules rules;
  rules.change("cut", {{"a", "b"}, {"b", "a"}}, cut());
  const auto changes = rules.change("bad", {{"b", "a"}}, slow_and_lossy(Ratio{1, 2}));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].link, (LinkName{"b", "a"}));
}

}  // namespace
}  // namespace skidpad::fault

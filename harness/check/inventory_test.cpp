// Good records, the smallest bad ones, and cut ones.
#include <gtest/gtest.h>

#include "harness/check/inventory.hpp"

namespace skidpad::check {
namespace {

history::Event inventory(const char* when, Json objects, Json copies = Json::array()) {
  history::Event event;
  event.kind = inventory_event;
  event.subject = when;
  event.fields = {{"objects", std::move(objects)}, {"copies", std::move(copies)}};
  return event;
}

history::RunRecord record(std::vector<history::Event> events) {
  history::RunRecord record;
  record.header.expectations.guarantees = {"objects_preserved", "checkpoints_settled"};
  record.events = std::move(events);
  return record;
}

const Json two = {{"Secret/a/b", "1"}, {"Node//n", "2"}};

TEST(Inventory, TheSameObjectsPassAndNewOnesMayCome) {
  const Json three = {{"Secret/a/b", "1"}, {"Node//n", "2"}, {"Node//new", "3"}};
  EXPECT_EQ(judge_objects_preserved(record({inventory("before", two), inventory("after", three)})).verdict, Verdict::pass);
}

TEST(Inventory, OneLostOrReplacedFails) {
  const Json lost = {{"Secret/a/b", "1"}};
  const Json replaced = {{"Secret/a/b", "1"}, {"Node//n", "9"}};
  for (const Json& after : {lost, replaced}) {
    const Guarantee result = judge_objects_preserved(record({inventory("before", two), inventory("after", after)}));
    EXPECT_EQ(result.verdict, Verdict::fail);
    ASSERT_EQ(result.evidence.size(), 1u);
    EXPECT_EQ(result.evidence.front().substr(0, 7), "Node//n");
  }
}

TEST(Inventory, WithoutBothLooksNothingIsKnown) {
  EXPECT_EQ(judge_objects_preserved(record({inventory("before", two)})).verdict, Verdict::unknown);
  EXPECT_EQ(judge_objects_preserved(record({inventory("before", Json::object()), inventory("after", two)})).verdict, Verdict::unknown);
  EXPECT_EQ(judge_checkpoints_settled(record({})).verdict, Verdict::unknown);
}

TEST(Inventory, ACopyThatStillRunsFails) {
  EXPECT_EQ(judge_checkpoints_settled(record({inventory("after", two)})).verdict, Verdict::pass);
  EXPECT_EQ(judge_checkpoints_settled(record({inventory("after", two, {"kube-system/kube-apiserver-x"})})).verdict, Verdict::fail);
}

TEST(Inventory, IsNotJudgedUnlessAskedFor) {
  history::RunRecord silent = record({inventory("before", two), inventory("after", Json::object(), {"x"})});
  silent.header.expectations.guarantees.clear();
  EXPECT_EQ(judge_objects_preserved(silent).verdict, Verdict::not_applicable);
  EXPECT_EQ(judge_checkpoints_settled(silent).verdict, Verdict::not_applicable);
}

}  // namespace
}  // namespace skidpad::check

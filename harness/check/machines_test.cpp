#include "harness/check/machines.hpp"

#include <gtest/gtest.h>

namespace skidpad::check {
namespace {

Guarantee judge(Json fields) {
  history::RunRecord record;
  history::Event event;
  event.kind = machines_event;
  event.subject = "after";
  event.fields = std::move(fields);
  record.events.push_back(std::move(event));
  return judge_machines_match_nodes(record);
}

TEST(MachinesMatchNodes, JudgesWhatIsLeftOver) {
  struct Case {
    Json machines, nodes;
    int wanted;
    Verdict verdict;
  };
  for (const Case& it : {Case{{"w1", "w2"}, {"w2", "w1"}, 2, Verdict::pass}, Case{{"w1", "lost"}, {"w1"}, 2, Verdict::fail}, Case{{"w1"}, {"w1", "lost"}, 1, Verdict::fail},
                         Case{{"w1", "twice"}, {"w1", "twice"}, 1, Verdict::fail}, Case{{"w1"}, {"w1"}, 2, Verdict::fail}}) {
    EXPECT_EQ(judge({{"machines", it.machines}, {"nodes", it.nodes}, {"wanted", it.wanted}}).verdict, it.verdict) << it.machines << it.nodes;
  }
  EXPECT_EQ(judge({{"machines", {"w1", "lost"}}, {"nodes", {"w1"}}, {"wanted", 2}}).reason, "machine lost is no node");
}

TEST(MachinesMatchNodes, IsUnknownWhereNobodyCouldLook) {
  EXPECT_EQ(judge({{"error", "the provider is away"}}).verdict, Verdict::unknown);
  EXPECT_EQ(judge_machines_match_nodes({}).verdict, Verdict::not_applicable);
}

}  // namespace
}  // namespace skidpad::check

// Hand-overs as they are, and the smallest doubled control planes.
#include <gtest/gtest.h>

#include "harness/check/control_plane.hpp"

namespace skidpad::check {
namespace {

using namespace std::chrono_literals;

struct Look {
  int at_seconds;
  const char* node;
  Json ports;
};

TEST(NoDoubleControlPlane, TellsHandOversFromTwoAtOnce) {
  const Json none = Json::object(), one = {{"6443", 1}}, two = {{"6443", 2}}, temporary = {{"6440", 1}}, both = {{"6440", 1}, {"6443", 1}};
  const struct {
    const char* name;
    Verdict verdict;
    std::vector<Look> looks;
  } cases[] = {
      {"nobody looked", Verdict::unknown, {}},
      {"one each", Verdict::pass, {{1, "a", one}, {1, "b", one}}},
      {"bootstrap and pivot", Verdict::pass, {{1, "a", temporary}, {5, "a", both}, {5, "b", one}, {9, "a", one}}},
      {"a copy's hand-over", Verdict::pass, {{1, "a", one}, {20, "a", two}, {24, "a", one}}},
      {"recovered when all are gone", Verdict::pass, {{1, "a", one}, {20, "a", none}, {22, "a", temporary}, {25, "a", one}}},
      {"parent and copy side by side", Verdict::fail, {{1, "a", one}, {20, "a", two}, {26, "a", one}}},
      {"to the end", Verdict::fail, {{1, "a", two}}},
      {"recovered beside a living one", Verdict::fail, {{1, "a", one}, {1, "b", one}, {20, "a", none}, {22, "a", temporary}, {25, "a", one}}},
      {"never taken away", Verdict::fail, {{1, "a", temporary}, {3, "a", both}}},
  };
  for (const auto& each : cases) {
    history::RunRecord record;
    record.header.timers.node_monitor_grace_period = 2500ms;
    for (const Look& look : each.looks) {
      history::Event event;
      event.time = std::chrono::seconds(look.at_seconds);
      event.kind = api_servers_event;
      event.subject = look.node;
      event.fields = {{"ports", look.ports}};
      record.events.push_back(std::move(event));
    }
    history::Event end;
    end.time = 60s;
    end.kind = history::event_kind::phase;
    end.subject = "cleanup";
    record.events.push_back(std::move(end));
    const ConductResult result = check_no_double_control_plane(record);
    EXPECT_EQ(result.verdict, each.verdict) << each.name << ": " << result.reason;
  }
}

}  // namespace
}  // namespace skidpad::check

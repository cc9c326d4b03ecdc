// Watches: one good history, and the smallest bad one for each way a watch can lie.
#include <gtest/gtest.h>

#include "harness/check/watches.hpp"

namespace skidpad::check {
namespace {

using history::Operation;
using history::Outcome;

Operation step(const char* client, const char* operation, std::int64_t revision, const char* key = "", const char* value = "", Outcome outcome = Outcome::ok) {
  Operation made;
  made.client = client;
  made.workload = "api-0";
  made.operation = operation;
  made.key = key;
  if (revision > 0) made.revision = revision;
  if (made.operation == "put") made.value = value;
  if (made.operation == "watch_event") made.observed = value;
  made.outcome = outcome;
  if (outcome == Outcome::ok) made.returned = made.call;
  return made;
}

const std::vector<Operation> three_writes{step("w", "put", 5, "a", "1"), step("w", "put", 7, "a", "2"), step("w", "put", 9, "b", "1")};

struct WatchCase {
  const char* name;
  Verdict verdict;
  std::vector<Operation> seen;
};

const WatchCase cases[] = {
    {"all of it, over a resumption", Verdict::pass,
     {step("x", "watch_list", 5), step("x", "watch_event", 7, "a", "2"), step("x", "watch_resume", 7), step("x", "watch_event", 9, "b", "1"), step("x", "watch_end", 9)}},
    {"a new list closes a gap", Verdict::pass, {step("x", "watch_list", 4), step("x", "watch_event", 5, "a", "1"), step("x", "watch_list", 9), step("x", "watch_end", 9)}},
    {"an unanswered write may show up", Verdict::pass,
     {step("w", "put", 0, "b", "9", Outcome::unknown), step("x", "watch_list", 9), step("x", "watch_event", 11, "b", "9"), step("x", "watch_end", 11)}},
    {"nobody watched", Verdict::not_applicable, {}},
    {"cut off", Verdict::unknown, {step("x", "watch_list", 9)}},
    {"one missing in the middle", Verdict::fail, {step("x", "watch_list", 4), step("x", "watch_event", 5, "a", "1"), step("x", "watch_event", 9, "b", "1"), step("x", "watch_end", 9)}},
    {"one missing before a bookmark", Verdict::fail, {step("x", "watch_list", 7), step("x", "watch_end", 9)}},
    {"one missing before a new list", Verdict::fail, {step("x", "watch_list", 4), step("x", "watch_event", 7, "a", "2"), step("x", "watch_list", 9), step("x", "watch_end", 9)}},
    {"twice after a resumption", Verdict::fail,
     {step("x", "watch_list", 7), step("x", "watch_event", 9, "b", "1"), step("x", "watch_resume", 9), step("x", "watch_event", 9, "b", "1"), step("x", "watch_end", 9)}},
    {"in the wrong order", Verdict::fail, {step("x", "watch_list", 5), step("x", "watch_event", 9, "b", "1"), step("x", "watch_event", 7, "a", "2"), step("x", "watch_end", 9)}},
    {"a value nobody wrote", Verdict::fail, {step("x", "watch_list", 9), step("x", "watch_event", 10, "b", "7"), step("x", "watch_end", 10)}},
    {"a write that was refused", Verdict::fail,
     {step("w", "put", 0, "b", "8", Outcome::failed), step("x", "watch_list", 9), step("x", "watch_event", 10, "b", "8"), step("x", "watch_end", 10)}},
    {"another revision than the answer named", Verdict::fail, {step("x", "watch_list", 7), step("x", "watch_event", 8, "b", "1"), step("x", "watch_end", 8)}},
    {"never served the end", Verdict::fail, {step("x", "watch_list", 5), step("x", "watch_event", 7, "a", "2"), step("x", "watch_end", 7)}},
};

TEST(Watches, CompleteOrderedAndTrue) {
  for (const WatchCase& one : cases) {
    std::vector<Operation> operations = three_writes;
    operations.insert(operations.end(), one.seen.begin(), one.seen.end());
    const ConductResult result = check_watches(operations);
    EXPECT_EQ(name(result.verdict), name(one.verdict)) << one.name << ": " << result.reason;
    if (one.verdict == Verdict::fail) EXPECT_FALSE(result.evidence.empty()) << one.name;
  }
}

}  // namespace
}  // namespace skidpad::check

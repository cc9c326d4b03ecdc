#include "harness/check/linearizability.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/check/known_histories.hpp"
#include "harness/runtime/random.hpp"

namespace skidpad::check {
namespace {

using history::Operation;
using history::Outcome;
using runtime::Duration;

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

Operation operation(std::string client, std::string name, std::int64_t call, std::int64_t returned) {
  Operation result;
  result.client = std::move(client);
  result.operation = std::move(name);
  result.key = "k";
  result.call = Duration(call);
  if (returned >= 0) result.returned = Duration(returned);
  result.outcome = returned >= 0 ? Outcome::ok : Outcome::unknown;
  return result;
}
Operation put(std::string client, std::string value, std::int64_t call, std::int64_t returned) {
  Operation result = operation(std::move(client), "put", call, returned);
  result.value = std::move(value);
  return result;
}
Operation get(std::string client, std::optional<std::string> observed, std::int64_t call, std::int64_t returned) {
  Operation result = operation(std::move(client), "get", call, returned);
  result.observed = std::move(observed);
  return result;
}
Operation cas(std::string client, std::optional<std::string> compare, std::string value, bool applied, std::int64_t call, std::int64_t returned) {
  Operation result = operation(std::move(client), "cas", call, returned);
  result.compare = std::move(compare);
  result.value = std::move(value);
  result.applied = applied;
  return result;
}

struct Case {
  const char* name;
  std::vector<Operation> operations;
  Verdict verdict;
};

TEST(Linearizability, JudgesTheSmallestHistoriesOfEachKind) {
  const Operation failed_put = [] {
    Operation one = put("a", "1", 0, 1);
    one.outcome = Outcome::failed;
    return one;
  }();
  const Case cases[] = {
      {"empty", {}, Verdict::pass},
      {"read of the unset register", {get("a", std::nullopt, 0, 1)}, Verdict::pass},
      {"value nobody wrote", {get("a", "1", 0, 1)}, Verdict::fail},
      {"write then read", {put("a", "1", 0, 1), get("b", "1", 2, 3)}, Verdict::pass},
      {"stale read", {put("a", "1", 0, 1), put("a", "2", 2, 3), get("b", "1", 4, 5)}, Verdict::fail},
      {"overlapping read may see old", {put("a", "1", 0, 1), put("a", "2", 2, 6), get("b", "1", 3, 4)}, Verdict::pass},
      {"overlapping read may see new", {put("a", "1", 0, 1), put("a", "2", 2, 6), get("b", "2", 3, 4)}, Verdict::pass},
      {"new then old under one write", {put("a", "1", 0, 1), put("a", "2", 2, 9), get("b", "2", 3, 4), get("b", "1", 5, 6)}, Verdict::fail},
      {"touching intervals overlap", {put("a", "1", 0, 1), get("b", std::nullopt, 1, 2)}, Verdict::pass},
      {"lost acknowledged write", {put("a", "1", 0, 1), get("b", std::nullopt, 2, 3)}, Verdict::fail},
      {"unanswered write seen late", {put("a", "1", 0, 1), put("b", "2", 2, -1), get("a", "1", 3, 4), get("a", "2", 90, 91)}, Verdict::pass},
      {"unanswered write never seen", {put("a", "1", 0, 1), put("b", "2", 2, -1), get("a", "1", 90, 91)}, Verdict::pass},
      {"unanswered write seen and gone", {put("a", "1", 0, 1), put("b", "2", 2, -1), get("a", "2", 3, 4), get("a", "1", 5, 6)}, Verdict::fail},
      {"unanswered write seen before its call", {get("a", "2", 0, 1), put("b", "2", 2, -1)}, Verdict::fail},
      {"refused write seen", {failed_put, get("b", "1", 2, 3)}, Verdict::fail},
      {"cas applied", {put("a", "1", 0, 1), cas("a", "1", "2", true, 2, 3), get("b", "2", 4, 5)}, Verdict::pass},
      {"cas applied on the wrong value", {put("a", "1", 0, 1), cas("a", "9", "2", true, 2, 3)}, Verdict::fail},
      {"cas refused though it matched", {put("a", "1", 0, 1), cas("a", "1", "2", false, 2, 3)}, Verdict::fail},
      {"cas creates the absent key", {cas("a", std::nullopt, "1", true, 0, 1), get("b", "1", 2, 3)}, Verdict::pass},
      {"two cas win", {put("a", "1", 0, 1), cas("a", "1", "2", true, 2, 8), cas("b", "1", "3", true, 2, 8)}, Verdict::fail},
      {"deleted", {put("a", "1", 0, 1), operation("a", "delete", 2, 3), get("b", std::nullopt, 4, 5)}, Verdict::pass},
      {"back from the dead", {put("a", "1", 0, 1), operation("a", "delete", 2, 3), get("b", "1", 4, 5)}, Verdict::fail},
  };
  for (const Case& one : cases) {
    const LinearizabilityResult result = check_register(one.operations);
    EXPECT_EQ(name(result.verdict), name(one.verdict)) << one.name << ": " << result.reason;
    EXPECT_FALSE(result.reason.empty()) << one.name;
  }
}

TEST(Linearizability, NamesTheOperationNoOrderExplains) {
  const auto result = check_map(std::vector<Operation>{put("a", "1", 0, 1), put("a", "2", 2, 3), get("reader", "1", 4, 5)});
  EXPECT_EQ(result.verdict, Verdict::fail);
  EXPECT_NE(result.reason.find("key \"k\""), std::string::npos);
  EXPECT_NE(result.reason.find("reader get k saw \"1\""), std::string::npos) << result.reason;
}

TEST(Linearizability, KeysAreIndependent) {
  std::vector<Operation> operations{put("a", "1", 0, 1), get("b", std::nullopt, 2, 3)};
  operations[1].key = "another";
  EXPECT_EQ(check_map(operations).verdict, Verdict::pass);
  operations[1].key = "k";
  EXPECT_EQ(check_map(operations).verdict, Verdict::fail);
}

TEST(Linearizability, SaysUnknownWhenItsBudgetIsSpent) {
  std::vector<Operation> operations;
  for (int i = 0; i < 12; ++i) operations.push_back(put("c" + std::to_string(i), std::to_string(i), 0, 100));
  operations.push_back(get("reader", "never written", 200, 201));
  LinearizabilityOptions options;
  options.states_visited_max = 1000;
  const auto result = check_register(operations, options);
  EXPECT_EQ(result.verdict, Verdict::unknown);
  EXPECT_EQ(check_register(operations).verdict, Verdict::fail);
}

// Goal: the checker agrees with a real register under any overlap. Method: run seeded clients against a register whose effect
// happens at a known point inside each interval, then plant one stale read.
TEST(Linearizability, AcceptsWhatARegisterDidAndRefusesOnePlantedStaleRead) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    runtime::Random random(seed);
    struct Planned { Operation operation; std::int64_t effect; };
    std::vector<Planned> planned;
    for (int client = 0; client < 5; ++client) {
      std::int64_t now = static_cast<std::int64_t>(random.below(10));
      for (int i = 0; i < 40; ++i) {
        const auto length = static_cast<std::int64_t>(random.below(20)) + 2;
        const std::int64_t effect = now + 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(length - 1)));
        const bool writes = random.chance({1, 2});
        Operation one = writes ? put("c" + std::to_string(client), std::to_string(client * 100 + i), now, now + length)
                               : get("c" + std::to_string(client), std::nullopt, now, now + length);
        if (writes && random.chance({1, 8})) {
          one.returned.reset();
          one.outcome = Outcome::unknown;
        }
        planned.push_back({one, effect});
        now += length + 1 + static_cast<std::int64_t>(random.below(5));
      }
    }
    std::vector<Planned*> by_effect;
    for (Planned& one : planned) by_effect.push_back(&one);
    std::stable_sort(by_effect.begin(), by_effect.end(), [](const Planned* a, const Planned* b) { return a->effect < b->effect; });
    std::optional<std::string> value;
    for (Planned* one : by_effect) {
      if (one->operation.operation == "put") {
        const bool dropped = one->operation.outcome == Outcome::unknown && random.chance({1, 2});
        if (!dropped) value = one->operation.value;
      } else {
        one->operation.observed = value;
      }
    }
    std::vector<Operation> operations;
    for (const Planned& one : planned) operations.push_back(one.operation);
    const auto good = check_register(operations);
    ASSERT_EQ(good.verdict, Verdict::pass) << "seed " << seed << ": " << good.reason;
    operations.push_back(get("late", "1234567", 1'000'000, 1'000'001));  // written by nobody
    ASSERT_EQ(check_register(operations).verdict, Verdict::fail) << "seed " << seed;
    const Operation* first_written = nullptr;  // overwritten by answered writes that began after it returned
    for (const Operation& one : operations)
      if (one.operation == "put" && one.outcome == Outcome::ok && (!first_written || *one.returned < *first_written->returned)) first_written = &one;
    operations.back().observed = first_written->value;
    ASSERT_EQ(check_register(operations).verdict, Verdict::fail) << "seed " << seed;
  }
}

// A long history of one busy key must cost time in proportion, not in squares: the memo keeps only the window in flight.
TEST(Linearizability, JudgesTwentyThousandOperationsOnOneKey) {
  std::vector<Operation> operations;
  for (int i = 0; i < 10'000; ++i) {
    operations.push_back(put("a", std::to_string(i), i * 10, i * 10 + 7));
    operations.push_back(get("b", i % 3 == 0 && i > 0 ? std::to_string(i - 1) : std::to_string(i), i * 10 + 5, i * 10 + 9));
  }
  const auto result = check_register(operations);
  EXPECT_EQ(result.verdict, Verdict::pass) << result.reason;
  EXPECT_LT(result.states_visited, 60'000u);
}

void expect_known_verdicts(const std::filesystem::path& folder) {
  std::size_t judged = 0;
  std::size_t states = 0;
  const Json verdicts = Json::parse(text_of(folder / "jepsen-etcd/verdicts.json"));
  for (const auto& [file, verdict] : verdicts.items()) {
    const auto operations = read_jepsen_register(text_of(folder / "jepsen-etcd" / file));
    ASSERT_GT(operations.size(), 10u) << file;
    const auto result = check_register(operations);
    EXPECT_EQ(name(result.verdict), verdict == "linearizable" ? "pass" : "fail") << file << ": " << result.reason;
    states += result.states_visited;
    ++judged;
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder / "kv")) {
    const auto operations = read_key_value(text_of(entry.path()));
    ASSERT_GT(operations.size(), 10u) << entry.path();
    LinearizabilityOptions options;
    options.absent_reads = AbsentReads::as_empty_text;
    const auto result = check_map(operations, options);
    EXPECT_EQ(name(result.verdict), entry.path().stem().string().ends_with("-ok") ? "pass" : "fail") << entry.path() << ": " << result.reason;
    states += result.states_visited;
    ++judged;
  }

  std::printf("judged %zu histories of %s in %zu states\n", judged, folder.filename().c_str(), states);
}

TEST(Linearizability, GivesTheKnownVerdictOfRecordedHistories) { expect_known_verdicts(std::filesystem::path(SKIDPAD_SOURCE_DIR) / "harness/check/testdata"); }

TEST(Linearizability, GivesTheKnownVerdictOfEverySharedHistory) {
  const std::filesystem::path folder = std::filesystem::path(SKIDPAD_SOURCE_DIR) / "../shared/histories";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no ../shared/histories beside this repository";
  expect_known_verdicts(folder);
}

}  // namespace
}  // namespace skidpad::check

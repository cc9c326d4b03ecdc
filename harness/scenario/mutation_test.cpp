// Goal: whatever the bytes, the loader gives a sensible scenario or exactly one error line, and the schema does not contradict it.
// Method: seeded random edits of good scenarios: bytes flipped, pieces cut, doubled, swapped, and words of the language put in.
#include <gtest/gtest.h>

#include <array>
#include <regex>

#include "harness/runtime/random.hpp"
#include "harness/scenario/json_schema_testing.hpp"
#include "harness/scenario/loader.hpp"
#include "harness/scenario/scenario_testing.hpp"
#include "harness/scenario/schema.hpp"
#include "harness/scenario/writer.hpp"

namespace skidpad::scenario {
namespace {

using runtime::Random;

constexpr std::array<std::string_view, 44> snippets{
    "\n",      ": ",       "- ",        "[",        "]",          "{",        "}",          "\"",      "'",       "#",       "&a ",
    "*a",      "!!str ",   "? ",        "| \n",     "> \n",       "---\n",    "...\n",      "%YAML",   "\t",      "\r\n",    "\xEF\xBB\xBF",
    "\xFF",    "~",        "off",       "030",      "-1",         "0",        "1e9",        "99999999999", "\"30s\"", "\"1x floor\"", "\"1/0\"",
    "all",     "one_etcd", "worker_0",  "same_as_loss",           "etcd_majority",          "partition",   "kill_process", "  ", ",",
    "<<: ",    "name: x\n",
};

std::string mutate(std::string text, Random& random) {
  const std::uint64_t edits = 1 + random.below(4);
  for (std::uint64_t edit = 0; edit < edits; ++edit) {
    const std::size_t at = random.below(text.size() + 1);
    const std::size_t length = std::min<std::size_t>(random.below(12), text.size() - at);
    switch (random.below(6)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, snippets[random.below(snippets.size())]);
        break;
      case 3:
        text.replace(at, length, snippets[random.below(snippets.size())]);
        break;
      case 4:
        text.insert(random.below(text.size() + 1), text.substr(at, length * 4));
        break;
      case 5: {  // a line twice, or gone
        const std::size_t begin = text.rfind('\n', at == 0 ? 0 : at - 1);
        const std::size_t from = begin == std::string::npos ? 0 : begin + 1;
        const std::size_t to = std::min(text.find('\n', from), text.size() - 1);
        if (from <= to) {
          const std::string line = text.substr(from, to - from + 1);
          random.below(2) == 0 ? text.insert(from, line) : text.erase(from, line.size());
        }
        break;
      }
    }
    if (text.empty()) text = "\n";
  }
  return text;
}

TEST(Loader, AnyBytesGiveAScenarioOrOneError) {
  constexpr std::uint64_t seed = 20'261'122;
  constexpr int rounds = 6'000;
  const testing::JsonSchema schema(scenario_schema());
  const std::regex one_line(R"([^\n]{1,1500})");
  std::vector<std::string> originals;
  for (const auto& file : testing::tree_scenarios()) originals.push_back(testing::read_file(file));
  for (const auto& file : testing::golden_inputs())
    if (file.filename().string().starts_with("good-")) originals.push_back(testing::read_file(file));

  Random random(seed);
  int accepted = 0, refused = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::string text = mutate(originals[random.below(originals.size())], random);
    const std::string name = text.substr(std::min(text.find("name: ") + 6, text.size()), 40);
    const std::string file = name.substr(0, name.find('\n')) + ".yaml";
    try {
      const Scenario scenario = parse_scenario(text, file);
      ++accepted;
      EXPECT_EQ(parse_scenario(write_scenario(scenario), scenario.name + ".yaml"), scenario) << text;
      EXPECT_EQ(schema.errors(testing::as_json(parse_document(text))), "") << text;
    } catch (const ScenarioError& error) {
      ++refused;
      const std::string line = error.what();
      EXPECT_EQ(line.find('\n'), std::string::npos) << line;
      EXPECT_NE(line.find("; expected "), std::string::npos) << line;
      EXPECT_LT(line.size(), 1500u) << line;
      EXPECT_FALSE(error.refusal().path.empty()) << line;
      if (error.refusal().stage == Stage::shape) {
        EXPECT_NE(schema.errors(testing::as_json(parse_document(text))), "") << line << "\n" << text;
      }
    }
    if (HasFailure()) {
      std::cerr << "seed " << seed << ", round " << round << "\n";
      return;
    }
  }
  EXPECT_GT(accepted, rounds / 50) << "edits too wild to tell anything about good scenarios";
  EXPECT_GT(refused, rounds / 4);
}

}  // namespace
}  // namespace skidpad::scenario

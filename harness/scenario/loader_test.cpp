#include "harness/scenario/loader.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <regex>

#include "harness/scenario/fields.hpp"
#include "harness/scenario/scenario_testing.hpp"
#include "harness/scenario/writer.hpp"

namespace skidpad::scenario {
namespace {

namespace filesystem = std::filesystem;

/// What a pair expects: the scenario in its canonical form, or the one error.
std::string outcome(const filesystem::path& file) {
  try {
    return write_scenario(parse_scenario(testing::read_file(file), file.filename().string()));
  } catch (const UsageError& refused) {
    return std::string("error: ") + refused.what() + "\n";
  }
}

// "FILE:LINE:COLUMN: field.path: what is wrong; expected ...", one line.
void expect_one_error_line(const std::string& line) {
  static const std::regex form(R"([^\n]+:[1-9][0-9]*:[1-9][0-9]*: [^ ]+: [^\n]+; expected [^\n]+)");
  EXPECT_LT(line.size(), 1500u) << line;
  EXPECT_TRUE(std::regex_match(line, form)) << line;
}

TEST(LoadScenario, GoldenPairs) {
  const auto inputs = testing::golden_inputs();
  ASSERT_GT(inputs.size(), 100u);
  for (const auto& input : inputs) {
    SCOPED_TRACE(input.filename().string());
    const std::string actual = outcome(input);
    std::string expected_file = input.string();
    expected_file.replace(expected_file.rfind(".input."), 7, ".expected.");
    testing::expect_golden(expected_file, actual);
    const bool is_good = input.filename().string().starts_with("good-");
    EXPECT_EQ(actual.starts_with("error: "), !is_good) << actual;
    if (!is_good) expect_one_error_line(actual.substr(7, actual.size() - 8));
  }
}

TEST(LoadScenario, ReadsItsOwnCanonicalFormBack) {
  auto files = testing::tree_scenarios();
  for (const auto& input : testing::golden_inputs())
    if (input.filename().string().starts_with("good-")) files.push_back(input);
  for (const auto& file : files) {
    const Scenario scenario = load_scenario(file);
    const std::string text = write_scenario(scenario);
    const Scenario again = parse_scenario(text, scenario.name + ".yaml");
    EXPECT_EQ(again, scenario) << text;
    EXPECT_EQ(write_scenario(again), text);
  }
}

TEST(TreeScenarios, AllLoad) {
  const auto files = testing::tree_scenarios();
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) EXPECT_NO_THROW(load_scenario(file)) << outcome(file);
}

TEST(TreeScenarios, TellTheirStoryInOrder) {
  KeyCollector order;
  Scenario any;
  describe(order, any);
  for (const auto& file : testing::tree_scenarios()) {
    const Value document = parse_document(testing::read_file(file));
    std::size_t last = 0;
    for (const Entry& entry : document.entries) {
      const auto at = static_cast<std::size_t>(std::find(order.keys.begin(), order.keys.end(), entry.key) - order.keys.begin());
      EXPECT_GE(at, last) << file << ": " << entry.key << " comes too late";
      last = at;
    }
  }
}

TEST(TreeScenarios, NodeLossIsAboutAHighlyAvailableClusterOnAnyDriver) {
  const Scenario node_loss = load_scenario(testing::source_folder() / "scenarios/conformance/node-loss.yaml");
  EXPECT_EQ(node_loss.topology.etcd, 3u);
  EXPECT_EQ(node_loss.topology.workers, 5u);
  EXPECT_EQ(node_count(node_loss.topology), 8u);
  ASSERT_EQ(node_loss.faults.size(), 1u);
  EXPECT_EQ(node_loss.faults[0].kind, FaultKind::destroy_machine);
  EXPECT_TRUE(node_loss.drivers.empty()) << "the same file runs on every driver";
}

TEST(Documentation, ShowsAScenarioThatLoads) {
  const std::string text = testing::read_file(testing::source_folder() / "docs/scenario-language.md");
  constexpr std::string_view open = "```yaml\n", close = "```\n";
  std::string scenario;
  for (std::size_t from = text.find(open); from != std::string::npos; from = text.find(open, from)) {
    from += open.size();
    scenario += text.substr(from, text.find(close, from) - from);
  }
  EXPECT_NO_THROW(parse_scenario(scenario, "node-loss.yaml")) << scenario;
}

// --- input that no pair can hold: too large, too deep, binary, not a file ---

struct HostileText {
  std::string_view name;
  std::function<std::string()> text;
  std::string_view says;
};

std::string repeated(std::string_view piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

std::string alias_bomb() {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + repeated(", " + before, 8) + "]\n";
  }
  return text;
}

std::string deep_block(std::size_t levels) {
  std::string text;
  for (std::size_t i = 0; i < levels; ++i) text += std::string(i, ' ') + "a:\n";
  return text;
}

const HostileText hostile_texts[] = {
    {"empty", [] { return std::string(); }, "is empty"},
    {"blank lines", [] { return std::string("\n\n  \n"); }, "is empty"},
    {"nul", [] { return std::string("name: a\0b\n", 10); }, "control character 0x00"},
    {"all nul", [] { return std::string(1000, '\0'); }, "control character 0x00"},
    {"byte order mark", [] { return std::string("\xEF\xBB\xBF# a\nname: a\n"); }, "byte order mark"},
    {"utf-16", [] { return std::string("\xFF\xFE#\0 \0", 6); }, "UTF-16"},
    {"utf-16 without mark", [] { return std::string("#\0 \0a\0", 6); }, "control character 0x00"},
    {"latin-1", [] { return std::string("# \xFC" "ber\n"); }, "byte 0xfc, which is not UTF-8"},
    {"overlong", [] { return std::string("# \xC0\xAF\n"); }, "byte 0xc0"},
    {"surrogate", [] { return std::string("# \xED\xA0\x80\n"); }, "byte 0xed"},
    {"beyond unicode", [] { return std::string("# \xF4\x90\x80\x80\n"); }, "byte 0xf4"},
    {"cut short", [] { return std::string("# \xE2\x82"); }, "byte 0xe2"},
    {"escape", [] { return std::string("# \x1b[31m\n"); }, "control character 0x1b"},
    {"elf", [] { return std::string("\x7f" "ELF\x02\x01\x01\0\0", 9); }, "control character 0x7f"},
    {"carriage returns", [] { return std::string("# a\r\nname: a\r\n"); }, "carriage return"},
    {"alias bomb", alias_bomb, "anchor"},
    {"recursive alias", [] { return std::string("a: &a [*a]\n"); }, "anchor"},
    {"100,000 lists", [] { return repeated("[", 100'000); }, "; expected"},
    {"100,000 closed lists", [] { return repeated("[", 100'000) + repeated("]", 100'000); }, "nested too deep"},
    {"100,000 maps", [] { return repeated("{a: ", 50'000); }, "; expected"},
    {"100,000 bare maps", [] { return repeated("{", 100'000); }, "list or map as a key"},
    {"100,000 dashes", [] { return repeated("- ", 100'000); }, "nested too deep"},
    {"100,000 question marks", [] { return repeated("? ", 100'000); }, "list or map as a key"},
    {"100,000 lines of lists", [] { return repeated("[\n", 100'000); }, "; expected"},
    {"100,000 maps in a key", [] { return "a: " + repeated("{a: ", 50'000); }, "nested too deep"},
    {"100,000 lists in a key", [] { return "a: " + repeated("[", 100'000); }, "; expected"},
    {"deep block", [] { return deep_block(600); }, "nested too deep"},
    {"seventeen levels", [] { return deep_block(17) + std::string(18, ' ') + "b\n"; }, "nested too deep"},
    {"100,000 anchors", [] { return repeated("&a ", 50'000); }, "; expected"},
    {"100,000 tags", [] { return repeated("!a ", 50'000); }, "; expected"},
    {"100,000 keys", [] {
       std::string text = "# a\n";
       for (int i = 0; i < 20'000; ++i) text += "k" + std::to_string(i) + ": 1\n";
       return text;
     }, "one value too many"},
    {"one very long line", [] { return "name: " + std::string(200'000, 'x') + "\n"; }, "; expected"},
    {"one very long key", [] { return std::string(200'000, 'x') + ": 1\n"; }, "; expected"},
    {"one very long quoted text", [] { return "# a\nname: \"" + std::string(200'000, 'x') + "\"\n"; }, "; expected"},
    {"too many bytes", [] { return std::string(300'000, '#'); }, "expected at most 262144"},
};

TEST(ParseScenario, HostileTextIsOneError) {
  for (const auto& hostile : hostile_texts) {
    SCOPED_TRACE(hostile.name);
    const std::string text = hostile.text();
    try {
      parse_scenario(text, "x.yaml");
      ADD_FAILURE() << "accepted";
    } catch (const ScenarioError& refused) {
      expect_one_error_line(refused.what());
      EXPECT_NE(std::string_view(refused.what()).find(hostile.says), std::string_view::npos) << refused.what();
    }
  }
}

/// A folder of its own that is gone afterwards.
class ScenarioFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (filesystem::temp_directory_path() / "skidpad-scenario-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { filesystem::remove_all(folder_); }

  void expect_refused(const filesystem::path& file, std::string_view says) const {
    try {
      load_scenario(file);
      ADD_FAILURE() << file << " accepted";
    } catch (const ScenarioError& refused) {
      expect_one_error_line(refused.what());
      EXPECT_NE(std::string_view(refused.what()).find(says), std::string_view::npos) << refused.what();
    }
  }

  filesystem::path folder_;
};

TEST_F(ScenarioFiles, WhatIsNoReadableFileIsOneError) {
  expect_refused(folder_ / "missing.yaml", "does not exist");
  expect_refused(folder_ / "missing" / "deeper.yaml", "does not exist");
  expect_refused(folder_, "is a directory");
  expect_refused("/dev/zero", "is no regular file");
  ASSERT_EQ(::mkfifo((folder_ / "pipe.yaml").c_str(), 0600), 0);
  expect_refused(folder_ / "pipe.yaml", "is no regular file");
  filesystem::create_symlink("loop.yaml", folder_ / "loop.yaml");
  expect_refused(folder_ / "loop.yaml", "cannot be looked at");
  expect_refused(folder_ / std::string(300, 'x'), "cannot be looked at");
  expect_refused("/proc/self/mem", "cannot be read");
  std::ofstream(folder_ / "two\nlines.yaml") << "";
  expect_refused(folder_ / "two\nlines.yaml", "is empty");
  if (::geteuid() != 0) {  // root reads everything
    std::ofstream(folder_ / "secret.yaml") << "x";
    filesystem::permissions(folder_ / "secret.yaml", filesystem::perms::none);
    expect_refused(folder_ / "secret.yaml", "cannot be opened");
  }
}

TEST_F(ScenarioFiles, OneOf64MebibytesIsRefusedUnread) {
  const auto file = folder_ / "large.yaml";
  std::ofstream(file) << "# a\n";
  filesystem::resize_file(file, 64 * 1024 * 1024);
  expect_refused(file, "has 67108864 bytes; expected at most 262144");
}

TEST(FirstComment, IsTheFirstParagraphAsOneLine) {
  EXPECT_EQ(first_comment("# a\n#   b \nname: x\n# c\n"), "a b");
  EXPECT_EQ(first_comment("# a\n#\n# b\n"), "a");
  EXPECT_EQ(first_comment("# yaml-language-server: $schema=x\n# a\n"), "a");
  EXPECT_EQ(first_comment("## a\n"), "a");
  EXPECT_EQ(first_comment("\n# a\n"), "");
  EXPECT_EQ(first_comment("name: x\n# a\n"), "");
  EXPECT_EQ(first_comment("#\n"), "");
  EXPECT_EQ(first_comment("#"), "");
  EXPECT_EQ(first_comment(""), "");
}

TEST(FindContradiction, SeesUnderTheTimersInForceWhatTheFileAloneDoesNotShow) {
  Scenario scenario = load_scenario(testing::source_folder() / "scenarios/conformance/node-loss.yaml");
  scenario.expect.redundancy_within = TimeSpan(std::chrono::hours(1));
  ASSERT_FALSE(find_contradiction(scenario)) << "the floor may be an hour";
  const auto quick = [](Timer timer) -> Duration { return timer == Timer::floor ? std::chrono::minutes(6) : std::chrono::seconds(10); };
  const auto found = find_contradiction(scenario, quick);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, "expect.redundancy_within");
  const auto slow = [](Timer timer) -> Duration { return timer == Timer::floor ? std::chrono::hours(2) : std::chrono::seconds(10); };
  EXPECT_FALSE(find_contradiction(scenario, slow));
}

}  // namespace
}  // namespace skidpad::scenario

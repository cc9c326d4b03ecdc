// What kubectl, as installed here, prints against a cluster of ours: a small one is brought up and the commands of
// testdata/kubectl/commands.txt are run against it, which says how they are written down.
#include <gtest/gtest.h>

#include <regex>

#include "harness/cli/command_testing.hpp"
#include "harness/runtime/json.hpp"

namespace skidpad::cli::testing {
namespace {

struct Expectation {
  char kind;           ///< '=', '~' or '!'
  std::string text;
};

struct Block {
  int line = 0;
  int minor_min = 0;   ///< of kubectl's version 1.N
  std::string command;
  int code = 0;
  std::chrono::seconds within{0};
  std::vector<Expectation> expectations;
};

std::vector<Block> read_blocks(const std::string& path) {
  std::vector<Block> blocks;
  std::ifstream file(path);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t space = line.find(' ');
    const std::string head = line.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (head[0] == '$') {
      Block block;
      block.line = number;
      block.command = rest;
      if (head.size() > 1) block.minor_min = std::stoi(head.substr(head.find('.') + 1));
      blocks.push_back(std::move(block));
      continue;
    }
    if (blocks.empty()) throw std::runtime_error(path + ": an expectation before any command");
    if (head == "exit") {
      blocks.back().code = std::stoi(rest);
    } else if (head == "within") {
      blocks.back().within = std::chrono::seconds(std::stoi(rest));
    } else if (head == "=" || head == "~" || head == "!") {
      blocks.back().expectations.push_back({head[0], rest});
    } else {
      throw std::runtime_error(path + ":" + std::to_string(number) + ": " + line);
    }
  }
  return blocks;
}

std::string without_end(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

/// "" or what is not as expected.
std::string judge(const Block& block, int code, const std::string& output) {
  std::string wrong;
  if (code != block.code) wrong += "exit " + std::to_string(code) + " instead of " + std::to_string(block.code) + "\n";
  for (const Expectation& one : block.expectations) {
    bool good = false;
    if (one.kind == '=') {
      good = without_end(output) == without_end(one.text);
    } else {
      const std::regex pattern(one.text, std::regex::ECMAScript | std::regex::multiline);
      good = std::regex_search(output, pattern) == (one.kind == '~');
    }
    if (!good) wrong += std::string(1, one.kind) + " " + one.text + "\n";
  }
  return wrong;
}

class KubectlCommands : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    fs::copy(SKIDPAD_SOURCE_DIR "/harness/cli/testdata/kubectl", scratch_.path("work"), fs::copy_options::recursive);
    options_.directory = scratch_.path("work");
    options_.environment["HOME"] = scratch_.path();
    // Another kubectl than the one on PATH, for trying by hand.
    if (const char* other = ::getenv("SKIDPAD_KUBECTL")) {
      fs::create_directories(scratch_.path("bin"));
      fs::create_symlink(other, scratch_.path("bin/kubectl"));
      options_.environment["PATH"] = scratch_.path("bin") + ":" + ::getenv("PATH");
    }
    if (run("kubectl version --client -o json", version_) != 0) GTEST_SKIP() << "no kubectl on this machine";
  }
  void TearDown() override {
    if (up_) run_skidpad(scratch_, {"down"});
  }
  int run(const std::string& command, std::string& output) {
    const Outcome outcome = Command(scratch_, {"sh", "-c", "exec 2>&1; " + command}, options_).wait(90s);
    output = outcome.out + outcome.error;
    return outcome.code;
  }

  Scratch scratch_;
  CommandOptions options_;
  std::string version_;
  bool up_ = false;
};

TEST_F(KubectlCommands, SeesWhatItWouldOnARealCluster) {
  up_ = true;
  const Outcome up = run_skidpad(scratch_, {"up", "--topology=standalone", "--workers=2"}, {}, 120s);
  ASSERT_EQ(up.code, 0) << up.error;
  const std::size_t at = up.out.find("export KUBECONFIG=");
  ASSERT_NE(at, std::string::npos) << up.out;
  const std::string kubeconfig = up.out.substr(at + 18, up.out.find('\n', at) - at - 18);
  fs::copy_file(kubeconfig, scratch_.path("kubeconfig"));
  options_.environment["KUBECONFIG"] = scratch_.path("kubeconfig");
  const auto version = runtime::parse_json(version_);
  ASSERT_TRUE(version) << version_;
  const int minor = std::stoi(runtime::text_at(version.value(), {"clientVersion", "minor"}, "0"));
  std::string output;
  ASSERT_EQ(run("kubectl create namespace e2e && kubectl config set-context --current --namespace=e2e", output), 0) << output;

  for (const Block& block : read_blocks(SKIDPAD_SOURCE_DIR "/harness/cli/testdata/kubectl/commands.txt")) {
    if (block.minor_min > minor) continue;
    const auto end = std::chrono::steady_clock::now() + block.within;
    std::string wrong;
    for (bool first = true; first || (!wrong.empty() && std::chrono::steady_clock::now() < end); first = false) {
      if (!first) std::this_thread::sleep_for(200ms);
      const int code = run(block.command, output);
      wrong = judge(block, code, output);
    }
    EXPECT_EQ(wrong, "") << "commands.txt:" << block.line << ": " << block.command << "\nprinted:\n" << output;
  }
}

// The reader of the table and its judge, on a planted table.
TEST(KubectlTable, FindsWhatIsNotAsExpected) {
  Scratch scratch;
  const auto blocks = read_blocks(scratch.write("table", "# a comment\n$ true\n= \n$1.24 false x\nexit 1\nwithin 3\n~ ^b$\n! c\n"));
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[1].minor_min, 24);
  EXPECT_EQ(blocks[1].command, "false x");
  EXPECT_EQ(judge(blocks[0], 0, "\n"), "");
  EXPECT_NE(judge(blocks[0], 0, "x\n"), "");
  EXPECT_EQ(judge(blocks[1], 1, "a\nb\n"), "");
  EXPECT_EQ(judge(blocks[1], 0, "a\nb\n"), "exit 0 instead of 1\n");
  EXPECT_EQ(judge(blocks[1], 1, "abc\n"), "~ ^b$\n! c\n");
}

}  // namespace
}  // namespace skidpad::cli::testing

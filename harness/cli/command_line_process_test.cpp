// The built program as its user meets it, up to where a cluster would be made. Needs no root.
#include <gtest/gtest.h>

#include <regex>

#include "harness/cli/command_testing.hpp"

namespace skidpad::cli::testing {
namespace {

const std::string node_loss = SKIDPAD_SOURCE_DIR "/scenarios/conformance/node-loss.yaml";

/// node-loss.yaml with one text in the place of another.
std::string changed(const std::string& before, const std::string& after) {
  std::string text = read_text(node_loss);
  const std::size_t at = text.find(before);
  EXPECT_NE(at, std::string::npos) << before;
  return text.replace(at, before.size(), after);
}

std::string alias_bomb() {
  std::string text = "# A billion laughs.\nname: node-loss\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 30; ++level) {
    text += "a" + std::to_string(level) + ": &a" + std::to_string(level) + " [";
    for (int copy = 0; copy < 10; ++copy) text += (copy == 0 ? "*a" : ", *a") + std::to_string(level - 1);
    text += "]\n";
  }
  return text;
}

struct BadFile {
  const char* name;
  std::string text;
  const char* said;  ///< part of the one line
};

// Goal: bad input costs one line and nothing else. Method: each through `validate` and through `run` on both drivers; afterwards
// the scratch directory holds what it held before.
TEST(BadScenario, IsOneLineWithItsPlaceAndTouchesNothing) {
  const BadFile table[] = {
      {"unknown key", changed("topology:\n", "topologie:\n"), "topologie"},
      {"duplicate key", changed("  etcd: 3\n", "  etcd: 3\n  etcd: 3\n"), "twice"},
      {"wrong unit", changed("hold: \"5s\"", "hold: \"5 parsecs\""), "steady_state.hold"},
      {"no unit", changed("hold: \"5s\"", "hold: 5"), "steady_state.hold"},
      {"negative", changed("workers: 5", "workers: -5"), "topology.workers"},
      {"overflowing", changed("workers: 5", "workers: 99999999999999999999"), "topology.workers"},
      {"octal", changed("workers: 5", "workers: 005"), "topology.workers"},
      {"unknown target", changed("target: worker_with_workload", "target: one_wroker"), "faults[0].target"},
      {"impossible count", changed("target: worker_with_workload", "target: 9_workers"), "faults[0].target"},
      {"contradicting deadlines", changed("deadline: \"2x floor + 1m\"", "deadline: \"1s\""), "expected"},
      {"alias bomb", alias_bomb(), "expected"},
      {"100,000 levels", "# Deep.\nname: " + std::string(100000, '['), "expected"},
      {"100,000 levels of blocks", [] {
         std::string text = "# Deep.\n";
         for (int level = 0; level < 3000; ++level) text += std::string(static_cast<std::size_t>(level), ' ') + "a:\n";
         return text;
       }(), "expected"},
      {"64 MiB", "# Big.\nname: " + std::string(64u << 20, 'x') + "\n", "expected"},
      {"binary", std::string("\x7f" "ELF\x02\x01\x01\0\0\0\xff\xfe", 12), "expected"},
      {"empty", "", "expected"},
  };
  for (const BadFile& bad : table) {
    SCOPED_TRACE(bad.name);
    const Scratch scratch;
    const std::string file = scratch.write("node-loss.yaml", bad.text);
    for (const auto& command : {std::vector<std::string>{"validate", file}, {"run", file, "--driver=sim"}, {"run", file, "--driver=process"}}) {
      CommandOptions options;
      options.directory = scratch.path();
      const auto begun = std::chrono::steady_clock::now();
      const Outcome outcome = run_skidpad(scratch, command, options, 10s);
      EXPECT_EQ(outcome.code, 64) << outcome.error;
      EXPECT_EQ(outcome.out, "");
      EXPECT_EQ(line_count(outcome.error), 1u) << outcome.error;
      EXPECT_LT(outcome.error.size(), 2000u);
      EXPECT_NE(outcome.error.find(bad.said), std::string::npos) << outcome.error;
      EXPECT_TRUE(std::regex_search(outcome.error, std::regex(R"(node-loss\.yaml:[1-9][0-9]*:[1-9][0-9]*: .*expected .*)"))) << outcome.error;
      EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
      EXPECT_EQ(scratch.listing(), (std::vector<std::string>{".error", ".out", "node-loss.yaml"}));
      EXPECT_EQ(traces_of(scratch.path()), std::vector<std::string>());
    }
  }
}

TEST(BadScenario, ThatCannotBeReadSaysSo) {
  const Scratch scratch;
  fs::create_directory(scratch.path("folder.yaml"));
  for (const std::string& file : {scratch.path("nowhere.yaml"), scratch.path("folder.yaml"), std::string("/proc/self/mem.yaml")}) {
    SCOPED_TRACE(file);
    for (const char* verb : {"validate", "run"}) {
      const Outcome outcome = run_skidpad(scratch, {verb, file});
      EXPECT_EQ(outcome.code, 64);
      EXPECT_EQ(line_count(outcome.error), 1u) << outcome.error;
      EXPECT_NE(outcome.error.find(file), std::string::npos) << outcome.error;
    }
  }
}

// One bad file among good ones: no cluster is made for the good ones first.
TEST(BadScenario, StopsTheGoodOnesBesideIt) {
  const Scratch scratch;
  const std::string file = scratch.write("bad.yaml", "name: bad\n");
  CommandOptions options;
  options.directory = scratch.path();
  const Outcome outcome = run_skidpad(scratch, {"run", node_loss, file, "--driver=sim"}, options);
  EXPECT_EQ(outcome.code, 64);
  EXPECT_EQ(line_count(outcome.error), 1u) << outcome.error;
  EXPECT_FALSE(fs::exists(scratch.path("run")));
}

TEST(BadArguments, AreOneLine) {
  const std::vector<std::string> table[] = {
      {},
      {"bogus"},
      {"run", "--no-such-flag"},
      {"run", "--seed=minus"},
      {"run", "--seed=-1"},
      {"run", "--seed=99999999999999999999999"},
      {"run", "--driver=abacus"},
      {"run", "--profile=slow"},
      {"run", "no-such-scenario"},
      {"run", node_loss, "--driver=sim", "--out=/proc/nowhere"},
      {"run", node_loss, "--driver=process", "--out=/etc/passwd/run"},
      {"validate"},
      {"check"},
      {"check", "/nowhere"},
      {"up", "--topology=ring"},
      {"up", "--workers=-1"},
      {"up", "--workers=100000"},
      {"up", "--name=../../etc"},
      {"up", "--name="},
      {"up", "--profile=slow"},
      {"down", "--name=a/b"},
      {"status", "--name=A"},
  };
  for (const auto& arguments : table) {
    std::string line;
    for (const std::string& argument : arguments) line += argument + " ";
    SCOPED_TRACE(line);
    const Scratch scratch;
    const Outcome outcome = run_skidpad(scratch, arguments);
    EXPECT_EQ(outcome.code, 64) << outcome.out;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(line_count(outcome.error), 1u) << outcome.error;
    EXPECT_EQ(scratch.listing(), (std::vector<std::string>{".error", ".out"}));
  }
}

TEST(CommandLine, KnowsItsVersionAndItsVerbs) {
  const Scratch scratch;
  const Outcome version = run_skidpad(scratch, {"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_TRUE(std::regex_match(version.out, std::regex(R"(skidpad \d+\.\d+\.\d+\n)"))) << version.out;
  const Outcome help = run_skidpad(scratch, {"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* verb : {"run", "up", "status", "down", "list", "validate", "check", "doctor"}) {
    EXPECT_NE(help.out.find(verb), std::string::npos) << verb;
  }
}

TEST(CommandLine, ListsEveryScenarioOfTheTreeAndFindsThemGood) {
  const Scratch scratch;
  std::vector<std::string> validate{"validate"};
  const Outcome list = run_skidpad(scratch, {"list"});
  EXPECT_EQ(list.code, 0) << list.error;
  for (const auto& entry : fs::recursive_directory_iterator(SKIDPAD_SOURCE_DIR "/scenarios")) {
    if (entry.path().extension() != ".yaml") continue;
    EXPECT_NE(list.out.find(entry.path().stem().string()), std::string::npos) << entry.path();
    validate.push_back(entry.path());
  }
  ASSERT_GT(validate.size(), 1u);
  const Outcome validated = run_skidpad(scratch, validate);
  EXPECT_EQ(validated.code, 0) << validated.error;
  EXPECT_EQ(line_count(validated.out), validate.size() - 1);
}

TEST(DryRun, PrintsThePlanAndMakesNothing) {
  const Scratch scratch;
  CommandOptions options;
  options.directory = scratch.path();
  const Outcome outcome = run_skidpad(scratch, {"run", node_loss, "--dry-run"}, options);
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_NE(outcome.out.find("destroy_machine"), std::string::npos) << outcome.out;
  EXPECT_EQ(scratch.listing(), (std::vector<std::string>{".error", ".out"}));
}

TEST(Doctor, SaysWhatIsMissingAndTheMend) {
  const Scratch scratch;
  CommandOptions options;
  options.environment["PATH"] = scratch.path();
  const Outcome bare = run_skidpad(scratch, {"doctor"}, options);
  EXPECT_TRUE(std::regex_search(bare.out, std::regex("limited +kubectl .*mend: apt-get install kubernetes-client"))) << bare.out;
  const Outcome whole = run_skidpad(scratch, {"doctor"});
  EXPECT_EQ(whole.code, 0) << whole.out;
  EXPECT_EQ(whole.out.find("missing"), std::string::npos) << whole.out;
  EXPECT_NE(whole.out.find("driver sim: ok"), std::string::npos) << whole.out;
}

// Goal: what a simulated run writes depends on its seed alone. Method: the same seed twice, another once.
TEST(SimulatedRun, WritesEqualBytesForEqualSeeds) {
  const Scratch scratch;
  for (const std::string name : {"first", "second", "other"}) {
    const Outcome outcome = run_skidpad(scratch, {"run", node_loss, "--driver=sim", name == "other" ? "--seed=8" : "--seed=7", "--out=" + scratch.path(name)}, {}, 120s);
    EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.error;
    for (const char* file : {"run.json", "trace.jsonl", "history.jsonl", "metrics.jsonl", "result.json", "junit.xml", "report.html"}) {
      EXPECT_GT(fs::file_size(scratch.path(name) + "/" + file), 0u) << file;
    }
  }
  for (const char* file : {"trace.jsonl", "history.jsonl", "metrics.jsonl"}) {
    EXPECT_EQ(read_text(scratch.path("first/") + file), read_text(scratch.path("second/") + file)) << file;
  }
  EXPECT_NE(read_text(scratch.path("first/trace.jsonl")), read_text(scratch.path("other/trace.jsonl")));
}

TEST(SimulatedRun, IsJudgedAgainFromItsFilesAlone) {
  const Scratch scratch;
  const std::string directory = scratch.path("run");
  const Outcome run = run_skidpad(scratch, {"run", node_loss, "--driver=sim", "--out=" + directory}, {}, 120s);
  const std::string result = read_text(directory + "/result.json");
  for (const char* file : {"result.json", "junit.xml", "report.html"}) fs::remove(directory + "/" + file);
  const Outcome check = run_skidpad(scratch, {"check", directory});
  EXPECT_EQ(check.code, run.code) << check.error;
  const auto verdict = [](const std::string& text) { return text.substr(text.find("\"verdict\""), 30); };
  EXPECT_EQ(verdict(read_text(directory + "/result.json")), verdict(result));
  EXPECT_TRUE(fs::exists(directory + "/report.html"));
}

}  // namespace
}  // namespace skidpad::cli::testing

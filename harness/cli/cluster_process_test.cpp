// Clusters on this host through the built program: made, looked at with kubectl, broken off at any moment, and gone afterwards.
#include <gtest/gtest.h>

#include "harness/cli/command_testing.hpp"

namespace skidpad::cli::testing {
namespace {

const std::string node_loss = SKIDPAD_SOURCE_DIR "/scenarios/conformance/node-loss.yaml";

class ClusterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
  void TearDown() override {
    if (::geteuid() != 0) return;
    run_skidpad(scratch_, {"down"});
    expect_nothing_left();
  }
  void expect_nothing_left() {
    // The kernel takes its time to end what was killed.
    const auto end = std::chrono::steady_clock::now() + 5s;
    while (!traces_of(scratch_.path()).empty() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(20ms);
    EXPECT_EQ(traces_of(scratch_.path()), std::vector<std::string>());
  }
  std::vector<std::string> run_process(const std::string& directory) {
    return {skidpad, "run", node_loss, "--driver=process", "--out=" + directory};
  }
  Scratch scratch_;
};

std::string without_prefix(const std::string& text, const std::string& prefix) {
  const std::size_t at = text.find(prefix);
  return at == std::string::npos ? "" : text.substr(at + prefix.size(), text.find('\n', at) - at - prefix.size());
}

TEST_F(ClusterTest, ComesUpAnswersKubectlAndGoes) {
  const Outcome up = run_skidpad(scratch_, {"up", "--topology=standalone", "--workers=0"}, {}, 120s);
  ASSERT_EQ(up.code, 0) << up.error;
  EXPECT_EQ(line_count(up.out), 1u) << up.out;
  const std::string kubeconfig = without_prefix(up.out, "export KUBECONFIG=");
  ASSERT_TRUE(fs::exists(kubeconfig)) << up.out;

  const Outcome status = run_skidpad(scratch_, {"status"});
  EXPECT_EQ(status.code, 0) << status.error;
  EXPECT_NE(status.out.find("Running"), std::string::npos) << status.out;
  const Outcome again = run_skidpad(scratch_, {"up"});
  EXPECT_EQ(again.code, 64) << again.out;
  EXPECT_NE(again.error.find("already up"), std::string::npos) << again.error;

  const auto kubectl = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"kubectl", "--kubeconfig=" + kubeconfig});
    return Command(scratch_, arguments).wait(30s);
  };
  const Outcome nodes = kubectl({"get", "nodes", "--no-headers"});
  if (nodes.code == 127) {
    GTEST_LOG_(INFO) << "no kubectl on this machine: not asked";
  } else {
    EXPECT_EQ(nodes.code, 0) << nodes.error;
    EXPECT_EQ(line_count(nodes.out), 1u) << nodes.out;
    EXPECT_NE(nodes.out.find(" Ready "), std::string::npos) << nodes.out;
    const std::string manifest = scratch_.write("map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hello}\ndata: {a: b}\n");
    const Outcome created = kubectl({"create", "-f", manifest});
    EXPECT_EQ(created.out, "configmap/hello created\n") << created.error;
    EXPECT_EQ(kubectl({"get", "configmap", "hello", "-o", "jsonpath={.data.a}"}).out, "b");
    EXPECT_EQ(kubectl({"delete", "configmap", "hello"}).out, "configmap \"hello\" deleted\n");
  }

  const Outcome down = run_skidpad(scratch_, {"down"});
  EXPECT_EQ(down.code, 0) << down.error;
  expect_nothing_left();
  EXPECT_FALSE(fs::exists(kubeconfig));
  EXPECT_EQ(run_skidpad(scratch_, {"down"}).code, 0) << "nothing to take down is no error";
  EXPECT_NE(run_skidpad(scratch_, {"status"}).code, 0);
}

// Goal: a run that is killed outright leaves nothing once `down` has run, and its record can be read.
// Method: SIGKILL at moments from before there is a cluster to the middle of its recovery.
TEST_F(ClusterTest, KilledRunLeavesNothingAfterDown) {
  for (const char* moment : {"driver process", "cluster: machines", "cluster: nodes", "fault loss"}) {
    SCOPED_TRACE(moment);
    const std::string directory = scratch_.path(std::string("run-") + std::to_string(::rand()));
    {
      Command run(scratch_, run_process(directory));
      ASSERT_TRUE(run.wait_for_message(moment)) << run.error();
      std::this_thread::sleep_for(20ms);
      run.signal(SIGKILL);
      EXPECT_EQ(run.wait(10s).code, 128 + SIGKILL);
    }
    const Outcome down = run_skidpad(scratch_, {"down"});
    EXPECT_EQ(down.code, 0) << down.error;
    expect_nothing_left();
    if (moment == std::string("fault loss")) {
      const Outcome check = run_skidpad(scratch_, {"check", directory});
      EXPECT_TRUE(check.code == 1 || check.code == 2) << check.code << check.error;
      EXPECT_NE(read_text(directory + "/trace.jsonl").find("fault_injected"), std::string::npos);
    }
  }
}

// Goal: Ctrl-C and SIGTERM end a run in order at any moment: its cluster is torn down by the run itself, the record says why.
TEST_F(ClusterTest, InterruptedRunTidiesUpByItself) {
  int number = 0;
  for (const auto& [moment, signal] : {std::pair{"cluster: machines", SIGINT}, {"cluster: nodes", SIGTERM}, {"fault loss", SIGINT}}) {
    SCOPED_TRACE(moment);
    const std::string directory = scratch_.path("run-" + std::to_string(++number));
    Command run(scratch_, run_process(directory));
    ASSERT_TRUE(run.wait_for_message(moment)) << run.error();
    run.signal(signal);
    const Outcome outcome = run.wait(30s);
    EXPECT_NE(outcome.code, 0) << outcome.error;
    EXPECT_NE(outcome.code, 128 + signal) << "ended by the signal instead of by itself";
    expect_nothing_left();
    EXPECT_NE(read_text(directory + "/trace.jsonl").find("run_ended"), std::string::npos) << outcome.error;
  }
}

TEST_F(ClusterTest, NodeLossOnRealProcessesPassesAndLeavesNothing) {
  const std::string directory = scratch_.path("run");
  const auto command = run_process(directory);
  Command run(scratch_, command);
  const Outcome outcome = run.wait(300s);
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.error;
  expect_nothing_left();
  for (const char* file : {"run.json", "trace.jsonl", "history.jsonl", "metrics.jsonl", "result.json", "junit.xml", "report.html"}) {
    EXPECT_TRUE(fs::exists(directory + "/" + file)) << file;
  }
}

}  // namespace
}  // namespace skidpad::cli::testing

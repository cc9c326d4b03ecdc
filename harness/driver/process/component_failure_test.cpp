// Which endings make a cluster hopeless, and which belong to its coming up.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "harness/driver/process/component_failure.hpp"

namespace skidpad::driver::process {
namespace {

namespace fs = std::filesystem;

struct Scratch {
  Scratch() {
    char name[] = "/tmp/skidpad-failure-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Scratch() { fs::remove_all(path); }
  void write(const std::string& file, const std::string& text) const {
    fs::create_directories(fs::path(path + "/" + file).parent_path());
    std::ofstream(path + "/" + file) << text;
  }
  std::string path;
};

struct Case {
  const char* name;
  const char* phase;
  int restarts;
  const char* finished;  ///< started at 10:00:00
  bool hopeless;
  bool of_static_pod = true;
  const char* log = "first\n\nlast";
};

TEST(ComponentFailure, IsAContainerWhoseLivesWereShortThreeTimes) {
  const Case table[] = {
      {"ended three times", "waiting", 2, "2026-01-01T10:00:01Z", true},
      {"ended for good", "terminated", 4, "2026-01-01T10:00:00Z", true},
      {"ended twice", "waiting", 1, "2026-01-01T10:00:01Z", false},
      {"runs again", "running", 2, "2026-01-01T10:00:01Z", false},
      {"lived on for a while", "waiting", 5, "2026-01-01T10:00:09Z", false},
      {"lost its Lease", "waiting", 5, "2026-01-01T10:00:01Z", false, true, "E1122 10:00:00.1 1 leaderelection.go:1] leaderelection lost\n"},
      {"of a pod of the API, which may wait for its port", "waiting", 5, "2026-01-01T10:00:01Z", false, false},
  };
  for (const Case& one : table) {
    SCOPED_TRACE(one.name);
    const Scratch scratch;
    const Json end{{"exitCode", 3}, {"startedAt", "2026-01-01T10:00:00Z"}, {"finishedAt", one.finished}};
    const Json container{{"name", "etcd"}, {"phase", one.phase}, {"restartCount", one.restarts}, {"termination", end}};
    Json state{{"static", one.of_static_pod}, {"containers", Json::array({container})}};
    state["pod"]["metadata"] = Json{{"name", "etcd-node-1"}, {"namespace", "kube-system"}, {"uid", "u1"}};
    scratch.write("node-1/disk/var/lib/kubelet/pods/u1/state.json", state.dump());
    scratch.write("node-1/disk/var/lib/kubelet/log/pods/kube-system_etcd-node-1_u1/etcd/" + std::to_string(one.restarts) + ".log", one.log);
    const auto failure = find_component_failure(scratch.path);
    ASSERT_EQ(failure.has_value(), one.hopeless);
    if (!failure) continue;
    EXPECT_EQ(failure->headline, "etcd on node-1 ends again and again, at last with exit code 3");
    EXPECT_EQ(failure->log_end, (std::vector<std::string>{"first", "last"}));
  }
}

TEST(ComponentFailure, IsAUnitWhoseLivesWereShortThreeTimes) {
  const Scratch scratch;
  std::string long_log;
  for (int line = 1; line <= 30; ++line) long_log += "line " + std::to_string(line) + "\n";
  scratch.write("hollow-nodes/disk/var/log/hollow-1.log", long_log);
  scratch.write("hollow-nodes/boot.json", "{}");
  const std::string record = fs::relative(unit_record_path(scratch.path + "/hollow-nodes", "hollow-1"), scratch.path);
  for (const int lives : {0, 2, 3}) {
    scratch.write(record, Json{{"short_lives", lives}, {"how", "exit code 1"}}.dump());
    const auto failure = find_component_failure(scratch.path);
    ASSERT_EQ(failure.has_value(), lives == 3);
    if (!failure) continue;
    EXPECT_EQ(failure->headline, "hollow-1 on hollow-nodes ends again and again, at last with exit code 1");
    ASSERT_EQ(failure->log_end.size(), 10u);
    EXPECT_EQ(failure->log_end.back(), "line 30");
  }
  scratch.write(record, "{half");
  EXPECT_FALSE(find_component_failure(scratch.path).has_value()) << "a record that is being written is no failure";
  EXPECT_FALSE(find_component_failure(scratch.path + "/none").has_value());
}

}  // namespace
}  // namespace skidpad::driver::process

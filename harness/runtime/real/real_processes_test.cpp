#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/runtime/real/real_runtime.hpp"

namespace skidpad::runtime {
namespace {

class RealMachineTest : public ::testing::Test {
 protected:
  RealMachineTest() {
    std::string pattern = ::testing::TempDir() + "skidpad_runtime_XXXXXX";
    directory = ::mkdtemp(pattern.data());
  }
  ~RealMachineTest() override { EXPECT_TRUE(runtime.disk().remove_recursively(directory)); }

  ProcessSpec shell(const std::string& script) const {
    ProcessSpec spec;
    spec.executable = "/bin/sh";
    spec.arguments = {"-c", script};
    spec.environment["PATH"] = "/usr/bin:/bin";
    spec.working_directory = directory;
    spec.output_path = directory + "/output";
    return spec;
  }
  std::unique_ptr<Process> start(const std::string& script) { return runtime.processes().spawn(shell(script)).value(); }
  ExitStatus wait(Process& process) { return runtime.run_until_complete(process.wait()); }
  std::string read(const std::string& name) { return runtime.disk().read(directory + "/" + name).value(); }
  static RealRuntimeOptions quiet() {
    RealRuntimeOptions options;
    options.log_level = LogLevel::error;
    return options;
  }

  RealRuntime runtime{quiet()};
  std::string directory;
};

TEST_F(RealMachineTest, AProcessSeesExactlyItsEnvironmentAndItsOutputIsAppended) {
  ASSERT_TRUE(runtime.disk().write(directory + "/output", "before\n"));
  ProcessSpec spec = shell("/usr/bin/env; pwd; echo oops >&2; cat; exit 3");
  spec.environment["COLOUR"] = "blue";
  auto process = runtime.processes().spawn(spec).value();
  const ExitStatus status = wait(*process);
  EXPECT_EQ(status.code, 3);
  EXPECT_EQ(status.signal, 0);
  EXPECT_TRUE(status.code_known);
  EXPECT_EQ(process->exit_status()->code, 3);
  const std::string output = read("output");
  EXPECT_EQ(output.rfind("before\n", 0), 0u);
  EXPECT_NE(output.find("COLOUR=blue\n"), std::string::npos);
  EXPECT_NE(output.find(directory + "\n"), std::string::npos);
  EXPECT_NE(output.find("oops\n"), std::string::npos);
  EXPECT_EQ(output.find("HOME="), std::string::npos);
}

TEST_F(RealMachineTest, AMissingExecutableIsNotFound) {
  ProcessSpec spec = shell("");
  spec.executable = directory + "/nothing";
  EXPECT_EQ(runtime.processes().spawn(spec).error().code, ErrorCode::not_found);
}

TEST_F(RealMachineTest, ASignalReachesTheProcessAndItsDescendants) {
  auto process = start("sleep 1000 & echo $! > child; wait");
  struct Waiting {
    static Task<void> for_file(Runtime& runtime, std::string path) {
      while (!runtime.disk().exists(path) || runtime.disk().read(path).value().empty()) co_await runtime.sleep_for(1ms);
    }
    static Task<void> for_end(Runtime& runtime, pid_t pid) {
      // Its parent is gone; whoever inherited it may be slow to reap.
      for (int i = 0; i < 1000 && ::kill(pid, 0) == 0; ++i) {
        auto status = runtime.disk().read("/proc/" + std::to_string(pid) + "/stat");
        if (!status || status.value().find(") Z ") != std::string::npos) co_return;
        co_await runtime.sleep_for(1ms);
      }
    }
  };
  runtime.run_until_complete(Waiting::for_file(runtime, directory + "/child"));
  const pid_t child = std::stoi(read("child"));
  EXPECT_EQ(::kill(child, 0), 0);
  process->signal(Signal::kill);
  const ExitStatus status = wait(*process);
  EXPECT_EQ(status.signal, 9);
  EXPECT_EQ(status.code, 137);
  runtime.run_until_complete(Waiting::for_end(runtime, child));
  auto left = runtime.disk().read("/proc/" + std::to_string(child) + "/stat");
  EXPECT_TRUE(!left || left.value().find(") Z ") != std::string::npos);
  process->signal(Signal::kill);  // ended long ago: harmless
}

TEST_F(RealMachineTest, AProcessIsTakenUpAgainByItsIdAndNeverAnotherOne) {
  auto process = start("exec sleep 1000");
  const ProcessId id = process->id();
  process.reset();  // forgotten, not ended
  auto adopted = runtime.processes().adopt(id).value();
  EXPECT_EQ(adopted->id(), id);
  ProcessId other = id;
  ++other.start_time;
  EXPECT_EQ(runtime.processes().adopt(other).error().code, ErrorCode::not_found);
  adopted->signal(Signal::terminate);
  EXPECT_FALSE(adopted->exit_status().has_value());
  wait(*adopted);
  EXPECT_TRUE(adopted->exit_status().has_value());
  EXPECT_EQ(runtime.processes().adopt(id).error().code, ErrorCode::not_found);
}

TEST_F(RealMachineTest, ProcessesOutliveTheRuntimeThatStartedThem) {
  ProcessId id;
  {
    RealRuntime first(quiet());
    id = first.processes().spawn(shell("exec sleep 1000")).value()->id();
  }
  auto adopted = runtime.processes().adopt(id).value();
  adopted->signal(Signal::kill);
  // Still our child, so even its code is known.
  EXPECT_EQ(wait(*adopted).signal, 9);
}

TEST_F(RealMachineTest, AProcessWhoseParentIsSomebodyElseEndsWithUnknownCode) {
  auto parent = start("sleep 1000 & echo $! > child; wait");
  struct Waiting {
    static Task<void> for_file(Runtime& runtime, std::string path) {
      while (!runtime.disk().exists(path) || runtime.disk().read(path).value().empty()) co_await runtime.sleep_for(1ms);
    }
  };
  runtime.run_until_complete(Waiting::for_file(runtime, directory + "/child"));
  ProcessId id;
  id.pid = std::stoi(read("child"));
  const std::string stat = runtime.disk().read("/proc/" + std::to_string(id.pid) + "/stat").value();
  std::istringstream fields(stat.substr(stat.rfind(')') + 2));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  id.start_time = std::stoull(field);
  auto adopted = runtime.processes().adopt(id).value();
  parent->signal(Signal::kill);
  EXPECT_FALSE(wait(*adopted).code_known);
  wait(*parent);
}

TEST_F(RealMachineTest, RunCapturesOutputUpToItsBound) {
  const auto output = runtime.run_until_complete(runtime.processes().run(shell("echo out; echo err >&2; exit 4"), 65536)).value();
  EXPECT_EQ(output.output, "out\nerr\n");
  EXPECT_EQ(output.status.code, 4);
  const auto cut = runtime.run_until_complete(runtime.processes().run(shell("head -c 1000000 /dev/zero"), 10)).value();
  EXPECT_EQ(cut.output.size(), 10u);
  EXPECT_EQ(cut.status.code, 0);
  // A descendant that keeps the pipe does not keep the caller.
  const auto left = runtime.run_until_complete(runtime.processes().run(shell("sleep 1000 & echo $! ; exit 0"), 100)).value();
  ::kill(std::stoi(left.output), SIGKILL);
}

TEST_F(RealMachineTest, RunKillsTheCommandWhenTheCallerIsStopped) {
  struct Running {
    static Task<void> for_a_moment(Runtime& runtime, ProcessSpec spec) {
      auto running = runtime.processes().run(std::move(spec), 100);
      auto result = co_await with_timeout<Processes::Output>(runtime, 30ms, std::move(running));
      EXPECT_EQ(result.error().code, ErrorCode::timeout);
    }
    static Task<void> pause(Runtime& runtime) { co_await runtime.sleep_for(20ms); }
  };
  runtime.run_until_complete(Running::for_a_moment(runtime, shell("echo $$ > pid; exec sleep 1000")));
  const pid_t pid = std::stoi(read("pid"));
  for (int i = 0; i < 100 && ::kill(pid, 0) == 0; ++i) runtime.run_until_complete(Running::pause(runtime));
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(RealMachineTest, DiskReadsWhatItWroteAndNamesItsErrors) {
  Disk& disk = runtime.disk();
  const std::string path = directory + "/a/b/file";
  EXPECT_EQ(disk.write(path, "x").error().code, ErrorCode::not_found);
  ASSERT_TRUE(disk.make_directories(directory + "/a/b"));
  ASSERT_TRUE(disk.make_directories(directory + "/a/b"));
  ASSERT_TRUE(disk.write(path, "hello", 0600));
  ASSERT_TRUE(disk.append(path, " world"));
  ASSERT_TRUE(disk.sync(path));
  EXPECT_EQ(disk.read(path).value(), "hello world");
  EXPECT_EQ(disk.read(path, 4).error().code, ErrorCode::io);
  EXPECT_EQ(disk.read(path, 11).value(), "hello world");
  EXPECT_EQ(disk.read_from(path, 6, 3).value(), "wor");
  EXPECT_EQ(disk.read_from(path, 100, 3).value(), "");
  EXPECT_EQ(disk.status(path).value().size_bytes, 11u);
  EXPECT_EQ(disk.status(path).value().mode, 0600u);
  EXPECT_TRUE(disk.status(directory).value().is_directory);
  EXPECT_EQ(disk.create_exclusively(path, "").error().code, ErrorCode::already_exists);
  EXPECT_EQ(disk.make_directories(path).error().code, ErrorCode::already_exists);
  EXPECT_EQ(disk.read(directory + "/none").error().code, ErrorCode::not_found);
  EXPECT_EQ(disk.remove(directory + "/none").error().code, ErrorCode::not_found);
  EXPECT_EQ(disk.remove(directory + "/a").error().code, ErrorCode::io);
  ASSERT_TRUE(disk.write(directory + "/a/b/Zed", ""));
  EXPECT_EQ(disk.list(directory + "/a/b").value(), (std::vector<std::string>{"Zed", "file"}));
  ASSERT_TRUE(disk.rename(path, directory + "/moved"));
  EXPECT_FALSE(disk.exists(path));
  ASSERT_TRUE(disk.remove_recursively(directory + "/a"));
  EXPECT_EQ(disk.list(directory).value(), (std::vector<std::string>{"moved"}));
  EXPECT_FALSE(disk.read("/proc/self/stat").value().empty());  // a file that says it is empty
}

TEST_F(RealMachineTest, AnAtomicWriteLeavesTheNewOrTheOldAndNothingElse) {
  Disk& disk = runtime.disk();
  const std::string path = directory + "/state.json";
  ASSERT_TRUE(disk.write_atomically(path, "old", 0600));
  ASSERT_TRUE(disk.write_atomically(path, "new", 0644));
  EXPECT_EQ(disk.read(path).value(), "new");
  EXPECT_EQ(disk.status(path).value().mode, 0644u);
  EXPECT_EQ(disk.list(directory).value(), (std::vector<std::string>{"state.json"}));
  // Onto a directory it cannot: the temporary file goes, the error stays.
  ASSERT_TRUE(disk.make_directories(directory + "/full/inside"));
  EXPECT_FALSE(disk.write_atomically(directory + "/full", "new"));
  EXPECT_EQ(disk.list(directory).value(), (std::vector<std::string>{"full", "state.json"}));
}

}  // namespace
}  // namespace skidpad::runtime

/// @file command_testing.hpp
/// For the process tests of the command line: runs the built program as a user does, and looks at what it leaves behind.
/// Promise: a command that is still running when its owner goes is killed and waited for.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "harness/driver/process/cgroup.hpp"

namespace skidpad::cli::testing {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// A directory under /tmp that goes with its owner.
class Scratch {
 public:
  Scratch() {
    char name[] = "/tmp/skidpad-cli-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Scratch() { fs::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  std::string path(const std::string& below = "") const { return below.empty() ? path_ : path_ + "/" + below; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  /// Everything below it, sorted.
  std::vector<std::string> listing() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(path_)) names.push_back(fs::relative(entry.path(), path_));
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::string path_;
};

/// "" if it cannot be read: what /proc shows may be gone at any moment.
inline std::string read_text(const std::string& path) {
  std::string text;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char buffer[65536];
  for (ssize_t count = 0; file >= 0 && (count = ::read(file, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(count));
  if (file >= 0) ::close(file);
  return text;
}

struct Outcome {
  int code = -1;  ///< exit code, or 128 + signal
  std::string out;
  std::string error;
};

struct CommandOptions {
  std::string directory = SKIDPAD_SOURCE_DIR;
  std::map<std::string, std::string> environment;  ///< beside the inherited one; "" unsets
};

/// One running command. Standard output and error go to files, so that nothing is lost when it is killed.
class Command {
 public:
  Command(const Scratch& scratch, std::vector<std::string> arguments, CommandOptions options = CommandOptions())
      : out_(scratch.path(".out")), error_(scratch.path(".error")) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::close(0);
    ::open("/dev/null", O_RDONLY);
    ::dup2(::open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), 1);
    ::dup2(::open(error_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), 2);
    // The clusters of this test are its own, whatever the user has up.
    ::setenv("SKIDPAD_STATE", scratch.path("state").c_str(), 1);
    for (const auto& [name, value] : options.environment) value.empty() ? ::unsetenv(name.c_str()) : ::setenv(name.c_str(), value.c_str(), 1);
    if (::chdir(options.directory.c_str()) != 0) ::_exit(126);
    std::vector<char*> words;
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    ::_exit(127);
  }
  ~Command() {
    if (pid_ > 0 && !code_) signal(SIGKILL), wait(10s);
  }
  Command(const Command&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }
  std::string out() const { return read_text(out_); }
  std::string error() const { return read_text(error_); }
  bool running() { return !try_wait(); }
  /// Code -1 if it still runs when time is up.
  Outcome wait(std::chrono::seconds time_max = 60s) {
    const auto end = std::chrono::steady_clock::now() + time_max;
    while (!try_wait() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(5ms);
    return Outcome{code_.value_or(-1), out(), error()};
  }
  /// True once standard error holds the text; false if the command ended or time is up before that.
  bool wait_for_message(const std::string& text, std::chrono::seconds time_max = 60s) {
    const auto end = std::chrono::steady_clock::now() + time_max;
    while (std::chrono::steady_clock::now() < end) {
      if (error().find(text) != std::string::npos) return true;
      if (!running()) return error().find(text) != std::string::npos;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }

 private:
  bool try_wait() {
    if (code_) return true;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
  }
  std::string out_;
  std::string error_;
  pid_t pid_ = -1;
  std::optional<int> code_;
};

inline const std::string skidpad = SKIDPAD_BINARY_DIR "/skidpad";

/// `skidpad ARGUMENTS...` to its end.
inline Outcome run_skidpad(const Scratch& scratch, std::vector<std::string> arguments, CommandOptions options = CommandOptions(),
                           std::chrono::seconds time_max = 60s) {
  arguments.insert(arguments.begin(), skidpad);
  return Command(scratch, std::move(arguments), std::move(options)).wait(time_max);
}

inline std::size_t line_count(const std::string& text) { return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')); }

/// What a cluster of this build may have left on this host: living processes that run its programs or work below `directory`,
/// mounts below `directory`, control groups of a supervisor that is dead.
inline std::vector<std::string> traces_of(const std::string& directory) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename();
    if (pid[0] < '0' || pid[0] > '9' || pid == std::to_string(::getpid())) continue;
    std::string command = read_text("/proc/" + pid + "/cmdline");
    std::replace(command.begin(), command.end(), '\0', ' ');
    const std::string environment = read_text("/proc/" + pid + "/environ");
    if (command.find(directory) != std::string::npos || environment.find("SKIDPAD_STATE=" + directory) != std::string::npos) {
      found.push_back("process " + pid + " " + command.substr(0, 100));
    }
  }
  std::ifstream mounts("/proc/self/mounts");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(directory) != std::string::npos) found.push_back("mount " + line);
  }
  for (const std::string& group : driver::process::abandoned_cgroups()) found.push_back("control group " + group);
  return found;
}

}  // namespace skidpad::cli::testing

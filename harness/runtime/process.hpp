/// @file process.hpp
/// Child processes of a machine. They outlive the process that started them, as containers outlive a kubelet.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/runtime/result.hpp"
#include "harness/runtime/task.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::runtime {

/// Survives on disk: names one process of one boot of one machine, never a later one with the same number.
struct ProcessId {
  std::int64_t pid = 0;
  std::uint64_t start_time = 0;  ///< field 22 of /proc/PID/stat, or the simulator's spawn counter
  friend bool operator==(const ProcessId&, const ProcessId&) = default;
};

enum class Signal { terminate = 15, kill = 9, stop = 19, resume = 18, interrupt = 2, hangup = 1 };

struct ExitStatus {
  int code = 0;         ///< exit code, or 128 + signal as shells say it
  int signal = 0;       ///< the signal that ended it, or 0
  bool code_known = true;  ///< false for an adopted process that ended unseen
};

struct ProcessSpec {
  std::string executable;  ///< absolute path; in the simulator the last part names the program
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;  ///< the whole environment
  std::string working_directory;                   ///< "" = inherited
  std::string output_path;                         ///< stdout and stderr are appended here; "" = discarded
};

class Process {
 public:
  /// Forgets the process; does not end it.
  virtual ~Process() = default;
  virtual ProcessId id() const = 0;
  virtual Task<ExitStatus> wait() = 0;
  /// Set once ended.
  virtual std::optional<ExitStatus> exit_status() const = 0;
  /// To the process and its descendants (its process group).
  virtual void signal(Signal signal) = 0;
};

class Processes {
 public:
  virtual ~Processes() = default;
  /// not_found if there is no such executable.
  virtual Result<std::unique_ptr<Process>> spawn(ProcessSpec spec) = 0;
  /// Takes up a process that an earlier life of the caller started. not_found if it has ended.
  virtual Result<std::unique_ptr<Process>> adopt(ProcessId id) = 0;
  /// Runs a command to its end and returns its output (probes, exec). Stops it with SIGKILL when the caller is stopped.
  struct Output {
    ExitStatus status;
    std::string output;
  };
  virtual Task<Result<Output>> run(ProcessSpec spec, std::size_t output_bytes_max = 65536) = 0;
};

}  // namespace skidpad::runtime

/// @file machine_process.hpp
/// The supervisor's end of one running machine: its node-init and the control socket between them.
/// Promise: destroying it ends the machine, every process of it, and waits for that (bounded).
#pragma once

#include <memory>

#include "harness/driver/process/machine_boot.hpp"

namespace skidpad::driver::process {

struct MachineLaunch {
  Isolation isolation = Isolation::namespaces;
  std::string tag;
  std::string boot_path;  ///< a MachineBoot as JSON
  std::string log_path;   ///< node-init's own messages
};

class MachineProcess {
 public:
  /// Starts node-init by this program's own executable. The calling thread must live as long as the machine: its end would end
  /// the machine (PR_SET_PDEATHSIG counts threads).
  static Result<std::unique_ptr<MachineProcess>> launch(const MachineLaunch& launch);
  ~MachineProcess();
  MachineProcess(const MachineProcess&) = delete;

  struct Ready {
    FileDescriptor tap;  ///< not open in loopback isolation
  };
  /// None while it is not ready yet; the error if it could not set the machine up or died.
  Result<std::optional<Ready>> poll_ready();
  /// Lets node-init start the units.
  Result<void> start_units();
  bool alive() const;
  std::int64_t host_pid() const { return pid_; }
  /// Ends every process and reaps node-init. False if something is still there after the time.
  bool kill(std::chrono::milliseconds time_max);

 private:
  MachineProcess(MachineLaunch launch, std::int64_t pid, FileDescriptor handle, FileDescriptor control)
      : launch_(std::move(launch)), pid_(pid), handle_(std::move(handle)), control_(std::move(control)) {}
  MachineLaunch launch_;
  std::int64_t pid_;
  FileDescriptor handle_;  ///< pidfd
  FileDescriptor control_;
  bool reaped_ = false;
};

}  // namespace skidpad::driver::process

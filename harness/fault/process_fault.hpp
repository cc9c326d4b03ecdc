/// @file process_fault.hpp
/// One program of a machine is killed, or stopped in its tracks (SIGSTOP) and later resumed.
/// Promise: exactly the processes found at injection are signalled; what is started in their place afterwards is not.
/// Witness: the machine's process table.
#pragma once

#include "harness/fault/fault.hpp"

namespace skidpad::fault {

struct ProcessFaultOptions {
  std::string program;  ///< last part of argv[0], such as "etcd"
  int signal = 9;       ///< 9, 15, 6 end it; 19 stops it until healed
};

std::unique_ptr<Fault> make_process_fault(Scene scene, ProcessFaultOptions options, std::vector<TargetMachine> targets);

}  // namespace skidpad::fault

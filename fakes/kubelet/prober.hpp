/// @file prober.hpp
/// Asks a container once: by HTTP, by connecting, or by a command.
#pragma once

#include "fakes/kubelet/environment.hpp"
#include "fakes/kubelet/probe.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::kubelet {

struct ProbeAnswer {
  bool success = false;
  std::string output;  ///< what the event says of a failure
};

/// @param address  the pod's, where the probe names no host
/// @param command  how an exec probe is run: executable, arguments, environment are complete
runtime::Task<ProbeAnswer> ask(runtime::Runtime& runtime, ProbeSpec spec, std::string address, runtime::ProcessSpec command);

/// One HTTP request of a lifecycle hook; success on 2xx and 3xx.
runtime::Task<ProbeAnswer> ask_http(runtime::Runtime& runtime, ProbeSpec spec, std::string address);

/// Absolute path of a command: as it is, or the first of the usual directories that has it.
std::string find_executable(runtime::Disk& disk, const std::string& command);

}  // namespace skidpad::fakes::kubelet

/// @file forwarder.hpp
/// Carries TCP connections from the host's loopback into the cluster, spread over several targets.
/// Promise: the listeners belong to the network namespace they were opened in; connections go out in the namespace of the
/// thread that calls start(); a target that refuses or does not answer soon is passed over, and tried last for a while.
/// Limits: one thread, a thousand connections.
#pragma once

#include <atomic>
#include <deque>
#include <thread>

#include "harness/driver/process/system_call.hpp"
#include "harness/runtime/network.hpp"

namespace skidpad::driver::process {

/// "6443=10.240.1.1:6443,10.240.1.2:6443"; host port 0 takes any free one.
struct ForwardSpec {
  std::uint16_t host_port = 0;
  std::vector<runtime::Endpoint> targets;
};
Result<ForwardSpec> parse_forward(std::string_view text);

class Forwarder {
 public:
  Forwarder() = default;
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  /// Opens the listener now; returns its port. Before start().
  Result<std::uint16_t> open(const ForwardSpec& spec);
  void start();
  void stop();

 private:
  class Loop;
  struct Entry {
    FileDescriptor listener;
    std::vector<runtime::Endpoint> targets;
  };
  std::vector<Entry> entries_;
  FileDescriptor wake_;
  std::thread thread_;
};

}  // namespace skidpad::driver::process

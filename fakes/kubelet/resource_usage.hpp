/// @file resource_usage.hpp
/// What processes and their children use of CPU and memory, read from /proc when somebody asks.
/// Promise: costs nothing while nobody asks. Simulated processes have no /proc: they use nothing.
#pragma once

#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::kubelet {

struct ResourceUse {
  std::uint64_t cpu_nanoseconds = 0;   ///< since the start
  std::uint64_t cpu_nanocores = 0;     ///< at present: since the last look, at least a second ago, or else since the start
  std::uint64_t memory_bytes = 0;      ///< resident
  std::uint64_t started_ticks = 0;     ///< of the process itself, in hundredths of a second since the machine's boot
  bool known = false;

  ResourceUse& operator+=(const ResourceUse& other);
};

class ResourceUsage {
 public:
  explicit ResourceUsage(runtime::Runtime& runtime) : runtime_(runtime) {}
  /// Of a process and everything it started.
  ResourceUse look(runtime::ProcessId process);
  /// Of this program alone.
  ResourceUse own();

 private:
  struct Look {
    runtime::Instant at{};
    std::uint64_t cpu_nanoseconds = 0;
    std::uint64_t started_ticks = 0;
    std::uint64_t cpu_nanocores = 0;
  };
  ResourceUse read(const std::string& process) const;
  ResourceUse read_tree(const std::string& process, int depth) const;
  ResourceUse with_rate(const std::string& key, ResourceUse use);
  double uptime_seconds() const;

  runtime::Runtime& runtime_;
  std::map<std::string, Look> looks_;
};

/// The "cpu" and "memory" parts of the summary API.
void put_usage(Json& entry, const ResourceUse& use, const std::string& time);

}  // namespace skidpad::fakes::kubelet

/// @file eviction.hpp
/// When the disk runs low, and which pods go then: the decisions of the kubelet's eviction manager, without any acting.
/// Promise: thresholds, order of pods and messages as in pkg/kubelet/eviction of Kubernetes 1.32, for hard thresholds of
/// nodefs.available and imagefs.available; other signals are read and ignored, as there is nothing to measure.
/// Source: evictionHard of KubeletConfiguration, and rankDiskPressureFunc.
#pragma once

#include <string>
#include <vector>

#include "harness/runtime/disk_space.hpp"
#include "harness/runtime/json.hpp"

namespace skidpad::fakes::kubelet {

struct EvictionThreshold {
  std::string signal;
  double ratio = 0;              ///< of the capacity; 0: see bytes
  std::uint64_t bytes = 0;
  std::uint64_t quantity_bytes(std::uint64_t capacity_bytes) const;
};

/// "nodefs.available<10%,memory.available<100Mi". The error's message names what is wrong.
runtime::Result<std::vector<EvictionThreshold>> parse_eviction_thresholds(std::string_view text);
std::vector<EvictionThreshold> default_eviction_thresholds();

struct DiskShortage {
  std::uint64_t threshold_bytes = 0;
  std::uint64_t available_bytes = 0;
};
/// The first threshold of a disk signal that is crossed.
std::optional<DiskShortage> disk_shortage(const std::vector<EvictionThreshold>& thresholds, const runtime::DiskSpace& space);

/// A pod that might go.
struct EvictionCandidate {
  std::string uid;
  std::int64_t priority = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t requested_bytes = 0;
};
/// Those that use more than they asked for first, then low priority, then what uses most beyond its request.
void rank_for_eviction(std::vector<EvictionCandidate>& candidates);
/// Static pods and system-critical priorities are never evicted.
bool is_critical_pod(const Json& pod);
std::string eviction_message(const DiskShortage& shortage, const Json& pod, const EvictionCandidate& candidate);
/// As resource.Quantity writes bytes: "512Mi", "1000".
std::string binary_quantity(std::uint64_t bytes);

}  // namespace skidpad::fakes::kubelet

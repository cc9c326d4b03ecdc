#include "fakes/kubelet/eviction.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "fakes/kubelet/environment.hpp"

namespace skidpad::fakes::kubelet {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;

namespace {

constexpr std::int64_t system_critical_priority = 2'000'000'000;

std::uint64_t excess(const EvictionCandidate& candidate) {
  return candidate.used_bytes > candidate.requested_bytes ? candidate.used_bytes - candidate.requested_bytes : 0;
}

}  // namespace

std::uint64_t EvictionThreshold::quantity_bytes(std::uint64_t capacity_bytes) const {
  return ratio > 0 ? static_cast<std::uint64_t>(static_cast<double>(capacity_bytes) * ratio) : bytes;
}

Result<std::vector<EvictionThreshold>> parse_eviction_thresholds(std::string_view text) {
  std::vector<EvictionThreshold> thresholds;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string part(text.substr(begin, end - begin));
    begin = end + 1;
    const std::size_t sign = part.find('<');
    if (sign == std::string::npos || sign == 0 || sign + 1 == part.size()) return Error(ErrorCode::invalid, part + ": expected SIGNAL<QUANTITY");
    EvictionThreshold threshold;
    threshold.signal = part.substr(0, sign);
    const std::string quantity = part.substr(sign + 1);
    double value = 0;
    if (quantity.back() == '%') {
      const auto read = std::from_chars(quantity.data(), quantity.data() + quantity.size() - 1, value);
      if (read.ec != std::errc() || read.ptr != quantity.data() + quantity.size() - 1 || value < 0 || value > 100) {
        return Error(ErrorCode::invalid, part + ": expected a share from 0% to 100%");
      }
      threshold.ratio = value / 100;
    } else if (!parse_quantity(quantity, value) || value < 0 || value > 1e18) {
      return Error(ErrorCode::invalid, part + ": expected a quantity");
    } else {
      threshold.bytes = static_cast<std::uint64_t>(value);
    }
    thresholds.push_back(std::move(threshold));
  }
  return thresholds;
}

std::vector<EvictionThreshold> default_eviction_thresholds() {
  return parse_eviction_thresholds("imagefs.available<15%,memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%").value();
}

std::optional<DiskShortage> disk_shortage(const std::vector<EvictionThreshold>& thresholds, const runtime::DiskSpace& space) {
  for (const EvictionThreshold& threshold : thresholds) {
    if (threshold.signal != "nodefs.available" && threshold.signal != "imagefs.available") continue;
    DiskShortage shortage;
    shortage.threshold_bytes = threshold.quantity_bytes(space.capacity_bytes);
    shortage.available_bytes = space.available_bytes;
    if (shortage.available_bytes < shortage.threshold_bytes) return shortage;
  }
  return std::nullopt;
}

void rank_for_eviction(std::vector<EvictionCandidate>& candidates) {
  const auto rank = [](const EvictionCandidate& one) { return std::tuple(excess(one) == 0, one.priority, UINT64_MAX - excess(one), one.uid); };
  std::sort(candidates.begin(), candidates.end(), [&](const EvictionCandidate& one, const EvictionCandidate& other) { return rank(one) < rank(other); });
}

bool is_critical_pod(const Json& pod) {
  const Json& annotations = runtime::find(pod, {"metadata", "annotations"});
  const std::string source = runtime::text_at(annotations, {"kubernetes.io/config.source"}, "api");
  return source != "api" || annotations.contains("kubernetes.io/config.mirror") || runtime::integer_at(pod, {"spec", "priority"}) >= system_critical_priority;
}

std::string binary_quantity(std::uint64_t bytes) {
  constexpr const char* units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  std::size_t unit = 0;
  while (bytes > 0 && bytes % 1024 == 0 && unit < 6) {
    bytes /= 1024;
    ++unit;
  }
  return std::to_string(bytes) + units[unit];
}

std::string eviction_message(const DiskShortage& shortage, const Json& pod, const EvictionCandidate& candidate) {
  std::string message = "The node was low on resource: ephemeral-storage. Threshold quantity: " + binary_quantity(shortage.threshold_bytes) +
                        ", available: " + binary_quantity(shortage.available_bytes / 1024 * 1024) + ". ";
  const Json& containers = runtime::list_at(pod, {"spec", "containers"});
  if (excess(candidate) > 0 && containers.size() == 1) {
    message += "Container " + runtime::text_at(containers[0], {"name"}) + " was using " + binary_quantity(candidate.used_bytes / 1024 * 1024) + ", request is " +
               binary_quantity(candidate.requested_bytes) + ", has larger consumption of ephemeral-storage. ";
  }
  return message;
}

}  // namespace skidpad::fakes::kubelet

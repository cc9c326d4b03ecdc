/// @file settings.hpp
/// What the node healer is told by its flags.
#pragma once

#include "harness/client/controller_host.hpp"
#include "harness/client/machines/machine.hpp"
#include "harness/runtime/flags.hpp"

namespace skidpad::controllers::node_healer {

using runtime::Duration;
using runtime::Instant;
using runtime::Result;
using runtime::WallTime;

/// The fuse (behaviour N2): "40%", "2/5" or "2".
class UnhealthyLimit {
 public:
  UnhealthyLimit() : UnhealthyLimit(40, 100) {}
  /// invalid for anything else, negative numbers, shares above the whole and a denominator of 0 included.
  static Result<UnhealthyLimit> parse(std::string_view text);
  /// Rounded down, at least one: a fuse that allows nothing is --paused.
  std::size_t allowed(std::size_t worker_count) const;

 private:
  UnhealthyLimit(std::uint64_t numerator, std::uint64_t denominator) : numerator_(numerator), denominator_(denominator) {}
  std::uint64_t numerator_;
  std::uint64_t denominator_;  ///< 0: numerator_ is a count
};

/// What decides, apart from what is seen. Defaults as behaviours.md.
struct Policy {
  Duration unhealthy_after = std::chrono::seconds(300);
  Duration never_joined_after = std::chrono::seconds(600);
  Duration monitor_grace = std::chrono::seconds(50);      ///< kube-controller-manager's --node-monitor-grace-period
  UnhealthyLimit max_unhealthy;
  Duration healthy_min = std::chrono::hours(1);           ///< a replacement lost sooner counts as a failure (N7)
  Duration retry_first = std::chrono::seconds(10);        ///< doubles with each failure of the same worker
  Duration retry_max = std::chrono::minutes(5);
  std::int64_t retry_count_max = 5;
  bool paused = false;
};

struct Settings {
  std::string provider;
  std::string provider_token_file;
  std::string worker_template;                            ///< path of a MachineSpec without name
  std::string state_namespace = "kube-system";
  std::string state_name = "node-healer-state";           ///< ConfigMap
  Duration poll_interval = std::chrono::seconds(10);
  std::string max_unhealthy = "40%";
  Policy policy;
  client::ControllerHostOptions host;

  Settings() { host.metrics_port = 9100; }

  void add_to(runtime::Flags& flags);
  /// After parsing: checks what flags alone cannot, and fills the policy in.
  Result<void> complete();
};

}  // namespace skidpad::controllers::node_healer

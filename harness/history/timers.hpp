/// @file timers.hpp
/// The timers of one cluster, by name: what a run was configured with, and what its recovery is judged against.
/// Promise: every timer a floor is computed from is here, so a report can tell "slow" from "configured slow".
/// Not here: timers of the harness itself (probe and scrape intervals belong to the scenario).
#pragma once

#include <string>
#include <string_view>

#include "harness/runtime/json.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::history {

using runtime::Duration;

struct Timers {
  std::string profile = "custom";

  // kubelet
  Duration node_status_update_frequency{};
  Duration node_lease_duration{};             ///< Lease.spec.leaseDurationSeconds: whole seconds on the wire
  Duration node_lease_renew_interval{};       ///< the kubelet renews at a quarter of the lease's duration
  Duration kubelet_sync_frequency{};
  Duration kubelet_file_check_frequency{};    ///< how often static pod manifests are read again
  Duration kubelet_relist_period{};           ///< how soon a dead container is noticed
  Duration kubelet_backoff_initial{};         ///< CrashLoopBackOff, first wait
  Duration kubelet_backoff_max{};
  Duration kubelet_restart_delay{};           ///< supervisor's wait before it restarts a dead kubelet (RestartSec)
  Duration probe_period{};                    ///< readiness probe: whole seconds in the pod spec
  Duration probe_timeout{};
  int probe_failure_threshold = 0;
  Duration termination_grace_period{};

  // node lifecycle controller
  Duration node_monitor_period{};
  Duration node_monitor_grace_period{};
  Duration toleration{};                      ///< tolerationSeconds of not-ready and unreachable: whole seconds
  Duration pod_garbage_collection_period{};   ///< pods of deleted nodes go at this beat

  // leader election of controllers and scheduler
  Duration leader_lease_duration{};           ///< whole seconds on the wire
  Duration leader_renew_deadline{};
  Duration leader_retry_period{};

  // node healer and machine provider
  Duration healer_poll_interval{};
  Duration healer_unhealthy_after{};          ///< Ready != True for so long: replace (behaviour N1)
  Duration healer_never_joined_after{};
  Duration machine_provision_delay{};         ///< from the create call to a machine whose kubelet starts

  // etcd
  Duration etcd_heartbeat_interval{};
  Duration etcd_election_timeout{};

  friend bool operator==(const Timers&, const Timers&) = default;
};

/// The defaults of stock Kubernetes 1.32, kubeadm's kubelet unit, etcd 3.4 and behaviours.md row N1.
Timers kubernetes();
/// The same ratios about twenty times quicker; what the wire holds in whole seconds is rounded up to them.
Timers fast();
/// `fast` as far as real binaries keep up with it: a real API server needs seconds to start and stalls for tenths of one, so leader
/// Leases, node Leases and etcd elections are as long as stalls may be. The default of driver process with real binaries.
Timers eased();
/// A profile by name, or an empty profile name in the result when there is none such.
bool timers_by_name(std::string_view name, Timers& timers);

/// {"profile": "kubernetes", "node_monitor_grace_period": "50s", ..., "probe_failure_threshold": 3}; Go durations.
Json to_json(const Timers& timers);
/// Strict: every timer present, none unknown, none negative. `where` begins the error's text. Throws UsageError.
Timers timers_from_json(const Json& json, std::string_view where);

/// Every duration with its name, in the order of the struct: for tables in reports.
std::vector<std::pair<std::string_view, Duration>> named_durations(const Timers& timers);

}  // namespace skidpad::history

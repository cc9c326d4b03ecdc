#include "harness/check/floor.hpp"

#include <algorithm>

#include "harness/check/describe.hpp"

namespace skidpad::check {
namespace {

using history::Timers;

class Terms {
 public:
  void add(std::string_view phase, std::string what, Duration shortest, Duration longest) {
    ASSERT(Duration::zero() <= shortest && shortest <= longest);
    floor_.terms.push_back({std::string(phase), std::move(what), shortest, longest});
    floor_.shortest += shortest;
    floor_.longest += longest;
  }
  Floor floor() && { return std::move(floor_); }

 private:
  Floor floor_;
};

/// The last heartbeat was between "just now" and one renew interval ago when the node died, and the monitor sees both the
/// heartbeat and its absence only at its own beat.
void add_node_detection(Terms& terms, const Timers& timers) {
  const Duration luck = std::min(timers.node_lease_renew_interval, timers.node_monitor_grace_period);
  terms.add("detected", "node_monitor_grace_period " + describe(timers.node_monitor_grace_period) + " since the last heartbeat",
            timers.node_monitor_grace_period - luck, timers.node_monitor_grace_period + 2 * timers.node_monitor_period);
}

enum class MachineKnownGone { no, yes };

/// A machine that its provider no longer lists needs no waiting: a NotReady node without a machine cannot come back.
Floor node_replaced(const Timers& timers, MachineKnownGone gone) {
  Terms terms;
  add_node_detection(terms, timers);
  if (gone == MachineKnownGone::yes) {
    terms.add("decided", "healer_poll_interval " + describe(timers.healer_poll_interval), Duration::zero(), timers.healer_poll_interval);
  } else {
    terms.add("decided", "healer_unhealthy_after " + describe(timers.healer_unhealthy_after), timers.healer_unhealthy_after,
              timers.healer_unhealthy_after + timers.healer_poll_interval);
  }
  terms.add("converged", "machine_provision_delay " + describe(timers.machine_provision_delay), timers.machine_provision_delay,
            timers.machine_provision_delay);
  terms.add("redundancy_back", "kubelet starts, joins and its pods are probed (probe_period " + describe(timers.probe_period) + ")",
            Duration::zero(), timers.node_lease_renew_interval + timers.node_monitor_period + 2 * timers.probe_period);
  return std::move(terms).floor();
}

Floor pods_evicted(const Timers& timers) {
  Terms terms;
  add_node_detection(terms, timers);
  terms.add("decided", "toleration " + describe(timers.toleration) + " of the unreachable node", timers.toleration,
            timers.toleration + timers.node_monitor_period);
  terms.add("redundancy_back", "replacement pods are probed (probe_period " + describe(timers.probe_period) + ")", Duration::zero(),
            2 * timers.probe_period);
  return std::move(terms).floor();
}

Floor node_object_deleted(const Timers& timers, NodeReplacement replacement) {
  Terms terms;
  terms.add("detected", "the deletion is watched", Duration::zero(), Duration::zero());
  if (replacement == NodeReplacement::by_node_healer) {
    terms.add("decided", "healer_poll_interval " + describe(timers.healer_poll_interval), Duration::zero(), timers.healer_poll_interval);
    terms.add("converged", "machine_provision_delay " + describe(timers.machine_provision_delay), timers.machine_provision_delay,
              timers.machine_provision_delay);
  } else {
    terms.add("acted", "pod_garbage_collection_period " + describe(timers.pod_garbage_collection_period), Duration::zero(),
              timers.pod_garbage_collection_period);
  }
  terms.add("redundancy_back", "pods are probed (probe_period " + describe(timers.probe_period) + ")", Duration::zero(),
            timers.node_lease_renew_interval + timers.node_monitor_period + 2 * timers.probe_period);
  return std::move(terms).floor();
}

Floor process_killed(const Timers& timers, std::string_view process) {
  Terms terms;
  if (process == "kubelet") {
    terms.add("acted", "kubelet_restart_delay " + describe(timers.kubelet_restart_delay), timers.kubelet_restart_delay, timers.kubelet_restart_delay);
    terms.add("redundancy_back", "the next heartbeat", Duration::zero(), timers.node_lease_renew_interval + timers.node_monitor_period);
    return std::move(terms).floor();
  }
  terms.add("detected", "kubelet_relist_period " + describe(timers.kubelet_relist_period), Duration::zero(), timers.kubelet_relist_period);
  terms.add("acted", "restart; a second death waits kubelet_backoff_initial " + describe(timers.kubelet_backoff_initial), Duration::zero(),
            timers.kubelet_backoff_initial);
  if (process == "etcd")
    terms.add("converged", "an election, if it led: etcd_election_timeout " + describe(timers.etcd_election_timeout), Duration::zero(),
              2 * timers.etcd_election_timeout);
  if (process == "kube_scheduler" || process == "kube_controller_manager" || process == "node_healer")
    terms.add("converged", "a new leader, if it led: leader_lease_duration " + describe(timers.leader_lease_duration), Duration::zero(),
              timers.leader_lease_duration + 2 * timers.leader_retry_period);
  terms.add("redundancy_back", "readiness is probed (probe_period " + describe(timers.probe_period) + ")", Duration::zero(), 2 * timers.probe_period);
  return std::move(terms).floor();
}

/// The harness takes the fault back: until then nothing can be whole, afterwards nodes need a heartbeat and pods a probe.
Floor healed_by_harness(const Timers& timers, Duration healed_after) {
  Terms terms;
  terms.add("acted", "the fault lasts " + describe(healed_after), healed_after, healed_after);
  terms.add("redundancy_back", "heartbeat and probes return", Duration::zero(),
            timers.node_lease_renew_interval + timers.node_monitor_period + 2 * timers.probe_period);
  return std::move(terms).floor();
}

}  // namespace

std::string_view primary_layer(std::string_view fault_kind, std::string_view process) {
  if (fault_kind == "kill_process" || fault_kind == "stop_process") {
    if (process == "etcd") return "etcd";
    if (process == "kube_apiserver") return "api";
    if (process == "kube_scheduler" || process == "kube_controller_manager" || process == "node_healer") return "controllers";
    if (process == "workload") return "workload";
  }
  return "nodes";
}

std::optional<Floor> floor_of(const FloorFault& fault, const Timers& timers, NodeReplacement replacement) {
  const bool stops_node = fault.kind == "power_off" || fault.kind == "destroy_machine" || fault.kind == "partition" ||
                          (fault.kind == "stop_process" && fault.process == "kubelet");
  if (stops_node) {
    const MachineKnownGone gone = fault.kind == "destroy_machine" ? MachineKnownGone::yes : MachineKnownGone::no;
    const Floor lasting = replacement == NodeReplacement::by_node_healer ? node_replaced(timers, gone) : pods_evicted(timers);
    if (fault.healed_after && *fault.healed_after < lasting.shortest) return healed_by_harness(timers, *fault.healed_after);
    return lasting;
  }
  if (fault.kind == "delete_node") return node_object_deleted(timers, replacement);
  if (fault.kind == "kill_process") return process_killed(timers, fault.process);
  if (fault.kind == "reinstall_machine") {
    Terms terms;
    terms.add("converged", "machine_provision_delay " + describe(timers.machine_provision_delay), timers.machine_provision_delay,
              timers.machine_provision_delay);
    terms.add("redundancy_back", "heartbeat and probes return", Duration::zero(),
              timers.node_lease_renew_interval + timers.node_monitor_period + 2 * timers.probe_period);
    return std::move(terms).floor();
  }
  return std::nullopt;  // packet faults and paused processes may well disturb nothing at all
}

std::optional<Floor> floor_of(const std::vector<FloorFault>& faults, const Timers& timers, NodeReplacement replacement) {
  std::optional<Floor> latest;
  for (const FloorFault& fault : faults) {
    std::optional<Floor> floor = floor_of(fault, timers, replacement);
    if (!floor) continue;
    if (fault.offset > Duration::zero()) {
      floor->terms.insert(floor->terms.begin(), {"injected", "this fault comes " + describe(fault.offset) + " after the first", fault.offset, fault.offset});
      floor->shortest += fault.offset;
      floor->longest += fault.offset;
    }
    if (!latest || floor->shortest > latest->shortest) {
      const Duration longest = latest ? latest->longest : Duration::zero();
      latest = std::move(floor);
      latest->longest = std::max(latest->longest, longest);
    } else {
      latest->longest = std::max(latest->longest, floor->longest);
    }
  }
  return latest;
}

std::optional<Floor> floor_of(const history::RunRecord& record) {
  std::vector<FloorFault> faults;
  const auto intervals = history::fault_intervals(record.events);
  for (const history::FaultInterval& interval : intervals) {
    FloorFault fault;
    fault.kind = interval.kind;
    fault.process = interval.process;
    fault.offset = interval.injected - intervals.front().injected;
    if (interval.healed) fault.healed_after = *interval.healed - interval.injected;
    faults.push_back(std::move(fault));
  }
  const auto& replaced = record.header.expectations.nodes_replaced;
  return floor_of(faults, record.header.timers, replaced && *replaced > 0 ? NodeReplacement::by_node_healer : NodeReplacement::none);
}

}  // namespace skidpad::check

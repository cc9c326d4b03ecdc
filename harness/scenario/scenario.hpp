/// @file scenario.hpp
/// One scenario as plain data: a hypothesis, the cluster it is about, what is done to it, and what must then hold.
/// Promise: a Scenario that came from load_scenario() is sensible in itself (counts, names, targets, deadlines agree).
/// Limits: it knows nothing of drivers or of the timers in force; the runner resolves targets and spans when it plans.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/scenario/values.hpp"

namespace skidpad::scenario {

enum class DriverName { sim, process, kind, remote };
enum class ProfileName { kubernetes, fast };
enum class TopologyType { standalone, overlapping_planes, separated_planes };
enum class Hosting { static_pods, self_hosted };

/// How many nodes play which role. With overlapping planes the etcd members live on the
/// control-plane nodes, and without workers those carry the workload too.
struct Topology {
  TopologyType type = TopologyType::overlapping_planes;
  std::uint32_t etcd = 3;
  std::uint32_t control_plane = 3;
  std::uint32_t workers = 0;
  Hosting hosting = Hosting::static_pods;   ///< of API servers, scheduler and controller-manager
  friend bool operator==(const Topology&, const Topology&) = default;
};

/// Nodes that play a role; a standalone node plays all three.
std::uint32_t node_count(const Topology& topology, Role role);
std::uint32_t node_count(const Topology& topology);

struct NodeHealer {
  bool enabled = true;
  bool paused = false;
  std::optional<TimeSpan> unhealthy_after;      ///< Ready is not True for this long
  std::optional<TimeSpan> never_joined_after;   ///< machine made, node never seen
  Amount max_unhealthy{Ratio{2, 5}};            ///< the fuse: above it nothing is remediated
  friend bool operator==(const NodeHealer&, const NodeHealer&) = default;
};

/// Keeps one etcd cluster on the workers; `traffic` of kind etcd and the targets managed_etcd_* mean that one.
struct EtcdOperator {
  std::uint32_t size = 3;
  bool auto_recover = false;
  std::optional<TimeSpan> grace;                ///< before a quorum that is lost for good is repaired
  std::optional<TimeSpan> backup_every;         ///< none: no backups
  friend bool operator==(const EtcdOperator&, const EtcdOperator&) = default;
};

/// A controller that is not named does not run.
struct Controllers {
  std::optional<NodeHealer> node_healer;
  std::optional<EtcdOperator> etcd_operator;
  friend bool operator==(const Controllers&, const Controllers&) = default;
};

enum class WorkloadImage { echo, kv };

struct WorkloadDeployment {
  std::string name;
  WorkloadImage image = WorkloadImage::echo;
  std::uint32_t replicas = 1;
  std::optional<std::string> service;   ///< name of the Service in front
  friend bool operator==(const WorkloadDeployment&, const WorkloadDeployment&) = default;
};

enum class TrafficKind { http, kv, api, etcd };

/// Recorded requests of several clients, one after the other each.
struct Traffic {
  TrafficKind kind = TrafficKind::http;
  std::optional<std::string> service;   ///< http, kv
  std::uint32_t keys = 10;              ///< kv, api: few keys make clients meet
  std::uint32_t clients = 1;
  std::uint32_t watchers = 0;           ///< api: they follow the keys, and what they are told is judged
  TimeSpan every;       ///< from one request of a client to its next
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

struct Workload {
  std::vector<WorkloadDeployment> deployments;
  std::vector<Traffic> traffic;
  friend bool operator==(const Workload&, const Workload&) = default;
};

/// What holds before the faults and must hold again after them.
struct SteadyState {
  TimeSpan hold;                              ///< without a break
  TimeSpan within;                            ///< to be reached before the faults
  std::optional<Amount> nodes_ready;
  std::optional<Amount> pods_ready;
  std::optional<Amount> etcd_healthy;
  std::optional<Amount> api_servers_ready;
  std::optional<Amount> managed_etcd_healthy;
  std::optional<Ratio> probe_success;         ///< least share of probes answered well while it holds
  friend bool operator==(const SteadyState&, const SteadyState&) = default;
};

enum class FaultKind {
  power_off,
  destroy_machine,
  reinstall_machine,
  delete_node,
  delete_pods,
  kill_process,
  stop_process,
  partition,
  packet_loss,
  packet_delay,
  packet_duplication,
  packet_reordering,
  change_etcd,
  restore_etcd,
  backup_store,
  corrupt_data,
};

/// What is wrong with the object store of the etcd operator's backups.
/// How far a control plane that hosts itself has come.
enum class Creation { bootstrap, pivot };

enum class StoreTrouble { slow, lying, losing, full, refusing, silent };

enum class Process {
  kubelet,
  etcd,
  kube_apiserver,
  kube_scheduler,
  kube_controller_manager,
  node_healer,
  etcd_operator,
  checkpointer,
  workload,
};

enum class Signal { kill, terminate, abort };

/// Seen from the target: what comes in, what goes out, or both.
enum class Direction { both, inbound, outbound };

/// One fault. Which members mean something depends on the kind; see fields.hpp.
struct Fault {
  FaultKind kind = FaultKind::power_off;
  std::optional<std::string> name;      ///< for same_as_<name> in a later fault
  std::optional<Creation> during;       ///< while the cluster is being created; `at` counts from there
  std::optional<TimeSpan> at;           ///< since the steady state had held; neither given means at once
  std::optional<TimeSpan> after;        ///< since the previous fault was witnessed
  Target target;
  std::optional<Process> process;       ///< kill_process, stop_process
  Signal signal = Signal::kill;         ///< kill_process
  std::optional<Target> from;           ///< links to these nodes only; none means to every other node
  Direction direction = Direction::both;
  std::optional<Ratio> chance;          ///< per packet
  std::optional<TimeSpan> delay;
  std::optional<TimeSpan> jitter;
  std::optional<std::uint32_t> size;    ///< change_etcd: voters from now on
  std::optional<std::string> version;   ///< change_etcd: etcd's from now on
  std::optional<std::string> into;      ///< restore_etcd: a new cluster's name; none means the cluster itself
  StoreTrouble trouble = StoreTrouble::silent;  ///< backup_store
  std::optional<TimeSpan> snapshot_before;  ///< reinstall_machine: so long before, a snapshot of etcd is put away; machines are recovered from it
  std::optional<TimeSpan> duration;     ///< until the harness takes it back; none: it stays to the end of the run
  friend bool operator==(const Fault&, const Fault&) = default;
};

/// What the faults may touch, declared before they are made and asserted after.
struct BlastRadius {
  std::uint32_t nodes = 0;
  std::vector<Role> roles;
  std::vector<std::string> objects;     ///< Kubernetes kinds, such as Node or Pod
  friend bool operator==(const BlastRadius&, const BlastRadius&) = default;
};

enum class ProbeKind { http, api_read, api_write };

struct Probe {
  ProbeKind kind = ProbeKind::http;
  std::string name;
  std::optional<std::string> service;   ///< http
  std::string path = "/";               ///< http
  TimeSpan interval;
  TimeSpan timeout;
  friend bool operator==(const Probe&, const Probe&) = default;
};

enum class Guarantee {
  no_acknowledged_write_lost,
  linearizable,
  only_writes_since_snapshot_lost,
  watches_complete,
  one_leader_acts,
  one_remediation_at_a_time,
  no_healthy_voter_removed,
  never_below_quorum,
  upgrade_in_order,
  disruption_budget_kept,
  fuse_respected,
  controllers_up,
  controllers_settle,
  objects_preserved,
  checkpoints_settled,
  no_double_control_plane,
  nothing_left_behind,
};

/// Times count from the first fault.
struct Expect {
  std::optional<TimeSpan> detected_within;
  std::optional<TimeSpan> decided_within;
  std::optional<TimeSpan> acted_within;
  std::optional<TimeSpan> converged_within;
  std::optional<TimeSpan> redundancy_within;
  std::optional<TimeSpan> recovered_within;           ///< steady state regained; beside the floor, if it counts in it
  std::map<std::string, TimeSpan> downtime_max;       ///< by probe
  std::optional<std::uint32_t> nodes_replaced;        ///< exactly
  std::vector<Guarantee> guarantees;
  friend bool operator==(const Expect&, const Expect&) = default;
};

struct Scenario {
  std::string name;
  std::string hypothesis;                     ///< the file's first comment
  std::vector<std::string> behaviours;        ///< rows of the conformance profile
  std::vector<DriverName> drivers;            ///< empty: every driver that can
  std::optional<ProfileName> profile;         ///< none: the driver's own
  Topology topology;
  Controllers controllers;
  Workload workload;
  SteadyState steady_state;
  std::vector<Fault> faults;
  BlastRadius blast_radius;
  std::vector<Probe> probes;
  Expect expect;
  TimeSpan deadline;                          ///< for the whole recovery, from the first fault
  friend bool operator==(const Scenario&, const Scenario&) = default;
};

/// Something wrong, and where in the scenario ("faults[0].target").
struct Problem {
  std::string path;
  std::string what;   ///< "...; expected ..."
};

/// The first thing in a scenario that contradicts itself, if any: counts, names, targets, deadlines.
std::optional<Problem> find_contradiction(const Scenario& scenario);
/// The same for spans that can be compared only under the timers in force; for the runner's plan.
std::optional<Problem> find_contradiction(const Scenario& scenario, const std::function<Duration(Timer)>& timer_value);

}  // namespace skidpad::scenario

/// What no single key shows: counts against the topology, names against names, times against times.
#include <algorithm>
#include <set>
#include <string>

#include "harness/scenario/scenario.hpp"
#include "harness/scenario/words.hpp"

namespace skidpad::scenario {
namespace {

using Longer = std::function<bool(const TimeSpan&, const TimeSpan&)>;
using Found = std::optional<Problem>;
using NodeSet = std::set<std::uint32_t>;

Found problem(std::string path, std::string what) { return Problem{std::move(path), std::move(what)}; }
std::string item(std::string_view list, std::size_t index) { return std::string(list) + "[" + std::to_string(index) + "]"; }
std::string number_of(std::uint32_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

// --- nodes ---

/// Nodes are numbered: control-plane nodes, then (when separated) etcd nodes, then workers.
NodeSet nodes_with(const Topology& topology, Role role) {
  std::uint32_t begin = 0;
  if (role == Role::worker && topology.workers == 0 && topology.type == TopologyType::overlapping_planes)
    role = Role::control_plane;  // they carry the workload
  if (topology.type == TopologyType::separated_planes && role != Role::control_plane) begin += topology.control_plane;
  if (topology.type == TopologyType::separated_planes && role == Role::worker) begin += topology.etcd;
  if (topology.type == TopologyType::overlapping_planes && role == Role::worker) begin += topology.control_plane;
  NodeSet nodes;
  for (std::uint32_t i = 0; i < node_count(topology, role); ++i) nodes.insert(begin + i);
  return nodes;
}

/// Which nodes a target may mean, and how many of them it takes.
struct Reach {
  NodeSet pool;
  std::uint32_t count = 0;
};

Reach reach(const Topology& topology, const Target& target, std::uint32_t managed = 7) {
  using Choice = Target::Choice;
  const auto some_of = [&](Role role, std::uint32_t count) { return Reach{nodes_with(topology, role), count}; };
  const std::uint32_t tolerated = (topology.etcd - 1) / 2;
  switch (target.choice) {
    case Choice::one:
      return some_of(target.role, target.count);
    case Choice::all:
      return some_of(target.role, node_count(topology, target.role));
    case Choice::indexed: {
      const NodeSet nodes = nodes_with(topology, target.role);
      return Reach{{*std::next(nodes.begin(), target.index)}, 1};
    }
    case Choice::etcd_leader:
    case Choice::etcd_follower:
      return some_of(Role::etcd, 1);
    case Choice::etcd_minority:
      return some_of(Role::etcd, tolerated);
    case Choice::etcd_majority:
      return some_of(Role::etcd, tolerated + 1);
    case Choice::scheduler_leader:
    case Choice::controller_manager_leader:
    case Choice::node_healer_leader:
    case Choice::etcd_operator_leader:
      return some_of(Role::control_plane, 1);
    case Choice::worker_with_workload:
      return some_of(Role::worker, 1);
    case Choice::managed_etcd_leader:
    case Choice::managed_etcd_follower:
      return some_of(Role::worker, 1);
    case Choice::managed_etcd_minority:
      return some_of(Role::worker, (managed - 1) / 2);
    case Choice::managed_etcd_majority:
      return some_of(Role::worker, (managed - 1) / 2 + 1);
    case Choice::managed_etcd_all:
      return some_of(Role::worker, managed);
    case Choice::any_node:
    case Choice::all_nodes: {
      Reach everything;
      for (std::uint32_t node = 0; node < node_count(topology); ++node) everything.pool.insert(node);
      everything.count = target.choice == Choice::any_node ? 1 : node_count(topology);
      return everything;
    }
    case Choice::same_as:
      break;
  }
  return {};
}

Found check_topology(const Topology& it) {
  if (it.etcd % 2 == 0)
    return problem("topology.etcd", std::to_string(it.etcd) + " members bear no more losses than " + std::to_string(it.etcd - 1) +
                                        "; expected an odd number");
  if (it.type == TopologyType::standalone) {
    if (it.etcd != 1) return problem("topology.etcd", "a standalone node has one member; expected 1");
    if (it.control_plane != 1) return problem("topology.control_plane", "standalone is one node; expected 1");
    if (it.workers != 0) return problem("topology.workers", "a standalone node runs the workload itself; expected 0");
  }
  if (it.type == TopologyType::overlapping_planes && it.etcd > it.control_plane)
    return problem("topology.etcd", number_of(it.etcd, "member") + " do not fit on " +
                                        number_of(it.control_plane, "control-plane node") +
                                        " with overlapping planes; expected at most " + std::to_string(it.control_plane));
  return std::nullopt;
}

// --- workload and probes ---

bool has_service(const Workload& workload, const std::string& service) {
  return std::any_of(workload.deployments.begin(), workload.deployments.end(),
                     [&](const WorkloadDeployment& deployment) { return deployment.service == service; });
}

Found check_service(const Workload& workload, std::string path, const std::string& service) {
  if (has_service(workload, service)) return std::nullopt;
  std::vector<std::string_view> known;
  for (const auto& deployment : workload.deployments)
    if (deployment.service) known.push_back(*deployment.service);
  const auto near = nearest(service, known);
  return problem(std::move(path), in_quotes(service) + " is no service of the workload" +
                                      (near.empty() ? std::string() : ", did you mean " + in_quotes(near) + "?") +
                                      "; expected the `service` of a deployment");
}

Found check_workload(const Scenario& it) {
  std::set<std::string_view> names, services;
  for (std::size_t i = 0; i < it.workload.deployments.size(); ++i) {
    const WorkloadDeployment& deployment = it.workload.deployments[i];
    const std::string path = item("workload.deployments", i);
    if (!names.insert(deployment.name).second)
      return problem(path + ".name", in_quotes(deployment.name) + " is given twice; expected each deployment once");
    if (deployment.service && !services.insert(*deployment.service).second)
      return problem(path + ".service", in_quotes(*deployment.service) + " is given twice; expected one deployment for each service");
  }
  if (!names.empty() && node_count(it.topology, Role::worker) == 0)
    return problem("workload.deployments", "have no worker to run on; expected topology.workers of at least 1");
  for (std::size_t i = 0; i < it.workload.traffic.size(); ++i) {
    const Traffic& traffic = it.workload.traffic[i];
    const std::string path = item("workload.traffic", i) + ".service";
    if (traffic.kind == TrafficKind::etcd && !it.controllers.etcd_operator)
      return problem(item("workload.traffic", i) + ".kind", "there is no cluster of the etcd operator; expected controllers.etcd_operator");
    if (!traffic.service) continue;
    if (auto found = check_service(it.workload, path, *traffic.service)) return found;
    const auto behind = std::find_if(it.workload.deployments.begin(), it.workload.deployments.end(),
                                     [&](const WorkloadDeployment& deployment) { return deployment.service == traffic.service; });
    if (traffic.kind == TrafficKind::kv && behind->image != WorkloadImage::kv)
      return problem(path, in_quotes(*traffic.service) + " does not store keys; expected the service of a deployment whose image is kv");
  }
  return std::nullopt;
}

Found check_probes(const Scenario& it) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < it.probes.size(); ++i) {
    const Probe& probe = it.probes[i];
    if (!names.insert(probe.name).second)
      return problem(item("probes", i) + ".name", in_quotes(probe.name) + " is given twice; expected each probe once");
    if (probe.service)
      if (auto found = check_service(it.workload, item("probes", i) + ".service", *probe.service)) return found;
  }
  return std::nullopt;
}

// --- steady state ---

Found check_at_most(std::string path, const std::optional<Amount>& amount, std::size_t total, std::string_view noun) {
  if (!amount) return std::nullopt;
  if (total == 0) return problem(std::move(path), "there are no " + std::string(noun) + "; expected no such condition");
  if (!amount->is_all() && resolve(*amount, total) > total)
    return problem(std::move(path), "asks for " + std::to_string(resolve(*amount, total)) + ", there are " + std::to_string(total) + " " +
                                        std::string(noun) + "; expected all, or at most " +
                                        std::to_string(total));
  return std::nullopt;
}

Found check_steady_state(const Scenario& it, const Longer& longer) {
  const SteadyState& state = it.steady_state;
  std::size_t replicas = 0;
  for (const auto& deployment : it.workload.deployments) replicas += deployment.replicas;
  if (auto found = check_at_most("steady_state.nodes_ready", state.nodes_ready, node_count(it.topology), "nodes")) return found;
  if (auto found = check_at_most("steady_state.pods_ready", state.pods_ready, replicas, "pods")) return found;
  if (auto found = check_at_most("steady_state.etcd_healthy", state.etcd_healthy, it.topology.etcd, "etcd members")) return found;
  if (auto found = check_at_most("steady_state.api_servers_ready", state.api_servers_ready, it.topology.control_plane, "API servers"))
    return found;
  if (auto found = check_at_most("steady_state.managed_etcd_healthy", state.managed_etcd_healthy, it.controllers.etcd_operator ? it.controllers.etcd_operator->size : 0, "members of the etcd operator's cluster"))
    return found;
  if (state.probe_success && it.probes.empty())
    return problem("steady_state.probe_success", "there are no probes; expected no such condition");
  if (!state.nodes_ready && !state.pods_ready && !state.etcd_healthy && !state.api_servers_ready && !state.managed_etcd_healthy && !state.probe_success)
    return problem("steady_state", "has no condition; expected one of nodes_ready, pods_ready, etcd_healthy, api_servers_ready, probe_success");
  if (longer(state.hold, state.within))
    return problem("steady_state.within", "is shorter than `hold`; expected at least " + to_text(state.hold));
  return std::nullopt;
}

// --- faults ---

constexpr char no_healer[] = "the node healer does not run; expected controllers.node_healer, enabled";
constexpr char no_operator[] = "the etcd operator does not run; expected controllers.etcd_operator";

bool runs_healer(const Scenario& it) { return it.controllers.node_healer && it.controllers.node_healer->enabled; }

Found check_target(const Scenario& it, const std::string& path, const Target& target) {
  const std::uint32_t of_role = node_count(it.topology, target.role);
  const std::string role(to_word(target.role));
  const std::string there_are = "there " + std::string(of_role == 1 ? "is " : "are ") + number_of(of_role, role + " node");
  using Choice = Target::Choice;
  if ((target.choice == Choice::one && target.count > of_role) || (target.choice == Choice::all && of_role == 0))
    return problem(path, to_text(target) + " asks for too many, " + there_are + "; expected at most as many");
  if (target.choice == Choice::indexed && target.index >= of_role)
    return problem(path, to_text(target) + " does not exist, " + there_are + "; expected an index from 0 to one less");
  if (target.choice == Choice::etcd_follower && it.topology.etcd < 2)
    return problem(path, "a single etcd member has no follower; expected topology.etcd of at least 3");
  if (target.choice == Choice::etcd_minority && it.topology.etcd < 3)
    return problem(path, "etcd with one member can lose none; expected topology.etcd of at least 3");
  if (target.choice == Choice::node_healer_leader && !runs_healer(it)) return problem(path, no_healer);
  if (target.choice == Choice::etcd_operator_leader && !it.controllers.etcd_operator) return problem(path, no_operator);
  const bool managed = target.choice >= Choice::managed_etcd_leader && target.choice <= Choice::managed_etcd_all;
  if (managed && !it.controllers.etcd_operator) return problem(path, "there is no cluster of the etcd operator; expected controllers.etcd_operator");
  const bool needs_others = target.choice == Choice::managed_etcd_follower || target.choice == Choice::managed_etcd_minority;
  if (needs_others && it.controllers.etcd_operator->size < 3)
    return problem(path, "the operator's cluster has a single member; expected controllers.etcd_operator.size of at least 3");
  if (target.choice == Choice::worker_with_workload && it.workload.deployments.empty())
    return problem(path, "there is no workload; expected workload.deployments");
  if (target.choice == Choice::worker_with_workload && it.topology.workers == 0 && it.topology.type != TopologyType::standalone)
    return problem(path, "there is no worker; expected topology.workers of at least 1");
  return std::nullopt;
}

/// Whether the process surely runs on every node that the target may mean.
Found check_process(const Scenario& it, const std::string& path, Process process, const NodeSet& pool) {
  const auto needs_role = [&](Role role) -> Found {
    const NodeSet with = nodes_with(it.topology, role);
    if (std::includes(with.begin(), with.end(), pool.begin(), pool.end())) return std::nullopt;
    return problem(path, std::string(to_word(process)) + " does not run on every node that the target may mean; expected a target of the role " +
                             std::string(to_word(role)));
  };
  switch (process) {
    case Process::kubelet:
      return std::nullopt;
    case Process::etcd: {
      const NodeSet workers = nodes_with(it.topology, Role::worker);
      if (it.controllers.etcd_operator && std::includes(workers.begin(), workers.end(), pool.begin(), pool.end())) return std::nullopt;
      return needs_role(Role::etcd);
    }
    case Process::etcd_operator:
      if (it.controllers.etcd_operator) return needs_role(Role::control_plane);
      return problem(path, no_operator);
    case Process::kube_apiserver:
    case Process::kube_scheduler:
    case Process::kube_controller_manager:
      return needs_role(Role::control_plane);
    case Process::checkpointer:
      if (it.topology.hosting != Hosting::self_hosted) return problem(path, "no checkpointer runs; expected topology.hosting to be self_hosted");
      return needs_role(Role::control_plane);
    case Process::node_healer:
      if (runs_healer(it)) return needs_role(Role::control_plane);
      return problem(path, no_healer);
    case Process::workload:
      if (it.workload.deployments.empty()) return problem(path, "there is no workload; expected workload.deployments");
      return needs_role(Role::worker);
  }
  return std::nullopt;
}

/// The fault before `index` that carries `name`.
const Fault* earlier(const Scenario& it, std::size_t index, const std::string& name) {
  for (std::size_t i = 0; i < index; ++i)
    if (it.faults[i].name == name) return &it.faults[i];
  return nullptr;
}

/// Follows same_as to a target that says nodes itself. Bounded: each step goes to an earlier fault.
const Target& origin(const Scenario& it, std::size_t index, const Target& target) {
  const Target* at = &target;
  for (std::size_t steps = 0; at->choice == Target::Choice::same_as && steps <= index; ++steps) at = &earlier(it, index, at->fault)->target;
  return *at;
}

Found check_same_as(const Scenario& it, std::size_t index, const std::string& path, const Target& target) {
  if (target.choice != Target::Choice::same_as) return std::nullopt;
  const Fault* before = earlier(it, index, target.fault);
  if (before == nullptr) return problem(path, "no earlier fault is named " + in_quotes(target.fault) + "; expected the `name` of one");
  if (before->kind == FaultKind::destroy_machine && path.ends_with(".target"))
    return problem(path, in_quotes(target.fault) + " destroys its machines; expected a target that still exists");
  return std::nullopt;
}

Found check_fault(const Scenario& it, std::size_t index, const Longer& longer, const TimeSpan& begin) {
  const Fault& fault = it.faults[index];
  const std::string path = item("faults", index);
  if (fault.name && earlier(it, index, *fault.name) != nullptr)
    return problem(path + ".name", in_quotes(*fault.name) + " is given twice; expected each fault's name once");
  if (fault.at && fault.after) return problem(path + ".after", "contradicts `at`; expected one of the two");
  if (fault.after && index == 0) return problem(path + ".after", "there is no fault before the first; expected `at`");
  if (auto found = check_same_as(it, index, path + ".target", fault.target)) return found;
  if (auto found = check_target(it, path + ".target", fault.target)) return found;
  if (fault.from) {
    if (auto found = check_same_as(it, index, path + ".from", *fault.from)) return found;
    if (auto found = check_target(it, path + ".from", *fault.from)) return found;
    if (*fault.from == fault.target) return problem(path + ".from", "is the target itself; expected the nodes at the other end");
  }
  const Reach touched = reach(it.topology, origin(it, index, fault.target));
  if (fault.process)
    if (auto found = check_process(it, path + ".process", *fault.process, touched.pool)) return found;
  const bool owned_by_api = fault.process == Process::node_healer || (it.topology.hosting == Hosting::self_hosted && fault.process != Process::etcd);
  if (fault.kind == FaultKind::delete_pods && (!owned_by_api || fault.process == Process::kubelet || fault.process == Process::workload))
    return problem(path + ".process", std::string(to_word(*fault.process)) + " has no pods in kube-system that the API owns; expected node_healer, or a "
                                      "part of the control plane with topology.hosting: self_hosted");
  if (fault.during) {
    using Choice = Target::Choice;
    if (it.topology.hosting != Hosting::self_hosted) return problem(path + ".during", "nothing bootstraps; expected topology.hosting to be self_hosted");
    if (!fault.duration) return problem(path + ".during", "the cluster would never come up; expected a `duration`");
    if (fault.after) return problem(path + ".after", "contradicts `during`; expected `at`");
    if (index > 0 && !it.faults[index - 1].during) return problem(path + ".during", "comes after a fault of the whole cluster; expected it before that");
    const std::set<Choice> by_name{Choice::one, Choice::all, Choice::indexed, Choice::any_node, Choice::all_nodes};
    if (!by_name.contains(fault.target.choice)) return problem(path + ".target", "is nowhere yet; expected nodes by their role, any_node or all_nodes");
  }
  if (fault.snapshot_before) {
    if (it.topology.hosting != Hosting::self_hosted) return problem(path + ".snapshot_before", "nobody would recover; expected topology.hosting to be self_hosted");
    if (fault.target.choice != Target::Choice::all_nodes) return problem(path + ".snapshot_before", "is for the loss of everything; expected target: all_nodes");
  }
  const bool of_operator = fault.kind == FaultKind::change_etcd || fault.kind == FaultKind::restore_etcd || fault.kind == FaultKind::backup_store || fault.kind == FaultKind::corrupt_data;
  if (of_operator && !it.controllers.etcd_operator) return problem(path + ".kind", "there is no cluster of the etcd operator; expected controllers.etcd_operator");
  if (fault.kind == FaultKind::change_etcd && !fault.size && !fault.version) return problem(path, "changes nothing; expected `size` or `version`");
  if (fault.size && *fault.size % 2 == 0) return problem(path + ".size", std::to_string(*fault.size) + " members bear no more losses than one fewer; expected an odd number");
  if (fault.size && *fault.size > node_count(it.topology, Role::worker))
    return problem(path + ".size", "each member needs a worker of its own; expected at most " + std::to_string(node_count(it.topology, Role::worker)));
  if ((fault.kind == FaultKind::restore_etcd || fault.kind == FaultKind::backup_store) && !it.controllers.etcd_operator->backup_every)
    return problem(path + ".kind", "there are no backups; expected controllers.etcd_operator.backup_every");
  if (fault.kind == FaultKind::backup_store && (fault.trouble == StoreTrouble::slow) != fault.delay.has_value())
    return problem(path + ".delay", "is for a store that is slow; expected `trouble: slow` and `delay` together");
  if (fault.delay && fault.jitter && longer(*fault.jitter, *fault.delay))
    return problem(path + ".jitter", "is longer than the delay; expected at most " + to_text(*fault.delay));
  const std::string when = fault.after ? ".after" : ".at";
  if (longer(begin, it.deadline)) return problem(path + when, "lies beyond the deadline; expected at most " + to_text(it.deadline));
  if (fault.duration && longer(begin + *fault.duration, it.deadline))
    return problem(path + ".duration", "ends beyond the deadline; expected the fault to end within " + to_text(it.deadline));
  return std::nullopt;
}

Found check_faults(const Scenario& it, const Longer& longer) {
  TimeSpan begin;
  for (std::size_t i = 0; i < it.faults.size(); ++i) {
    if (it.faults[i].after)
      begin = begin + *it.faults[i].after;
    else
      begin = it.faults[i].at.value_or(TimeSpan{});
    if (auto found = check_fault(it, i, longer, begin)) return found;
  }
  return std::nullopt;
}

// --- blast radius ---

/// The most distinct nodes that the faults may touch: draws from one pool add up until the pool is used up.
std::uint32_t nodes_touched_max(const Scenario& it) {
  std::map<NodeSet, std::uint32_t> by_pool;
  NodeSet together;
  for (const Fault& fault : it.faults) {
    if (fault.target.choice == Target::Choice::same_as) continue;
    const Reach touched = reach(it.topology, fault.target, it.controllers.etcd_operator ? it.controllers.etcd_operator->size : 7);
    by_pool[touched.pool] += touched.count;
    together.insert(touched.pool.begin(), touched.pool.end());
  }
  std::uint32_t total = 0;
  for (const auto& [pool, count] : by_pool) total += std::min(count, static_cast<std::uint32_t>(pool.size()));
  return std::min(total, static_cast<std::uint32_t>(together.size()));
}

Found check_blast_radius(const Scenario& it) {
  const std::uint32_t all = node_count(it.topology);
  if (it.blast_radius.nodes > all)
    return problem("blast_radius.nodes", "is " + std::to_string(it.blast_radius.nodes) + ", there are " + number_of(all, "node") + "; expected at most " + std::to_string(all));
  if (const std::uint32_t touched = nodes_touched_max(it); touched > it.blast_radius.nodes)
    return problem("blast_radius.nodes", "is " + std::to_string(it.blast_radius.nodes) + ", but the faults may touch " + number_of(touched, "node") +
                                             "; expected at least " + std::to_string(touched));
  NodeSet allowed;
  for (Role role : it.blast_radius.roles) allowed.merge(nodes_with(it.topology, role));
  for (std::size_t i = 0; i < it.faults.size(); ++i) {
    const Fault& fault = it.faults[i];
    const NodeSet pool = reach(it.topology, origin(it, i, fault.target)).pool;
    if (!std::includes(allowed.begin(), allowed.end(), pool.begin(), pool.end()))
      return problem("blast_radius.roles", "do not cover " + item("faults", i) + ".target, " + to_text(fault.target) +
                                               "; expected the roles of every node that a fault may touch");
    if (fault.kind == FaultKind::delete_node &&
        std::find(it.blast_radius.objects.begin(), it.blast_radius.objects.end(), "Node") == it.blast_radius.objects.end())
      return problem("blast_radius.objects", "do not cover " + item("faults", i) + ", which deletes a Node; expected Node among them");
    if (fault.kind == FaultKind::delete_pods &&
        std::find(it.blast_radius.objects.begin(), it.blast_radius.objects.end(), "Pod") == it.blast_radius.objects.end())
      return problem("blast_radius.objects", "do not cover " + item("faults", i) + ", which deletes pods; expected Pod among them");
  }
  return std::nullopt;
}

// --- expectations ---

/// Whether some fault has a floor at all; packet faults and frozen processes may disturb nothing, so no timer bounds them.
bool has_floor(const Scenario& it) {
  return std::any_of(it.faults.begin(), it.faults.end(), [](const Fault& fault) {
    switch (fault.kind) {
      case FaultKind::delete_pods:
      case FaultKind::packet_loss:
      case FaultKind::packet_delay:
      case FaultKind::packet_duplication:
      case FaultKind::packet_reordering:
      case FaultKind::change_etcd:
      case FaultKind::restore_etcd:
      case FaultKind::backup_store:
      case FaultKind::corrupt_data:
        return false;
      case FaultKind::stop_process:
        return fault.process == Process::kubelet;
      default:
        return true;
    }
  });
}

Found check_floor(const Scenario& it) {
  if (has_floor(it)) return std::nullopt;
  const std::pair<std::string_view, const std::optional<TimeSpan>*> spans[] = {
      {"detected_within", &it.expect.detected_within},   {"decided_within", &it.expect.decided_within},
      {"acted_within", &it.expect.acted_within},         {"converged_within", &it.expect.converged_within},
      {"redundancy_within", &it.expect.redundancy_within}, {"recovered_within", &it.expect.recovered_within},
  };
  constexpr std::string_view why = "counts in the floor, but no timer bounds the recovery from these faults; expected a duration or other timers";
  for (const auto& [name, span] : spans)
    if (*span && (*span)->uses(Timer::floor)) return problem("expect." + std::string(name), std::string(why));
  for (const auto& [probe, span] : it.expect.downtime_max)
    if (span.uses(Timer::floor)) return problem("expect.downtime_max." + probe, std::string(why));
  if (it.deadline.uses(Timer::floor)) return problem("deadline", std::string(why));
  return std::nullopt;
}

Found check_expect(const Scenario& it, const Longer& longer) {
  if (it.expect == Expect{}) return problem("expect", "is empty; expected at least one expectation");
  const std::pair<std::string_view, const std::optional<TimeSpan>*> phases[] = {
      {"detected_within", &it.expect.detected_within},   {"decided_within", &it.expect.decided_within},
      {"acted_within", &it.expect.acted_within},         {"converged_within", &it.expect.converged_within},
      {"redundancy_within", &it.expect.redundancy_within},
  };
  std::string_view last_name;
  const TimeSpan* last = nullptr;
  for (const auto& [name, span] : phases) {
    if (!*span) continue;
    const std::string path = "expect." + std::string(name);
    if (last != nullptr && longer(*last, **span))
      return problem(path, "is shorter than " + std::string(last_name) + ", which comes before it; expected at least " + to_text(*last));
    if (longer(**span, it.deadline)) return problem(path, "lies beyond the deadline; expected at most " + to_text(it.deadline));
    last_name = name;
    last = &**span;
  }
  if (it.expect.recovered_within && longer(*it.expect.recovered_within, it.deadline))
    return problem("expect.recovered_within", "lies beyond the deadline; expected at most " + to_text(it.deadline));
  if (auto found = check_floor(it)) return found;
  for (const auto& [probe, span] : it.expect.downtime_max) {
    const std::string path = "expect.downtime_max." + probe;
    std::vector<std::string_view> known;
    for (const Probe& candidate : it.probes) known.push_back(candidate.name);
    if (std::find(known.begin(), known.end(), probe) == known.end()) {
      const auto near = nearest(probe, known);
      return problem(path, "is no probe" + (near.empty() ? std::string() : ", did you mean " + in_quotes(near) + "?") +
                               "; expected the `name` of one of the probes");
    }
    if (longer(span, it.deadline)) return problem(path, "lies beyond the deadline; expected at most " + to_text(it.deadline));
  }
  const auto& healer = it.controllers.node_healer;
  if (it.expect.nodes_replaced.value_or(0) > 0 && !(healer && healer->enabled && !healer->paused))
    return problem("expect.nodes_replaced", "nothing replaces nodes here; expected controllers.node_healer, enabled and not paused");
  return std::nullopt;
}

Found check_etcd_operator(const Scenario& it) {
  if (!it.controllers.etcd_operator) return std::nullopt;
  const std::uint32_t size = it.controllers.etcd_operator->size;
  if (size % 2 == 0)
    return problem("controllers.etcd_operator.size", std::to_string(size) + " members bear no more losses than " + std::to_string(size - 1) + "; expected an odd number");
  if (size > it.topology.workers)
    return problem("controllers.etcd_operator.size", number_of(size, "member") + " do not fit on " + number_of(it.topology.workers, "worker") + "; expected at most as many");
  return std::nullopt;
}

Found find(const Scenario& scenario, const Longer& longer) {
  if (auto found = check_topology(scenario.topology)) return found;
  if (auto found = check_etcd_operator(scenario)) return found;
  if (auto found = check_workload(scenario)) return found;
  if (auto found = check_probes(scenario)) return found;
  if (auto found = check_steady_state(scenario, longer)) return found;
  if (auto found = check_faults(scenario, longer)) return found;
  if (auto found = check_blast_radius(scenario)) return found;
  return check_expect(scenario, longer);
}

}  // namespace

std::uint32_t node_count(const Topology& topology, Role role) {
  if (topology.type == TopologyType::standalone) return 1;
  switch (role) {
    case Role::worker:
      if (topology.workers == 0 && topology.type == TopologyType::overlapping_planes) return topology.control_plane;
      return topology.workers;
    case Role::control_plane:
      return topology.control_plane;
    case Role::etcd:
      return topology.etcd;
  }
  return 0;
}

std::uint32_t node_count(const Topology& topology) {
  switch (topology.type) {
    case TopologyType::standalone:
      return 1;
    case TopologyType::overlapping_planes:
      return topology.control_plane + topology.workers;
    case TopologyType::separated_planes:
      return topology.control_plane + topology.etcd + topology.workers;
  }
  return 0;
}

std::optional<Problem> find_contradiction(const Scenario& scenario) { return find(scenario, surely_longer); }

std::optional<Problem> find_contradiction(const Scenario& scenario, const std::function<Duration(Timer)>& timer_value) {
  return find(scenario, [&](const TimeSpan& left, const TimeSpan& right) {
    return resolve(left, timer_value) > resolve(right, timer_value);
  });
}

}  // namespace skidpad::scenario

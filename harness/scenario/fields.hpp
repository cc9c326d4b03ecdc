/// @file fields.hpp
/// The one table of the language: every key, whether it must be there, what it accepts, and a sentence about it.
/// The loader, the writer, the JSON Schema and the reference are all visitors of these describe() functions, so a new key
/// is one line here and a member in scenario.hpp.
/// A visitor has `template <class T, class Rule> void field(const Field&, T& member, const Rule&)`.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "harness/scenario/scenario.hpp"
#include "harness/scenario/words.hpp"

namespace skidpad::scenario {

enum class Need { required, optional };

struct Field {
  std::string_view name;
  Need need;
  std::string_view about;
};

struct CountRule {
  std::uint32_t min = 0;
  std::uint32_t max = 0;
};
struct SpanRule {
  bool floor_allowed = false;
  bool zero_allowed = false;
};
struct AmountRule {
  bool all_allowed = false;
  bool share_allowed = false;
  CountRule count;
};
struct ShareRule {
  bool zero_allowed = false;
};
struct TextRule {
  std::string_view pattern;            ///< anchored, for editors
  bool (*matches)(std::string_view);   ///< the same decision
  std::string_view expected;           ///< "a name such as node-loss"
};
/// Text out of a closed set that is no enumeration.
struct ChoiceRule {
  std::vector<std::string_view> choices;
  std::string_view expected;
};
/// Booleans, enumerations, targets and records need no rule.
struct Plain {};

template <class ItemRule>
struct ListRule {
  ItemRule item;
  std::size_t items_min = 0;
  std::size_t items_max = 100;
  bool distinct = false;
};
template <class ItemRule>
struct MapRule {
  TextRule key;
  ItemRule item;
};

TextRule name_rule();         ///< a DNS label
TextRule fault_name_rule();   ///< snake_case
TextRule path_rule();         ///< of a URL
TextRule etcd_version_rule(); ///< three numbers
TextRule object_rule();       ///< a Kubernetes kind
ChoiceRule behaviour_rule();

/// Records whose fields depend on their `kind`.
template <class T>
inline constexpr bool is_tagged = false;
template <>
inline constexpr bool is_tagged<Fault> = true;
template <>
inline constexpr bool is_tagged<Probe> = true;
template <>
inline constexpr bool is_tagged<Traffic> = true;

template <class Visitor>
void describe(Visitor& visit, Topology& it) {
  visit.field(Field{"type", Need::required, "how the planes share machines"}, it.type, Plain{});
  visit.field(Field{"etcd", Need::required, "voting etcd members: 1, 3, 5 or 7"}, it.etcd, CountRule{1, 7});
  visit.field(Field{"control_plane", Need::required, "control-plane nodes"}, it.control_plane, CountRule{1, 9});
  visit.field(Field{"workers", Need::required, "nodes that are workers alone; with 0 the control-plane nodes carry the workload, unless planes are separated"}, it.workers, CountRule{0, 500});
  visit.field(Field{"hosting", Need::optional, "where API servers, scheduler and controller-manager run"}, it.hosting, Plain{});
}

template <class Visitor>
void describe(Visitor& visit, NodeHealer& it) {
  visit.field(Field{"enabled", Need::optional, "whether it runs"}, it.enabled, Plain{});
  visit.field(Field{"paused", Need::optional, "runs, and must not act"}, it.paused, Plain{});
  visit.field(Field{"unhealthy_after", Need::optional, "NotReady for this long is unhealthy; the timer profile's when absent"},
              it.unhealthy_after, SpanRule{});
  visit.field(Field{"never_joined_after", Need::optional, "a machine not joined by then is unhealthy; the timer profile's when absent"},
              it.never_joined_after, SpanRule{});
  visit.field(Field{"max_unhealthy", Need::optional, "the fuse: with more unhealthy nodes nothing is remediated; shares round down"},
              it.max_unhealthy, AmountRule{.all_allowed = false, .share_allowed = true, .count = {0, 500}});
}

template <class Visitor>
void describe(Visitor& visit, EtcdOperator& it) {
  visit.field(Field{"size", Need::required, "members of the cluster it keeps on the workers: 1, 3, 5 or 7"}, it.size, CountRule{1, 7});
  visit.field(Field{"auto_recover", Need::optional, "whether a quorum that is lost for good is repaired without asking"}, it.auto_recover, Plain{});
  visit.field(Field{"grace", Need::optional, "how long such a loss is left alone; the operator's own when absent"}, it.grace, SpanRule{});
  visit.field(Field{"backup_every", Need::optional, "to an object store of its own; none when absent"}, it.backup_every, SpanRule{});
}

template <class Visitor>
void describe(Visitor& visit, Controllers& it) {
  visit.field(Field{"node_healer", Need::optional, "replaces lost nodes by new machines"}, it.node_healer, Plain{});
  visit.field(Field{"etcd_operator", Need::optional, "keeps an etcd cluster on the workers"}, it.etcd_operator, Plain{});
}

template <class Visitor>
void describe(Visitor& visit, WorkloadDeployment& it) {
  visit.field(Field{"name", Need::required, "of the Deployment"}, it.name, name_rule());
  visit.field(Field{"image", Need::required, "what its pods run"}, it.image, Plain{});
  visit.field(Field{"replicas", Need::required, "pods of it"}, it.replicas, CountRule{1, 1000});
  visit.field(Field{"service", Need::optional, "name of the Service in front of it; none when absent"}, it.service, name_rule());
}

template <class Visitor>
void describe(Visitor& visit, Traffic& it) {
  visit.field(Field{"kind", Need::required, "what is asked"}, it.kind, Plain{});
  if (it.kind != TrafficKind::api && it.kind != TrafficKind::etcd) visit.field(Field{"service", Need::required, "the Service that is asked"}, it.service, name_rule());
  if (it.kind != TrafficKind::http)
    visit.field(Field{"keys", Need::optional, "how many keys the clients share; few make them meet"}, it.keys, CountRule{1, 1000});
  if (it.kind == TrafficKind::api)
    visit.field(Field{"watchers", Need::optional, "clients that watch the keys; `watches_complete` judges what they were told"}, it.watchers, CountRule{0, 100});
  visit.field(Field{"clients", Need::required, "clients that ask at the same time"}, it.clients, CountRule{1, 1000});
  visit.field(Field{"every", Need::required, "from one request of a client to its next"}, it.every, SpanRule{});
}

template <class Visitor>
void describe(Visitor& visit, Workload& it) {
  visit.field(Field{"deployments", Need::optional, "what runs on the cluster"}, it.deployments, ListRule<Plain>{{}, 0, 50, false});
  visit.field(Field{"traffic", Need::optional, "recorded requests, whose history is judged"}, it.traffic, ListRule<Plain>{{}, 0, 50, false});
}

template <class Visitor>
void describe(Visitor& visit, SteadyState& it) {
  const AmountRule all_or_count{.all_allowed = true, .share_allowed = false, .count = {0, 1000}};
  visit.field(Field{"hold", Need::required, "how long all conditions must hold without a break"}, it.hold, SpanRule{});
  visit.field(Field{"within", Need::required, "by when they hold, before any fault is made"}, it.within, SpanRule{});
  visit.field(Field{"nodes_ready", Need::optional, "nodes that are Ready"}, it.nodes_ready, all_or_count);
  visit.field(Field{"pods_ready", Need::optional, "pods of the workload that are Ready"}, it.pods_ready, all_or_count);
  visit.field(Field{"etcd_healthy", Need::optional, "etcd members that answer a linearizable read"}, it.etcd_healthy, all_or_count);
  visit.field(Field{"api_servers_ready", Need::optional, "API servers whose /readyz answers"}, it.api_servers_ready, all_or_count);
  visit.field(Field{"managed_etcd_healthy", Need::optional, "voters of the operator's cluster that answer a linearizable read"}, it.managed_etcd_healthy, all_or_count);
  visit.field(Field{"probe_success", Need::optional, "least share of probes answered well"}, it.probe_success, ShareRule{});
}

/// What a kind of fault takes.
struct FaultNeeds {
  bool process = false;
  bool signal = false;
  bool links = false;     ///< from, direction
  bool chance = false;
  bool delay = false;
  bool duration = false;
  bool duration_required = false;
  bool etcd_change = false;   ///< size, version
  bool into = false;
  bool trouble = false;
  bool snapshot = false;
  bool during = false;
};
constexpr FaultNeeds needs(FaultKind kind) {
  switch (kind) {
    case FaultKind::power_off:
      return {.duration = true, .during = true};
    case FaultKind::destroy_machine:
    case FaultKind::delete_node:
      return {};
    case FaultKind::reinstall_machine:
      return {.snapshot = true};
    case FaultKind::delete_pods:
      return {.process = true};
    case FaultKind::kill_process:
      return {.process = true, .signal = true, .duration = true};
    case FaultKind::stop_process:
      return {.process = true, .duration = true, .duration_required = true};
    case FaultKind::partition:
      return {.links = true, .duration = true, .duration_required = true};
    case FaultKind::packet_loss:
    case FaultKind::packet_duplication:
    case FaultKind::packet_reordering:
      return {.links = true, .chance = true, .duration = true, .duration_required = true};
    case FaultKind::packet_delay:
      return {.links = true, .delay = true, .duration = true, .duration_required = true};
    case FaultKind::change_etcd:
      return {.etcd_change = true};
    case FaultKind::restore_etcd:
      return {.into = true};
    case FaultKind::backup_store:
      return {.duration = true, .duration_required = true, .trouble = true};
    case FaultKind::corrupt_data:
      return {};
  }
  return {};
}

template <class Visitor>
void describe(Visitor& visit, Fault& it) {
  const FaultNeeds need = needs(it.kind);
  std::string_view lasts = "until it is taken back";
  if (it.kind == FaultKind::power_off) lasts = "until power is back; it stays off when absent";
  if (it.kind == FaultKind::kill_process) lasts = "for so long it is kept down; left to its supervisor when absent";
  visit.field(Field{"name", Need::optional, "lets a later fault say `target: same_as_NAME`"}, it.name, fault_name_rule());
  visit.field(Field{"at", Need::optional, "since the faults began; at once when neither `at` nor `after` is given"}, it.at,
              SpanRule{.zero_allowed = true});
  visit.field(Field{"after", Need::optional, "since the fault before this one was witnessed"}, it.after, SpanRule{.zero_allowed = true});
  visit.field(Field{"kind", Need::required, "what is done"}, it.kind, Plain{});
  visit.field(Field{"target", Need::required, "on which nodes"}, it.target, Plain{});
  if (need.process) visit.field(Field{"process", Need::required, "which process on them"}, it.process, Plain{});
  if (need.signal) visit.field(Field{"signal", Need::optional, "how it is ended"}, it.signal, Plain{});
  if (need.links) {
    visit.field(Field{"from", Need::optional, "the nodes at the other end of the links; every other node when absent"}, it.from, Plain{});
    visit.field(Field{"direction", Need::optional, "seen from the target"}, it.direction, Plain{});
  }
  if (need.etcd_change) {
    visit.field(Field{"size", Need::optional, "voters from now on: 1, 3, 5 or 7"}, it.size, CountRule{1, 7});
    visit.field(Field{"version", Need::optional, "etcd's version from now on"}, it.version, etcd_version_rule());
  }
  if (need.into) visit.field(Field{"into", Need::optional, "the name of a new cluster; the cluster itself when absent"}, it.into, name_rule());
  if (need.trouble) {
    visit.field(Field{"trouble", Need::required, "what is wrong with it"}, it.trouble, Plain{});
    visit.field(Field{"delay", Need::optional, "of each answer, where it is slow"}, it.delay, SpanRule{});
  }
  if (need.during)
    visit.field(Field{"during", Need::optional, "made while a cluster that is self_hosted comes up; `at` counts from there"}, it.during, Plain{});
  if (need.snapshot)
    visit.field(Field{"snapshot_before", Need::optional, "etcd's data is lost, too: what is left is a snapshot taken so long before; needs self_hosted"},
                it.snapshot_before, SpanRule{.zero_allowed = true});
  if (need.chance) visit.field(Field{"chance", Need::required, "for each packet"}, it.chance, ShareRule{});
  if (need.delay) {
    visit.field(Field{"delay", Need::required, "added to each packet's way"}, it.delay, SpanRule{});
    visit.field(Field{"jitter", Need::optional, "at most this much more or less, drawn for each packet"}, it.jitter, SpanRule{});
  }
  if (need.duration)
    visit.field(Field{"duration", need.duration_required ? Need::required : Need::optional, lasts}, it.duration, SpanRule{});
}

template <class Visitor>
void describe(Visitor& visit, BlastRadius& it) {
  visit.field(Field{"nodes", Need::required, "distinct nodes that the faults may touch"}, it.nodes, CountRule{1, 500});
  visit.field(Field{"roles", Need::required, "roles that those nodes may play"}, it.roles, ListRule<Plain>{{}, 1, 3, true});
  visit.field(Field{"objects", Need::optional, "kinds of Kubernetes objects that the faults may touch directly"}, it.objects,
              ListRule<TextRule>{object_rule(), 0, 50, true});
}

template <class Visitor>
void describe(Visitor& visit, Probe& it) {
  visit.field(Field{"name", Need::required, "of the probe in reports"}, it.name, name_rule());
  visit.field(Field{"kind", Need::required, "what is asked"}, it.kind, Plain{});
  if (it.kind == ProbeKind::http) {
    visit.field(Field{"service", Need::required, "the Service that is asked"}, it.service, name_rule());
    visit.field(Field{"path", Need::optional, "of the request"}, it.path, path_rule());
  }
  visit.field(Field{"interval", Need::required, "from one probe to the next"}, it.interval, SpanRule{});
  visit.field(Field{"timeout", Need::required, "no answer by then is a failure"}, it.timeout, SpanRule{});
}

template <class Visitor>
void describe(Visitor& visit, Expect& it) {
  const SpanRule with_floor{.floor_allowed = true, .zero_allowed = false};
  visit.field(Field{"detected_within", Need::optional, "the loss is seen"}, it.detected_within, with_floor);
  visit.field(Field{"decided_within", Need::optional, "a controller has decided what to do"}, it.decided_within, with_floor);
  visit.field(Field{"acted_within", Need::optional, "it has begun to do it"}, it.acted_within, with_floor);
  visit.field(Field{"converged_within", Need::optional, "the workload is whole again"}, it.converged_within, with_floor);
  visit.field(Field{"redundancy_within", Need::optional, "the cluster can lose as much as before"}, it.redundancy_within, with_floor);
  visit.field(Field{"recovered_within", Need::optional, "the steady state is regained"}, it.recovered_within, with_floor);
  visit.field(Field{"downtime_max", Need::optional, "by probe: the longest time without a good answer"}, it.downtime_max,
              MapRule<SpanRule>{name_rule(), SpanRule{.floor_allowed = true, .zero_allowed = true}});
  visit.field(Field{"nodes_replaced", Need::optional, "exactly so many nodes are replaced by new machines"}, it.nodes_replaced, CountRule{0, 500});
  visit.field(Field{"guarantees", Need::optional, "that must hold throughout"}, it.guarantees, ListRule<Plain>{{}, 0, 50, true});
}

template <class Visitor>
void describe(Visitor& visit, Scenario& it) {
  visit.field(Field{"name", Need::required, "equals the file name without its ending"}, it.name, name_rule());
  visit.field(Field{"behaviours", Need::required, "rows of the conformance profile that this shows"}, it.behaviours,
              ListRule<ChoiceRule>{behaviour_rule(), 1, 50, true});
  visit.field(Field{"drivers", Need::optional, "only these; every driver that can when absent"}, it.drivers, ListRule<Plain>{{}, 1, 4, true});
  visit.field(Field{"profile", Need::optional, "timer profile; the driver's own when absent"}, it.profile, Plain{});
  visit.field(Field{"topology", Need::required, "the cluster"}, it.topology, Plain{});
  visit.field(Field{"controllers", Need::optional, "those that run on it, with settings"}, it.controllers, Plain{});
  visit.field(Field{"workload", Need::optional, "what users run on it"}, it.workload, Plain{});
  visit.field(Field{"steady_state", Need::required, "what holds before and must return"}, it.steady_state, Plain{});
  visit.field(Field{"faults", Need::required, "what is done to it, in order"}, it.faults, ListRule<Plain>{{}, 1, 100, false});
  visit.field(Field{"blast_radius", Need::required, "what the faults may touch"}, it.blast_radius, Plain{});
  visit.field(Field{"probes", Need::optional, "measured throughout"}, it.probes, ListRule<Plain>{{}, 0, 50, false});
  visit.field(Field{"expect", Need::required, "when and how it recovers"}, it.expect, Plain{});
  visit.field(Field{"deadline", Need::required, "from the first fault to full recovery, at the very most"}, it.deadline,
              SpanRule{.floor_allowed = true, .zero_allowed = false});
}

/// The keys a record has; also the proof that it is one.
struct KeyCollector {
  std::vector<std::string_view> keys;
  template <class T, class Rule>
  void field(const Field& field, T&, const Rule&) {
    keys.push_back(field.name);
  }
};
template <class T>
concept Record = requires(KeyCollector& visit, T& it) { describe(visit, it); };

}  // namespace skidpad::scenario

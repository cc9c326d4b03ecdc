/// @file filters.hpp
/// Whether a pod may run on a node, and if not why, in the words of the default plugins and in their order.
/// Pure: a pod and the cluster's state in, an answer per node out.
#pragma once

#include <optional>

#include "fakes/kube_scheduler/cluster_state.hpp"

namespace skidpad::fakes::kube_scheduler {

/// The plugins whose refusals we tell apart; as bits, since a pod may be refused by several and wakes for any.
enum class Plugin : unsigned {
  node_unschedulable = 1,
  node_name = 2,
  taint_toleration = 4,
  node_affinity = 8,
  node_ports = 16,
  node_resources_fit = 32,
  volumes = 64,
  topology_spread = 128,
  inter_pod_affinity = 256,
  all = 511,
};
using PluginSet = unsigned;
constexpr PluginSet operator|(Plugin a, Plugin b) { return unsigned(a) | unsigned(b); }
constexpr PluginSet operator|(PluginSet a, Plugin b) { return a | unsigned(b); }

struct Refusal {
  Plugin plugin;
  std::vector<std::string> reasons;  ///< "Insufficient cpu", "node(s) had untolerated taint {k: v}"
  bool preemption_helps = false;     ///< false: UnschedulableAndUnresolvable
};

struct NamespaceLabels {
  virtual ~NamespaceLabels() = default;
  /// Labels of a namespace, or an empty object.
  virtual const Json& labels(const std::string& namespace_name) const = 0;
};

/// What is computed once per pod before its nodes are looked at.
class PodFilter {
 public:
  /// The references must outlive the filter.
  PodFilter(const PodFacts& pod, const ClusterState& cluster, const NamespaceLabels& namespaces);
  std::optional<Refusal> check(const NodeFacts& node) const;

 private:
  struct SpreadConstraint {
    std::string topology_key;
    std::int64_t max_skew = 1;
    client::Selector selector;
    bool matches_self = false;
    std::map<std::string, std::int64_t> count_by_value;
    std::int64_t count_min = 0;
  };
  struct AffinityTerm {
    std::string topology_key;
    client::Selector selector;
    std::vector<std::string> namespaces;
    std::optional<client::Selector> namespace_selector;
    std::set<std::string> matching_values;   ///< topology values where a matching pod runs
    bool matches_self = false;
  };
  void prepare_spread(const ClusterState& cluster);
  void prepare_affinity(const ClusterState& cluster);
  AffinityTerm read_term(const Json& term, const PodFacts& owner) const;
  bool term_matches(const AffinityTerm& term, const PodFacts& other) const;
  std::optional<Refusal> check_spread(const NodeFacts& node) const;
  std::optional<Refusal> check_inter_pod(const NodeFacts& node) const;

  const PodFacts& pod_;
  const NamespaceLabels& namespaces_;
  std::optional<std::set<std::string>> only_nodes_;   ///< from matchFields metadata.name
  std::vector<SpreadConstraint> spread_;
  std::vector<AffinityTerm> affinity_;
  bool affinity_first_of_kind_ = false;               ///< no pod matches anywhere, but the pod itself does
  std::vector<AffinityTerm> anti_affinity_;
  /// (topology key, value) pairs that existing pods' anti-affinity forbids us.
  std::set<std::pair<std::string, std::string>> forbidden_;
};

/// nodeSelector and required node affinity together.
bool matches_node_selection(const Json& pod_spec, const Json& node);
/// One nodeSelectorTerm: matchExpressions and matchFields.
bool matches_node_term(const Json& term, const Json& node);
/// Refusal by resources alone; used by preemption with pods taken away.
std::optional<Refusal> check_resources(const PodFacts& pod, const NodeFacts& node);
std::optional<Refusal> check_ports(const PodFacts& pod, const NodeFacts& node);

}  // namespace skidpad::fakes::kube_scheduler

#include "fakes/kube_scheduler/filters.hpp"

namespace skidpad::fakes::kube_scheduler {

using client::Selector;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

namespace {

Refusal refuse(Plugin plugin, std::string reason, bool preemption_helps) {
  Refusal refusal;
  refusal.plugin = plugin;
  refusal.reasons.push_back(std::move(reason));
  refusal.preemption_helps = preemption_helps;
  return refusal;
}

const Json& required_node_terms(const Json& pod_spec) {
  return find(pod_spec, {"affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"});
}

/// When every term names nodes by metadata.name (as DaemonSet pods do), only those are looked at.
std::optional<std::set<std::string>> named_nodes(const Json& pod_spec) {
  const Json& terms = required_node_terms(pod_spec);
  if (!terms.is_array() || terms.empty()) return std::nullopt;
  std::set<std::string> names;
  for (const Json& term : terms) {
    bool named = false;
    for (const Json& field : list_at(term, {"matchFields"})) {
      if (text_at(field, {"key"}) != "metadata.name" || text_at(field, {"operator"}) != "In") continue;
      named = true;
      for (const Json& value : list_at(field, {"values"})) names.insert(value.get<std::string>());
    }
    if (!named) return std::nullopt;
  }
  return names;
}

std::optional<Refusal> check_taints(const PodFacts& pod, const Json& node) {
  const Json& tolerations = find(pod.spec(), {"tolerations"});
  for (const Json& taint : list_at(node, {"spec", "taints"})) {
    const std::string effect = text_at(taint, {"effect"});
    if (effect != "NoSchedule" && effect != "NoExecute") continue;
    if (client::tolerates(tolerations, taint)) continue;
    return refuse(Plugin::taint_toleration,
                  "node(s) had untolerated taint {" + text_at(taint, {"key"}) + ": " + text_at(taint, {"value"}) + "}", false);
  }
  return std::nullopt;
}

std::string topology_value(const Json& node, const std::string& key) {
  const Json& labels = client::labels_of(node);
  const auto found = labels.find(key);
  return found == labels.end() || !found->is_string() ? "" : found->get<std::string>();
}

bool has_topology(const Json& node, const std::string& key) { return client::labels_of(node).contains(key); }

}  // namespace

bool matches_node_term(const Json& term, const Json& node) {
  const Json& expressions = find(term, {"matchExpressions"});
  const Json& fields = find(term, {"matchFields"});
  const bool has_expressions = expressions.is_array() && !expressions.empty();
  const bool has_fields = fields.is_array() && !fields.empty();
  if (!has_expressions && !has_fields) return false;  // a term without requirements matches no node
  if (has_expressions) {
    const auto selector = Selector::from_node_requirements(expressions);
    if (!selector || !selector.value().matches(client::labels_of(node))) return false;
  }
  if (has_fields) {
    Json as_labels = Json::object();
    as_labels["metadata.name"] = client::name_of(node);
    const auto selector = Selector::from_node_requirements(fields);
    if (!selector || !selector.value().matches(as_labels)) return false;
  }
  return true;
}

bool matches_node_selection(const Json& pod_spec, const Json& node) {
  const Json& node_selector = find(pod_spec, {"nodeSelector"});
  if (node_selector.is_object() && !Selector::from_map(node_selector).matches(client::labels_of(node))) return false;
  const Json& terms = required_node_terms(pod_spec);
  if (!terms.is_array()) return true;
  for (const Json& term : terms) {
    if (matches_node_term(term, node)) return true;
  }
  return false;
}

std::optional<Refusal> check_resources(const PodFacts& pod, const NodeFacts& node) {
  std::vector<std::string> reasons;
  if (std::int64_t(node.pods.size()) + 1 > node.pods_max) reasons.push_back("Too many pods");
  const auto lacks = [](std::int64_t wanted, std::int64_t used, std::int64_t have) { return wanted > 0 && wanted > have - used; };
  const Resources& wanted = pod.requests;
  if (lacks(wanted.cpu_milli, node.requested.cpu_milli, node.allocatable.cpu_milli)) reasons.push_back("Insufficient cpu");
  if (lacks(wanted.memory_bytes, node.requested.memory_bytes, node.allocatable.memory_bytes)) reasons.push_back("Insufficient memory");
  if (lacks(wanted.ephemeral_storage_bytes, node.requested.ephemeral_storage_bytes, node.allocatable.ephemeral_storage_bytes)) {
    reasons.push_back("Insufficient ephemeral-storage");
  }
  for (const auto& [name, amount] : wanted.extended) {
    const auto have = node.allocatable.extended.find(name);
    const auto used = node.requested.extended.find(name);
    if (lacks(amount, used == node.requested.extended.end() ? 0 : used->second, have == node.allocatable.extended.end() ? 0 : have->second)) {
      reasons.push_back("Insufficient " + name);
    }
  }
  if (reasons.empty()) return std::nullopt;
  Refusal refusal;
  refusal.plugin = Plugin::node_resources_fit;
  refusal.reasons = std::move(reasons);
  refusal.preemption_helps = true;
  return refusal;
}

std::optional<Refusal> check_ports(const PodFacts& pod, const NodeFacts& node) {
  if (pod.host_ports.empty()) return std::nullopt;
  for (const auto& [key, other] : node.pods) {
    for (const HostPort& taken : other->host_ports) {
      for (const HostPort& wanted : pod.host_ports) {
        if (taken.port != wanted.port || taken.protocol != wanted.protocol) continue;
        if (taken.address != wanted.address && taken.address != "0.0.0.0" && wanted.address != "0.0.0.0") continue;
        return refuse(Plugin::node_ports, "node(s) didn't have free ports for the requested pod ports", true);
      }
    }
  }
  return std::nullopt;
}

PodFilter::PodFilter(const PodFacts& pod, const ClusterState& cluster, const NamespaceLabels& namespaces)
    : pod_(pod), namespaces_(namespaces), only_nodes_(named_nodes(pod.spec())) {
  prepare_spread(cluster);
  prepare_affinity(cluster);
}

void PodFilter::prepare_spread(const ClusterState& cluster) {
  for (const Json& constraint : list_at(pod_.spec(), {"topologySpreadConstraints"})) {
    if (text_at(constraint, {"whenUnsatisfiable"}) != "DoNotSchedule") continue;
    SpreadConstraint spread;
    spread.topology_key = text_at(constraint, {"topologyKey"});
    spread.max_skew = integer_at(constraint, {"maxSkew"}, 1);
    Json selector_json = find(constraint, {"labelSelector"});
    for (const Json& key : list_at(constraint, {"matchLabelKeys"})) {
      const std::string value = text_at(pod_.labels(), {key.get<std::string>()});
      if (!value.empty()) selector_json["matchLabels"][key.get<std::string>()] = value;
    }
    const auto selector = Selector::from_label_selector(selector_json);
    spread.selector = selector ? selector.value() : Selector::nothing();
    spread.matches_self = spread.selector.matches(pod_.labels());
    const bool honor_taints = text_at(constraint, {"nodeTaintsPolicy"}) == "Honor";
    const bool honor_affinity = text_at(constraint, {"nodeAffinityPolicy"}, "Honor") == "Honor";
    for (const NodeFacts* node : cluster.nodes()) {
      if (!has_topology(*node->node, spread.topology_key)) continue;
      if (honor_affinity && !matches_node_selection(pod_.spec(), *node->node)) continue;
      if (honor_taints && check_taints(pod_, *node->node)) continue;
      auto& count = spread.count_by_value[topology_value(*node->node, spread.topology_key)];
      for (const auto& [key, other] : node->pods) {
        if (other->namespace_name != pod_.namespace_name || client::is_deleting(*other->pod)) continue;
        if (spread.selector.matches(other->labels())) ++count;
      }
    }
    std::int64_t count_min = INT64_MAX;
    for (const auto& [value, count] : spread.count_by_value) count_min = std::min(count_min, count);
    const std::int64_t domains_min = integer_at(constraint, {"minDomains"}, 1);
    spread.count_min = std::int64_t(spread.count_by_value.size()) < domains_min || count_min == INT64_MAX ? 0 : count_min;
    spread_.push_back(std::move(spread));
  }
}

PodFilter::AffinityTerm PodFilter::read_term(const Json& json, const PodFacts& owner) const {
  AffinityTerm term;
  term.topology_key = text_at(json, {"topologyKey"});
  const auto selector = Selector::from_label_selector(find(json, {"labelSelector"}));
  term.selector = selector ? selector.value() : Selector::nothing();
  for (const Json& name : list_at(json, {"namespaces"})) term.namespaces.push_back(name.get<std::string>());
  if (find(json, {"namespaceSelector"}).is_object()) {
    const auto namespace_selector = Selector::from_label_selector(find(json, {"namespaceSelector"}));
    if (namespace_selector) term.namespace_selector = namespace_selector.value();
  }
  if (term.namespaces.empty() && !term.namespace_selector) term.namespaces.push_back(owner.namespace_name);
  return term;
}

bool PodFilter::term_matches(const AffinityTerm& term, const PodFacts& other) const {
  bool in_namespace = std::find(term.namespaces.begin(), term.namespaces.end(), other.namespace_name) != term.namespaces.end();
  if (!in_namespace && term.namespace_selector) in_namespace = term.namespace_selector->matches(namespaces_.labels(other.namespace_name));
  return in_namespace && term.selector.matches(other.labels());
}

void PodFilter::prepare_affinity(const ClusterState& cluster) {
  const Json& affinity = list_at(pod_.spec(), {"affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution"});
  const Json& anti_affinity = list_at(pod_.spec(), {"affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"});
  for (const Json& term : affinity) affinity_.push_back(read_term(term, pod_));
  for (const Json& term : anti_affinity) anti_affinity_.push_back(read_term(term, pod_));
  bool any_match = false;
  for (const NodeFacts* node : cluster.nodes()) {
    if (affinity_.empty() && anti_affinity_.empty() && node->anti_affinity_count == 0) continue;
    for (const auto& [key, other] : node->pods) {
      for (auto* terms : {&affinity_, &anti_affinity_}) {
        for (AffinityTerm& term : *terms) {
          if (!has_topology(*node->node, term.topology_key) || !term_matches(term, *other)) continue;
          term.matching_values.insert(topology_value(*node->node, term.topology_key));
          if (terms == &affinity_) any_match = true;
        }
      }
      if (!other->has_anti_affinity) continue;
      for (const Json& json : list_at(other->spec(), {"affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"})) {
        const AffinityTerm term = read_term(json, *other);
        if (has_topology(*node->node, term.topology_key) && term_matches(term, pod_)) {
          forbidden_.emplace(term.topology_key, topology_value(*node->node, term.topology_key));
        }
      }
    }
  }
  // The first pod of a group that wants to be together may go anywhere.
  affinity_first_of_kind_ = !any_match && !affinity_.empty();
  for (const AffinityTerm& term : affinity_) affinity_first_of_kind_ = affinity_first_of_kind_ && term_matches(term, pod_);
}

std::optional<Refusal> PodFilter::check_spread(const NodeFacts& node) const {
  for (const SpreadConstraint& spread : spread_) {
    if (!has_topology(*node.node, spread.topology_key)) {
      return refuse(Plugin::topology_spread, "node(s) didn't match pod topology spread constraints (missing required label)", false);
    }
    const auto found = spread.count_by_value.find(topology_value(*node.node, spread.topology_key));
    const std::int64_t count = found == spread.count_by_value.end() ? 0 : found->second;
    if (count + (spread.matches_self ? 1 : 0) - spread.count_min > spread.max_skew) {
      return refuse(Plugin::topology_spread, "node(s) didn't match pod topology spread constraints", true);
    }
  }
  return std::nullopt;
}

std::optional<Refusal> PodFilter::check_inter_pod(const NodeFacts& node) const {
  for (const AffinityTerm& term : affinity_) {
    const bool labelled = has_topology(*node.node, term.topology_key);
    const bool together = labelled && term.matching_values.count(topology_value(*node.node, term.topology_key)) != 0;
    if (!together && !(labelled && affinity_first_of_kind_)) {
      return refuse(Plugin::inter_pod_affinity, "node(s) didn't match pod affinity rules", false);
    }
  }
  for (const AffinityTerm& term : anti_affinity_) {
    if (has_topology(*node.node, term.topology_key) && term.matching_values.count(topology_value(*node.node, term.topology_key)) != 0) {
      return refuse(Plugin::inter_pod_affinity, "node(s) didn't match pod anti-affinity rules", true);
    }
  }
  for (const auto& [key, value] : forbidden_) {
    if (has_topology(*node.node, key) && topology_value(*node.node, key) == value) {
      return refuse(Plugin::inter_pod_affinity, "node(s) didn't satisfy existing pods anti-affinity rules", true);
    }
  }
  return std::nullopt;
}

std::optional<Refusal> PodFilter::check(const NodeFacts& node) const {
  ASSERT(node.node != nullptr);
  const Json& object = *node.node;
  if (only_nodes_ && only_nodes_->count(node.name()) == 0) {
    return refuse(Plugin::node_affinity, "node(s) didn't satisfy plugin(s) [NodeAffinity]", false);
  }
  if (runtime::bool_at(object, {"spec", "unschedulable"})) {
    Json taint = Json::object();
    taint["key"] = "node.kubernetes.io/unschedulable";
    taint["effect"] = "NoSchedule";
    if (!client::tolerates(find(pod_.spec(), {"tolerations"}), taint)) {
      return refuse(Plugin::node_unschedulable, "node(s) were unschedulable", false);
    }
  }
  if (!pod_.node_name.empty() && pod_.node_name != node.name()) {
    return refuse(Plugin::node_name, "node(s) didn't match the requested node name", false);
  }
  if (auto refusal = check_taints(pod_, object)) return refusal;
  if (!matches_node_selection(pod_.spec(), object)) {
    return refuse(Plugin::node_affinity, "node(s) didn't match Pod's node affinity/selector", false);
  }
  if (auto refusal = check_ports(pod_, node)) return refusal;
  if (auto refusal = check_resources(pod_, node)) return refusal;
  if (auto refusal = check_spread(node)) return refusal;
  return check_inter_pod(node);
}

}  // namespace skidpad::fakes::kube_scheduler

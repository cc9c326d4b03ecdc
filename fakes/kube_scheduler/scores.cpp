#include "fakes/kube_scheduler/scores.hpp"

#include <cmath>

#include "fakes/kube_scheduler/filters.hpp"

namespace skidpad::fakes::kube_scheduler {

using client::Selector;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

namespace {

constexpr std::int64_t score_max = 100;
// Default weights of v1.32.
constexpr std::int64_t weight_taints = 3;
constexpr std::int64_t weight_node_affinity = 2;
constexpr std::int64_t weight_spread = 2;
constexpr std::int64_t weight_inter_pod = 2;
constexpr std::int64_t weight_least_allocated = 1;
constexpr std::int64_t weight_balanced = 1;
constexpr std::int64_t weight_images = 1;
// An image below this is fetched in no time, one above as good as never.
constexpr double image_bytes_min = 23.0 * 1024 * 1024;
constexpr double image_bytes_max = 1000.0 * 1024 * 1024;
constexpr const char* hostname_label = "kubernetes.io/hostname";
constexpr const char* zone_label = "topology.kubernetes.io/zone";

using Scores = std::vector<double>;
using Nodes = std::vector<const NodeFacts*>;

std::string label(const Json& node, const std::string& key) {
  const Json& labels = client::labels_of(node);
  const auto found = labels.find(key);
  return found == labels.end() || !found->is_string() ? "" : found->get<std::string>();
}

std::int64_t free_share(std::int64_t wanted, std::int64_t capacity) {
  if (capacity <= 0 || wanted > capacity) return 0;
  return (capacity - wanted) * score_max / capacity;
}

std::int64_t least_allocated(const PodFacts& pod, const NodeFacts& node) {
  const std::int64_t cpu = free_share(node.score_cpu_milli + pod.score_cpu_milli, node.allocatable.cpu_milli);
  const std::int64_t memory = free_share(node.score_memory_bytes + pod.score_memory_bytes, node.allocatable.memory_bytes);
  return (cpu + memory) / 2;
}

std::int64_t balanced(const PodFacts& pod, const NodeFacts& node) {
  if (node.allocatable.cpu_milli <= 0 || node.allocatable.memory_bytes <= 0) return 0;
  const double cpu = std::min(1.0, double(node.requested.cpu_milli + pod.requests.cpu_milli) / double(node.allocatable.cpu_milli));
  const double memory =
      std::min(1.0, double(node.requested.memory_bytes + pod.requests.memory_bytes) / double(node.allocatable.memory_bytes));
  return std::int64_t((1.0 - std::abs(cpu - memory) / 2) * score_max);
}

std::int64_t untolerated_preferences(const PodFacts& pod, const Json& node) {
  std::int64_t count = 0;
  for (const Json& taint : list_at(node, {"spec", "taints"})) {
    if (text_at(taint, {"effect"}) == "PreferNoSchedule" && !client::tolerates(find(pod.spec(), {"tolerations"}), taint)) ++count;
  }
  return count;
}

std::int64_t preferred_node_affinity(const PodFacts& pod, const Json& node) {
  std::int64_t sum = 0;
  for (const Json& term : list_at(pod.spec(), {"affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"})) {
    if (matches_node_term(find(term, {"preference"}), node)) sum += integer_at(term, {"weight"});
  }
  return sum;
}

enum class Direction { higher_is_better, lower_is_better };

/// To 0..100 by the largest, as the framework's DefaultNormalizeScore.
void normalise_by_max(Scores& scores, Direction direction) {
  double highest = 0;
  for (double score : scores) highest = std::max(highest, score);
  for (double& score : scores) {
    if (highest == 0) {
      score = direction == Direction::lower_is_better ? double(score_max) : 0;
    } else {
      score = std::floor(score * score_max / highest);
      if (direction == Direction::lower_is_better) score = score_max - score;
    }
  }
}

struct SoftConstraint {
  std::string topology_key;
  std::int64_t max_skew = 1;
  std::vector<Selector> selectors;   ///< a pod that all match counts
  bool same_controller = false;
};

/// The pod's own ScheduleAnyway constraints, or the system's defaults for pods that belong to something.
std::vector<SoftConstraint> soft_constraints(const PodFacts& pod, const SpreadPeers& peers) {
  std::vector<SoftConstraint> constraints;
  const Json& own = list_at(pod.spec(), {"topologySpreadConstraints"});
  for (const Json& json : own) {
    if (text_at(json, {"whenUnsatisfiable"}) != "ScheduleAnyway") continue;
    SoftConstraint constraint;
    constraint.topology_key = text_at(json, {"topologyKey"});
    constraint.max_skew = integer_at(json, {"maxSkew"}, 1);
    const auto selector = Selector::from_label_selector(find(json, {"labelSelector"}));
    constraint.selectors.push_back(selector ? selector.value() : Selector::nothing());
    constraints.push_back(std::move(constraint));
  }
  if (!own.empty() || (pod.controller_uid.empty() && peers.service_selectors.empty())) return constraints;
  for (const auto& [key, skew] : {std::pair<const char*, std::int64_t>(hostname_label, 3), {zone_label, 5}}) {
    SoftConstraint constraint;
    constraint.topology_key = key;
    constraint.max_skew = skew;
    constraint.selectors = peers.service_selectors;
    constraint.same_controller = !pod.controller_uid.empty();
    constraints.push_back(std::move(constraint));
  }
  return constraints;
}

bool counts_for(const SoftConstraint& constraint, const PodFacts& pod, const PodFacts& other) {
  if (other.namespace_name != pod.namespace_name || client::is_deleting(*other.pod)) return false;
  if (constraint.same_controller && other.controller_uid != pod.controller_uid) return false;
  for (const Selector& selector : constraint.selectors) {
    if (!selector.matches(other.labels())) return false;
  }
  return true;
}

Scores spread_scores(const PodFacts& pod, const Nodes& nodes, const ClusterState& cluster, const SpreadPeers& peers) {
  Scores scores(nodes.size(), 0);
  for (const SoftConstraint& constraint : soft_constraints(pod, peers)) {
    std::map<std::string, std::int64_t> counts;
    for (const NodeFacts* node : nodes) {
      const std::string value = label(*node->node, constraint.topology_key);
      if (!value.empty()) counts[value] = 0;
    }
    if (counts.empty()) continue;
    for (const NodeFacts* node : cluster.nodes()) {
      const auto count = counts.find(label(*node->node, constraint.topology_key));
      if (count == counts.end()) continue;
      for (const auto& [key, other] : node->pods) {
        if (counts_for(constraint, pod, *other)) ++count->second;
      }
    }
    const double weight = std::log(double(counts.size()) + 2);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const auto count = counts.find(label(*nodes[i]->node, constraint.topology_key));
      if (count != counts.end()) scores[i] += double(count->second) * weight + double(constraint.max_skew - 1);
    }
  }
  double lowest = INFINITY;
  double highest = 0;
  for (double score : scores) {
    lowest = std::min(lowest, std::round(score));
    highest = std::max(highest, std::round(score));
  }
  for (double& score : scores) {
    score = highest == 0 ? double(score_max) : std::floor(score_max * (highest + lowest - std::round(score)) / highest);
  }
  return scores;
}

bool preference_matches(const Json& term, const PodFacts& pod, const PodFacts& other) {
  const Json& namespaces = list_at(term, {"namespaces"});
  bool in_namespace = namespaces.empty() && other.namespace_name == pod.namespace_name;
  for (const Json& name : namespaces) in_namespace = in_namespace || name == other.namespace_name;
  if (!in_namespace) return false;
  const auto selector = Selector::from_label_selector(find(term, {"labelSelector"}));
  return selector && selector.value().matches(other.labels());
}

Scores inter_pod_scores(const PodFacts& pod, const Nodes& nodes, const ClusterState& cluster) {
  Scores scores(nodes.size(), 0);
  struct Kind {
    const char* name;
    std::int64_t sign;
  };
  bool any = false;
  for (const Kind kind : {Kind{"podAffinity", 1}, Kind{"podAntiAffinity", -1}}) {
    for (const Json& weighted : list_at(pod.spec(), {"affinity", kind.name, "preferredDuringSchedulingIgnoredDuringExecution"})) {
      const Json& term = find(weighted, {"podAffinityTerm"});
      const std::string key = text_at(term, {"topologyKey"});
      const std::int64_t weight = integer_at(weighted, {"weight"}) * kind.sign;
      std::map<std::string, std::int64_t> sum_by_value;
      for (const NodeFacts* node : cluster.nodes()) {
        const std::string value = label(*node->node, key);
        if (value.empty()) continue;
        for (const auto& [pod_key, other] : node->pods) {
          if (preference_matches(term, pod, *other)) sum_by_value[value] += weight;
        }
      }
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        const auto sum = sum_by_value.find(label(*nodes[i]->node, key));
        if (sum != sum_by_value.end()) scores[i] += double(sum->second);
      }
      any = true;
    }
  }
  if (!any) return scores;
  const auto [lowest, highest] = std::minmax_element(scores.begin(), scores.end());
  const double low = *lowest;
  const double span = *highest - low;
  for (double& score : scores) score = span == 0 ? 0 : std::floor(score_max * (score - low) / span);
  return scores;
}

/// "nginx" -> "nginx:latest", as the kubelet lists it.
std::string with_tag(const std::string& image) {
  return image.rfind(':') == std::string::npos || image.rfind(':') < image.rfind('/') + 1 ? image + ":latest" : image;
}

/// How much of the pod's images a node has, weighed by how common they are in the cluster.
Scores image_scores(const PodFacts& pod, const Nodes& nodes, const ClusterState& cluster) {
  std::map<std::string, std::pair<double, std::size_t>> known;   // size, nodes that have it
  std::vector<std::string> wanted;
  for (const char* list : {"initContainers", "containers"}) {
    for (const Json& container : list_at(pod.spec(), {list})) wanted.push_back(with_tag(text_at(container, {"image"})));
  }
  const auto holds = [](const NodeFacts& node, const std::string& image, double& bytes) {
    for (const Json& entry : list_at(*node.node, {"status", "images"})) {
      const Json& names = list_at(entry, {"names"});
      if (std::find(names.begin(), names.end(), image) == names.end()) continue;
      bytes = double(integer_at(entry, {"sizeBytes"}));
      return true;
    }
    return false;
  };
  const auto all = cluster.nodes();
  for (const std::string& image : wanted) {
    double bytes = 0;
    for (const NodeFacts* node : all) {
      if (!holds(*node, image, bytes)) continue;
      known[image].first = bytes;
      ++known[image].second;
    }
  }
  Scores scores;
  for (const NodeFacts* node : nodes) {
    double sum = 0;
    double bytes = 0;
    for (const std::string& image : known.empty() ? std::vector<std::string>() : wanted) {
      if (known.count(image) != 0 && holds(*node, image, bytes)) sum += bytes * double(known[image].second) / double(all.size());
    }
    const double most = image_bytes_max * double(std::max<std::size_t>(1, wanted.size()));
    scores.push_back(std::floor(score_max * (std::clamp(sum, image_bytes_min, most) - image_bytes_min) / (most - image_bytes_min)));
  }
  return scores;
}

}  // namespace

std::vector<std::int64_t> score_nodes(const PodFacts& pod, const Nodes& nodes, const ClusterState& cluster, const SpreadPeers& peers) {
  Scores taints;
  Scores affinity;
  for (const NodeFacts* node : nodes) {
    taints.push_back(double(untolerated_preferences(pod, *node->node)));
    affinity.push_back(double(preferred_node_affinity(pod, *node->node)));
  }
  normalise_by_max(taints, Direction::lower_is_better);
  normalise_by_max(affinity, Direction::higher_is_better);
  const Scores spread = spread_scores(pod, nodes, cluster, peers);
  const Scores inter_pod = inter_pod_scores(pod, nodes, cluster);
  const Scores images = image_scores(pod, nodes, cluster);
  std::vector<std::int64_t> totals;
  totals.reserve(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    totals.push_back(weight_taints * std::int64_t(taints[i]) + weight_node_affinity * std::int64_t(affinity[i]) +
                     weight_spread * std::int64_t(spread[i]) + weight_inter_pod * std::int64_t(inter_pod[i]) +
                     weight_least_allocated * least_allocated(pod, *nodes[i]) + weight_balanced * balanced(pod, *nodes[i]) +
                     weight_images * std::int64_t(images[i]));
  }
  return totals;
}

}  // namespace skidpad::fakes::kube_scheduler

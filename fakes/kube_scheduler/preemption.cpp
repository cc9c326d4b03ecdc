#include "fakes/kube_scheduler/preemption.hpp"

#include <set>
#include <tuple>

namespace skidpad::fakes::kube_scheduler {

namespace {

struct Candidate {
  std::string node;
  std::vector<PodFactsPointer> victims;
};

bool fits(const PodFacts& pod, const NodeFacts& node) { return !check_resources(pod, node) && !check_ports(pod, node); }

/// The fewest, least important pods whose absence lets the pod in; nothing if even without all of lower priority it does not fit.
std::optional<Candidate> find_victims(const PodFacts& pod, const NodeFacts& node, bool& lower_exists) {
  NodeFacts without = node;
  std::vector<PodFactsPointer> lower;
  for (const auto& [key, other] : node.pods) {
    if (other->priority < pod.priority) lower.push_back(other);
  }
  lower_exists = !lower.empty();
  if (lower.empty()) return std::nullopt;
  for (const PodFactsPointer& other : lower) without.remove(other->key);
  if (!fits(pod, without)) return std::nullopt;
  // Give back the most important ones as long as the pod still fits.
  std::stable_sort(lower.begin(), lower.end(), [](const PodFactsPointer& a, const PodFactsPointer& b) { return a->priority > b->priority; });
  Candidate candidate;
  candidate.node = node.name();
  for (const PodFactsPointer& other : lower) {
    without.add(other);
    if (fits(pod, without)) continue;
    without.remove(other->key);
    candidate.victims.push_back(other);
  }
  return candidate;
}

/// Lower is better: highest priority among the victims, their sum, their number.
auto cost(const Candidate& candidate) {
  std::int64_t highest = INT64_MIN;
  std::int64_t sum = 0;
  for (const PodFactsPointer& victim : candidate.victims) {
    highest = std::max(highest, victim->priority);
    sum += victim->priority;
  }
  return std::make_tuple(highest, sum, candidate.victims.size());
}

}  // namespace

std::string describe_refusals(std::size_t node_count, const std::map<std::string, std::size_t>& count_by_reason) {
  std::set<std::string> lines;
  for (const auto& [reason, count] : count_by_reason) lines.insert(std::to_string(count) + " " + reason);
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : ", ") + line;
  return "0/" + std::to_string(node_count) + " nodes are available: " + text + ".";
}

PreemptionPlan plan_preemption(const PodFacts& pod, const ClusterState& cluster, const Refusals& refusals) {
  PreemptionPlan plan;
  const std::size_t node_count = cluster.nodes().size();
  if (runtime::text_at(pod.spec(), {"preemptionPolicy"}) == "Never") {
    plan.message = "not eligible due to preemptionPolicy=Never.";
    return plan;
  }
  std::map<std::string, std::size_t> count_by_reason;
  std::optional<Candidate> best;
  for (const auto& [name, refusal] : refusals) {
    const NodeFacts* node = cluster.node(name);
    if (!refusal.preemption_helps || node == nullptr) {
      ++count_by_reason["Preemption is not helpful for scheduling"];
      continue;
    }
    bool lower_exists = false;
    auto candidate = find_victims(pod, *node, lower_exists);
    if (!candidate) {
      if (lower_exists) {
        for (const std::string& reason : refusal.reasons) ++count_by_reason[reason];
      } else {
        ++count_by_reason["No preemption victims found for incoming pod"];
      }
      continue;
    }
    if (!best || cost(*candidate) < cost(*best)) best = std::move(candidate);
  }
  if (best) {
    plan.node = best->node;
    plan.victims = std::move(best->victims);
    return plan;
  }
  plan.message = describe_refusals(node_count, count_by_reason);
  return plan;
}

}  // namespace skidpad::fakes::kube_scheduler

#include "fakes/kube_scheduler/preemption.hpp"

#include <set>
#include <tuple>

namespace skidpad::fakes::kube_scheduler {

namespace {

struct Candidate {
  std::string node;
  std::vector<PodFactsPointer> victims;
  std::size_t budget_violations = 0;
};

std::string start_of(const PodFacts& pod) { return runtime::text_at(*pod.pod, {"status", "startTime"}, "9"); }

/// The more important pod first: by priority, then the one that has run longer.
bool more_important(const PodFactsPointer& a, const PodFactsPointer& b) {
  if (a->priority != b->priority) return a->priority > b->priority;
  return start_of(*a) < start_of(*b);
}

/// Which of these pods, taken away in this order, would break a budget.
std::set<std::string> breaking_budgets(const std::vector<PodFactsPointer>& pods, const std::vector<ObjectPointer>& budgets) {
  std::set<std::string> breaking;
  std::map<std::string, std::int64_t> allowed;
  for (const ObjectPointer& budget : budgets) allowed[client::uid_of(*budget)] = runtime::integer_at(*budget, {"status", "disruptionsAllowed"});
  for (const PodFactsPointer& pod : pods) {
    for (const ObjectPointer& budget : budgets) {
      if (client::namespace_of(*budget) != pod->namespace_name) continue;
      const auto selector = client::Selector::from_label_selector(runtime::find(*budget, {"spec", "selector"}));
      if (!selector || selector.value().empty() || !selector.value().matches(pod->labels())) continue;
      if (runtime::find(*budget, {"status", "disruptedPods"}).contains(client::name_of(*pod->pod))) continue;
      if (--allowed[client::uid_of(*budget)] < 0) breaking.insert(pod->key);
    }
  }
  return breaking;
}

/// The fewest, least important pods whose absence lets the pod in; nothing if even without all of lower priority it does not fit.
/// @param trial  a copy of the cluster to try on; as before afterwards
std::optional<Candidate> find_victims(const PodFacts& pod, const std::string& node, ClusterState& trial, const NamespaceLabels& namespaces,
                                      const std::vector<ObjectPointer>& budgets, bool& lower_exists) {
  std::vector<PodFactsPointer> lower;
  for (const auto& [key, other] : trial.node(node)->pods) {
    if (other->priority < pod.priority) lower.push_back(other);
  }
  lower_exists = !lower.empty();
  if (lower.empty()) return std::nullopt;
  std::stable_sort(lower.begin(), lower.end(), more_important);
  for (const PodFactsPointer& other : lower) trial.remove_pod(other->key);
  const auto fits = [&] { return !PodFilter(pod, trial, namespaces).check(*trial.node(node)); };
  std::optional<Candidate> candidate;
  if (fits()) {
    candidate.emplace();
    candidate->node = node;
    const std::set<std::string> breaking = breaking_budgets(lower, budgets);
    // Give back as many as still fit, those under a used-up budget first.
    for (const bool protected_ones : {true, false}) {
      for (const PodFactsPointer& other : lower) {
        if ((breaking.count(other->key) != 0) != protected_ones) continue;
        trial.assume(other, node);
        if (fits()) continue;
        trial.remove_pod(other->key);
        candidate->victims.push_back(other);
        if (protected_ones) ++candidate->budget_violations;
      }
    }
    for (const PodFactsPointer& other : candidate->victims) trial.assume(other, node);
    std::stable_sort(candidate->victims.begin(), candidate->victims.end(), more_important);
  } else {
    for (const PodFactsPointer& other : lower) trial.assume(other, node);
  }
  return candidate;
}

/// Whether the first node is the better one: fewest broken budgets, then lowest highest priority, sum and number of victims, then the
/// one whose most important victim started last.
bool better(const Candidate& a, const Candidate& b) {
  const auto cost = [](const Candidate& candidate) {
    std::int64_t sum = 0;
    // As the real one: priorities are made positive first, so that fewer victims weigh less.
    for (const PodFactsPointer& victim : candidate.victims) sum += victim->priority + std::int64_t(INT32_MAX) + 1;
    const std::int64_t highest = candidate.victims.empty() ? INT64_MIN : candidate.victims.front()->priority;
    return std::make_tuple(candidate.budget_violations, highest, sum, candidate.victims.size());
  };
  if (cost(a) != cost(b)) return cost(a) < cost(b);
  return !a.victims.empty() && !b.victims.empty() && start_of(*a.victims.front()) > start_of(*b.victims.front());
}

/// A pod that is on its way out because of an earlier preemption.
bool is_leaving_for_preemption(const PodFacts& pod) {
  if (!client::is_deleting(*pod.pod)) return false;
  const Json& target = client::condition_of(*pod.pod, "DisruptionTarget");
  return !target.is_object() || runtime::text_at(target, {"reason"}) == "PreemptionByScheduler";
}

}  // namespace

std::string describe_refusals(std::size_t node_count, const std::map<std::string, std::size_t>& count_by_reason) {
  std::set<std::string> lines;
  for (const auto& [reason, count] : count_by_reason) lines.insert(std::to_string(count) + " " + reason);
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : ", ") + line;
  return "0/" + std::to_string(node_count) + " nodes are available: " + text + ".";
}

PreemptionPlan plan_preemption(const PodFacts& pod, const ClusterState& cluster, const Refusals& refusals, const NamespaceLabels& namespaces,
                               const std::vector<ObjectPointer>& budgets) {
  PreemptionPlan plan;
  const std::size_t node_count = cluster.nodes().size();
  if (runtime::text_at(pod.spec(), {"preemptionPolicy"}) == "Never") {
    plan.message = "not eligible due to preemptionPolicy=Never.";
    return plan;
  }
  const NodeFacts* nominated = cluster.node(runtime::text_at(*pod.pod, {"status", "nominatedNodeName"}));
  const auto refused_for_good = nominated == nullptr ? refusals.end() : refusals.find(nominated->name());
  if (nominated != nullptr && (refused_for_good == refusals.end() || refused_for_good->second.preemption_helps)) {
    for (const auto& [key, other] : nominated->pods) {
      if (other->priority >= pod.priority || !is_leaving_for_preemption(*other)) continue;
      plan.message = "not eligible due to a terminating pod on the nominated node.";
      plan.keeps_nomination = true;
      return plan;
    }
  }
  std::map<std::string, std::size_t> count_by_reason;
  std::optional<Candidate> best;
  ClusterState trial = cluster;
  for (const auto& [name, refusal] : refusals) {
    const NodeFacts* node = cluster.node(name);
    if (!refusal.preemption_helps || node == nullptr) {
      ++count_by_reason["Preemption is not helpful for scheduling"];
      continue;
    }
    bool lower_exists = false;
    auto candidate = find_victims(pod, name, trial, namespaces, budgets, lower_exists);
    if (!candidate) {
      if (lower_exists) {
        for (const std::string& reason : refusal.reasons) ++count_by_reason[reason];
      } else {
        ++count_by_reason["No preemption victims found for incoming pod"];
      }
      continue;
    }
    if (!best || better(*candidate, *best)) best = std::move(candidate);
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

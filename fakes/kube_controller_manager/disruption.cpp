#include "fakes/kube_controller_manager/disruption.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

/// An eviction that was granted but whose deletion is not seen after so long has failed.
constexpr Duration eviction_timeout = std::chrono::minutes(2);

std::int64_t resolve_up(const Json& value, std::int64_t total) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_string()) return 0;
  return (std::strtoll(value.get<std::string>().c_str(), nullptr, 10) * total + 99) / 100;
}

}  // namespace

std::optional<BudgetNeed> budget_need(const Json& budget, std::size_t pod_count, std::optional<std::int64_t> scale) {
  BudgetNeed need;
  const Json& unavailable = find(budget, {"spec", "maxUnavailable"});
  const Json& available = find(budget, {"spec", "minAvailable"});
  if (!unavailable.is_null()) {
    if (!scale) return std::nullopt;
    need.expected = *scale;
    need.desired_healthy = std::max<std::int64_t>(0, *scale - resolve_up(unavailable, *scale));
  } else if (available.is_number_integer()) {
    need.expected = std::int64_t(pod_count);
    need.desired_healthy = available.get<std::int64_t>();
  } else if (available.is_string()) {
    if (!scale) return std::nullopt;
    need.expected = *scale;
    need.desired_healthy = resolve_up(available, *scale);
  }
  return need;
}

Json budget_status(const Json& budget, const std::vector<ObjectPointer>& pods, BudgetNeed need, WallTime now,
                   std::optional<WallTime>* recheck_at) {
  Json status = find(budget, {"status"});
  if (!status.is_object()) status = Json::object();
  Json disrupted = Json::object();
  std::int64_t healthy = 0;
  for (const ObjectPointer& pod : pods) {
    if (client::is_deleting(*pod)) continue;
    const auto evicted_at = client::time_at(budget, {"status", "disruptedPods", client::name_of(*pod)});
    if (evicted_at && *evicted_at + eviction_timeout > now) {
      disrupted[client::name_of(*pod)] = find(budget, {"status", "disruptedPods", client::name_of(*pod)});
      const WallTime expires = *evicted_at + eviction_timeout;
      if (recheck_at != nullptr && (!*recheck_at || expires < **recheck_at)) *recheck_at = expires;
      continue;
    }
    if (client::is_pod_ready(*pod)) ++healthy;
  }
  std::int64_t allowed = healthy - need.desired_healthy;
  if (need.expected <= 0 || allowed < 0) allowed = 0;
  status["currentHealthy"] = healthy;
  status["desiredHealthy"] = need.desired_healthy;
  status["expectedPods"] = need.expected;
  status["disruptionsAllowed"] = allowed;
  status["observedGeneration"] = integer_at(budget, {"metadata", "generation"});
  if (disrupted.empty()) {
    status.erase("disruptedPods");
  } else {
    status["disruptedPods"] = std::move(disrupted);
  }
  Json conditions = find(status, {"conditions"});
  client::set_condition(conditions, "DisruptionAllowed", allowed > 0 ? "True" : "False", allowed > 0 ? "SufficientPods" : "InsufficientPods",
                        "", now);
  for (Json& condition : conditions) {
    condition["message"] = text_at(condition, {"message"});  // metav1.Condition always has one
    condition["observedGeneration"] = integer_at(budget, {"metadata", "generation"});
  }
  status["conditions"] = std::move(conditions);
  return status;
}

DisruptionController::DisruptionController(Surroundings& surroundings)
    : QueueController(surroundings, "disruption", "controllermanager", 1),
      budgets_(surroundings.informers.informer(types::pod_disruption_budgets)),
      pods_(surroundings.informers.informer(types::pods)),
      replica_sets_(surroundings.informers.informer(types::replica_sets)),
      deployments_(surroundings.informers.informer(types::deployments)),
      stateful_sets_(surroundings.informers.informer(types::stateful_sets)) {
  client::InformerHandler budgets;
  budgets.added = [this](const ObjectPointer& budget) { enqueue(*budget); };
  budgets.updated = [this](const ObjectPointer&, const ObjectPointer& budget) { enqueue(*budget); };
  budgets_.add_handler(std::move(budgets));
  client::InformerHandler pods;
  pods.added = [this](const ObjectPointer& pod) { enqueue_budgets_of(*pod); };
  pods.updated = [this](const ObjectPointer&, const ObjectPointer& pod) { enqueue_budgets_of(*pod); };
  pods.deleted = [this](const ObjectPointer& pod) { enqueue_budgets_of(*pod); };
  pods_.add_handler(std::move(pods));
}

void DisruptionController::enqueue_budgets_of(const Json& pod) {
  for (const ObjectPointer& budget : budgets_.store().in_namespace(client::namespace_of(pod))) {
    const auto selector = Selector::from_label_selector(find(*budget, {"spec", "selector"}));
    if (selector && selector.value().matches(client::labels_of(pod))) enqueue(*budget);
  }
}

std::optional<std::int64_t> DisruptionController::scale_of(const std::vector<ObjectPointer>& pods) const {
  std::map<std::string, std::int64_t> by_controller;
  for (const ObjectPointer& pod : pods) {
    const Json* owner = &client::controller_of(*pod);
    const std::string namespace_name = client::namespace_of(*pod);
    const std::string kind = text_at(*owner, {"kind"});
    const std::string name = text_at(*owner, {"name"});
    ObjectPointer controller;
    if (kind == "ReplicaSet") {
      controller = replica_sets_.store().find(namespace_name, name);
      const Json& parent = controller == nullptr ? Json() : client::controller_of(*controller);
      if (text_at(parent, {"kind"}) == "Deployment") {
        const ObjectPointer deployment = deployments_.store().find(namespace_name, text_at(parent, {"name"}));
        if (deployment != nullptr) controller = deployment;
      }
    } else if (kind == "StatefulSet") {
      controller = stateful_sets_.store().find(namespace_name, name);
    }
    if (controller == nullptr) return std::nullopt;
    by_controller[client::uid_of(*controller)] = integer_at(*controller, {"spec", "replicas"}, 1);
  }
  std::int64_t sum = 0;
  for (const auto& [uid, replicas] : by_controller) sum += replicas;
  return sum;
}

Task<Result<void>> DisruptionController::reconcile(std::string key) {
  const ObjectPointer budget = budgets_.store().find(key);
  if (budget == nullptr) co_return success();
  const auto selector = Selector::from_label_selector(find(*budget, {"spec", "selector"}));
  if (!selector) co_return success();
  std::vector<ObjectPointer> pods;
  for (const ObjectPointer& pod : pods_.store().in_namespace(client::namespace_of(*budget))) {
    if (selector.value().matches(client::labels_of(*pod))) pods.push_back(pod);
  }
  const auto need = budget_need(*budget, pods.size(), scale_of(pods));
  std::optional<WallTime> recheck_at;
  Json status;
  if (need) {
    status = budget_status(*budget, pods, *need, now(), &recheck_at);
  } else {
    // Nothing may go while we cannot tell how many there should be.
    status = find(*budget, {"status"});
    if (!status.is_object()) status = Json::object();
    status["disruptionsAllowed"] = 0;
    Json conditions = find(status, {"conditions"});
    client::set_condition(conditions, "DisruptionAllowed", "False", "SyncFailed", "found no controller ref for a pod of the budget", now());
    status["conditions"] = std::move(conditions);
  }
  if (recheck_at) queue_.add_after(key, *recheck_at - now());
  if (status == find(*budget, {"status"})) co_return success();
  Json changed = *budget;
  changed["status"] = std::move(status);
  auto updated = co_await client_.update_status(types::pod_disruption_budgets, std::move(changed));
  if (!updated && updated.error().code != ErrorCode::not_found) co_return updated.error();
  co_return success();
}

}  // namespace skidpad::fakes::kube_controller_manager

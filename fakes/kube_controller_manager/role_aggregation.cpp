#include "fakes/kube_controller_manager/role_aggregation.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

const std::string ttl_annotation = "node.alpha.kubernetes.io/ttl";

/// Steps overlap, so that a cluster at a border does not rewrite all its nodes again and again.
struct TtlStep {
  std::size_t nodes_min;
  std::size_t nodes_max;
  std::int64_t seconds;
};
constexpr TtlStep ttl_steps[] = {{0, 100, 0}, {90, 500, 15}, {450, 1000, 30}, {900, 2000, 60}, {1800, 10000, 300}, {9000, SIZE_MAX, 600}};

}  // namespace

Json aggregated_rules(const Json& role, const Store& roles) {
  const Json& selectors = list_at(role, {"aggregationRule", "clusterRoleSelectors"});
  if (selectors.empty()) return {};
  Json rules = Json::array();
  for (const Json& text : selectors) {
    const auto selector = Selector::from_label_selector(text);
    if (!selector) continue;
    for (const auto& [name, each] : roles.objects()) {
      if (name == client::name_of(role) || !selector.value().matches(client::labels_of(*each))) continue;
      for (const Json& rule : list_at(*each, {"rules"})) {
        if (std::find(rules.begin(), rules.end(), rule) == rules.end()) rules.push_back(rule);
      }
    }
  }
  return rules;
}

RoleAggregationController::RoleAggregationController(Surroundings& surroundings)
    : QueueController(surroundings, "ClusterRoleAggregator", "clusterrole-aggregation-controller", 1), roles_(surroundings.informers.informer(types::cluster_roles)) {
  roles_.add_handler(client::on_any_change([this](const ObjectPointer&) {
    for (const auto& [name, role] : roles_.store().objects()) {
      if (find(*role, {"aggregationRule"}).is_object()) queue_.add(name);
    }
  }));
}

Task<Result<void>> RoleAggregationController::reconcile(std::string key) {
  const ObjectPointer role = roles_.store().find(key);
  if (role == nullptr) co_return success();
  Json rules = aggregated_rules(*role, roles_.store());
  if (rules.is_null() || rules == list_at(*role, {"rules"})) co_return success();
  Json changed = *role;
  changed["rules"] = std::move(rules);
  auto updated = co_await client_.update(types::cluster_roles, std::move(changed));
  if (!updated && updated.error().code != ErrorCode::not_found) co_return updated.error();
  co_return success();
}

NodeTtlController::NodeTtlController(Surroundings& surroundings)
    : QueueController(surroundings, "ttlcontroller", "ttl-controller", 1), nodes_(surroundings.informers.informer(types::nodes)) {
  client::InformerHandler nodes;
  nodes.added = [this](const ObjectPointer& node) { enqueue(*node); };
  nodes.updated = [this](const ObjectPointer&, const ObjectPointer& node) { enqueue(*node); };
  nodes_.add_handler(std::move(nodes));
}

std::int64_t NodeTtlController::wanted_seconds() {
  const std::size_t count = nodes_.store().size();
  while (count > ttl_steps[step_].nodes_max) ++step_;
  while (step_ > 0 && count < ttl_steps[step_].nodes_min) --step_;
  return ttl_steps[step_].seconds;
}

Task<Result<void>> NodeTtlController::reconcile(std::string key) {
  const ObjectPointer node = nodes_.store().find(key);
  if (node == nullptr) co_return success();
  const std::string wanted = std::to_string(wanted_seconds());
  if (text_at(*node, {"metadata", "annotations", ttl_annotation}) == wanted) co_return success();
  Json patch = Json::object();
  patch["metadata"]["annotations"][ttl_annotation] = wanted;
  auto patched = co_await client_.patch(types::nodes, "", key, PatchType::strategic, std::move(patch));
  if (!patched && patched.error().code != ErrorCode::not_found) co_return patched.error();
  co_return success();
}

}  // namespace skidpad::fakes::kube_controller_manager

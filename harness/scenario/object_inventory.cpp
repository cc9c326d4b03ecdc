#include "harness/scenario/object_inventory.hpp"

namespace skidpad::scenario {

using runtime::Result;
using runtime::Task;

Task<Result<Json>> running_copies(client::KubernetesClient& api) {
  client::ListOptions options;
  options.namespace_name = "kube-system";
  auto pods = co_await api.list_all(client::types::pods, std::move(options));
  if (!pods) co_return pods.error();
  Json copies = Json::array();
  for (const auto& pod : pods.value().items) {
    const std::string parent = client::annotation(*pod, "checkpointer.alpha.coreos.com/checkpoint-of");
    const bool copy = !parent.empty() && !parent.starts_with("pod-checkpointer");
    const bool stands_in = client::labels_of(*pod).contains("skidpad.dev/rescue-of");
    if (copy || stands_in || !client::is_pod_ready(*pod)) copies.push_back(client::key_of(*pod));
  }
  co_return copies;
}

Task<Result<Json>> take_inventory(client::KubernetesClient& api) {
  using namespace client::types;
  const std::vector<client::ResourceType> listed = {namespaces, nodes, services, secrets, config_maps, service_accounts, deployments, daemon_sets,
                                                    cluster_roles, cluster_role_bindings, pod_disruption_budgets, custom_resource_definitions};
  Json inventory;
  Json& objects = inventory["objects"] = Json::object();
  for (const client::ResourceType& type : listed) {
    auto found = co_await api.list_all(type);
    if (!found) co_return found.error();
    for (const auto& object : found.value().items) {
      objects[type.kind + "/" + client::namespace_of(*object) + "/" + client::name_of(*object)] = client::uid_of(*object);
    }
  }
  auto copies = co_await running_copies(api);
  if (!copies) co_return copies.error();
  inventory["copies"] = std::move(copies.value());
  co_return inventory;
}

}  // namespace skidpad::scenario

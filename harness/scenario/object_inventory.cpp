#include "harness/scenario/object_inventory.hpp"

namespace skidpad::scenario {

using runtime::Result;
using runtime::Task;

namespace {

Task<Result<client::ObjectList>> system_pods(client::KubernetesClient& api) {
  client::ListOptions options;
  options.namespace_name = "kube-system";
  co_return co_await api.list_all(client::types::pods, std::move(options));
}

}  // namespace

Task<Result<CheckpointParents>> checkpoint_parents(client::KubernetesClient& api) {
  CheckpointParents parents;
  auto pods = co_await system_pods(api);
  if (!pods) co_return pods.error();
  for (const auto& pod : pods.value().items) {
    if (client::annotation(*pod, "checkpointer.alpha.coreos.com/checkpoint") == "true") parents[client::key_of(*pod)] = runtime::text_at(*pod, {"spec", "nodeName"});
  }
  co_return parents;
}

Task<Result<Json>> running_copies(client::KubernetesClient& api, client::machines::MachineProviderClient& machines, const CheckpointParents& before) {
  auto pods = co_await system_pods(api);
  if (!pods) co_return pods.error();
  CheckpointParents gone = before;
  Json copies = Json::array();
  for (const auto& pod : pods.value().items) {
    const std::string parent = client::annotation(*pod, "checkpointer.alpha.coreos.com/checkpoint-of");
    const bool copy = !parent.empty() && !parent.starts_with("pod-checkpointer");
    const bool stands_in = client::labels_of(*pod).contains("skidpad.dev/rescue-of");
    const bool temporary = runtime::text_at(client::labels_of(*pod), {"component"}).starts_with("bootstrap-");
    if (copy || stands_in || temporary || !client::is_pod_ready(*pod)) copies.push_back(client::key_of(*pod));
    gone.erase(client::key_of(*pod));
  }
  for (const auto& [key, node] : gone) {
    std::string name = key;
    std::replace(name.begin(), name.end(), '/', '-');
    const std::string path = "/etc/kubernetes/inactive-manifests/" + name + ".json";
    auto left = co_await machines.read_file(node, path);
    if (left) copies.push_back(node + ":" + path);
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
  co_return inventory;
}

}  // namespace skidpad::scenario

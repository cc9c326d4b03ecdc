#include "harness/cluster/cluster_plan.hpp"

#include "harness/client/machines/machine.hpp"

namespace skidpad::cluster {

std::string_view name(TopologyType type) {
  switch (type) {
    case TopologyType::standalone: return "standalone";
    case TopologyType::overlapping_planes: return "overlapping-planes";
    case TopologyType::separated_planes: return "separated-planes";
  }
  return "?";
}

bool ClusterSpec::is_foreign(const std::string& component) const {
  const auto found = components.find(component);
  return found != components.end() && found->second.foreign();
}

ComponentVersion ClusterSpec::version_of(const std::string& component) const {
  const auto found = components.find(component);
  const bool known = found != components.end() && !found->second.version.empty();
  auto version = parse_version(known ? found->second.version : component == "etcd" ? etcd_release : release);
  // A release may be any text that a user gives to ours; they take the flags of what they are modelled on.
  if (version) return std::move(version.value());
  return component == "etcd" ? ComponentVersion{3, 4, 23, "3.4.23"} : ComponentVersion{1, 32, 13, "v1.32.13"};
}

std::vector<const NodePlan*> ClusterPlan::etcd_nodes() const {
  std::vector<const NodePlan*> chosen;
  for (const NodePlan& node : nodes) {
    if (node.etcd) chosen.push_back(&node);
  }
  return chosen;
}

std::vector<const NodePlan*> ClusterPlan::control_plane_nodes() const {
  std::vector<const NodePlan*> chosen;
  for (const NodePlan& node : nodes) {
    if (node.control_plane) chosen.push_back(&node);
  }
  return chosen;
}

ClusterPlan plan_cluster(const ClusterSpec& spec) {
  ClusterPlan plan;
  const auto add = [&](std::string name) -> NodePlan& {
    NodePlan node;
    node.name = std::move(name);
    node.address = spec.address_prefix + ".1." + std::to_string(plan.nodes.size() + 1);
    node.pod_cidr = client::machines::pod_cidr_of(node.address);
    return plan.nodes.emplace_back(std::move(node));
  };
  switch (spec.topology) {
    case TopologyType::standalone: {
      NodePlan& node = add("node-1");
      node.etcd = node.control_plane = node.worker = true;
      break;
    }
    case TopologyType::overlapping_planes:
      ASSERT(spec.etcd_count <= spec.control_plane_count);
      for (std::size_t i = 0; i < spec.control_plane_count; ++i) {
        NodePlan& node = add("control-plane-" + std::to_string(i + 1));
        node.control_plane = true;
        node.etcd = i < spec.etcd_count;
        // Without workers of their own the planes' hosts carry the workload too, as Rancher's overlapping planes do.
        node.worker = spec.worker_count == 0;
      }
      break;
    case TopologyType::separated_planes:
      for (std::size_t i = 0; i < spec.etcd_count; ++i) add("etcd-" + std::to_string(i + 1)).etcd = true;
      for (std::size_t i = 0; i < spec.control_plane_count; ++i) add("control-plane-" + std::to_string(i + 1)).control_plane = true;
      break;
  }
  for (std::size_t i = 0; i < spec.worker_count; ++i) add("worker-" + std::to_string(i + 1)).worker = true;
  if (spec.components.contains(real_kubelet_component)) {
    // A runtime serves one kubelet: a second one would end all pods that it does not know.
    const bool one_each = spec.container_runtime_endpoint.find("${NAME}") != std::string::npos;
    for (std::size_t i = plan.nodes.size() - spec.worker_count; i < plan.nodes.size(); ++i) plan.nodes[i].real_kubelet = one_each || plan.nodes[i].name == "worker-1";
  }
  if (spec.hollow_nodes > 0) plan.hollow.address = spec.address_prefix + ".1." + std::to_string(plan.nodes.size() + 1);
  for (std::size_t i = 0; i < spec.hollow_nodes; ++i) plan.hollow.names.push_back("hollow-" + std::to_string(i + 1));
  return plan;
}

}  // namespace skidpad::cluster

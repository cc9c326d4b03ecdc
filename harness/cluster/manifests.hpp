/// @file manifests.hpp
/// The pods of a control plane and the add-ons, as API objects with the real components' own flags.
#pragma once

#include "harness/cluster/cluster_plan.hpp"
#include "harness/runtime/json.hpp"

namespace skidpad::cluster {

/// Static pods, as files for /etc/kubernetes/manifests.
Json etcd_manifest(const ClusterSpec& spec, const ClusterPlan& plan, const NodePlan& node);
Json apiserver_manifest(const ClusterSpec& spec, const ClusterPlan& plan, const NodePlan& node);
Json controller_manager_manifest(const ClusterSpec& spec, const NodePlan& node);
Json scheduler_manifest(const ClusterSpec& spec, const NodePlan& node);
/// The node-local balancer over all API servers; needs nothing but the API servers' addresses.
Json balancer_manifest(const ClusterSpec& spec, const ClusterPlan& plan);

/// The balancer as a program of its own, for a machine without kubelet. Needs the component kube-proxy.
std::vector<std::string> balancer_command(const ClusterSpec& spec, const ClusterPlan& plan);
/// Label and taint key of nodes that only pretend: kubelets of kubemark.
inline constexpr std::string_view hollow_label = "skidpad.dev/hollow";
/// Label and taint key of nodes with the user's kubelet: their images are the runtime's, which knows none of ours.
inline constexpr std::string_view real_kubelet_label = "skidpad.dev/real-kubelet";
/// One hollow node's `kubemark --morph=kubelet`, number counted from 0, or our kubelet in its place.
std::vector<std::string> hollow_command(const ClusterSpec& spec, const std::string& name, std::size_t number);
/// Its `kubemark --morph=proxy`. Needs the component kubemark.
std::vector<std::string> hollow_proxy_command(const ClusterSpec& spec, const std::string& name);
/// Our kube-proxy as a program of its own, for a machine whose kubelet cannot run it.
std::vector<std::string> kube_proxy_command(const ClusterSpec& spec, const ClusterPlan& plan);
/// The user's kubelet, without its executable's path: flags that every covered version takes.
std::vector<std::string> real_kubelet_command(const ClusterSpec& spec);

/// KubeletConfiguration kubelet.config.k8s.io/v1beta1, for ours and hollow ones of ours.
Json kubelet_configuration(const ClusterSpec& spec, const ClusterPlan& plan);
/// For the user's: over a container runtime, and without what several kubelets of one host would do to each other and to it.
Json real_kubelet_configuration(const ClusterSpec& spec, const ClusterPlan& plan);
/// Image name -> executable, for the kubelet's image store.
Json image_table(const ClusterSpec& spec);
/// Full image name of a component.
std::string image_of(const ClusterSpec& spec, const std::string& component);

/// RBAC, kube-proxy, and the node healer where it is wanted.
/// @param worker_template  a MachineSpec as JSON, for the healer's Secret.
std::vector<Json> addon_objects(const ClusterSpec& spec, const ClusterPlan& plan, const Json& worker_template);

}  // namespace skidpad::cluster

/// @file cluster_plan.hpp
/// Which nodes a cluster has, where they are and what they do. Pure; the same for every driver.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/cluster/component_flags.hpp"
#include "harness/history/timers.hpp"
#include "harness/runtime/network.hpp"

namespace skidpad::cluster {

enum class TopologyType { standalone, overlapping_planes, separated_planes };
std::string_view name(TopologyType type);

/// Where each component's program is on the machines' file system, by image, and what is known of it.
struct Component {
  std::string executable;
  std::vector<std::string> arguments;  ///< put before the container's own
  std::string owner = "skidpad";       ///< whose binary: "skidpad", "host" (etcd on PATH), "--assets", "--component"
  std::string version;                 ///< as the binary says; "" = ours: it stands for ClusterSpec::release
  std::string sha256;                  ///< of the executable, in hexadecimal; "" = not looked at
  std::set<std::string> help_flags;    ///< of --help, where it was asked
  /// Not of this build: real timers, real manners.
  bool foreign() const { return owner == "--assets" || owner == "--component"; }
};

struct HealerSpec {
  bool enabled = true;
  bool paused = false;
  std::string max_unhealthy = "40%";
  std::size_t replicas = 2;
};

struct EtcdOperatorSpec {
  bool enabled = false;
  bool object_store = false;   ///< an S3 server of its own for the backups
  std::vector<std::string> further_versions;  ///< of etcd, whose images there must be: only the model can be several
};

struct ClusterSpec {
  TopologyType topology = TopologyType::overlapping_planes;
  bool self_hosted = false;             ///< the control plane runs as pods of its own API (docs/self-hosting.md), not as static pods
  std::size_t etcd_count = 3;           ///< hosts with an etcd member; with overlapping planes the same as control_plane_count
  std::size_t control_plane_count = 3;
  std::size_t worker_count = 2;
  std::string release = "v1.32.13";     ///< tag of the Kubernetes components' images
  std::string etcd_release = "3.4.23-0";
  history::Timers timers;
  std::string address_prefix = "10.240";  ///< first two bytes; machines are at <prefix>.1.N, their pods at <prefix>.(N+1).0/24
  std::map<std::string, Component> components;  ///< by name: etcd, kube-apiserver, ..., kube-proxy, node-healer, workload
  runtime::Endpoint provider;             ///< the machine provider's API, as the machines reach it
  std::string provider_token;
  std::vector<std::string> apiserver_names;  ///< further host names and addresses in the API servers' certificates
  HealerSpec healer;
  EtcdOperatorSpec etcd_operator;
  std::size_t hollow_nodes = 0;           ///< kubelets whose pods only pretend, all on one machine of their own: kubemark's, or ours where it is not given
  bool hollow_proxies = false;            ///< and a `kubemark --morph=proxy` for each; needs the component kubemark
  /// Of a real kubelet, the component real_kubelet_component: unix:///PATH, which may hold ${NAME}, the machine's name.
  std::string container_runtime_endpoint;

  bool is_foreign(const std::string& component) const;
  bool has_kubemark() const { return components.contains("kubemark"); }
  /// What the component's binary says it is, or what ours stands for.
  ComponentVersion version_of(const std::string& component) const;
};

/// The user's kubelet. The component "kubelet" stays ours: it runs the control plane, whose images are programs of this host.
inline constexpr char real_kubelet_component[] = "real-kubelet";

/// The machine that holds the hollow nodes, and their names.
struct HollowPlan {
  std::string machine_name = "hollow-nodes";
  std::string address;
  std::vector<std::string> names;   ///< hollow-1, ...; empty: no such machine
};

struct NodePlan {
  std::string name;      ///< node and machine
  std::string address;
  std::string pod_cidr;
  bool etcd = false;
  bool control_plane = false;
  bool worker = false;   ///< takes ordinary pods
  bool real_kubelet = false;  ///< the user's, over a container runtime
};

struct ClusterPlan {
  std::vector<NodePlan> nodes;  ///< in the order they are made
  std::string service_cidr = "10.96.0.0/16";
  std::string service_address = "10.96.0.1";
  std::string dns_address = "127.0.0.1";  ///< every node's own
  std::uint16_t apiserver_port = 6443;
  std::uint16_t balancer_port = 7443;     ///< on 127.0.0.1 of every node: any API server
  HollowPlan hollow;

  std::vector<const NodePlan*> etcd_nodes() const;
  std::vector<const NodePlan*> control_plane_nodes() const;
};

/// Counts must have been checked: etcd odd, each at least one (standalone: one node is everything).
ClusterPlan plan_cluster(const ClusterSpec& spec);

}  // namespace skidpad::cluster

/// @file control_plane.hpp
/// The pods of a control plane that hosts itself, and of the temporary one that brings it up, with the real components' own flags.
/// Promise: pure; the same input gives the same bytes (behaviour B1).
/// The temporary servers listen on ports of their own, so that both control planes can serve side by side and the pivot costs no outage.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/runtime/json.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::controllers::bootstrapper {

using runtime::Duration;

inline constexpr std::uint16_t apiserver_port = 6443;
inline constexpr std::uint16_t bootstrap_apiserver_port = 6440;
inline constexpr std::uint16_t checkpointer_metrics_port = 9102;
inline constexpr char control_plane_label[] = "skidpad.dev/control-plane";  ///< one that a kubelet may give itself
inline constexpr char bootstrap_secrets[] = "/etc/kubernetes/bootstrap-secrets";

struct ControlPlaneInput {
  std::map<std::string, std::string> images;      ///< by component: kube-apiserver, ..., pod-checkpointer
  std::vector<std::string> etcd_servers;          ///< URLs
  std::string service_cidr = "10.96.0.0/16";
  std::string bootstrap_address;                  ///< of the first node
  std::string api_url = "https://127.0.0.1:7443"; ///< as every node reaches the API servers: its balancer
  std::size_t replicas = 1;                       ///< of scheduler and controller-manager; at most the control-plane nodes
  std::int64_t toleration_seconds = 300;
  std::int64_t probe_period_seconds = 10;
  Duration node_monitor_period = std::chrono::seconds(5);
  Duration node_monitor_grace_period = std::chrono::seconds(50);
  Duration leader_lease_duration = std::chrono::seconds(15);
  Duration leader_renew_deadline = std::chrono::seconds(10);
  Duration leader_retry_period = std::chrono::seconds(2);
  Duration checkpoint_poll_interval = std::chrono::seconds(5);
  Duration checkpoint_refresh_interval = std::chrono::seconds(60);
  Duration checkpoint_grace_period = std::chrono::minutes(1);
  Duration rescue_after = std::chrono::seconds(60);
  std::int64_t termination_grace_seconds = 30;
};

/// Static pods for the first node's kubelet, by file name.
std::map<std::string, Json> bootstrap_pods(const ControlPlaneInput& input);
/// API objects but for the Secrets, in the order of their creation, by file name (the number in front keeps the order).
std::map<std::string, Json> control_plane_objects(const ControlPlaneInput& input);

/// What must be Ready before the temporary control plane may go: DaemonSets and Deployments of kube-system.
struct Required {
  std::string kind;   ///< "DaemonSet" or "Deployment"
  std::string name;
};
std::vector<Required> required_workloads();

}  // namespace skidpad::controllers::bootstrapper

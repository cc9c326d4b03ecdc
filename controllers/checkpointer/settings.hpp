/// @file settings.hpp
/// What the checkpointer is told by its flags. Names are the original's where it had one.
#pragma once

#include "controllers/checkpointer/checkpoint_store.hpp"
#include "harness/runtime/flags.hpp"

namespace skidpad::controllers::checkpointer {

using runtime::Duration;

struct Settings {
  std::string kubeconfig = "/etc/kubernetes/kubeconfig";
  Duration checkpoint_grace_period = std::chrono::minutes(1);
  std::string runtime_endpoint = "dir:/var/lib/kubelet/pods";
  Duration runtime_request_timeout = std::chrono::seconds(2);
  Directories directories;
  std::string node_name;
  std::string node_address;
  std::string pod_name;
  std::string pod_namespace = "kube-system";
  std::int64_t kubelet_port = 10250;
  std::int64_t metrics_port = 9102;
  Duration poll_interval = std::chrono::seconds(5);
  Duration refresh_interval = std::chrono::seconds(60);   ///< secrets and config maps are read again
  std::vector<std::string> rescue;                         ///< Deployments in pod_namespace that are brought back when all of their pods are gone
  Duration rescue_after = std::chrono::seconds(30);

  void add_to(runtime::Flags& flags);
  /// invalid names the flag.
  Result<void> complete() const;
  std::string state_directory() const;   ///< of the container runtime
  std::string own_key() const { return pod_namespace + "/" + pod_name; }
};

}  // namespace skidpad::controllers::checkpointer

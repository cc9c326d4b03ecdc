/// @file settings.hpp
/// What the flags of kube-controller-manager configure, with the real defaults of v1.32.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/runtime/flags.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::fakes::kube_controller_manager {

using runtime::Duration;

struct Settings {
  std::string kubeconfig;
  std::vector<std::string> controllers{"*"};
  bool use_service_account_credentials = false;   ///< each controller with the rights of its own service account

  // node lifecycle
  Duration node_monitor_period = std::chrono::seconds(5);
  Duration node_monitor_grace_period = std::chrono::seconds(40);
  Duration node_startup_grace_period = std::chrono::seconds(60);
  double node_eviction_rate = 0.1;             ///< nodes tainted NoExecute a second and zone
  double secondary_node_eviction_rate = 0.01;  ///< in a large zone that is partly down; small ones stop
  double unhealthy_zone_threshold = 0.55;
  std::int64_t large_cluster_size_threshold = 50;

  std::int64_t terminated_pod_gc_threshold = 12500;
  Duration pod_gc_period = std::chrono::seconds(20);
  Duration pod_gc_quarantine = std::chrono::seconds(40);
  Duration namespace_sync_period = std::chrono::minutes(5);
  Duration resource_quota_sync_period = std::chrono::minutes(5);
  Duration horizontal_pod_autoscaler_sync_period = std::chrono::seconds(15);
  Duration horizontal_pod_autoscaler_cpu_initialization_period = std::chrono::minutes(5);
  Duration horizontal_pod_autoscaler_initial_readiness_delay = std::chrono::seconds(30);
  Duration horizontal_pod_autoscaler_downscale_stabilization = std::chrono::minutes(5);
  double horizontal_pod_autoscaler_tolerance = 0.1;

  std::string cluster_signing_cert_file;
  std::string cluster_signing_key_file;
  Duration cluster_signing_duration = std::chrono::hours(24 * 365);
  std::string root_ca_file;
  std::string service_account_private_key_file;

  std::int64_t concurrent_deployment_syncs = 5;
  std::int64_t concurrent_replicaset_syncs = 5;
  std::int64_t concurrent_statefulset_syncs = 5;
  std::int64_t concurrent_daemonset_syncs = 2;
  std::int64_t concurrent_job_syncs = 5;
  std::int64_t concurrent_cron_job_syncs = 5;
  std::int64_t concurrent_endpoint_syncs = 5;
  std::int64_t concurrent_service_endpoint_syncs = 5;
  std::int64_t concurrent_gc_syncs = 20;
  std::int64_t concurrent_namespace_syncs = 10;
  std::int64_t concurrent_serviceaccount_token_syncs = 5;
  std::int64_t concurrent_resource_quota_syncs = 5;
  std::int64_t concurrent_ttl_after_finished_syncs = 5;
  std::int64_t concurrent_horizontal_pod_autoscaler_syncs = 5;

  /// --controllers=*,-namespace,... as the real one reads it; aliases of older releases work.
  bool enabled(const std::string& controller) const;
  /// Registers the flags; the texts of ratios are read by finish(), which throws UsageError.
  void add_to(runtime::Flags& flags);
  void finish();

 private:
  std::string node_eviction_rate_text_ = "0.1";
  std::string secondary_node_eviction_rate_text_ = "0.01";
  std::string unhealthy_zone_threshold_text_ = "0.55";
  std::string tolerance_text_ = "0.1";
};

}  // namespace skidpad::fakes::kube_controller_manager

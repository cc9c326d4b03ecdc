/// @file options.hpp
/// What the kubelet is told: the real kubelet's flags and its KubeletConfiguration file, and a few flags of our own.
/// Promise: a flag overrides the file; an unknown flag, a bad value or a bad file is one UsageError.
/// Ours: --image-store, --pod-cidr (the real one has it for standalone mode), --host-root, --container-backoff-base,
/// --container-backoff-max, --capacity.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::kubelet {

struct KubeletOptions {
  // Flags.
  std::string kubeconfig;
  std::string bootstrap_kubeconfig;
  std::string node_name;               ///< --hostname-override, else the host's name
  std::string node_ip;
  std::map<std::string, std::string> node_labels;
  std::string root_directory = "/var/lib/kubelet";
  std::string certificate_directory;   ///< --cert-dir; default <root-dir>/pki
  std::string image_store;
  std::string pod_cidr;
  std::string host_root;
  bool hollow = false;                ///< --hollow
  runtime::Duration restart_backoff_base = std::chrono::seconds(10);
  runtime::Duration restart_backoff_max = std::chrono::minutes(5);
  std::map<std::string, std::string> capacity;

  // KubeletConfiguration.
  std::string static_pod_path;
  std::string address = "0.0.0.0";
  std::uint16_t port = 10250;
  std::string healthz_address = "127.0.0.1";
  std::uint16_t healthz_port = 10248;  ///< 0 = none
  runtime::Duration sync_frequency = std::chrono::minutes(1);
  runtime::Duration file_check_frequency = std::chrono::seconds(20);
  runtime::Duration node_status_update_frequency = std::chrono::seconds(10);
  runtime::Duration node_status_report_frequency = std::chrono::minutes(5);
  std::int64_t node_lease_duration_seconds = 40;
  std::int64_t pods_max = 110;
  std::vector<std::string> cluster_dns;
  std::string cluster_domain = "cluster.local";
  std::string client_ca_file;
  bool anonymous = false;
  bool webhook_authentication = true;
  bool webhook_authorization = true;
  std::string tls_certificate_file;
  std::string tls_key_file;
  bool rotate_certificates = false;
  /// Unset: the real kubelet's defaults, but only where the disk is the machine's own. Machines that share their host's file system
  /// would all be emptied when the host's disk is nearly full.
  std::optional<std::string> eviction_hard;
  runtime::Duration eviction_transition_period = std::chrono::minutes(5);
  bool register_node = true;
  Json register_with_taints = Json::array();
  std::string pod_log_directory;       ///< podLogsDir; default <root-dir>/log/pods

  /// Empty for standalone mode.
  bool has_api() const { return !kubeconfig.empty() || !bootstrap_kubeconfig.empty(); }
  std::string pods_directory() const { return root_directory + "/pods"; }
};

/// Throws UsageError. Returns false after --help or --version: `output` is to be printed.
bool parse_options(runtime::Runtime& runtime, const std::vector<std::string>& arguments, KubeletOptions& options, std::string& output);
/// Reads a KubeletConfiguration. `where` begins the error's text.
void apply_configuration(const Json& configuration, const std::string& where, KubeletOptions& options);

}  // namespace skidpad::fakes::kubelet

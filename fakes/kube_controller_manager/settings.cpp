#include "fakes/kube_controller_manager/settings.hpp"

#include <algorithm>
#include <cstdlib>

#include "harness/runtime/usage_error.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

/// Names before v1.27, which --controllers still takes.
const std::map<std::string, std::string>& aliases() {
  static const std::map<std::string, std::string> names{
      {"deployment", "deployment-controller"},
      {"replicaset", "replicaset-controller"},
      {"daemonset", "daemonset-controller"},
      {"statefulset", "statefulset-controller"},
      {"job", "job-controller"},
      {"cronjob", "cronjob-controller"},
      {"nodelifecycle", "node-lifecycle-controller"},
      {"podgc", "pod-garbage-collector-controller"},
      {"endpoint", "endpoints-controller"},
      {"endpointslice", "endpointslice-controller"},
      {"garbagecollector", "garbage-collector-controller"},
      {"namespace", "namespace-controller"},
      {"serviceaccount", "serviceaccount-controller"},
      {"root-ca-cert-publisher", "root-ca-certificate-publisher-controller"},
      {"csrapproving", "certificatesigningrequest-approving-controller"},
      {"csrsigning", "certificatesigningrequest-signing-controller"},
      {"disruption", "disruption-controller"},
      {"ttl-after-finished", "ttl-after-finished-controller"},
      {"pvc-protection", "persistentvolumeclaim-protection-controller"},
      {"pv-protection", "persistentvolume-protection-controller"},
      {"resourcequota", "resourcequota-controller"},
      {"horizontalpodautoscaling", "horizontal-pod-autoscaler-controller"}};
  return names;
}

double read_ratio(const std::string& flag, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !(value >= 0)) {
    throw UsageError("invalid argument \"" + text + "\" for \"--" + flag + "\" flag: expected a number of 0 or more");
  }
  return value;
}

}  // namespace

bool Settings::enabled(const std::string& controller) const {
  bool star = false;
  for (const std::string& entry : controllers) {
    if (entry == "*") {
      star = true;
      continue;
    }
    const bool off = entry.starts_with("-");
    std::string name = off ? entry.substr(1) : entry;
    if (const auto alias = aliases().find(name); alias != aliases().end()) name = alias->second;
    if (name == controller) return !off;
  }
  return star;
}

void Settings::add_to(runtime::Flags& flags) {
  flags.add("kubeconfig", kubeconfig, "where the API server is and who we are");
  flags.add("controllers", controllers, "controllers to run: * for all, -name for all but");
  flags.add("use-service-account-credentials", use_service_account_credentials, "each controller acts as its own service account");
  flags.add("node-monitor-period", node_monitor_period, "how often nodes are looked at");
  flags.add("node-monitor-grace-period", node_monitor_grace_period, "a node silent for so long is Unknown");
  flags.add("node-startup-grace-period", node_startup_grace_period, "the same for a node that never reported");
  flags.add("node-eviction-rate", node_eviction_rate_text_, "nodes a second whose pods are evicted, in a healthy zone");
  flags.add("secondary-node-eviction-rate", secondary_node_eviction_rate_text_, "the same in a large zone that is partly down");
  flags.add("unhealthy-zone-threshold", unhealthy_zone_threshold_text_, "share of nodes not ready that makes a zone unhealthy");
  flags.add("large-cluster-size-threshold", large_cluster_size_threshold, "zones up to this size stop evictions when unhealthy");
  flags.add("terminated-pod-gc-threshold", terminated_pod_gc_threshold, "finished pods kept");
  flags.add("namespace-sync-period", namespace_sync_period, "");
  flags.add("resource-quota-sync-period", resource_quota_sync_period, "");
  flags.add("horizontal-pod-autoscaler-sync-period", horizontal_pod_autoscaler_sync_period, "how often autoscalers are looked at");
  flags.add("horizontal-pod-autoscaler-cpu-initialization-period", horizontal_pod_autoscaler_cpu_initialization_period, "after a pod's start: its CPU may be left out");
  flags.add("horizontal-pod-autoscaler-initial-readiness-delay", horizontal_pod_autoscaler_initial_readiness_delay, "after a pod's start: readiness counts as its first");
  flags.add("horizontal-pod-autoscaler-downscale-stabilization", horizontal_pod_autoscaler_downscale_stabilization, "a smaller size waits so long");
  flags.add("horizontal-pod-autoscaler-tolerance", tolerance_text_, "change of usage against the target that is left alone");
  flags.add("cluster-signing-cert-file", cluster_signing_cert_file, "CA that signs certificate requests");
  flags.add("cluster-signing-key-file", cluster_signing_key_file, "its key");
  flags.add("cluster-signing-duration", cluster_signing_duration, "longest life of a certificate signed here");
  flags.add("root-ca-file", root_ca_file, "published in every namespace as kube-root-ca.crt");
  flags.add("service-account-private-key-file", service_account_private_key_file, "signs service-account tokens");
  flags.add("concurrent-deployment-syncs", concurrent_deployment_syncs, "");
  flags.add("concurrent-replicaset-syncs", concurrent_replicaset_syncs, "");
  flags.add("concurrent-statefulset-syncs", concurrent_statefulset_syncs, "");
  flags.add("concurrent-daemonset-syncs", concurrent_daemonset_syncs, "");
  flags.add("concurrent-job-syncs", concurrent_job_syncs, "");
  flags.add("concurrent-cron-job-syncs", concurrent_cron_job_syncs, "");
  flags.add("concurrent-endpoint-syncs", concurrent_endpoint_syncs, "");
  flags.add("concurrent-service-endpoint-syncs", concurrent_service_endpoint_syncs, "");
  flags.add("concurrent-gc-syncs", concurrent_gc_syncs, "");
  flags.add("concurrent-namespace-syncs", concurrent_namespace_syncs, "");
  flags.add("concurrent-serviceaccount-token-syncs", concurrent_serviceaccount_token_syncs, "");
  flags.add("concurrent-resource-quota-syncs", concurrent_resource_quota_syncs, "");
  flags.add("concurrent-ttl-after-finished-syncs", concurrent_ttl_after_finished_syncs, "");
  flags.add("concurrent-horizontal-pod-autoscaler-syncs", concurrent_horizontal_pod_autoscaler_syncs, "");
  for (const char* name :
       {"allocate-node-cidrs", "cluster-cidr", "service-cluster-ip-range", "node-cidr-mask-size",
        "node-cidr-mask-size-ipv4", "node-cidr-mask-size-ipv6", "cluster-name", "cloud-provider", "cloud-config",
        "allow-untagged-cloud", "cidr-allocator-type", "configure-cloud-routes", "controller-start-interval",
        "enable-dynamic-provisioning", "enable-garbage-collector", "enable-hostpath-provisioner", "enable-leader-migration",
        "leader-migration-config", "endpoint-updates-batch-period", "endpointslice-updates-batch-period",
        "external-cloud-volume-plugin", "flex-volume-plugin-dir", "horizontal-pod-autoscaler-downscale-delay", "horizontal-pod-autoscaler-upscale-delay", "max-endpoints-per-slice", "min-resync-period",
        "mirroring-concurrent-service-endpoint-syncs", "mirroring-endpointslice-updates-batch-period",
        "mirroring-max-endpoints-per-subset", "node-sync-period", "pv-recycler-increment-timeout-nfs",
        "pv-recycler-minimum-timeout-hostpath", "pv-recycler-minimum-timeout-nfs", "pv-recycler-pod-template-filepath-hostpath",
        "pv-recycler-pod-template-filepath-nfs", "pv-recycler-timeout-increment-hostpath", "pvclaimbinder-sync-period",
        "route-reconciliation-period", "cluster-signing-kube-apiserver-client-cert-file",
        "cluster-signing-kube-apiserver-client-key-file", "cluster-signing-kubelet-client-cert-file",
        "cluster-signing-kubelet-client-key-file", "cluster-signing-kubelet-serving-cert-file",
        "cluster-signing-kubelet-serving-key-file", "cluster-signing-legacy-unknown-cert-file",
        "cluster-signing-legacy-unknown-key-file", "concurrent-ephemeralvolume-syncs", "concurrent-rc-syncs", "concurrent-service-syncs", "concurrent-validating-admission-policy-status-syncs",
        "volume-host-allow-local-loopback", "volume-host-cidr-denylist", "unsupported-kube-api-over-localhost"}) {
    flags.accept(name, "no effect on this implementation");
  }
}

void Settings::finish() {
  node_eviction_rate = read_ratio("node-eviction-rate", node_eviction_rate_text_);
  secondary_node_eviction_rate = read_ratio("secondary-node-eviction-rate", secondary_node_eviction_rate_text_);
  unhealthy_zone_threshold = read_ratio("unhealthy-zone-threshold", unhealthy_zone_threshold_text_);
  horizontal_pod_autoscaler_tolerance = read_ratio("horizontal-pod-autoscaler-tolerance", tolerance_text_);
}

}  // namespace skidpad::fakes::kube_controller_manager

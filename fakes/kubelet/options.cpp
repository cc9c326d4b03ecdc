#include "fakes/kubelet/options.hpp"

#include "fakes/kubelet/eviction.hpp"
#include "harness/runtime/flags.hpp"
#include "harness/runtime/usage_error.hpp"
#include "harness/runtime/yaml.hpp"

namespace skidpad::fakes::kubelet {

using runtime::bool_at;
using runtime::Duration;
using runtime::find;
using runtime::list_at;
using runtime::text_at;

namespace {

[[noreturn]] void refuse(const std::string& where, std::string_view field, const std::string& expected) {
  throw UsageError(where + ": " + std::string(field) + ": expected " + expected);
}

void read(const Json& configuration, const std::string& where, std::string_view field, Duration& value) {
  const Json& found = find(configuration, {field});
  if (found.is_null()) return;
  Duration read{};
  if (!found.is_string() || !runtime::parse_go_duration(found.get<std::string>(), read)) refuse(where, field, "a duration such as \"10s\"");
  if (read > Duration{}) value = read;  // 0 stands for the default, as in Kubernetes
}

void read(const Json& configuration, const std::string& where, std::string_view field, std::string& value) {
  const Json& found = find(configuration, {field});
  if (found.is_null()) return;
  if (!found.is_string()) refuse(where, field, "text");
  value = found.get<std::string>();
}

void read(const Json& configuration, const std::string& where, std::string_view field, bool& value) {
  const Json& found = find(configuration, {field});
  if (found.is_null()) return;
  if (!found.is_boolean()) refuse(where, field, "true or false");
  value = found.get<bool>();
}

void read(const Json& configuration, const std::string& where, std::string_view field, std::int64_t& value, std::int64_t low, std::int64_t high) {
  const Json& found = find(configuration, {field});
  if (found.is_null()) return;
  if (!found.is_number_integer() || found.get<std::int64_t>() < low || found.get<std::int64_t>() > high) {
    refuse(where, field, "a number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  value = found.get<std::int64_t>();
}

void read_port(const Json& configuration, const std::string& where, std::string_view field, std::uint16_t& value) {
  std::int64_t port = value;
  read(configuration, where, field, port, 0, 65535);
  value = static_cast<std::uint16_t>(port);
}

/// "key=value:NoSchedule,key:NoExecute"
Json parse_taints(const std::vector<std::string>& texts) {
  Json taints = Json::array();
  for (const std::string& text : texts) {
    if (text.empty()) continue;
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0) throw UsageError("--register-with-taints: " + text + ": expected KEY[=VALUE]:EFFECT");
    Json taint = Json::object();
    taint["effect"] = text.substr(colon + 1);
    if (taint["effect"] != "NoSchedule" && taint["effect"] != "PreferNoSchedule" && taint["effect"] != "NoExecute") {
      throw UsageError("--register-with-taints: " + text + ": expected the effect NoSchedule, PreferNoSchedule or NoExecute");
    }
    const std::string key = text.substr(0, colon);
    const auto equal = key.find('=');
    taint["key"] = key.substr(0, equal);
    if (equal != std::string::npos) taint["value"] = key.substr(equal + 1);
    taints.push_back(std::move(taint));
  }
  return taints;
}

/// Accepted because units and scripts of real clusters pass them; what they govern does not exist here.
constexpr const char* accepted_flags[] = {
    "container-runtime-endpoint", "image-service-endpoint", "pod-infra-container-image", "cgroup-driver", "cgroup-root", "cgroups-per-qos",
    "enforce-node-allocatable", "fail-swap-on", "feature-gates", "kube-reserved", "system-reserved", "eviction-soft",
    "cloud-provider", "cloud-config", "v", "logging-format", "vmodule", "runtime-cgroups", "kubelet-cgroups", "read-only-port",
    "resolv-conf", "serialize-image-pulls", "allowed-unsafe-sysctls", "cpu-manager-policy", "volume-plugin-dir", "protect-kernel-defaults",
    "container-log-max-files", "container-log-max-size", "tls-cipher-suites", "tls-min-version", "hairpin-mode", "make-iptables-util-chains",
    "network-plugin", "container-runtime", "cni-bin-dir", "cni-conf-dir", "provider-id", "exit-on-lock-contention", "lock-file",
    "streaming-connection-idle-timeout", "kube-api-qps", "kube-api-burst", "event-qps", "event-burst", "experimental-allocatable-ignore-eviction",
    "config-dir", "seccomp-default", "rotate-server-certificates", "max-open-files", "oom-score-adj"};

}  // namespace

void apply_configuration(const Json& configuration, const std::string& where, KubeletOptions& options) {
  if (!configuration.is_object()) throw UsageError(where + ": expected a KubeletConfiguration");
  if (text_at(configuration, {"kind"}) != "KubeletConfiguration") refuse(where, "kind", "\"KubeletConfiguration\"");
  if (text_at(configuration, {"apiVersion"}) != "kubelet.config.k8s.io/v1beta1") refuse(where, "apiVersion", "\"kubelet.config.k8s.io/v1beta1\"");
  read(configuration, where, "staticPodPath", options.static_pod_path);
  read(configuration, where, "address", options.address);
  read_port(configuration, where, "port", options.port);
  read(configuration, where, "healthzBindAddress", options.healthz_address);
  read_port(configuration, where, "healthzPort", options.healthz_port);
  read(configuration, where, "syncFrequency", options.sync_frequency);
  read(configuration, where, "fileCheckFrequency", options.file_check_frequency);
  read(configuration, where, "nodeStatusUpdateFrequency", options.node_status_update_frequency);
  // Unless it is given, the report frequency follows the update frequency where that is longer than its default.
  options.node_status_report_frequency = std::max(options.node_status_report_frequency, options.node_status_update_frequency);
  read(configuration, where, "nodeStatusReportFrequency", options.node_status_report_frequency);
  read(configuration, where, "nodeLeaseDurationSeconds", options.node_lease_duration_seconds, 1, 86400);
  read(configuration, where, "maxPods", options.pods_max, 1, 1'000'000);
  read(configuration, where, "podCIDR", options.pod_cidr);
  read(configuration, where, "clusterDomain", options.cluster_domain);
  read(configuration, where, "tlsCertFile", options.tls_certificate_file);
  read(configuration, where, "tlsPrivateKeyFile", options.tls_key_file);
  read(configuration, where, "rotateCertificates", options.rotate_certificates);
  read(configuration, where, "registerNode", options.register_node);
  read(configuration, where, "podLogsDir", options.pod_log_directory);
  if (const Json& servers = find(configuration, {"clusterDNS"}); !servers.is_null()) {
    if (!servers.is_array()) refuse(where, "clusterDNS", "a list of addresses");
    options.cluster_dns.clear();
    for (const Json& server : servers) options.cluster_dns.push_back(server.is_string() ? server.get<std::string>() : "");
  }
  if (const Json& taints = find(configuration, {"registerWithTaints"}); !taints.is_null()) {
    if (!taints.is_array()) refuse(where, "registerWithTaints", "a list of taints");
    options.register_with_taints = taints;
  }
  read(configuration, where, "evictionPressureTransitionPeriod", options.eviction_transition_period);
  if (const Json& hard = find(configuration, {"evictionHard"}); !hard.is_null()) {
    if (!hard.is_object()) refuse(where, "evictionHard", "a map of signals to quantities");
    std::string text;
    for (const auto& [signal, quantity] : hard.items()) {
      if (quantity.is_string()) text += (text.empty() ? "" : ",") + signal + "<" + quantity.get<std::string>();
    }
    options.eviction_hard = text;
  }
  const Json& authentication = find(configuration, {"authentication"});
  options.client_ca_file = text_at(authentication, {"x509", "clientCAFile"}, options.client_ca_file);
  options.anonymous = bool_at(authentication, {"anonymous", "enabled"}, options.anonymous);
  options.webhook_authentication = bool_at(authentication, {"webhook", "enabled"}, options.webhook_authentication);
  options.webhook_authorization = text_at(configuration, {"authorization", "mode"}, "Webhook") == "Webhook";
}

bool parse_options(runtime::Runtime& runtime, const std::vector<std::string>& arguments, KubeletOptions& options, std::string& output) {
  // Twice: the configuration file's place is a flag, and flags come after the file.
  std::string config_path;
  for (int pass = 0; pass < 2; ++pass) {
    runtime::Flags flags("kubelet", "The node agent of skidpad: runs pods as processes of this machine.");
    std::vector<std::string> taints;
    std::string authorization;
    std::string eviction_hard;
    std::int64_t port = options.port;
    std::int64_t healthz_port = options.healthz_port;
    flags.add("config", config_path, "KubeletConfiguration file, YAML or JSON");
    flags.add("kubeconfig", options.kubeconfig, "how to reach the API server; none = standalone");
    flags.add("bootstrap-kubeconfig", options.bootstrap_kubeconfig, "used to get a client certificate when --kubeconfig does not exist");
    flags.add("hostname-override", options.node_name);
    flags.add("node-ip", options.node_ip);
    flags.add("node-labels", options.node_labels);
    flags.add("register-with-taints", taints);
    flags.add("register-node", options.register_node);
    flags.add("root-dir", options.root_directory);
    flags.add("cert-dir", options.certificate_directory);
    flags.add("pod-cidr", options.pod_cidr);
    flags.add("pod-manifest-path", options.static_pod_path);
    flags.add("address", options.address);
    flags.add("port", port);
    flags.add("healthz-bind-address", options.healthz_address);
    flags.add("healthz-port", healthz_port);
    flags.add("sync-frequency", options.sync_frequency);
    flags.add("file-check-frequency", options.file_check_frequency);
    flags.add("node-status-update-frequency", options.node_status_update_frequency);
    flags.add("max-pods", options.pods_max);
    flags.add("cluster-dns", options.cluster_dns);
    flags.add("cluster-domain", options.cluster_domain);
    flags.add("client-ca-file", options.client_ca_file);
    flags.add("anonymous-auth", options.anonymous);
    flags.add("authentication-token-webhook", options.webhook_authentication);
    flags.add("authorization-mode", authorization);
    flags.add("tls-cert-file", options.tls_certificate_file);
    flags.add("tls-private-key-file", options.tls_key_file);
    flags.add("rotate-certificates", options.rotate_certificates);
    flags.add("eviction-hard", eviction_hard);
    flags.add("eviction-pressure-transition-period", options.eviction_transition_period);
    flags.add("image-store", options.image_store, "ours: directory of images.json");
    flags.add("hollow", options.hollow, "ours: pods only pretend; whatever its image, a container is a program that sleeps, and no probe is asked");
    flags.add("host-root", options.host_root, "ours: prefix of hostPath volumes");
    flags.add("container-backoff-base", options.restart_backoff_base, "ours: first wait of CrashLoopBackOff");
    flags.add("container-backoff-max", options.restart_backoff_max, "ours: longest wait of CrashLoopBackOff");
    flags.add("capacity", options.capacity, "ours: cpu=4,memory=8Gi instead of the machine's");
    for (const char* flag : accepted_flags) flags.accept(flag, "there is no such thing here");
    if (!flags.parse(arguments)) {
      output = flags.output();
      return false;
    }
    if (port < 0 || port > 65535 || healthz_port < 0 || healthz_port > 65535) throw UsageError("--port, --healthz-port: expected a number from 0 to 65535");
    options.port = static_cast<std::uint16_t>(port);
    options.healthz_port = static_cast<std::uint16_t>(healthz_port);
    if (!taints.empty()) options.register_with_taints = parse_taints(taints);
    if (flags.given("eviction-hard")) options.eviction_hard = eviction_hard;
    if (options.eviction_hard) {
      if (const auto parsed = parse_eviction_thresholds(*options.eviction_hard); !parsed) throw UsageError("--eviction-hard: " + parsed.error().message);
    }
    if (!authorization.empty()) options.webhook_authorization = authorization == "Webhook";
    if (pass > 0 || config_path.empty()) break;
    const auto text = runtime.disk().read(config_path);
    if (!text) throw UsageError("failed to load kubelet config file, path: " + config_path + ", error: " + text.error().message);
    const auto configuration = runtime::parse_yaml(text.value());
    if (!configuration) throw UsageError(config_path + ": " + configuration.error().message);
    apply_configuration(configuration.value(), config_path, options);
    // Lists of flags replace those of the file instead of being added to them.
    if (flags.given("cluster-dns")) options.cluster_dns.clear();
    options.node_labels.clear();
    options.capacity.clear();
  }
  if (options.node_name.empty()) options.node_name = runtime.host_name();
  if (options.node_ip.empty()) options.node_ip = runtime.network().own_address();
  if (options.certificate_directory.empty()) options.certificate_directory = options.root_directory + "/pki";
  if (options.pod_log_directory.empty()) options.pod_log_directory = options.root_directory + "/log/pods";
  return true;
}

}  // namespace skidpad::fakes::kubelet

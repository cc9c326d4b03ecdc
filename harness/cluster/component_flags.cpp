// Sources: kubernetes.io/docs/reference/command-line-tools-reference of each minor version, cmd/kubemark/app/hollow_node.go,
// etcd.io/docs/v3.4 to v3.6 op-guide/configuration and upgrade guides, and `etcd --help` of 3.4.23.
#include "harness/cluster/component_flags.hpp"

#include <algorithm>

namespace skidpad::cluster {
namespace {

constexpr std::string_view apiserver = "kube-apiserver";
constexpr std::string_view manager = "kube-controller-manager";
constexpr std::string_view scheduler = "kube-scheduler";

}  // namespace

const std::vector<ComponentFlag>& component_flags() {
  static const std::vector<ComponentFlag> table = {
      {"etcd", "name", 's', 0, 0},
      {"etcd", "data-dir", 's', 0, 0},
      {"etcd", "listen-client-urls", 's', 0, 0},
      {"etcd", "advertise-client-urls", 's', 0, 0},
      {"etcd", "listen-peer-urls", 's', 0, 0},
      {"etcd", "initial-advertise-peer-urls", 's', 0, 0},
      {"etcd", "initial-cluster", 's', 0, 0},
      {"etcd", "initial-cluster-state", 's', 0, 0},
      {"etcd", "initial-cluster-token", 's', 0, 0},
      {"etcd", "cert-file", 's', 0, 0},
      {"etcd", "key-file", 's', 0, 0},
      {"etcd", "trusted-ca-file", 's', 0, 0},
      {"etcd", "client-cert-auth", 'b', 0, 0},
      {"etcd", "peer-cert-file", 's', 0, 0},
      {"etcd", "peer-key-file", 's', 0, 0},
      {"etcd", "peer-trusted-ca-file", 's', 0, 0},
      {"etcd", "peer-client-cert-auth", 'b', 0, 0},
      {"etcd", "listen-metrics-urls", 's', 0, 0},
      {"etcd", "snapshot-count", 'i', 0, 7},  // deprecated in 3.6, announced to go in 3.7
      {"etcd", "heartbeat-interval", 'i', 0, 0},
      {"etcd", "election-timeout", 'i', 0, 0},
      {"etcd", "watch-progress-notify-interval", 'd', 6, 0},
      {"etcd", "experimental-watch-progress-notify-interval", 'd', 5, 7},  // in later patches of 3.4 too
      {"etcd", "feature-gates", 's', 6, 0},
      {"etcd", "experimental-initial-corrupt-check", 'b', 0, 7},
      {"etcd", "enable-v2", 'b', 0, 6},
      {"etcd", "debug", 'b', 0, 5},
      {"etcd", "log-package-levels", 's', 0, 5},

      {apiserver, "advertise-address", 's', 0, 0},
      {apiserver, "bind-address", 's', 0, 0},
      {apiserver, "secure-port", 'i', 0, 0},
      {apiserver, "allow-privileged", 'b', 0, 0},
      {apiserver, "authorization-mode", 's', 0, 0},
      {apiserver, "client-ca-file", 's', 0, 0},
      {apiserver, "enable-admission-plugins", 's', 0, 0},
      {apiserver, "enable-bootstrap-token-auth", 'b', 0, 0},
      {apiserver, "token-auth-file", 's', 0, 0},
      {apiserver, "etcd-servers", 's', 0, 0},
      {apiserver, "etcd-cafile", 's', 0, 0},
      {apiserver, "etcd-certfile", 's', 0, 0},
      {apiserver, "etcd-keyfile", 's', 0, 0},
      {apiserver, "kubelet-client-certificate", 's', 0, 0},
      {apiserver, "kubelet-client-key", 's', 0, 0},
      {apiserver, "kubelet-preferred-address-types", 's', 0, 0},
      {apiserver, "proxy-client-cert-file", 's', 0, 0},
      {apiserver, "proxy-client-key-file", 's', 0, 0},
      {apiserver, "requestheader-allowed-names", 's', 0, 0},
      {apiserver, "requestheader-client-ca-file", 's', 0, 0},
      {apiserver, "requestheader-extra-headers-prefix", 's', 0, 0},
      {apiserver, "requestheader-group-headers", 's', 0, 0},
      {apiserver, "requestheader-username-headers", 's', 0, 0},
      {apiserver, "tls-cert-file", 's', 0, 0},
      {apiserver, "tls-private-key-file", 's', 0, 0},
      {apiserver, "service-account-issuer", 's', 0, 0},
      {apiserver, "service-account-key-file", 's', 0, 0},
      {apiserver, "service-account-signing-key-file", 's', 0, 0},
      {apiserver, "service-cluster-ip-range", 's', 0, 0},
      {apiserver, "default-not-ready-toleration-seconds", 'i', 0, 0},
      {apiserver, "default-unreachable-toleration-seconds", 'i', 0, 0},
      {apiserver, "insecure-port", 'i', 0, 24},

      {manager, "kubeconfig", 's', 0, 0},
      {manager, "authentication-kubeconfig", 's', 0, 0},
      {manager, "authorization-kubeconfig", 's', 0, 0},
      {manager, "bind-address", 's', 0, 0},
      {manager, "client-ca-file", 's', 0, 0},
      {manager, "requestheader-client-ca-file", 's', 0, 0},
      {manager, "cluster-name", 's', 0, 0},
      {manager, "cluster-signing-cert-file", 's', 0, 0},
      {manager, "cluster-signing-key-file", 's', 0, 0},
      {manager, "controllers", 's', 0, 0},
      {manager, "root-ca-file", 's', 0, 0},
      {manager, "service-account-private-key-file", 's', 0, 0},
      {manager, "use-service-account-credentials", 'b', 0, 0},
      {manager, "node-monitor-period", 'd', 0, 0},
      {manager, "node-monitor-grace-period", 'd', 0, 0},
      {manager, "kube-api-content-type", 's', 0, 0},
      {manager, "leader-elect", 'b', 0, 0},
      {manager, "leader-elect-lease-duration", 'd', 0, 0},
      {manager, "leader-elect-renew-deadline", 'd', 0, 0},
      {manager, "leader-elect-retry-period", 'd', 0, 0},
      {manager, "pod-eviction-timeout", 'd', 0, 27},
      {manager, "enable-taint-manager", 'b', 0, 27},

      {scheduler, "kubeconfig", 's', 0, 0},
      {scheduler, "authentication-kubeconfig", 's', 0, 0},
      {scheduler, "authorization-kubeconfig", 's', 0, 0},
      {scheduler, "bind-address", 's', 0, 0},
      {scheduler, "client-ca-file", 's', 0, 0},
      {scheduler, "requestheader-client-ca-file", 's', 0, 0},
      {scheduler, "kube-api-content-type", 's', 0, 0},
      {scheduler, "leader-elect", 'b', 0, 0},
      {scheduler, "leader-elect-lease-duration", 'd', 0, 0},
      {scheduler, "leader-elect-renew-deadline", 'd', 0, 0},
      {scheduler, "leader-elect-retry-period", 'd', 0, 0},
      {scheduler, "lock-object-name", 's', 0, 25},

      {"kubelet", "config", 's', 0, 0},
      {"kubelet", "kubeconfig", 's', 0, 0},
      {"kubelet", "bootstrap-kubeconfig", 's', 0, 0},
      {"kubelet", "cert-dir", 's', 0, 0},
      {"kubelet", "root-dir", 's', 0, 0},
      {"kubelet", "hostname-override", 's', 0, 0},
      {"kubelet", "node-ip", 's', 0, 0},
      {"kubelet", "node-labels", 's', 0, 0},
      {"kubelet", "register-with-taints", 's', 0, 0},
      {"kubelet", "container-runtime", 's', 0, 27},
      {"kubelet", "pod-infra-container-image", 's', 0, 35},

      {"kubemark", "morph", 's', 0, 0},
      {"kubemark", "name", 's', 0, 0},
      {"kubemark", "kubeconfig", 's', 0, 0},
      {"kubemark", "kubelet-port", 'i', 0, 0},
      {"kubemark", "kubelet-read-only-port", 'i', 0, 0},
      {"kubemark", "kube-api-content-type", 's', 0, 0},
      {"kubemark", "node-labels", 's', 0, 0},
      {"kubemark", "register-with-taints", 's', 0, 0},
      {"kubemark", "max-pods", 'i', 0, 0},
      {"kubemark", "use-host-image-service", 'b', 0, 0},
      // Newer ones have these. Without them a hollow node renews its Lease every 10 s, whatever the profile.
      {"kubemark", "node-lease-duration-seconds", 'i', 0, 0, true},
      {"kubemark", "node-status-update-frequency", 'd', 0, 0, true},
  };
  return table;
}

bool is_covered(std::string_view component, const ComponentVersion& version) {
  if (component == "etcd") return version.major == 3 && version.minor >= 4 && version.minor <= 6;
  return version.major == 1 && version.minor >= 28 && version.minor <= 34;
}

std::string_view covered_versions(std::string_view component) { return component == "etcd" ? "3.4 to 3.6" : "1.28 to 1.34"; }

bool takes_flag(std::string_view component, const ComponentVersion& version, const std::set<std::string>& help_flags, std::string_view flag) {
  const auto& table = component_flags();
  const auto row = std::find_if(table.begin(), table.end(), [&](const ComponentFlag& known) { return known.component == component && known.name == flag; });
  ASSERT(row != table.end());
  const bool listed = help_flags.contains(std::string(flag));
  if (row->ask) return listed;
  if (!is_covered(component, version) && !help_flags.empty()) return listed;
  return version.minor >= row->since && (row->until == 0 || version.minor < row->until);
}

std::set<std::string> flags_in_help(std::string_view text) {
  std::set<std::string> found;
  for (std::string_view rest = text; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    // "      --secure-port int   ..." and "  -v, --v Level  ..."; what a description says further right is none of ours.
    const std::size_t dashes = line.find("--");
    if (dashes == std::string_view::npos) continue;
    const std::string_view before = line.substr(0, dashes);
    const bool short_form = before.size() >= 4 && before.ends_with(", ") && before[before.size() - 4] == '-';
    if (!short_form && before.find_first_not_of(" \t") != std::string_view::npos) continue;
    const std::string_view name = line.substr(dashes + 2);
    const std::size_t end = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.");
    if (end != 0 && !name.empty()) found.insert(std::string(name.substr(0, end)));
  }
  return found;
}

CommandWriter::CommandWriter(std::string component, ComponentVersion version, std::set<std::string> help_flags)
    : component_(std::move(component)), version_(std::move(version)), help_flags_(std::move(help_flags)) {
  command_.push_back(component_);
}

CommandWriter& CommandWriter::add(std::string_view flag, const std::string& value) {
  const std::string whole = "--" + std::string(flag) + "=" + value;
  (takes_flag(component_, version_, help_flags_, flag) ? command_ : left_out_).push_back(whole);
  return *this;
}

CommandWriter& CommandWriter::add_first(const std::vector<std::string_view>& flags, const std::string& value) {
  for (const std::string_view flag : flags) {
    if (takes_flag(component_, version_, help_flags_, flag)) return add(flag, value);
  }
  left_out_.push_back("--" + std::string(flags.front()) + "=" + value);
  return *this;
}

}  // namespace skidpad::cluster

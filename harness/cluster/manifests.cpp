#include "harness/cluster/manifests.hpp"

#include "harness/cluster/etcd_operator_objects.hpp"

#include <algorithm>

namespace skidpad::cluster {
namespace {

using runtime::format_go_duration;

constexpr char pki_directory[] = "${ROOT}/etc/kubernetes/pki";

std::string in_pki(const std::string& file) { return std::string(pki_directory) + "/" + file; }

std::string url(const std::string& address, int port) { return "https://" + address + ":" + std::to_string(port); }

template <class Items, class Text>
std::string joined(const Items& items, Text text) {
  std::string all;
  for (const auto& item : items) all += (all.empty() ? "" : ",") + text(item);
  return all;
}

/// Whether all machines share one loopback device, so that 127.0.0.1 is nobody's own.
bool shares_loopback(const ClusterSpec& spec) { return spec.address_prefix.starts_with("127."); }

/// A mirror of the host's directory under its own path, as kubeadm mounts it.
void mount_host_path(Json& pod, const std::string& name, const std::string& path, bool read_only) {
  pod["spec"]["volumes"].push_back({{"name", name}, {"hostPath", {{"path", path}, {"type", "DirectoryOrCreate"}}}});
  pod["spec"]["containers"][0]["volumeMounts"].push_back({{"name", name}, {"mountPath", path}, {"readOnly", read_only}});
}

Json static_pod(const ClusterSpec& spec, const std::string& component, std::vector<std::string> command) {
  Json container = {{"name", component},
                    {"image", image_of(spec, component)},
                    {"imagePullPolicy", "IfNotPresent"},
                    {"command", std::move(command)},
                    {"resources", {{"requests", {{"cpu", "100m"}}}}}};
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", component}, {"namespace", "kube-system"}, {"labels", {{"component", component}, {"tier", "control-plane"}}}}},
          {"spec",
           {{"hostNetwork", true},
            {"priorityClassName", "system-node-critical"},
            {"containers", Json::array({std::move(container)})}}}};
}

Json http_probe(const std::string& scheme, const std::string& host, int port, const std::string& path, const ClusterSpec& spec) {
  return {{"httpGet", {{"scheme", scheme}, {"host", host}, {"port", port}, {"path", path}}},
          {"periodSeconds", std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(spec.timers.probe_period).count())},
          {"timeoutSeconds", 15},
          {"failureThreshold", 8}};
}

/// The API's own way to say once a second until it is up, then as seldom as the profile says.
Json startup_probe(Json probe) {
  probe["periodSeconds"] = 1;
  probe["failureThreshold"] = 120;
  return probe;
}

CommandWriter command_of(const ClusterSpec& spec, const std::string& component) {
  const auto found = spec.components.find(component);
  return CommandWriter(component, spec.version_of(component), found == spec.components.end() ? std::set<std::string>() : found->second.help_flags);
}

void add_leader_election(std::vector<std::string>& command, const history::Timers& timers) {
  command.push_back("--leader-elect=true");
  command.push_back("--leader-elect-lease-duration=" + format_go_duration(timers.leader_lease_duration));
  command.push_back("--leader-elect-renew-deadline=" + format_go_duration(timers.leader_renew_deadline));
  command.push_back("--leader-elect-retry-period=" + format_go_duration(timers.leader_retry_period));
}

void add_leader_election(CommandWriter& command, const history::Timers& timers) {
  command.add("leader-elect", "true");
  command.add("leader-elect-lease-duration", format_go_duration(timers.leader_lease_duration));
  command.add("leader-elect-renew-deadline", format_go_duration(timers.leader_renew_deadline));
  command.add("leader-elect-retry-period", format_go_duration(timers.leader_retry_period));
}

/// Real clients send protobuf unless told otherwise. Our API server reads it, but JSON is what it stores and is tested with most.
void add_content_type(CommandWriter& command, const ClusterSpec& spec) {
  if (!spec.is_foreign("kube-apiserver")) command.add("kube-api-content-type", "application/json");
}

/// As kubeadm: no liveness probe counts before the program has once been healthy, however long it waits for an API server.
void add_health_probes(Json& pod, const Json& probe) {
  Json& container = pod["spec"]["containers"][0];
  container["startupProbe"] = startup_probe(probe);
  container["livenessProbe"] = probe;
}

std::int64_t whole_seconds(runtime::Duration duration) {
  return std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

}  // namespace

std::string image_of(const ClusterSpec& spec, const std::string& component) {
  const auto found = spec.components.find(component);
  const std::string version = found == spec.components.end() ? "" : found->second.version;
  // The registry's etcd images count their own builds: 3.5.21-0.
  if (component == "etcd") return "registry.k8s.io/etcd:" + (version.empty() ? spec.etcd_release : version + "-0");
  if (component == "workload") return "skidpad/workload:1";
  if (component == "node-healer") return "skidpad/node-healer:1";
  if (component == "etcd-operator" || component == "object-store") return "skidpad/" + component + ":1";
  if (component == "checkpointer") return "skidpad/checkpointer:1";
  // "+" may not be in a tag.
  std::string tag = version.empty() ? spec.release : version;
  std::replace(tag.begin(), tag.end(), '+', '_');
  return "registry.k8s.io/" + component + ":" + tag;
}

Json image_table(const ClusterSpec& spec) {
  Json table = Json::object();
  for (const auto& [name, component] : spec.components) {
    if (name == real_kubelet_component) continue;  // no image
    Json entry = {{"executable", component.executable}};
    if (!component.arguments.empty()) entry["arguments"] = component.arguments;
    if (name == "etcd" && spec.etcd_operator.enabled) {
      table[std::string(managed_etcd_images) + managed_etcd_version] = entry;
      for (const std::string& version : spec.etcd_operator.further_versions) {
        Json further = entry;
        further["environment"]["SKIDPAD_ETCD_VERSION"] = version;  // the model of etcd says then that it is this one
        table[managed_etcd_images + version] = std::move(further);
      }
    }
    table[image_of(spec, name)] = std::move(entry);
  }
  return table;
}

Json etcd_manifest(const ClusterSpec& spec, const ClusterPlan& plan, const NodePlan& node) {
  const std::string members = joined(plan.etcd_nodes(), [](const NodePlan* member) { return member->name + "=" + url(member->address, 2380); });
  const auto milliseconds = [](runtime::Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
  };
  CommandWriter command = command_of(spec, "etcd");
  command.add("name", node.name)
      .add("data-dir", "${ROOT}/var/lib/etcd")
      .add("listen-client-urls", (shares_loopback(spec) ? "" : "https://127.0.0.1:2379,") + url(node.address, 2379))
      .add("advertise-client-urls", url(node.address, 2379))
      .add("listen-peer-urls", url(node.address, 2380))
      .add("initial-advertise-peer-urls", url(node.address, 2380))
      .add("initial-cluster", members)
      .add("initial-cluster-state", "new")
      .add("initial-cluster-token", "skidpad")
      .add("cert-file", in_pki("etcd/server.crt"))
      .add("key-file", in_pki("etcd/server.key"))
      .add("trusted-ca-file", in_pki("etcd/ca.crt"))
      .add("client-cert-auth", "true")
      .add("peer-cert-file", in_pki("etcd/peer.crt"))
      .add("peer-key-file", in_pki("etcd/peer.key"))
      .add("peer-trusted-ca-file", in_pki("etcd/ca.crt"))
      .add("peer-client-cert-auth", "true")
      .add("listen-metrics-urls", "http://" + node.address + ":2381")
      .add("snapshot-count", "10000")
      .add("heartbeat-interval", milliseconds(spec.timers.etcd_heartbeat_interval))
      .add("election-timeout", milliseconds(spec.timers.etcd_election_timeout));
  // As kubeadm does: an API server's watch cache learns by these that nothing has happened.
  if (spec.is_foreign("kube-apiserver")) {
    command.add_first({"watch-progress-notify-interval", "experimental-watch-progress-notify-interval"}, "5s");
  }
  Json pod = static_pod(spec, "etcd", command.command());
  mount_host_path(pod, "etcd-certs", in_pki("etcd"), true);
  mount_host_path(pod, "etcd-data", "${ROOT}/var/lib/etcd", false);
  // A member without quorum is unhealthy but must not be restarted for it: only its own death counts (behaviour E15).
  return pod;
}

Json apiserver_manifest(const ClusterSpec& spec, const ClusterPlan& plan, const NodePlan& node) {
  const std::string etcd_servers = joined(plan.etcd_nodes(), [](const NodePlan* member) { return url(member->address, 2379); });
  const std::string toleration = std::to_string(whole_seconds(spec.timers.toleration));
  CommandWriter command = command_of(spec, "kube-apiserver");
  command.add("advertise-address", node.address)
      .add("bind-address", node.address)
      .add("secure-port", std::to_string(plan.apiserver_port))
      .add("allow-privileged", "true")
      .add("authorization-mode", "Node,RBAC")
      .add("client-ca-file", in_pki("ca.crt"))
      .add("enable-admission-plugins", "NodeRestriction")
      .add("enable-bootstrap-token-auth", "true")
      .add("token-auth-file", in_pki("tokens.csv"))
      .add("etcd-servers", etcd_servers)
      .add("etcd-cafile", in_pki("etcd/ca.crt"))
      .add("etcd-certfile", in_pki("apiserver-etcd-client.crt"))
      .add("etcd-keyfile", in_pki("apiserver-etcd-client.key"))
      .add("kubelet-client-certificate", in_pki("apiserver-kubelet-client.crt"))
      .add("kubelet-client-key", in_pki("apiserver-kubelet-client.key"))
      .add("kubelet-preferred-address-types", "InternalIP,ExternalIP,Hostname")
      .add("proxy-client-cert-file", in_pki("front-proxy-client.crt"))
      .add("proxy-client-key-file", in_pki("front-proxy-client.key"))
      .add("requestheader-allowed-names", "front-proxy-client")
      .add("requestheader-client-ca-file", in_pki("front-proxy-ca.crt"))
      .add("requestheader-extra-headers-prefix", "X-Remote-Extra-")
      .add("requestheader-group-headers", "X-Remote-Group")
      .add("requestheader-username-headers", "X-Remote-User")
      .add("tls-cert-file", in_pki("apiserver.crt"))
      .add("tls-private-key-file", in_pki("apiserver.key"))
      .add("service-account-issuer", "https://kubernetes.default.svc.cluster.local")
      .add("service-account-key-file", in_pki("sa.pub"))
      .add("service-account-signing-key-file", in_pki("sa.key"))
      .add("service-cluster-ip-range", plan.service_cidr)
      .add("default-not-ready-toleration-seconds", toleration)
      .add("default-unreachable-toleration-seconds", toleration);
  Json pod = static_pod(spec, "kube-apiserver", command.command());
  mount_host_path(pod, "k8s-certs", pki_directory, true);
  add_health_probes(pod, http_probe("HTTPS", node.address, plan.apiserver_port, "/livez", spec));
  Json& container = pod["spec"]["containers"][0];
  Json ready = http_probe("HTTPS", node.address, plan.apiserver_port, "/readyz", spec);
  ready["periodSeconds"] = 1;
  ready["failureThreshold"] = 3;
  container["readinessProbe"] = std::move(ready);
  return pod;
}

Json controller_manager_manifest(const ClusterSpec& spec, const NodePlan& node) {
  const history::Timers& timers = spec.timers;
  const std::string kubeconfig = "${ROOT}/etc/kubernetes/controller-manager.conf";
  CommandWriter command = command_of(spec, "kube-controller-manager");
  command.add("kubeconfig", kubeconfig)
      .add("authentication-kubeconfig", kubeconfig)
      .add("authorization-kubeconfig", kubeconfig)
      .add("bind-address", node.address)
      .add("client-ca-file", in_pki("ca.crt"))
      .add("requestheader-client-ca-file", in_pki("front-proxy-ca.crt"))
      .add("cluster-name", "kubernetes")
      .add("cluster-signing-cert-file", in_pki("ca.crt"))
      .add("cluster-signing-key-file", in_pki("ca.key"))
      .add("controllers", "*,bootstrapsigner,tokencleaner")
      .add("root-ca-file", in_pki("ca.crt"))
      .add("service-account-private-key-file", in_pki("sa.key"))
      .add("use-service-account-credentials", "true")
      .add("node-monitor-period", format_go_duration(timers.node_monitor_period))
      .add("node-monitor-grace-period", format_go_duration(timers.node_monitor_grace_period));
  add_content_type(command, spec);
  add_leader_election(command, timers);
  Json pod = static_pod(spec, "kube-controller-manager", command.command());
  mount_host_path(pod, "k8s-certs", pki_directory, true);
  mount_host_path(pod, "kubeconfig", "${ROOT}/etc/kubernetes", true);
  add_health_probes(pod, http_probe("HTTPS", node.address, 10257, "/healthz", spec));
  return pod;
}

Json scheduler_manifest(const ClusterSpec& spec, const NodePlan& node) {
  const std::string kubeconfig = "${ROOT}/etc/kubernetes/scheduler.conf";
  CommandWriter command = command_of(spec, "kube-scheduler");
  command.add("kubeconfig", kubeconfig)
      .add("authentication-kubeconfig", kubeconfig)
      .add("authorization-kubeconfig", kubeconfig)
      .add("bind-address", node.address)
      // kubeadm leaves these to a look-up in the cluster, which a scheduler that starts before the API server makes in vain.
      .add("client-ca-file", in_pki("ca.crt"))
      .add("requestheader-client-ca-file", in_pki("front-proxy-ca.crt"));
  add_content_type(command, spec);
  add_leader_election(command, spec.timers);
  Json pod = static_pod(spec, "kube-scheduler", command.command());
  mount_host_path(pod, "kubeconfig", "${ROOT}/etc/kubernetes", true);
  add_health_probes(pod, http_probe("HTTPS", node.address, 10259, "/healthz", spec));
  return pod;
}

Json balancer_manifest(const ClusterSpec& spec, const ClusterPlan& plan) {
  std::vector<std::string> command = balancer_command(spec, plan);
  command.front() = "kube-proxy";
  Json pod = static_pod(spec, "kube-proxy", std::move(command));
  pod["metadata"]["name"] = "apiserver-balancer";
  pod["metadata"]["labels"] = {{"component", "apiserver-balancer"}, {"tier", "node"}};
  pod["spec"]["containers"][0]["name"] = "apiserver-balancer";
  return pod;
}

namespace {

constexpr std::size_t hollow_kubelet_port_first = 12250;

std::string hollow_kubeconfig(const std::string& name) { return "${ROOT}/etc/kubernetes/" + name + ".conf"; }
/// Their pods are none: only what asks for hollow nodes may come to them.
std::string taint_of(std::string_view label) { return std::string(label) + "=true:NoSchedule"; }

std::vector<std::string> with_program(const ClusterSpec& spec, const std::string& component, std::vector<std::string> argv) {
  argv.front() = spec.components.at(component).executable;
  return argv;
}

/// Ours, for where no kubemark is at hand.
std::vector<std::string> own_hollow_command(const ClusterSpec& spec, const std::string& name, std::size_t number) {
  return {spec.components.at("kubelet").executable,
          "--hollow",
          "--config=${ROOT}/etc/kubernetes/hollow-kubelet.yaml",
          "--kubeconfig=" + hollow_kubeconfig(name),
          "--hostname-override=" + name,
          "--node-ip=${ADDRESS}",
          "--port=" + std::to_string(hollow_kubelet_port_first + number),
          "--healthz-port=0",
          "--root-dir=${ROOT}/var/lib/" + name,
          "--node-labels=" + std::string(hollow_label) + "=true",
          "--register-with-taints=" + taint_of(hollow_label)};
}

}  // namespace

std::vector<std::string> hollow_command(const ClusterSpec& spec, const std::string& name, std::size_t number) {
  if (!spec.has_kubemark()) return own_hollow_command(spec, name, number);
  constexpr std::size_t read_only_port_first = 13250;
  CommandWriter command = command_of(spec, "kubemark");
  command.add("morph", "kubelet")
      .add("name", name)
      .add("kubeconfig", hollow_kubeconfig(name))
      .add("kubelet-port", std::to_string(hollow_kubelet_port_first + number))
      .add("kubelet-read-only-port", std::to_string(read_only_port_first + number))
      .add("node-labels", std::string(hollow_label) + "=true")
      .add("register-with-taints", taint_of(hollow_label))
      .add("max-pods", "110")
      .add("use-host-image-service", "false")
      .add("node-lease-duration-seconds", std::to_string(whole_seconds(spec.timers.node_lease_duration)))
      .add("node-status-update-frequency", format_go_duration(spec.timers.node_status_update_frequency));
  add_content_type(command, spec);
  return with_program(spec, "kubemark", command.command());
}

std::vector<std::string> hollow_proxy_command(const ClusterSpec& spec, const std::string& name) {
  CommandWriter command = command_of(spec, "kubemark");
  command.add("morph", "proxy").add("name", name).add("kubeconfig", hollow_kubeconfig("kube-proxy"));
  add_content_type(command, spec);
  return with_program(spec, "kubemark", command.command());
}

std::vector<std::string> kube_proxy_command(const ClusterSpec& spec, const ClusterPlan& plan) {
  return {spec.components.at("kube-proxy").executable,
          "--kubeconfig=" + hollow_kubeconfig("kube-proxy"),
          "--hostname-override=${NAME}",
          "--dns-address=" + plan.dns_address,
          "--metrics-bind-address=${ADDRESS}:10249",
          "--healthz-bind-address=${ADDRESS}:10256"};
}

std::vector<std::string> real_kubelet_command(const ClusterSpec& spec) {
  const auto found = spec.components.find(real_kubelet_component);
  CommandWriter command("kubelet", spec.version_of(real_kubelet_component), found->second.help_flags);
  command.add("config", "${ROOT}/var/lib/kubelet/config.yaml")
      .add("kubeconfig", "${ROOT}/etc/kubernetes/kubelet.conf")
      .add("bootstrap-kubeconfig", "${ROOT}/etc/kubernetes/bootstrap-kubelet.conf")
      .add("cert-dir", "${ROOT}/var/lib/kubelet/pki")
      // Short: the path of a socket below it may have 107 bytes.
      .add("root-dir", "${ROOT}/kubelet")
      .add("hostname-override", "${NAME}")
      .add("node-ip", "${ADDRESS}")
      .add("node-labels", std::string(real_kubelet_label) + "=true")
      .add("register-with-taints", taint_of(real_kubelet_label));
  return with_program(spec, real_kubelet_component, command.command());
}

std::vector<std::string> balancer_command(const ClusterSpec& spec, const ClusterPlan& plan) {
  const std::string targets = joined(plan.control_plane_nodes(), [&](const NodePlan* node) {
    return node->address + ":" + std::to_string(plan.apiserver_port);
  });
  const auto program = spec.components.find("kube-proxy");
  return {program == spec.components.end() ? "kube-proxy" : program->second.executable, "--apiserver-balancer=127.0.0.1:" + std::to_string(plan.balancer_port) + "=" + targets};
}

Json kubelet_configuration(const ClusterSpec& spec, const ClusterPlan& plan) {
  const history::Timers& timers = spec.timers;
  return {{"apiVersion", "kubelet.config.k8s.io/v1beta1"},
          {"kind", "KubeletConfiguration"},
          {"staticPodPath", "${ROOT}/etc/kubernetes/manifests"},
          {"address", "${ADDRESS}"},
          {"healthzBindAddress", shares_loopback(spec) ? "${ADDRESS}" : "127.0.0.1"},
          {"authentication",
           {{"anonymous", {{"enabled", false}}}, {"webhook", {{"enabled", true}}}, {"x509", {{"clientCAFile", in_pki("ca.crt")}}}}},
          {"authorization", {{"mode", "Webhook"}}},
          {"cgroupDriver", "cgroupfs"},
          {"clusterDNS", Json::array({plan.dns_address})},
          {"clusterDomain", "cluster.local"},
          {"nodeStatusUpdateFrequency", format_go_duration(timers.node_status_update_frequency)},
          {"nodeStatusReportFrequency", format_go_duration(timers.node_status_update_frequency * 30)},
          {"nodeLeaseDurationSeconds", whole_seconds(timers.node_lease_duration)},
          {"syncFrequency", format_go_duration(timers.kubelet_sync_frequency)},
          {"fileCheckFrequency", format_go_duration(timers.kubelet_file_check_frequency)},
          {"rotateCertificates", true}};
}

Json real_kubelet_configuration(const ClusterSpec& spec, const ClusterPlan& plan) {
  Json configuration = kubelet_configuration(spec, plan);
  configuration["containerRuntimeEndpoint"] = spec.container_runtime_endpoint;
  if (!spec.is_foreign("kube-apiserver")) configuration["contentType"] = "application/json";  // as add_content_type()
  // The host's groups stay the host's: none for classes of service, none for what is allocatable.
  configuration["cgroupsPerQOS"] = false;
  configuration["enforceNodeAllocatable"] = Json::array();
  configuration["failSwapOn"] = false;
  // What older ones do not know they would take with a warning; they are not given it.
  const int minor = spec.version_of(real_kubelet_component).minor;
  if (minor >= 29) configuration["podLogsDir"] = "${ROOT}/var/log/pods";
  if (minor >= 31) configuration["failCgroupV1"] = false;
  configuration["makeIPTablesUtilChains"] = false;
  // Disk and images are shared with the host and with other nodes: nothing is evicted or removed for want of room.
  configuration["evictionHard"] = {
      {"memory.available", "0%"}, {"nodefs.available", "0%"}, {"nodefs.inodesFree", "0%"}, {"imagefs.available", "0%"}, {"imagefs.inodesFree", "0%"}};
  configuration["imageGCHighThresholdPercent"] = 100;
  configuration["imageGCLowThresholdPercent"] = 99;
  return configuration;
}

namespace {

Json cluster_role_binding(const std::string& name, const std::string& role, const std::string& group) {
  return {{"apiVersion", "rbac.authorization.k8s.io/v1"},
          {"kind", "ClusterRoleBinding"},
          {"metadata", {{"name", name}}},
          {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", role}}},
          {"subjects", Json::array({{{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Group"}, {"name", group}}})}};
}

Json service_account(const std::string& name) {
  return {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", name}, {"namespace", "kube-system"}}}};
}

Json service_account_binding(const std::string& name, const std::string& role) {
  Json binding = cluster_role_binding("skidpad:" + name, role, "");
  binding["subjects"] = Json::array({{{"kind", "ServiceAccount"}, {"name", name}, {"namespace", "kube-system"}}});
  return binding;
}

/// A kubeconfig that reaches the API by the node's own balancer with the pod's own token; ca.crt and token lie beside it.
Json in_cluster_kubeconfig(const ClusterPlan& plan) {
  return {{"apiVersion", "v1"},
          {"kind", "Config"},
          {"clusters", Json::array({{{"name", "default"},
                                     {"cluster",
                                      {{"server", url("127.0.0.1", plan.balancer_port)},
                                       {"certificate-authority", "ca.crt"}}}}})},
          {"users", Json::array({{{"name", "default"}, {"user", {{"tokenFile", "token"}}}}})},
          {"contexts", Json::array({{{"name", "default"}, {"context", {{"cluster", "default"}, {"user", "default"}}}}})},
          {"current-context", "default"}};
}

/// The volume with that kubeconfig, whose first source holds it.
Json credentials_volume(Json source) {
  return {{"name", "config"},
          {"projected",
           {{"sources", Json::array({std::move(source),
                                     {{"serviceAccountToken", {{"path", "token"}, {"expirationSeconds", 3607}}}},
                                     {{"configMap",
                                       {{"name", "kube-root-ca.crt"}, {"items", Json::array({{{"key", "ca.crt"}, {"path", "ca.crt"}}})}}}}})}}}};
}

Json everywhere() { return Json::array({{{"operator", "Exists"}}}); }

std::vector<Json> kube_proxy_objects(const ClusterSpec& spec, const ClusterPlan& plan) {
  Json binding = service_account_binding("kube-proxy", "system:node-proxier");
  Json config = {{"apiVersion", "v1"},
                 {"kind", "ConfigMap"},
                 {"metadata", {{"name", "kube-proxy"}, {"namespace", "kube-system"}}},
                 {"data", {{"kubeconfig.conf", in_cluster_kubeconfig(plan).dump()}}}};
  Json container = {{"name", "kube-proxy"},
                    {"image", image_of(spec, "kube-proxy")},
                    {"command",
                     {"kube-proxy", "--kubeconfig=/var/lib/kube-proxy/kubeconfig.conf", "--hostname-override=$(NODE_NAME)",
                      "--dns-address=" + plan.dns_address, "--metrics-bind-address=$(HOST_IP):10249", "--healthz-bind-address=$(HOST_IP):10256"}},
                    {"env", Json::array({{{"name", "NODE_NAME"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "spec.nodeName"}}}}}},
                                         {{"name", "HOST_IP"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "status.hostIP"}}}}}}})},
                    {"volumeMounts", Json::array({{{"name", "config"}, {"mountPath", "/var/lib/kube-proxy"}}})}};
  Json daemon_set = {
      {"apiVersion", "apps/v1"},
      {"kind", "DaemonSet"},
      {"metadata", {{"name", "kube-proxy"}, {"namespace", "kube-system"}, {"labels", {{"k8s-app", "kube-proxy"}}}}},
      {"spec",
       {{"selector", {{"matchLabels", {{"k8s-app", "kube-proxy"}}}}},
        {"template",
         {{"metadata", {{"labels", {{"k8s-app", "kube-proxy"}}}}},
          {"spec",
           {{"hostNetwork", true},
            {"serviceAccountName", "kube-proxy"},
            {"priorityClassName", "system-node-critical"},
            {"tolerations", everywhere()},
            {"containers", Json::array({std::move(container)})},
            {"automountServiceAccountToken", false},
            {"volumes", Json::array({credentials_volume({{"configMap", {{"name", "kube-proxy"}}}})})}}}}}}}};
  // Nodes of a container runtime have no image of ours: their kube-proxy is a unit of the machine.
  if (spec.components.contains(real_kubelet_component)) {
    const Json expression = {{"key", real_kubelet_label}, {"operator", "DoesNotExist"}};
    daemon_set["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] =
        Json::array({{{"matchExpressions", Json::array({expression})}}});
  }
  return {service_account("kube-proxy"), std::move(binding), std::move(config), std::move(daemon_set)};
}

std::vector<Json> node_healer_objects(const ClusterSpec& spec, const ClusterPlan& plan, const Json& worker_template) {
  const history::Timers& timers = spec.timers;
  Json role = {{"apiVersion", "rbac.authorization.k8s.io/v1"},
               {"kind", "ClusterRole"},
               {"metadata", {{"name", "skidpad:node-healer"}}},
               {"rules",
                Json::array({{{"apiGroups", {""}}, {"resources", {"nodes"}}, {"verbs", {"get", "list", "watch", "patch", "update", "delete"}}},
                             {{"apiGroups", {""}}, {"resources", {"pods"}}, {"verbs", {"get", "list", "watch", "delete"}}},
                             {{"apiGroups", {""}}, {"resources", {"pods/eviction"}}, {"verbs", {"create"}}},
                             {{"apiGroups", {""}}, {"resources", {"events"}}, {"verbs", {"create", "patch", "update"}}},
                             {{"apiGroups", {""}}, {"resources", {"secrets", "configmaps"}}, {"verbs", {"get", "list", "watch", "create", "update", "patch"}}},
                             {{"apiGroups", {"coordination.k8s.io"}}, {"resources", {"leases"}}, {"verbs", {"get", "list", "watch", "create", "update", "patch"}}}})}};
  Json secret = {{"apiVersion", "v1"},
                 {"kind", "Secret"},
                 {"metadata", {{"name", "node-healer"}, {"namespace", "kube-system"}}},
                 {"stringData",
                  {{"worker-template.json", worker_template.dump()},
                   {"provider-token", spec.provider_token},
                   {"kubeconfig.conf", in_cluster_kubeconfig(plan).dump()}}}};
  std::vector<std::string> command = {"node-healer",
                                      "--kubeconfig=/etc/node-healer/kubeconfig.conf",
                                      "--provider=" + runtime::to_text(spec.provider),
                                      "--provider-token-file=/etc/node-healer/provider-token",
                                      "--worker-template=/etc/node-healer/worker-template.json",
                                      "--bind-address=$(POD_IP)",
                                      "--metrics-port=9100",
                                      "--poll-interval=" + format_go_duration(timers.healer_poll_interval),
                                      "--unhealthy-after=" + format_go_duration(timers.healer_unhealthy_after),
                                      "--never-joined-after=" + format_go_duration(timers.healer_never_joined_after),
                                      "--node-monitor-grace-period=" + format_go_duration(timers.node_monitor_grace_period),
                                      "--max-unhealthy=" + spec.healer.max_unhealthy};
  if (spec.healer.paused) command.push_back("--paused=true");
  add_leader_election(command, timers);
  Json container = {{"name", "node-healer"},
                    {"image", image_of(spec, "node-healer")},
                    {"command", command},
                    {"env", Json::array({{{"name", "POD_NAME"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "metadata.name"}}}}}},
                                         {{"name", "POD_IP"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "status.podIP"}}}}}}})},
                    {"ports", Json::array({{{"name", "metrics"}, {"containerPort", 9100}}})},
                    {"readinessProbe", {{"httpGet", {{"port", 9100}, {"path", "/readyz"}}}, {"periodSeconds", 1}}},
                    {"volumeMounts", Json::array({{{"name", "config"}, {"mountPath", "/etc/node-healer"}}})}};
  // On the control plane: a healer that dies with the worker it should replace is late by a leader election.
  Json pod_spec = {{"serviceAccountName", "node-healer"},
                   {"priorityClassName", "system-cluster-critical"},
                   {"tolerations", Json::array({{{"key", "node-role.kubernetes.io/control-plane"}, {"operator", "Exists"}, {"effect", "NoSchedule"}}})},
                   {"nodeSelector", {{"node-role.kubernetes.io/control-plane", ""}}},
                   {"topologySpreadConstraints",
                    Json::array({{{"maxSkew", 1},
                                  {"topologyKey", "kubernetes.io/hostname"},
                                  {"whenUnsatisfiable", "ScheduleAnyway"},
                                  {"labelSelector", {{"matchLabels", {{"app", "node-healer"}}}}}}})},
                   {"containers", Json::array({std::move(container)})},
                   {"automountServiceAccountToken", false},
                   {"volumes", Json::array({credentials_volume({{"secret", {{"name", "node-healer"}}}})})}};
  Json deployment = {{"apiVersion", "apps/v1"},
                     {"kind", "Deployment"},
                     {"metadata", {{"name", "node-healer"}, {"namespace", "kube-system"}, {"labels", {{"app", "node-healer"}}}}},
                     {"spec",
                      {{"replicas", spec.healer.replicas},
                       {"selector", {{"matchLabels", {{"app", "node-healer"}}}}},
                       {"template", {{"metadata", {{"labels", {{"app", "node-healer"}}}}}, {"spec", std::move(pod_spec)}}}}}};
  return {service_account("node-healer"), std::move(role), service_account_binding("node-healer", "skidpad:node-healer"), std::move(secret),
          std::move(deployment)};
}

}  // namespace

std::vector<Json> addon_objects(const ClusterSpec& spec, const ClusterPlan& plan, const Json& worker_template) {
  std::vector<Json> objects = {
      cluster_role_binding("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", "system:bootstrappers"),
      cluster_role_binding("kubeadm:node-autoapprove-bootstrap", "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
                           "system:bootstrappers"),
      cluster_role_binding("kubeadm:node-autoapprove-certificate-rotation",
                           "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", "system:nodes")};
  for (Json& object : kube_proxy_objects(spec, plan)) objects.push_back(std::move(object));
  if (spec.healer.enabled) {
    for (Json& object : node_healer_objects(spec, plan, worker_template)) objects.push_back(std::move(object));
  }
  if (spec.etcd_operator.enabled) {
    for (Json& object : etcd_operator_objects(spec, plan)) objects.push_back(std::move(object));
  }
  return objects;
}

}  // namespace skidpad::cluster

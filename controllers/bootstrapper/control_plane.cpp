#include "controllers/bootstrapper/control_plane.hpp"

namespace skidpad::controllers::bootstrapper {
namespace {

using runtime::format_go_duration;

constexpr char apiserver_secrets[] = "/etc/kubernetes/secrets/kube-apiserver";
constexpr char controller_manager_secrets[] = "/etc/kubernetes/secrets/kube-controller-manager";
constexpr char scheduler_secrets[] = "/etc/kubernetes/secrets/kube-scheduler";
constexpr char checkpointer_secrets[] = "/etc/checkpointer";

std::string joined(const std::vector<std::string>& items) {
  std::string all;
  for (const std::string& item : items) all += (all.empty() ? "" : ",") + item;
  return all;
}

/// Where a component finds its files, and where it listens.
struct Place {
  std::string secrets;
  std::string kubeconfig;
  std::string address;
  int port = 0;
};

std::vector<std::string> apiserver_command(const ControlPlaneInput& input, const Place& place) {
  const auto file = [&](const char* name) { return place.secrets + "/" + name; };
  const std::string toleration = std::to_string(input.toleration_seconds);
  return {"kube-apiserver", "--advertise-address=" + place.address, "--bind-address=" + place.address,
          "--secure-port=" + std::to_string(place.port),
          // A copy of this server may still hold the port when its parent comes back.
          "--permit-port-sharing=true", "--allow-privileged=true", "--authorization-mode=Node,RBAC", "--client-ca-file=" + file("ca.crt"),
          "--enable-admission-plugins=NodeRestriction", "--token-auth-file=" + file("tokens.csv"), "--etcd-servers=" + joined(input.etcd_servers),
          "--etcd-cafile=" + file("etcd-client-ca.crt"), "--etcd-certfile=" + file("etcd-client.crt"), "--etcd-keyfile=" + file("etcd-client.key"),
          "--kubelet-client-certificate=" + file("apiserver-kubelet-client.crt"), "--kubelet-client-key=" + file("apiserver-kubelet-client.key"),
          "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname", "--tls-cert-file=" + file("apiserver.crt"),
          "--tls-private-key-file=" + file("apiserver.key"), "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
          "--service-account-key-file=" + file("service-account.pub"), "--service-account-signing-key-file=" + file("service-account.key"),
          "--service-cluster-ip-range=" + input.service_cidr, "--default-not-ready-toleration-seconds=" + toleration,
          "--default-unreachable-toleration-seconds=" + toleration};
}

void add_leader_election(std::vector<std::string>& command, const ControlPlaneInput& input) {
  command.push_back("--leader-elect=true");
  command.push_back("--leader-elect-lease-duration=" + format_go_duration(input.leader_lease_duration));
  command.push_back("--leader-elect-renew-deadline=" + format_go_duration(input.leader_renew_deadline));
  command.push_back("--leader-elect-retry-period=" + format_go_duration(input.leader_retry_period));
}

std::vector<std::string> controller_manager_command(const ControlPlaneInput& input, const Place& place) {
  const auto file = [&](const char* name) { return place.secrets + "/" + name; };
  std::vector<std::string> command = {
      "kube-controller-manager", "--kubeconfig=" + place.kubeconfig, "--authentication-kubeconfig=" + place.kubeconfig,
      "--authorization-kubeconfig=" + place.kubeconfig, "--bind-address=" + place.address, "--secure-port=" + std::to_string(place.port),
      "--client-ca-file=" + file("ca.crt"), "--cluster-name=kubernetes", "--cluster-signing-cert-file=" + file("ca.crt"),
      "--cluster-signing-key-file=" + file("ca.key"), "--controllers=*,bootstrapsigner,tokencleaner", "--root-ca-file=" + file("ca.crt"),
      "--service-account-private-key-file=" + file("service-account.key"), "--use-service-account-credentials=true",
      "--node-monitor-period=" + format_go_duration(input.node_monitor_period),
      "--node-monitor-grace-period=" + format_go_duration(input.node_monitor_grace_period)};
  add_leader_election(command, input);
  return command;
}

std::vector<std::string> scheduler_command(const ControlPlaneInput& input, const Place& place) {
  std::vector<std::string> command = {"kube-scheduler", "--kubeconfig=" + place.kubeconfig, "--authentication-kubeconfig=" + place.kubeconfig,
                                      "--authorization-kubeconfig=" + place.kubeconfig, "--bind-address=" + place.address,
                                      "--secure-port=" + std::to_string(place.port)};
  add_leader_election(command, input);
  return command;
}

Json variable(const char* name, const char* field) { return {{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", field}}}}}}; }

/// The host of a probe is the pod's own address, which on the host's network is the node's.
Json probe(const char* scheme, int port, const char* path, std::int64_t period_seconds, int failures) {
  return {{"httpGet", {{"scheme", scheme}, {"port", port}, {"path", path}}},
          {"periodSeconds", period_seconds},
          {"timeoutSeconds", 15},
          {"failureThreshold", failures}};
}

void mount(Json& spec, const std::string& name, Json source, const std::string& path, bool read_only) {
  source["name"] = name;
  spec["volumes"].push_back(std::move(source));
  spec["containers"][0]["volumeMounts"].push_back({{"name", name}, {"mountPath", path}, {"readOnly", read_only}});
}

Json host_path(const std::string& path) { return {{"hostPath", {{"path", path}, {"type", "DirectoryOrCreate"}}}}; }

struct Component {
  std::string name;
  std::vector<std::string> command;
  const char* scheme = "HTTPS";
  int port = 0;
  const char* live_path = "/healthz";
  const char* ready_path = "/healthz";
};

Json pod_spec(const ControlPlaneInput& input, const Component& component) {
  Json container = {{"name", component.name},
                    {"image", input.images.at(component.name)},
                    {"imagePullPolicy", "IfNotPresent"},
                    {"command", component.command},
                    {"env", Json::array({variable("HOST_IP", "status.hostIP"), variable("NODE_NAME", "spec.nodeName")})},
                    {"resources", {{"requests", {{"cpu", "100m"}}}}}};
  container["ports"] = Json::array({{{"name", "serving"}, {"containerPort", component.port}, {"hostPort", component.port}}});
  container["startupProbe"] = probe(component.scheme, component.port, component.live_path, 1, 120);
  container["livenessProbe"] = probe(component.scheme, component.port, component.live_path, input.probe_period_seconds, 8);
  container["readinessProbe"] = probe(component.scheme, component.port, component.ready_path, 1, 3);
  return {{"hostNetwork", true},
          {"priorityClassName", "system-node-critical"},
          {"terminationGracePeriodSeconds", input.termination_grace_seconds},
          {"containers", Json::array({std::move(container)})}};
}

Json static_pod(const ControlPlaneInput& input, const Component& component) {
  Json pod = {{"apiVersion", "v1"}, {"kind", "Pod"}};
  pod["metadata"] = {{"name", "bootstrap-" + component.name}, {"namespace", "kube-system"}};
  pod["metadata"]["labels"] = {{"component", "bootstrap-" + component.name}, {"tier", "control-plane"}};
  pod["spec"] = pod_spec(input, component);
  mount(pod["spec"], "secrets", host_path(bootstrap_secrets), bootstrap_secrets, true);
  return pod;
}

Json workload(const char* kind, const std::string& name, Json spec, Json annotations) {
  const Json labels = {{"component", name}, {"tier", "control-plane"}};
  Json object = {{"apiVersion", "apps/v1"}, {"kind", kind}};
  object["metadata"] = {{"name", name}, {"namespace", "kube-system"}, {"labels", labels}};
  spec["automountServiceAccountToken"] = false;  // they bring certificates, and must not wait for tokens
  spec["nodeSelector"] = {{control_plane_label, "true"}};
  spec["tolerations"] = Json::array({{{"operator", "Exists"}}});
  Json pod_template = {{"metadata", {{"labels", labels}}}, {"spec", std::move(spec)}};
  if (!annotations.empty()) pod_template["metadata"]["annotations"] = std::move(annotations);
  object["spec"] = {{"selector", {{"matchLabels", {{"component", name}, {"tier", "control-plane"}}}}}, {"template", std::move(pod_template)}};
  return object;
}

Json checkpointed() { return {{"checkpointer.alpha.coreos.com/checkpoint", "true"}}; }

Json daemon_set(const std::string& name, Json spec) {
  Json object = workload("DaemonSet", name, std::move(spec), checkpointed());
  object["spec"]["updateStrategy"] = {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxUnavailable", 1}}}};
  return object;
}

Json deployment(const ControlPlaneInput& input, const std::string& name, Json spec) {
  Json object = workload("Deployment", name, std::move(spec), Json::object());
  object["spec"]["replicas"] = input.replicas;
  // They hold ports of their hosts, so a new one needs an old one's place.
  object["spec"]["strategy"] = {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxUnavailable", 1}, {"maxSurge", 0}}}};
  return object;
}

Json secret_volume(const char* name) { return {{"secret", {{"secretName", name}, {"defaultMode", 0600}}}}; }

Json apiserver_daemon_set(const ControlPlaneInput& input) {
  Component component{"kube-apiserver", apiserver_command(input, {apiserver_secrets, "", "$(HOST_IP)", apiserver_port}), "HTTPS", apiserver_port, "/livez", "/readyz"};
  Json spec = pod_spec(input, component);
  mount(spec, "secrets", secret_volume("kube-apiserver"), apiserver_secrets, true);
  return daemon_set("kube-apiserver", std::move(spec));
}

Json checkpointer_daemon_set(const ControlPlaneInput& input) {
  Component component;
  component.name = "pod-checkpointer";
  component.scheme = "HTTP";
  component.port = checkpointer_metrics_port;
  // A server that hangs must not keep it from what it sees on its own node: copy and parent would run side by side meanwhile.
  const Duration answer_time_max = std::clamp<Duration>(2 * input.checkpoint_poll_interval, std::chrono::milliseconds(500), std::chrono::seconds(2));
  component.command = {"checkpointer", std::string("--kubeconfig=") + checkpointer_secrets + "/kubeconfig", "--node-name=$(NODE_NAME)",
                       "--node-address=$(HOST_IP)", "--pod-name=$(POD_NAME)", "--pod-namespace=kube-system",
                       "--metrics-port=" + std::to_string(checkpointer_metrics_port), "--remote-runtime-endpoint=dir:/var/lib/kubelet/pods",
                       "--manifests-dir=/etc/kubernetes/manifests", "--inactive-manifests-dir=/etc/kubernetes/inactive-manifests",
                       "--secrets-dir=/etc/kubernetes/checkpoint-secrets", "--configmaps-dir=/etc/kubernetes/checkpoint-configmaps",
                       "--poll-interval=" + format_go_duration(input.checkpoint_poll_interval),
                       "--runtime-request-timeout=" + format_go_duration(answer_time_max),
                       "--refresh-interval=" + format_go_duration(input.checkpoint_refresh_interval),
                       "--checkpoint-grace-period=" + format_go_duration(input.checkpoint_grace_period),
                       "--rescue=kube-controller-manager,kube-scheduler", "--rescue-after=" + format_go_duration(input.rescue_after)};
  Json spec = pod_spec(input, component);
  spec["containers"][0]["env"].push_back(variable("POD_NAME", "metadata.name"));
  mount(spec, "secrets", secret_volume("pod-checkpointer"), checkpointer_secrets, true);
  mount(spec, "etc-kubernetes", host_path("/etc/kubernetes"), "/etc/kubernetes", false);
  mount(spec, "runtime", host_path("/var/lib/kubelet/pods"), "/var/lib/kubelet/pods", true);
  return daemon_set("pod-checkpointer", std::move(spec));
}

Json disruption_budget(const std::string& name) {
  return {{"apiVersion", "policy/v1"},
          {"kind", "PodDisruptionBudget"},
          {"metadata", {{"name", name}, {"namespace", "kube-system"}}},
          {"spec", {{"minAvailable", 1}, {"selector", {{"matchLabels", {{"component", name}, {"tier", "control-plane"}}}}}}}};
}

Json checkpointer_role() {
  return {{"apiVersion", "rbac.authorization.k8s.io/v1"},
          {"kind", "ClusterRole"},
          {"metadata", {{"name", "skidpad:pod-checkpointer"}}},
          {"rules",
           Json::array({{{"apiGroups", {""}}, {"resources", {"pods", "secrets", "configmaps", "nodes"}}, {"verbs", {"get", "list", "watch"}}},
                        {{"apiGroups", {""}}, {"resources", {"nodes/proxy"}}, {"verbs", {"get"}}},
                        {{"apiGroups", {""}}, {"resources", {"pods"}}, {"verbs", {"create", "delete"}}},
                        {{"apiGroups", {"apps"}}, {"resources", {"deployments"}}, {"verbs", {"get", "list"}}},
                        {{"apiGroups", {""}}, {"resources", {"events"}}, {"verbs", {"create", "patch", "update"}}}})}};
}

Json checkpointer_binding() {
  return {{"apiVersion", "rbac.authorization.k8s.io/v1"},
          {"kind", "ClusterRoleBinding"},
          {"metadata", {{"name", "skidpad:pod-checkpointer"}}},
          {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", "skidpad:pod-checkpointer"}}},
          {"subjects", Json::array({{{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "User"}, {"name", "skidpad:pod-checkpointer"}}})}};
}

}  // namespace

std::map<std::string, Json> bootstrap_pods(const ControlPlaneInput& input) {
  const std::string secrets = bootstrap_secrets;
  const std::string kubeconfig = secrets + "/kubeconfig";
  const std::string& address = input.bootstrap_address;
  Component apiserver{"kube-apiserver", apiserver_command(input, {secrets, "", address, bootstrap_apiserver_port}), "HTTPS", bootstrap_apiserver_port, "/livez", "/readyz"};
  Component manager{"kube-controller-manager", controller_manager_command(input, {secrets, kubeconfig, address, 10267}), "HTTPS", 10267};
  Component scheduler{"kube-scheduler", scheduler_command(input, {secrets, kubeconfig, address, 10269}), "HTTPS", 10269};
  return {{"bootstrap-apiserver.yaml", static_pod(input, apiserver)},
          {"bootstrap-controller-manager.yaml", static_pod(input, manager)},
          {"bootstrap-scheduler.yaml", static_pod(input, scheduler)}};
}

std::map<std::string, Json> control_plane_objects(const ControlPlaneInput& input) {
  const auto kubeconfig_in = [](const char* secrets) { return std::string(secrets) + "/kubeconfig"; };
  Component manager{"kube-controller-manager",
                    controller_manager_command(input, {controller_manager_secrets, kubeconfig_in(controller_manager_secrets), "$(HOST_IP)", 10257}), "HTTPS", 10257};
  Json manager_spec = pod_spec(input, manager);
  mount(manager_spec, "secrets", secret_volume("kube-controller-manager"), controller_manager_secrets, true);
  Component scheduler{"kube-scheduler", scheduler_command(input, {scheduler_secrets, kubeconfig_in(scheduler_secrets), "$(HOST_IP)", 10259}), "HTTPS", 10259};
  Json scheduler_spec = pod_spec(input, scheduler);
  mount(scheduler_spec, "secrets", secret_volume("kube-scheduler"), scheduler_secrets, true);
  return {{"20-pod-checkpointer-role.yaml", checkpointer_role()},
          {"21-pod-checkpointer-role-binding.yaml", checkpointer_binding()},
          {"30-kube-apiserver.yaml", apiserver_daemon_set(input)},
          {"31-pod-checkpointer.yaml", checkpointer_daemon_set(input)},
          {"32-kube-controller-manager.yaml", deployment(input, "kube-controller-manager", std::move(manager_spec))},
          {"33-kube-scheduler.yaml", deployment(input, "kube-scheduler", std::move(scheduler_spec))},
          {"40-kube-controller-manager-disruption.yaml", disruption_budget("kube-controller-manager")},
          {"41-kube-scheduler-disruption.yaml", disruption_budget("kube-scheduler")}};
}

std::vector<Required> required_workloads() {
  return {{"DaemonSet", "kube-apiserver"}, {"DaemonSet", "pod-checkpointer"}, {"Deployment", "kube-controller-manager"}, {"Deployment", "kube-scheduler"}};
}

}  // namespace skidpad::controllers::bootstrapper

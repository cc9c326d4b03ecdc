#include "harness/cluster/etcd_operator_objects.hpp"

#include <algorithm>

#include "harness/cluster/manifests.hpp"

namespace skidpad::cluster {
namespace {

using runtime::Duration;
using runtime::format_go_duration;

Json rule(Json groups, Json resources, Json verbs) { return {{"apiGroups", std::move(groups)}, {"resources", std::move(resources)}, {"verbs", std::move(verbs)}}; }

/// Reaches the API by the node's own balancer with the pod's own token; ca.crt and token lie beside it.
Json kubeconfig(const ClusterPlan& plan) {
  const std::string server = "https://127.0.0.1:" + std::to_string(plan.balancer_port);
  return {{"apiVersion", "v1"},
          {"kind", "Config"},
          {"clusters", Json::array({{{"name", "default"}, {"cluster", {{"server", server}, {"certificate-authority", "ca.crt"}}}}})},
          {"users", Json::array({{{"name", "default"}, {"user", {{"tokenFile", "token"}}}}})},
          {"contexts", Json::array({{{"name", "default"}, {"context", {{"cluster", "default"}, {"user", "default"}}}}})},
          {"current-context", "default"}};
}

Json on_control_plane(const char* name, Json container) {
  return {{"priorityClassName", "system-cluster-critical"},
          {"tolerations", Json::array({{{"key", "node-role.kubernetes.io/control-plane"}, {"operator", "Exists"}, {"effect", "NoSchedule"}}})},
          {"nodeSelector", {{"node-role.kubernetes.io/control-plane", ""}}},
          {"topologySpreadConstraints",
           Json::array({{{"maxSkew", 1},
                         {"topologyKey", "kubernetes.io/hostname"},
                         {"whenUnsatisfiable", "ScheduleAnyway"},
                         {"labelSelector", {{"matchLabels", {{"app", name}}}}}}})},
          {"containers", Json::array({std::move(container)})},
          {"automountServiceAccountToken", false}};
}

Json deployment(const char* name, std::size_t replicas, Json pod_spec) {
  const Json labels = {{"app", name}};
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", {{"name", name}, {"namespace", "kube-system"}, {"labels", labels}}},
          {"spec",
           {{"replicas", replicas},
            {"selector", {{"matchLabels", labels}}},
            {"template", {{"metadata", {{"labels", labels}}}, {"spec", std::move(pod_spec)}}}}}};
}

void add_object_store(std::vector<Json>& objects) {
  const Json labels = {{"app", "object-store"}};
  Json container = {{"name", "object-store"},
                    {"image", "skidpad/object-store:1"},
                    {"command",
                     {"object-store", "--listen=$(POD_IP):" + std::to_string(object_store_port), "--data-dir=/var/lib/object-store", std::string("--bucket=") + object_store_bucket,
                      std::string("--access-key-id=") + object_store_key, std::string("--secret-access-key=") + object_store_secret}},
                    {"env", Json::array({{{"name", "POD_IP"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "status.podIP"}}}}}}})},
                    {"ports", Json::array({{{"name", "s3"}, {"containerPort", object_store_port}}})},
                    {"readinessProbe", {{"tcpSocket", {{"port", object_store_port}}}, {"periodSeconds", 1}}},
                    {"volumeMounts", Json::array({{{"name", "data"}, {"mountPath", "/var/lib/object-store"}}})}};
  Json pod_spec = on_control_plane("object-store", std::move(container));
  pod_spec["volumes"] = Json::array({{{"name", "data"}, {"emptyDir", Json::object()}}});
  objects.push_back(deployment("object-store", 1, std::move(pod_spec)));
  objects.push_back({{"apiVersion", "v1"},
                     {"kind", "Service"},
                     {"metadata", {{"name", "object-store"}, {"namespace", "kube-system"}}},
                     {"spec", {{"clusterIP", object_store_address}, {"selector", labels}, {"ports", Json::array({{{"name", "s3"}, {"port", object_store_port}}})}}}});
  objects.push_back({{"apiVersion", "v1"},
                     {"kind", "Secret"},
                     {"metadata", {{"name", "object-store"}, {"namespace", "kube-system"}}},
                     {"stringData", {{"accessKeyID", object_store_key}, {"secretAccessKey", object_store_secret}}}});
}

}  // namespace

std::vector<Json> etcd_operator_objects(const ClusterSpec& spec, const ClusterPlan& plan) {
  const history::Timers& timers = spec.timers;
  const Json read = {"get", "list", "watch"}, all = {"get", "list", "watch", "create", "update", "patch", "delete"};
  Json role = {{"apiVersion", "rbac.authorization.k8s.io/v1"},
               {"kind", "ClusterRole"},
               {"metadata", {{"name", "skidpad:etcd-operator"}}},
               {"rules",
                Json::array({rule({"etcd.database.coreos.com"}, {"*"}, {"*"}), rule({""}, {"nodes", "secrets"}, read), rule({""}, {"pods", "configmaps"}, all),
                             rule({""}, {"events"}, {"create", "patch", "update"}), rule({"coordination.k8s.io"}, {"leases"}, all),
                             rule({"apiextensions.k8s.io"}, {"customresourcedefinitions"}, {"get", "list", "create"})})}};
  Json binding = {{"apiVersion", "rbac.authorization.k8s.io/v1"},
                  {"kind", "ClusterRoleBinding"},
                  {"metadata", {{"name", "skidpad:etcd-operator"}}},
                  {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", "skidpad:etcd-operator"}}},
                  {"subjects", Json::array({{{"kind", "ServiceAccount"}, {"name", "etcd-operator"}, {"namespace", "kube-system"}}})}};
  const Duration beat = timers.healer_poll_interval;
  // Starting a process takes its time whatever the profile says.
  const auto at_least = [](Duration duration, Duration least) { return format_go_duration(std::max(duration, least)); };
  using namespace std::chrono_literals;
  std::vector<std::string> command = {"etcd-operator",
                                      "--kubeconfig=/etc/etcd-operator/kubeconfig.conf",
                                      "--bind-address=$(POD_IP)",
                                      "--metrics-port=9101",
                                      "--poll-interval=" + format_go_duration(beat * 4 / 5),
                                      "--probe-timeout=" + at_least(beat / 2, 1s),
                                      "--unhealthy-after=" + at_least(beat * 4, 5s),
                                      "--unstarted-max=" + at_least(beat * 5, 10s),
                                      "--recovery-grace=" + format_go_duration(beat * 60),
                                      "--operator-image=skidpad/etcd-operator:1",
                                      "--leader-elect=true",
                                      "--leader-elect-lease-duration=" + format_go_duration(timers.leader_lease_duration),
                                      "--leader-elect-renew-deadline=" + format_go_duration(timers.leader_renew_deadline),
                                      "--leader-elect-retry-period=" + format_go_duration(timers.leader_retry_period)};
  Json container = {{"name", "etcd-operator"},
                    {"image", "skidpad/etcd-operator:1"},
                    {"command", command},
                    {"env", Json::array({{{"name", "POD_NAME"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "metadata.name"}}}}}},
                                         {{"name", "POD_IP"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "status.podIP"}}}}}}})},
                    {"ports", Json::array({{{"name", "metrics"}, {"containerPort", 9101}}})},
                    {"readinessProbe", {{"httpGet", {{"port", 9101}, {"path", "/readyz"}}}, {"periodSeconds", 1}}},
                    {"volumeMounts", Json::array({{{"name", "config"}, {"mountPath", "/etc/etcd-operator"}}})}};
  Json pod_spec = on_control_plane("etcd-operator", std::move(container));
  pod_spec["serviceAccountName"] = "etcd-operator";
  pod_spec["volumes"] = Json::array(
      {{{"name", "config"},
        {"projected",
         {{"sources",
           Json::array({{{"configMap", {{"name", "etcd-operator"}}}},
                        {{"serviceAccountToken", {{"path", "token"}, {"expirationSeconds", 3607}}}},
                        {{"configMap", {{"name", "kube-root-ca.crt"}, {"items", Json::array({{{"key", "ca.crt"}, {"path", "ca.crt"}}})}}}}})}}}}});
  std::vector<Json> objects = {
      {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", "etcd-operator"}, {"namespace", "kube-system"}}}},
      std::move(role),
      std::move(binding),
      {{"apiVersion", "v1"},
       {"kind", "ConfigMap"},
       {"metadata", {{"name", "etcd-operator"}, {"namespace", "kube-system"}}},
       {"data", {{"kubeconfig.conf", kubeconfig(plan).dump()}}}},
      deployment("etcd-operator", 2, std::move(pod_spec))};
  if (spec.etcd_operator.object_store) add_object_store(objects);
  return objects;
}

}  // namespace skidpad::cluster

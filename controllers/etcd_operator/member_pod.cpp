#include "controllers/etcd_operator/member_pod.hpp"

namespace skidpad::controllers::etcd_operator {

namespace {

constexpr char data_mount[] = "/var/etcd";

std::string url(const std::string& address, std::uint16_t port) { return "http://" + address + ":" + std::to_string(port); }

Json init_container(const std::string& name, const PodSettings& settings, std::vector<std::string> command, Json environment = Json::array()) {
  return {{"name", name},
          {"image", settings.operator_image},
          {"command", std::move(command)},
          {"env", std::move(environment)},
          {"volumeMounts", Json::array({{{"name", "data"}, {"mountPath", data_mount}}})}};
}

}  // namespace

std::string peer_url(const ClusterSpec& spec, const MemberRecord& member) { return url(member.address, spec.peer_port); }
std::string client_url(const ClusterSpec& spec, const MemberRecord& member) { return url(member.address, spec.client_port); }
std::string identity_name(const Json& cluster) { return client::name_of(cluster) + "-identity"; }

Json member_pod(const Json& cluster, const ClusterSpec& spec, const PodSettings& settings, const MemberPod& pod) {
  const std::string name = client::name_of(cluster);
  const std::string data = std::string(data_mount) + "/" + pod.member.name;
  std::string initial;
  for (const std::string& member : pod.initial_cluster) initial += (initial.empty() ? "" : ",") + member;
  const Json labels = {{"app", "etcd"}, {"etcd_cluster", name}, {"etcd_node", pod.member.name}};

  Json init = Json::array();
  if (!pod.keep_aside.empty()) {
    init.push_back(init_container("keep-aside", settings, {"etcd-operator", "keep-aside", "--data-dir=" + data, "--as=" + data + "." + pod.keep_aside}));
  }
  if (!pod.restore.is_null()) {
    std::vector<std::string> command = {"etcd-operator", "restore-data", "--data-dir=" + data, "--name=" + pod.member.name, "--initial-cluster=" + initial,
                                        "--initial-cluster-token=" + pod.token, "--initial-advertise-peer-urls=" + peer_url(spec, pod.member),
                                        "--owner=" + client::uid_of(cluster), "--etcdctl=" + settings.etcdctl, "--sha256=" + runtime::text_at(pod.restore, {"sha256"})};
    Json environment = Json::array();
    const std::string object = runtime::text_at(pod.restore, {"object"});
    if (const Json& s3 = runtime::find(pod.restore, {"s3"}); s3.is_object()) {
      command.push_back("--s3-endpoint=" + runtime::text_at(s3, {"endpoint"}));
      command.push_back("--s3-region=" + runtime::text_at(s3, {"region"}));
      command.push_back("--s3-bucket=" + runtime::text_at(s3, {"bucket"}));
      command.push_back("--object=" + object);
      for (const auto& [variable, key] : {std::pair("AWS_ACCESS_KEY_ID", "accessKeyID"), std::pair("AWS_SECRET_ACCESS_KEY", "secretAccessKey")}) {
        environment.push_back({{"name", variable}, {"valueFrom", {{"secretKeyRef", {{"name", runtime::text_at(s3, {"awsSecret"})}, {"key", key}}}}}});
      }
    } else {
      command.push_back("--object=/var/backup/" + object);
    }
    Json container = init_container("restore-data", settings, std::move(command), std::move(environment));
    if (!runtime::find(pod.restore, {"s3"}).is_object()) container["volumeMounts"].push_back({{"name", "backup"}, {"mountPath", "/var/backup"}});
    init.push_back(std::move(container));
  } else {
    Json had_data = {{"name", "HAD_DATA"},
                     {"valueFrom", {{"configMapKeyRef", {{"name", identity_name(cluster)}, {"key", pod.member.name}, {"optional", true}}}}}};
    init.push_back(init_container("check-data", settings, {"etcd-operator", "check-data", "--data-dir=" + data, "--had-data=$(HAD_DATA)", "--owner=" + client::uid_of(cluster)}, Json::array({std::move(had_data)})));
  }

  const bool recovering = pod.force_new_cluster || !pod.restore.is_null();
  const std::string clients = recovering ? url(pod.member.address, spec.recovery_port()) : client_url(spec, pod.member);
  std::vector<std::string> command = {"etcd",
                                      "--name=" + pod.member.name,
                                      "--data-dir=" + data,
                                      "--listen-client-urls=" + clients,
                                      "--advertise-client-urls=" + clients,
                                      "--listen-peer-urls=" + peer_url(spec, pod.member),
                                      "--initial-advertise-peer-urls=" + peer_url(spec, pod.member),
                                      "--initial-cluster=" + initial,
                                      "--initial-cluster-state=" + pod.state,
                                      "--initial-cluster-token=" + pod.token,
                                      "--listen-metrics-urls=" + url(pod.member.address, spec.metrics_port),
                                      // A member whose data differs from the others' at its own revision does not start (E19).
                                      "--experimental-initial-corrupt-check=true"};
  command.insert(command.end(), spec.etcd_arguments.begin(), spec.etcd_arguments.end());
  if (pod.force_new_cluster) command.push_back("--force-new-cluster");
  Json etcd = {{"name", "etcd"},
               {"image", spec.image()},
               {"command", std::move(command)},
               {"ports", Json::array({{{"name", "client"}, {"containerPort", spec.client_port}}, {{"name", "server"}, {"containerPort", spec.peer_port}}})},
               {"resources", {{"requests", {{"cpu", "50m"}}}}},
               {"volumeMounts", Json::array({{{"name", "data"}, {"mountPath", data_mount}}})}};
  // No liveness probe: a member without quorum is unhealthy, and restarting it for that would only prolong the outage (E15).

  Json selector = spec.node_selector;
  selector["kubernetes.io/hostname"] = pod.member.host;
  Json tolerations = spec.tolerations;
  // Evicting a member moves no data: its pod stays bound to its host, and the operator decides when the member is given up.
  tolerations.push_back({{"key", "node.kubernetes.io/not-ready"}, {"operator", "Exists"}, {"effect", "NoExecute"}});
  tolerations.push_back({{"key", "node.kubernetes.io/unreachable"}, {"operator", "Exists"}, {"effect", "NoExecute"}});
  const Json apart = Json::array({{{"topologyKey", "kubernetes.io/hostname"}, {"labelSelector", {{"matchLabels", {{"app", "etcd"}, {"etcd_cluster", name}}}}}}});
  Json volumes = Json::array({{{"name", "data"}, {"hostPath", {{"path", spec.data_directory}, {"type", "DirectoryOrCreate"}}}}});
  if (const std::string directory = runtime::text_at(pod.restore, {"directory", "path"}); !directory.empty()) {
    volumes.push_back({{"name", "backup"}, {"hostPath", {{"path", directory}, {"type", "Directory"}}}});
  }
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata",
           {{"name", pod.member.name},
            {"namespace", client::namespace_of(cluster)},
            {"labels", labels},
            {"annotations",
             {{"etcd.version", spec.version},
              {"etcd.database.coreos.com/host", pod.member.host},
              {"etcd.database.coreos.com/address", pod.member.address},
              {"etcd.database.coreos.com/start", pod.force_new_cluster ? "forced" : pod.restore.is_null() ? "normal" : "restored"}}},
            {"ownerReferences", Json::array({client::controller_reference(cluster, types::clusters)})}}},
          {"spec",
           {{"hostNetwork", true},
            {"restartPolicy", pod.force_new_cluster ? "Never" : "Always"},
            {"automountServiceAccountToken", false},
            {"priorityClassName", "system-cluster-critical"},
            {"terminationGracePeriodSeconds", 5},
            {"nodeSelector", std::move(selector)},
            {"tolerations", std::move(tolerations)},
            {"affinity", {{"podAntiAffinity", {{"requiredDuringSchedulingIgnoredDuringExecution", apart}}}}},
            {"initContainers", std::move(init)},
            {"containers", Json::array({std::move(etcd)})},
            {"volumes", std::move(volumes)}}}};
}

}  // namespace skidpad::controllers::etcd_operator

#include "harness/cluster/cluster_assets.hpp"

#include "harness/cluster/manifests.hpp"
#include "harness/cluster/self_hosted.hpp"

namespace skidpad::cluster {
namespace {

using client::machines::MachineFile;
using client::machines::MachineUnit;
using runtime::CertificateSpec;
using runtime::KeyPair;
using namespace std::chrono_literals;

constexpr auto ca_lifetime = std::chrono::hours(24 * 3650);

/// The certificate authorities and the keys all nodes share.
struct Authorities {
  KeyPair cluster;
  KeyPair etcd;
  KeyPair front_proxy;
  KeyPair service_accounts;
  std::string bootstrap_token;
};

CertificateSpec client_certificate(std::string common_name, std::vector<std::string> organizations = {}) {
  CertificateSpec spec;
  spec.common_name = std::move(common_name);
  spec.organizations = std::move(organizations);
  spec.client = true;
  return spec;
}

CertificateSpec server_certificate(std::string common_name, std::vector<std::string> dns_names, std::vector<std::string> ip_addresses) {
  CertificateSpec spec;
  spec.common_name = std::move(common_name);
  spec.dns_names = std::move(dns_names);
  spec.ip_addresses = std::move(ip_addresses);
  spec.server = true;
  return spec;
}

MachineFile file(std::string path, std::string content, unsigned mode = 0644) {
  return MachineFile{std::move(path), std::move(content), mode};
}

void add_pair(std::vector<MachineFile>& files, const std::string& path, const KeyPair& pair) {
  files.push_back(file("/etc/kubernetes/pki/" + path + ".crt", pair.certificate_pem));
  files.push_back(file("/etc/kubernetes/pki/" + path + ".key", pair.key_pem, 0600));
}

class Renderer {
 public:
  Renderer(const ClusterSpec& spec, runtime::Pki& pki, runtime::Random& random) : spec_(spec), pki_(pki), random_(random) {}

  Result<ClusterAssets> render() {
    ClusterAssets assets;
    plan_ = plan_cluster(spec_);
    TRY(authorities_.cluster, pki_.make_ca("kubernetes", ca_lifetime));
    TRY(authorities_.etcd, pki_.make_ca("etcd-ca", ca_lifetime));
    TRY(authorities_.front_proxy, pki_.make_ca("front-proxy-ca", ca_lifetime));
    TRY(authorities_.service_accounts, pki_.make_signing_key());
    authorities_.bootstrap_token = random_.name_suffix(6) + "." + random_.name_suffix(16);
    for (const NodePlan& node : plan_.nodes) {
      TRY(MachineSpec machine, machine_for(node));
      assets.machines.push_back(std::move(machine));
    }
    if (!plan_.hollow.names.empty()) {
      TRY(MachineSpec machine, hollow_machine());
      assets.machines.push_back(std::move(machine));
    }
    // A runtime of one name only has its kubelet already; machines made later get ours.
    const bool each = std::count_if(plan_.nodes.begin(), plan_.nodes.end(), [](const NodePlan& node) { return node.real_kubelet; }) > 1;
    TRY(assets.worker_template, each ? real_worker() : worker());
    TRY(const KeyPair admin, pki_.issue(authorities_.cluster, client_certificate("kubernetes-admin", {"system:masters"})));
    assets.admin.ca_pem = authorities_.cluster.certificate_pem;
    assets.admin.certificate_pem = admin.certificate_pem;
    assets.admin.key_pem = admin.key_pem;
    assets.admin.user_name = "kubernetes-admin";
    for (const NodePlan* node : plan_.control_plane_nodes()) {
      assets.admin.servers.push_back("https://" + node->address + ":" + std::to_string(plan_.apiserver_port));
    }
    TRY(const KeyPair etcd_client, pki_.issue(authorities_.etcd, client_certificate("skidpad-harness", {"system:masters"})));
    assets.etcd_ca_pem = authorities_.etcd.certificate_pem;
    assets.etcd_client_certificate_pem = etcd_client.certificate_pem;
    assets.etcd_client_key_pem = etcd_client.key_pem;
    assets.objects = addon_objects(spec_, plan_, to_json(assets.worker_template));
    assets.plan = std::move(plan_);
    return assets;
  }

 private:
  /// What every machine gets: kubelet, runtime (image table), trust, and the balancer in front of the API.
  std::vector<MachineFile> common_files() const {
    return {file("/etc/kubernetes/pki/ca.crt", authorities_.cluster.certificate_pem),
            file("/var/lib/kubelet/config.yaml", kubelet_configuration(spec_, plan_).dump(2)),
            file("/var/lib/images/images.json", image_table(spec_).dump(2)),
            file("/etc/kubernetes/manifests/apiserver-balancer.yaml", balancer_manifest(spec_, plan_).dump(2))};
  }

  MachineUnit kubelet_unit(std::vector<std::string> more) const {
    MachineUnit unit;
    unit.name = "kubelet";
    unit.argv = {spec_.components.at("kubelet").executable,
                 "--config=${ROOT}/var/lib/kubelet/config.yaml",
                 "--kubeconfig=${ROOT}/etc/kubernetes/kubelet.conf",
                 "--bootstrap-kubeconfig=${ROOT}/etc/kubernetes/bootstrap-kubelet.conf",
                 "--cert-dir=${ROOT}/var/lib/kubelet/pki",
                 "--hostname-override=${NAME}",
                 "--node-ip=${ADDRESS}",
                 "--pod-cidr=${POD_CIDR}",
                 "--root-dir=${ROOT}/var/lib/kubelet",
                 "--image-store=${ROOT}/var/lib/images",
                 "--host-root=${ROOT}",  // a pod's hostPath lies on the machine's disk, not on this computer's
                 "--container-backoff-base=" + runtime::format_go_duration(spec_.timers.kubelet_backoff_initial),
                 "--container-backoff-max=" + runtime::format_go_duration(spec_.timers.kubelet_backoff_max)};
    unit.argv.insert(unit.argv.end(), more.begin(), more.end());
    unit.env["SKIDPAD_VERSION"] = spec_.release;
    unit.restart_seconds = runtime::seconds(spec_.timers.kubelet_restart_delay);
    return unit;
  }

  std::string balancer_url() const { return "https://127.0.0.1:" + std::to_string(plan_.balancer_port); }

  Result<std::string> kubeconfig_for(CertificateSpec certificate, std::string server) {
    TRY(const KeyPair pair, pki_.issue(authorities_.cluster, certificate));
    client::Kubeconfig config;
    config.servers.push_back(std::move(server));
    config.ca_pem = authorities_.cluster.certificate_pem;
    config.certificate_pem = pair.certificate_pem;
    config.key_pem = pair.key_pem;
    config.user_name = certificate.common_name;
    return client::write_kubeconfig(config);
  }

  std::string bootstrap_kubeconfig() const {
    client::Kubeconfig config;
    config.servers.push_back(balancer_url());
    config.ca_pem = authorities_.cluster.certificate_pem;
    config.token = authorities_.bootstrap_token;
    config.user_name = "kubelet-bootstrap";
    return client::write_kubeconfig(config);
  }

  /// A worker is known by nothing but its bootstrap token: it asks for its own certificate.
  Result<MachineSpec> worker() {
    MachineSpec machine;
    machine.labels = {{"role", "worker"}};
    machine.files = common_files();
    machine.files.push_back(file("/etc/kubernetes/bootstrap-kubelet.conf", bootstrap_kubeconfig(), 0600));
    machine.units.push_back(kubelet_unit({}));
    return machine;
  }

  MachineUnit unit_of(std::string name, std::vector<std::string> argv) const {
    MachineUnit unit;
    unit.name = std::move(name);
    unit.argv = std::move(argv);
    unit.restart_seconds = runtime::seconds(spec_.timers.kubelet_restart_delay);
    return unit;
  }

  Result<void> add_proxy_kubeconfig(MachineSpec& machine) {
    TRY(std::string kubeconfig, kubeconfig_for(client_certificate("system:kube-proxy"), balancer_url()));
    machine.files.push_back(file("/etc/kubernetes/kube-proxy.conf", std::move(kubeconfig), 0600));
    return runtime::success();
  }

  /// With the user's kubelet over a container runtime. What is a static pod or add-on elsewhere is a unit here: the runtime has no images of ours.
  Result<MachineSpec> real_worker() {
    MachineSpec machine;
    machine.labels = {{"role", "worker"}};
    machine.files = {file("/etc/kubernetes/pki/ca.crt", authorities_.cluster.certificate_pem),
                     file("/var/lib/kubelet/config.yaml", real_kubelet_configuration(spec_, plan_).dump(2)),
                     file("/etc/kubernetes/bootstrap-kubelet.conf", bootstrap_kubeconfig(), 0600)};
    TRY(add_proxy_kubeconfig(machine));
    machine.units = {unit_of("apiserver-balancer", balancer_command(spec_, plan_)), unit_of("kubelet", real_kubelet_command(spec_)),
                     unit_of("kube-proxy", kube_proxy_command(spec_, plan_))};
    return machine;
  }

  /// One machine for all hollow nodes: each a program of its own, all behind one balancer.
  Result<MachineSpec> hollow_machine() {
    MachineSpec machine;
    machine.name = plan_.hollow.machine_name;
    machine.address = plan_.hollow.address;
    machine.labels = {{"role", "hollow"}};
    // A hollow kubelet finds its node's address by its name.
    std::string hosts = "127.0.0.1 localhost\n${ADDRESS} ${NAME}";
    for (const std::string& name : plan_.hollow.names) hosts += " " + name;
    machine.files.push_back(file("/etc/hosts", hosts + "\n"));
    machine.units.push_back(unit_of("apiserver-balancer", balancer_command(spec_, plan_)));
    if (!spec_.has_kubemark()) {
      Json configuration = kubelet_configuration(spec_, plan_);
      configuration.erase("staticPodPath");
      machine.files.push_back(file("/etc/kubernetes/pki/ca.crt", authorities_.cluster.certificate_pem));
      machine.files.push_back(file("/etc/kubernetes/hollow-kubelet.yaml", configuration.dump(2)));
    }
    if (spec_.hollow_proxies) TRY(add_proxy_kubeconfig(machine));
    for (std::size_t number = 0; number < plan_.hollow.names.size(); ++number) {
      const std::string& name = plan_.hollow.names[number];
      TRY(std::string kubeconfig, kubeconfig_for(client_certificate("system:node:" + name, {"system:nodes"}), balancer_url()));
      machine.files.push_back(file("/etc/kubernetes/" + name + ".conf", std::move(kubeconfig), 0600));
      machine.units.push_back(unit_of(name, hollow_command(spec_, name, number)));
      if (spec_.hollow_proxies) machine.units.push_back(unit_of(name + "-proxy", hollow_proxy_command(spec_, name)));
    }
    return machine;
  }

  Result<MachineSpec> machine_for(const NodePlan& node) {
    TRY(MachineSpec machine, node.real_kubelet ? real_worker() : worker());
    machine.name = node.name;
    machine.address = node.address;
    if (!node.control_plane && !node.etcd) return machine;
    machine.labels["role"] = node.control_plane ? "control-plane" : "etcd";
    if (node.etcd) machine.labels["etcd"] = "true";
    if (!node.worker) machine.units = {kubelet_unit({"--register-with-taints=node-role.kubernetes.io/" + machine.labels["role"] + "=:NoSchedule"})};
    // These nodes must be able to run before there is an API that could sign for them.
    TRY(std::string kubelet, kubeconfig_for(client_certificate("system:node:" + node.name, {"system:nodes"}), balancer_url()));
    machine.files.push_back(file("/etc/kubernetes/kubelet.conf", std::move(kubelet), 0600));
    if (node.etcd) {
      TRY(add_etcd(machine, node));
    }
    if (node.control_plane) {
      TRY(add_control_plane(machine, node));
    }
    return machine;
  }

  Result<void> add_etcd(MachineSpec& machine, const NodePlan& node) {
    machine.files.push_back(file("/etc/kubernetes/pki/etcd/ca.crt", authorities_.etcd.certificate_pem));
    CertificateSpec both = server_certificate(node.name, {"localhost", node.name}, {node.address, "127.0.0.1"});
    both.client = true;
    TRY(const KeyPair server, pki_.issue(authorities_.etcd, both));
    add_pair(machine.files, "etcd/server", server);
    TRY(const KeyPair peer, pki_.issue(authorities_.etcd, both));
    add_pair(machine.files, "etcd/peer", peer);
    machine.files.push_back(file("/etc/kubernetes/manifests/etcd.yaml", etcd_manifest(spec_, plan_, node).dump(2)));
    return runtime::success();
  }

  Result<void> add_control_plane(MachineSpec& machine, const NodePlan& node) {
    std::vector<MachineFile>& files = machine.files;
    files.push_back(file("/etc/kubernetes/pki/ca.key", authorities_.cluster.key_pem, 0600));
    files.push_back(file("/etc/kubernetes/pki/sa.pub", authorities_.service_accounts.certificate_pem));
    files.push_back(file("/etc/kubernetes/pki/sa.key", authorities_.service_accounts.key_pem, 0600));
    files.push_back(file("/etc/kubernetes/pki/tokens.csv",
                         authorities_.bootstrap_token + ",system:bootstrap:skidpad,skidpad-bootstrap,\"system:bootstrappers\"\n", 0600));
    if (!node.etcd) files.push_back(file("/etc/kubernetes/pki/etcd/ca.crt", authorities_.etcd.certificate_pem));
    std::vector<std::string> names = {"kubernetes", "kubernetes.default", "kubernetes.default.svc",
                                      "kubernetes.default.svc.cluster.local", "localhost", node.name};
    std::vector<std::string> addresses = {node.address, plan_.service_address, "127.0.0.1"};
    for (const std::string& more : spec_.apiserver_names) (runtime::is_ipv4(more) ? addresses : names).push_back(more);
    TRY(const KeyPair server, pki_.issue(authorities_.cluster, server_certificate("kube-apiserver", names, addresses)));
    add_pair(files, "apiserver", server);
    TRY(const KeyPair kubelet_client, pki_.issue(authorities_.cluster, client_certificate("kube-apiserver-kubelet-client", {"system:masters"})));
    add_pair(files, "apiserver-kubelet-client", kubelet_client);
    TRY(const KeyPair etcd_client, pki_.issue(authorities_.etcd, client_certificate("kube-apiserver-etcd-client")));
    add_pair(files, "apiserver-etcd-client", etcd_client);
    // By these an API server vouches for a user before the servers of an aggregated API.
    files.push_back(file("/etc/kubernetes/pki/front-proxy-ca.crt", authorities_.front_proxy.certificate_pem));
    TRY(const KeyPair front_proxy_client, pki_.issue(authorities_.front_proxy, client_certificate("front-proxy-client")));
    add_pair(files, "front-proxy-client", front_proxy_client);
    TRY(std::string controller_manager, kubeconfig_for(client_certificate("system:kube-controller-manager"), balancer_url()));
    files.push_back(file("/etc/kubernetes/controller-manager.conf", std::move(controller_manager), 0600));
    TRY(std::string scheduler, kubeconfig_for(client_certificate("system:kube-scheduler"), balancer_url()));
    files.push_back(file("/etc/kubernetes/scheduler.conf", std::move(scheduler), 0600));
    files.push_back(file("/etc/kubernetes/manifests/kube-apiserver.yaml", apiserver_manifest(spec_, plan_, node).dump(2)));
    files.push_back(file("/etc/kubernetes/manifests/kube-controller-manager.yaml", controller_manager_manifest(spec_, node).dump(2)));
    files.push_back(file("/etc/kubernetes/manifests/kube-scheduler.yaml", scheduler_manifest(spec_, node).dump(2)));
    return runtime::success();
  }

  const ClusterSpec& spec_;
  runtime::Pki& pki_;
  runtime::Random& random_;
  ClusterPlan plan_;
  Authorities authorities_;
};

}  // namespace

Result<ClusterAssets> render_assets(const ClusterSpec& spec, runtime::Pki& pki, runtime::Random& random) {
  TRY(ClusterAssets assets, Renderer(spec, pki, random).render());
  if (spec.self_hosted) {
    TRY(host_itself(spec, assets, pki));
  }
  return assets;
}

}  // namespace skidpad::cluster

// What real binaries are given: versions read, flags that their version takes, and the files those flags name.
#include <gtest/gtest.h>

#include <set>

#include "harness/cluster/cluster_assets.hpp"
#include "harness/cluster/manifests.hpp"
#include "harness/runtime/real/real_runtime.hpp"

namespace skidpad::cluster {
namespace {

using runtime::CertificateFacts;

struct VersionCase {
  const char* component;
  const char* output;
  const char* text;  ///< "" = refused
  int minor;
};

TEST(ComponentVersion, IsReadFromWhatRealBinariesPrint) {
  const VersionCase table[] = {
      {"kube-apiserver", "Kubernetes v1.32.13\n", "v1.32.13", 32},
      {"kubemark", "Kubernetes v1.33.0-rc.1+abc-dirty\n", "v1.33.0-rc.1+abc-dirty", 33},
      {"kube-scheduler", "W1122 10:00:00.1 1 feature_gate.go:1] Setting x\nKubernetes v1.31.14\n", "v1.31.14", 31},
      {"etcd", "etcd Version: 3.5.21\nGit SHA: a17edfd\nGo Version: go1.23.7\nGo OS/Arch: linux/amd64\n", "3.5.21", 5},
      {"etcd", "etcd Version: 3.6.0-rc.2\n", "3.6.0-rc.2", 6},
      {"etcd", "Kubernetes v1.32.13\n", "", 0},
      {"kube-apiserver", "etcd Version: 3.5.21\n", "", 0},
      {"kube-apiserver", "Kubernetes 1.32.13\n", "", 0},
      {"kube-apiserver", "Kubernetes v1.32\n", "", 0},
      {"kube-apiserver", "Kubernetes v1.32.13x\n", "", 0},
      {"kube-apiserver", "Kubernetes v1.99999999999.1\n", "", 0},
      {"kube-apiserver", "", "", 0},
      {"kube-apiserver", "GNU coreutils 9.1\n", "", 0},
  };
  for (const VersionCase& one : table) {
    SCOPED_TRACE(one.output);
    const auto version = parse_version_output(one.component, one.output);
    ASSERT_EQ(version.has_value(), *one.text != 0);
    if (!version) continue;
    EXPECT_EQ(version.value().text, one.text);
    EXPECT_EQ(version.value().minor, one.minor);
  }
}

TEST(ComponentFlags, AreFoundInHelpTexts) {
  const std::string kubernetes =
      "Usage:\n  kube-scheduler [flags]\n\nMisc flags:\n\n      --config string   The path; see --kubeconfig\n  -v, --v Level          number\n"
      "      --leader-elect                 Start. (default true)\n  see also --no-flag\n";
  EXPECT_EQ(flags_in_help(kubernetes), (std::set<std::string>{"config", "v", "leader-elect"}));
  const std::string etcd = "Member:\n  --name 'default'\n    Human-readable name. Like --data-dir.\n  --data-dir '${name}.etcd'\n";
  EXPECT_EQ(flags_in_help(etcd), (std::set<std::string>{"name", "data-dir"}));
}

/// A cluster of real binaries, as far as planning it goes.
ClusterSpec spec_with(const std::string& version, const std::string& etcd_version, TopologyType topology = TopologyType::overlapping_planes) {
  ClusterSpec spec;
  spec.topology = topology;
  if (topology == TopologyType::standalone) spec.etcd_count = spec.control_plane_count = 1;
  spec.timers = history::eased();
  for (const char* ours : {"kubelet", "kube-proxy", "workload", "node-healer"}) spec.components[ours].executable = std::string("/ours/") + ours;
  for (const std::string& name : swappable_components()) {
    if (name == "kubelet") continue;
    Component& component = spec.components[name];
    component.executable = "/real/" + name;
    component.owner = "--assets";
    component.version = name == "etcd" ? etcd_version : version;
  }
  return spec;
}

/// The command lines of all static pods of all machines and of all units, by component.
std::multimap<std::string, std::vector<std::string>> commands_of(const ClusterAssets& assets) {
  std::multimap<std::string, std::vector<std::string>> commands;
  for (const MachineSpec& machine : assets.machines) {
    for (const auto& file : machine.files) {
      if (!file.path.starts_with("/etc/kubernetes/manifests/")) continue;
      const Json pod = Json::parse(file.content);
      const Json& command = pod["spec"]["containers"][0]["command"];
      commands.emplace(command[0].get<std::string>(), command.get<std::vector<std::string>>());
    }
    for (const auto& unit : machine.units) commands.emplace(runtime::file_name(unit.argv[0]), unit.argv);
  }
  return commands;
}

std::string flag_in(const std::vector<std::string>& command, const std::string& flag) {
  for (const std::string& word : command) {
    if (word.starts_with("--" + flag + "=")) return word.substr(flag.size() + 3);
  }
  return "(none)";
}

ClusterAssets render(const ClusterSpec& spec) {
  runtime::RealRuntime runtime;
  auto assets = render_assets(spec, runtime.pki(), runtime.random());
  EXPECT_TRUE(assets.has_value()) << assets.error().message;
  return std::move(assets.value());
}

struct GoneFlag {
  const char* component;
  const char* flag;
  int since;   ///< versions that know it: since <= minor < until
  int until;
};

// Written apart from the table under test, from the release notes: flags that one covered version has and another has not.
constexpr GoneFlag gone_flags[] = {
    {"etcd", "experimental-watch-progress-notify-interval", 5, 7}, {"etcd", "watch-progress-notify-interval", 6, 99},
    {"etcd", "enable-v2", 0, 6},                                   {"etcd", "debug", 0, 5},
    {"kube-controller-manager", "pod-eviction-timeout", 0, 27},    {"kube-controller-manager", "enable-taint-manager", 0, 27},
    {"kube-apiserver", "insecure-port", 0, 24},                    {"kube-scheduler", "lock-object-name", 0, 25},
};

bool writes_gone_flag(const std::vector<std::string>& command, const std::string& component, int minor, std::string& which) {
  for (const GoneFlag& gone : gone_flags) {
    if (gone.component != component || (minor >= gone.since && minor < gone.until)) continue;
    if (flag_in(command, gone.flag) == "(none)") continue;
    which = gone.flag;
    return true;
  }
  return false;
}

// Goal: no version is given a flag that it lacks. Method: every covered pair; the finder itself is tried on a planted flag.
TEST(RealBinaries, AreGivenOnlyFlagsOfTheirVersion) {
  for (int minor = 28; minor <= 34; ++minor) {
    for (int etcd_minor = 4; etcd_minor <= 6; ++etcd_minor) {
      const std::string version = "v1." + std::to_string(minor) + ".1";
      SCOPED_TRACE(version + ", etcd 3." + std::to_string(etcd_minor));
      const ClusterAssets assets = render(spec_with(version, "3." + std::to_string(etcd_minor) + ".9", TopologyType::standalone));
      for (auto [component, command] : commands_of(assets)) {
        std::string which;
        const int own_minor = component == "etcd" ? etcd_minor : minor;
        EXPECT_FALSE(writes_gone_flag(command, component, own_minor, which)) << component << " --" << which;
        if (component != "kube-controller-manager") continue;
        command.push_back("--pod-eviction-timeout=5m0s");
        EXPECT_TRUE(writes_gone_flag(command, component, own_minor, which)) << "planted";
      }
      const auto etcd = commands_of(assets).find("etcd")->second;
      const std::string notified = etcd_minor == 6 ? "watch-progress-notify-interval" : "experimental-watch-progress-notify-interval";
      EXPECT_EQ(flag_in(etcd, notified), etcd_minor == 4 ? "(none)" : "5s");
    }
  }
}

// Goal: a version nobody knows is asked itself. Method: a binary of the future whose --help lacks one flag and has another.
TEST(RealBinaries, OfUnknownVersionsAreAskedThemselves) {
  const ComponentVersion future = parse_version("v1.77.0").value();
  const std::set<std::string> help = {"kubeconfig", "leader-elect"};
  EXPECT_TRUE(takes_flag("kube-scheduler", future, help, "kubeconfig"));
  EXPECT_FALSE(takes_flag("kube-scheduler", future, help, "bind-address"));
  EXPECT_TRUE(takes_flag("kube-scheduler", future, {}, "bind-address")) << "without an answer the table counts";
  const ComponentVersion known = parse_version("v1.32.13").value();
  EXPECT_FALSE(takes_flag("kubemark", known, {}, "node-lease-duration-seconds"));
  EXPECT_TRUE(takes_flag("kubemark", known, {"node-lease-duration-seconds"}, "node-lease-duration-seconds"));
}

struct CertificateCase {
  const char* file;
  const char* common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> addresses;  ///< that must be in it; "NODE" stands for the node's own
  std::vector<std::string> names;
};

// Goal: what a real binary would refuse at its start is found here. Method: every file that a flag or kubeconfig names is on its machine's
// disk; every certificate holds the names that kubeadm's documentation of PKI certificates asks for.
TEST(RealBinaries, FindTheFilesTheirFlagsName) {
  ClusterSpec spec = spec_with("v1.32.13", "3.5.21");
  spec.hollow_nodes = 2;
  const ClusterAssets assets = render(spec);
  runtime::RealRuntime runtime;
  for (const MachineSpec& machine : assets.machines) {
    SCOPED_TRACE(machine.name);
    std::map<std::string, std::string> disk;
    for (const auto& file : machine.files) disk["${ROOT}" + file.path] = file.content;
    ClusterAssets alone;
    alone.machines = {machine};
    for (const auto& [component, command] : commands_of(alone)) {
      if (component == "kubelet") continue;  // ours; it makes some of its files itself
      for (const std::string& word : command) {
        const std::size_t at = word.find("=${ROOT}");
        if (at == std::string::npos || word.starts_with("--data-dir=")) continue;
        EXPECT_TRUE(disk.contains(word.substr(at + 1))) << component << " " << word;
      }
    }
    const auto pki = [&](const std::string& file) { return disk["${ROOT}/etc/kubernetes/pki/" + file]; };
    if (machine.labels.at("role") != "control-plane") continue;
    const CertificateCase table[] = {
        {"apiserver.crt", "kube-apiserver", {}, {"NODE", "10.96.0.1", "127.0.0.1"}, {"kubernetes", "kubernetes.default.svc.cluster.local", "localhost"}},
        {"apiserver-kubelet-client.crt", "kube-apiserver-kubelet-client", {"system:masters"}, {}, {}},
        {"apiserver-etcd-client.crt", "kube-apiserver-etcd-client", {}, {}, {}},
        {"front-proxy-client.crt", "front-proxy-client", {}, {}, {}},
        {"etcd/server.crt", machine.name.c_str(), {}, {"NODE", "127.0.0.1"}, {"localhost"}},
        {"etcd/peer.crt", machine.name.c_str(), {}, {"NODE"}, {}},
    };
    for (const CertificateCase& one : table) {
      SCOPED_TRACE(one.file);
      const auto facts = runtime.pki().read_certificate(pki(one.file));
      ASSERT_TRUE(facts.has_value());
      EXPECT_EQ(facts.value().common_name, one.common_name);
      EXPECT_EQ(facts.value().organizations, one.organizations);
      const auto has = [](const std::vector<std::string>& all, const std::string& wanted) { return std::find(all.begin(), all.end(), wanted) != all.end(); };
      for (const std::string& address : one.addresses) EXPECT_TRUE(has(facts.value().ip_addresses, address == "NODE" ? machine.address : address)) << address;
      for (const std::string& name : one.names) EXPECT_TRUE(has(facts.value().dns_names, name)) << name;
      EXPECT_FALSE(facts.value().is_ca);
    }
    EXPECT_NE(pki("sa.pub").find("BEGIN PUBLIC KEY"), std::string::npos);
    EXPECT_NE(pki("sa.key").find("PRIVATE KEY"), std::string::npos);
    EXPECT_TRUE(runtime.pki().read_certificate(pki("front-proxy-ca.crt")).value().is_ca);
  }
  // One machine for all hollow nodes, each its own user of the group that the Node authorizer knows.
  const MachineSpec& hollow = assets.machines.back();
  EXPECT_EQ(hollow.name, "hollow-nodes");
  ASSERT_EQ(hollow.units.size(), 3u) << "a balancer and two kubemarks";
  EXPECT_EQ(hollow.units[1].argv.front(), "/real/kubemark");
  EXPECT_EQ(flag_in(hollow.units[1].argv, "morph"), "kubelet");
  EXPECT_EQ(flag_in(hollow.units[1].argv, "use-host-image-service"), "false");
  EXPECT_NE(flag_in(hollow.units[1].argv, "kubelet-port"), flag_in(hollow.units[2].argv, "kubelet-port"));
  for (const auto& file : hollow.files) {
    if (file.path != "/etc/kubernetes/hollow-2.conf") continue;
    auto config = client::parse_kubeconfig(file.content, runtime.disk(), "/");
    const CertificateFacts facts = runtime.pki().read_certificate(config.value().certificate_pem).value();
    EXPECT_EQ(facts.common_name, "system:node:hollow-2");
    EXPECT_EQ(facts.organizations, std::vector<std::string>{"system:nodes"});
  }
}

// A real kubelet needs what our kubelet brings by itself as units of its machine, and a configuration that lets several of them, and the
// host, be. Which nodes have one: worker-1, as a runtime serves one kubelet; every worker, where the endpoint names the node.
TEST(RealKubelet, RunsOnWorkersThatItsRuntimeCanServe) {
  for (const bool each : {false, true}) {
    SCOPED_TRACE(each);
    ClusterSpec spec = spec_with("v1.33.2", "3.5.21");
    spec.components[real_kubelet_component] = Component{"/real/kubelet", {}, "--assets", "v1.33.2"};
    spec.container_runtime_endpoint = each ? "unix:///run/${NAME}/containerd.sock" : "unix:///run/containerd/containerd.sock";
    const ClusterAssets assets = render(spec);
    std::size_t real = 0;
    for (const MachineSpec& machine : assets.machines) {
      std::map<std::string, std::string> disk;
      for (const auto& file : machine.files) disk["${ROOT}" + file.path] = file.content;
      const auto& kubelet = *std::find_if(machine.units.begin(), machine.units.end(), [](const auto& unit) { return unit.name == "kubelet"; });
      if (kubelet.argv[0] != "/real/kubelet") {
        EXPECT_EQ(kubelet.argv[0], "/ours/kubelet");
        continue;
      }
      ++real;
      EXPECT_TRUE(machine.name == "worker-1" || each) << machine.name;
      for (const char* ours : {"image-store", "pod-cidr", "host-root", "container-backoff-base"}) EXPECT_EQ(flag_in(kubelet.argv, ours), "(none)");
      EXPECT_EQ(flag_in(kubelet.argv, "hostname-override"), "${NAME}");
      EXPECT_EQ(flag_in(kubelet.argv, "register-with-taints"), "skidpad.dev/real-kubelet=true:NoSchedule");
      EXPECT_FALSE(disk.contains("${ROOT}/etc/kubernetes/kubelet.conf")) << "it asks for its certificate as any new node";
      EXPECT_TRUE(disk.contains(flag_in(kubelet.argv, "bootstrap-kubeconfig")));
      const Json configuration = Json::parse(disk.at(flag_in(kubelet.argv, "config")));
      EXPECT_EQ(configuration["containerRuntimeEndpoint"], spec.container_runtime_endpoint);
      EXPECT_EQ(configuration["cgroupsPerQOS"], false);
      EXPECT_EQ(configuration["podLogsDir"], "${ROOT}/var/log/pods");
      EXPECT_EQ(configuration["failCgroupV1"], false) << "since 1.31";
      EXPECT_EQ(configuration["enforceNodeAllocatable"], Json::array()) << "it must be empty without cgroupsPerQOS";
      EXPECT_EQ(configuration["apiVersion"], "kubelet.config.k8s.io/v1beta1");
      std::set<std::string> units;
      for (const auto& unit : machine.units) units.insert(unit.name);
      EXPECT_EQ(units, (std::set<std::string>{"apiserver-balancer", "kube-proxy", "kubelet"}));
      EXPECT_TRUE(disk.contains("${ROOT}/etc/kubernetes/kube-proxy.conf"));
      for (const auto& [path, content] : disk) EXPECT_FALSE(path.find("/manifests/") != std::string::npos) << path << ": the runtime has no such image";
    }
    EXPECT_EQ(real, each ? spec.worker_count : 1u);
    const auto daemon_set = std::find_if(assets.objects.begin(), assets.objects.end(), [](const Json& object) { return object["kind"] == "DaemonSet"; });
    EXPECT_NE(daemon_set->dump().find("\"key\":\"skidpad.dev/real-kubelet\",\"operator\":\"DoesNotExist\""), std::string::npos) << daemon_set->dump();
  }
}

// Without kubemark our kubelet plays the hollow node; with it, a proxy can stand beside each.
TEST(HollowNodes, AreOursWithoutKubemark) {
  ClusterSpec spec = spec_with("v1.32.13", "3.5.21", TopologyType::standalone);
  spec.hollow_nodes = 2;
  spec.hollow_proxies = true;
  const ClusterAssets with_kubemark = render(spec);
  const MachineSpec& marked = with_kubemark.machines.back();
  ASSERT_EQ(marked.units.size(), 5u) << "a balancer, and a kubelet and a proxy each";
  EXPECT_EQ(marked.units[2].name, "hollow-1-proxy");
  EXPECT_EQ(flag_in(marked.units[2].argv, "morph"), "proxy");
  EXPECT_EQ(flag_in(marked.units[2].argv, "name"), "hollow-1");
  EXPECT_EQ(flag_in(marked.units[2].argv, "kubeconfig"), "${ROOT}/etc/kubernetes/kube-proxy.conf");
  spec.components.erase("kubemark");
  spec.hollow_proxies = false;
  const ClusterAssets own = render(spec);
  const MachineSpec& ours = own.machines.back();
  ASSERT_EQ(ours.units.size(), 3u);
  EXPECT_EQ(ours.units[1].argv.front(), "/ours/kubelet");
  EXPECT_NE(std::find(ours.units[1].argv.begin(), ours.units[1].argv.end(), "--hollow"), ours.units[1].argv.end());
  EXPECT_NE(flag_in(ours.units[1].argv, "port"), flag_in(ours.units[2].argv, "port"));
  EXPECT_NE(flag_in(ours.units[1].argv, "root-dir"), flag_in(ours.units[2].argv, "root-dir"));
}

// Real clients send protobuf unless told otherwise: they are told where the API server is ours, and only there.
TEST(RealBinaries, SpeakJsonToOurApiServerOnly) {
  ClusterSpec spec = spec_with("v1.32.13", "3.5.21", TopologyType::standalone);
  spec.hollow_nodes = 1;
  for (const bool ours : {true, false}) {
    if (ours) spec.components["kube-apiserver"] = Component{"/ours/kube-apiserver"};
    else spec.components["kube-apiserver"] = Component{"/real/kube-apiserver", {}, "--component", "v1.32.13"};
    const auto commands = commands_of(render(spec));
    for (const char* component : {"kube-controller-manager", "kube-scheduler", "kubemark"}) {
      EXPECT_EQ(flag_in(commands.find(component)->second, "kube-api-content-type"), ours ? "application/json" : "(none)") << component;
    }
    EXPECT_EQ(real_kubelet_configuration(spec, plan_cluster(spec)).contains("contentType"), ours);
  }
}

TEST(RealBinaries, HaveImagesOfTheirOwnVersion) {
  ClusterSpec spec = spec_with("v1.31.14", "3.5.21");
  spec.release = "v1.32.13";
  EXPECT_EQ(image_of(spec, "kube-apiserver"), "registry.k8s.io/kube-apiserver:v1.31.14");
  EXPECT_EQ(image_of(spec, "etcd"), "registry.k8s.io/etcd:3.5.21-0");
  EXPECT_EQ(image_of(spec, "kube-proxy"), "registry.k8s.io/kube-proxy:v1.32.13");
  const Json table = image_table(spec);
  EXPECT_EQ(table["registry.k8s.io/kube-apiserver:v1.31.14"]["executable"], "/real/kube-apiserver");
}

// client-go's leader election: lease > renew deadline > 1.2 x retry period, and whole seconds of the lease on the wire.
TEST(Profiles, CanBeKeptByRealLeaders) {
  for (const history::Timers& timers : {history::kubernetes(), history::eased(), history::fast()}) {
    SCOPED_TRACE(timers.profile);
    EXPECT_GE(timers.leader_lease_duration, std::chrono::seconds(1));
    EXPECT_GT(timers.leader_lease_duration, timers.leader_renew_deadline);
    EXPECT_GT(timers.leader_renew_deadline * 10, timers.leader_retry_period * 12);
    EXPECT_EQ(timers.leader_lease_duration % std::chrono::seconds(1), runtime::Duration::zero());
    EXPECT_GE(timers.etcd_election_timeout, timers.etcd_heartbeat_interval * 5);
    EXPECT_LE(timers.node_lease_renew_interval * 2, timers.node_monitor_grace_period);
  }
}

}  // namespace
}  // namespace skidpad::cluster

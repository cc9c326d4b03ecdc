// Assets, the files of the temporary control plane, the gate before the pivot, and recovery: in a simulated world with an API server in
// memory. The whole way up is in the scenarios.
#include <gtest/gtest.h>

#include "controllers/bootstrapper/bootstrapper.hpp"
#include "controllers/bootstrapper/pivot_gate.hpp"
#include "controllers/bootstrapper/recover.hpp"
#include "controllers/bootstrapper/start.hpp"
#include "harness/client/kubernetes/testing/small_api.hpp"
#include "harness/runtime/sim/sim_disk.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::controllers::bootstrapper {
namespace {

using client::testing::SmallApi;
using runtime::ErrorCode;
using runtime::Runtime;
using runtime::sim::World;
using namespace std::chrono_literals;

constexpr char manifests[] = "/etc/kubernetes/manifests";

class BootstrapTest : public ::testing::Test {
 protected:
  BootstrapTest() : world(runtime::sim::WorldOptions()) {
    world.register_program("idle", [](Runtime&, std::vector<std::string>) -> Task<int> {
      runtime::Event never;
      co_await never.wait();
      co_return 0;
    });
    world.register_program("api", [this](Runtime& runtime, std::vector<std::string>) { return api.serve(runtime); });
    world.register_program("component", [this](Runtime& runtime, std::vector<std::string>) { return component.serve(runtime, 10257); });
    world.register_program("skidpad-bootstrap", bootstrapper_main);
    for (const char* name : {"node", "api"}) {
      runtime::sim::MachineSpec spec;
      spec.name = name;
      spec.address = std::string("10.0.0.") + (std::string_view(name) == "node" ? "2" : "1");
      world.add_machine(spec);
    }
    runtime = start("node", "idle");
    disk = &world.machine("node")->disk();
    EXPECT_TRUE(disk->make_directories(manifests));
    EXPECT_TRUE(disk->write(std::string(manifests) + "/etcd.yaml", "foreign"));
  }
  runtime::sim::SimProcess* start(const std::string& machine, const std::string& program, std::vector<std::string> arguments = {}) {
    runtime::ProcessSpec spec;
    spec.executable = "/bin/" + program;
    spec.arguments = std::move(arguments);
    return world.machine(machine)->start(std::move(spec)).value();
  }
  RenderInput input() {
    RenderInput input;
    input.authorities.cluster = runtime->pki().make_ca("kubernetes", 1000h).value();
    input.authorities.etcd_ca_pem = runtime->pki().make_ca("etcd", 1000h).value().certificate_pem;
    input.authorities.etcd_client = runtime->pki().issue(input.authorities.cluster, runtime::CertificateSpec()).value();
    input.authorities.service_accounts = runtime->pki().make_signing_key().value();
    input.authorities.tokens_csv = "t,u,1\n";
    input.api_servers = {"https://10.0.0.2:6443", "https://api.example:6443"};
    for (const char* image : {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "pod-checkpointer"}) input.control_plane.images[image] = image;
    input.control_plane.etcd_servers = {"https://10.0.0.9:2379"};
    input.control_plane.bootstrap_address = "10.0.0.2";
    return input;
  }
  std::map<std::string, std::string> files_below(const std::string& directory) {
    std::map<std::string, std::string> files;
    const auto names = disk->list(directory);
    for (const std::string& name : names ? names.value() : std::vector<std::string>()) {
      const std::string path = directory + "/" + name;
      if (disk->status(path).value().is_directory) files.merge(files_below(path));
      else files[path] = disk->read(path).value();
    }
    return files;
  }
  /// Runs a coroutine of the test to its end.
  template <class T>
  T result_of(Task<T> task) {
    std::optional<T> result;
    runtime::TaskGroup group(runtime->stop());
    const auto keep = [](Task<T> inner, std::optional<T>& into) -> Task<void> { into.emplace(co_await inner); };
    group.spawn("test", keep(std::move(task), result));
    world.run_until(world.now() + 1h, [&] { return result.has_value(); });
    EXPECT_TRUE(result.has_value());
    return std::move(*result);
  }

  SmallApi api;
  SmallApi component;
  World world;
  runtime::sim::SimProcess* runtime = nullptr;
  runtime::Disk* disk = nullptr;
};

TEST_F(BootstrapTest, RendersTheSameBytesButForKeys) {
  const RenderInput same = input();
  const auto one = render(same, runtime->pki());
  const auto two = render(same, runtime->pki());
  ASSERT_TRUE(one);
  ASSERT_TRUE(two);
  std::size_t compared = 0;
  for (const auto& [path, file] : one.value()) {
    ASSERT_TRUE(two.value().contains(path));
    const bool secret = path.starts_with("tls/") || path.starts_with("auth/") || path.find("-secret.yaml") != std::string::npos;
    if (path.ends_with(".key")) EXPECT_EQ(file.mode, 0600u) << path;
    if (secret) continue;
    EXPECT_EQ(file.content, two.value().at(path).content) << path;
    ++compared;
  }
  EXPECT_GE(compared, 11u);
  const auto names = runtime->pki().read_certificate(one.value().at("tls/apiserver.crt").content).value();
  EXPECT_NE(std::find(names.dns_names.begin(), names.dns_names.end(), "api.example"), names.dns_names.end());
  for (const char* address : {"10.0.0.2", "10.96.0.1", "127.0.0.1"}) {
    EXPECT_NE(std::find(names.ip_addresses.begin(), names.ip_addresses.end(), address), names.ip_addresses.end()) << address;
  }
}

TEST_F(BootstrapTest, RefusesPartialInputAndWritesNothing) {
  const std::pair<const char*, std::function<void(RenderInput&)>> cases[] = {
      {"CA needs both", [](RenderInput& it) { it.authorities.cluster.key_pem.clear(); }},
      {"etcd's CA", [](RenderInput& it) { it.authorities.etcd_client.key_pem.clear(); }},
      {"etcd's CA", [](RenderInput& it) { it.authorities.etcd_ca_pem.clear(); }},
      {"no API server", [](RenderInput& it) { it.api_servers.clear(); }},
      {"no etcd server", [](RenderInput& it) { it.control_plane.etcd_servers.clear(); }},
      {"no image", [](RenderInput& it) { it.control_plane.images.erase("kube-scheduler"); }}};
  for (const auto& [named, spoil] : cases) {
    RenderInput bad = input();
    spoil(bad);
    const auto files = render(bad, runtime->pki());
    ASSERT_FALSE(files) << named;
    EXPECT_NE(files.error().message.find(named), std::string::npos) << files.error().message;
  }
  const auto* ended = start("node", "skidpad-bootstrap", {"render", "--asset-dir=/assets", "--api-servers=https://10.0.0.2:6443", "--etcd-servers=https://10.0.0.9:2379"});
  const auto id = ended->id();
  world.run_until(world.now() + 1min);
  EXPECT_EQ(world.machine("node")->find(id), nullptr);
  EXPECT_FALSE(disk->exists("/assets"));
}

TEST_F(BootstrapTest, AssetsOfTwoClustersOrWithAMissingFileAreRefusedByName) {
  const AssetFiles files = render(input(), runtime->pki()).value();
  ASSERT_TRUE(write_assets(*disk, "/assets", files));
  ASSERT_TRUE(read_assets(*disk, "/assets"));
  EXPECT_EQ(write_assets(*disk, "/assets", files).error().code, ErrorCode::already_exists);
  for (const auto& [path, file] : files) {
    if (path == "auth/kubeconfig" || path.starts_with("manifests/")) continue;
    ASSERT_TRUE(disk->remove("/assets/" + path));
    const auto read = read_assets(*disk, "/assets");
    ASSERT_FALSE(read) << path;
    EXPECT_NE(read.error().message.find(runtime::file_name(path)), std::string::npos) << read.error().message;
    ASSERT_TRUE(disk->write("/assets/" + path, file.content));
  }
  ASSERT_TRUE(disk->write("/assets/tls/ca.crt", "another"));
  EXPECT_NE(read_assets(*disk, "/assets").error().message.find("two clusters"), std::string::npos);
}

TEST_F(BootstrapTest, TemporaryFilesGoExactlyAndForeignOnesAreNeverTouched) {
  ASSERT_TRUE(write_assets(*disk, "/assets", render(input(), runtime->pki()).value()));
  const Assets assets = read_assets(*disk, "/assets").value();
  StartOptions options;
  options.asset_directory = "/assets";
  const auto before = files_below("/etc/kubernetes");
  TemporaryPods pods(*disk, options, assets);
  ASSERT_TRUE(pods.place());
  EXPECT_EQ(files_below("/etc/kubernetes").size(), before.size() + assets.secrets.size() + 3);
  ASSERT_TRUE(pods.place()) << "again, as after a kill";
  ASSERT_TRUE(pods.take_away());
  EXPECT_EQ(files_below("/etc/kubernetes"), before);
  ASSERT_TRUE(disk->write(std::string(manifests) + "/bootstrap-scheduler.yaml", "somebody else's"));
  const auto with_foreign = files_below("/etc/kubernetes");
  const auto refused = pods.place();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("bootstrap-scheduler.yaml"), std::string::npos);
  EXPECT_EQ(files_below("/etc/kubernetes"), with_foreign);
}

TEST_F(BootstrapTest, CreatesNamespacesThenDefinitionsThenTheRestInTheirOrder) {
  const auto object = [](const char* kind, const char* name) { return Json{{"kind", kind}, {"metadata", {{"name", name}}}}; };
  const NamedObjects ordered = in_creation_order({{"1", object("Secret", "a")}, {"2", object("CustomResourceDefinition", "b")}, {"3", object("Deployment", "c")}, {"4", object("Namespace", "d")}});
  std::string files;
  for (const auto& [file, any] : ordered) files += file;
  EXPECT_EQ(files, "4213");
}

TEST_F(BootstrapTest, TheGateOpensForLivingPodsOnly) {
  start("api", "api");
  client::KubernetesClient client(*runtime, SmallApi::kubeconfig("10.0.0.1"));
  const runtime::WallTime since = world.wall_now();
  const auto lease = [&](runtime::WallTime renewed) {
    Json object;
    object["metadata"] = {{"name", "n1"}, {"namespace", "kube-node-lease"}};
    object["spec"]["renewTime"] = runtime::format_rfc3339_micro(renewed);
    api.put(client::types::leases, object);
  };
  Json node;
  node["metadata"] = {{"name", "n1"}, {"labels", {{control_plane_label, "true"}}}};
  api.put(client::types::nodes, node);
  lease(since - 1h);
  for (const Required& required : required_workloads()) {
    const bool daemon_set = required.kind == "DaemonSet";
    Json workload;
    workload["metadata"] = {{"name", required.name}, {"namespace", "kube-system"}};
    workload["spec"] = {{"replicas", 1}, {"template", {{"spec", {{"nodeSelector", {{control_plane_label, "true"}}}}}}}};
    api.put(daemon_set ? client::types::daemon_sets : client::types::deployments, workload);
    Json pod;
    pod["metadata"] = {{"name", required.name + "-1"}, {"namespace", "kube-system"}, {"labels", {{"component", required.name}}}};
    pod["metadata"]["ownerReferences"] = Json::array({{{"kind", daemon_set ? "DaemonSet" : "ReplicaSet"}, {"name", "o"}, {"controller", true}}});
    pod["spec"] = {{"nodeName", "n1"}, {"containers", Json::array({{{"name", "c"}, {"readinessProbe", {{"httpGet", {{"scheme", "HTTP"}, {"port", 10257}, {"path", "/api/v1/nodes"}}}}}}})}};
    pod["status"] = {{"podIP", "10.0.0.2"}, {"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})}};
    api.put(client::types::pods, pod);
  }
  PivotGate gate(client, since);
  // Everything is Ready in an old etcd: no heartbeat, nothing that answers.
  EXPECT_NE(result_of(gate.missing()).value(), "");
  lease(world.wall_now());
  EXPECT_NE(result_of(gate.missing()).value(), "") << "a heartbeat alone";
  start("node", "component");
  EXPECT_EQ(result_of(gate.missing()).value(), "");
  Json unready = *api.get(client::types::pods, "kube-system/kube-scheduler-1");
  unready["status"]["conditions"][0]["status"] = "False";
  api.put(client::types::pods, unready);
  EXPECT_NE(result_of(gate.missing()).value().find("kube-scheduler"), std::string::npos);
}

/// Objects as a lost cluster would have left them.
class LeftBehind final : public ObjectSource {
 public:
  Task<Result<Json>> get(std::string plural, std::string, std::string name) override {
    const auto found = objects.find(plural + "/" + name);
    if (found != objects.end()) co_return found->second;
    runtime::Error missing(ErrorCode::not_found, name);
    co_return missing;
  }
  Task<Result<std::vector<std::string>>> live_api_servers() override { co_return alive; }

  std::map<std::string, Json> objects;
  std::vector<std::string> alive;
};

TEST_F(BootstrapTest, RecoversAssetsThatStartAccepts) {
  const AssetFiles rendered = render(input(), runtime->pki()).value();
  LeftBehind left;
  for (const auto& [path, file] : rendered) {
    if (!path.starts_with("manifests/")) continue;
    Json object = runtime::parse_json(file.content).value();
    std::string plural = runtime::text_at(object, {"kind"}) + "s";
    std::transform(plural.begin(), plural.end(), plural.begin(), [](unsigned char c) { return std::tolower(c); });
    const std::string key = plural + "/" + client::name_of(object);
    left.objects[key] = std::move(object);
  }
  RecoverOptions options;
  options.bootstrap_address = "10.0.0.7";
  const auto files = result_of(recover(left, runtime->pki(), options));
  ASSERT_TRUE(files) << files.error().message;
  ASSERT_TRUE(write_assets(*disk, "/recovered", files.value()));
  const auto assets = read_assets(*disk, "/recovered");
  ASSERT_TRUE(assets) << assets.error().message;
  EXPECT_TRUE(assets.value().objects.empty());
  const std::string manager = assets.value().bootstrap_manifests.at("bootstrap-controller-manager.yaml");
  EXPECT_NE(manager.find("--bind-address=10.0.0.7"), std::string::npos);
  EXPECT_NE(manager.find("--secure-port=10267"), std::string::npos);
  EXPECT_NE(manager.find("--cluster-signing-key-file=/etc/kubernetes/bootstrap-secrets/ca.key"), std::string::npos);
  EXPECT_EQ(manager.find("/etc/kubernetes/secrets"), std::string::npos);

  left.alive = {"10.0.0.2"};
  EXPECT_NE(result_of(recover(left, runtime->pki(), options)).error().message.find("10.0.0.2"), std::string::npos);
  options.force = true;
  EXPECT_TRUE(result_of(recover(left, runtime->pki(), options)));
  left.objects.erase("secrets/kube-apiserver");
  left.objects.erase("deployments/kube-scheduler");
  const auto incomplete = result_of(recover(left, runtime->pki(), options));
  ASSERT_FALSE(incomplete);
  EXPECT_NE(incomplete.error().message.find("secret kube-system/kube-apiserver"), std::string::npos);
  EXPECT_NE(incomplete.error().message.find("deployments kube-system/kube-scheduler"), std::string::npos);
}

}  // namespace
}  // namespace skidpad::controllers::bootstrapper

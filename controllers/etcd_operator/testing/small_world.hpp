/// @file small_world.hpp
/// A simulated world for the operator: an API server in memory, hosts whose kubelet is a page of code, the model of etcd, an object
/// store, clients that write all the time. Scenarios with real fakes are in scenarios/; this is for many faults in little time.
#pragma once

#include <gtest/gtest.h>

#include "controllers/etcd_operator/cluster_controller.hpp"
#include "controllers/etcd_operator/etcd_operator.hpp"
#include "fakes/etcd/etcd.hpp"
#include "fakes/etcd/etcdctl.hpp"
#include "fakes/object_store/object_store.hpp"
#include "harness/client/kubernetes/testing/small_api.hpp"
#include "harness/runtime/sim/sim_disk.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::controllers::etcd_operator::testing {

using namespace std::chrono_literals;
using client::testing::SmallApi;
using runtime::Runtime;
using runtime::text_at;
using runtime::sim::SimProcess;
using runtime::sim::World;

inline constexpr char cluster_key[] = "default/data";

class SmallWorld {
 public:
  struct Write {
    std::string key;
    Revision revision = 0;
    Instant at{};
  };
  SmallApi api;
  std::vector<Write> acknowledged;
  std::set<std::uint64_t> cluster_ids;   ///< of every acknowledged write
  std::vector<std::string> flags;        ///< of the operator
  runtime::sim::SimProgram operator_program = etcd_operator_main;
  std::unique_ptr<World> world;

  explicit SmallWorld(std::uint64_t seed = 1, int hosts = 5) {
    runtime::sim::WorldOptions options;
    options.seed = seed;
    world = std::make_unique<World>(options);
    world->register_program("api", [this](Runtime& runtime, std::vector<std::string>) { return serve_api(runtime); });
    world->register_program("kubelet", [this](Runtime& runtime, std::vector<std::string> arguments) { return serve_kubelet(runtime, arguments.front()); });
    world->register_program("etcd", fakes::etcd::etcd_main);
    world->register_program("etcdctl", fakes::etcd::etcdctl_main);
    world->register_program("object-store", fakes::object_store::object_store_main);
    world->register_program("etcd-operator", [this](Runtime& runtime, std::vector<std::string> arguments) { return operator_program(runtime, std::move(arguments)); });
    world->register_program("traffic", [this](Runtime& runtime, std::vector<std::string>) { return write_for_ever(runtime); });
    add_machine("api", "10.0.1.1");
    add_machine("op-1", "10.0.1.2");
    add_machine("op-2", "10.0.1.3");
    add_machine("users", "10.0.1.4");
    add_machine("store", "10.0.1.5");
    start("api", "api");
    for (int i = 1; i <= hosts; ++i) add_host("host-" + std::to_string(i), "10.0.0." + std::to_string(i));
    start("store", "object-store", {"--listen=10.0.1.5:9000", "--bucket=backups", "--access-key-id=key", "--secret-access-key=secret"});
    Json secret;
    secret["metadata"] = {{"name", "s3"}, {"namespace", "default"}};
    secret["data"] = {{"accessKeyID", client::base64_encode("key")}, {"secretAccessKey", client::base64_encode("secret")}};
    api.put(client::types::secrets, std::move(secret));
  }

  void add_machine(const std::string& name, const std::string& address) {
    runtime::sim::MachineSpec spec;
    spec.name = name;
    spec.address = address;
    runtime::Disk& disk = world->add_machine(spec).disk();
    EXPECT_TRUE(disk.write("/kubeconfig", client::write_kubeconfig(SmallApi::kubeconfig("10.0.1.1"))));
  }
  void add_host(const std::string& name, const std::string& address) {
    add_machine(name, address);
    Json node;
    node["metadata"]["name"] = name;
    node["metadata"]["labels"] = {{"kubernetes.io/hostname", name}};
    node["status"]["conditions"] = Json::array({{{"type", "Ready"}, {"status", "True"}}});
    node["status"]["addresses"] = Json::array({{{"type", "InternalIP"}, {"address", address}}});
    api.put(client::types::nodes, std::move(node));
    start(name, "kubelet", {name});
    hosts_.push_back(name);
  }
  SimProcess* start(const std::string& machine, const std::string& program, std::vector<std::string> arguments = {}) {
    runtime::ProcessSpec spec;
    spec.executable = "/bin/" + program;
    spec.arguments = std::move(arguments);
    return world->machine(machine)->start(std::move(spec)).value();
  }
  void start_operator(const std::string& machine = "op-1") {
    std::vector<std::string> arguments{"--kubeconfig=/kubeconfig", "--create-crd=false", "--etcdctl=/bin/etcdctl"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    start(machine, "etcd-operator", std::move(arguments));
  }
  void kill_operator(const std::string& machine = "op-1") {
    for (SimProcess* process : world->machine(machine)->processes()) process->signal(runtime::Signal::kill);
  }
  void start_traffic() { start("users", "traffic"); }
  void stop_traffic() {
    for (SimProcess* process : world->machine("users")->processes()) process->signal(runtime::Signal::kill);
  }

  void create_cluster(int size, Json more = Json::object()) {
    Json cluster;
    cluster["metadata"] = {{"name", "data"}, {"namespace", "default"}};
    cluster["spec"] = std::move(more);
    cluster["spec"]["size"] = size;
    cluster["spec"]["version"] = "3.4.23";
    api.put(types::clusters, std::move(cluster));
  }
  void change_spec(const std::function<void(Json& spec)>& change) {
    Json cluster = *api.get(types::clusters, cluster_key);
    change(cluster["spec"]);
    api.put(types::clusters, std::move(cluster));
  }
  void annotate(const std::string& name, const std::string& value) {
    Json cluster = *api.get(types::clusters, cluster_key);
    cluster["metadata"]["annotations"][name] = value;
    api.put(types::clusters, std::move(cluster));
  }
  const Json& cluster(const std::string& key = cluster_key) {
    static const Json none;
    const Json* found = api.get(types::clusters, key);
    return found == nullptr ? none : *found;
  }
  std::string phase() { return text_at(cluster(), {"status", "phase"}); }
  std::vector<std::string> ready(const std::string& key = cluster_key) {
    std::vector<std::string> names;
    for (const Json& name : runtime::list_at(cluster(key), {"status", "members", "ready"})) names.push_back(name.get<std::string>());
    return names;
  }
  bool whole(std::size_t size, const std::string& key = cluster_key) { return ready(key).size() == size && runtime::bool_at(cluster(key), {"status", "settled"}); }
  std::string host_of(const std::string& member) {
    const Json* pod = api.get(client::types::pods, "default/" + member);
    return pod == nullptr ? "" : client::annotation(*pod, "etcd.database.coreos.com/host");
  }
  void backup_to_s3(Json policy, const std::string& name = "nightly") {
    Json backup;
    backup["metadata"] = {{"name", name}, {"namespace", "default"}};
    backup["spec"] = {{"clusterName", "data"},
                      {"storageType", "S3"},
                      {"s3", {{"path", "backups/etcd"}, {"endpoint", "http://10.0.1.5:9000"}, {"awsSecret", "s3"}}}};
    if (!policy.is_null()) backup["spec"]["backupPolicy"] = std::move(policy);
    api.put(types::backups, std::move(backup));
  }
  const Json& backup(const std::string& name = "nightly") {
    static const Json none;
    const Json* found = api.get(types::backups, "default/" + name);
    return found == nullptr ? none : *found;
  }

  void run_for(Duration duration) { world->run_until(world->now() + duration); }
  bool reaches(Duration within, const std::function<bool()>& condition) { return world->run_until(world->now() + within, condition); }

  // --- faults ---
  SimProcess* etcd_on(const std::string& host) {
    for (SimProcess* process : world->machine(host)->processes()) {
      if (process->program_name() == "etcd") return process;
    }
    return nullptr;
  }
  void kill_etcd(const std::string& host) {
    if (SimProcess* process = etcd_on(host)) process->signal(runtime::Signal::kill);
  }
  void lose_disk(const std::string& host) {
    world->machine(host)->power_off();
    world->machine(host)->disk().format();
    power_on(host);
  }
  void power_off(const std::string& host) {
    world->machine(host)->power_off();
    set_ready(host, "Unknown");
  }
  void set_ready(const std::string& host, const char* status) {
    const Json* known = api.get(client::types::nodes, host);
    if (known == nullptr) return;
    Json node = *known;
    node["status"]["conditions"][0]["status"] = status;
    api.put(client::types::nodes, std::move(node));
  }
  void power_on(const std::string& host) {
    world->machine(host)->power_on();
    start(host, "kubelet", {host});
    set_ready(host, "True");
  }
  /// The machine, its disk and its Node are gone for good.
  void destroy(const std::string& host) {
    world->machine(host)->power_off();
    world->machine(host)->disk().format();
    api.erase(client::types::nodes, host);
    std::vector<std::string> keys;
    for (const auto& [key, pod] : api.all(client::types::pods)) {
      if (text_at(pod, {"spec", "nodeName"}) == host) keys.push_back(key);
    }
    for (const std::string& key : keys) api.erase(client::types::pods, key);
    std::erase(hosts_, host);
  }
  void partition(const std::string& a, const std::string& b, bool cut) {
    runtime::sim::LinkState state;
    state.cut = cut;
    world->set_link(a, b, state);
    world->set_link(b, a, state);
  }

  std::size_t told(const std::string& reason) {
    std::size_t count = 0;
    for (const auto& [key, event] : api.all(client::types::events)) {
      if (text_at(event, {"reason"}) == reason) count += static_cast<std::size_t>(runtime::integer_at(event, {"count"}, 1));
    }
    return count;
  }

  /// Every key there is, with its revision, by a linearizable read through any member.
  std::map<std::string, Revision> read_all() {
    const auto read = [](Runtime& runtime, std::vector<runtime::Endpoint> endpoints) -> Task<std::map<std::string, Revision>> {
      client::EtcdClientOptions options;
      options.endpoints = std::move(endpoints);
      client::EtcdClient etcd(runtime, options);
      std::map<std::string, Revision> keys;
      for (int tries = 0; tries < 20; ++tries) {
        auto answer = co_await etcd.range(client::RangeRequest::prefix("k/"));
        if (!answer) continue;
        for (const client::KeyValue& kv : answer.value().kvs) keys[kv.key] = kv.mod_revision;
        break;
      }
      co_return keys;
    };
    SimProcess* anyone = world->machine("store")->processes().front();
    return world->run(read(*anyone, endpoints()), world->now() + 60s).value_or(std::map<std::string, Revision>());
  }
  /// Acknowledged writes that are not there any more.
  std::vector<Write> lost() {
    const std::map<std::string, Revision> there = read_all();
    std::vector<Write> gone;
    for (const Write& write : acknowledged) {
      if (!there.contains(write.key)) gone.push_back(write);
    }
    return gone;
  }

 private:
  std::vector<runtime::Endpoint> endpoints() const {
    std::vector<runtime::Endpoint> all;
    for (const std::string& host : hosts_) all.push_back(runtime::Endpoint{world->machine(host)->spec().address, 2379});
    return all;
  }

  Task<int> serve_api(Runtime& runtime) { co_return co_await api.serve(runtime); }

  Task<void> write_one_by_one(Runtime& runtime, int client_number) {
    client::EtcdClientOptions options;
    options.endpoints = endpoints();
    options.request_timeout = 2s;
    options.connect_timeout = 500ms;
    client::EtcdClient etcd(runtime, options);
    for (int number = 0;; ++number) {
      Write write;
      write.key = "k/" + std::to_string(client_number) + "/" + std::to_string(number);
      write.at = runtime.now();
      client::PutRequest request(write.key, "v");
      auto put = co_await etcd.put(std::move(request));
      if (put) {
        write.revision = put.value().header.revision;
        cluster_ids.insert(put.value().header.cluster_id);
        acknowledged.push_back(write);
      }
      co_await runtime.sleep_for(200ms);
    }
  }
  Task<int> write_for_ever(Runtime& runtime) {
    runtime::TaskGroup group(runtime.stop());
    for (int i = 0; i < 8; ++i) group.spawn("client", write_one_by_one(runtime, i));
    co_await group.join();
    co_return 0;
  }

  // --- a kubelet ---
  Json* pod_of(const std::string& key, const std::string& uid) {
    auto& pods = api.all(client::types::pods);
    const auto found = pods.find(key);
    return found == pods.end() || client::uid_of(found->second) != uid ? nullptr : &found->second;
  }
  runtime::ProcessSpec process_of(const Json& pod, const Json& container) {
    runtime::ProcessSpec spec;
    for (const Json& word : runtime::list_at(container, {"command"})) {
      std::string text = word.get<std::string>();
      for (const Json& volume : runtime::list_at(pod, {"spec", "volumes"})) {
        const std::string mount = text_at(volume, {"name"}) == "data" ? "/var/etcd" : "/var/backup", path = text_at(volume, {"hostPath", "path"});
        if (const std::size_t at = text.find(mount); at != std::string::npos) text.replace(at, mount.size(), path);
      }
      for (const Json& variable : runtime::list_at(container, {"env"})) {
        const std::string name = text_at(variable, {"name"});
        std::string value;
        bool known = false;
        if (const Json& reference = runtime::find(variable, {"valueFrom", "configMapKeyRef"}); reference.is_object()) {
          const Json* map = api.get(client::types::config_maps, "default/" + text_at(reference, {"name"}));
          if (map != nullptr) value = text_at(*map, {"data", text_at(reference, {"key"})});
          known = !value.empty();
        } else if (const Json& secret = runtime::find(variable, {"valueFrom", "secretKeyRef"}); secret.is_object()) {
          const Json* found = api.get(client::types::secrets, "default/" + text_at(secret, {"name"}));
          if (found != nullptr) known = client::base64_decode(text_at(*found, {"data", text_at(secret, {"key"})}), value);
        }
        if (!known) continue;
        spec.environment[name] = value;
        const std::string reference = "$(" + name + ")";
        if (const std::size_t at = text.find(reference); at != std::string::npos) text.replace(at, reference.size(), value);
      }
      if (spec.executable.empty()) spec.executable = "/bin/" + text;
      else spec.arguments.push_back(text);
    }
    return spec;
  }
  void set_phase(const std::string& key, const std::string& uid, const std::string& phase, Json statuses) {
    const Json* known = pod_of(key, uid);
    if (known == nullptr) return;
    Json pod = *known;
    pod["status"]["phase"] = phase;
    pod["status"]["initContainerStatuses"] = std::move(statuses);
    api.put(client::types::pods, std::move(pod));
  }
  bool wanted(const std::string& key, const std::string& uid) {
    const Json* pod = pod_of(key, uid);
    return pod != nullptr && !client::is_deleting(*pod);
  }
  /// -1: the pod is not wanted any more.
  Task<int> run_container(Runtime& runtime, std::string key, std::string uid, runtime::ProcessSpec spec) {
    auto process = runtime.processes().spawn(std::move(spec));
    if (!process) co_return 128;
    bool told = false;
    while (!process.value()->exit_status()) {
      if (!told && !wanted(key, uid)) {
        process.value()->signal(runtime::Signal::terminate);
        told = true;
      }
      co_await runtime.sleep_for(50ms);
    }
    if (told) co_return -1;
    co_return process.value()->exit_status()->code;
  }
  Task<void> run_pod(Runtime& runtime, std::string key, std::string uid) {
    const Json pod = *pod_of(key, uid);
    const bool always = text_at(pod, {"spec", "restartPolicy"}) == "Always";
    bool ended = false;
    for (const Json& container : runtime::list_at(pod, {"spec", "initContainers"})) {
      while (!ended) {
        const int code = co_await run_container(runtime, key, uid, process_of(pod, container));
        if (code == 0) break;
        ended = code < 0 || !always || !wanted(key, uid);
        Json status = {{"name", text_at(container, {"name"})}, {"ready", false}};
        status["state"]["terminated"]["exitCode"] = code;
        set_phase(key, uid, always ? "Pending" : "Failed", Json::array({status}));
        co_await runtime.sleep_for(1s);
      }
    }
    while (!ended && wanted(key, uid)) {
      set_phase(key, uid, "Running", Json::array());
      const int code = co_await run_container(runtime, key, uid, process_of(pod, pod["spec"]["containers"][0]));
      ended = code < 0 || !always;
      if (ended && code >= 0) set_phase(key, uid, "Failed", Json::array());
      co_await runtime.sleep_for(1s);
    }
    while (wanted(key, uid)) co_await runtime.sleep_for(100ms);
    if (pod_of(key, uid) != nullptr) api.erase(client::types::pods, key);
  }
  Task<int> serve_kubelet(Runtime& runtime, std::string host) {
    runtime::TaskGroup group(runtime.stop());
    std::set<std::string> known;
    for (;;) {
      std::vector<std::pair<std::string, std::string>> fresh;
      for (auto& [key, pod] : api.all(client::types::pods)) {
        if (text_at(pod, {"spec", "nodeSelector", "kubernetes.io/hostname"}) != host || !known.insert(client::uid_of(pod)).second) continue;
        fresh.emplace_back(key, client::uid_of(pod));
      }
      for (const auto& [key, uid] : fresh) {
        Json pod = *pod_of(key, uid);
        pod["spec"]["nodeName"] = host;
        api.put(client::types::pods, std::move(pod));
        group.spawn(key, run_pod(runtime, key, uid));
      }
      co_await runtime.sleep_for(100ms);
    }
  }

  std::vector<std::string> hosts_;
};

}  // namespace skidpad::controllers::etcd_operator::testing

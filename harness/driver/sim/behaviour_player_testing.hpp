/// @file behaviour_player_testing.hpp
/// Plays a behaviour script (testdata/behaviours) against our etcd, API server, controller-manager and scheduler on nodes without
/// substance, and records what a watcher of the API sees, in the form of behaviour_facts_testing.hpp.
/// Nodes start pods, report them ready and remove terminating ones after the times in the script; image bad:* never starts,
/// job:* exits with 0, fail:* with 1.
#pragma once

#include <fstream>

#include "fakes/etcd/etcd.hpp"
#include "fakes/kube_apiserver/kube_apiserver.hpp"
#include "fakes/kube_controller_manager/kube_controller_manager.hpp"
#include "fakes/kube_scheduler/kube_scheduler.hpp"
#include "harness/client/kubernetes/informer.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::behaviours {

using namespace std::chrono_literals;
using client::ObjectPointer;
using runtime::Duration;
using runtime::find;
using runtime::Instant;
using runtime::list_at;
using runtime::Runtime;
using runtime::Task;
using runtime::text_at;
namespace types = client::types;

inline Duration seconds(double value) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value)); }

/// What a trace keeps of an object: no times, addresses and versions, and names of generated ones as labels.
class Digest {
 public:
  explicit Digest(const std::function<std::string(const std::string&)>& label) : label_(label) {}

  Json operator()(const std::string& kind, const Json& object, runtime::WallTime start) const {
    Json digest = Json::object();
    if (kind == "Event") return event(object);
    if (Json metadata = of_metadata(kind, object); !metadata.empty()) digest["metadata"] = std::move(metadata);
    if (kind == "ConfigMap") {
      digest["keys"] = Json::array();
      for (const auto& entry : list_at(object, {"data"}).items()) digest["keys"].push_back(entry.key());
    } else if (kind == "ControllerRevision") {
      digest["revision"] = find(object, {"revision"});
    } else if (kind == "EndpointSlice") {
      digest["labels"] = find(object, {"metadata", "labels"});
      digest["ports"] = find(object, {"ports"});
      digest["endpoints"] = Json::array();
      for (const Json& endpoint : list_at(object, {"endpoints"})) {
        digest["endpoints"].push_back({{"pod", label_(text_at(endpoint, {"targetRef", "name"}))}, {"node", find(endpoint, {"nodeName"})},
                                       {"conditions", find(endpoint, {"conditions"})}, {"addresses", list_at(endpoint, {"addresses"}).size()}});
      }
    } else if (kind == "Endpoints") {
      digest["subsets"] = Json::array();
      for (const Json& subset : list_at(object, {"subsets"})) {
        Json part = {{"addresses", Json::array()}, {"notReadyAddresses", Json::array()}, {"ports", find(subset, {"ports"})}};
        for (const char* field : {"addresses", "notReadyAddresses"}) {
          for (const Json& address : list_at(subset, {field})) part[field].push_back(label_(text_at(address, {"targetRef", "name"})));
        }
        digest["subsets"].push_back(std::move(part));
      }
    } else {
      if (Json spec = of_spec(kind, find(object, {"spec"}), start); !spec.empty()) digest["spec"] = std::move(spec);
      if (object.contains("status")) digest["status"] = of_status(kind, object["status"]);
    }
    return digest;
  }

 private:
  Json event(const Json& object) const {
    std::string by = text_at(object, {"source", "component"});
    if (by.empty()) by = text_at(object, {"reportingComponent"});
    const Json& on = find(object, {"involvedObject"});
    return {{"reason", find(object, {"reason"})}, {"type", find(object, {"type"})}, {"message", label_(text_at(object, {"message"}))},
            {"on", text_at(on, {"kind"}) + "/" + label_(text_at(on, {"name"}))}, {"by", by}, {"count", find(object, {"count"})}};
  }
  Json of_metadata(const std::string& kind, const Json& object) const {
    Json digest = Json::object();
    const Json& metadata = find(object, {"metadata"});
    if (metadata.contains("deletionTimestamp")) digest["deleting"] = true;
    for (const char* field : {"deletionGracePeriodSeconds", "finalizers"}) {
      if (metadata.contains(field)) digest[field] = metadata[field];
    }
    if (kind != "Pod" && metadata.contains("generation")) digest["generation"] = metadata["generation"];
    for (const Json& owner : list_at(metadata, {"ownerReferences"})) {
      Json part = {{"kind", owner["kind"]}, {"name", label_(text_at(owner, {"name"}))}};
      for (const char* field : {"controller", "blockOwnerDeletion"}) {
        if (owner.contains(field)) part[field] = owner[field];
      }
      digest["ownerReferences"].push_back(std::move(part));
    }
    for (const auto& [key, value] : list_at(metadata, {"annotations"}).items()) {
      if (key.starts_with("deployment.kubernetes.io/") || key.starts_with("deprecated.daemonset")) digest["annotations"][key] = value;
    }
    return digest;
  }
  Json of_spec(const std::string& kind, const Json& spec, runtime::WallTime start) const {
    Json digest = Json::object();
    for (const char* field : {"replicas", "paused", "nodeName", "priority", "parallelism", "completions", "backoffLimit", "suspend", "finalizers", "taints",
                              "unschedulable", "leaseDurationSeconds", "leaseTransitions", "minAvailable", "maxUnavailable", "schedule"}) {
      if (spec.contains(field)) digest[field] = spec[field];
    }
    if (kind == "Node" && !digest.contains("taints")) digest["taints"] = Json::array();
    for (Json& taint : digest.contains("taints") ? digest["taints"] : no_list_) taint.erase("timeAdded");
    if (spec.contains("holderIdentity")) digest["holderIdentity"] = label_(text_at(spec, {"holderIdentity"}));
    for (const char* field : {"renewTime", "acquireTime"}) {
      if (!spec.contains(field)) continue;
      runtime::WallTime time;
      if (runtime::parse_rfc3339(text_at(spec, {field}), time)) digest[field] = std::chrono::duration<double>(time - start).count();
    }
    const Json& containers = list_at(spec, {"template", "spec", "containers"});
    if ((kind == "Deployment" || kind == "DaemonSet" || kind == "StatefulSet") && !containers.empty()) digest["image"] = containers[0]["image"];
    return digest;
  }
  Json of_status(const std::string& kind, const Json& status) const {
    Json digest = Json::object();
    for (const auto& [key, value] : status.items()) {
      if (kind == "Pod" && key != "phase" && key != "conditions" && key != "reason" && key != "message" && key != "nominatedNodeName") continue;
      if (kind == "Node" && key != "conditions") continue;
      if (key == "startTime" || key == "completionTime") {
        digest[key] = true;
      } else if (key == "disruptedPods") {
        digest[key] = Json::array();
        for (const auto& pod : value.items()) digest[key].push_back(label_(pod.key()));
      } else if (!key.ends_with("Time")) {
        digest[key] = value;
      }
    }
    Json conditions = Json::array();
    for (const Json& condition : list_at(status, {"conditions"})) {
      Json part = {{"type", condition["type"]}, {"status", condition["status"]}};
      if (condition.contains("reason")) part["reason"] = condition["reason"];
      if (!text_at(condition, {"message"}).empty()) part["message"] = label_(text_at(condition, {"message"}));
      conditions.push_back(std::move(part));
    }
    if (kind == "Pod" || kind == "Node" || !conditions.empty()) digest["conditions"] = std::move(conditions);
    return digest;
  }

  const std::function<std::string(const std::string&)>& label_;
  mutable Json no_list_ = Json::array();
};

class Player {
 public:
  explicit Player(Json script, std::uint64_t seed = 1) : script_(std::move(script)), world_(options(seed)) {
    hollow_ = script_["setup"].value("hollowNodes", Json::object());
    label_ = [this](const std::string& text) { return labelled(text); };
    for (int i = 1; i <= 2; ++i) {
      runtime::sim::MachineSpec spec;
      spec.name = "control-" + std::to_string(i);
      spec.address = "10.0.0." + std::to_string(i);
      world_.add_machine(spec);
    }
    world_.register_program("etcd", fakes::etcd::etcd_main);
    world_.register_program("kube-apiserver", fakes::kube_apiserver::kube_apiserver_main);
    world_.register_program("kube-controller-manager", fakes::kube_controller_manager::kube_controller_manager_main);
    world_.register_program("kube-scheduler", fakes::kube_scheduler::kube_scheduler_main);
    world_.register_program("player", [this](Runtime& runtime, std::vector<std::string>) { return play(runtime); });
    world_.on_exit = [this](runtime::sim::Machine&, runtime::sim::SimProcess& process, const std::string& why) {
      if (!over_ && process.program_name() != "kube-controller-manager") failure_ += process.program_name() + " ended: " + why + "\n";
    };
    const auto keys = runtime::sim::make_sim_pki([this] { return world_.wall_now(); }, runtime::Random(7));
    const std::string kubeconfig = client::write_kubeconfig(config());
    const std::string ca = keys->make_ca("kubernetes", 24h * 365).value().certificate_pem;
    for (int i = 1; i <= 2; ++i) {
      runtime::Disk& disk = world_.machine("control-" + std::to_string(i))->disk();
      for (const auto& [path, text] : std::map<std::string, std::string>{{"/kubeconfig", kubeconfig}, {"/tokens.csv", "admintoken,admin,1,\"system:masters\"\n"},
                                                                        {"/key.pem", keys->make_signing_key().value().key_pem}, {"/ca.pem", ca}}) {
        if (!disk.write(path, text)) failure_ += "cannot write " + path + "\n";
      }
    }
  }

  /// What was seen, or an empty list with failure() set.
  Json run() {
    start("control-1", "etcd", {"--name=e", "--data-dir=/var/lib/etcd", "--listen-client-urls=http://10.0.0.1:2379", "--advertise-client-urls=http://10.0.0.1:2379",
                                "--listen-peer-urls=http://10.0.0.1:2380", "--initial-advertise-peer-urls=http://10.0.0.1:2380", "--initial-cluster=e=http://10.0.0.1:2380"});
    start("control-1", "kube-apiserver", {"--etcd-servers=http://10.0.0.1:2379", "--token-auth-file=/tokens.csv", "--service-account-key-file=/key.pem",
                                          "--service-account-signing-key-file=/key.pem", "--service-account-issuer=https://kubernetes.default.svc",
                                          "--authorization-mode=Node,RBAC", "--service-cluster-ip-range=10.96.0.0/16"});
    start("control-2", "player", {});
    const bool ended = world_.run_until(Instant{} + 600s, [this] { return over_; });
    if (!ended && failure_.empty()) failure_ = "the script did not end";
    return std::move(events_);
  }
  const std::string& failure() const { return failure_; }

 private:
  struct HollowPod {
    Instant bound{};
    std::optional<Instant> started;
    std::optional<Instant> deleting;
    int step = 0;   ///< 0 seen, 1 Pending told, 2 Running told, 3 ready or finished
  };

  static runtime::sim::WorldOptions options(std::uint64_t seed) {
    runtime::sim::WorldOptions options;
    options.seed = seed;
    options.latency_min = 1ms;
    options.latency_max = 4ms;
    options.latency_local = 1ms;
    return options;
  }
  static client::Kubeconfig config() {
    client::Kubeconfig config;
    config.servers = {"https://10.0.0.1:6443"};
    config.token = "admintoken";
    config.insecure = true;
    return config;
  }
  runtime::sim::SimProcess* start(const std::string& machine, const std::string& program, std::vector<std::string> arguments) {
    runtime::ProcessSpec spec;
    spec.executable = "/bin/" + program;
    spec.arguments = std::move(arguments);
    auto started = world_.machine(machine)->start(std::move(spec));
    return started ? started.value() : nullptr;
  }
  runtime::sim::SimProcess* start_controller_manager(const std::string& machine) {
    std::vector<std::string> arguments{"--kubeconfig=/kubeconfig", "--root-ca-file=/ca.pem", "--service-account-private-key-file=/key.pem", "--use-service-account-credentials=false"};
    for (const Json& flag : list_at(script_, {"setup", "kube-controller-manager"})) {
      if (flag.get<std::string>().starts_with("--")) arguments.push_back(flag);
    }
    return start(machine, "kube-controller-manager", std::move(arguments));
  }

  Task<int> play(Runtime& runtime) {
    runtime_ = &runtime;
    client::KubernetesClient client(runtime, config());
    runtime::HttpClientOptions http_options;
    http_options.servers = {{"10.0.0.1", 6443}};
    http_options.tls = runtime::TlsClientOptions{};
    http_options.tls->insecure = true;
    runtime::HttpClient http(runtime, http_options);
    http_ = &http;
    for (bool up = false; !up; co_await runtime.sleep_for(200ms)) up = (co_await call("GET", "/readyz")) == 200;
    for (const Json& action : script_["actions"]) managers_by_hand_ = managers_by_hand_ || text_at(action, {"name"}).starts_with("start controller manager");
    runtime::TaskGroup group(runtime.stop());
    client::InformerSet informers(client);
    pods_ = &informers.informer(types::pods);
    informers.start(group);
    for (const Json& kind : script_["kinds"]) group.spawn("watch", record(client, kind.get<std::string>()));
    if (!managers_by_hand_) manager_a_ = start_controller_manager("control-1");
    start("control-1", "kube-scheduler", {"--kubeconfig=/kubeconfig"});
    co_await join_nodes();
    group.spawn("nodes", tend());
    co_await runtime.sleep_for(6s);
    for (const Json& step : list_at(script_, {"setup", "before"})) {
      co_await perform(step);
      co_await runtime.sleep_for(step["path"] == "/api/v1/namespaces" ? 2s : 8s);
    }
    const bool settled = script_["starts_settled"].get<bool>();
    begin_ = runtime.now();
    begin_wall_ = runtime.wall_now();
    if (settled) take_existing();
    for (const Json& action : script_["actions"]) {
      co_await runtime.sleep_until(begin_ + seconds(action["t"].get<double>()));
      co_await act(action);
    }
    co_await runtime.sleep_until(begin_ + seconds(script_["ends_at"].get<double>() + 3));
    group.kill();
    finish();
    over_ = true;
    co_return 0;
  }

  // --- acting ---
  Task<int> call(std::string method, std::string path, Json body = nullptr, std::string content_type = "application/json") {
    runtime::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(path);
    request.headers.set("Authorization", "Bearer admintoken");
    if (!body.is_null()) {
      request.headers.set("Content-Type", content_type);
      request.body = body.dump();
    }
    auto answer = co_await http_->request(std::move(request));
    last_answer_ = answer ? answer.value().body : "";
    co_return answer ? answer.value().status : 0;
  }
  void put_in(std::string& text, const std::string& what, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) text.replace(at, what.size(), by);
  }
  Task<void> perform(Json step) {
    std::string text = step.dump();
    for (const auto& [name, label] : labels_) put_in(text, label, name);
    put_in(text, "<time>", runtime::format_rfc3339(runtime_->wall_now()));
    if (text.find("<uid>") != std::string::npos) {  // of the ReplicaSet that owns it
      co_await call("GET", "/apis/apps/v1/namespaces/beh/replicasets/web");
      put_in(text, "<uid>", text_at(Json::parse(last_answer_), {"metadata", "uid"}));
    }
    step = Json::parse(text);
    const std::string path = step["path"];
    if (path.starts_with("/api/v1/nodes/") && path.ends_with("/status")) silent_.erase(path.substr(14, path.size() - 21));
    const Json body = step.value("body", Json());
    const std::string content_type = step.value("contentType", std::string("application/json"));
    const int status = co_await call(step["method"], path, body, content_type);
    answers_.push_back(status);
    if (path == "/api/v1/nodes") nodes_.insert(text_at(body, {"metadata", "name"}));
    if (status >= 400 && status != 429) failure_ += path + " answered " + std::to_string(status) + ": " + last_answer_ + "\n";
  }
  Task<void> act(Json action) {
    std::string name = text_at(action, {"name"});
    if (name.starts_with("the answer")) {
      const std::size_t wanted = name.starts_with("the answers") ? 2 : 1;
      name = wanted == 2 ? "the answers were " : "the answer was ";
      for (std::size_t i = answers_.size() - std::min(wanted, answers_.size()); i < answers_.size(); ++i) {
        name += std::to_string(answers_[i]) + (i + 1 < answers_.size() ? " and " : "");
      }
    }
    raw_.push_back({runtime_->now(), "ACTION", "", name, nullptr});
    if (name.starts_with("node ") && name.find(" stops") != std::string::npos) silent_.insert(name.substr(5, name.find(' ', 5) - 5));
    if (name.starts_with("start controller manager A")) manager_a_ = start_controller_manager("control-1");
    if (name.starts_with("start controller manager B")) start_controller_manager("control-2");
    if (name.starts_with("kill -9 controller manager A") && manager_a_ != nullptr) manager_a_->signal(runtime::Signal::kill);
    for (const Json& step : list_at(action, {"calls"})) co_await perform(step);
  }

  // --- nodes ---
  Task<void> join_nodes() {
    int number = 0;
    for (const Json& name : list_at(hollow_, {"nodes"})) {
      ++number;
      const std::string cpu = hollow_.value("cpu", std::string("4"));
      Json node = Json::parse(R"({"apiVersion":"v1","kind":"Node","spec":{},"status":{"conditions":[]}})");
      node["metadata"]["name"] = name;
      node["metadata"]["labels"] = {{"kubernetes.io/hostname", name}, {"kubernetes.io/os", "linux"}, {"kubernetes.io/arch", "amd64"}};
      for (const auto& [key, value] : list_at(hollow_, {"labels", name.get<std::string>()}).items()) node["metadata"]["labels"][key] = value;
      if (const Json& taints = list_at(hollow_, {"taints", name.get<std::string>()}); !taints.empty()) node["spec"]["taints"] = taints;
      for (const char* field : {"capacity", "allocatable"}) node["status"][field] = {{"cpu", cpu}, {"memory", "8Gi"}, {"pods", "110"}};
      node["status"]["addresses"] = Json::array({{{"type", "InternalIP"}, {"address", "10.0.1." + std::to_string(number)}}});
      const std::string now = runtime::format_rfc3339(runtime_->wall_now());
      for (const auto& [type, status, reason, message] : {std::tuple{"MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"},
                                                         {"DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"},
                                                         {"PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"},
                                                         {"Ready", "True", "KubeletReady", "kubelet is posting ready status"}}) {
        node["status"]["conditions"].push_back({{"type", type}, {"status", status}, {"reason", reason}, {"message", message}, {"lastHeartbeatTime", now}, {"lastTransitionTime", now}});
      }
      nodes_.insert(name.get<std::string>());
      const int status = co_await call("POST", "/api/v1/nodes", std::move(node));
      if (status != 201) failure_ += "node: " + last_answer_ + "\n";
    }
  }
  Task<void> tend() {
    const double renewal = hollow_.value("leaseRenewSeconds", 2.0);
    std::map<std::string, Instant> renewed;
    for (;; co_await runtime_->sleep_for(50ms)) {
      const std::set<std::string> nodes = nodes_;
      for (const std::string& node : nodes) {
        if (silent_.count(node) != 0 || runtime_->now() < renewed[node]) continue;
        co_await renew(node);
        renewed[node] = runtime_->now() + seconds(renewal);
      }
      std::vector<ObjectPointer> pods;
      for (const auto& [key, pod] : pods_->store().objects()) pods.push_back(pod);
      for (const ObjectPointer& pod : pods) {
        const std::string node = text_at(*pod, {"spec", "nodeName"});
        if (node.empty() || nodes_.count(node) == 0 || silent_.count(node) != 0) continue;
        co_await tend_pod(pod);
      }
    }
  }
  Task<void> renew(std::string node) {
    Json lease = {{"apiVersion", "coordination.k8s.io/v1"}, {"kind", "Lease"}};
    lease["metadata"] = {{"name", node}, {"namespace", "kube-node-lease"}};
    lease["spec"] = {{"holderIdentity", node}, {"leaseDurationSeconds", 40}, {"renewTime", runtime::format_rfc3339_micro(runtime_->wall_now())}};
    const std::string base = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    const Json patch = {{"spec", lease["spec"]}};
    if ((co_await call("PATCH", base + "/" + node, patch, "application/merge-patch+json")) == 404) co_await call("POST", base, lease);
  }
  Task<void> tend_pod(ObjectPointer pod) {
    const std::string path = "/api/v1/namespaces/" + client::namespace_of(*pod) + "/pods/" + client::name_of(*pod);
    HollowPod& state = hollow_pods_[client::uid_of(*pod)];
    const Instant now = runtime_->now();
    if (state.bound == Instant{}) state.bound = now;
    const bool finished = client::is_pod_finished(*pod);
    if (client::is_deleting(*pod)) {
      if (!state.deleting) state.deleting = now;
      if (!finished && now < *state.deleting + seconds(hollow_.value("stopSeconds", 1.0))) co_return;
      const std::string phase = text_at(*pod, {"status", "phase"});
      if (!finished) co_await patch_status(path, "Failed", "False", "PodFailed", "");
      const Json options = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"gracePeriodSeconds", 0}, {"preconditions", {{"uid", client::uid_of(*pod)}}}};
      co_await call("DELETE", path, options);
      co_return;
    }
    if (finished) co_return;
    const std::string image = text_at(list_at(*pod, {"spec", "containers"})[0], {"image"});
    const Instant start_due = state.bound + seconds(hollow_.value("startSeconds", 0.5));
    if (state.step == 0) {
      state.step = 1;
      co_await patch_status(path, "Pending", "False", "ContainersNotReady", "containers with unready status: [c]");
    } else if (state.step == 1 && now >= start_due && !image.starts_with("bad:")) {
      state.step = 2;
      state.started = now;
      co_await patch_status(path, "Running", "False", "ContainersNotReady", "containers with unready status: [c]");
    } else if (state.step == 2 && now >= *state.started + seconds(hollow_.value("readySeconds", 0.5))) {
      state.step = 3;
      if (image.starts_with("job:")) {
        co_await patch_status(path, "Succeeded", "False", "PodCompleted", "containers with unready status: [c]");
      } else if (image.starts_with("fail:")) {
        co_await patch_status(path, "Failed", "False", "PodFailed", "");
      } else {
        co_await patch_status(path, "Running", "True", "", "");
      }
    }
  }
  Task<void> patch_status(std::string path, std::string phase, std::string ready, std::string reason, std::string message) {
    Json status = {{"phase", phase}, {"conditions", Json::array()}};
    const std::string now = runtime::format_rfc3339(runtime_->wall_now());
    for (const char* type : {"Initialized", "Ready", "ContainersReady", "PodScheduled"}) {
      const bool varies = std::string(type) == "Ready" || std::string(type) == "ContainersReady";
      Json condition = {{"type", type}, {"status", varies ? ready : "True"}, {"lastTransitionTime", now}};
      condition["reason"] = varies && !reason.empty() ? Json(reason) : Json();
      condition["message"] = varies && !message.empty() ? Json(message) : Json();
      status["conditions"].push_back(std::move(condition));
    }
    if (phase != "Pending") {
      std::string& ip = ips_[path];
      if (ip.empty()) ip = "10.244." + std::to_string(ips_.size() / 200) + "." + std::to_string(ips_.size() % 200 + 2);
      status["podIP"] = ip;
      status["podIPs"] = Json::array({{{"ip", ip}}});
      Json container = {{"name", "c"}, {"image", "img"}, {"imageID", ""}, {"ready", ready == "True"}, {"restartCount", 0}, {"started", phase == "Running"}, {"lastState", Json::object()}};
      if (phase == "Running") {
        container["state"]["running"]["startedAt"] = now;
      } else {
        container["state"]["terminated"] = {{"exitCode", phase == "Succeeded" ? 0 : 1}, {"reason", phase == "Succeeded" ? "Completed" : "Error"}, {"startedAt", now}, {"finishedAt", now}};
        container["state"]["running"] = nullptr;
      }
      status["containerStatuses"] = Json::array({container});
    }
    const Json body = {{"status", status}};
    co_await call("PATCH", path + "/status", body, "application/strategic-merge-patch+json");
  }

  // --- recording ---
  struct Raw {
    Instant at;
    std::string event;
    std::string kind;
    std::string name;
    ObjectPointer object;
  };
  static const client::ResourceType& type_of(const std::string& kind) {
    static const std::vector<const client::ResourceType*> all{
        &types::pods, &types::nodes, &types::namespaces, &types::services, &types::endpoints, &types::events, &types::config_maps, &types::service_accounts,
        &types::resource_quotas, &types::deployments, &types::replica_sets, &types::daemon_sets, &types::stateful_sets, &types::controller_revisions, &types::jobs,
        &types::cron_jobs, &types::leases, &types::endpoint_slices, &types::pod_disruption_budgets, &types::horizontal_pod_autoscalers, &types::persistent_volume_claims};
    return **std::find_if(all.begin(), all.end(), [&](const client::ResourceType* type) { return type->kind == kind; });
  }
  bool is_watched(const std::string& kind, const Json& object) const {
    const std::string& home = client::namespace_of(object);
    const std::string& name = client::name_of(object);
    if (kind == "Namespace") return name == "beh";
    if (kind == "Lease") return home == "kube-system" && name == "kube-controller-manager";
    if (kind == "Event") {
      const std::string on = text_at(object, {"involvedObject", "kind"});
      return home == "beh" || (on == "Node") || (on == "Lease" && text_at(object, {"involvedObject", "name"}) == "kube-controller-manager");
    }
    return home.empty() || home == "beh";
  }
  Task<void> record(client::KubernetesClient& client, std::string kind) {
    client::WatchOptions options;
    options.bookmarks = false;
    auto watch = co_await client.watch(type_of(kind), options);
    while (watch) {
      auto next = co_await watch.value().next();
      if (!next || !next.value()) break;
      const client::WatchEvent& event = *next.value();
      if (event.type == client::WatchEventType::bookmark || !is_watched(kind, *event.object)) continue;
      note_names(kind, *event.object);
      const char* text = event.type == client::WatchEventType::added ? "ADDED" : event.type == client::WatchEventType::modified ? "MODIFIED" : "DELETED";
      raw_.push_back({runtime_->now(), text, kind, client::name_of(*event.object), event.object});
    }
    failure_ += "the watch of " + kind + " broke\n";
  }
  void note_names(const std::string& kind, const Json& object) {
    std::string name = client::name_of(object);
    const std::string base = text_at(object, {"metadata", "generateName"});
    const std::string owner_kind = text_at(client::controller_of(object), {"kind"});
    std::string label;
    if (kind == "Lease") {
      name = text_at(object, {"spec", "holderIdentity"});
      label = "<holder";
    } else if (kind == "Pod" && !base.empty() && owner_kind != "StatefulSet") {
      label = labelled(base) + "<p";
    } else if (kind == "EndpointSlice" && !base.empty()) {
      label = base + "<slice";
    } else if (kind == "ReplicaSet" && owner_kind == "Deployment") {
      label = text_at(client::controller_of(object), {"name"}) + "-<rs";
    } else if (kind == "ControllerRevision" && owner_kind == "DaemonSet") {
      label = text_at(client::controller_of(object), {"name"}) + "-<rev";
    }
    if (label.empty() || name.empty() || labels_.count(name) != 0) return;
    labels_[name] = label + std::to_string(++label_counts_[label.substr(label.rfind('<'))]) + ">";
    // Pods of a ReplicaSet that was labelled only after them.
    for (auto& [known, text] : labels_) {
      if (known != name && known.starts_with(name + "-") && text.starts_with(name)) text = labels_[name] + text.substr(name.size());
    }
  }
  std::string labelled(const std::string& text) const {
    std::string result = text;
    for (auto entry = labels_.rbegin(); entry != labels_.rend(); ++entry) {  // longer names first, where one is the beginning of another
      for (std::size_t at = 0; (at = result.find(entry->first, at)) != std::string::npos; at += entry->second.size()) {
        result.replace(at, entry->first.size(), entry->second);
      }
    }
    return result;
  }
  void take_existing() {
    std::map<std::pair<std::string, std::string>, Raw> living;
    for (Raw& raw : raw_) {
      if (raw.event == "DELETED") {
        living.erase({raw.kind, raw.name});
      } else {
        living.insert_or_assign({raw.kind, raw.name}, raw);
      }
    }
    raw_.clear();
    for (auto& [key, raw] : living) {
      if (raw.kind == "Event") continue;
      raw.at = begin_;
      raw.event = "EXISTING";
      raw_.push_back(raw);
    }
  }
  void finish() {
    const Digest digest(label_);
    std::map<std::pair<std::string, std::string>, Json> last;
    for (const Raw& raw : raw_) {
      Json event = {{"t", std::round(std::chrono::duration<double>(raw.at - begin_).count() * 100) / 100}, {"event", raw.event}};
      if (raw.event != "ACTION") event["kind"] = raw.kind;
      event["name"] = raw.kind == "Event" ? "<event>" : labelled(raw.name);
      if (raw.object) {
        event["object"] = digest(raw.kind, *raw.object, begin_wall_);
        const auto key = std::pair(raw.kind, raw.name);
        if (raw.event == "MODIFIED" && last[key] == event["object"] && raw.kind != "Lease") continue;
        last[key] = event["object"];
      }
      events_.push_back(std::move(event));
    }
  }

  Json script_;
  Json hollow_;
  runtime::sim::World world_;
  Runtime* runtime_ = nullptr;
  runtime::HttpClient* http_ = nullptr;
  client::Informer* pods_ = nullptr;
  runtime::sim::SimProcess* manager_a_ = nullptr;
  bool managers_by_hand_ = false;
  std::string last_answer_;
  std::vector<int> answers_;
  std::set<std::string> nodes_;
  std::set<std::string> silent_;
  std::map<std::string, HollowPod> hollow_pods_;
  std::map<std::string, std::string> ips_;
  Instant begin_{};
  runtime::WallTime begin_wall_{};
  std::vector<Raw> raw_;
  std::map<std::string, std::string> labels_;
  std::map<std::string, int> label_counts_;
  std::function<std::string(const std::string&)> label_;
  Json events_ = Json::array();
  std::string failure_;
  bool over_ = false;
};

}  // namespace skidpad::behaviours

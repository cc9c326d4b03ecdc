#include "fakes/kubelet/node_agent.hpp"

#include <charconv>

namespace skidpad::fakes::kubelet {

using runtime::Duration;
using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::format_rfc3339;
using runtime::Instant;
using runtime::list_at;
using runtime::Result;
using runtime::success;
using runtime::Task;
using runtime::text_at;
using runtime::WallTime;
using namespace std::chrono_literals;

namespace {

constexpr char lease_namespace[] = "kube-node-lease";

struct ConditionText {
  const char* type;
  bool holds;
  std::string reason;
  std::string message;
};

Json make_condition(const ConditionText& text, const Json& before, WallTime now) {
  Json condition = Json::object();
  const std::string status = text.holds ? "True" : "False";
  condition["type"] = text.type;
  condition["status"] = status;
  condition["reason"] = text.reason;
  condition["message"] = text.message;
  condition["lastHeartbeatTime"] = format_rfc3339(now);
  const std::string since = text_at(before, {"lastTransitionTime"});
  condition["lastTransitionTime"] = text_at(before, {"status"}) == status && !since.empty() ? since : format_rfc3339(now);
  return condition;
}

const Json& condition_in(const Json& conditions, std::string_view type) {
  static const Json none;
  for (const Json& condition : conditions) {
    if (text_at(condition, {"type"}) == type) return condition;
  }
  return none;
}

Json without_heartbeats(Json status) {
  if (find(status, {"conditions"}).is_array()) {
    for (Json& condition : status["conditions"]) condition.erase("lastHeartbeatTime");
  }
  return status;
}

}  // namespace

std::string kubelet_version(runtime::Runtime& runtime) {
  const std::string version = runtime.environment("SKIDPAD_VERSION");
  return version.empty() ? "v1.32.13" : version;
}

Json machine_capacity(runtime::Disk& disk, const KubeletOptions& options) {
  Json capacity = Json::object();
  capacity["cpu"] = "4";
  capacity["memory"] = "8Gi";
  capacity["ephemeral-storage"] = "100Gi";
  capacity["hugepages-1Gi"] = "0";
  capacity["hugepages-2Mi"] = "0";
  if (const auto cpus = disk.read("/proc/cpuinfo", 1 << 20)) {
    std::size_t count = 0;
    for (std::size_t at = cpus.value().find("processor\t"); at != std::string::npos; at = cpus.value().find("processor\t", at + 1)) ++count;
    if (count > 0) capacity["cpu"] = std::to_string(count);
  }
  if (const auto memory = disk.read("/proc/meminfo", 1 << 16)) {
    const auto at = memory.value().find_first_of("0123456789");
    std::uint64_t kibibytes = 0;
    const char* text = memory.value().data();
    if (memory.value().starts_with("MemTotal:") && std::from_chars(text + at, text + memory.value().size(), kibibytes).ec == std::errc()) {
      capacity["memory"] = std::to_string(kibibytes) + "Ki";
    }
  }
  capacity["pods"] = std::to_string(options.pods_max);
  for (const auto& [resource, quantity] : options.capacity) capacity[resource] = quantity;
  return capacity;
}

Json make_node_status(const NodeFacts& facts, const Json& before, WallTime now) {
  const Json& old = list_at(before, {"conditions"});
  const ConditionText conditions[] = {
      {"MemoryPressure", false, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"},
      {"DiskPressure", facts.disk_pressure, facts.disk_pressure ? "KubeletHasDiskPressure" : "KubeletHasNoDiskPressure",
       facts.disk_pressure ? "kubelet has disk pressure" : "kubelet has no disk pressure"},
      {"PIDPressure", false, "KubeletHasSufficientPID", "kubelet has sufficient PID available"},
      {"Ready", facts.not_ready.empty(), facts.not_ready.empty() ? "KubeletReady" : "KubeletNotReady",
       facts.not_ready.empty() ? "kubelet is posting ready status" : facts.not_ready},
  };
  Json status = Json::object();
  status["capacity"] = facts.capacity;
  status["allocatable"] = facts.capacity;
  status["addresses"] = Json::array();
  Json address = Json::object();
  address["type"] = "InternalIP";
  address["address"] = facts.address;
  status["addresses"].push_back(address);
  address["type"] = "Hostname";
  address["address"] = facts.name;
  status["addresses"].push_back(address);
  status["daemonEndpoints"]["kubeletEndpoint"]["Port"] = facts.kubelet_port;
  Json& info = status["nodeInfo"];
  info["machineID"] = facts.machine_id;
  info["systemUUID"] = facts.machine_id;
  info["bootID"] = facts.boot_id;
  info["kernelVersion"] = "6.1.0-skidpad";
  info["osImage"] = "Debian GNU/Linux 12 (bookworm)";
  info["containerRuntimeVersion"] = "skidpad://1.0.0";
  info["kubeletVersion"] = facts.kubelet_version;
  info["kubeProxyVersion"] = facts.kubelet_version;
  info["operatingSystem"] = "linux";
  info["architecture"] = "amd64";
  status["conditions"] = Json::array();
  for (const ConditionText& condition : conditions) status["conditions"].push_back(make_condition(condition, condition_in(old, condition.type), now));
  for (const Json& other : old) {
    if (condition_in(status["conditions"], text_at(other, {"type"})).is_null()) status["conditions"].push_back(other);
  }
  return status;
}

Json make_node(const NodeFacts& facts, WallTime now) {
  Json node = Json::object();
  node["apiVersion"] = "v1";
  node["kind"] = "Node";
  node["metadata"]["name"] = facts.name;
  Json& labels = node["metadata"]["labels"];
  for (const auto& [key, value] : facts.labels) labels[key] = value;
  labels["kubernetes.io/hostname"] = facts.name;
  labels["kubernetes.io/os"] = labels["beta.kubernetes.io/os"] = "linux";
  labels["kubernetes.io/arch"] = labels["beta.kubernetes.io/arch"] = "amd64";
  node["metadata"]["annotations"]["volumes.kubernetes.io/controller-managed-attach-detach"] = "true";
  node["spec"] = Json::object();
  if (!facts.taints.empty()) node["spec"]["taints"] = facts.taints;
  if (!facts.pod_cidr.empty()) {
    node["spec"]["podCIDR"] = facts.pod_cidr;
    node["spec"]["podCIDRs"] = Json::array({facts.pod_cidr});
  }
  node["status"] = make_node_status(facts, Json::object(), now);
  return node;
}

bool says_the_same(const Json& status, const Json& other) {
  for (const char* field : {"capacity", "allocatable", "addresses", "daemonEndpoints", "nodeInfo"}) {
    if (find(status, {field}) != find(other, {field})) return false;
  }
  return without_heartbeats(Json{{"conditions", list_at(status, {"conditions"})}}) == without_heartbeats(Json{{"conditions", list_at(other, {"conditions"})}});
}

namespace {

client::InformerOptions only_this_node(const std::string& name) {
  client::InformerOptions options;
  options.field_selector = "metadata.name=" + name;
  return options;
}

}  // namespace

NodeAgent::NodeAgent(client::KubernetesClient& client, client::EventRecorder& events, const KubeletOptions& options, NodeFacts facts)
    : client_(client), events_(events), options_(options), facts_(std::move(facts)), node_informer_(client, client::types::nodes, only_this_node(facts_.name)) {}

void NodeAgent::change(const std::function<void(NodeFacts&)>& edit) {
  edit(facts_);
  urgent_ = true;
  dirty_.set();
}

void NodeAgent::node_event(bool warning, const std::string& reason, const std::string& message) {
  Json about = Json::object();
  about["kind"] = "Node";
  about["name"] = facts_.name;
  about["uid"] = facts_.name;  // as the real kubelet: events about the node carry its name as UID
  events_.record_about(std::move(about), warning ? client::EventType::warning : client::EventType::normal, reason, message);
}

Task<void> NodeAgent::run() {
  runtime::TaskGroup tasks(co_await runtime::CurrentStop());
  // The Lease waits for nothing: a node that is slow to register must not look dead.
  tasks.spawn("node_lease", renew_lease());
  if (options_.register_node) co_await register_node();
  client::InformerHandler handler;
  handler.added = [this](const client::ObjectPointer& node) { seen(*node); };
  handler.updated = [this](const client::ObjectPointer&, const client::ObjectPointer& node) { seen(*node); };
  node_informer_.add_handler(std::move(handler));
  tasks.spawn("node_watch", node_informer_.run());
  tasks.spawn("node_status", report_status());
  co_await tasks.join();
}

void NodeAgent::seen(const Json& node) {
  uid_ = client::uid_of(node);
  registered_.set();
  last_status_ = find(node, {"status"});
  if (on_node) on_node(node);
  const Json wanted = make_node_status(facts_, last_status_, client_.runtime().wall_now());
  if (!says_the_same(wanted, last_status_)) dirty_.set();
}

Task<void> NodeAgent::register_node() {
  // The real kubelet doubles from 100 ms to 7 s. Waiting a share of the time already waited is as gentle to a server that is
  // down for long, and misses less of one that comes up.
  const Instant begin = client_.runtime().now();
  while (true) {
    const auto done = co_await register_once();
    if (done) break;
    client_.runtime().log().warning("node_not_registered", {{"node", facts_.name}, {"error", done.error().message}});
    const Duration waited = client_.runtime().now() - begin;
    co_await client_.runtime().sleep_for(std::clamp<Duration>(waited / 8, 100ms, 7s));
  }
  client_.runtime().log().info("node_registered", {{"node", facts_.name}});
}

Task<Result<void>> NodeAgent::register_once() {
  auto created = co_await client_.create(client::types::nodes, make_node(facts_, client_.runtime().wall_now()));
  if (created) {
    node_event(false, "Starting", "Starting kubelet.");
    node_event(false, "NodeHasSufficientMemory", "Node " + facts_.name + " status is now: NodeHasSufficientMemory");
    node_event(false, "NodeHasNoDiskPressure", "Node " + facts_.name + " status is now: NodeHasNoDiskPressure");
    node_event(false, "NodeHasSufficientPID", "Node " + facts_.name + " status is now: NodeHasSufficientPID");
    if (facts_.not_ready.empty()) node_event(false, "NodeReady", "Node " + facts_.name + " status is now: NodeReady");
    seen(created.value());
    co_return success();
  }
  if (created.error().code != ErrorCode::already_exists) co_return created.error();
  // The node was here before: what registration decides is reconciled, the rest stays as it is.
  auto existing = co_await client_.get(client::types::nodes, "", facts_.name);
  if (!existing) co_return existing.error();
  node_event(false, "Starting", "Starting kubelet.");
  Json patch = Json::object();
  const Json wanted = make_node(facts_, client_.runtime().wall_now());
  for (const auto& [key, value] : wanted["metadata"]["labels"].items()) {
    if (text_at(existing.value(), {"metadata", "labels", key}) != value) patch["metadata"]["labels"][key] = value;
  }
  if (!facts_.pod_cidr.empty() && text_at(existing.value(), {"spec", "podCIDR"}).empty()) patch["spec"] = Json{{"podCIDR", facts_.pod_cidr}, {"podCIDRs", Json::array({facts_.pod_cidr})}};
  if (!patch.empty()) {
    auto patched = co_await client_.patch(client::types::nodes, "", facts_.name, client::PatchType::strategic, patch);
    if (!patched) client_.runtime().log().warning("node_labels_not_reconciled", {{"node", facts_.name}, {"error", patched.error().message}});
  }
  const std::string boot_before = text_at(existing.value(), {"status", "nodeInfo", "bootID"});
  if (!boot_before.empty() && boot_before != facts_.boot_id) {
    node_event(true, "Rebooted", "Node " + facts_.name + " has been rebooted, boot id: " + facts_.boot_id);
  }
  seen(existing.value());
  urgent_ = true;
  dirty_.set();
  co_return success();
}

Task<void> NodeAgent::report_status() {
  runtime::Runtime& runtime = client_.runtime();
  const Instant grid_start = runtime.now();
  const Duration step = options_.node_status_update_frequency;
  Instant last_report = runtime.now();
  while (true) {
    // Jitter as the real kubelet's, so that many nodes do not report in one beat.
    const Duration jitter = runtime.random().between(0ns, options_.node_status_report_frequency / 25);
    co_await dirty_.wait_until(runtime, last_report + options_.node_status_report_frequency + jitter);
    if (dirty_.is_set() && !urgent_) {
      const auto beats = (runtime.now() - grid_start) / step + 1;
      co_await runtime.sleep_until(grid_start + beats * step);
    }
    dirty_.reset();
    urgent_ = false;
    const auto reported = co_await report_once();
    if (reported) {
      last_report = runtime.now();
      continue;
    }
    runtime.log().warning("node_status_not_reported", {{"node", facts_.name}, {"error", reported.error().message}});
    // Not found: somebody deleted the Node. Like the real kubelet we do not register again without a restart.
    if (reported.error().code == ErrorCode::not_found) {
      last_report = runtime.now();
      continue;
    }
    dirty_.set();
    co_await runtime.sleep_for(std::min<Duration>(step, 1s));
  }
}

Task<Result<void>> NodeAgent::report_once() {
  const WallTime now = client_.runtime().wall_now();
  Json status = make_node_status(facts_, last_status_, now);
  const std::string ready_before = client::condition_status(Json{{"status", last_status_}}, "Ready");
  const std::string ready_now = facts_.not_ready.empty() ? "True" : "False";
  Json patch = Json::object();
  patch["status"] = status;
  auto patched = co_await client_.patch(client::types::nodes, "", facts_.name, client::PatchType::strategic, std::move(patch), "status");
  if (!patched) co_return patched.error();
  last_status_ = std::move(status);
  if (ready_before != ready_now) {
    const std::string reason = ready_now == "True" ? "NodeReady" : "NodeNotReady";
    node_event(false, reason, "Node " + facts_.name + " status is now: " + reason);
  }
  co_return success();
}

Task<void> NodeAgent::renew_lease() {
  runtime::Runtime& runtime = client_.runtime();
  const Duration interval = std::chrono::milliseconds(options_.node_lease_duration_seconds * 1000 / 4);
  Instant next = runtime.now();
  Duration wait = 200ms;
  while (true) {
    const auto renewed = co_await renew_once();
    if (renewed) {
      wait = 200ms;
      // 4 % of jitter, as the real controller.
      next = std::max(next, runtime.now() - interval) + interval + runtime.random().between(0ns, interval / 25);
      co_await runtime.sleep_until(next);
      continue;
    }
    runtime.log().warning("node_lease_not_renewed", {{"node", facts_.name}, {"error", renewed.error().message}});
    if (renewed.error().code == ErrorCode::conflict || renewed.error().code == ErrorCode::not_found) lease_ = nullptr;
    co_await runtime.sleep_for(std::min(wait, interval));
    wait = std::min<Duration>(wait * 2, 7s);
    next = runtime.now();
  }
}

Task<Result<void>> NodeAgent::renew_once() {
  const std::string now = runtime::format_rfc3339_micro(client_.runtime().wall_now());
  if (lease_.is_null()) {
    auto existing = co_await client_.get(client::types::leases, lease_namespace, facts_.name);
    if (existing) {
      lease_ = std::move(existing.value());
    } else if (existing.error().code != ErrorCode::not_found) {
      co_return existing.error();
    }
  }
  const bool create = lease_.is_null();
  Json lease = lease_;
  if (create) {
    lease = Json::object();
    lease["metadata"]["name"] = facts_.name;
    lease["metadata"]["namespace"] = lease_namespace;
  }
  lease["spec"]["holderIdentity"] = facts_.name;
  lease["spec"]["leaseDurationSeconds"] = options_.node_lease_duration_seconds;
  lease["spec"]["renewTime"] = now;
  if (!uid_.empty() && !find(lease, {"metadata", "ownerReferences"}).is_array()) {
    Json owner = Json::object();
    owner["apiVersion"] = "v1";
    owner["kind"] = "Node";
    owner["name"] = facts_.name;
    owner["uid"] = uid_;
    lease["metadata"]["ownerReferences"] = Json::array({owner});
  }
  if (create) {
    auto created = co_await client_.create(client::types::leases, std::move(lease));
    if (!created) co_return created.error();
    lease_ = std::move(created.value());
  } else {
    auto updated = co_await client_.update(client::types::leases, std::move(lease));
    if (!updated) co_return updated.error();
    lease_ = std::move(updated.value());
  }
  co_return success();
}

}  // namespace skidpad::fakes::kubelet

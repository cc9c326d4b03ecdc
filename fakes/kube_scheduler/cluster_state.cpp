#include "fakes/kube_scheduler/cluster_state.hpp"

#include "harness/client/kubernetes/quantity.hpp"

namespace skidpad::fakes::kube_scheduler {

using client::quantity_milli;
using client::quantity_units;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

namespace {

constexpr std::int64_t default_score_cpu_milli = 100;
constexpr std::int64_t default_score_memory_bytes = 200LL << 20;

Resources read_resources(const Json& amounts) {
  Resources resources;
  if (!amounts.is_object()) return resources;
  for (const auto& [name, amount] : amounts.items()) {
    if (name == "cpu") {
      resources.cpu_milli = quantity_milli(amount);
    } else if (name == "memory") {
      resources.memory_bytes = quantity_units(amount);
    } else if (name == "ephemeral-storage") {
      resources.ephemeral_storage_bytes = quantity_units(amount);
    } else if (name != "pods") {
      resources.extended[name] = quantity_units(amount);
    }
  }
  return resources;
}

void raise_to(Resources& resources, const Resources& other) {
  resources.cpu_milli = std::max(resources.cpu_milli, other.cpu_milli);
  resources.memory_bytes = std::max(resources.memory_bytes, other.memory_bytes);
  resources.ephemeral_storage_bytes = std::max(resources.ephemeral_storage_bytes, other.ephemeral_storage_bytes);
  for (const auto& [name, amount] : other.extended) {
    auto& mine = resources.extended[name];
    mine = std::max(mine, amount);
  }
}

bool is_sidecar(const Json& container) { return text_at(container, {"restartPolicy"}) == "Always"; }

/// Containers together; an init container alone (with the sidecars before it) if that is more; overhead.
Resources pod_requests(const Json& spec) {
  Resources sum;
  for (const Json& container : list_at(spec, {"containers"})) sum.add(read_resources(find(container, {"resources", "requests"})));
  Resources sidecars;
  Resources peak;
  for (const Json& container : list_at(spec, {"initContainers"})) {
    const Resources requests = read_resources(find(container, {"resources", "requests"}));
    if (is_sidecar(container)) {
      sum.add(requests);
      sidecars.add(requests);
      raise_to(peak, sidecars);
    } else {
      Resources alone = sidecars;
      alone.add(requests);
      raise_to(peak, alone);
    }
  }
  raise_to(sum, peak);
  sum.add(read_resources(find(spec, {"overhead"})));
  return sum;
}

}  // namespace

void Resources::add(const Resources& other) {
  cpu_milli += other.cpu_milli;
  memory_bytes += other.memory_bytes;
  ephemeral_storage_bytes += other.ephemeral_storage_bytes;
  for (const auto& [name, amount] : other.extended) extended[name] += amount;
}

void Resources::subtract(const Resources& other) {
  cpu_milli -= other.cpu_milli;
  memory_bytes -= other.memory_bytes;
  ephemeral_storage_bytes -= other.ephemeral_storage_bytes;
  for (const auto& [name, amount] : other.extended) extended[name] -= amount;
}

PodFacts::PodFacts(ObjectPointer object)
    : pod(std::move(object)),
      key(client::key_of(*pod)),
      uid(client::uid_of(*pod)),
      namespace_name(client::namespace_of(*pod)),
      node_name(text_at(*pod, {"spec", "nodeName"})),
      priority(integer_at(*pod, {"spec", "priority"})),
      requests(pod_requests(spec())),
      controller_uid(text_at(client::controller_of(*pod), {"uid"})),
      has_anti_affinity(!list_at(*pod, {"spec", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"}).empty()) {
  for (const Json& container : list_at(spec(), {"containers"})) {
    const Json& wanted = find(container, {"resources", "requests"});
    score_cpu_milli += wanted.contains("cpu") ? quantity_milli(wanted["cpu"]) : default_score_cpu_milli;
    score_memory_bytes += wanted.contains("memory") ? quantity_units(wanted["memory"]) : default_score_memory_bytes;
    for (const Json& port : list_at(container, {"ports"})) {
      HostPort host_port;
      host_port.port = integer_at(port, {"hostPort"});
      if (host_port.port == 0) continue;
      host_port.protocol = text_at(port, {"protocol"}, "TCP");
      host_port.address = text_at(port, {"hostIP"}, "0.0.0.0");
      host_ports.push_back(std::move(host_port));
    }
  }
}

const Json& PodFacts::spec() const { return find(*pod, {"spec"}); }
const Json& PodFacts::labels() const { return client::labels_of(*pod); }

void NodeFacts::add(const PodFactsPointer& pod) {
  ASSERT(pods.count(pod->key) == 0);
  pods.emplace(pod->key, pod);
  requested.add(pod->requests);
  score_cpu_milli += pod->score_cpu_milli;
  score_memory_bytes += pod->score_memory_bytes;
  if (pod->has_anti_affinity) ++anti_affinity_count;
}

void NodeFacts::remove(const std::string& pod_key) {
  const auto found = pods.find(pod_key);
  if (found == pods.end()) return;
  const PodFacts& pod = *found->second;
  requested.subtract(pod.requests);
  score_cpu_milli -= pod.score_cpu_milli;
  score_memory_bytes -= pod.score_memory_bytes;
  if (pod.has_anti_affinity) --anti_affinity_count;
  pods.erase(found);
}

void ClusterState::set_node(ObjectPointer node) {
  NodeFacts& facts = nodes_[client::name_of(*node)];
  const Json& allocatable = find(*node, {"status", "allocatable"});
  facts.allocatable = read_resources(allocatable);
  facts.pods_max = allocatable.contains("pods") ? quantity_units(allocatable["pods"]) : 0;
  facts.node = std::move(node);
}

void ClusterState::remove_node(const std::string& name) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return;
  // Its pods may be told gone later than the node: keep their record until then.
  found->second.node = nullptr;
  if (found->second.pods.empty()) nodes_.erase(found);
}

void ClusterState::set_pod(ObjectPointer pod) {
  auto facts = std::make_shared<const PodFacts>(std::move(pod));
  ASSERT(!facts->node_name.empty());
  remove_pod(facts->key);
  nodes_[facts->node_name].add(facts);
  node_of_pod_[facts->key] = facts->node_name;
}

void ClusterState::remove_pod(const std::string& key) {
  assumed_.erase(key);
  const auto where = node_of_pod_.find(key);
  if (where == node_of_pod_.end()) return;
  const auto node = nodes_.find(where->second);
  ASSERT(node != nodes_.end());
  node->second.remove(key);
  if (node->second.node == nullptr && node->second.pods.empty()) nodes_.erase(node);
  node_of_pod_.erase(where);
}

void ClusterState::assume(const PodFactsPointer& pod, const std::string& node) {
  ASSERT(node_of_pod_.count(pod->key) == 0);
  nodes_[node].add(pod);
  node_of_pod_[pod->key] = node;
  assumed_.insert(pod->key);
}

void ClusterState::forget(const std::string& pod_key) {
  if (is_assumed(pod_key)) remove_pod(pod_key);
}

std::vector<const NodeFacts*> ClusterState::nodes() const {
  std::vector<const NodeFacts*> present;
  present.reserve(nodes_.size());
  for (const auto& [name, facts] : nodes_) {
    if (facts.node != nullptr) present.push_back(&facts);
  }
  return present;
}

const NodeFacts* ClusterState::node(const std::string& name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() || found->second.node == nullptr ? nullptr : &found->second;
}

}  // namespace skidpad::fakes::kube_scheduler

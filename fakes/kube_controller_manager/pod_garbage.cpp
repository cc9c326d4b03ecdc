#include "fakes/kube_controller_manager/pod_garbage.hpp"

namespace skidpad::fakes::kube_controller_manager {

std::vector<ObjectPointer> terminated_above(const std::vector<ObjectPointer>& pods, std::int64_t threshold) {
  std::vector<ObjectPointer> finished;
  for (const ObjectPointer& pod : pods) {
    if (client::is_pod_finished(*pod)) finished.push_back(pod);
  }
  const std::int64_t excess = std::int64_t(finished.size()) - threshold;
  if (threshold <= 0 || excess <= 0) return {};
  std::stable_sort(finished.begin(), finished.end(), [](const ObjectPointer& a, const ObjectPointer& b) {
    return text_at(*a, {"metadata", "creationTimestamp"}) < text_at(*b, {"metadata", "creationTimestamp"});
  });
  finished.resize(std::size_t(excess));
  return finished;
}

PodGarbageCollector::PodGarbageCollector(Surroundings& surroundings)
    : surroundings_(surroundings),
      runtime_(surroundings.runtime),
      pods_(surroundings.informers.informer(types::pods)),
      nodes_(surroundings.informers.informer(types::nodes)) {}

void PodGarbageCollector::start(runtime::TaskGroup& group) { group.spawn("pod garbage collector", run()); }

Task<void> PodGarbageCollector::run() {
  for (;;) {
    co_await sweep();
    co_await runtime_.sleep_for(surroundings_.settings.pod_gc_period);
  }
}

Task<std::set<std::string>> PodGarbageCollector::nodes_gone_for_good(std::vector<ObjectPointer> pods) {
  std::set<std::string> missing;
  for (const ObjectPointer& pod : pods) {
    const std::string node = text_at(*pod, {"spec", "nodeName"});
    if (!node.empty() && nodes_.store().find(node) == nullptr) missing.insert(node);
  }
  for (auto entry = quarantine_.begin(); entry != quarantine_.end();) {
    entry = missing.count(entry->first) == 0 ? quarantine_.erase(entry) : std::next(entry);
  }
  std::set<std::string> gone;
  for (const std::string& node : missing) {
    const auto since = quarantine_.try_emplace(node, runtime_.now()).first->second;
    if (runtime_.now() - since < surroundings_.settings.pod_gc_quarantine) continue;
    // The cache may lag: only the API's own word counts.
    auto fresh = co_await surroundings_.client.get(types::nodes, "", node);
    if (!fresh && fresh.error().code == ErrorCode::not_found) gone.insert(node);
  }
  co_return gone;
}

Task<void> PodGarbageCollector::remove(ObjectPointer pod, std::string disruption_message) {
  const std::string& namespace_name = client::namespace_of(*pod);
  const std::string& name = client::name_of(*pod);
  if (!client::is_pod_finished(*pod)) {
    Json patch = Json::object();
    patch["metadata"]["uid"] = client::uid_of(*pod);
    patch["status"]["phase"] = "Failed";
    if (!disruption_message.empty()) {
      Json condition = Json::object();
      condition["type"] = "DisruptionTarget";
      condition["status"] = "True";
      condition["reason"] = "DeletionByPodGC";
      condition["message"] = disruption_message;
      condition["lastTransitionTime"] = runtime::format_rfc3339(runtime_.wall_now());
      patch["status"]["conditions"] = Json::array();
      patch["status"]["conditions"].push_back(std::move(condition));
    }
    auto marked = co_await surroundings_.client.patch(types::pods, namespace_name, name, PatchType::strategic, std::move(patch), "status");
    if (!marked) co_return;  // next sweep
  }
  client::DeleteOptions options;
  options.grace_period_seconds = 0;
  options.uid = client::uid_of(*pod);
  auto removed = co_await surroundings_.client.remove(types::pods, namespace_name, name, options);
  client::Metrics::Labels labels;
  labels["namespace"] = namespace_name;
  surroundings_.metrics.count(removed ? "pod_gc_collector_force_delete_pods_total" : "pod_gc_collector_force_delete_pod_errors_total", labels);
}

Task<void> PodGarbageCollector::sweep() {
  std::vector<ObjectPointer> pods;
  for (const auto& [key, pod] : pods_.store().objects()) pods.push_back(pod);
  for (const ObjectPointer& pod : terminated_above(pods, surroundings_.settings.terminated_pod_gc_threshold)) co_await remove(pod, "");

  // A node declared out of service takes its terminating pods with it.
  for (const ObjectPointer& pod : pods) {
    if (!client::is_deleting(*pod)) continue;
    const ObjectPointer node = nodes_.store().find(text_at(*pod, {"spec", "nodeName"}));
    if (node == nullptr || client::is_node_ready(*node)) continue;
    bool out_of_service = false;
    for (const Json& taint : list_at(*node, {"spec", "taints"})) {
      out_of_service = out_of_service || text_at(taint, {"key"}) == "node.kubernetes.io/out-of-service";
    }
    if (out_of_service) co_await remove(pod, "");
  }

  const std::set<std::string> gone = co_await nodes_gone_for_good(pods);
  for (const ObjectPointer& pod : pods) {
    if (gone.count(text_at(*pod, {"spec", "nodeName"})) != 0) co_await remove(pod, "PodGC: node no longer exists");
  }
  for (const ObjectPointer& pod : pods) {
    if (client::is_deleting(*pod) && text_at(*pod, {"spec", "nodeName"}).empty()) co_await remove(pod, "");
  }
}

}  // namespace skidpad::fakes::kube_controller_manager

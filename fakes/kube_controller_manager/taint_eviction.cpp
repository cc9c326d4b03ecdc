#include "fakes/kube_controller_manager/taint_eviction.hpp"

namespace skidpad::fakes::kube_controller_manager {

std::optional<Duration> tolerated_time(const Json& pod, const Json& node) {
  bool tainted = false;
  std::optional<Duration> shortest;
  for (const Json& taint : list_at(node, {"spec", "taints"})) {
    if (text_at(taint, {"effect"}) != "NoExecute") continue;
    tainted = true;
    bool tolerated = false;
    for (const Json& toleration : list_at(pod, {"spec", "tolerations"})) {
      Json only = Json::array();
      only.push_back(toleration);
      if (!client::tolerates(only, taint)) continue;
      tolerated = true;
      const Json& limit = find(toleration, {"tolerationSeconds"});
      if (limit.is_number_integer()) {
        const Duration time = std::chrono::seconds(std::max<std::int64_t>(0, limit.get<std::int64_t>()));
        if (!shortest || time < *shortest) shortest = time;
      }
      break;  // the first toleration that fits is the one that counts
    }
    if (!tolerated) return Duration::zero();
  }
  return tainted ? shortest : std::nullopt;
}

TaintEvictionController::TaintEvictionController(Surroundings& surroundings)
    : QueueController(surroundings, "noexec_taint_pod", "taint-eviction-controller", 8),
      nodes_(surroundings.informers.informer(types::nodes)),
      pods_(surroundings.informers.informer(types::pods)) {
  pods_.store().add_index("node", [](const Json& pod, std::vector<std::string>& values) {
    values.push_back(text_at(pod, {"spec", "nodeName"}));
  });
  const auto has_no_execute = [](const Json& node) {
    for (const Json& taint : list_at(node, {"spec", "taints"})) {
      if (text_at(taint, {"effect"}) == "NoExecute") return true;
    }
    return false;
  };
  const auto enqueue_pods_of = [this](const Json& node) {
    for (const ObjectPointer& pod : pods_.store().by_index("node", client::name_of(node))) enqueue(*pod);
  };
  client::InformerHandler nodes;
  nodes.added = [=](const ObjectPointer& node) {
    if (has_no_execute(*node)) enqueue_pods_of(*node);
  };
  nodes.updated = [=](const ObjectPointer& before, const ObjectPointer& now) {
    if (find(*before, {"spec", "taints"}) != find(*now, {"spec", "taints"})) enqueue_pods_of(*now);
  };
  nodes_.add_handler(std::move(nodes));
  client::InformerHandler pods;
  pods.added = [=, this](const ObjectPointer& pod) {
    const std::string node_name = text_at(*pod, {"spec", "nodeName"});
    const ObjectPointer node = node_name.empty() ? nullptr : nodes_.store().find(node_name);
    if (node != nullptr && has_no_execute(*node)) enqueue(*pod);
  };
  pods.updated = [this](const ObjectPointer& before, const ObjectPointer& now) {
    if (find(*before, {"spec", "nodeName"}) != find(*now, {"spec", "nodeName"}) ||
        find(*before, {"spec", "tolerations"}) != find(*now, {"spec", "tolerations"})) {
      enqueue(*now);
    }
  };
  pods.deleted = [this](const ObjectPointer& pod) { scheduled_.erase(client::key_of(*pod)); };
  pods_.add_handler(std::move(pods));
}

Task<Result<void>> TaintEvictionController::evict(ObjectPointer pod) {
  const std::string key = client::key_of(*pod);
  events_.record(*pod, types::pods, EventType::normal, "TaintManagerEviction", "Marking for deletion Pod " + key);
  if (!client::is_deleting(*pod)) {
    Json condition = Json::object();
    condition["type"] = "DisruptionTarget";
    condition["status"] = "True";
    condition["reason"] = "DeletionByTaintManager";
    condition["message"] = "Taint manager: deleting due to NoExecute taint";
    condition["lastTransitionTime"] = runtime::format_rfc3339(now());
    Json patch = Json::object();
    patch["metadata"]["uid"] = client::uid_of(*pod);
    patch["status"]["conditions"] = Json::array();
    patch["status"]["conditions"].push_back(std::move(condition));
    auto marked = co_await client_.patch(types::pods, client::namespace_of(*pod), client::name_of(*pod), PatchType::strategic,
                                         std::move(patch), "status");
    if (!marked && marked.error().code == ErrorCode::not_found) co_return success();
    if (!marked) co_return marked.error();
  }
  client::DeleteOptions options;
  options.uid = client::uid_of(*pod);
  auto removed = co_await client_.remove(types::pods, client::namespace_of(*pod), client::name_of(*pod), options);
  if (!removed && removed.error().code != ErrorCode::not_found && removed.error().code != ErrorCode::conflict) co_return removed.error();
  surroundings_.metrics.count("taint_eviction_controller_pod_deletions_total");
  co_return success();
}

Task<Result<void>> TaintEvictionController::reconcile(std::string key) {
  const ObjectPointer pod = pods_.store().find(key);
  const std::string node_name = pod == nullptr ? "" : text_at(*pod, {"spec", "nodeName"});
  const ObjectPointer node = node_name.empty() ? nullptr : nodes_.store().find(node_name);
  if (node == nullptr) {
    scheduled_.erase(key);
    co_return success();
  }
  const auto time = tolerated_time(*pod, *node);
  if (!time) {
    if (scheduled_.erase(key) != 0) {
      events_.record(*pod, types::pods, EventType::normal, "TaintManagerEviction", "Cancelling deletion of Pod " + key);
    }
    co_return success();
  }
  if (client::is_deleting(*pod)) co_return success();
  auto [entry, is_new] = scheduled_.try_emplace(key);
  if (is_new || entry->second.uid != client::uid_of(*pod)) {
    entry->second.uid = client::uid_of(*pod);
    entry->second.began = runtime_.now();
  }
  const Duration left = entry->second.began + *time - runtime_.now();
  if (left > Duration::zero()) {
    queue_.add_after(key, left);
    co_return success();
  }
  scheduled_.erase(entry);
  co_return co_await evict(pod);
}

}  // namespace skidpad::fakes::kube_controller_manager

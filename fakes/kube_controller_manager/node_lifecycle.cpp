#include "fakes/kube_controller_manager/node_lifecycle.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

constexpr std::int64_t no_schedule_workers = 8;

}  // namespace

NodeLifecycleController::NodeLifecycleController(Surroundings& surroundings)
    : QueueController(surroundings, "node_lifecycle_controller", "node-controller", no_schedule_workers),
      nodes_(surroundings.informers.informer(types::nodes)),
      node_leases_(surroundings.informers.informer(types::leases)),
      pods_(surroundings.informers.informer(types::pods)) {
  pods_.store().add_index("node", [](const Json& pod, std::vector<std::string>& values) {
    values.push_back(text_at(pod, {"spec", "nodeName"}));
  });
  client::InformerHandler handler;
  handler.added = [this](const ObjectPointer& node) { enqueue(*node); };
  handler.updated = [this](const ObjectPointer& before, const ObjectPointer& now) {
    if (find(*before, {"spec"}) != find(*now, {"spec"}) || wanted_no_schedule_taints(*before) != wanted_no_schedule_taints(*now)) enqueue(*now);
  };
  nodes_.add_handler(std::move(handler));
  surroundings.metrics.describe("node_collector_zone_size", "Gauge measuring number of registered Nodes per zones.");
  surroundings.metrics.describe("node_collector_zone_health", "Gauge measuring percentage of healthy nodes per zone.");
  surroundings.metrics.describe("node_collector_unhealthy_nodes_in_zone", "Gauge measuring number of not Ready Nodes per zones.");
  surroundings.metrics.describe("node_collector_evictions_total", "Number of Node evictions that happened since current instance of NodeController started.");
}

void NodeLifecycleController::start(runtime::TaskGroup& group) {
  QueueController::start(group);
  group.spawn("node monitor", monitor());
}

void NodeLifecycleController::record(const Json& node, const std::string& reason, const std::string& message) {
  // As the real one: the UID is the name for nodes, and the namespace default.
  Json reference = Json::object();
  reference["kind"] = "Node";
  reference["apiVersion"] = "v1";
  reference["name"] = client::name_of(node);
  reference["uid"] = client::uid_of(node);
  events_.record_about(std::move(reference), EventType::normal, reason, message);
}

Task<Result<void>> NodeLifecycleController::reconcile(std::string key) {
  const ObjectPointer node = nodes_.store().find(key);
  if (node == nullptr) co_return success();
  Json taints = taints_with_no_schedule(*node, wanted_no_schedule_taints(*node), now());
  if (taints.is_null()) co_return success();
  // With the version we decided on: a conflict means that something newer should be looked at.
  Json patch = Json::object();
  patch["metadata"]["resourceVersion"] = client::resource_version_of(*node);
  patch["spec"]["taints"] = taints.empty() ? Json() : std::move(taints);
  auto patched = co_await client_.patch(types::nodes, "", key, PatchType::merge, std::move(patch));
  if (!patched && patched.error().code != ErrorCode::not_found) co_return patched.error();
  co_return success();
}

Task<Result<void>> NodeLifecycleController::set_no_execute(std::string name, std::string wanted) {
  const WallTime time = now();
  bool tainted = false;
  client::KubernetesClient::Change change = [&wanted, &tainted, time](Json& node) {
    Json taints = taints_with_no_execute(node, wanted, time);
    if (taints.is_null()) return false;
    tainted = true;
    if (taints.empty()) {
      node["spec"].erase("taints");
    } else {
      node["spec"]["taints"] = std::move(taints);
    }
    return true;
  };
  const ObjectPointer cached = nodes_.store().find(name);
  if (cached == nullptr) co_return success();
  if (taints_with_no_execute(*cached, wanted, time).is_null()) co_return success();
  auto updated = co_await client_.update_with_retry(types::nodes, "", name, change);
  if (!updated && updated.error().code == ErrorCode::not_found) co_return success();
  if (!updated) co_return updated.error();
  if (tainted && !wanted.empty()) {
    client::Metrics::Labels labels;
    labels["zone"] = zone_of(*cached);
    surroundings_.metrics.count("node_collector_evictions_total", labels);
  }
  co_return success();
}

void NodeLifecycleController::wait_for_taint(const std::string& zone, const std::string& node) {
  auto& waiting = zones_[zone].to_taint;
  if (std::find(waiting.begin(), waiting.end(), node) == waiting.end()) waiting.push_back(node);
}

void NodeLifecycleController::no_longer_waiting(const std::string& node) {
  for (auto& [name, zone] : zones_) {
    const auto found = std::find(zone.to_taint.begin(), zone.to_taint.end(), node);
    if (found != zone.to_taint.end()) zone.to_taint.erase(found);
  }
}

Task<void> NodeLifecycleController::mark_pods_not_ready(ObjectPointer node) {
  KnownNode& known = known_[client::name_of(*node)];
  known.pods_to_mark = false;
  for (const ObjectPointer& pod : pods_.store().by_index("node", client::name_of(*node))) {
    if (client::condition_status(*pod, "Ready") != "True") continue;
    Json changed = *pod;
    for (Json& condition : changed["status"]["conditions"]) {
      if (text_at(condition, {"type"}) != "Ready") continue;
      condition["status"] = "False";
      condition["lastTransitionTime"] = runtime::format_rfc3339(now());
    }
    auto updated = co_await client_.update_status(types::pods, std::move(changed));
    if (updated) {
      events_.record(*pod, types::pods, EventType::warning, "NodeNotReady", "Node is not ready");
    } else if (updated.error().code != ErrorCode::not_found) {
      known_[client::name_of(*node)].pods_to_mark = true;
    }
  }
}

Task<bool> NodeLifecycleController::is_silent(ObjectPointer node, ObjectPointer node_lease) {
  // A watch that hangs on a dead API server shows every node as silent: only the API's own word is enough to say so.
  const std::string name = client::name_of(*node);
  const Duration patience = std::max<Duration>(surroundings_.settings.node_monitor_period, std::chrono::seconds(1));
  client::KubernetesClient& reader = surroundings_.informers.client();
  client::ListOptions only;
  only.namespace_name = "kube-node-lease";
  only.field_selector = "metadata.name=" + name;
  auto asking = runtime::with_timeout<client::ObjectList>(runtime_, patience, reader.list(types::leases, only), "looking at a node's lease");
  auto fresh = co_await std::move(asking);
  if (fresh && fresh.value().items.empty()) co_return true;
  const std::string renewed = fresh ? text_at(*fresh.value().items.front(), {"spec", "renewTime"}) : "";
  const std::string renewed_as_seen = node_lease == nullptr ? "" : text_at(*node_lease, {"spec", "renewTime"});
  if (fresh && renewed == renewed_as_seen) co_return true;
  if (fresh) {
    known_[name].observation.alive_at = runtime_.now();
    known_[name].observation.renewed = renewed;
  }
  reader.reconnect();
  co_return false;
}

Task<void> NodeLifecycleController::look_at(ObjectPointer node, bool first_seen) {
  const std::string name = client::name_of(*node);
  const ObjectPointer node_lease = node_leases_.store().find("kube-node-lease", name);
  KnownNode& known = known_[name];
  known.last = node;
  NodeHealth health =
      judge_node(*node, node_lease.get(), known.observation, first_seen, surroundings_.settings, runtime_.now(), now());
  known.ready_now = health.ready_now;
  const bool needs_marking = known.pods_to_mark;
  if (!health.conditions.is_null()) {
    const bool silent = co_await is_silent(node, node_lease);
    if (!silent) {
      known_[name].ready_now = health.ready_before;
      co_return;
    }
  }
  if (!health.conditions.is_null()) {
    Json changed = *node;
    changed["status"]["conditions"] = std::move(health.conditions);
    auto updated = co_await client_.update_status(types::nodes, std::move(changed));
    // Conflict: something newer is on its way to us, perhaps a sign of life. Look again at the next beat.
    if (!updated) co_return;
    node = std::make_shared<const Json>(std::move(updated.value()));
  }
  if (health.ready_now == "True") {
    no_longer_waiting(name);
    auto cleared = co_await set_no_execute(name, "");
    (void)cleared;  // again at the next beat
  } else {
    const std::string wanted = health.ready_now == "False" ? taint_not_ready : taint_unreachable;
    const std::string other = health.ready_now == "False" ? taint_unreachable : taint_not_ready;
    bool has_wanted = false;
    bool has_other = false;
    for (const Json& taint : list_at(*node, {"spec", "taints"})) {
      if (text_at(taint, {"effect"}) != "NoExecute") continue;
      has_wanted = has_wanted || text_at(taint, {"key"}) == wanted;
      has_other = has_other || text_at(taint, {"key"}) == other;
    }
    if (has_other) {
      auto swapped = co_await set_no_execute(name, wanted);
      (void)swapped;
    } else if (!has_wanted) {
      wait_for_taint(zone_of(*node), name);
    }
  }
  if (health.ready_before == "True" && health.ready_now != "True") {
    record(*node, "NodeNotReady", "Node " + name + " status is now: NodeNotReady");
    co_await mark_pods_not_ready(node);
  } else if (needs_marking && health.ready_now != "True") {
    co_await mark_pods_not_ready(node);
  } else if (health.ready_now == "False" && first_seen) {
    co_await mark_pods_not_ready(node);
  }
}

void NodeLifecycleController::judge_zones() {
  std::map<std::string, ZoneCount> counts;
  for (const auto& [name, known] : known_) {
    ZoneCount& count = counts[zone_of(*known.last)];
    known.ready_now == "True" ? ++count.ready : ++count.not_ready;
  }
  bool all_disrupted = !counts.empty();
  std::map<std::string, ZoneState> states;
  for (const auto& [name, count] : counts) {
    states[name] = zone_state(count, surroundings_.settings.unhealthy_zone_threshold);
    all_disrupted = all_disrupted && states[name] == ZoneState::full_disruption;
    client::Metrics::Labels labels;
    labels["zone"] = name;
    const double size = double(count.ready + count.not_ready);
    surroundings_.metrics.set("node_collector_zone_size", size, labels);
    surroundings_.metrics.set("node_collector_unhealthy_nodes_in_zone", double(count.not_ready), labels);
    surroundings_.metrics.set("node_collector_zone_health", 100 * double(count.ready) / size, labels);
  }
  if (all_disrupted) {
    // When no node at all is heard from, the fault is more likely ours: nothing is evicted, and what was begun is taken back.
    for (auto& [name, zone] : zones_) {
      zone.to_taint.clear();
      zone.rate = 0;
      zone.state = ZoneState::full_disruption;
    }
    if (!all_disrupted_) {
      for (auto& [name, known] : known_) taints_to_take_back_.push_back(name);
    }
    all_disrupted_ = true;
    return;
  }
  if (all_disrupted_) {
    // Signs of life again: everyone gets a whole grace period before being judged.
    for (auto& [name, known] : known_) known.observation.alive_at = runtime_.now();
    all_disrupted_ = false;
    for (auto& [name, zone] : zones_) zone.state = ZoneState::initial;
  }
  for (const auto& [name, state] : states) {
    Zone& zone = zones_[name];
    const ZoneCount& count = counts[name];
    if (zone.state == state && zone.rate == eviction_rate(state, count.ready + count.not_ready, surroundings_.settings)) continue;
    zone.state = state;
    zone.rate = eviction_rate(state, count.ready + count.not_ready, surroundings_.settings);
  }
}

Task<void> NodeLifecycleController::taint_waiting() {
  while (!taints_to_take_back_.empty()) {
    const std::string name = taints_to_take_back_.front();
    taints_to_take_back_.pop_front();
    auto cleared = co_await set_no_execute(name, "");
    (void)cleared;
  }
  std::vector<std::pair<std::string, std::string>> due;
  for (auto& [zone_name, zone] : zones_) {
    while (!zone.to_taint.empty() && zone.rate > 0 && zone.next_at <= runtime_.now()) {
      due.emplace_back(zone_name, zone.to_taint.front());
      zone.to_taint.pop_front();
      zone.next_at = runtime_.now() + runtime::from_seconds(1 / zone.rate);
    }
  }
  for (const auto& [zone_name, name] : due) {
    const auto known = known_.find(name);
    if (known == known_.end() || known->second.ready_now == "True") continue;
    const std::string wanted = known->second.ready_now == "False" ? taint_not_ready : taint_unreachable;
    auto tainted = co_await set_no_execute(name, wanted);
    if (!tainted) wait_for_taint(zone_name, name);
  }
}

Task<void> NodeLifecycleController::monitor_once() {
  std::vector<std::string> gone;
  for (const auto& [name, known] : known_) {
    if (nodes_.store().find(name) == nullptr) gone.push_back(name);
  }
  for (const std::string& name : gone) {
    record(*known_[name].last, "RemovingNode", "Node " + name + " event: Removing Node " + name + " from Controller");
    known_.erase(name);
    no_longer_waiting(name);
  }
  std::vector<ObjectPointer> nodes;
  for (const auto& [name, node] : nodes_.store().objects()) nodes.push_back(node);
  for (const ObjectPointer& node : nodes) {
    const std::string& name = client::name_of(*node);
    const bool first_seen = known_.count(name) == 0;
    if (first_seen) record(*node, "RegisteredNode", "Node " + name + " event: Registered Node " + name + " in Controller");
    co_await look_at(node, first_seen);
  }
  judge_zones();
}

Task<void> NodeLifecycleController::monitor() {
  constexpr Duration taint_beat = std::chrono::milliseconds(100);
  runtime::Instant look_next = runtime_.now();
  for (;;) {
    if (runtime_.now() >= look_next) {
      look_next = runtime_.now() + surroundings_.settings.node_monitor_period;
      co_await monitor_once();
    }
    co_await taint_waiting();
    // Beat quickly only while something waits for a taint that a zone's rate will allow soon.
    runtime::Instant next = look_next;
    for (const auto& [name, zone] : zones_) {
      if (!zone.to_taint.empty() && zone.rate > 0) next = std::min(next, std::max(zone.next_at, runtime_.now() + taint_beat));
    }
    co_await runtime_.sleep_until(next);
  }
}

}  // namespace skidpad::fakes::kube_controller_manager

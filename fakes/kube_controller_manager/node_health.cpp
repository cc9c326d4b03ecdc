#include "fakes/kube_controller_manager/node_health.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

constexpr std::array<const char*, 4> judged_conditions{"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"};

bool is_managed_no_schedule(const std::string& key) {
  return key == taint_not_ready || key == taint_unreachable || key == taint_unschedulable || key == "node.kubernetes.io/memory-pressure" ||
         key == "node.kubernetes.io/disk-pressure" || key == "node.kubernetes.io/pid-pressure" ||
         key == "node.kubernetes.io/network-unavailable";
}

Json make_taint(const std::string& key, const char* effect, WallTime now) {
  Json taint = Json::object();
  taint["key"] = key;
  taint["effect"] = effect;
  taint["timeAdded"] = runtime::format_rfc3339(now);
  return taint;
}

Json unknown_conditions(const Json& node, WallTime wall) {
  Json conditions = find(node, {"status", "conditions"});
  if (!conditions.is_array()) conditions = Json::array();
  const std::string time = runtime::format_rfc3339(wall);
  for (const char* type : judged_conditions) {
    Json* known = nullptr;
    for (Json& condition : conditions) {
      if (text_at(condition, {"type"}) == type) known = &condition;
    }
    if (known == nullptr) {
      Json condition = Json::object();
      condition["type"] = type;
      condition["status"] = "Unknown";
      condition["reason"] = "NodeStatusNeverUpdated";
      condition["message"] = "Kubelet never posted node status.";
      condition["lastHeartbeatTime"] = find(node, {"metadata", "creationTimestamp"});
      condition["lastTransitionTime"] = time;
      conditions.push_back(std::move(condition));
    } else if (text_at(*known, {"status"}) != "Unknown") {
      (*known)["status"] = "Unknown";
      (*known)["reason"] = "NodeStatusUnknown";
      (*known)["message"] = "Kubelet stopped posting node status.";
      (*known)["lastTransitionTime"] = time;
    }
  }
  return conditions;
}

}  // namespace

NodeHealth judge_node(const Json& node, const Json* node_lease, NodeObservation& observation, bool first_seen, const Settings& settings,
                      runtime::Instant now, WallTime wall) {
  const Json& ready = client::condition_of(node, "Ready");
  NodeHealth health;
  health.ready_before = text_at(ready, {"status"}, "Unknown");
  health.ready_now = health.ready_before;
  const std::string heartbeat = text_at(ready, {"lastHeartbeatTime"});
  const std::string renewed = node_lease == nullptr ? "" : text_at(*node_lease, {"spec", "renewTime"});
  // A change of the status by ourselves is no sign of life; a newer heartbeat or Lease is.
  const bool heartbeat_moved = heartbeat != observation.heartbeat || (observation.ready_status.empty() && ready.is_object());
  const bool lease_moved = !renewed.empty() && renewed != observation.renewed;
  if (first_seen || heartbeat_moved || lease_moved) observation.alive_at = now;
  observation.heartbeat = heartbeat;
  observation.ready_status = text_at(ready, {"status"});
  observation.renewed = renewed;

  const Duration grace = ready.is_object() ? settings.node_monitor_grace_period : settings.node_startup_grace_period;
  if (now - observation.alive_at <= grace) return health;
  health.ready_now = "Unknown";
  if (ready.is_object() && health.ready_before == "Unknown") return health;
  Json conditions = unknown_conditions(node, wall);
  if (conditions != find(node, {"status", "conditions"})) health.conditions = std::move(conditions);
  return health;
}

std::vector<std::string> wanted_no_schedule_taints(const Json& node) {
  std::vector<std::string> wanted;
  for (const Json& condition : list_at(node, {"status", "conditions"})) {
    const std::string type = text_at(condition, {"type"});
    const std::string status = text_at(condition, {"status"});
    if (type == "Ready" && status == "False") wanted.push_back(taint_not_ready);
    if (type == "Ready" && status == "Unknown") wanted.push_back(taint_unreachable);
    if (type == "MemoryPressure" && status == "True") wanted.push_back("node.kubernetes.io/memory-pressure");
    if (type == "DiskPressure" && status == "True") wanted.push_back("node.kubernetes.io/disk-pressure");
    if (type == "PIDPressure" && status == "True") wanted.push_back("node.kubernetes.io/pid-pressure");
    if (type == "NetworkUnavailable" && status == "True") wanted.push_back("node.kubernetes.io/network-unavailable");
  }
  if (runtime::bool_at(node, {"spec", "unschedulable"})) wanted.push_back(taint_unschedulable);
  return wanted;
}

Json taints_with_no_schedule(const Json& node, const std::vector<std::string>& wanted, WallTime now) {
  Json taints = Json::array();
  std::set<std::string> missing(wanted.begin(), wanted.end());
  bool changed = false;
  for (const Json& taint : list_at(node, {"spec", "taints"})) {
    const std::string key = text_at(taint, {"key"});
    if (text_at(taint, {"effect"}) == "NoSchedule" && is_managed_no_schedule(key) && missing.erase(key) == 0) {
      changed = true;
      continue;
    }
    taints.push_back(taint);
  }
  for (const std::string& key : wanted) {
    if (missing.erase(key) == 0) continue;
    taints.push_back(make_taint(key, "NoSchedule", now));
    changed = true;
  }
  return changed ? taints : Json();
}

Json taints_with_no_execute(const Json& node, const std::string& wanted, WallTime now) {
  Json taints = Json::array();
  bool present = false;
  bool changed = false;
  for (const Json& taint : list_at(node, {"spec", "taints"})) {
    const std::string key = text_at(taint, {"key"});
    if (text_at(taint, {"effect"}) == "NoExecute" && (key == taint_not_ready || key == taint_unreachable)) {
      if (key != wanted) {
        changed = true;
        continue;
      }
      present = true;
    }
    taints.push_back(taint);
  }
  if (!wanted.empty() && !present) {
    taints.push_back(make_taint(wanted, "NoExecute", now));
    changed = true;
  }
  return changed ? taints : Json();
}

ZoneState zone_state(const ZoneCount& count, double unhealthy_threshold) {
  if (count.ready == 0 && count.not_ready > 0) return ZoneState::full_disruption;
  if (count.not_ready > 2 && double(count.not_ready) / double(count.not_ready + count.ready) >= unhealthy_threshold) {
    return ZoneState::partial_disruption;
  }
  return ZoneState::normal;
}

double eviction_rate(ZoneState state, std::size_t node_count, const Settings& settings) {
  if (state != ZoneState::partial_disruption) return settings.node_eviction_rate;
  return std::int64_t(node_count) > settings.large_cluster_size_threshold ? settings.secondary_node_eviction_rate : 0;
}

std::string zone_of(const Json& node) {
  const std::string zone = text_at(node, {"metadata", "labels", "topology.kubernetes.io/zone"});
  const std::string region = text_at(node, {"metadata", "labels", "topology.kubernetes.io/region"});
  return region + ":" + zone;
}

}  // namespace skidpad::fakes::kube_controller_manager

#include "controllers/node_healer/node_tracker.hpp"

namespace skidpad::controllers::node_healer {

using runtime::text_at;

namespace {

bool is_plane_role(std::string_view key) {
  return key == "node-role.kubernetes.io/control-plane" || key == "node-role.kubernetes.io/etcd" || key == "node-role.kubernetes.io/master";
}

bool belongs_to_a_plane(const Json& node) {
  for (const auto& [key, value] : client::labels_of(node).items()) {
    if (is_plane_role(key)) return true;
  }
  for (const Json& taint : runtime::list_at(node, {"spec", "taints"})) {
    if (is_plane_role(text_at(taint, {"key"}))) return true;
  }
  return false;
}

NodeSight sight_of(const Json& node) {
  NodeSight sight;
  sight.name = client::name_of(node);
  sight.uid = client::uid_of(node);
  sight.ready_status = client::condition_status(node, "Ready");
  sight.ready = sight.ready_status == "True";
  sight.transition = text_at(client::condition_of(node, "Ready"), {"lastTransitionTime"});
  sight.control_plane = belongs_to_a_plane(node);
  const Json& annotations = client::annotations_of(node);
  sight.skip = annotations.contains(annotations::skip_remediation);
  sight.paused = annotations.contains(annotations::paused);
  sight.remediate = annotations.contains(annotations::remediate);
  sight.zone = text_at(client::labels_of(node), {"topology.kubernetes.io/zone"});
  sight.created = client::created_at(node).value_or(WallTime{});
  return sight;
}

bool same_to_a_decision(const NodeSight& a, const NodeSight& b) {
  return a.uid == b.uid && a.ready_status == b.ready_status && a.transition == b.transition && a.control_plane == b.control_plane &&
         a.skip == b.skip && a.paused == b.paused && a.remediate == b.remediate && a.zone == b.zone;
}

}  // namespace

bool NodeTracker::saw(const Json& node, Seen seen, Instant now, WallTime wall_now) {
  NodeSight sight = sight_of(node);
  const auto known = nodes_.find(sight.name);
  const NodeSight* before = known != nodes_.end() && known->second.uid == sight.uid ? &known->second : nullptr;
  sight.not_ready_since = now;
  if (!sight.ready && before != nullptr && !before->ready) {
    // A later transition to the same status means that it was Ready in between and we missed it.
    const bool was_ready_between = before->ready_status == sight.ready_status && before->transition != sight.transition;
    if (!was_ready_between) sight.not_ready_since = before->not_ready_since;
  } else if (!sight.ready && before == nullptr && seen == Seen::in_first_list) {
    WallTime since{};
    if (runtime::parse_rfc3339(sight.transition, since) && since < wall_now) sight.not_ready_since = now - (wall_now - since);
  }
  const bool changed = before == nullptr || !same_to_a_decision(*before, sight);
  nodes_[sight.name] = std::move(sight);
  return changed;
}

std::optional<NodeSight> NodeTracker::gone(const std::string& name) {
  const auto known = nodes_.find(name);
  if (known == nodes_.end()) return std::nullopt;
  NodeSight last = std::move(known->second);
  nodes_.erase(known);
  return last;
}

const NodeSight* NodeTracker::find(const std::string& name) const {
  const auto known = nodes_.find(name);
  return known == nodes_.end() ? nullptr : &known->second;
}

}  // namespace skidpad::controllers::node_healer

/// @file node_tracker.hpp
/// What nodes look like, and since when they have not been Ready, by our own monotonic clock.
/// Promise: a step of any wall clock makes no node look older than it is, except for nodes that were not Ready when we first
/// listed them: of those only their lastTransitionTime tells.
#pragma once

#include <map>

#include "controllers/node_healer/settings.hpp"
#include "harness/client/kubernetes/object.hpp"

namespace skidpad::controllers::node_healer {

namespace annotations {
inline constexpr char skip_remediation[] = "skidpad.dev/skip-remediation";
inline constexpr char paused[] = "skidpad.dev/paused";
inline constexpr char remediate[] = "skidpad.dev/remediate";  ///< replace it although it looks well
}  // namespace annotations

struct NodeSight {
  std::string name;
  std::string uid;
  bool ready = false;
  std::string ready_status;       ///< "True", "False", "Unknown", "" before the first
  std::string transition;         ///< lastTransitionTime of the Ready condition as written
  Instant not_ready_since{};      ///< means nothing while ready
  bool control_plane = false;     ///< by label or taint: control plane or etcd, so not ours
  bool skip = false;              ///< skip-remediation
  bool paused = false;
  bool remediate = false;
  std::string zone;               ///< topology.kubernetes.io/zone; "" without
  WallTime created{};
};

enum class Seen { in_first_list, live };

class NodeTracker {
 public:
  /// Returns whether anything changed that a decision could rest on.
  bool saw(const Json& node, Seen seen, Instant now, WallTime wall_now);
  /// The last sight of it, if it was known.
  std::optional<NodeSight> gone(const std::string& name);
  const std::map<std::string, NodeSight>& nodes() const { return nodes_; }
  /// Null if there is none.
  const NodeSight* find(const std::string& name) const;

 private:
  std::map<std::string, NodeSight> nodes_;
};

}  // namespace skidpad::controllers::node_healer

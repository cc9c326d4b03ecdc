/// @file decision.hpp
/// Which worker to replace now, if any: pure, from what is seen and remembered.
/// Promise: at most one; never one of the control plane, never a paused or skipped one, none above the fuse, none while a whole
/// zone or the whole cluster is away.
#pragma once

#include <optional>
#include <vector>

#include "controllers/node_healer/healer_state.hpp"
#include "controllers/node_healer/node_tracker.hpp"

namespace skidpad::controllers::node_healer {

/// One worker: its machine, its Node, or both.
struct Worker {
  std::string name;
  std::optional<NodeSight> node;
  bool machine_listed = false;
  Duration machine_age{};       ///< since it was first listed, by our clock; of a machine older than us by its own time
  bool joined = false;          ///< its Node was seen at some time
};

struct Observation {
  std::vector<Worker> workers;  ///< in name order
  std::map<std::string, NodeSight> nodes;  ///< all of the cluster
  bool machines_known = false;  ///< the provider answered just now, and believably
  Instant now{};
  WallTime wall_now{};
  /// Nothing is started in that zone before; "" is the whole cluster.
  std::map<std::string, Instant> hold_until;
};

/// Why a worker should be replaced; the order is that of N12.
enum class Ailment { annotated, no_node, machine_gone, never_joined, not_ready };

struct Trouble {
  std::string worker;
  std::string uid;
  std::string zone;
  Ailment ailment = Ailment::not_ready;
  std::string reason;           ///< for people
  WallTime created{};
};

enum class Verb { nothing, wait, restrict, start };

struct Decision {
  Verb verb = Verb::nothing;
  std::string why;                        ///< of wait and restrict
  std::vector<Trouble> troubles;          ///< all, best first
  std::optional<Trouble> chosen;          ///< to start
  std::optional<std::string> gives_up;    ///< a slot whose retries are used up, said for the first time
  std::size_t worker_count = 0;
  std::size_t unhealthy_count = 0;
  std::size_t unhealthy_allowed = 0;
  std::vector<std::string> zones_away;    ///< every node of it is lost at once; "" is the whole cluster
  std::optional<Duration> look_again_in;  ///< when time alone may change the decision
};

/// Those not Ready, without a Node, or annotated to be replaced: what the fuse counts.
std::size_t unhealthy_count(const std::vector<Worker>& workers);
/// Wait after so many failures in a row.
Duration retry_wait(const Policy& policy, std::int64_t failures);
/// Failures in a row that count now: a replacement lost within healthy_min counts, one that lasted clears the count.
std::int64_t failures_now(const Policy& policy, const Slot& slot, WallTime wall_now);
/// `state.open` must be none.
Decision decide(const Policy& policy, const Observation& seen, const HealerState& state);

}  // namespace skidpad::controllers::node_healer

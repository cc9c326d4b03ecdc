/// @file floor.hpp
/// How quickly a cluster with these timers could possibly recover, and how long the timers alone may take.
/// Promise: a pure function of timers and fault; no measured recovery of a correct cluster is below `shortest`.
/// Limits: counts only timers. Work (scheduling, starting, copying) is what a run adds to the floor.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/history/record.hpp"
#include "harness/history/timers.hpp"

namespace skidpad::check {

using runtime::Duration;

/// One wait the timers impose, in the order in which they pass.
struct FloorTerm {
  std::string phase;      ///< the recovery phase that ends with it
  std::string what;       ///< for people, with the timer's name
  Duration shortest{};    ///< when heartbeats and polls fall most luckily
  Duration longest{};     ///< when they fall most unluckily
};

struct Floor {
  std::vector<FloorTerm> terms;
  Duration shortest{};    ///< "the floor": from injection to full redundancy
  Duration longest{};     ///< what the timers alone can explain; a limit below it would depend on luck
};

/// A fault as the floor sees it. `offset` is counted from the first fault of the run.
struct FloorFault {
  std::string kind;                      ///< power_off, destroy_machine, kill_process, ...
  std::string process;                   ///< kill_process, stop_process: etcd, kube_apiserver, kubelet, ...
  Duration offset{};
  std::optional<Duration> healed_after;  ///< when the harness itself takes it back
};

enum class NodeReplacement { none, by_node_healer };

/// The floor of one fault, or none for kinds whose recovery no timer bounds.
std::optional<Floor> floor_of(const FloorFault& fault, const history::Timers& timers, NodeReplacement replacement);

/// The floor of a run, from the first fault: that of the fault which ends last. None if no fault has one.
std::optional<Floor> floor_of(const std::vector<FloorFault>& faults, const history::Timers& timers, NodeReplacement replacement);

/// As recorded: offsets and healings from the trace, replacement from the expectations.
std::optional<Floor> floor_of(const history::RunRecord& record);

/// The layer in which a fault of this kind is felt first: etcd, api, controllers, nodes or workload.
std::string_view primary_layer(std::string_view fault_kind, std::string_view process);

}  // namespace skidpad::check

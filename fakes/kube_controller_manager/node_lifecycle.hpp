/// @file node_lifecycle.hpp
/// Watches nodes' signs of life: marks silent ones Unknown, taints them, marks their pods not ready.
/// Promise: in a zone that is mostly down evictions slow down or stop, and none begin while every node is silent (behaviour N3).
#pragma once

#include "fakes/kube_controller_manager/node_health.hpp"

namespace skidpad::fakes::kube_controller_manager {

class NodeLifecycleController final : public QueueController {
 public:
  explicit NodeLifecycleController(Surroundings& surroundings);
  void start(runtime::TaskGroup& group) override;

 private:
  struct KnownNode {
    NodeObservation observation;
    ObjectPointer last;
    std::string ready_now;                ///< as last judged
    bool pods_to_mark = false;            ///< their not-ready could not be written yet
  };
  struct Zone {
    ZoneState state = ZoneState::initial;
    double rate = 0;                      ///< nodes a second
    runtime::Instant next_at{};           ///< when the next node may be tainted
    std::deque<std::string> to_taint;     ///< nodes waiting for their NoExecute taint
  };
  /// NoSchedule taints of one node.
  Task<Result<void>> reconcile(std::string key) override;
  Task<void> monitor();
  Task<void> monitor_once();
  Task<void> look_at(ObjectPointer node, bool first_seen);
  /// Asks the API whether the Lease is as old as our cache says.
  Task<bool> is_silent(ObjectPointer node, ObjectPointer node_lease);
  Task<void> mark_pods_not_ready(ObjectPointer node);
  void judge_zones();
  Task<void> taint_waiting();
  Task<Result<void>> set_no_execute(std::string node, std::string wanted);
  void wait_for_taint(const std::string& zone, const std::string& node);
  void no_longer_waiting(const std::string& node);
  void record(const Json& node, const std::string& reason, const std::string& message);

  Informer& nodes_;
  Informer& node_leases_;
  Informer& pods_;
  std::map<std::string, KnownNode> known_;
  std::map<std::string, Zone> zones_;
  std::deque<std::string> taints_to_take_back_;   ///< nodes whose NoExecute taints are taken back
  bool all_disrupted_ = false;
};

}  // namespace skidpad::fakes::kube_controller_manager

/// @file daemon_set.hpp
/// One pod of a DaemonSet on each node that fits it, placed by the scheduler through node affinity; rolling updates node by node.
#pragma once

#include "fakes/kube_controller_manager/controller_history.hpp"
#include "fakes/kube_controller_manager/pod_control.hpp"

namespace skidpad::fakes::kube_controller_manager {

struct DaemonNeed {
  bool should_run = false;
  bool may_stay = false;
};
/// Pure: whether a pod of this set should start, and may stay, on a node.
DaemonNeed daemon_need(const Json& daemon_set, const Json& node);
/// The pod for a node: the template, the daemons' tolerations, affinity to the node, the revision's label.
Json daemon_pod(const Json& daemon_set, const std::string& node, const std::string& hash);

using PodsByNode = std::map<std::string, std::vector<ObjectPointer>>;
struct DaemonPlan {
  std::vector<std::string> create_on;      ///< node names
  std::vector<ObjectPointer> remove;
  std::vector<ObjectPointer> failed;       ///< of `remove`: those to tell about
};
/// Pure: who is missing and who is too many.
DaemonPlan plan_daemon_set(const Json& daemon_set, const std::vector<ObjectPointer>& nodes, const PodsByNode& pods);
/// Pure: which old pods may be taken down now. A surge adds nodes to `create_on` instead.
DaemonPlan plan_daemon_update(const Json& daemon_set, const std::vector<ObjectPointer>& nodes, const PodsByNode& pods, const std::string& hash,
                              WallTime now);
Json daemon_set_status(const Json& daemon_set, const std::vector<ObjectPointer>& nodes, const PodsByNode& pods, const std::string& hash,
                       bool observed, WallTime now);

class DaemonSetController final : public QueueController {
 public:
  explicit DaemonSetController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Task<Result<void>> carry_out(ObjectPointer daemon_set, DaemonPlan plan, std::string hash);
  void pod_gone(const Json& pod);
  ObjectPointer owner_of(const Json& pod) const;
  void enqueue_all();

  Informer& daemon_sets_;
  Informer& revisions_;
  Informer& pods_;
  Informer& nodes_;
  Expectations expectations_;
  PodControl pod_control_;
};

}  // namespace skidpad::fakes::kube_controller_manager

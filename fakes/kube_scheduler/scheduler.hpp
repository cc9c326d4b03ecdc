/// @file scheduler.hpp
/// The scheduling loop: informers feed what is known, one pod at a time is placed, bindings run beside.
/// Limits: nominated pods do not hold their place against others; no extenders, no dynamic resources, no volumes but claims' existence.
#pragma once

#include "fakes/kube_scheduler/preemption.hpp"
#include "fakes/kube_scheduler/scheduling_queue.hpp"
#include "fakes/kube_scheduler/scores.hpp"
#include "harness/client/kubernetes/event_recorder.hpp"
#include "harness/client/kubernetes/informer.hpp"
#include "harness/client/metrics.hpp"

namespace skidpad::fakes::kube_scheduler {

class Scheduler final : private NamespaceLabels {
 public:
  Scheduler(client::KubernetesClient& client, client::Metrics& metrics, std::string name);
  /// Schedules until stopped.
  runtime::Task<void> run();
  bool has_synced() const { return synced_; }
  QueueSizes queue_sizes() const { return queue_.sizes(); }

 private:
  void watch_pods();
  void watch_nodes();
  void watch_others();
  bool is_mine(const Json& pod) const;
  const Json& labels(const std::string& namespace_name) const override;

  runtime::Task<void> schedule(PodFactsPointer pod);
  /// Room on a node that a more or equally important pod was promised is not given away: then the node as if that pod ran there.
  std::optional<Refusal> check_beside_nominated(const PodFacts& pod, const PodFilter& filter, const NodeFacts& node) const;
  /// "" or why no node at all can do (a missing claim).
  std::string check_claims(const PodFacts& pod) const;
  SpreadPeers peers_of(const PodFacts& pod) const;
  std::string choose(const PodFacts& pod, const std::vector<const NodeFacts*>& nodes);
  runtime::Task<void> bind(PodFactsPointer pod, std::string node);
  runtime::Task<void> refuse(PodFactsPointer pod, PluginSet plugins, std::string message, std::string nominated_node, bool clears_nomination = false);
  runtime::Task<void> preempt(PodFactsPointer pod, PreemptionPlan plan);

  client::KubernetesClient& client_;
  runtime::Runtime& runtime_;
  client::Metrics& metrics_;
  std::string name_;
  client::InformerSet informers_;
  client::Informer& pods_;
  client::Informer& nodes_;
  client::Informer& namespaces_;
  client::Informer& services_;
  client::Informer& claims_;
  client::Informer& budgets_;
  client::EventRecorder events_;
  ClusterState cluster_;
  SchedulingQueue queue_;
  struct Nomination {
    PodFactsPointer pod;
    std::string node;
  };
  std::map<std::string, Nomination> nominated_;   ///< waiting pods that preempted others, by key
  runtime::TaskGroup* tasks_ = nullptr;
  bool synced_ = false;
};

}  // namespace skidpad::fakes::kube_scheduler

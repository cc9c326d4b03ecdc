/// @file cluster_view.hpp
/// What the harness sees of a cluster while a run lasts, by watching the API and asking etcd and the API servers, and its record.
/// Promise: every change of a watched object is one event in the trace, in the order seen.
#pragma once

#include "harness/client/etcd/etcd_client.hpp"
#include "harness/client/kubernetes/informer.hpp"
#include "harness/cluster/cluster_assets.hpp"
#include "harness/history/recorder.hpp"
#include "harness/workload/scraper.hpp"

namespace skidpad::scenario {

using runtime::Duration;
using runtime::Instant;
using runtime::Task;

struct ViewOptions {
  std::string workload_namespace = "default";
  Duration poll_interval{};          ///< of etcd members and API servers
};

/// One member or server at a time, as it last answered.
struct Health {
  std::size_t healthy = 0;
  std::size_t wanted = 0;
};

class ClusterView {
 public:
  ClusterView(runtime::Runtime& runtime, client::KubernetesClient& admin, const cluster::ClusterAssets& assets, history::Recorder& recorder,
              Instant start, ViewOptions options);
  /// Watches and polls until stopped.
  Task<void> run();
  Task<void> wait_until_synced();

  Health nodes() const;               ///< wanted: as planned
  Health pods() const;                ///< of the workload's namespace; wanted: what its Deployments ask for
  Health etcd() const { return etcd_; }
  Health api_servers() const { return api_servers_; }
  /// Names of the Nodes that are workers alone, each on a machine of its own.
  std::vector<std::string> worker_names() const;
  std::vector<std::string> nodes_with_workload() const;
  /// The node whose instance holds a Lease of kube-system; holders name their pod or their node. "" if unknown.
  std::string leading_node(const std::string& lease) const;
  std::optional<std::string> etcd_leader() const { return etcd_leader_; }
  client::EtcdClient& etcd_client() { return etcd_client_; }
  std::string node_address(const std::string& node) const;
  std::vector<workload::ScrapeTarget> scrape_targets() const;

 private:
  void watch_nodes();
  void watch_pods();
  void watch_leases();
  void watch_events();
  void record_object(const std::string& subject, std::string_view change, std::string_view layer, bool healthy, Json extra);
  Task<void> poll_etcd();
  Task<void> poll_api_servers();
  Duration now() const { return runtime_.now() - start_; }

  runtime::Runtime& runtime_;
  client::KubernetesClient& admin_;
  const cluster::ClusterAssets& assets_;
  history::Recorder& recorder_;
  Instant start_;
  ViewOptions options_;
  client::InformerSet informers_;
  client::Informer& node_informer_;
  client::Informer& pod_informer_;
  client::Informer& deployment_informer_;
  client::Informer& lease_informer_;
  client::Informer& event_informer_;
  client::EtcdClient etcd_client_;
  Health etcd_;
  Health api_servers_;
  // Asked for many times a second, and changed seldom: counted again after a change only.
  mutable std::optional<Health> counted_nodes_;
  mutable std::optional<Health> counted_pods_;
  std::optional<std::string> etcd_leader_;
};

}  // namespace skidpad::scenario

/// @file managed_etcd.hpp
/// The etcd cluster that the etcd operator keeps in a scenario: made through the API, watched member by member from outside, and
/// recorded, so that the judge need not believe the operator.
#pragma once

#include "harness/client/etcd/etcd_client.hpp"
#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/cluster/cluster_assets.hpp"
#include "harness/history/recorder.hpp"
#include "harness/scenario/cluster_view.hpp"
#include "harness/scenario/scenario.hpp"

namespace skidpad::scenario {

/// Kinds of events of its own; judged by harness/check/managed_etcd.hpp.
inline constexpr std::string_view event_etcd_members = "etcd_members";    ///< subject: cluster; members, wanted, cluster_id
inline constexpr std::string_view event_etcd_recovery = "etcd_recovery";  ///< subject: cluster; EtcdCluster.status.lastRecovery

class ManagedEtcd {
 public:
  ManagedEtcd(runtime::Runtime& runtime, client::KubernetesClient& admin, const cluster::ClusterAssets& assets, history::Recorder& recorder, Instant start,
              EtcdOperator settings, const history::Timers& timers, Duration poll_interval, Duration grace, Duration backup_every);
  /// EtcdCluster, and EtcdBackup where asked for; retried until `due`.
  Task<runtime::Result<void>> create(Instant due);
  /// Looks at it until stopped.
  Task<void> run();
  Health health() const { return health_; }
  std::optional<std::string> leader_node() const { return leader_node_; }
  /// Nodes with a member that is listed, in plan order.
  std::vector<std::string> nodes() const { return nodes_; }
  bool has_backup() const { return has_backup_; }
  std::vector<runtime::Endpoint> endpoints() const;

 private:
  struct Seen {
    bool healthy = false;
    client::EtcdStatus status;
  };
  Task<void> ask(std::string address);
  Task<void> look();
  Task<void> look_at_objects();
  Duration now() const { return runtime_.now() - start_; }

  runtime::Runtime& runtime_;
  client::KubernetesClient& admin_;
  const cluster::ClusterAssets& assets_;
  history::Recorder& recorder_;
  Instant start_;
  EtcdOperator settings_;
  history::Timers timers_;
  Duration poll_interval_;
  Duration grace_;
  Duration backup_every_;
  std::map<std::string, std::unique_ptr<client::EtcdClient>> clients_;  ///< by address
  std::map<std::string, Seen> seen_;
  Health health_;
  std::optional<std::string> leader_node_;
  std::vector<std::string> nodes_;
  bool has_backup_ = false;
  Json told_members_;
  Json told_recovery_;
};

}  // namespace skidpad::scenario

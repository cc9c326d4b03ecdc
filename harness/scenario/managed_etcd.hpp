/// @file managed_etcd.hpp
/// The etcd cluster that the etcd operator keeps in a scenario: made through the API, watched member by member from outside, and
/// recorded, so that the judge need not believe the operator.
#pragma once

#include "harness/client/etcd/etcd_client.hpp"
#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/client/object_store/object_store.hpp"
#include "harness/cluster/cluster_assets.hpp"
#include "harness/fault/etcd_operator_fault.hpp"
#include "harness/history/recorder.hpp"
#include "harness/scenario/cluster_view.hpp"
#include "harness/scenario/scenario.hpp"

namespace skidpad::scenario {

/// Kinds of events of its own; judged by harness/check/managed_etcd.hpp.
inline constexpr std::string_view event_etcd_members = "etcd_members";    ///< subject: cluster; members, wanted, cluster_id
inline constexpr std::string_view event_etcd_recovery = "etcd_recovery";  ///< subject: cluster; EtcdCluster.status.lastRecovery
inline constexpr std::string_view event_etcd_backups = "etcd_backups";    ///< subject: cluster; answers, objects: name, revision, whole; claimed
inline constexpr std::string_view event_etcd_restore = "etcd_restore";    ///< subject: EtcdRestore; phase, reason
inline constexpr std::string_view event_etcd_relist = "etcd_relist";      ///< subject: cluster; a watch was told to list again: newest, compacted
inline constexpr std::string_view event_etcd_revision_back = "etcd_revision_back";  ///< subject: cluster; a linearizable read: from, to

/// What they are called in a scenario's cluster.
fault::EtcdOperatorObjects managed_etcd_objects();

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
  /// False if the members changed meanwhile, so that what they answered may be older than the list: look again.
  Task<bool> look();
  Task<void> look_at_objects();
  Task<void> look_at_restores();
  Task<void> look_at_backups(const Json& backup);
  Task<std::unique_ptr<client::ObjectStore>> open_store();
  Task<void> watch();
  void note_revision(client::Revision newest_before, client::Revision seen);
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
  std::string wanted_version_;
  std::string list_from_;               ///< the member that was last asked for the list
  client::Revision revision_newest_ = 0;  ///< that any client of ours saw
  bool restoring_ = false;              ///< a restore that was asked for has not finished
  std::map<std::string, std::string> restore_phases_;
  std::map<std::string, Json> whole_backups_;  ///< read once and found whole
  Json told_members_;
  Json told_recovery_;
  Json told_backups_;
};

}  // namespace skidpad::scenario

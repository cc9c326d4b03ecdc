/// @file cluster_controller.hpp
/// One EtcdCluster under the operator's care: looks at it, decides, does one step, tells the status. Called again and again.
/// Promise: what a step needs to be taken up again is in the status before the step is made (E2, E10, K8); the truth is read from
/// the API and from etcd each time, not from a cache.
#pragma once

#include "controllers/etcd_operator/decision.hpp"
#include "controllers/etcd_operator/member_pod.hpp"
#include "harness/client/etcd/etcd_client.hpp"
#include "harness/client/kubernetes/event_recorder.hpp"
#include "harness/client/kubernetes/informer.hpp"
#include "harness/client/metrics.hpp"

namespace skidpad::controllers::etcd_operator {

using runtime::Task;

struct OperatorSettings {
  Duration poll_interval = std::chrono::seconds(8);
  Duration probe_timeout = std::chrono::seconds(5);
  Policy policy;
  PodSettings pods;
  std::int64_t revision_slack = 1000;   ///< how far above the newest revision seen a cluster goes on after a recovery
};

/// What all controllers of the operator work with.
struct Surroundings {
  client::KubernetesClient& client;
  client::Informer& nodes;
  client::Informer& members;   ///< pods of every cluster: two members cannot share a host's ports
  client::EventRecorder& events;
  client::Metrics& metrics;
  const OperatorSettings& settings;
  std::function<bool()> may_act;
};

/// What one member said of itself just now.
struct MemberAnswer {
  MemberAnswer() {}
  bool answers = false;
  bool linearizable = false;
  bool serializable = false;
  client::EtcdStatus status;
};

inline constexpr char too_young[] = "etcd takes no further member before every voter has been connected for 5 s";

class ClusterController {
 public:
  ClusterController(Surroundings& surroundings, std::string namespace_name, std::string name);
  /// One look and at most one step. The value: how long until the next look.
  Task<Result<Duration>> reconcile();

  /// Where a backup may be taken from: the healthy member with the highest revision (K2); none if there is none.
  struct Source {
    Source() {}
    runtime::Endpoint at;
    Revision revision = 0;
  };
  const std::optional<Source>& backup_source() const { return backup_source_; }
  bool has_leader() const { return leader_known_; }

 private:
  Task<Result<bool>> look();
  Task<void> ask_members();
  Task<void> ask(std::string address);
  Task<std::optional<std::uint64_t>> committed_index(std::string address);
  client::EtcdClient& client_of(const std::string& address);
  std::uint16_t client_port() const;
  runtime::Endpoint endpoint_of(const MemberRecord& member) const { return runtime::Endpoint{member.address, client_port()}; }
  void gather_records();
  Task<void> read_member_list();
  void build_sight();
  void find_hosts();
  bool data_lost_by_pod(const Json& pod) const;
  PodState pod_state(const std::string& name) const;
  const MemberRecord* record_of(const std::string& name) const;
  void drop_record(const std::string& name);
  MemberRecord new_member(const HostSight& host, bool seed);

  Task<Result<bool>> perform(Action action);
  Task<Result<void>> create_pod(std::string name);
  Task<Result<void>> create_pod_object(MemberPod pod);
  Task<Result<void>> delete_pod(std::string name, bool at_once);
  Task<Result<void>> add_member(HostSight host);
  Task<Result<void>> remove_member(std::string name);
  Task<Result<void>> note_data(std::string name);
  Task<Result<void>> begin_recovery(std::string member, bool from_backup, std::string reason);
  Task<Result<bool>> go_on_with_recovery();
  Task<Result<bool>> shut_down();
  Task<Result<bool>> restore();
  Task<Result<bool>> raise_revision();
  Task<Result<bool>> restart_normally();
  Task<Result<void>> put_once(client::EtcdClient& client, std::size_t number);

  Task<Result<void>> save();
  void fill_status(const Action& action);
  void tell(client::EventType type, const std::string& reason, const std::string& message);
  const MemberAnswer* answer_of(const std::string& name) const;

  Surroundings& around_;
  runtime::Runtime& runtime_;
  std::string namespace_;
  std::string name_;

  // of the current look
  Json object_;
  ClusterSpec spec_;
  ClusterStatus status_;
  std::map<std::string, Json> pods_;               ///< by name
  std::map<std::string, MemberAnswer> answers_;    ///< by address
  std::optional<client::MemberList> list_;
  ClusterSight sight_;
  bool leader_known_ = false;
  std::optional<Source> backup_source_;

  // remembered between looks
  std::map<std::pair<std::string, std::uint16_t>, std::unique_ptr<client::EtcdClient>> clients_;
  std::map<std::string, Instant> unhealthy_since_;
  std::map<std::string, Instant> unstarted_since_;
  std::optional<Instant> quorum_lost_since_;
  std::map<std::string, Instant> failed_hosts_;    ///< where a new member lately did not come up
  std::optional<Instant> no_member_before_;        ///< etcd just refused a further one
  std::string told_wait_;
};

/// The newest verified backup of a cluster, as `Recovery::source`; null if there is none. See backup_controller.cpp.
Task<Result<Json>> best_backup(client::KubernetesClient& client, std::string namespace_name, std::string cluster);

}  // namespace skidpad::controllers::etcd_operator

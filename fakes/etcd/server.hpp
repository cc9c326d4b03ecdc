/// @file server.hpp
/// One etcd member at work: raft over the disk and the peers, commands applied to the store, answers to those who wait.
/// Promise: an answer to a write is given only after it was committed and applied here; a linearizable read sees every write that
/// was answered before it began.
#pragma once

#include <deque>

#include "fakes/etcd/command.hpp"
#include "fakes/etcd/log_file.hpp"
#include "fakes/etcd/peers.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::etcd {

inline constexpr std::string_view etcd_version = "3.4.23";
/// The environment variable in which a simulated image tells which later 3.4 the model is to be.
inline constexpr char version_variable[] = "SKIDPAD_ETCD_VERSION";

struct ServerOptions {
  ServerOptions() {}
  std::string name = "default";
  std::string version{etcd_version};
  std::vector<std::string> client_urls;  ///< advertised
  runtime::Duration heartbeat_interval = std::chrono::milliseconds(100);
  runtime::Duration election_timeout = std::chrono::milliseconds(1000);
  std::uint64_t snapshot_count = 100000;
  /// A snapshot is also taken when the log grew by this much: memory of a simulation, not etcd's behaviour.
  std::size_t log_bytes_max = 16 << 20;
  std::uint64_t quota_bytes = 2ULL << 30;
  bool pre_vote = false;
  bool strict_reconfig_check = true;
  runtime::Duration progress_notify_interval = std::chrono::minutes(10);
  std::optional<runtime::TlsClientOptions> peer_tls;
  RaftOptions planted;  ///< only its bug_ fields are used
  /// What etcd gives a request: 5 s + 2 election timeouts.
  runtime::Duration request_timeout() const { return std::chrono::seconds(5) + 2 * election_timeout; }
};

/// Counted for /metrics.
struct ServerCounters {
  std::uint64_t leader_changes_seen = 0;
  std::uint64_t proposals_committed = 0;
  std::uint64_t proposals_applied = 0;
  std::uint64_t proposals_failed = 0;
  std::uint64_t heartbeat_send_failures = 0;
  std::uint64_t puts = 0, ranges = 0, removes = 0, txns = 0;
};

/// Where a watch session is told of changes that it wants.
class ChangeListener : public runtime::Link {
 public:
  virtual void on_change(const Change& change, std::uint64_t number) = 0;
  /// The member knew no leader for three election timeouts.
  virtual void on_leader_lost() = 0;

 protected:
  ~ChangeListener() = default;
};

class Server final : public PeerEvents {
 public:
  /// @param log  created or loaded; `loaded` is what it held.
  Server(runtime::Runtime& runtime, ServerOptions options, std::unique_ptr<LogFile> log, LoadedLog loaded);
  ~Server();

  /// Runs until stopped; the value is the exit code of the process.
  runtime::Task<int> run(std::vector<std::unique_ptr<runtime::Listener>> peer_listeners);
  /// Set once this member has told the cluster its name and URLs: from then on it serves clients.
  runtime::Event& ready() { return ready_; }

  runtime::Task<Applied> propose(Command command);
  runtime::Task<std::optional<EtcdError>> linearizable(runtime::Duration timeout);
  runtime::Task<Applied> lease_grant(EtcdLeaseId id, std::int64_t ttl_seconds);

  struct LeaseAnswer {
    LeaseAnswer() {}
    std::optional<EtcdError> error;
    std::int64_t ttl_seconds = -1;  ///< -1: no such lease
    std::int64_t granted_seconds = 0;
  };
  runtime::Task<LeaseAnswer> lease_keep_alive(EtcdLeaseId id);
  runtime::Task<LeaseAnswer> lease_time_to_live(EtcdLeaseId id);

  runtime::Task<std::optional<EtcdError>> member_add(client::Member member);
  runtime::Task<std::optional<EtcdError>> member_remove(MemberId id);
  runtime::Task<std::optional<EtcdError>> member_promote(MemberId id);
  runtime::Task<std::optional<EtcdError>> member_update(MemberId id, std::vector<std::string> peer_urls);
  runtime::Task<std::optional<EtcdError>> move_leader(MemberId to);

  runtime::Runtime& runtime() { return runtime_; }
  const ServerOptions& options() const { return options_; }
  const Raft& raft() const { return raft_; }
  const AppliedState& state() const { return state_; }
  const ServerCounters& counters() const { return counters_; }
  std::uint64_t sync_count() const { return log_->sync_count(); }
  bool is_learner() const { return !raft_.voters().contains(raft_.id()); }
  /// Members that a joining member was told of, before its own log says so.
  void remember_peers(const std::vector<client::Member>& members) {
    if (!members.empty()) peers_.update(members);
  }
  void add_listener(ChangeListener& listener) { listener.insert_before(listeners_); }

 private:
  struct Pending;
  struct ReadBatch;
  struct Waiting {
    std::uint64_t request_id = 0;
    std::shared_ptr<const std::string> data;
    bool is_membership_change = false;
  };

  void on_message(Message message) override;
  void on_unreachable(MemberId id) override;
  void on_removed() override;
  runtime::Task<std::string> answer(std::string question) override;
  std::string members_text() override { return encode_members(state_.membership.cluster_id, state_.membership.list()); }
  bool is_removed(MemberId id) override { return state_.membership.removed.contains(id); }

  runtime::Task<void> run_raft();
  runtime::Task<void> publish();
  runtime::Task<void> run_lessor();
  runtime::Task<void> watch_leader();
  runtime::Task<void> hasten_first_election();
  runtime::Task<void> stop_later(runtime::Duration delay);
  void pump();
  bool persist_and_send();
  bool apply_committed();
  void apply(const Entry& entry);
  Applied execute(Command& command);
  void apply_membership(const Command& command, Applied& applied);
  std::optional<EtcdError> check_membership(const Command& command) const;
  void notify_listeners();
  void note_leadership();
  void finish_reads();
  void finish_batch(std::optional<EtcdError> error);
  void start_batch();
  void retry_waiting();
  void submit(std::uint64_t request_id, std::shared_ptr<const std::string> data, bool is_membership_change);
  void maybe_snapshot();
  std::shared_ptr<const RaftSnapshot> make_snapshot() const;
  void fail(std::string why);
  EtcdError timeout_error(runtime::Instant started) const;
  std::size_t connected_voters(runtime::Instant since) const;
  bool over_quota(const Command& command) const;
  runtime::Task<LeaseAnswer> ask_leader_for_lease(EtcdLeaseId id, bool renew);
  LeaseAnswer answer_lease(EtcdLeaseId id, bool renew);
  std::optional<EtcdError> check_promote(MemberId id) const;
  runtime::Task<std::optional<EtcdError>> promote_here(MemberId id);
  void lessor_set(EtcdLeaseId id, runtime::Instant expiry);

  runtime::Runtime& runtime_;
  ServerOptions options_;
  std::unique_ptr<LogFile> log_;
  AppliedState state_;
  Raft raft_;
  Peers peers_;
  ServerCounters counters_;
  runtime::Event wake_;
  runtime::Event ready_;
  runtime::Event finished_;
  std::optional<int> exit_code_;

  std::map<std::uint64_t, Pending*> pending_;
  std::uint64_t request_next_ = 0;
  std::deque<Waiting> waiting_;
  std::shared_ptr<ReadBatch> batch_;       ///< asked of the leader
  std::shared_ptr<ReadBatch> batch_next_;  ///< gathers meanwhile
  std::uint64_t batch_context_ = 0;

  MemberId leader_seen_{};
  bool was_leader_ = false;
  runtime::Instant leader_elected_at_{};
  runtime::Event leader_changed_;
  std::map<EtcdLeaseId, runtime::Instant> lease_expiry_;  ///< leader only
  std::set<std::pair<runtime::Instant, EtcdLeaseId>> lease_order_;
  std::set<EtcdLeaseId> lease_revoking_;  ///< expired, their removal is under way
  runtime::Event lessor_wake_;
  std::uint64_t changes_notified_ = 1;
  std::uint64_t snapshot_index_ = 0;
  runtime::Link listeners_;
  runtime::TaskGroup tasks_;
};

}  // namespace skidpad::fakes::etcd

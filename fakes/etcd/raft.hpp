/// @file raft.hpp
/// Raft consensus as a pure state machine: messages and time go in, messages, entries to persist and committed entries come out.
/// Promise: nothing it says to others is true before the owner has persisted what take_ready() gave; the owner persists first and
/// sends afterwards. Time is an argument, so tests need no clock.
/// Offers: check quorum with leader stickiness, optional pre-vote, learners, one-at-a-time membership changes, leadership transfer,
/// read index, snapshots for followers that are too far behind.
/// Source: Ongaro's thesis (2014); behaviour and defaults as in etcd's raft 3.4.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/client/etcd/etcd_types.hpp"
#include "harness/runtime/random.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::fakes::etcd {

using client::MemberId;
inline constexpr MemberId no_member{};

struct Entry {
  Entry() {}
  Entry(std::uint64_t index, std::uint64_t term, bool is_membership_change, std::shared_ptr<const std::string> data)
      : index(index), term(term), is_membership_change(is_membership_change), data(std::move(data)) {}
  std::uint64_t index = 0;
  std::uint64_t term = 0;
  bool is_membership_change = false;
  std::shared_ptr<const std::string> data;  ///< null: a new leader's empty entry
  std::size_t size_bytes() const { return 24 + (data ? data->size() : 0); }
};

/// State of everything up to an index.
struct RaftSnapshot {
  RaftSnapshot() {}
  std::uint64_t index = 0;
  std::uint64_t term = 0;
  std::set<MemberId> voters;
  std::set<MemberId> learners;
  std::shared_ptr<const std::string> data;
};

struct HardState {
  HardState() {}
  std::uint64_t term = 0;
  MemberId vote{};
  std::uint64_t commit = 0;
  friend bool operator==(const HardState&, const HardState&) = default;
};

enum class MessageType : std::uint8_t {
  propose, append, append_response, heartbeat, heartbeat_response, pre_vote, pre_vote_response, vote, vote_response,
  snapshot, read_index, read_index_response, timeout_now,
};

struct Message {
  Message() {}
  Message(MessageType type, MemberId to) : type(type), to(to) {}
  MessageType type = MessageType::heartbeat;
  MemberId from{};
  MemberId to{};
  std::uint64_t term = 0;      ///< 0 for propose, read_index and its response
  std::uint64_t index = 0;     ///< of the entry before `entries`; of the answer
  std::uint64_t log_term = 0;  ///< its term
  std::uint64_t commit = 0;
  std::uint64_t context = 0;   ///< ties a read to its answer; 1 in a vote that a transfer asked for
  bool reject = false;
  std::uint64_t reject_hint = 0;
  std::vector<Entry> entries;
  std::shared_ptr<const RaftSnapshot> snapshot;
};

/// The read with this context may be answered once `index` is applied.
struct ReadState {
  std::uint64_t context = 0;
  std::uint64_t index = 0;
};

/// To be persisted (snapshot, entries, hard state), then sent.
struct Ready {
  std::shared_ptr<const RaftSnapshot> snapshot;  ///< replaces all state
  std::vector<Entry> entries;                    ///< replaces what the log has from the first one's index on
  std::optional<HardState> hard_state;
  bool must_sync = false;
  std::vector<Message> messages;
  std::vector<ReadState> reads;
};

struct MembershipChange {
  enum class Kind : std::uint8_t { add_voter, add_learner, remove, update };
  MembershipChange() {}
  Kind kind = Kind::update;
  MemberId id{};
};

struct RaftOptions {
  RaftOptions() {}
  MemberId id{};
  runtime::Duration heartbeat_interval = std::chrono::milliseconds(100);
  runtime::Duration election_timeout = std::chrono::milliseconds(1000);
  bool pre_vote = false;
  std::size_t append_bytes_max = 1 << 20;
  /// Bugs to plant, for the tests of the tests.
  bool bug_commit_before_quorum = false;
  bool bug_forget_vote = false;  ///< votes twice in a term
  bool bug_read_without_quorum = false;
};

enum class Role { follower, pre_candidate, candidate, leader };

class Raft {
 public:
  using MakeSnapshot = std::function<std::shared_ptr<const RaftSnapshot>()>;
  /// @param make_snapshot  the owner's state at its applied index, for followers that are too far behind.
  Raft(RaftOptions options, runtime::Random random, runtime::Instant now, MakeSnapshot make_snapshot);

  /// What was on disk. Entries follow the snapshot without a gap. Before anything else.
  void restore(const HardState& hard_state, const RaftSnapshot& snapshot, std::vector<Entry> entries);

  /// False if there is nobody to propose to, or a membership change is still under way.
  bool propose(std::shared_ptr<const std::string> data, bool is_membership_change, runtime::Instant now);
  /// False if there is nobody to ask, or the leader has not committed in its term yet: ask again later.
  bool read_index(std::uint64_t context, runtime::Instant now);
  void step(Message message, runtime::Instant now);
  void tick(runtime::Instant now);
  /// When tick() has something to do.
  runtime::Instant next_deadline() const;
  void campaign(runtime::Instant now);
  /// Makes the first election come sooner, once it is known that the others are there.
  void hasten_election(runtime::Duration by) {
    if (role_ == Role::follower) election_deadline_ -= by;
  }
  void transfer_leadership(MemberId to, runtime::Instant now);
  /// Messages to this member may have been lost.
  void report_unreachable(MemberId id);

  bool has_ready() const;
  Ready take_ready();
  /// What the last take_ready() gave is on disk.
  void advance(runtime::Instant now);
  /// Committed and persisted, not taken before.
  std::vector<Entry> take_committed(std::size_t bytes_max = 4 << 20);
  void set_applied(std::uint64_t index) { applied_ = index; }
  void apply_membership_change(const MembershipChange& change, runtime::Instant now);
  /// Drops entries up to an applied index; `snapshot` describes the state there.
  void compact(std::uint64_t index);

  Role role() const { return role_; }
  MemberId id() const { return options_.id; }
  MemberId leader() const { return leader_; }
  std::uint64_t term() const { return hard_state_.term; }
  std::uint64_t commit() const { return hard_state_.commit; }
  std::uint64_t applied() const { return applied_; }
  std::uint64_t first_index() const { return snapshot_index_ + 1; }
  std::uint64_t last_index() const { return snapshot_index_ + entries_.size(); }
  std::uint64_t term_of(std::uint64_t index) const;
  const Entry& entry_at(std::uint64_t index) const { return entry(index); }
  std::size_t log_bytes() const { return log_bytes_; }
  const std::set<MemberId>& voters() const { return voters_; }
  const std::set<MemberId>& learners() const { return learners_; }
  const HardState& hard_state() const { return hard_state_; }
  MemberId transferee() const { return transferee_; }
  /// How far a member's log is known to agree; leader only.
  std::uint64_t match_of(MemberId id) const;
  /// Not empty: the log lost what it had confirmed; going on could lose writes. The owner stops.
  const std::string& fatal() const { return fatal_; }

 private:
  struct Progress {
    enum class State { probe, replicate, snapshot };
    std::uint64_t match = 0;
    std::uint64_t next = 1;
    State state = State::probe;
    bool probe_sent = false;
    bool recently_active = false;
    std::uint64_t pending_snapshot = 0;
  };
  struct PendingRead {
    MemberId from{};
    std::uint64_t context = 0;
    std::uint64_t index = 0;
    std::uint64_t sequence = 0;
    std::set<MemberId> confirmed;
  };

  std::size_t quorum() const { return voters_.size() / 2 + 1; }
  bool promotable() const { return voters_.contains(options_.id); }
  Entry& entry(std::uint64_t index) { return entries_[index - snapshot_index_ - 1]; }
  const Entry& entry(std::uint64_t index) const { return entries_[index - snapshot_index_ - 1]; }
  void send(Message message);
  void reset(std::uint64_t term);
  void draw_election_deadline();
  void become_follower(std::uint64_t term, MemberId leader);
  void become_leader();
  void start_election(bool pre, bool by_transfer);
  void count_vote(MemberId from, bool granted);
  void append_local(Entry entry);
  void truncate_from(std::uint64_t index);
  bool up_to_date(std::uint64_t index, std::uint64_t log_term) const;
  void commit_to(std::uint64_t index);
  bool maybe_commit();
  void send_append(MemberId to, bool even_if_empty);
  void broadcast_append();
  void broadcast_heartbeat(std::uint64_t context);
  void check_quorum();
  void step_leader(Message& message);
  void step_follower(Message& message);
  void handle_vote(Message& message);
  void handle_append(Message& message);
  void handle_append_response(Message& message);
  void handle_snapshot(Message& message);
  void confirm_reads(MemberId from, std::uint64_t sequence);
  void answer_read(const PendingRead& read);
  bool start_read(MemberId from, std::uint64_t context);
  void append_proposals(std::vector<Entry>& entries);

  RaftOptions options_;
  runtime::Random random_;
  MakeSnapshot make_snapshot_;
  runtime::Instant now_;

  HardState hard_state_;
  HardState hard_state_taken_;
  std::deque<Entry> entries_;
  std::size_t log_bytes_ = 0;
  std::uint64_t snapshot_index_ = 0;
  std::uint64_t snapshot_term_ = 0;
  std::uint64_t stable_ = 0;   ///< persisted up to here
  std::uint64_t taken_ = 0;    ///< handed out by take_ready() up to here
  std::uint64_t handed_ = 0;   ///< handed out by take_committed() up to here
  std::uint64_t applied_ = 0;
  std::shared_ptr<const RaftSnapshot> snapshot_incoming_;

  std::set<MemberId> voters_;
  std::set<MemberId> learners_;
  Role role_ = Role::follower;
  MemberId leader_{};
  runtime::Instant leader_contact_{};
  runtime::Instant election_deadline_{};
  runtime::Duration election_timeout_drawn_{};
  runtime::Instant heartbeat_deadline_{};
  runtime::Instant quorum_deadline_{};
  std::map<MemberId, bool> votes_;
  std::map<MemberId, Progress> progress_;
  std::uint64_t membership_index_ = 0;  ///< of the last membership change in the log
  MemberId transferee_{};
  runtime::Instant transfer_deadline_{};
  std::deque<PendingRead> pending_reads_;
  std::uint64_t read_sequence_ = 0;
  std::vector<Message> messages_;
  std::vector<ReadState> reads_;
  std::string fatal_;
};

}  // namespace skidpad::fakes::etcd

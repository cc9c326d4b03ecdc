#include "fakes/etcd/server.hpp"

#include <algorithm>

namespace skidpad::fakes::etcd {

using runtime::Duration;
using runtime::Instant;
using runtime::Result;
using runtime::Task;

namespace {

/// A read that got no index is asked for again after this; etcd's readIndexRetryTime.
constexpr Duration read_retry_interval = std::chrono::milliseconds(500);
/// Entries kept behind a snapshot, so that a follower that lags a little needs no snapshot.
constexpr std::uint64_t entries_kept = 5000;
/// How long a removed member goes on before it stops; etcd's ten ticks.
constexpr Duration removed_linger = std::chrono::seconds(1);

RaftOptions raft_options(const ServerOptions& options, MemberId id) {
  RaftOptions raft = options.planted;
  raft.id = id;
  raft.heartbeat_interval = options.heartbeat_interval;
  raft.election_timeout = options.election_timeout;
  raft.pre_vote = options.pre_vote;
  return raft;
}

PeerOptions peer_options(const ServerOptions& options, const LoadedLog& loaded) {
  PeerOptions peers;
  peers.self = loaded.member;
  peers.cluster_id = loaded.cluster_id;
  peers.tls = options.peer_tls;
  peers.retry_interval = options.heartbeat_interval;
  return peers;
}

}  // namespace

/// One who waits for a command to be applied.
struct Server::Pending {
  runtime::Event done;
  Applied applied;
};

struct Server::ReadBatch {
  runtime::Event done;
  std::optional<EtcdError> error;
  std::optional<std::uint64_t> index;  ///< once the leader has named it
};

Server::Server(runtime::Runtime& runtime, ServerOptions options, std::unique_ptr<LogFile> log, LoadedLog loaded)
    : runtime_(runtime),
      options_(std::move(options)),
      log_(std::move(log)),
      raft_(raft_options(options_, loaded.member), runtime.random().split("etcd raft"), runtime.now(), [this] { return make_snapshot(); }),
      peers_(runtime, peer_options(options_, loaded), *this),
      tasks_(runtime.stop()) {
  listeners_.previous = listeners_.next = &listeners_;
  if (loaded.snapshot.index > 0) ASSERT(state_.load(*loaded.snapshot.data));
  state_.membership.cluster_id = loaded.cluster_id;
  changes_notified_ = state_.store.changes_end();
  snapshot_index_ = loaded.snapshot.index;
  raft_.restore(loaded.hard_state, loaded.snapshot, std::move(loaded.entries));
  // Unique among members and over restarts: answers are found by it.
  request_next_ = (static_cast<std::uint64_t>(loaded.member) << 40) ^ (runtime.random().below(1 << 16) << 24);
  // A late answer to a read of an earlier life must not be taken for one of this life.
  batch_context_ = runtime.random().next() >> 8;
}

Server::~Server() { listeners_.next = nullptr; }

Task<int> Server::run(std::vector<std::unique_ptr<runtime::Listener>> peer_listeners) {
  if (!state_.membership.members.empty()) peers_.update(state_.membership.list());
  tasks_.spawn("raft", run_raft());
  for (auto& listener : peer_listeners) tasks_.spawn("peers", peers_.serve(std::move(listener)));
  tasks_.spawn("publish", publish());
  tasks_.spawn("lessor", run_lessor());
  tasks_.spawn("leader watch", watch_leader());
  tasks_.spawn("first election", hasten_first_election());
  co_await finished_.wait();
  co_return exit_code_.value_or(0);
}

void Server::fail(std::string why) {
  if (exit_code_) return;
  runtime_.log().error("etcd_fatal", {{"member", to_text(raft_.id())}, {"reason", why}});
  exit_code_ = 1;
  finished_.set();
}

void Server::on_removed() {
  if (exit_code_) return;
  runtime_.log().error("the_member_has_been_permanently_removed_from_the_cluster", {{"member", to_text(raft_.id())}});
  exit_code_ = 0;
  finished_.set();
}

Task<void> Server::stop_later(Duration delay) {
  co_await runtime_.sleep_for(delay);
  on_removed();
}

Task<void> Server::run_raft() {
  for (;;) {
    pump();
    if (exit_code_) co_return;
    co_await wake_.wait_until(runtime_, raft_.next_deadline());
    raft_.tick(runtime_.now());
  }
}

void Server::on_message(Message message) {
  if (exit_code_) return;
  raft_.step(std::move(message), runtime_.now());
  wake_.notify_all();
}

void Server::on_unreachable(MemberId id) {
  raft_.report_unreachable(id);
}

void Server::pump() {
  for (bool more = true; more && !exit_code_;) {
    more = false;
    while (raft_.has_ready()) {
      if (!raft_.fatal().empty()) return fail(raft_.fatal());
      if (!persist_and_send()) return;
      more = true;
    }
    if (apply_committed()) more = true;
    note_leadership();
    finish_reads();
    if (!waiting_.empty()) retry_waiting();
  }
  maybe_snapshot();
}

bool Server::persist_and_send() {
  Ready ready = raft_.take_ready();
  if (ready.snapshot) {
    if (!state_.load(*ready.snapshot->data)) {
      fail("unreadable snapshot from the leader");
      return false;
    }
    Result<void> saved = log_->save_snapshot(*ready.snapshot, raft_.hard_state(), ready.entries);
    if (!saved) {
      fail(saved.error().message);
      return false;
    }
    snapshot_index_ = ready.snapshot->index;
    peers_.update(state_.membership.list());
    notify_listeners();
  } else if (!ready.entries.empty() || ready.hard_state) {
    Result<void> saved = log_->save(ready.hard_state ? &*ready.hard_state : nullptr, ready.entries, ready.must_sync);
    if (!saved) {
      fail("etcdserver: save state and entries error: " + saved.error().message);
      return false;
    }
  }
  for (const Message& message : ready.messages) peers_.send(message);
  for (const ReadState& read : ready.reads)
    if (batch_ && read.context == batch_context_) batch_->index = read.index;
  raft_.advance(runtime_.now());
  return true;
}

bool Server::apply_committed() {
  std::vector<Entry> committed = raft_.take_committed();
  if (committed.empty()) return false;
  for (const Entry& entry : committed) {
    apply(entry);
    raft_.set_applied(entry.index);
  }
  counters_.proposals_committed = raft_.commit();
  counters_.proposals_applied = raft_.applied();
  notify_listeners();
  return true;
}

void Server::apply(const Entry& entry) {
  if (!entry.data) return;
  Command command;
  if (!decode(*entry.data, command)) return fail("unreadable command at index " + std::to_string(entry.index));
  Applied applied = execute(command);
  const auto waiting = pending_.find(command.request_id);
  if (waiting == pending_.end()) return;
  waiting->second->applied = std::move(applied);
  waiting->second->done.set();
}

Applied Server::execute(Command& command) {
  const auto writes = [](const TxnRequest& txn) {
    const auto is_put = [](const TxnOperation& operation) { return operation.kind == TxnOperation::Kind::put; };
    return std::any_of(txn.then.begin(), txn.then.end(), is_put) || std::any_of(txn.otherwise.begin(), txn.otherwise.end(), is_put);
  };
  const bool full = !state_.no_space_alarms.empty();
  Applied applied;
  switch (command.kind) {
    case Command::Kind::put:
      ++counters_.puts;
      if (full) return error_no_space;
      return state_.store.put(command.put);
    case Command::Kind::remove:
      ++counters_.removes;
      return state_.store.remove(command.remove);
    case Command::Kind::txn:
      ++counters_.txns;
      if (full && writes(command.txn)) return error_no_space;
      return state_.store.txn(command.txn);
    case Command::Kind::compact: return state_.store.compact(command.revision);
    case Command::Kind::lease_grant:
      if (full) return error_no_space;
      applied = state_.store.lease_grant(command.etcd_lease, command.ttl_seconds);
      if (!applied.error && was_leader_) lessor_set(command.etcd_lease, runtime_.now() + std::chrono::seconds(command.ttl_seconds));
      return applied;
    case Command::Kind::lease_revoke:
      applied = state_.store.lease_revoke(command.etcd_lease);
      lease_revoking_.erase(command.etcd_lease);
      if (const auto found = lease_expiry_.find(command.etcd_lease); found != lease_expiry_.end()) {
        lease_order_.erase({found->second, found->first});
        lease_expiry_.erase(found);
      }
      return applied;
    case Command::Kind::alarm:
      if (command.alarm_on) state_.no_space_alarms.insert(command.member.id);
      else if (command.member.id == no_member) state_.no_space_alarms.clear();
      else state_.no_space_alarms.erase(command.member.id);
      return applied;
    case Command::Kind::attributes:
      if (const auto found = state_.membership.members.find(command.member.id); found != state_.membership.members.end()) {
        found->second.name = command.member.name;
        found->second.client_urls = command.member.client_urls;
      }
      return applied;
    case Command::Kind::membership:
      apply_membership(command, applied);
      return applied;
  }
  return applied;
}

std::optional<EtcdError> Server::check_membership(const Command& command) const {
  const Membership& now = state_.membership;
  const auto found = now.members.find(command.member.id);
  const auto url_taken = [&] {
    for (const auto& [id, member] : now.members) {
      if (id == command.member.id) continue;
      for (const std::string& url : member.peer_urls)
        if (std::find(command.member.peer_urls.begin(), command.member.peer_urls.end(), url) != command.member.peer_urls.end()) return true;
    }
    return false;
  };
  if (now.removed.contains(command.member.id)) return error_member_not_found;
  switch (command.change) {
    case MembershipChange::Kind::add_voter:
    case MembershipChange::Kind::add_learner:
      if (found != now.members.end()) {
        // Adding a learner as a voter is its promotion.
        if (command.change == MembershipChange::Kind::add_voter && found->second.is_learner) return std::nullopt;
        return error_member_exists;
      }
      if (url_taken()) return error_peer_url_exists;
      if (command.change == MembershipChange::Kind::add_learner &&
          std::any_of(now.members.begin(), now.members.end(), [](const auto& entry) { return entry.second.is_learner; })) return error_too_many_learners;
      return std::nullopt;
    case MembershipChange::Kind::remove: return found == now.members.end() ? std::optional(error_member_not_found) : std::nullopt;
    case MembershipChange::Kind::update:
      if (found == now.members.end()) return error_member_not_found;
      return url_taken() ? std::optional(error_peer_url_exists) : std::nullopt;
  }
  return std::nullopt;
}

void Server::apply_membership(const Command& command, Applied& applied) {
  applied.error = check_membership(command);
  if (applied.error) return;
  state_.membership.apply(command.change, command.member);
  MembershipChange change;
  change.kind = command.change;
  change.id = command.member.id;
  raft_.apply_membership_change(change, runtime_.now());
  runtime_.log().info("membership_changed", {{"member", to_text(change.id)}, {"change", static_cast<int>(change.kind)}});
  if (change.kind == MembershipChange::Kind::remove && change.id == raft_.id()) {
    tasks_.spawn("stop after removal", stop_later(removed_linger));
    return;
  }
  // While old entries are replayed the list is older than what a joining member was told: it only grows then.
  if (state_.membership.members.contains(raft_.id())) peers_.update(state_.membership.list());
}

void Server::notify_listeners() {
  const Store& store = state_.store;
  changes_notified_ = std::max(changes_notified_, store.changes_begin());
  for (; changes_notified_ < store.changes_end(); ++changes_notified_) {
    const Change& change = store.change(changes_notified_);
    for (runtime::Link* link = listeners_.next; link != &listeners_; link = link->next) static_cast<ChangeListener*>(link)->on_change(change, changes_notified_);
  }
}

void Server::note_leadership() {
  const bool is_leader = raft_.role() == Role::leader;
  if (raft_.leader() != leader_seen_) {
    leader_seen_ = raft_.leader();
    if (leader_seen_ != no_member) {
      ++counters_.leader_changes_seen;
      leader_elected_at_ = runtime_.now();
      if (batch_) finish_batch(error_leader_changed);
    }
    runtime_.log().info("leader_seen", {{"member", to_text(raft_.id())}, {"leader", to_text(leader_seen_)}, {"term", raft_.term()}});
    leader_changed_.notify_all();
  }
  if (is_leader == was_leader_) return;
  was_leader_ = is_leader;
  lease_expiry_.clear();
  lease_order_.clear();
  lease_revoking_.clear();
  if (!is_leader) return;
  // A new leader cannot know how much time was left: each lease starts anew, and a little longer.
  for (const auto& [id, lease] : state_.store.leases())
    lessor_set(id, runtime_.now() + std::chrono::seconds(lease.ttl_seconds) + options_.election_timeout);
}

void Server::submit(std::uint64_t request_id, std::shared_ptr<const std::string> data, bool is_membership_change) {
  if (!raft_.propose(data, is_membership_change, runtime_.now())) {
    Waiting waiting;
    waiting.request_id = request_id;
    waiting.data = std::move(data);
    waiting.is_membership_change = is_membership_change;
    waiting_.push_back(std::move(waiting));
  }
  wake_.notify_all();
}

void Server::retry_waiting() {
  std::deque<Waiting> again;
  again.swap(waiting_);
  for (Waiting& waiting : again) {
    if (!pending_.contains(waiting.request_id)) continue;
    if (!raft_.propose(waiting.data, waiting.is_membership_change, runtime_.now())) waiting_.push_back(std::move(waiting));
  }
}

EtcdError Server::timeout_error(Instant started) const {
  const Instant before = leader_elected_at_ - 2 * options_.election_timeout;
  if (started > before && started < leader_elected_at_) return error_timeout_leader_fail;
  const MemberId leader = raft_.leader();
  if (leader != no_member && leader != raft_.id() && !peers_.active_since(leader)) return error_timeout_connection_lost;
  return error_timeout;
}

bool Server::over_quota(const Command& command) const {
  if (command.kind != Command::Kind::put && command.kind != Command::Kind::txn && command.kind != Command::Kind::lease_grant) return false;
  return state_.store.size_bytes() + command.put.key.size() + command.put.value.size() > options_.quota_bytes;
}

Task<Applied> Server::propose(Command command) {
  if (exit_code_) {
    Applied stopped(error_stopped);
    co_return stopped;
  }
  if (over_quota(command)) {
    Command alarm;
    alarm.kind = Command::Kind::alarm;
    alarm.member.id = raft_.id();
    alarm.alarm_on = true;
    (void)co_await propose(std::move(alarm));
    Applied refused(error_no_space);
    co_return refused;
  }
  const Instant started = runtime_.now();
  command.request_id = ++request_next_;
  Pending pending;
  pending_[command.request_id] = &pending;
  struct Forget {
    ~Forget() { pending.erase(id); }
    std::map<std::uint64_t, Pending*>& pending;
    std::uint64_t id;
  };
  const Forget forget{pending_, command.request_id};
  submit(command.request_id, std::make_shared<const std::string>(encode(command)), command.kind == Command::Kind::membership);
  const bool done = co_await pending.done.wait_until(runtime_, started + options_.request_timeout());
  if (done) co_return std::move(pending.applied);
  ++counters_.proposals_failed;
  // What no leader could even be asked for fails with Go's own text, which the gateway makes a 500.
  const bool never_proposed = std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& waiting) { return waiting.request_id == forget.id; });
  Applied late(never_proposed ? error_deadline : timeout_error(started));
  co_return late;
}

void Server::start_batch() {
  ASSERT(!batch_);
  batch_ = std::exchange(batch_next_, nullptr);
  ++batch_context_;
  raft_.read_index(batch_context_, runtime_.now());
  wake_.notify_all();
}

void Server::finish_batch(std::optional<EtcdError> error) {
  batch_->error = error;
  batch_->done.set();
  batch_.reset();
  if (batch_next_) start_batch();
}

void Server::finish_reads() {
  // Finishing starts the next batch, which a lone member answers at once.
  while (batch_ && batch_->index && *batch_->index <= raft_.applied()) finish_batch(std::nullopt);
}

Task<std::optional<EtcdError>> Server::linearizable(Duration timeout) {
  const Instant due = runtime_.now() + timeout;
  if (!batch_next_) batch_next_ = std::make_shared<ReadBatch>();
  const std::shared_ptr<ReadBatch> mine = batch_next_;
  if (!batch_) start_batch();
  for (;;) {
    const Instant wake_at = std::min(due, runtime_.now() + read_retry_interval);
    if (co_await mine->done.wait_until(runtime_, wake_at)) co_return mine->error;
    if (runtime_.now() >= due) break;
    if (batch_ == mine && !mine->index) {
      raft_.read_index(batch_context_, runtime_.now());
      wake_.notify_all();
    }
  }
  std::optional<EtcdError> late = error_timeout;
  if (batch_ == mine) finish_batch(late);
  co_return late;
}

void Server::maybe_snapshot() {
  if (exit_code_) return;
  const std::uint64_t applied = raft_.applied();
  const bool many = applied >= snapshot_index_ + options_.snapshot_count;
  const bool large = raft_.log_bytes() > options_.log_bytes_max && applied > snapshot_index_ + 100;
  if (!many && !large) return;
  // When bytes were the reason, keep few entries: a follower that far behind gets a snapshot instead.
  const std::uint64_t kept = large ? 50 : entries_kept;
  const std::shared_ptr<const RaftSnapshot> snapshot = make_snapshot();
  if (applied > kept) raft_.compact(applied - kept);
  std::vector<Entry> after;
  for (std::uint64_t index = applied + 1; index <= raft_.last_index(); ++index) after.push_back(raft_.entry_at(index));
  Result<void> saved = log_->save_snapshot(*snapshot, raft_.hard_state(), after);
  if (!saved) return fail(saved.error().message);
  snapshot_index_ = applied;
}

std::shared_ptr<const RaftSnapshot> Server::make_snapshot() const {
  auto snapshot = std::make_shared<RaftSnapshot>();
  snapshot->index = raft_.applied();
  snapshot->term = raft_.term_of(raft_.applied());
  snapshot->voters = raft_.voters();
  snapshot->learners = raft_.learners();
  snapshot->data = std::make_shared<const std::string>(state_.save());
  return snapshot;
}

Task<void> Server::publish() {
  for (;;) {
    Command command;
    command.kind = Command::Kind::attributes;
    command.member.id = raft_.id();
    command.member.name = options_.name;
    command.member.client_urls = options_.client_urls;
    const Applied applied = co_await propose(std::move(command));
    if (!applied.error) break;
  }
  ready_.set();
}

/// As etcd's initial-election-tick-advance: nobody waits a whole timeout when all are there from the start.
Task<void> Server::hasten_first_election() {
  constexpr Duration poll_interval = std::chrono::milliseconds(50);
  constexpr int polls_max = 100;
  if (state_.membership.members.size() == 1) {
    raft_.hasten_election(options_.election_timeout - options_.heartbeat_interval);
    wake_.notify_all();
    co_return;
  }
  for (int poll = 0; poll < polls_max; ++poll) {
    co_await runtime_.sleep_for(poll_interval);
    std::size_t active = 0;
    for (const auto& [id, member] : state_.membership.members) active += peers_.active_since(id) ? 1 : 0;
    if (active < 2) continue;
    raft_.hasten_election(options_.election_timeout - 2 * options_.heartbeat_interval);
    wake_.notify_all();
    co_return;
  }
}

Task<void> Server::watch_leader() {
  for (;;) {
    while (raft_.leader() != no_member) co_await leader_changed_.wait();
    const Instant due = runtime_.now() + 3 * options_.election_timeout;
    while (raft_.leader() == no_member && runtime_.now() < due) co_await leader_changed_.wait_until(runtime_, due);
    if (raft_.leader() != no_member) continue;
    for (runtime::Link* link = listeners_.next; link != &listeners_; link = link->next) static_cast<ChangeListener*>(link)->on_leader_lost();
    while (raft_.leader() == no_member) co_await leader_changed_.wait();
  }
}

}  // namespace skidpad::fakes::etcd

#include "fakes/etcd/raft.hpp"

#include <algorithm>

#include "harness/runtime/assert.hpp"

namespace skidpad::fakes::etcd {

using runtime::Duration;
using runtime::Instant;

namespace {
/// Entries on their way to one follower beyond what it has confirmed.
constexpr std::uint64_t unconfirmed_max = 8192;
constexpr std::uint64_t vote_by_transfer = 1;
}  // namespace

Raft::Raft(RaftOptions options, runtime::Random random, Instant now, MakeSnapshot make_snapshot)
    : options_(options), random_(std::move(random)), make_snapshot_(std::move(make_snapshot)), now_(now) {
  ASSERT(options_.id != no_member);
  become_follower(0, no_member);
}

void Raft::restore(const HardState& hard_state, const RaftSnapshot& snapshot, std::vector<Entry> entries) {
  ASSERT(entries_.empty());
  snapshot_index_ = snapshot.index;
  snapshot_term_ = snapshot.term;
  voters_ = snapshot.voters;
  learners_ = snapshot.learners;
  for (Entry& entry : entries) {
    ASSERT(entry.index == last_index() + 1);
    log_bytes_ += entry.size_bytes();
    entries_.push_back(std::move(entry));
  }
  hard_state_ = hard_state;
  hard_state_.commit = std::clamp(hard_state_.commit, snapshot_index_, last_index());
  hard_state_taken_ = hard_state_;
  stable_ = taken_ = last_index();
  handed_ = applied_ = snapshot_index_;
}

std::uint64_t Raft::term_of(std::uint64_t index) const {
  if (index == snapshot_index_) return snapshot_term_;
  if (index < snapshot_index_ || index > last_index()) return 0;
  return entry(index).term;
}

void Raft::send(Message message) {
  message.from = options_.id;
  const bool termless = message.type == MessageType::propose || message.type == MessageType::read_index || message.type == MessageType::read_index_response;
  if (message.term == 0 && !termless) message.term = hard_state_.term;
  messages_.push_back(std::move(message));
}

void Raft::draw_election_deadline() {
  // In [timeout, 2 x timeout), drawn anew for each term so that equal candidates part.
  election_timeout_drawn_ = random_.between(options_.election_timeout, 2 * options_.election_timeout - Duration(1));
  election_deadline_ = now_ + election_timeout_drawn_;
}

void Raft::reset(std::uint64_t term) {
  if (hard_state_.term != term) {
    hard_state_.term = term;
    hard_state_.vote = no_member;
  }
  leader_ = no_member;
  votes_.clear();
  progress_.clear();
  pending_reads_.clear();
  transferee_ = no_member;
  draw_election_deadline();
}

void Raft::become_follower(std::uint64_t term, MemberId leader) {
  reset(term);
  role_ = Role::follower;
  leader_ = leader;
  leader_contact_ = now_;
}

void Raft::start_election(bool pre, bool by_transfer) {
  if (pre) {
    // A pre-vote changes no term and no vote.
    votes_.clear();
    role_ = Role::pre_candidate;
    leader_ = no_member;
    draw_election_deadline();
  } else {
    reset(hard_state_.term + 1);
    role_ = Role::candidate;
    hard_state_.vote = options_.id;
  }
  for (const MemberId id : voters_) {
    if (id == options_.id) continue;
    Message message(pre ? MessageType::pre_vote : MessageType::vote, id);
    message.term = pre ? hard_state_.term + 1 : hard_state_.term;
    message.index = last_index();
    message.log_term = term_of(last_index());
    message.context = by_transfer ? vote_by_transfer : 0;
    send(std::move(message));
  }
  count_vote(options_.id, true);
}

void Raft::count_vote(MemberId from, bool granted) {
  if (!voters_.contains(from)) return;
  votes_.emplace(from, granted);
  std::size_t yes = 0, no = 0;
  for (const auto& [id, vote] : votes_) ++(vote ? yes : no);
  if (yes >= quorum()) {
    if (role_ == Role::pre_candidate) {
      start_election(false, false);
    } else {
      become_leader();
    }
  } else if (no >= quorum()) {
    become_follower(hard_state_.term, no_member);
  }
}

void Raft::campaign(Instant now) {
  now_ = now;
  if (role_ == Role::leader || !promotable()) return;
  start_election(options_.pre_vote, false);
}

void Raft::become_leader() {
  reset(hard_state_.term);
  role_ = Role::leader;
  leader_ = options_.id;
  const auto follow = [&](MemberId id) {
    Progress& progress = progress_[id];
    progress.next = last_index() + 1;
    progress.match = id == options_.id ? stable_ : 0;
  };
  for (const MemberId id : voters_) follow(id);
  for (const MemberId id : learners_) follow(id);
  // There may be an uncommitted membership change among the entries of former leaders.
  membership_index_ = last_index();
  heartbeat_deadline_ = now_ + options_.heartbeat_interval;
  quorum_deadline_ = now_ + options_.election_timeout;
  append_local(Entry(last_index() + 1, hard_state_.term, false, nullptr));
  broadcast_append();
}

void Raft::append_local(Entry entry) {
  ASSERT(entry.index == last_index() + 1);
  log_bytes_ += entry.size_bytes();
  entries_.push_back(std::move(entry));
}

void Raft::truncate_from(std::uint64_t index) {
  ASSERT(index > hard_state_.commit);
  while (last_index() >= index) {
    log_bytes_ -= entries_.back().size_bytes();
    entries_.pop_back();
  }
  stable_ = std::min(stable_, index - 1);
  taken_ = std::min(taken_, index - 1);
}

bool Raft::up_to_date(std::uint64_t index, std::uint64_t log_term) const {
  const std::uint64_t own_term = term_of(last_index());
  return log_term > own_term || (log_term == own_term && index >= last_index());
}

void Raft::commit_to(std::uint64_t index) {
  if (index <= hard_state_.commit) return;
  if (index > last_index()) {
    fatal_ = "tocommit(" + std::to_string(index) + ") is out of range [lastIndex(" + std::to_string(last_index()) +
             ")]. Was the raft log corrupted, truncated, or lost?";
    return;
  }
  hard_state_.commit = index;
}

bool Raft::maybe_commit() {
  if (voters_.empty()) return false;
  std::vector<std::uint64_t> matches;
  for (const MemberId id : voters_) matches.push_back(id == options_.id ? stable_ : progress_[id].match);
  std::sort(matches.begin(), matches.end(), std::greater<>());
  std::uint64_t agreed = matches[quorum() - 1];
  if (options_.bug_commit_before_quorum) agreed = stable_;
  if (agreed <= hard_state_.commit || term_of(agreed) != hard_state_.term) return false;
  commit_to(agreed);
  return true;
}

void Raft::send_append(MemberId to, bool even_if_empty) {
  Progress& progress = progress_[to];
  if (progress.state == Progress::State::snapshot) return;
  if (progress.state == Progress::State::probe && progress.probe_sent) return;
  if (progress.state == Progress::State::replicate && progress.next > progress.match + unconfirmed_max) return;
  if (progress.next <= snapshot_index_) {
    std::shared_ptr<const RaftSnapshot> snapshot = make_snapshot_();
    if (!snapshot || snapshot->index == 0) return;
    Message message(MessageType::snapshot, to);
    progress.state = Progress::State::snapshot;
    progress.pending_snapshot = snapshot->index;
    message.snapshot = std::move(snapshot);
    send(std::move(message));
    return;
  }
  Message message(MessageType::append, to);
  message.index = progress.next - 1;
  message.log_term = term_of(progress.next - 1);
  message.commit = hard_state_.commit;
  std::size_t size = 0;
  for (std::uint64_t index = progress.next; index <= last_index() && size < options_.append_bytes_max; ++index) {
    message.entries.push_back(entry(index));
    size += message.entries.back().size_bytes();
  }
  if (message.entries.empty() && !even_if_empty) return;
  if (progress.state == Progress::State::replicate) progress.next += message.entries.size();
  else progress.probe_sent = true;
  send(std::move(message));
}

void Raft::broadcast_append() {
  for (auto& [id, progress] : progress_)
    if (id != options_.id) send_append(id, true);
}

void Raft::broadcast_heartbeat(std::uint64_t context) {
  for (auto& [id, progress] : progress_) {
    if (id == options_.id) continue;
    Message message(MessageType::heartbeat, id);
    // Never ahead of what the follower has: it would have to believe in entries it cannot see.
    message.commit = std::min(progress.match, hard_state_.commit);
    message.context = context;
    send(std::move(message));
  }
}

void Raft::check_quorum() {
  std::size_t active = 0;
  for (const MemberId id : voters_) active += id == options_.id || progress_[id].recently_active ? 1 : 0;
  for (auto& [id, progress] : progress_) progress.recently_active = false;
  if (active < quorum()) become_follower(hard_state_.term, no_member);
}

Instant Raft::next_deadline() const {
  if (role_ != Role::leader) return election_deadline_;
  Instant next = std::min(heartbeat_deadline_, quorum_deadline_);
  if (transferee_ != no_member) next = std::min(next, transfer_deadline_);
  return next;
}

void Raft::tick(Instant now) {
  now_ = now;
  if (role_ != Role::leader) {
    if (now_ < election_deadline_) return;
    draw_election_deadline();
    // A member about to apply its own removal must not disturb the others.
    const bool may_change = std::any_of(entries_.begin() + static_cast<std::ptrdiff_t>(applied_ - snapshot_index_),
                                        entries_.begin() + static_cast<std::ptrdiff_t>(hard_state_.commit - snapshot_index_),
                                        [](const Entry& entry) { return entry.is_membership_change; });
    if (promotable() && !may_change) start_election(options_.pre_vote, false);
    return;
  }
  if (now_ >= quorum_deadline_) {
    quorum_deadline_ = now_ + options_.election_timeout;
    check_quorum();
    if (role_ != Role::leader) return;
  }
  if (transferee_ != no_member && now_ >= transfer_deadline_) transferee_ = no_member;
  if (now_ >= heartbeat_deadline_) {
    heartbeat_deadline_ = now_ + options_.heartbeat_interval;
    broadcast_heartbeat(read_sequence_);
  }
}

void Raft::append_proposals(std::vector<Entry>& entries) {
  for (Entry& proposed : entries) {
    if (proposed.is_membership_change) {
      // One at a time; whoever waits for the second one asks again.
      if (membership_index_ > applied_) continue;
      membership_index_ = last_index() + 1;
    }
    append_local(Entry(last_index() + 1, hard_state_.term, proposed.is_membership_change, std::move(proposed.data)));
  }
  broadcast_append();
}

bool Raft::propose(std::shared_ptr<const std::string> data, bool is_membership_change, Instant now) {
  now_ = now;
  std::vector<Entry> entries;
  entries.emplace_back(0, 0, is_membership_change, std::move(data));
  if (role_ == Role::leader) {
    if (transferee_ != no_member || !progress_.contains(options_.id)) return false;
    if (is_membership_change && membership_index_ > applied_) return false;
    append_proposals(entries);
    return true;
  }
  if (leader_ == no_member) return false;
  Message message(MessageType::propose, leader_);
  message.entries = std::move(entries);
  send(std::move(message));
  return true;
}

bool Raft::start_read(MemberId from, std::uint64_t context) {
  // Before the first commit of its term a leader does not know how far its predecessors had committed.
  if (term_of(hard_state_.commit) != hard_state_.term) return false;
  PendingRead read;
  read.from = from;
  read.context = context;
  read.index = hard_state_.commit;
  if ((voters_.size() == 1 && promotable()) || options_.bug_read_without_quorum) {
    answer_read(read);
    return true;
  }
  read.sequence = ++read_sequence_;
  read.confirmed.insert(options_.id);
  pending_reads_.push_back(std::move(read));
  broadcast_heartbeat(read_sequence_);
  return true;
}

bool Raft::read_index(std::uint64_t context, Instant now) {
  now_ = now;
  if (role_ == Role::leader) return start_read(options_.id, context);
  if (leader_ == no_member) return false;
  Message message(MessageType::read_index, leader_);
  message.context = context;
  send(std::move(message));
  return true;
}

void Raft::answer_read(const PendingRead& read) {
  if (read.from == options_.id) {
    reads_.push_back({read.context, read.index});
    return;
  }
  Message message(MessageType::read_index_response, read.from);
  message.context = read.context;
  message.index = read.index;
  send(std::move(message));
}

void Raft::confirm_reads(MemberId from, std::uint64_t sequence) {
  if (!voters_.contains(from)) return;
  for (PendingRead& read : pending_reads_) {
    if (read.sequence > sequence) break;
    read.confirmed.insert(from);
  }
  while (!pending_reads_.empty() && pending_reads_.front().confirmed.size() >= quorum()) {
    answer_read(pending_reads_.front());
    pending_reads_.pop_front();
  }
}

void Raft::step(Message message, Instant now) {
  now_ = now;
  const MessageType type = message.type;
  if (message.term > hard_state_.term) {
    const bool asks_vote = type == MessageType::vote || type == MessageType::pre_vote;
    // Who hears from a leader helps no one to unseat it, unless the leader itself asked for that.
    const bool sticks_to_leader = leader_ != no_member && (role_ == Role::leader || now_ - leader_contact_ < options_.election_timeout);
    if (asks_vote && message.context != vote_by_transfer && sticks_to_leader) return;
    const bool keeps_term = type == MessageType::pre_vote || (type == MessageType::pre_vote_response && !message.reject);
    if (!keeps_term) {
      const bool from_leader = type == MessageType::append || type == MessageType::heartbeat || type == MessageType::snapshot;
      become_follower(message.term, from_leader ? message.from : no_member);
    }
  } else if (message.term != 0 && message.term < hard_state_.term) {
    if (type == MessageType::append || type == MessageType::heartbeat) {
      // Frees a leader of an older term that nobody else will tell.
      send(Message(MessageType::append_response, message.from));
    } else if (type == MessageType::pre_vote) {
      Message response(MessageType::pre_vote_response, message.from);
      response.reject = true;
      send(std::move(response));
    }
    return;
  }
  if (type == MessageType::vote || type == MessageType::pre_vote) return handle_vote(message);
  if (role_ == Role::leader) return step_leader(message);
  step_follower(message);
}

void Raft::handle_vote(Message& message) {
  const bool pre = message.type == MessageType::pre_vote;
  const bool free = hard_state_.vote == message.from || (hard_state_.vote == no_member && leader_ == no_member) ||
                    (pre && message.term > hard_state_.term) || options_.bug_forget_vote;
  Message response(pre ? MessageType::pre_vote_response : MessageType::vote_response, message.from);
  if (free && up_to_date(message.index, message.log_term)) {
    response.term = message.term;
    if (!pre) {
      election_deadline_ = now_ + election_timeout_drawn_;
      hard_state_.vote = message.from;
    }
  } else {
    response.reject = true;
  }
  send(std::move(response));
}

void Raft::step_leader(Message& message) {
  if (message.type == MessageType::propose) {
    if (progress_.contains(options_.id) && transferee_ == no_member) append_proposals(message.entries);
    return;
  }
  if (message.type == MessageType::read_index) {
    start_read(message.from, message.context);
    return;
  }
  const auto found = progress_.find(message.from);
  if (found == progress_.end()) return;
  Progress& progress = found->second;
  progress.recently_active = true;
  if (message.type == MessageType::append_response) return handle_append_response(message);
  if (message.type == MessageType::heartbeat_response) {
    progress.probe_sent = false;
    if (progress.match < last_index()) send_append(message.from, true);
    if (message.context != 0) confirm_reads(message.from, message.context);
  }
}

void Raft::handle_append_response(Message& message) {
  Progress& progress = progress_[message.from];
  if (message.reject) {
    if (progress.state == Progress::State::replicate) {
      if (message.index <= progress.match) return;  // an old answer
      progress.state = Progress::State::probe;
      progress.next = progress.match + 1;
    } else {
      if (progress.next - 1 != message.index) return;
      progress.next = std::max<std::uint64_t>(std::min(message.index, message.reject_hint + 1), 1);
    }
    progress.probe_sent = false;
    send_append(message.from, true);
    return;
  }
  const bool advanced = message.index > progress.match;
  progress.match = std::max(progress.match, message.index);
  progress.next = std::max(progress.next, progress.match + 1);
  progress.probe_sent = false;
  if (progress.state == Progress::State::snapshot && progress.match < progress.pending_snapshot) return;
  if (advanced || progress.state == Progress::State::probe) {
    if (progress.state != Progress::State::replicate) {
      progress.state = Progress::State::replicate;
      progress.next = progress.match + 1;
    }
  }
  if (advanced && maybe_commit()) {
    broadcast_append();
  } else {
    send_append(message.from, false);
  }
  if (transferee_ == message.from && progress.match == last_index()) send(Message(MessageType::timeout_now, message.from));
}

void Raft::step_follower(Message& message) {
  switch (message.type) {
    case MessageType::append:
    case MessageType::heartbeat:
    case MessageType::snapshot:
      if (role_ != Role::follower) become_follower(message.term, message.from);
      leader_ = message.from;
      leader_contact_ = now_;
      election_deadline_ = now_ + election_timeout_drawn_;
      if (message.type == MessageType::append) {
        handle_append(message);
      } else if (message.type == MessageType::snapshot) {
        handle_snapshot(message);
      } else {
        commit_to(message.commit);
        Message response(MessageType::heartbeat_response, message.from);
        response.context = message.context;
        send(std::move(response));
      }
      break;
    case MessageType::vote_response:
      if (role_ == Role::candidate) count_vote(message.from, !message.reject);
      break;
    case MessageType::pre_vote_response:
      if (role_ == Role::pre_candidate) count_vote(message.from, !message.reject);
      break;
    case MessageType::read_index_response:
      reads_.push_back({message.context, message.index});
      break;
    case MessageType::propose:
    case MessageType::read_index:
      // Passed on once more if leadership has just moved.
      if (leader_ != no_member && leader_ != message.from) {
        message.to = leader_;
        messages_.push_back(std::move(message));
      }
      break;
    case MessageType::timeout_now:
      if (promotable()) start_election(false, true);
      break;
    default: break;
  }
}

void Raft::handle_append(Message& message) {
  Message response(MessageType::append_response, message.from);
  if (message.index < hard_state_.commit) {
    response.index = hard_state_.commit;
    send(std::move(response));
    return;
  }
  if (message.index > last_index() || term_of(message.index) != message.log_term) {
    response.reject = true;
    response.index = message.index;
    response.reject_hint = std::min(message.index, last_index());
    send(std::move(response));
    return;
  }
  const std::uint64_t last_new = message.index + message.entries.size();
  for (Entry& incoming : message.entries) {
    if (incoming.index <= last_index()) {
      if (term_of(incoming.index) == incoming.term) continue;
      truncate_from(incoming.index);
    }
    append_local(std::move(incoming));
  }
  commit_to(std::min(message.commit, last_new));
  response.index = last_new;
  send(std::move(response));
}

void Raft::handle_snapshot(Message& message) {
  const RaftSnapshot& snapshot = *message.snapshot;
  Message response(MessageType::append_response, message.from);
  const bool known = snapshot.index <= last_index() && term_of(snapshot.index) == snapshot.term;
  if (snapshot.index <= hard_state_.commit || known) {
    commit_to(snapshot.index);
    response.index = hard_state_.commit;
    send(std::move(response));
    return;
  }
  entries_.clear();
  log_bytes_ = 0;
  snapshot_index_ = snapshot.index;
  snapshot_term_ = snapshot.term;
  voters_ = snapshot.voters;
  learners_ = snapshot.learners;
  hard_state_.commit = stable_ = taken_ = handed_ = applied_ = snapshot.index;
  snapshot_incoming_ = message.snapshot;
  response.index = snapshot.index;
  send(std::move(response));
}

void Raft::transfer_leadership(MemberId to, Instant now) {
  now_ = now;
  if (role_ != Role::leader || to == options_.id || !voters_.contains(to)) return;
  transferee_ = to;
  transfer_deadline_ = now_ + options_.election_timeout;
  if (progress_[to].match == last_index()) {
    send(Message(MessageType::timeout_now, to));
  } else {
    send_append(to, true);
  }
}

void Raft::report_unreachable(MemberId id) {
  const auto found = progress_.find(id);
  if (found == progress_.end() || id == options_.id) return;
  Progress& progress = found->second;
  if (progress.state == Progress::State::probe) return;
  progress.next = progress.match + 1;
  progress.state = Progress::State::probe;
  progress.probe_sent = false;
}

std::uint64_t Raft::match_of(MemberId id) const {
  if (id == options_.id) return stable_;
  const auto found = progress_.find(id);
  return found == progress_.end() ? 0 : found->second.match;
}

void Raft::apply_membership_change(const MembershipChange& change, Instant now) {
  now_ = now;
  switch (change.kind) {
    case MembershipChange::Kind::add_voter:
      learners_.erase(change.id);
      voters_.insert(change.id);
      break;
    case MembershipChange::Kind::add_learner:
      if (!voters_.contains(change.id)) learners_.insert(change.id);
      break;
    case MembershipChange::Kind::remove:
      voters_.erase(change.id);
      learners_.erase(change.id);
      break;
    case MembershipChange::Kind::update: return;
  }
  if (role_ != Role::leader) return;
  if (change.kind == MembershipChange::Kind::remove) {
    progress_.erase(change.id);
    if (transferee_ == change.id) transferee_ = no_member;
    // Fewer voters may already agree on more.
    if (!voters_.empty() && maybe_commit()) broadcast_append();
    return;
  }
  if (progress_.contains(change.id)) return;
  Progress& progress = progress_[change.id];
  progress.next = last_index() + 1;
  progress.recently_active = true;  // or the next quorum check would count it as dead before it could speak
  if (change.id != options_.id) send_append(change.id, true);
}

void Raft::compact(std::uint64_t index) {
  if (index <= snapshot_index_) return;
  ASSERT(index <= applied_);
  snapshot_term_ = term_of(index);
  while (snapshot_index_ < index) {
    log_bytes_ -= entries_.front().size_bytes();
    entries_.pop_front();
    ++snapshot_index_;
  }
}

bool Raft::has_ready() const {
  return !messages_.empty() || !reads_.empty() || snapshot_incoming_ || taken_ < last_index() || hard_state_ != hard_state_taken_;
}

Ready Raft::take_ready() {
  Ready ready;
  ready.snapshot = std::exchange(snapshot_incoming_, nullptr);
  for (std::uint64_t index = taken_ + 1; index <= last_index(); ++index) ready.entries.push_back(entry(index));
  taken_ = last_index();
  if (hard_state_ != hard_state_taken_) {
    ready.must_sync = hard_state_.term != hard_state_taken_.term || hard_state_.vote != hard_state_taken_.vote;
    ready.hard_state = hard_state_;
    hard_state_taken_ = hard_state_;
  }
  ready.must_sync = ready.must_sync || !ready.entries.empty() || ready.snapshot != nullptr;
  ready.messages = std::move(messages_);
  messages_.clear();
  ready.reads = std::move(reads_);
  reads_.clear();
  return ready;
}

void Raft::advance(Instant now) {
  now_ = now;
  stable_ = taken_;
  if (role_ == Role::leader && maybe_commit()) broadcast_append();
}

std::vector<Entry> Raft::take_committed(std::size_t bytes_max) {
  std::vector<Entry> committed;
  const std::uint64_t end = std::min(hard_state_.commit, stable_);
  std::size_t size = 0;
  while (handed_ < end && size < bytes_max) {
    committed.push_back(entry(++handed_));
    size += committed.back().size_bytes();
  }
  return committed;
}

}  // namespace skidpad::fakes::etcd

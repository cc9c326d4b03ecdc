// Leases, whose clock only the leader keeps, and membership changes with etcd's checks against losing the quorum.
#include <algorithm>

#include "fakes/etcd/binary.hpp"
#include "fakes/etcd/server.hpp"

namespace skidpad::fakes::etcd {

using runtime::Duration;
using runtime::Instant;
using runtime::Task;

namespace {

enum class Question : std::uint64_t { lease_renew = 1, lease_time, promote };
/// etcd's HealthInterval: how long a connection must have stood to count for a membership change.
constexpr Duration health_interval = std::chrono::seconds(5);
constexpr Duration revoke_retry_interval = std::chrono::seconds(3);
constexpr std::int64_t ttl_seconds_max = 9000000000;

}  // namespace

void Server::lessor_set(EtcdLeaseId id, Instant expiry) {
  if (const auto found = lease_expiry_.find(id); found != lease_expiry_.end()) lease_order_.erase({found->second, id});
  lease_expiry_[id] = expiry;
  lease_order_.insert({expiry, id});
  if (lease_order_.begin()->second == id) lessor_wake_.notify_all();
}

Task<void> Server::run_lessor() {
  for (;;) {
    if (lease_order_.empty()) {
      co_await lessor_wake_.wait();
      continue;
    }
    const auto [due, id] = *lease_order_.begin();
    if (due > runtime_.now()) {
      co_await lessor_wake_.wait_until(runtime_, due);
      continue;
    }
    // Asked for again should this get lost; the lease is gone from the order once its removal is applied.
    lease_order_.erase(lease_order_.begin());
    lease_order_.insert({runtime_.now() + revoke_retry_interval, id});
    lease_expiry_[id] = runtime_.now() + revoke_retry_interval;
    Command command;
    command.kind = Command::Kind::lease_revoke;
    command.etcd_lease = id;
    lease_revoking_.insert(id);
    submit(0, std::make_shared<const std::string>(encode(command)), false);
  }
}

Task<Applied> Server::lease_grant(EtcdLeaseId id, std::int64_t ttl_seconds) {
  if (ttl_seconds > ttl_seconds_max) {
    Applied refused(error_lease_ttl_too_large);
    co_return refused;
  }
  while (id == client::no_etcd_lease) id = EtcdLeaseId{static_cast<std::int64_t>(runtime_.random().next() >> 1)};
  // Shorter ones could expire during an election.
  const std::int64_t ttl_min = std::chrono::ceil<std::chrono::seconds>(3 * options_.election_timeout / 2).count();
  Command command;
  command.kind = Command::Kind::lease_grant;
  command.etcd_lease = id;
  command.ttl_seconds = std::max(ttl_seconds, ttl_min);
  const std::int64_t granted = command.ttl_seconds;
  Applied applied = co_await propose(std::move(command));
  applied.result.count = granted;
  applied.result.revision = static_cast<std::int64_t>(id);
  co_return applied;
}

Server::LeaseAnswer Server::answer_lease(EtcdLeaseId id, bool renew) {
  LeaseAnswer answer;
  const auto lease = state_.store.leases().find(id);
  const auto expiry = lease_expiry_.find(id);
  if (lease == state_.store.leases().end() || expiry == lease_expiry_.end() || lease_revoking_.contains(id)) return answer;
  answer.granted_seconds = lease->second.ttl_seconds;
  if (renew) lessor_set(id, runtime_.now() + std::chrono::seconds(lease->second.ttl_seconds));
  // Just renewed is renewed in full, whatever the rounding says.
  answer.ttl_seconds = renew ? lease->second.ttl_seconds : std::chrono::floor<std::chrono::seconds>(lease_expiry_[id] - runtime_.now()).count();
  return answer;
}

Task<Server::LeaseAnswer> Server::ask_leader_for_lease(EtcdLeaseId id, bool renew) {
  const Instant due = runtime_.now() + options_.request_timeout();
  LeaseAnswer answer;
  while (runtime_.now() < due) {
    if (was_leader_) co_return answer_lease(id, renew);
    const MemberId leader = raft_.leader();
    if (leader != no_member) {
      std::string question;
      BinaryWriter out(question);
      out.number(static_cast<std::uint64_t>(renew ? Question::lease_renew : Question::lease_time));
      out.number(static_cast<std::uint64_t>(id));
      const std::optional<std::string> text = co_await peers_.ask(leader, std::move(question), std::min(due, runtime_.now() + options_.election_timeout));
      if (text) {
        BinaryReader in(*text);
        const bool is_leader = in.number() != 0;
        answer.ttl_seconds = in.integer();
        answer.granted_seconds = in.integer();
        if (is_leader && !in.failed()) co_return answer;
      }
    }
    co_await leader_changed_.wait_until(runtime_, std::min(due, runtime_.now() + options_.election_timeout / 2));
  }
  answer.ttl_seconds = -1;
  answer.error = raft_.leader() == no_member ? error_no_leader : error_timeout;
  co_return answer;
}

Task<Server::LeaseAnswer> Server::lease_keep_alive(EtcdLeaseId id) { return ask_leader_for_lease(id, true); }
Task<Server::LeaseAnswer> Server::lease_time_to_live(EtcdLeaseId id) { return ask_leader_for_lease(id, false); }

Task<std::string> Server::answer(std::string question) {
  BinaryReader in(question);
  const auto kind = static_cast<Question>(in.number());
  const std::uint64_t id = in.number();
  std::string text;
  BinaryWriter out(text);
  if (kind == Question::promote) {
    const std::optional<EtcdError> error = co_await promote_here(MemberId{id});
    out.number(was_leader_ ? 1 : 0);
    out.number(error ? static_cast<std::uint64_t>(error->grpc_code) : 0);
    out.bytes(error ? error->message : std::string_view());
    co_return text;
  }
  const LeaseAnswer lease = answer_lease(EtcdLeaseId{static_cast<std::int64_t>(id)}, kind == Question::lease_renew);
  out.number(was_leader_ ? 1 : 0);
  out.number(static_cast<std::uint64_t>(lease.ttl_seconds));
  out.number(static_cast<std::uint64_t>(lease.granted_seconds));
  co_return text;
}

std::size_t Server::connected_voters(Instant since) const {
  std::size_t count = 0;
  for (const auto& [id, member] : state_.membership.members) {
    if (member.is_learner) continue;
    const std::optional<Instant> active = peers_.active_since(id);
    if (id == raft_.id() || (active && *active <= since)) ++count;
  }
  return count;
}

Task<std::optional<EtcdError>> Server::member_add(client::Member member) {
  if (options_.strict_reconfig_check) {
    std::size_t members = 1, started = 0;
    for (const auto& [id, known] : state_.membership.members) {
      if (known.is_learner) continue;
      ++members;
      if (!known.name.empty()) ++started;
    }
    const bool first_growth = started == 1 && members == 2;
    if (!member.is_learner && !first_growth && started < members / 2 + 1) co_return error_not_enough_started;
    if (connected_voters(runtime_.now() - health_interval) < state_.membership.voter_count()) co_return error_unhealthy;
  }
  Command command;
  command.kind = Command::Kind::membership;
  command.change = member.is_learner ? MembershipChange::Kind::add_learner : MembershipChange::Kind::add_voter;
  command.member = std::move(member);
  const Applied applied = co_await propose(std::move(command));
  co_return applied.error;
}

Task<std::optional<EtcdError>> Server::member_remove(MemberId id) {
  const auto found = state_.membership.members.find(id);
  if (found == state_.membership.members.end()) co_return error_member_not_found;
  if (options_.strict_reconfig_check && !found->second.is_learner) {
    std::size_t members = 0, started = 0;
    for (const auto& [other, known] : state_.membership.members) {
      if (known.is_learner || other == id) continue;
      ++members;
      if (!known.name.empty()) ++started;
    }
    if (members == 0 || started < members / 2 + 1) co_return error_not_enough_started;
    // A member that is down is no part of the working quorum, so its removal cannot break it.
    const bool down = id != raft_.id() && !peers_.active_since(id);
    const std::size_t voters = state_.membership.voter_count();
    if (!down && connected_voters(runtime_.now() - health_interval) - 1 < 1 + (voters - 1) / 2) co_return error_unhealthy;
  }
  Command command;
  command.kind = Command::Kind::membership;
  command.change = MembershipChange::Kind::remove;
  command.member.id = id;
  const Applied applied = co_await propose(std::move(command));
  co_return applied.error;
}

std::optional<EtcdError> Server::check_promote(MemberId id) const {
  const auto found = state_.membership.members.find(id);
  if (found == state_.membership.members.end()) return error_member_not_found;
  if (!found->second.is_learner) return error_not_learner;
  // etcd's readyPercent: nine tenths of the leader's log.
  const auto own = static_cast<double>(raft_.match_of(raft_.id()));
  if (static_cast<double>(raft_.match_of(id)) < 0.9 * own) return error_learner_not_ready;
  return std::nullopt;
}

Task<std::optional<EtcdError>> Server::promote_here(MemberId id) {
  if (!was_leader_) co_return error_not_leader;
  if (const std::optional<EtcdError> error = check_promote(id)) co_return error;
  Command command;
  command.kind = Command::Kind::membership;
  command.change = MembershipChange::Kind::add_voter;
  command.member = state_.membership.members.at(id);
  const Applied applied = co_await propose(std::move(command));
  co_return applied.error;
}

Task<std::optional<EtcdError>> Server::member_promote(MemberId id) {
  const Instant due = runtime_.now() + options_.request_timeout();
  while (runtime_.now() < due) {
    if (was_leader_) co_return co_await promote_here(id);
    if (raft_.leader() != no_member) {
      std::string question;
      BinaryWriter out(question);
      out.number(static_cast<std::uint64_t>(Question::promote));
      out.number(static_cast<std::uint64_t>(id));
      const std::optional<std::string> text = co_await peers_.ask(raft_.leader(), std::move(question), due);
      if (text) {
        BinaryReader in(*text);
        const bool is_leader = in.number() != 0;
        const std::uint64_t code = in.number();
        const std::string_view message = in.bytes();
        std::optional<EtcdError> error;
        if (code != 0) {
          error = error_timeout;
          for (const EtcdError& known : {error_member_not_found, error_not_learner, error_learner_not_ready, error_not_leader})
            if (known.message == message) error = known;
        }
        if (is_leader) co_return error;
      }
    }
    co_await leader_changed_.wait_until(runtime_, std::min(due, runtime_.now() + options_.election_timeout / 2));
  }
  co_return error_timeout;
}

Task<std::optional<EtcdError>> Server::member_update(MemberId id, std::vector<std::string> peer_urls) {
  if (!state_.membership.members.contains(id)) co_return error_member_not_found;
  Command command;
  command.kind = Command::Kind::membership;
  command.change = MembershipChange::Kind::update;
  command.member.id = id;
  command.member.peer_urls = std::move(peer_urls);
  const Applied applied = co_await propose(std::move(command));
  co_return applied.error;
}

Task<std::optional<EtcdError>> Server::move_leader(MemberId to) {
  if (!was_leader_) co_return error_not_leader;
  const auto found = state_.membership.members.find(to);
  if (found == state_.membership.members.end() || found->second.is_learner) co_return error_bad_leader_transferee;
  if (to == raft_.id()) co_return std::nullopt;
  raft_.transfer_leadership(to, runtime_.now());
  wake_.notify_all();
  const Instant due = runtime_.now() + options_.election_timeout;
  while (raft_.leader() != to && runtime_.now() < due) co_await leader_changed_.wait_until(runtime_, due);
  if (raft_.leader() == to) co_return std::nullopt;
  co_return error_timeout_leader_transfer;
}

}  // namespace skidpad::fakes::etcd

#include "fakes/etcd/command.hpp"

#include <algorithm>

#include "fakes/etcd/binary.hpp"

namespace skidpad::fakes::etcd {
namespace {

/// A transaction in a transaction in ... : bounded, since reading them recurses.
constexpr int txn_depth_max = 64;

void write(BinaryWriter& out, const PutRequest& put) {
  out.bytes(put.key);
  out.bytes(put.value);
  out.number(static_cast<std::uint64_t>(put.etcd_lease));
  out.number((put.prev_kv ? 1u : 0u) | (put.ignore_value ? 2u : 0u) | (put.ignore_lease ? 4u : 0u));
}
void read(BinaryReader& in, PutRequest& put) {
  put.key = in.bytes();
  put.value = in.bytes();
  put.etcd_lease = EtcdLeaseId{in.integer()};
  const std::uint64_t flags = in.number();
  put.prev_kv = (flags & 1) != 0;
  put.ignore_value = (flags & 2) != 0;
  put.ignore_lease = (flags & 4) != 0;
}

void write(BinaryWriter& out, const DeleteRequest& remove) {
  out.bytes(remove.key);
  out.bytes(remove.range_end);
  out.number(remove.prev_kv ? 1 : 0);
}
void read(BinaryReader& in, DeleteRequest& remove) {
  remove.key = in.bytes();
  remove.range_end = in.bytes();
  remove.prev_kv = in.number() != 0;
}

void write(BinaryWriter& out, const RangeRequest& range) {
  out.bytes(range.key);
  out.bytes(range.range_end);
  out.number(static_cast<std::uint64_t>(range.limit));
  out.number(static_cast<std::uint64_t>(range.revision));
  out.number((range.keys_only ? 1u : 0u) | (range.count_only ? 2u : 0u));
  out.number(static_cast<std::uint64_t>(range.sort_order));
  out.number(static_cast<std::uint64_t>(range.sort_target));
  for (const Revision bound : {range.mod_revision_min, range.mod_revision_max, range.create_revision_min, range.create_revision_max})
    out.number(static_cast<std::uint64_t>(bound));
}
void read(BinaryReader& in, RangeRequest& range) {
  range.key = in.bytes();
  range.range_end = in.bytes();
  range.limit = in.integer();
  range.revision = in.integer();
  const std::uint64_t flags = in.number();
  range.keys_only = (flags & 1) != 0;
  range.count_only = (flags & 2) != 0;
  range.sort_order = static_cast<client::SortOrder>(in.number());
  range.sort_target = static_cast<client::SortTarget>(in.number());
  for (Revision* bound : {&range.mod_revision_min, &range.mod_revision_max, &range.create_revision_min, &range.create_revision_max}) *bound = in.integer();
}

void write(BinaryWriter& out, const TxnRequest& txn);

void write(BinaryWriter& out, const std::vector<TxnOperation>& operations) {
  out.number(operations.size());
  for (const TxnOperation& operation : operations) {
    out.number(static_cast<std::uint64_t>(operation.kind));
    switch (operation.kind) {
      case TxnOperation::Kind::range: write(out, operation.range); break;
      case TxnOperation::Kind::put: write(out, operation.put); break;
      case TxnOperation::Kind::remove: write(out, operation.remove); break;
      case TxnOperation::Kind::txn: write(out, operation.txn.front()); break;
    }
  }
}

void write(BinaryWriter& out, const TxnRequest& txn) {
  out.number(txn.compares.size());
  for (const Compare& compare : txn.compares) {
    out.number(static_cast<std::uint64_t>(compare.relation));
    out.number(static_cast<std::uint64_t>(compare.target));
    out.bytes(compare.key);
    out.bytes(compare.range_end);
    out.number(static_cast<std::uint64_t>(compare.number));
    out.bytes(compare.bytes);
  }
  write(out, txn.then);
  write(out, txn.otherwise);
}

bool read(BinaryReader& in, TxnRequest& txn, int depth);

bool read(BinaryReader& in, std::vector<TxnOperation>& operations, int depth) {
  for (std::uint64_t left = in.number(); left > 0 && !in.failed(); --left) {
    switch (static_cast<TxnOperation::Kind>(in.number())) {
      case TxnOperation::Kind::range: {
        RangeRequest range;
        read(in, range);
        operations.emplace_back(std::move(range));
        break;
      }
      case TxnOperation::Kind::put: {
        PutRequest put;
        read(in, put);
        operations.emplace_back(std::move(put));
        break;
      }
      case TxnOperation::Kind::remove: {
        DeleteRequest remove;
        read(in, remove);
        operations.emplace_back(std::move(remove));
        break;
      }
      case TxnOperation::Kind::txn: {
        TxnRequest inner;
        if (!read(in, inner, depth + 1)) return false;
        operations.emplace_back(std::move(inner));
        break;
      }
      default: return false;
    }
  }
  return !in.failed();
}

bool read(BinaryReader& in, TxnRequest& txn, int depth) {
  if (depth > txn_depth_max) return false;
  for (std::uint64_t left = in.number(); left > 0 && !in.failed(); --left) {
    Compare compare;
    compare.relation = static_cast<Compare::Relation>(in.number());
    compare.target = static_cast<Compare::Target>(in.number());
    compare.key = in.bytes();
    compare.range_end = in.bytes();
    compare.number = in.integer();
    compare.bytes = in.bytes();
    txn.compares.push_back(std::move(compare));
  }
  return read(in, txn.then, depth) && read(in, txn.otherwise, depth);
}

void write_texts(BinaryWriter& out, const std::vector<std::string>& texts) {
  out.number(texts.size());
  for (const std::string& text : texts) out.bytes(text);
}
void read_texts(BinaryReader& in, std::vector<std::string>& texts) {
  for (std::uint64_t left = in.number(); left > 0 && !in.failed(); --left) texts.emplace_back(in.bytes());
}

void write_ids(BinaryWriter& out, const std::set<MemberId>& ids) {
  out.number(ids.size());
  for (const MemberId id : ids) out.number(static_cast<std::uint64_t>(id));
}
void read_ids(BinaryReader& in, std::set<MemberId>& ids) {
  for (std::uint64_t left = in.number(); left > 0 && !in.failed(); --left) ids.insert(MemberId{in.number()});
}

/// FNV-1a with SplitMix64's finish.
std::uint64_t hash_text(std::string_view text, std::uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  hash ^= hash >> 30;
  hash *= 0xbf58476d1ce4e5b9ULL;
  hash ^= hash >> 27;
  hash *= 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31);
}

}  // namespace

void write_member(BinaryWriter& out, const client::Member& member) {
  out.number(static_cast<std::uint64_t>(member.id));
  out.bytes(member.name);
  write_texts(out, member.peer_urls);
  write_texts(out, member.client_urls);
  out.number(member.is_learner ? 1 : 0);
}

client::Member read_member(BinaryReader& in) {
  client::Member member;
  member.id = MemberId{in.number()};
  member.name = in.bytes();
  read_texts(in, member.peer_urls);
  read_texts(in, member.client_urls);
  member.is_learner = in.number() != 0;
  return member;
}

std::string encode(const Command& command) {
  std::string text;
  text.reserve(64 + command.put.key.size() + command.put.value.size());
  BinaryWriter out(text);
  out.number(static_cast<std::uint64_t>(command.kind));
  out.number(command.request_id);
  switch (command.kind) {
    case Command::Kind::put: write(out, command.put); break;
    case Command::Kind::remove: write(out, command.remove); break;
    case Command::Kind::txn: write(out, command.txn); break;
    case Command::Kind::compact: out.number(static_cast<std::uint64_t>(command.revision)); break;
    case Command::Kind::lease_grant:
    case Command::Kind::lease_revoke:
      out.number(static_cast<std::uint64_t>(command.etcd_lease));
      out.number(static_cast<std::uint64_t>(command.ttl_seconds));
      break;
    case Command::Kind::alarm:
      out.number(static_cast<std::uint64_t>(command.member.id));
      out.number(command.alarm_on ? 1 : 0);
      break;
    case Command::Kind::attributes: write_member(out, command.member); break;
    case Command::Kind::membership:
      out.number(static_cast<std::uint64_t>(command.change));
      write_member(out, command.member);
      break;
  }
  return text;
}

bool decode(std::string_view text, Command& command) {
  BinaryReader in(text);
  command.kind = static_cast<Command::Kind>(in.number());
  command.request_id = in.number();
  switch (command.kind) {
    case Command::Kind::put: read(in, command.put); break;
    case Command::Kind::remove: read(in, command.remove); break;
    case Command::Kind::txn:
      if (!read(in, command.txn, 0)) return false;
      break;
    case Command::Kind::compact: command.revision = in.integer(); break;
    case Command::Kind::lease_grant:
    case Command::Kind::lease_revoke:
      command.etcd_lease = EtcdLeaseId{in.integer()};
      command.ttl_seconds = in.integer();
      break;
    case Command::Kind::alarm:
      command.member.id = MemberId{in.number()};
      command.alarm_on = in.number() != 0;
      break;
    case Command::Kind::attributes: command.member = read_member(in); break;
    case Command::Kind::membership:
      command.change = static_cast<MembershipChange::Kind>(in.number());
      command.member = read_member(in);
      break;
    default: return false;
  }
  return !in.failed();
}

void Membership::apply(MembershipChange::Kind kind, const client::Member& member) {
  switch (kind) {
    case MembershipChange::Kind::add_voter:
    case MembershipChange::Kind::add_learner: {
      const auto found = members.find(member.id);
      if (found == members.end()) {
        members[member.id] = member;
      }
      members[member.id].is_learner = kind == MembershipChange::Kind::add_learner;
      break;
    }
    case MembershipChange::Kind::remove:
      members.erase(member.id);
      removed.insert(member.id);
      break;
    case MembershipChange::Kind::update:
      if (const auto found = members.find(member.id); found != members.end()) found->second.peer_urls = member.peer_urls;
      break;
  }
}

std::vector<client::Member> Membership::list() const {
  std::vector<client::Member> all;
  for (const auto& [id, member] : members) all.push_back(member);
  return all;
}

std::size_t Membership::voter_count() const {
  return static_cast<std::size_t>(std::count_if(members.begin(), members.end(), [](const auto& entry) { return !entry.second.is_learner; }));
}

std::string AppliedState::save() const {
  std::string text;
  BinaryWriter out(text);
  out.number(membership.cluster_id);
  out.number(membership.members.size());
  for (const auto& [id, member] : membership.members) write_member(out, member);
  write_ids(out, membership.removed);
  write_ids(out, no_space_alarms);
  out.bytes(store.save());
  return text;
}

bool AppliedState::load(std::string_view text) {
  BinaryReader in(text);
  Membership loaded;
  loaded.cluster_id = in.number();
  for (std::uint64_t left = in.number(); left > 0 && !in.failed(); --left) {
    client::Member member = read_member(in);
    const MemberId id = member.id;
    loaded.members[id] = std::move(member);
  }
  read_ids(in, loaded.removed);
  std::set<MemberId> alarms;
  read_ids(in, alarms);
  const std::string_view saved = in.bytes();
  if (in.failed() || !store.load(saved)) return false;
  membership = std::move(loaded);
  no_space_alarms = std::move(alarms);
  return true;
}

MemberId make_member_id(std::vector<std::string> peer_urls, std::string_view token, std::uint64_t salt) {
  std::sort(peer_urls.begin(), peer_urls.end());
  std::uint64_t hash = 14695981039346656037ULL + salt;
  for (const std::string& url : peer_urls) hash = hash_text(url, hash);
  hash = hash_text(token, hash);
  return MemberId{hash == 0 ? 1 : hash};
}

std::uint64_t make_cluster_id(const std::vector<MemberId>& members) {
  std::vector<MemberId> sorted = members;
  std::sort(sorted.begin(), sorted.end());
  std::uint64_t hash = 14695981039346656037ULL;
  for (const MemberId id : sorted) hash = hash_text(client::to_text(id), hash);
  return hash == 0 ? 1 : hash;
}

void encode_message(std::string& text, const Message& message) {
  BinaryWriter out(text);
  out.number(static_cast<std::uint64_t>(message.type));
  out.number(static_cast<std::uint64_t>(message.from));
  out.number(static_cast<std::uint64_t>(message.to));
  out.number(message.term);
  out.number(message.index);
  out.number(message.log_term);
  out.number(message.commit);
  out.number(message.context);
  out.number((message.reject ? 1u : 0u) | (message.snapshot ? 2u : 0u));
  out.number(message.reject_hint);
  out.number(message.entries.size());
  for (const Entry& entry : message.entries) {
    out.number(entry.index);
    out.number(entry.term);
    out.number((entry.is_membership_change ? 1u : 0u) | (entry.data ? 2u : 0u));
    if (entry.data) out.bytes(*entry.data);
  }
  if (!message.snapshot) return;
  out.number(message.snapshot->index);
  out.number(message.snapshot->term);
  write_ids(out, message.snapshot->voters);
  write_ids(out, message.snapshot->learners);
  out.bytes(*message.snapshot->data);
}

bool decode_message(std::string_view text, Message& message) {
  BinaryReader in(text);
  message.type = static_cast<MessageType>(in.number());
  message.from = MemberId{in.number()};
  message.to = MemberId{in.number()};
  message.term = in.number();
  message.index = in.number();
  message.log_term = in.number();
  message.commit = in.number();
  message.context = in.number();
  const std::uint64_t flags = in.number();
  message.reject = (flags & 1) != 0;
  message.reject_hint = in.number();
  for (std::uint64_t left = in.number(); left > 0 && !in.failed(); --left) {
    Entry entry;
    entry.index = in.number();
    entry.term = in.number();
    const std::uint64_t entry_flags = in.number();
    entry.is_membership_change = (entry_flags & 1) != 0;
    if ((entry_flags & 2) != 0) entry.data = std::make_shared<const std::string>(in.bytes());
    message.entries.push_back(std::move(entry));
  }
  if ((flags & 2) != 0) {
    auto snapshot = std::make_shared<RaftSnapshot>();
    snapshot->index = in.number();
    snapshot->term = in.number();
    read_ids(in, snapshot->voters);
    read_ids(in, snapshot->learners);
    snapshot->data = std::make_shared<const std::string>(in.bytes());
    message.snapshot = std::move(snapshot);
  }
  return !in.failed();
}

}  // namespace skidpad::fakes::etcd

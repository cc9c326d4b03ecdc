/// @file command.hpp
/// What the members agree on: one command per raft entry, and the member list they build from them.
#pragma once

#include <map>
#include <set>

#include "fakes/etcd/raft.hpp"
#include "fakes/etcd/store.hpp"

namespace skidpad::fakes::etcd {

struct Command {
  enum class Kind : std::uint8_t { put, remove, txn, compact, lease_grant, lease_revoke, alarm, attributes, membership };
  Command() {}
  Kind kind = Kind::put;
  std::uint64_t request_id = 0;  ///< 0: nobody waits for the answer
  PutRequest put;
  DeleteRequest remove;
  TxnRequest txn;
  Revision revision = 0;         ///< compact
  EtcdLeaseId etcd_lease{};
  std::int64_t ttl_seconds = 0;
  bool alarm_on = false;         ///< alarm of `member.id`
  client::Member member;         ///< attributes (id, name, client URLs) and membership
  MembershipChange::Kind change = MembershipChange::Kind::update;
};

std::string encode(const Command& command);
bool decode(std::string_view text, Command& command);

void write_member(class BinaryWriter& out, const client::Member& member);
client::Member read_member(class BinaryReader& in);

/// The member list as this member has applied it.
struct Membership {
  Membership() {}
  std::uint64_t cluster_id = 0;
  std::map<MemberId, client::Member> members;
  std::set<MemberId> removed;
  void apply(MembershipChange::Kind kind, const client::Member& member);
  std::vector<client::Member> list() const;
  std::size_t voter_count() const;
};

/// Everything a raft snapshot carries.
struct AppliedState {
  AppliedState() {}
  Store store;
  Membership membership;
  std::set<MemberId> no_space_alarms;
  std::string save() const;
  bool load(std::string_view text);
};

/// IDs as functions of what all members know at the start. Not etcd's SHA-1, but as stable.
MemberId make_member_id(std::vector<std::string> peer_urls, std::string_view token, std::uint64_t salt);
std::uint64_t make_cluster_id(const std::vector<MemberId>& members);

void encode_message(std::string& out, const Message& message);
bool decode_message(std::string_view text, Message& message);

}  // namespace skidpad::fakes::etcd

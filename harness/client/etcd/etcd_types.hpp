/// @file etcd_types.hpp
/// What goes to etcd and comes back, as values. Keys and values are raw bytes; the client does the base64.
/// Every struct has a constructor, so temporaries of it are safe inside co_await expressions (g++ 12.2).
/// Source: etcd 3.4 etcdserverpb/rpc.proto, mvccpb/kv.proto.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/runtime/time.hpp"

namespace skidpad::client {

/// etcd's store-wide counter. 0 as an argument means "now".
using Revision = std::int64_t;
/// 0: no lease.
enum class EtcdLeaseId : std::int64_t {};
/// 0: nobody.
enum class MemberId : std::uint64_t {};
/// The form etcd prints and the Kubernetes world uses: lower-case hexadecimal without leading zeros.
std::string to_text(MemberId id);
inline constexpr EtcdLeaseId no_etcd_lease{};

/// The smallest key that is greater than every key with this prefix; "\0" (all keys) for "" and for all-0xff prefixes.
std::string prefix_end(std::string_view prefix);

/// Comes with every answer.
struct EtcdHeader {
  EtcdHeader() {}
  std::uint64_t cluster_id = 0;
  MemberId member_id{};
  Revision revision = 0;
  std::uint64_t raft_term = 0;
};

struct KeyValue {
  KeyValue() {}
  std::string key;
  std::string value;
  Revision create_revision = 0;
  Revision mod_revision = 0;
  std::int64_t version = 0;  ///< 1 after creation
  EtcdLeaseId etcd_lease{};
  friend bool operator==(const KeyValue&, const KeyValue&) = default;
};

enum class SortOrder { none, ascend, descend };
enum class SortTarget { key, version, create_revision, mod_revision, value };

/// Which keys, and how much of them. Start with one of the three factories, then set what differs.
struct RangeRequest {
  RangeRequest() {}
  static RangeRequest one(std::string key);
  static RangeRequest prefix(std::string_view prefix);
  /// [key, end); end "\0" means to the last key.
  static RangeRequest interval(std::string key, std::string end);
  std::string key;
  std::string range_end;      ///< "" = exactly one key
  std::int64_t limit = 0;     ///< 0 = all
  Revision revision = 0;      ///< 0 = newest; compacted ones fail with ErrorCode::gone
  bool keys_only = false;
  bool count_only = false;
  bool serializable = false;  ///< answered from the member's own state: needs no quorum, may be stale
  SortOrder sort_order = SortOrder::none;
  SortTarget sort_target = SortTarget::key;
  Revision mod_revision_min = 0;
  Revision mod_revision_max = 0;
  Revision create_revision_min = 0;
  Revision create_revision_max = 0;
};
struct RangeResponse {
  RangeResponse() {}
  EtcdHeader header;
  std::vector<KeyValue> kvs;  ///< in key order unless sorted otherwise
  bool more = false;          ///< the limit cut some off
  std::int64_t count = 0;     ///< all keys in the range, whatever the limit
};

struct PutRequest {
  PutRequest() {}
  PutRequest(std::string key, std::string value, EtcdLeaseId etcd_lease = no_etcd_lease)
      : key(std::move(key)), value(std::move(value)), etcd_lease(etcd_lease) {}
  std::string key;
  std::string value;
  EtcdLeaseId etcd_lease{};
  bool prev_kv = false;       ///< return what was there before
  bool ignore_value = false;  ///< keep the value, change the lease
  bool ignore_lease = false;
};
struct PutResponse {
  PutResponse() {}
  EtcdHeader header;
  std::optional<KeyValue> prev_kv;
};

struct DeleteRequest {
  DeleteRequest() {}
  static DeleteRequest one(std::string key);
  static DeleteRequest prefix(std::string_view prefix);
  static DeleteRequest interval(std::string key, std::string end);
  std::string key;
  std::string range_end;
  bool prev_kv = false;
};
struct DeleteResponse {
  DeleteResponse() {}
  EtcdHeader header;
  std::int64_t deleted = 0;
  std::vector<KeyValue> prev_kvs;
};

/// One condition of a transaction, for example Compare::mod_revision("/registry/pods/a/b", 17).
struct Compare {
  enum class Relation { equal, greater, less, not_equal };
  enum class Target { version, create_revision, mod_revision, value, etcd_lease };
  static Compare version(std::string key, std::int64_t version, Relation relation = Relation::equal);
  static Compare create_revision(std::string key, Revision revision, Relation relation = Relation::equal);
  static Compare mod_revision(std::string key, Revision revision, Relation relation = Relation::equal);
  static Compare value(std::string key, std::string value, Relation relation = Relation::equal);
  /// mod_revision 0: the key is not there.
  static Compare absent(std::string key) { return mod_revision(std::move(key), 0); }

  Compare() {}
  Relation relation = Relation::equal;
  Target target = Target::version;
  std::string key;
  std::string range_end;    ///< the condition must hold for every key of the range
  std::int64_t number = 0;  ///< all targets but value
  std::string bytes;        ///< target value
};

struct TxnRequest;
/// One step of a transaction's branch.
struct TxnOperation {
  enum class Kind { range, put, remove, txn };
  TxnOperation(RangeRequest request) : kind(Kind::range), range(std::move(request)) {}
  TxnOperation(PutRequest request) : kind(Kind::put), put(std::move(request)) {}
  TxnOperation(DeleteRequest request) : kind(Kind::remove), remove(std::move(request)) {}
  TxnOperation(TxnRequest request);
  Kind kind;
  RangeRequest range;
  PutRequest put;
  DeleteRequest remove;
  std::vector<TxnRequest> txn;  ///< exactly one for Kind::txn
};
struct TxnRequest {
  TxnRequest() {}
  std::vector<Compare> compares;        ///< all must hold
  std::vector<TxnOperation> then;
  std::vector<TxnOperation> otherwise;
};
struct TxnResponse;
struct TxnOperationResponse {
  TxnOperationResponse() {}
  TxnOperation::Kind kind = TxnOperation::Kind::range;
  RangeResponse range;
  PutResponse put;
  DeleteResponse remove;
  std::vector<TxnResponse> txn;
};
struct TxnResponse {
  TxnResponse() {}
  EtcdHeader header;
  bool succeeded = false;  ///< which branch ran
  std::vector<TxnOperationResponse> responses;
};

struct EtcdLeaseStatus {
  EtcdLeaseStatus() {}
  EtcdHeader header;
  EtcdLeaseId id{};
  std::chrono::seconds granted_ttl{};
  std::chrono::seconds ttl{};  ///< what is left; -1 s: expired or never granted
  std::vector<std::string> keys;
};

struct Member {
  Member() {}
  MemberId id{};
  std::string name;  ///< "" until the member has started for the first time
  std::vector<std::string> peer_urls;
  std::vector<std::string> client_urls;
  bool is_learner = false;
};
struct MemberList {
  MemberList() {}
  EtcdHeader header;
  std::vector<Member> members;
};
struct MemberAdded {
  MemberAdded() {}
  EtcdHeader header;
  Member member;
  std::vector<Member> members;  ///< the list afterwards
};

struct EtcdStatus {
  EtcdStatus() {}
  EtcdHeader header;
  std::string version;
  std::int64_t db_size_bytes = 0;
  std::int64_t db_size_in_use_bytes = 0;
  MemberId leader{};  ///< 0: this member knows of none
  std::uint64_t raft_index = 0;
  std::uint64_t raft_term = 0;
  std::uint64_t raft_applied_index = 0;
  std::vector<std::string> errors;
  bool is_learner = false;
};

struct HashKv {
  HashKv() {}
  EtcdHeader header;
  std::uint32_t hash = 0;
  Revision compact_revision = 0;
};

struct Alarm {
  Alarm() {}
  MemberId member{};
  std::string type;  ///< "NOSPACE" or "CORRUPT"
};

struct EtcdWatchEvent {
  enum class Type { put, remove };
  EtcdWatchEvent() {}
  Type type = Type::put;
  KeyValue kv;                      ///< for remove: key and mod_revision only
  std::optional<KeyValue> prev_kv;  ///< if asked for, and there was one
  bool is_create() const { return type == Type::put && kv.create_revision == kv.mod_revision; }
};

/// What one step of a watch brings: events in revision order, or none and a progress notice.
struct WatchBatch {
  WatchBatch() {}
  std::vector<EtcdWatchEvent> events;
  /// All events up to and including this revision have been delivered.
  Revision revision = 0;
  bool is_progress() const { return events.empty(); }
};

struct WatchRequest {
  WatchRequest() {}
  static WatchRequest one(std::string key);
  static WatchRequest prefix(std::string_view prefix);
  static WatchRequest interval(std::string key, std::string end);
  std::string key;
  std::string range_end;
  Revision start_revision = 0;   ///< the first revision of interest; 0 = from now on
  bool prev_kv = false;
  bool progress_notify = false;  ///< also deliver empty batches with the current revision (etcd: every 10 min)
};

}  // namespace skidpad::client

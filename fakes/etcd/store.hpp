/// @file store.hpp
/// etcd's multi-version key-value store with its leases: a deterministic state machine without time, network or disk.
/// Promise: the same commands in the same order give the same revisions, answers and hash on every member.
/// Not modelled: the B+tree file; sizes are sums of what is kept. Lease time is the leader's business (lessor.hpp).
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "fakes/etcd/etcd_error.hpp"
#include "harness/client/etcd/etcd_types.hpp"

namespace skidpad::fakes::etcd {

using client::Compare;
using client::DeleteRequest;
using client::EtcdLeaseId;
using client::KeyValue;
using client::PutRequest;
using client::RangeRequest;
using client::Revision;
using client::TxnOperation;
using client::TxnRequest;

/// Versions are immutable and shared by history, watchers and answers. A tombstone has version 0 and no value.
using KeyValuePointer = std::shared_ptr<const KeyValue>;

/// One event of the store, in revision order.
struct Change {
  KeyValuePointer kv;
  KeyValuePointer previous;  ///< null if the key was not there
  bool removed() const { return kv->version == 0; }
};

struct OperationResult {
  OperationResult() {}
  TxnOperation::Kind kind = TxnOperation::Kind::range;
  Revision revision = 0;
  std::vector<KeyValuePointer> kvs;  ///< found (range) or removed (remove, if prev_kv was asked for)
  std::int64_t count = 0;            ///< in the range, or removed
  bool more = false;
  bool keys_only = false;
  KeyValuePointer previous;          ///< put with prev_kv
  bool succeeded = false;            ///< txn
  std::vector<OperationResult> responses;  ///< txn
};

/// What a command gives: an answer, or why nothing happened.
struct Applied {
  Applied() {}
  Applied(EtcdError error) : error(error) {}
  std::optional<EtcdError> error;
  OperationResult result;
};

struct EtcdLease {
  EtcdLease() {}
  std::int64_t ttl_seconds = 0;
  std::set<std::string> keys;
};

class Store {
 public:
  Revision revision() const { return revision_; }
  Revision compact_revision() const { return compact_revision_; }
  std::uint64_t size_bytes() const { return size_bytes_; }
  std::size_t key_count() const { return keys_.size(); }

  /// Reads never change anything. Errors: compacted, future revision.
  Applied range(const RangeRequest& request) const;
  Applied put(const PutRequest& request);
  Applied remove(const DeleteRequest& request);
  Applied txn(const TxnRequest& request);
  Applied compact(Revision revision);
  Applied lease_grant(EtcdLeaseId id, std::int64_t ttl_seconds);
  /// Removes the lease's keys, all at one revision.
  Applied lease_revoke(EtcdLeaseId id);
  const std::map<EtcdLeaseId, EtcdLease>& leases() const { return leases_; }

  /// Changes are numbered from 1 for the life of this object; those before changes_begin() are compacted away.
  std::uint64_t changes_begin() const { return changes_begin_; }
  std::uint64_t changes_end() const { return changes_begin_ + changes_.size(); }
  const Change& change(std::uint64_t number) const { return changes_[number - changes_begin_]; }
  /// The first kept change at or after a revision.
  std::uint64_t change_at(Revision revision) const;

  /// Over all versions kept up to `revision`; equal on members with equal history and compaction.
  std::uint32_t hash(Revision revision) const;
  std::string save() const;
  /// False if the text is no saved store. Changes are rebuilt, so watches can go on.
  bool load(std::string_view text);
  /// After a restore from a snapshot: skip revisions so that no client sees one of its own again.
  void skip_revisions(Revision count) { revision_ += count; }

 private:
  using History = std::vector<KeyValuePointer>;  ///< ascending mod_revision
  struct Write;
  template <class Visit>
  void visit(const std::string& key, const std::string& range_end, Visit visit) const;
  OperationResult range_now(const RangeRequest& request, Revision now) const;
  void put_at(Write& write, const PutRequest& request, OperationResult& result);
  void remove_at(Write& write, const DeleteRequest& request, OperationResult& result);
  void remove_key(Write& write, const std::string& key, KeyValuePointer before);
  void txn_at(Write& write, const TxnRequest& request, const std::vector<bool>& branches, std::size_t& branch_next, OperationResult& result);
  std::optional<EtcdError> check_put(const PutRequest& request) const;
  std::optional<EtcdError> check_range(const RangeRequest& request) const;
  /// Decides all branches beforehand, as etcd does: inner comparisons do not see outer writes.
  std::optional<EtcdError> plan_txn(const TxnRequest& request, std::vector<bool>& branches) const;
  bool holds(const Compare& compare) const;
  KeyValuePointer newest(const std::string& key) const;
  void append(const std::string& key, KeyValuePointer kv, KeyValuePointer previous);

  Revision revision_ = 1;
  Revision compact_revision_ = -1;
  std::map<std::string, History, std::less<>> keys_;
  std::deque<Change> changes_;
  std::uint64_t changes_begin_ = 1;
  std::map<EtcdLeaseId, EtcdLease> leases_;
  std::uint64_t size_bytes_ = 0;
};

/// True if the key lies in [begin, end); end "" means exactly begin, "\0" means to the last key.
bool in_range(std::string_view key, std::string_view begin, std::string_view end);

}  // namespace skidpad::fakes::etcd

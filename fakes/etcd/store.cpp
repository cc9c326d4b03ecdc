#include "fakes/etcd/store.hpp"

#include <algorithm>

#include "fakes/etcd/binary.hpp"
#include "harness/runtime/assert.hpp"

namespace skidpad::fakes::etcd {
namespace {

std::uint64_t size_of(const KeyValue& kv) { return 64 + kv.key.size() + kv.value.size(); }
bool to_last_key(std::string_view end) { return end.size() == 1 && end[0] == '\0'; }

template <class T>
bool compare_values(const T& actual, Compare::Relation relation, const T& wanted) {
  switch (relation) {
    case Compare::Relation::equal: return actual == wanted;
    case Compare::Relation::not_equal: return actual != wanted;
    case Compare::Relation::greater: return actual > wanted;
    case Compare::Relation::less: return actual < wanted;
  }
  return false;
}

bool holds_for(const Compare& compare, const KeyValue& kv) {
  switch (compare.target) {
    case Compare::Target::version: return compare_values(kv.version, compare.relation, compare.number);
    case Compare::Target::create_revision: return compare_values(kv.create_revision, compare.relation, compare.number);
    case Compare::Target::mod_revision: return compare_values(kv.mod_revision, compare.relation, compare.number);
    case Compare::Target::etcd_lease: return compare_values(static_cast<std::int64_t>(kv.etcd_lease), compare.relation, compare.number);
    case Compare::Target::value: return compare_values(kv.value, compare.relation, compare.bytes);
  }
  return false;
}

/// The version of a key that a reader at `revision` sees; null if none.
KeyValuePointer version_at(const std::vector<KeyValuePointer>& history, Revision revision) {
  const auto after = std::upper_bound(history.begin(), history.end(), revision,
                                      [](Revision wanted, const KeyValuePointer& kv) { return wanted < kv->mod_revision; });
  if (after == history.begin()) return nullptr;
  const KeyValuePointer& kv = *std::prev(after);
  return kv->version == 0 ? nullptr : kv;
}

}  // namespace

bool in_range(std::string_view key, std::string_view begin, std::string_view end) {
  if (end.empty()) return key == begin;
  return key >= begin && (to_last_key(end) || key < end);
}

/// One transaction under way: everything it changes gets one new revision.
struct Store::Write {
  explicit Write(Store& store) : store(store) {}
  ~Write() {
    if (changed) ++store.revision_;
  }
  /// What a read inside the transaction names as its revision.
  Revision now() const { return store.revision_ + (changed ? 1 : 0); }
  Store& store;
  bool changed = false;
};

template <class Visit>
void Store::visit(const std::string& key, const std::string& range_end, Visit visit) const {
  if (range_end.empty()) {
    const auto found = keys_.find(key);
    if (found != keys_.end()) visit(*found);
    return;
  }
  const auto end = to_last_key(range_end) ? keys_.end() : keys_.lower_bound(range_end);
  if (!to_last_key(range_end) && range_end <= key) return;
  for (auto at = keys_.lower_bound(key); at != end; ++at) visit(*at);
}

KeyValuePointer Store::newest(const std::string& key) const {
  const auto found = keys_.find(key);
  if (found == keys_.end() || found->second.back()->version == 0) return nullptr;
  return found->second.back();
}

OperationResult Store::range_now(const RangeRequest& request, Revision now) const {
  OperationResult result;
  result.revision = now;
  result.keys_only = request.keys_only;
  const Revision at = request.revision <= 0 ? now : request.revision;
  const bool filtered = request.mod_revision_min != 0 || request.mod_revision_max != 0 || request.create_revision_min != 0 || request.create_revision_max != 0;
  const bool sorted = request.sort_order != client::SortOrder::none || request.sort_target != client::SortTarget::key;
  const auto limit = static_cast<std::size_t>(std::max<std::int64_t>(request.limit, 0));
  const std::size_t keep_max = request.count_only ? 0 : limit == 0 || filtered || sorted ? SIZE_MAX : limit + 1;
  visit(request.key, request.range_end, [&](const auto& entry) {
    const History& history = entry.second;
    KeyValuePointer kv = history.back()->mod_revision <= at ? (history.back()->version == 0 ? nullptr : history.back()) : version_at(history, at);
    if (!kv) return;
    ++result.count;
    if (result.kvs.size() < keep_max) result.kvs.push_back(std::move(kv));
  });
  if (filtered) {
    std::erase_if(result.kvs, [&](const KeyValuePointer& kv) {
      return (request.mod_revision_min != 0 && kv->mod_revision < request.mod_revision_min) ||
             (request.mod_revision_max != 0 && kv->mod_revision > request.mod_revision_max) ||
             (request.create_revision_min != 0 && kv->create_revision < request.create_revision_min) ||
             (request.create_revision_max != 0 && kv->create_revision > request.create_revision_max);
    });
  }
  if (sorted) {
    const auto before = [&](const KeyValuePointer& a, const KeyValuePointer& b) {
      switch (request.sort_target) {
        case client::SortTarget::version: return a->version < b->version;
        case client::SortTarget::create_revision: return a->create_revision < b->create_revision;
        case client::SortTarget::mod_revision: return a->mod_revision < b->mod_revision;
        case client::SortTarget::value: return a->value < b->value;
        case client::SortTarget::key: break;
      }
      return a->key < b->key;
    };
    if (request.sort_order == client::SortOrder::descend) {
      std::stable_sort(result.kvs.begin(), result.kvs.end(), [&](const auto& a, const auto& b) { return before(b, a); });
    } else {
      std::stable_sort(result.kvs.begin(), result.kvs.end(), before);
    }
  }
  if (limit != 0 && result.kvs.size() > limit) {
    result.kvs.resize(limit);
    result.more = true;
  }
  return result;
}

std::optional<EtcdError> Store::check_range(const RangeRequest& request) const {
  if (request.revision > revision_) return error_future_revision;
  if (request.revision > 0 && request.revision < compact_revision_) return error_compacted;
  return std::nullopt;
}

std::optional<EtcdError> Store::check_put(const PutRequest& request) const {
  if ((request.ignore_value || request.ignore_lease) && newest(request.key) == nullptr) return error_key_not_found;
  if (request.etcd_lease != client::no_etcd_lease && !leases_.contains(request.etcd_lease)) return error_lease_not_found;
  return std::nullopt;
}

Applied Store::range(const RangeRequest& request) const {
  if (const auto error = check_range(request)) return *error;
  Applied applied;
  applied.result = range_now(request, revision_);
  return applied;
}

void Store::append(const std::string& key, KeyValuePointer kv, KeyValuePointer previous) {
  size_bytes_ += size_of(*kv);
  keys_[key].push_back(kv);
  Change change;
  change.kv = std::move(kv);
  change.previous = std::move(previous);
  changes_.push_back(std::move(change));
}

void Store::put_at(Write& write, const PutRequest& request, OperationResult& result) {
  KeyValuePointer before = newest(request.key);
  auto kv = std::make_shared<KeyValue>();
  kv->key = request.key;
  kv->mod_revision = revision_ + 1;
  kv->create_revision = before ? before->create_revision : revision_ + 1;
  kv->version = before ? before->version + 1 : 1;
  kv->value = request.ignore_value ? before->value : request.value;
  kv->etcd_lease = request.ignore_lease ? before->etcd_lease : request.etcd_lease;
  const EtcdLeaseId lease_before = before ? before->etcd_lease : client::no_etcd_lease;
  if (lease_before != kv->etcd_lease) {
    if (const auto old = leases_.find(lease_before); old != leases_.end()) old->second.keys.erase(request.key);
    if (const auto now = leases_.find(kv->etcd_lease); now != leases_.end()) now->second.keys.insert(request.key);
  }
  if (request.prev_kv) result.previous = before;
  result.kind = TxnOperation::Kind::put;
  result.revision = revision_ + 1;
  write.changed = true;
  append(request.key, std::move(kv), std::move(before));
}

void Store::remove_key(Write& write, const std::string& key, KeyValuePointer before) {
  auto tombstone = std::make_shared<KeyValue>();
  tombstone->key = key;
  tombstone->mod_revision = revision_ + 1;
  if (const auto lease = leases_.find(before->etcd_lease); lease != leases_.end()) lease->second.keys.erase(key);
  write.changed = true;
  append(key, std::move(tombstone), std::move(before));
}

void Store::remove_at(Write& write, const DeleteRequest& request, OperationResult& result) {
  std::vector<KeyValuePointer> victims;
  visit(request.key, request.range_end, [&](const auto& entry) {
    if (entry.second.back()->version != 0) victims.push_back(entry.second.back());
  });
  for (const KeyValuePointer& victim : victims) remove_key(write, victim->key, victim);
  result.kind = TxnOperation::Kind::remove;
  result.count = static_cast<std::int64_t>(victims.size());
  result.revision = write.now();
  if (request.prev_kv) result.kvs = std::move(victims);
}

Applied Store::put(const PutRequest& request) {
  if (const auto error = check_put(request)) return *error;
  Applied applied;
  Write write(*this);
  put_at(write, request, applied.result);
  return applied;
}

Applied Store::remove(const DeleteRequest& request) {
  Applied applied;
  Write write(*this);
  remove_at(write, request, applied.result);
  return applied;
}

bool Store::holds(const Compare& compare) const {
  bool all = true;
  bool any = false;
  visit(compare.key, compare.range_end, [&](const auto& entry) {
    const KeyValue& kv = *entry.second.back();
    if (kv.version == 0) return;
    any = true;
    all = all && holds_for(compare, kv);
  });
  if (any) return all;
  // A missing key compares as one of version 0; its value compares with nothing.
  if (compare.target == Compare::Target::value) return false;
  return holds_for(compare, KeyValue());
}

std::optional<EtcdError> Store::plan_txn(const TxnRequest& request, std::vector<bool>& branches) const {
  const bool succeeded = std::all_of(request.compares.begin(), request.compares.end(), [&](const Compare& compare) { return holds(compare); });
  branches.push_back(succeeded);
  for (const TxnOperation& operation : succeeded ? request.then : request.otherwise) {
    std::optional<EtcdError> error;
    switch (operation.kind) {
      case TxnOperation::Kind::range: error = check_range(operation.range); break;
      case TxnOperation::Kind::put: error = check_put(operation.put); break;
      case TxnOperation::Kind::remove: break;
      case TxnOperation::Kind::txn: error = plan_txn(operation.txn.front(), branches); break;
    }
    if (error) return error;
  }
  return std::nullopt;
}

void Store::txn_at(Write& write, const TxnRequest& request, const std::vector<bool>& branches, std::size_t& branch_next, OperationResult& result) {
  result.kind = TxnOperation::Kind::txn;
  result.succeeded = branches[branch_next++];
  for (const TxnOperation& operation : result.succeeded ? request.then : request.otherwise) {
    OperationResult& part = result.responses.emplace_back();
    switch (operation.kind) {
      // Inside a transaction a read of "now" sees the writes before it.
      case TxnOperation::Kind::range: {
        RangeRequest range = operation.range;
        if (range.revision <= 0) range.revision = write.now();
        part = range_now(range, write.now());
        break;
      }
      case TxnOperation::Kind::put: put_at(write, operation.put, part); break;
      case TxnOperation::Kind::remove: remove_at(write, operation.remove, part); break;
      case TxnOperation::Kind::txn: txn_at(write, operation.txn.front(), branches, branch_next, part); break;
    }
  }
  result.revision = write.now();
}

Applied Store::txn(const TxnRequest& request) {
  std::vector<bool> branches;
  if (const auto error = plan_txn(request, branches)) return *error;
  Applied applied;
  Write write(*this);
  std::size_t branch_next = 0;
  txn_at(write, request, branches, branch_next, applied.result);
  ASSERT(branch_next == branches.size());
  return applied;
}

Applied Store::compact(Revision revision) {
  if (revision <= compact_revision_) return error_compacted;
  if (revision > revision_) return error_future_revision;
  compact_revision_ = revision;
  while (!changes_.empty() && changes_.front().kv->mod_revision < revision) {
    changes_.pop_front();
    ++changes_begin_;
  }
  for (auto at = keys_.begin(); at != keys_.end();) {
    History& history = at->second;
    // Keep what a reader at `revision` sees, and everything later.
    auto first_kept = std::upper_bound(history.begin(), history.end(), revision, [](Revision wanted, const KeyValuePointer& kv) { return wanted < kv->mod_revision; });
    if (first_kept != history.begin() && (*std::prev(first_kept))->version != 0) --first_kept;
    for (auto dropped = history.begin(); dropped != first_kept; ++dropped) size_bytes_ -= size_of(**dropped);
    history.erase(history.begin(), first_kept);
    at = history.empty() ? keys_.erase(at) : std::next(at);
  }
  Applied applied;
  applied.result.revision = revision_;
  return applied;
}

Applied Store::lease_grant(EtcdLeaseId id, std::int64_t ttl_seconds) {
  if (leases_.contains(id)) return error_lease_exists;
  leases_[id].ttl_seconds = ttl_seconds;
  Applied applied;
  applied.result.revision = revision_;
  return applied;
}

Applied Store::lease_revoke(EtcdLeaseId id) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return error_lease_not_found;
  const std::set<std::string> keys = std::move(found->second.keys);
  leases_.erase(found);
  Applied applied;
  {
    Write write(*this);
    for (const std::string& key : keys)
      if (KeyValuePointer before = newest(key)) remove_key(write, key, std::move(before));
  }
  applied.result.revision = revision_;
  return applied;
}

std::uint64_t Store::change_at(Revision revision) const {
  const auto found = std::lower_bound(changes_.begin(), changes_.end(), revision,
                                      [](const Change& change, Revision wanted) { return change.kv->mod_revision < wanted; });
  return changes_begin_ + static_cast<std::uint64_t>(found - changes_.begin());
}

std::uint32_t Store::hash(Revision revision) const {
  std::uint32_t hash = crc32c("etcd");
  std::string fields;
  for (const auto& [key, history] : keys_) {
    for (const KeyValuePointer& kv : history) {
      if (kv->mod_revision > revision) break;
      fields.clear();
      BinaryWriter out(fields);
      out.number(static_cast<std::uint64_t>(kv->mod_revision));
      out.number(static_cast<std::uint64_t>(kv->create_revision));
      out.number(static_cast<std::uint64_t>(kv->version));
      out.bytes(kv->key);
      out.bytes(kv->value);
      hash = crc32c(fields, hash);
    }
  }
  return hash;
}

std::string Store::save() const {
  std::string text;
  text.reserve(size_bytes_ + 1024);
  BinaryWriter out(text);
  out.bytes("store1");
  out.number(static_cast<std::uint64_t>(revision_));
  out.number(static_cast<std::uint64_t>(compact_revision_ + 1));
  out.number(leases_.size());
  for (const auto& [id, lease] : leases_) {
    out.number(static_cast<std::uint64_t>(id));
    out.number(static_cast<std::uint64_t>(lease.ttl_seconds));
  }
  std::uint64_t count = 0;
  for (const auto& [key, history] : keys_) count += history.size();
  out.number(count);
  for (const auto& [key, history] : keys_) {
    for (const KeyValuePointer& kv : history) {
      out.bytes(kv->key);
      out.bytes(kv->value);
      out.number(static_cast<std::uint64_t>(kv->create_revision));
      out.number(static_cast<std::uint64_t>(kv->mod_revision));
      out.number(static_cast<std::uint64_t>(kv->version));
      out.number(static_cast<std::uint64_t>(kv->etcd_lease));
    }
  }
  return text;
}

bool Store::load(std::string_view text) {
  BinaryReader in(text);
  if (in.bytes() != "store1") return false;
  Store loaded;
  loaded.revision_ = in.integer();
  loaded.compact_revision_ = in.integer() - 1;
  for (std::uint64_t left = in.number(); left > 0 && !in.failed(); --left) {
    const EtcdLeaseId id{in.integer()};
    loaded.leases_[id].ttl_seconds = in.integer();
  }
  std::vector<KeyValuePointer> order;
  for (std::uint64_t left = in.number(); left > 0 && !in.failed(); --left) {
    auto kv = std::make_shared<KeyValue>();
    kv->key = in.bytes();
    kv->value = in.bytes();
    kv->create_revision = in.integer();
    kv->mod_revision = in.integer();
    kv->version = in.integer();
    kv->etcd_lease = EtcdLeaseId{in.integer()};
    loaded.size_bytes_ += size_of(*kv);
    loaded.keys_[kv->key].push_back(kv);
    order.push_back(std::move(kv));
  }
  if (in.failed()) return false;
  for (const auto& [key, history] : loaded.keys_)
    if (const auto lease = loaded.leases_.find(history.back()->etcd_lease); lease != loaded.leases_.end() && history.back()->version != 0) lease->second.keys.insert(key);
  // Within one revision the order of keys stands in for the order of writing.
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a->mod_revision < b->mod_revision; });
  for (KeyValuePointer& kv : order) {
    if (kv->mod_revision < loaded.compact_revision_) continue;
    Change change;
    change.previous = version_at(loaded.keys_[kv->key], kv->mod_revision - 1);
    change.kv = std::move(kv);
    loaded.changes_.push_back(std::move(change));
  }
  // Change numbers go on, so that watchers of the old content notice the gap.
  loaded.changes_begin_ = changes_end();
  *this = std::move(loaded);
  return true;
}

}  // namespace skidpad::fakes::etcd

#include "fakes/etcd/gateway_codec.hpp"

#include <algorithm>
#include <map>

namespace skidpad::fakes::etcd {

using client::JsonArray;
using client::JsonObject;
using client::JsonScanner;

namespace {

constexpr int txn_depth_max = 64;
constexpr std::size_t txn_operations_max = 128;  ///< etcd's --max-txn-ops

/// Enums come by name or by number.
template <std::size_t N>
std::size_t decode_enum(JsonScanner& in, const std::string_view (&names)[N]) {
  if (in.peek() != '"') {
    const std::uint64_t value = in.unsigned_integer();
    if (value >= N) in.fail("unknown enum value");
    return value < N ? value : 0;
  }
  const std::string name = in.text();
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == name) return i;
  in.fail("unknown value \"" + name + "\" for enum");
  return 0;
}

constexpr std::string_view relation_names[] = {"EQUAL", "GREATER", "LESS", "NOT_EQUAL"};
constexpr std::string_view target_names[] = {"VERSION", "CREATE", "MOD", "VALUE", "LEASE"};
constexpr std::string_view order_names[] = {"NONE", "ASCEND", "DESCEND"};
constexpr std::string_view sort_names[] = {"KEY", "VERSION", "CREATE", "MOD", "VALUE"};

Compare decode_compare(JsonScanner& in) {
  Compare compare;
  for (in.enter_object(); in.next_field();) {
    if (in.is("key")) compare.key = in.bytes();
    else if (in.is("range_end")) compare.range_end = in.bytes();
    else if (in.is("result")) compare.relation = static_cast<Compare::Relation>(decode_enum(in, relation_names));
    else if (in.is("target")) compare.target = static_cast<Compare::Target>(decode_enum(in, target_names));
    else if (in.is("value")) compare.bytes = in.bytes();
    else if (in.is("version") || in.is("create_revision") || in.is("mod_revision") || in.is("lease")) compare.number = in.integer();
    else in.skip();
  }
  return compare;
}

TxnRequest decode_txn_at(JsonScanner& in, int depth);

void decode_operations(JsonScanner& in, std::vector<TxnOperation>& operations, int depth) {
  for (in.enter_array(); in.next_element();) {
    for (in.enter_object(); in.next_field();) {
      if (in.is("request_range")) operations.emplace_back(decode_range_request(in));
      else if (in.is("request_put")) operations.emplace_back(decode_put_request(in));
      else if (in.is("request_delete_range")) operations.emplace_back(decode_delete_request(in));
      else if (in.is("request_txn")) operations.emplace_back(decode_txn_at(in, depth + 1));
      else in.skip();
    }
  }
}

TxnRequest decode_txn_at(JsonScanner& in, int depth) {
  TxnRequest request;
  if (depth > txn_depth_max) {
    in.fail("exceeded max depth");
    return request;
  }
  for (in.enter_object(); in.next_field();) {
    if (in.is("compare")) {
      for (in.enter_array(); in.next_element();) request.compares.push_back(decode_compare(in));
    } else if (in.is("success")) {
      decode_operations(in, request.then, depth);
    } else if (in.is("failure")) {
      decode_operations(in, request.otherwise, depth);
    } else {
      in.skip();
    }
  }
  return request;
}

/// What one branch writes: single keys put, and intervals deleted.
struct Touched {
  std::set<std::string> puts;
  std::vector<std::pair<std::string, std::string>> deletes;  ///< key, range_end
  bool deletes_key(const std::string& key) const {
    return std::any_of(deletes.begin(), deletes.end(), [&](const auto& interval) { return in_range(key, interval.first, interval.second); });
  }
};

std::optional<EtcdError> touched_by(const std::vector<TxnOperation>& operations, Touched& touched) {
  for (const TxnOperation& operation : operations)
    if (operation.kind == TxnOperation::Kind::remove) touched.deletes.emplace_back(operation.remove.key, operation.remove.range_end);
  // The two branches of an inner transaction exclude each other, so they may touch the same keys.
  for (const TxnOperation& operation : operations) {
    if (operation.kind != TxnOperation::Kind::txn) continue;
    Touched then, otherwise;
    if (const auto error = touched_by(operation.txn.front().then, then)) return error;
    if (const auto error = touched_by(operation.txn.front().otherwise, otherwise)) return error;
    for (const Touched* branch : {&then, &otherwise})
      for (const std::string& key : branch->puts)
        if (touched.puts.contains(key) || touched.deletes_key(key)) return error_duplicate_key;
    for (Touched* branch : {&then, &otherwise}) {
      touched.puts.insert(branch->puts.begin(), branch->puts.end());
      touched.deletes.insert(touched.deletes.end(), branch->deletes.begin(), branch->deletes.end());
    }
  }
  for (const TxnOperation& operation : operations) {
    if (operation.kind != TxnOperation::Kind::put) continue;
    if (touched.deletes_key(operation.put.key) || !touched.puts.insert(operation.put.key).second) return error_duplicate_key;
  }
  return std::nullopt;
}

std::optional<EtcdError> check_txn(const TxnRequest& request) {
  if (std::max({request.compares.size(), request.then.size(), request.otherwise.size()}) > txn_operations_max) return error_too_many_operations;
  for (const Compare& compare : request.compares)
    if (compare.key.empty()) return error_empty_key;
  for (const auto* branch : {&request.then, &request.otherwise}) {
    for (const TxnOperation& operation : *branch) {
      std::optional<EtcdError> error;
      switch (operation.kind) {
        case TxnOperation::Kind::range: error = check_request(operation.range); break;
        case TxnOperation::Kind::put: error = check_request(operation.put); break;
        case TxnOperation::Kind::remove: error = check_request(operation.remove); break;
        case TxnOperation::Kind::txn: error = check_txn(operation.txn.front()); break;
      }
      if (error) return error;
    }
  }
  return std::nullopt;
}

}  // namespace

RangeRequest decode_range_request(JsonScanner& in) {
  RangeRequest request;
  for (in.enter_object(); in.next_field();) {
    if (in.is("key")) request.key = in.bytes();
    else if (in.is("range_end")) request.range_end = in.bytes();
    else if (in.is("limit")) request.limit = in.integer();
    else if (in.is("revision")) request.revision = in.integer();
    else if (in.is("sort_order")) request.sort_order = static_cast<client::SortOrder>(decode_enum(in, order_names));
    else if (in.is("sort_target")) request.sort_target = static_cast<client::SortTarget>(decode_enum(in, sort_names));
    else if (in.is("serializable")) request.serializable = in.boolean();
    else if (in.is("keys_only")) request.keys_only = in.boolean();
    else if (in.is("count_only")) request.count_only = in.boolean();
    else if (in.is("min_mod_revision")) request.mod_revision_min = in.integer();
    else if (in.is("max_mod_revision")) request.mod_revision_max = in.integer();
    else if (in.is("min_create_revision")) request.create_revision_min = in.integer();
    else if (in.is("max_create_revision")) request.create_revision_max = in.integer();
    else in.skip();
  }
  return request;
}

PutRequest decode_put_request(JsonScanner& in) {
  PutRequest request;
  for (in.enter_object(); in.next_field();) {
    if (in.is("key")) request.key = in.bytes();
    else if (in.is("value")) request.value = in.bytes();
    else if (in.is("lease")) request.etcd_lease = EtcdLeaseId{in.integer()};
    else if (in.is("prev_kv")) request.prev_kv = in.boolean();
    else if (in.is("ignore_value")) request.ignore_value = in.boolean();
    else if (in.is("ignore_lease")) request.ignore_lease = in.boolean();
    else in.skip();
  }
  return request;
}

DeleteRequest decode_delete_request(JsonScanner& in) {
  DeleteRequest request;
  for (in.enter_object(); in.next_field();) {
    if (in.is("key")) request.key = in.bytes();
    else if (in.is("range_end")) request.range_end = in.bytes();
    else if (in.is("prev_kv")) request.prev_kv = in.boolean();
    else in.skip();
  }
  return request;
}

TxnRequest decode_txn_request(JsonScanner& in) { return decode_txn_at(in, 0); }

std::optional<EtcdError> check_request(const RangeRequest& request) { return request.key.empty() ? std::optional(error_empty_key) : std::nullopt; }
std::optional<EtcdError> check_request(const DeleteRequest& request) { return request.key.empty() ? std::optional(error_empty_key) : std::nullopt; }
std::optional<EtcdError> check_request(const PutRequest& request) {
  if (request.key.empty()) return error_empty_key;
  if (request.ignore_value && !request.value.empty()) return error_value_provided;
  if (request.ignore_lease && request.etcd_lease != client::no_etcd_lease) return error_lease_provided;
  return std::nullopt;
}
std::optional<EtcdError> check_request(const TxnRequest& request) {
  if (const auto error = check_txn(request)) return error;
  for (const auto* branch : {&request.then, &request.otherwise}) {
    Touched touched;
    if (const auto error = touched_by(*branch, touched)) return error;
  }
  return std::nullopt;
}

void append_header(JsonObject& object, const client::EtcdHeader& header) {
  JsonObject fields(object.field("header"));
  fields.unsigned_integer("cluster_id", header.cluster_id);
  fields.unsigned_integer("member_id", static_cast<std::uint64_t>(header.member_id));
  fields.integer("revision", header.revision);
  fields.unsigned_integer("raft_term", header.raft_term);
}

void append_key_value(std::string& out, const KeyValue& kv, bool keys_only) {
  JsonObject object(out);
  object.bytes("key", kv.key);
  object.integer("create_revision", kv.create_revision);
  object.integer("mod_revision", kv.mod_revision);
  object.integer("version", kv.version);
  if (!keys_only) object.bytes("value", kv.value);
  object.integer("lease", static_cast<std::int64_t>(kv.etcd_lease));
}

namespace {
void append_key_values(JsonObject& object, std::string_view name, const OperationResult& result) {
  if (result.kvs.empty()) return;
  JsonArray array(object.field(name));
  for (const KeyValuePointer& kv : result.kvs) append_key_value(array.next(), *kv, result.keys_only);
}
void append_part_header(JsonObject& object, Revision revision) {
  client::EtcdHeader header;
  header.revision = revision;
  append_header(object, header);
}
}  // namespace

void append_range(JsonObject& object, const OperationResult& result) {
  append_key_values(object, "kvs", result);
  object.boolean("more", result.more);
  object.integer("count", result.count);
}

void append_put(JsonObject& object, const OperationResult& result) {
  if (result.previous) append_key_value(object.field("prev_kv"), *result.previous, false);
}

void append_delete(JsonObject& object, const OperationResult& result) {
  object.integer("deleted", result.count);
  append_key_values(object, "prev_kvs", result);
}

void append_txn(JsonObject& object, const OperationResult& result) {
  object.boolean("succeeded", result.succeeded);
  if (result.responses.empty()) return;
  JsonArray array(object.field("responses"));
  for (const OperationResult& part : result.responses) {
    JsonObject wrapper(array.next());
    static constexpr std::string_view names[] = {"response_range", "response_put", "response_delete_range", "response_txn"};
    JsonObject fields(wrapper.field(names[static_cast<std::size_t>(part.kind)]));
    // etcd leaves the header of an inner transaction empty.
    append_part_header(fields, part.kind == TxnOperation::Kind::txn ? 0 : part.revision);
    switch (part.kind) {
      case TxnOperation::Kind::range: append_range(fields, part); break;
      case TxnOperation::Kind::put: append_put(fields, part); break;
      case TxnOperation::Kind::remove: append_delete(fields, part); break;
      case TxnOperation::Kind::txn: append_txn(fields, part); break;
    }
  }
}

void append_member(std::string& out, const client::Member& member) {
  JsonObject object(out);
  object.unsigned_integer("ID", static_cast<std::uint64_t>(member.id));
  object.text("name", member.name);
  for (const auto& [name, urls] : {std::pair<std::string_view, const std::vector<std::string>*>("peerURLs", &member.peer_urls),
                                   std::pair<std::string_view, const std::vector<std::string>*>("clientURLs", &member.client_urls)}) {
    if (urls->empty()) continue;
    JsonArray array(object.field(name));
    for (const std::string& url : *urls) client::append_json_text(array.next(), url);
  }
  object.boolean("isLearner", member.is_learner);
}

}  // namespace skidpad::fakes::etcd

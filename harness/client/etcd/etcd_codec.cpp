#include "harness/client/etcd/etcd_codec.hpp"

namespace skidpad::client {
namespace {

using runtime::Error;
using runtime::ErrorCode;

/// A transaction in a transaction in ... : etcd itself knows no bound, our stack does.
constexpr int txn_depth_max = 64;

constexpr std::string_view relation_names[] = {"EQUAL", "GREATER", "LESS", "NOT_EQUAL"};
constexpr std::string_view target_names[] = {"VERSION", "CREATE", "MOD", "VALUE", "LEASE"};
constexpr std::string_view target_fields[] = {"version", "create_revision", "mod_revision", "value", "lease"};
constexpr std::string_view order_names[] = {"NONE", "ASCEND", "DESCEND"};
constexpr std::string_view sort_target_names[] = {"KEY", "VERSION", "CREATE", "MOD", "VALUE"};

template <class Enum>
std::size_t number(Enum value) {
  return static_cast<std::size_t>(value);
}

void append(std::string& out, const RangeRequest& request) {
  JsonObject object(out);
  object.bytes("key", request.key);
  object.bytes("range_end", request.range_end);
  object.integer("limit", request.limit);
  object.integer("revision", request.revision);
  if (request.sort_order != SortOrder::none) object.text("sort_order", order_names[number(request.sort_order)]);
  if (request.sort_target != SortTarget::key) object.text("sort_target", sort_target_names[number(request.sort_target)]);
  object.boolean("serializable", request.serializable);
  object.boolean("keys_only", request.keys_only);
  object.boolean("count_only", request.count_only);
  object.integer("min_mod_revision", request.mod_revision_min);
  object.integer("max_mod_revision", request.mod_revision_max);
  object.integer("min_create_revision", request.create_revision_min);
  object.integer("max_create_revision", request.create_revision_max);
}

void append(std::string& out, const PutRequest& request) {
  JsonObject object(out);
  object.bytes("key", request.key);
  object.bytes("value", request.value);
  object.integer("lease", static_cast<std::int64_t>(request.etcd_lease));
  object.boolean("prev_kv", request.prev_kv);
  object.boolean("ignore_value", request.ignore_value);
  object.boolean("ignore_lease", request.ignore_lease);
}

void append(std::string& out, const DeleteRequest& request) {
  JsonObject object(out);
  object.bytes("key", request.key);
  object.bytes("range_end", request.range_end);
  object.boolean("prev_kv", request.prev_kv);
}

void append(std::string& out, const Compare& compare) {
  JsonObject object(out);
  object.bytes("key", compare.key);
  object.bytes("range_end", compare.range_end);
  object.text("result", relation_names[number(compare.relation)]);
  object.text("target", target_names[number(compare.target)]);
  // The compared value is a oneof: it must be there even when it is zero, or etcd sees no target at all.
  std::string& value = object.field(target_fields[number(compare.target)]);
  value += '"';
  if (compare.target == Compare::Target::value) {
    append_base64(value, compare.bytes);
  } else {
    append_number(value, compare.number);
  }
  value += '"';
}

void append(std::string& out, const TxnRequest& request);

void append(std::string& out, const TxnOperation& operation) {
  JsonObject object(out);
  switch (operation.kind) {
    case TxnOperation::Kind::range: append(object.field("request_range"), operation.range); break;
    case TxnOperation::Kind::put: append(object.field("request_put"), operation.put); break;
    case TxnOperation::Kind::remove: append(object.field("request_delete_range"), operation.remove); break;
    case TxnOperation::Kind::txn:
      ASSERT(operation.txn.size() == 1);
      append(object.field("request_txn"), operation.txn.front());
      break;
  }
}

template <class T>
void append_array(JsonObject& object, std::string_view name, const std::vector<T>& items) {
  if (items.empty()) return;
  JsonArray array(object.field(name));
  for (const T& item : items) append(array.next(), item);
}

void append(std::string& out, const TxnRequest& request) {
  JsonObject object(out);
  append_array(object, "compare", request.compares);
  append_array(object, "success", request.then);
  append_array(object, "failure", request.otherwise);
}

template <class Request>
std::string to_json(const Request& request, std::size_t size_estimate) {
  std::string out;
  out.reserve(size_estimate);
  append(out, request);
  return out;
}

TxnResponse decode_txn(JsonScanner& in, int depth);

TxnOperationResponse decode_operation(JsonScanner& in, int depth) {
  TxnOperationResponse response;
  for (in.enter_object(); in.next_field();) {
    if (in.is("response_range")) {
      response.kind = TxnOperation::Kind::range;
      response.range = decode_range(in);
    } else if (in.is("response_put")) {
      response.kind = TxnOperation::Kind::put;
      response.put = decode_put(in);
    } else if (in.is("response_delete_range")) {
      response.kind = TxnOperation::Kind::remove;
      response.remove = decode_delete(in);
    } else if (in.is("response_txn")) {
      response.kind = TxnOperation::Kind::txn;
      response.txn.push_back(decode_txn(in, depth + 1));
    } else {
      in.skip();
    }
  }
  return response;
}

TxnResponse decode_txn(JsonScanner& in, int depth) {
  TxnResponse response;
  if (depth > txn_depth_max) {
    in.fail("transaction nested too deep");
    return response;
  }
  for (in.enter_object(); in.next_field();) {
    if (in.is("header")) {
      response.header = decode_header(in);
    } else if (in.is("succeeded")) {
      response.succeeded = in.boolean();
    } else if (in.is("responses")) {
      for (in.enter_array(); in.next_element();) response.responses.push_back(decode_operation(in, depth));
    } else {
      in.skip();
    }
  }
  return response;
}

EtcdWatchEvent decode_event(JsonScanner& in) {
  EtcdWatchEvent event;
  for (in.enter_object(); in.next_field();) {
    if (in.is("type")) {
      const bool is_number = in.peek() != '"';
      const bool removed = is_number ? in.integer() == 1 : in.text() == "DELETE";
      event.type = removed ? EtcdWatchEvent::Type::remove : EtcdWatchEvent::Type::put;
    } else if (in.is("kv")) {
      event.kv = decode_key_value(in);
    } else if (in.is("prev_kv")) {
      event.prev_kv = decode_key_value(in);
    } else {
      in.skip();
    }
  }
  return event;
}

void decode_texts(JsonScanner& in, std::vector<std::string>& texts) {
  for (in.enter_array(); in.next_element();) texts.push_back(in.text());
}

}  // namespace

std::string encode(const RangeRequest& request) { return to_json(request, 128 + 2 * (request.key.size() + request.range_end.size())); }
std::string encode(const PutRequest& request) { return to_json(request, 96 + 4 * (request.key.size() + request.value.size()) / 3); }
std::string encode(const DeleteRequest& request) { return to_json(request, 64 + 2 * (request.key.size() + request.range_end.size())); }
std::string encode(const TxnRequest& request) {
  std::size_t size = 128;
  for (const auto* branch : {&request.then, &request.otherwise})
    for (const TxnOperation& operation : *branch) size += 128 + 2 * (operation.put.key.size() + operation.put.value.size());
  return to_json(request, size);
}

std::string encode(const WatchRequest& request, Revision start_revision) {
  std::string out;
  {
    JsonObject object(out);
    JsonObject create(object.field("create_request"));
    create.bytes("key", request.key);
    create.bytes("range_end", request.range_end);
    create.integer("start_revision", start_revision);
    create.boolean("prev_kv", request.prev_kv);
    create.boolean("progress_notify", request.progress_notify);
  }
  return out;
}

EtcdHeader decode_header(JsonScanner& in) {
  EtcdHeader header;
  for (in.enter_object(); in.next_field();) {
    if (in.is("cluster_id")) header.cluster_id = in.unsigned_integer();
    else if (in.is("member_id")) header.member_id = MemberId{in.unsigned_integer()};
    else if (in.is("revision")) header.revision = in.integer();
    else if (in.is("raft_term")) header.raft_term = in.unsigned_integer();
    else in.skip();
  }
  return header;
}

KeyValue decode_key_value(JsonScanner& in) {
  KeyValue kv;
  for (in.enter_object(); in.next_field();) {
    if (in.is("key")) kv.key = in.bytes();
    else if (in.is("value")) kv.value = in.bytes();
    else if (in.is("create_revision")) kv.create_revision = in.integer();
    else if (in.is("mod_revision")) kv.mod_revision = in.integer();
    else if (in.is("version")) kv.version = in.integer();
    else if (in.is("lease")) kv.etcd_lease = EtcdLeaseId{in.integer()};
    else in.skip();
  }
  return kv;
}

RangeResponse decode_range(JsonScanner& in) {
  RangeResponse response;
  for (in.enter_object(); in.next_field();) {
    if (in.is("header")) {
      response.header = decode_header(in);
    } else if (in.is("kvs")) {
      for (in.enter_array(); in.next_element();) response.kvs.push_back(decode_key_value(in));
    } else if (in.is("more")) {
      response.more = in.boolean();
    } else if (in.is("count")) {
      response.count = in.integer();
    } else {
      in.skip();
    }
  }
  return response;
}

PutResponse decode_put(JsonScanner& in) {
  PutResponse response;
  for (in.enter_object(); in.next_field();) {
    if (in.is("header")) response.header = decode_header(in);
    else if (in.is("prev_kv")) response.prev_kv = decode_key_value(in);
    else in.skip();
  }
  return response;
}

DeleteResponse decode_delete(JsonScanner& in) {
  DeleteResponse response;
  for (in.enter_object(); in.next_field();) {
    if (in.is("header")) {
      response.header = decode_header(in);
    } else if (in.is("deleted")) {
      response.deleted = in.integer();
    } else if (in.is("prev_kvs")) {
      for (in.enter_array(); in.next_element();) response.prev_kvs.push_back(decode_key_value(in));
    } else {
      in.skip();
    }
  }
  return response;
}

TxnResponse decode_txn(JsonScanner& in) { return decode_txn(in, 0); }

EtcdLeaseStatus decode_lease(JsonScanner& in) {
  EtcdLeaseStatus lease;
  for (in.enter_object(); in.next_field();) {
    if (in.is("header")) {
      lease.header = decode_header(in);
    } else if (in.is("ID")) {
      lease.id = EtcdLeaseId{in.integer()};
    } else if (in.is("TTL")) {
      lease.ttl = std::chrono::seconds(in.integer());
    } else if (in.is("grantedTTL")) {
      lease.granted_ttl = std::chrono::seconds(in.integer());
    } else if (in.is("keys")) {
      for (in.enter_array(); in.next_element();) lease.keys.push_back(in.bytes());
    } else {
      in.skip();
    }
  }
  return lease;
}

Member decode_member(JsonScanner& in) {
  Member member;
  for (in.enter_object(); in.next_field();) {
    if (in.is("ID")) member.id = MemberId{in.unsigned_integer()};
    else if (in.is("name")) member.name = in.text();
    else if (in.is("peerURLs")) decode_texts(in, member.peer_urls);
    else if (in.is("clientURLs")) decode_texts(in, member.client_urls);
    else if (in.is("isLearner")) member.is_learner = in.boolean();
    else in.skip();
  }
  return member;
}

MemberAdded decode_members(JsonScanner& in) {
  MemberAdded response;
  for (in.enter_object(); in.next_field();) {
    if (in.is("header")) {
      response.header = decode_header(in);
    } else if (in.is("member")) {
      response.member = decode_member(in);
    } else if (in.is("members")) {
      for (in.enter_array(); in.next_element();) response.members.push_back(decode_member(in));
    } else {
      in.skip();
    }
  }
  return response;
}

EtcdStatus decode_status(JsonScanner& in) {
  EtcdStatus status;
  for (in.enter_object(); in.next_field();) {
    if (in.is("header")) status.header = decode_header(in);
    else if (in.is("version")) status.version = in.text();
    else if (in.is("dbSize")) status.db_size_bytes = in.integer();
    else if (in.is("dbSizeInUse")) status.db_size_in_use_bytes = in.integer();
    else if (in.is("leader")) status.leader = MemberId{in.unsigned_integer()};
    else if (in.is("raftIndex")) status.raft_index = in.unsigned_integer();
    else if (in.is("raftTerm")) status.raft_term = in.unsigned_integer();
    else if (in.is("raftAppliedIndex")) status.raft_applied_index = in.unsigned_integer();
    else if (in.is("errors")) decode_texts(in, status.errors);
    else if (in.is("isLearner")) status.is_learner = in.boolean();
    else in.skip();
  }
  return status;
}

runtime::Result<WatchLine> decode_watch_line(std::string_view text) {
  WatchLine line;
  JsonScanner in(text);
  for (in.enter_object(); in.next_field();) {
    if (in.is("result")) {
      for (in.enter_object(); in.next_field();) {
        if (in.is("header")) {
          line.header = decode_header(in);
        } else if (in.is("created")) {
          line.created = in.boolean();
        } else if (in.is("canceled")) {
          line.canceled = in.boolean();
        } else if (in.is("compact_revision")) {
          line.compact_revision = in.integer();
        } else if (in.is("cancel_reason")) {
          line.cancel_reason = in.text();
        } else if (in.is("events")) {
          for (in.enter_array(); in.next_element();) line.events.push_back(decode_event(in));
        } else {
          in.skip();
        }
      }
    } else if (in.is("error")) {
      int grpc_code = 0, http_status = 0;
      std::string message;
      for (in.enter_object(); in.next_field();) {
        if (in.is("grpc_code")) grpc_code = static_cast<int>(in.integer());
        else if (in.is("http_code")) http_status = static_cast<int>(in.integer());
        else if (in.is("message")) message = in.text();
        else in.skip();
      }
      line.error = error_from_grpc(grpc_code, http_status, message, "watch");
    } else {
      in.skip();
    }
  }
  if (in.failed()) return Error(ErrorCode::corrupt, "watch: unreadable line: " + in.error());
  return line;
}

runtime::Error error_from_grpc(int grpc_code, int http_status, std::string_view message, std::string_view doing) {
  const auto has = [&](std::string_view part) { return message.find(part) != std::string_view::npos; };
  ErrorCode code = ErrorCode::invalid;
  switch (grpc_code) {
    case 1: case 4: code = ErrorCode::timeout; break;
    case 3: case 12: code = ErrorCode::invalid; break;
    case 5: code = ErrorCode::not_found; break;
    case 6: code = ErrorCode::already_exists; break;
    case 7: code = ErrorCode::forbidden; break;
    case 8: code = ErrorCode::unavailable; break;
    case 9: code = has("already exist") ? ErrorCode::already_exists : has("no leader") ? ErrorCode::unavailable : ErrorCode::conflict; break;
    // Error texts of 3.4 are fixed: api/v3rpc/rpctypes/error.go.
    case 11: code = has("compacted") ? ErrorCode::gone : has("future revision") ? ErrorCode::unavailable : ErrorCode::invalid; break;
    case 14: code = has("timed out") ? ErrorCode::timeout : ErrorCode::unavailable; break;
    case 15: code = ErrorCode::corrupt; break;
    case 16: code = ErrorCode::unauthorized; break;
    default:
      // 2 (unknown), 13 (internal) and no code at all: whatever broke, it broke while working on the request.
      code = http_status == 404 || http_status == 405 ? ErrorCode::unsupported : ErrorCode::timeout;
  }
  std::string text(doing);
  text += ": ";
  text += message.empty() ? std::string_view("no reason given") : message;
  return Error(code, std::move(text), http_status, "");
}

runtime::Error decode_error(int http_status, std::string_view body, std::string_view doing) {
  int grpc_code = 0;
  std::string message;
  JsonScanner in(body);
  for (in.enter_object(); in.next_field();) {
    if (in.is("code")) grpc_code = static_cast<int>(in.integer());
    else if (in.is("message")) message = in.text();
    else if (in.is("error") && message.empty() && in.peek() == '"') message = in.text();
    else in.skip();
  }
  if (in.failed()) message.assign(body.substr(0, 200));
  if (message.empty()) message = "HTTP status " + std::to_string(http_status);
  return error_from_grpc(grpc_code, http_status, message, doing);
}

}  // namespace skidpad::client

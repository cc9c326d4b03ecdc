/// @file etcd_codec.hpp
/// Requests to JSON and answers from JSON, in the gateway's form.
/// Promise: decoders accept every field order; a decoder that fails leaves scanner.failed() true.
#pragma once

#include "harness/client/etcd/etcd_json.hpp"
#include "harness/client/etcd/etcd_types.hpp"
#include "harness/runtime/result.hpp"

namespace skidpad::client {

std::string encode(const RangeRequest& request);
std::string encode(const PutRequest& request);
std::string encode(const DeleteRequest& request);
std::string encode(const TxnRequest& request);
/// `start_revision` replaces the request's own (resume).
std::string encode(const WatchRequest& request, Revision start_revision);

EtcdHeader decode_header(JsonScanner& in);
KeyValue decode_key_value(JsonScanner& in);
RangeResponse decode_range(JsonScanner& in);
PutResponse decode_put(JsonScanner& in);
DeleteResponse decode_delete(JsonScanner& in);
TxnResponse decode_txn(JsonScanner& in);
EtcdLeaseStatus decode_lease(JsonScanner& in);
Member decode_member(JsonScanner& in);
MemberAdded decode_members(JsonScanner& in);
EtcdStatus decode_status(JsonScanner& in);

/// One line of a watch stream: {"result":{...}} or {"error":{...}}.
struct WatchLine {
  WatchLine() {}
  EtcdHeader header;
  bool created = false;
  bool canceled = false;
  Revision compact_revision = 0;
  std::string cancel_reason;
  std::vector<EtcdWatchEvent> events;
  std::optional<runtime::Error> error;
};
runtime::Result<WatchLine> decode_watch_line(std::string_view line);

/// What a gateway's error body means to a caller.
/// @param doing  "put on 10.0.0.1:2379", for the message.
runtime::Error decode_error(int http_status, std::string_view body, std::string_view doing);
/// The same from a gRPC code and its message.
runtime::Error error_from_grpc(int grpc_code, int http_status, std::string_view message, std::string_view doing);

}  // namespace skidpad::client

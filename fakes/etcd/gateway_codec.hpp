/// @file gateway_codec.hpp
/// The server's side of etcd's JSON gateway: requests from JSON, answers to JSON, byte for byte in the order etcd 3.4 writes them.
#pragma once

#include "fakes/etcd/store.hpp"
#include "harness/client/etcd/etcd_json.hpp"

namespace skidpad::fakes::etcd {

RangeRequest decode_range_request(client::JsonScanner& in);
PutRequest decode_put_request(client::JsonScanner& in);
DeleteRequest decode_delete_request(client::JsonScanner& in);
TxnRequest decode_txn_request(client::JsonScanner& in);

/// Refuses what etcd refuses before it asks the cluster: missing keys, duplicate keys in one transaction, too many operations.
std::optional<EtcdError> check_request(const RangeRequest& request);
std::optional<EtcdError> check_request(const PutRequest& request);
std::optional<EtcdError> check_request(const DeleteRequest& request);
std::optional<EtcdError> check_request(const TxnRequest& request);

void append_header(client::JsonObject& object, const client::EtcdHeader& header);
void append_key_value(std::string& out, const KeyValue& kv, bool keys_only);
/// The fields of an answer; `header` for the outermost one, parts of a transaction name their revision only.
void append_range(client::JsonObject& object, const OperationResult& result);
void append_put(client::JsonObject& object, const OperationResult& result);
void append_delete(client::JsonObject& object, const OperationResult& result);
void append_txn(client::JsonObject& object, const OperationResult& result);
void append_member(std::string& out, const client::Member& member);

}  // namespace skidpad::fakes::etcd

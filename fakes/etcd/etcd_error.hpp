/// @file etcd_error.hpp
/// The errors of etcd 3.4 with their gRPC codes and texts, as clients match on them.
/// Source: etcd v3.4 etcdserver/api/v3rpc/rpctypes/error.go; checked against 3.4.23 by the contract suite.
#pragma once

#include <string_view>

namespace skidpad::fakes::etcd {

struct EtcdError {
  int grpc_code;
  std::string_view message;
};

inline constexpr EtcdError error_empty_key{3, "etcdserver: key is not provided"};
inline constexpr EtcdError error_key_not_found{3, "etcdserver: key not found"};
inline constexpr EtcdError error_value_provided{3, "etcdserver: value is provided"};
inline constexpr EtcdError error_lease_provided{3, "etcdserver: lease is provided"};
inline constexpr EtcdError error_too_many_operations{3, "etcdserver: too many operations in txn request"};
inline constexpr EtcdError error_duplicate_key{3, "etcdserver: duplicate key given in txn request"};
inline constexpr EtcdError error_invalid_sort{3, "etcdserver: invalid sort option"};
inline constexpr EtcdError error_compacted{11, "etcdserver: mvcc: required revision has been compacted"};
inline constexpr EtcdError error_future_revision{11, "etcdserver: mvcc: required revision is a future revision"};
inline constexpr EtcdError error_no_space{8, "etcdserver: mvcc: database space exceeded"};
inline constexpr EtcdError error_lease_not_found{5, "etcdserver: requested lease not found"};
inline constexpr EtcdError error_lease_exists{9, "etcdserver: lease already exists"};
inline constexpr EtcdError error_lease_ttl_too_large{11, "etcdserver: too large lease TTL"};
inline constexpr EtcdError error_member_exists{9, "etcdserver: member ID already exist"};
inline constexpr EtcdError error_peer_url_exists{9, "etcdserver: Peer URLs already exists"};
inline constexpr EtcdError error_not_enough_started{9, "etcdserver: re-configuration failed due to not enough started members"};
inline constexpr EtcdError error_bad_peer_urls{3, "etcdserver: given member URLs are invalid"};
inline constexpr EtcdError error_member_not_found{5, "etcdserver: member not found"};
inline constexpr EtcdError error_not_learner{9, "etcdserver: can only promote a learner member"};
inline constexpr EtcdError error_learner_not_ready{9, "etcdserver: can only promote a learner member which is in sync with leader"};
inline constexpr EtcdError error_too_many_learners{9, "etcdserver: too many learner members in cluster"};
inline constexpr EtcdError error_request_too_large{3, "etcdserver: request is too large"};
inline constexpr EtcdError error_no_leader{14, "etcdserver: no leader"};
inline constexpr EtcdError error_not_leader{9, "etcdserver: not leader"};
inline constexpr EtcdError error_leader_changed{14, "etcdserver: leader changed"};
inline constexpr EtcdError error_stopped{14, "etcdserver: server stopped"};
inline constexpr EtcdError error_timeout{14, "etcdserver: request timed out"};
inline constexpr EtcdError error_timeout_leader_fail{14, "etcdserver: request timed out, possibly due to previous leader failure"};
inline constexpr EtcdError error_timeout_connection_lost{14, "etcdserver: request timed out, possibly due to connection lost"};
inline constexpr EtcdError error_timeout_leader_transfer{14, "etcdserver: request timed out, leader transfer took too long"};
inline constexpr EtcdError error_unhealthy{14, "etcdserver: unhealthy cluster"};
inline constexpr EtcdError error_learner_no_rpc{14, "etcdserver: rpc not supported for learner"};
inline constexpr EtcdError error_bad_leader_transferee{9, "etcdserver: bad leader transferee"};
inline constexpr EtcdError error_deadline{2, "context deadline exceeded"};

/// grpc-gateway v1's mapping.
constexpr int http_status_of(int grpc_code) {
  switch (grpc_code) {
    case 3: case 11: return 400;
    case 5: return 404;
    case 6: case 10: return 409;
    case 7: return 403;
    case 8: return 503;
    case 9: return 412;
    case 12: return 501;
    case 14: return 503;
    case 16: return 401;
    case 1: case 4: return 504;
    default: return 500;
  }
}

}  // namespace skidpad::fakes::etcd

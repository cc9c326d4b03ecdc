/// @file audit_log.hpp
/// The audit log as kube-apiserver writes it: one audit.k8s.io/v1 Event a line, at the stages and with the parts that the policy asks for.
/// Promise: a request that changes something has its RequestReceived line before the change and its ResponseComplete line before the answer is sent.
/// Not modelled: batching, webhooks as a target, compression and age of rotated files.
#pragma once

#include "fakes/kube_apiserver/audit/audit_policy.hpp"
#include "harness/runtime/http/http.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::kube_apiserver {

struct AuditOptions {
  std::string path;  ///< "": no log
  AuditPolicy policy;
  std::int64_t size_max_mebibytes = 0;  ///< 0: 100, as the real one
  std::int64_t backup_count_max = 0;    ///< 0: all are kept
};

/// What is known of one request, filled in on its way.
struct AuditRecord {
  AuditDecision decision;
  std::string id;
  User user;
  std::optional<User> impersonated;
  std::string received_at;
  std::string verdict;         ///< allow, forbid, or "" before it is known
  std::string verdict_reason;
  std::string sent_version;    ///< metadata.resourceVersion of a body that replaces an object
};

class AuditLog {
 public:
  AuditLog(runtime::Runtime& runtime, AuditOptions options);
  /// Nothing is written for this request.
  bool silent(const AuditRecord& record) const { return record.decision.level == AuditLevel::none; }
  const AuditPolicy& policy() const { return options_.policy; }
  /// @param code  0 before an answer exists.
  /// @param body  the answer's, "" if there is none.
  void write(const char* stage, const AuditRecord& record, const RequestInfo& info, const runtime::HttpRequest& http, int code, const std::string& body);

 private:
  void rotate();
  runtime::Runtime& runtime_;
  AuditOptions options_;
  std::uint64_t size_bytes_ = 0;
  bool failed_ = false;
};

}  // namespace skidpad::fakes::kube_apiserver

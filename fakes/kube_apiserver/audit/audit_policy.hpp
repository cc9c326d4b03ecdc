/// @file audit_policy.hpp
/// What is written of which request: the Policy of audit.k8s.io/v1. The first rule that matches decides; no rule: nothing is written.
#pragma once

#include "fakes/kube_apiserver/api/strategy.hpp"
#include "fakes/kube_apiserver/server/request_info.hpp"

namespace skidpad::fakes::kube_apiserver {

enum class AuditLevel { none, metadata, request, request_response };

struct AuditDecision {
  AuditLevel level = AuditLevel::none;
  std::set<std::string> omitted_stages;  ///< RequestReceived, ResponseStarted, ResponseComplete, Panic
  bool omit_managed_fields = false;
};

class AuditPolicy {
 public:
  /// Reads --audit-policy-file. Throws UsageError on an unknown level, stage or kind, and on a policy without rules.
  static AuditPolicy parse(const std::string& text);
  AuditDecision decide(const User& user, const RequestInfo& info) const;

 private:
  struct Rule {
    AuditDecision decision;
    Json body;
    bool matches(const User& user, const RequestInfo& info) const;
  };
  std::vector<Rule> rules_;
};

}  // namespace skidpad::fakes::kube_apiserver

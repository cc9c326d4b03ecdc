/// @file authorizer.hpp
/// Who may do what: system:masters, the Node authorizer, and RBAC compiled from the objects in the store.
/// Promise: decisions follow the cache; a change of a role or binding takes effect with the next request after its event.
#pragma once

#include <unordered_map>

#include "fakes/kube_apiserver/api/strategy.hpp"
#include "fakes/kube_apiserver/storage/store.hpp"

namespace skidpad::fakes::kube_apiserver {

/// What a request wants, as authorisation sees it.
struct Attributes {
  User user;
  std::string verb;
  std::string group;
  std::string version;
  std::string resource;     ///< plural; "" for a path that is no resource
  std::string subresource;
  std::string object_namespace;
  std::string name;
  std::string path;         ///< for non-resource requests
};

struct Decision {
  Decision(bool allowed, std::string reason) : allowed(allowed), reason(std::move(reason)) {}
  bool allowed;
  std::string reason;
};

struct AuthorizationModes {
  bool node = true;
  bool rbac = true;
  bool always_allow = false;
};

class Authorizer {
 public:
  Authorizer(Store& store, AuthorizationModes modes) : store_(store), modes_(modes) {}
  Decision decide(const Attributes& attributes);
  bool uses_rbac() const { return modes_.rbac; }
  /// The rules that hold for a user in a namespace, for SelfSubjectRulesReview.
  std::vector<Json> rules_for(const User& user, const std::string& object_namespace);

 private:
  struct Rule {
    std::vector<std::string> verbs, groups, resources, names, paths;
    bool matches(const Attributes& attributes) const;
  };
  struct Grant {
    std::string object_namespace;  ///< "" = everywhere
    std::string role;              ///< key into roles_
    std::string reason;
  };
  void compile_if_changed();
  bool node_allows(const Attributes& attributes) const;
  std::vector<const Grant*> grants_of(const User& user) const;

  Store& store_;
  AuthorizationModes modes_;
  std::uint64_t compiled_at_ = UINT64_MAX;
  std::map<std::string, std::vector<Rule>> roles_;          ///< "ClusterRole/x", "Role/ns/x"
  std::map<std::string, std::vector<Grant>> grants_;        ///< by subject: "U:x", "G:x"
  std::unordered_map<std::string, bool> decisions_;
};

/// "User "bob" cannot list resource "pods" in API group "" in the namespace "x"".
std::string denial_text(const Attributes& attributes);

}  // namespace skidpad::fakes::kube_apiserver

/// @file authenticator.hpp
/// Who sends a request: client certificate, static token, service account token, or nobody.
#pragma once

#include <unordered_map>

#include "fakes/kube_apiserver/api/strategy.hpp"
#include "fakes/kube_apiserver/storage/store.hpp"
#include "harness/runtime/http/http.hpp"

namespace skidpad::fakes::kube_apiserver {

struct AuthenticationOptions {
  std::string token_file;                       ///< CSV text: token,user,uid,"group1,group2"
  std::vector<std::string> service_account_keys;  ///< PEM
  std::string signing_key;                      ///< PEM, private
  std::vector<std::string> issuers;             ///< the first signs
  std::vector<std::string> audiences;
  bool anonymous = true;
};

class Authenticator {
 public:
  Authenticator(Store& store, AuthenticationOptions options);
  /// Throws ApiError 401.
  User authenticate(const runtime::HttpRequest& request);
  /// None if no authenticator knows the token.
  std::optional<User> user_of_token(const std::string& token);
  /// A JWT for a service account, bound to an object if one is given (kind, name, uid).
  std::string issue_token(const Json& account, const std::vector<std::string>& audiences, std::int64_t lifetime_seconds, const Json& bound);
  const AuthenticationOptions& options() const { return options_; }

 private:
  std::optional<User> service_account_user(const std::string& token);
  Store& store_;
  AuthenticationOptions options_;
  std::unordered_map<std::string, User> static_tokens_;
  struct Verified {
    Json claims;
    runtime::Instant until;
  };
  std::map<std::string, Verified> verified_;  ///< signatures checked in the last seconds
};

/// Reads --token-auth-file. Lines that are no records are left out.
std::unordered_map<std::string, User> read_token_file(const std::string& text);

}  // namespace skidpad::fakes::kube_apiserver

#include "fakes/kube_apiserver/access/authenticator.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::text_at;

constexpr std::size_t verified_max = 2048;

std::vector<std::string> csv_fields(const std::string& line) {
  std::vector<std::string> fields(1);
  bool in_quotes = false;
  for (const char c : line) {
    if (c == '"') {
      in_quotes = !in_quotes;
    } else if (c == ',' && !in_quotes) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

std::int64_t unix_seconds(runtime::WallTime time) { return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count(); }

}  // namespace

std::unordered_map<std::string, User> read_token_file(const std::string& text) {
  std::unordered_map<std::string, User> users;
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const auto fields = csv_fields(text.substr(start, end - start));
    start = end + 1;
    if (fields.size() < 3 || fields[0].empty()) continue;
    User user;
    user.name = fields[1];
    user.uid = fields[2];
    if (fields.size() > 3) {
      for (const std::string& group : csv_fields(fields[3])) {
        const std::size_t first = group.find_first_not_of(' ');
        if (first != std::string::npos) user.groups.push_back(group.substr(first));
      }
    }
    users.emplace(fields[0], std::move(user));
  }
  return users;
}

Authenticator::Authenticator(Store& store, AuthenticationOptions options)
    : store_(store), options_(std::move(options)), static_tokens_(read_token_file(options_.token_file)) {}

User Authenticator::authenticate(const runtime::HttpRequest& request) {
  const std::string_view header = request.headers.get("Authorization");
  constexpr std::string_view scheme = "Bearer ";
  if (header.size() > scheme.size() && runtime::equal_ignoring_case(header.substr(0, scheme.size()), scheme)) {
    auto user = user_of_token(std::string(header.substr(scheme.size())));
    if (!user) throw unauthorized();
    user->groups.push_back("system:authenticated");
    return std::move(*user);
  }
  if (request.peer.verified && !request.peer.common_name.empty()) {
    User user;
    user.name = request.peer.common_name;
    user.groups = request.peer.organizations;
    user.groups.push_back("system:authenticated");
    return user;
  }
  const bool untrusted_certificate = !request.peer.verified && !request.peer.organizations.empty();  // expired, or of a foreign authority
  if (untrusted_certificate || !options_.anonymous) throw unauthorized();
  User user;
  user.name = "system:anonymous";
  user.groups = {"system:unauthenticated"};
  return user;
}

std::optional<User> Authenticator::user_of_token(const std::string& token) {
  const auto known = static_tokens_.find(token);
  if (known != static_tokens_.end()) return known->second;
  return service_account_user(token);
}

std::optional<User> Authenticator::service_account_user(const std::string& token) {
  if (options_.service_account_keys.empty() || std::count(token.begin(), token.end(), '.') != 2) return std::nullopt;
  const runtime::Instant now = store_.runtime().now();
  auto found = verified_.find(token);
  if (found == verified_.end() || found->second.until < now) {
    const auto claims = store_.runtime().pki().verify_jwt(options_.service_account_keys, token);
    if (!claims) return std::nullopt;
    Json parsed = Json::parse(claims.value(), nullptr, false);
    if (!parsed.is_object()) return std::nullopt;
    if (verified_.size() >= verified_max) verified_.clear();
    found = verified_.insert_or_assign(token, Verified{std::move(parsed), now + std::chrono::seconds(10)}).first;
  }
  const Json& claims = found->second.claims;
  const std::string issuer = text_at(claims, {"iss"});
  if (std::find(options_.issuers.begin(), options_.issuers.end(), issuer) == options_.issuers.end()) return std::nullopt;
  const std::int64_t seconds = unix_seconds(store_.runtime().wall_now());
  if (runtime::integer_at(claims, {"exp"}, INT64_MAX) < seconds || runtime::integer_at(claims, {"nbf"}) > seconds + 60) return std::nullopt;
  const Json& facts = find(claims, {"kubernetes.io"});
  const std::string where = text_at(facts, {"namespace"});
  const std::string name = text_at(facts, {"serviceaccount", "name"});
  const ObjectPtr account = store_.cached("/registry/serviceaccounts/" + where + "/" + name);
  if (!account || text_at(account->value(), {"metadata", "uid"}) != text_at(facts, {"serviceaccount", "uid"})) return std::nullopt;
  bool audience_fits = false;
  for (const Json& audience : runtime::list_at(claims, {"aud"})) {
    audience_fits |= std::find(options_.audiences.begin(), options_.audiences.end(), audience.get<std::string>()) != options_.audiences.end();
  }
  if (!audience_fits) return std::nullopt;
  User user;
  user.name = "system:serviceaccount:" + where + ":" + name;
  user.uid = text_at(facts, {"serviceaccount", "uid"});
  user.groups = {"system:serviceaccounts", "system:serviceaccounts:" + where};
  user.extra["authentication.kubernetes.io/credential-id"] = {"JTI=" + text_at(claims, {"jti"})};
  if (find(facts, {"pod"}).is_object()) {
    const ObjectPtr pod = store_.cached("/registry/pods/" + where + "/" + text_at(facts, {"pod", "name"}));
    if (!pod || text_at(pod->value(), {"metadata", "uid"}) != text_at(facts, {"pod", "uid"})) return std::nullopt;
    user.extra["authentication.kubernetes.io/pod-name"] = {text_at(facts, {"pod", "name"})};
    user.extra["authentication.kubernetes.io/pod-uid"] = {text_at(facts, {"pod", "uid"})};
  }
  return user;
}

std::string Authenticator::issue_token(const Json& account, const std::vector<std::string>& audiences, std::int64_t lifetime_seconds, const Json& bound) {
  const std::int64_t now = unix_seconds(store_.runtime().wall_now());
  const std::string where = text_at(account, {"metadata", "namespace"});
  const std::string name = text_at(account, {"metadata", "name"});
  Json facts = {{"namespace", where}, {"serviceaccount", {{"name", name}, {"uid", text_at(account, {"metadata", "uid"})}}}};
  if (bound.is_object()) {
    std::string kind = text_at(bound, {"kind"});
    for (char& c : kind) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    facts[kind] = {{"name", text_at(bound, {"name"})}, {"uid", text_at(bound, {"uid"})}};
  }
  const Json claims = {{"iss", options_.issuers.empty() ? "" : options_.issuers.front()},
                       {"sub", "system:serviceaccount:" + where + ":" + name},
                       {"aud", audiences},
                       {"exp", now + lifetime_seconds},
                       {"iat", now},
                       {"nbf", now},
                       {"jti", store_.runtime().random().uuid()},
                       {"kubernetes.io", facts}};
  const auto token = store_.runtime().pki().sign_jwt(options_.signing_key, claims.dump());
  if (!token) throw internal_error("failed to sign token: " + token.error().message);
  return token.value();
}

}  // namespace skidpad::fakes::kube_apiserver

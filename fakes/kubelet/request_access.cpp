#include "fakes/kubelet/request_access.hpp"

namespace skidpad::fakes::kubelet {

using runtime::Result;
using runtime::Task;
using namespace std::chrono_literals;

namespace {
constexpr std::size_t kept_max = 1000;
}

/// pkg/kubelet/server/auth.go
std::string node_subresource(std::string_view path) {
  const auto below = [&](std::string_view root) { return path == root || (path.starts_with(root) && path[root.size()] == '/'); };
  if (below("/stats")) return "stats";
  if (below("/metrics")) return "metrics";
  if (below("/logs")) return "log";
  if (below("/checkpoint")) return "checkpoint";
  return "proxy";
}

std::string api_verb(std::string_view method) {
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return "delete";
  return "get";
}

Task<Result<Json>> RequestAccess::ask(std::string path, Json review) {
  if (client_ == nullptr) co_return runtime::Error(runtime::ErrorCode::unavailable, "no API server to ask");
  CO_TRY(const std::string text, co_await client_->raw("POST", std::move(path), review.dump()));
  co_return runtime::parse_json(text);
}

Task<std::optional<Requester>> RequestAccess::authenticate(const runtime::HttpRequest& request) {
  if (request.peer.verified) {
    Requester requester;
    requester.name = request.peer.common_name;
    requester.groups = request.peer.organizations;
    requester.groups.push_back("system:authenticated");
    co_return requester;
  }
  const std::string header(request.headers.get("Authorization"));
  constexpr std::string_view scheme = "Bearer ";
  if (options_.webhook_authentication && header.size() > scheme.size() && runtime::equal_ignoring_case(std::string_view(header).substr(0, scheme.size()), scheme)) {
    const std::string token = header.substr(scheme.size());
    if (const auto known = tokens_.find(token); known != tokens_.end() && runtime_.now() < known->second.until) co_return known->second.value;
    Json review = Json::object();
    review["apiVersion"] = "authentication.k8s.io/v1";
    review["kind"] = "TokenReview";
    review["spec"]["token"] = token;
    const auto answer = co_await ask("/apis/authentication.k8s.io/v1/tokenreviews", std::move(review));
    std::optional<Requester> none;
    if (!answer) co_return none;
    Kept<std::optional<Requester>> kept;
    const Json& status = runtime::find(answer.value(), {"status"});
    if (runtime::bool_at(status, {"authenticated"})) {
      kept.value.emplace();
      kept.value->name = runtime::text_at(status, {"user", "username"});
      for (const Json& group : runtime::list_at(status, {"user", "groups"})) {
        if (group.is_string()) kept.value->groups.push_back(group.get<std::string>());
      }
    }
    kept.until = runtime_.now() + 2min;
    if (tokens_.size() >= kept_max) tokens_.clear();
    tokens_[token] = kept;
    co_return kept.value;
  }
  if (!header.empty() || !options_.anonymous) {
    std::optional<Requester> none;
    co_return none;
  }
  Requester anonymous;
  anonymous.name = "system:anonymous";
  anonymous.groups = {"system:unauthenticated"};
  co_return anonymous;
}

Task<bool> RequestAccess::authorize(Requester requester, std::string verb, std::string subresource) {
  if (!options_.webhook_authorization) co_return true;
  if (std::find(requester.groups.begin(), requester.groups.end(), "system:masters") != requester.groups.end()) co_return true;
  std::string key = requester.name + "\n" + verb + "\n" + subresource;
  for (const std::string& group : requester.groups) key += "\n" + group;
  if (const auto known = decisions_.find(key); known != decisions_.end() && runtime_.now() < known->second.until) co_return known->second.value;
  Json review = Json::object();
  review["apiVersion"] = "authorization.k8s.io/v1";
  review["kind"] = "SubjectAccessReview";
  review["spec"]["user"] = requester.name;
  review["spec"]["groups"] = requester.groups;
  Json& attributes = review["spec"]["resourceAttributes"];
  attributes["verb"] = verb;
  attributes["version"] = "v1";
  attributes["resource"] = "nodes";
  attributes["subresource"] = subresource;
  attributes["name"] = options_.node_name;
  const auto answer = co_await ask("/apis/authorization.k8s.io/v1/subjectaccessreviews", std::move(review));
  if (!answer) co_return false;
  Kept<bool> kept;
  kept.value = runtime::bool_at(answer.value(), {"status", "allowed"});
  kept.until = runtime_.now() + (kept.value ? runtime::Duration(5min) : runtime::Duration(30s));
  if (decisions_.size() >= kept_max) decisions_.clear();
  decisions_[key] = kept;
  co_return kept.value;
}

}  // namespace skidpad::fakes::kubelet

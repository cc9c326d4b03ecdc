// Token reviews, access reviews and self reviews: answered, never stored.
#include "fakes/kube_apiserver/server/api_server.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::text_at;

Json user_info(const User& user) {
  Json info = Json::object();
  if (!user.name.empty()) info["username"] = user.name;
  if (!user.uid.empty()) info["uid"] = user.uid;
  if (!user.groups.empty()) info["groups"] = user.groups;
  if (!user.extra.empty()) info["extra"] = user.extra;
  return info;
}

Attributes attributes_of(const Json& spec, User user) {
  Attributes attributes;
  attributes.user = std::move(user);
  const Json& resource = find(spec, {"resourceAttributes"});
  if (resource.is_object()) {
    attributes.verb = text_at(resource, {"verb"});
    attributes.group = text_at(resource, {"group"});
    attributes.version = text_at(resource, {"version"});
    attributes.resource = text_at(resource, {"resource"});
    attributes.subresource = text_at(resource, {"subresource"});
    attributes.object_namespace = text_at(resource, {"namespace"});
    attributes.name = text_at(resource, {"name"});
  } else {
    attributes.verb = text_at(spec, {"nonResourceAttributes", "verb"});
    attributes.path = text_at(spec, {"nonResourceAttributes", "path"});
  }
  return attributes;
}

}  // namespace

Task<Answer> ApiServer::review(Request& request) {
  const Resource& resource = *request.resource;
  read_write_options(request, "CreateOptions");
  Json object = decode_body(request, resource.type, resource.api_version(), resource.kind, false);
  Json& spec = object["spec"];
  Json status = Json::object();
  if (resource.kind == "TokenReview") {
    const std::string token = text_at(spec, {"token"});
    if (token.empty()) throw bad_request("token is required for TokenReview in authentication");
    auto user = authenticator_.user_of_token(token);
    if (user) {
      user->groups.push_back("system:authenticated");
      status["authenticated"] = true;
      status["user"] = user_info(*user);
      const Json& wanted = find(spec, {"audiences"});
      status["audiences"] = wanted.is_array() ? wanted : Json(authenticator_.options().audiences);
    } else {
      status["user"] = Json::object();
      status["error"] = "[invalid bearer token, token lookup failed]";
    }
  } else if (resource.kind == "SelfSubjectReview") {
    status["userInfo"] = user_info(request.user);
  } else if (resource.kind == "SelfSubjectRulesReview") {
    if (text_at(spec, {"namespace"}).empty()) throw bad_request("no namespace on request");
    status = {{"resourceRules", Json::array()}, {"nonResourceRules", Json::array()}, {"incomplete", false}};
    for (Json& rule : authorizer_.rules_for(request.user, text_at(spec, {"namespace"}))) {
      const bool paths = rule.contains("nonResourceURLs");
      status[paths ? "nonResourceRules" : "resourceRules"].push_back(std::move(rule));
    }
  } else {
    const bool has_resource = find(spec, {"resourceAttributes"}).is_object();
    const bool has_path = find(spec, {"nonResourceAttributes"}).is_object();
    if (has_resource == has_path) {
      throw invalid("authorization.k8s.io", "", "",
                    {invalid_value("spec.resourceAttributes", has_resource ? "authorization.ResourceAttributes{}" : "\"null\"", "exactly one of nonResourceAttributes or resourceAttributes must be specified")});
    }
    if (resource.kind != "SelfSubjectAccessReview" && text_at(spec, {"user"}).empty() && runtime::list_at(spec, {"groups"}).empty()) {
      throw invalid("authorization.k8s.io", "", "", {invalid_text("spec.user", "", "at least one of user or group must be specified")});
    }
    const std::string asked_about = text_at(spec, {"resourceAttributes", "namespace"});
    if (resource.kind == "LocalSubjectAccessReview" && has_resource && asked_about != request.info.object_namespace) {
      throw invalid("authorization.k8s.io", "", "", {invalid_text("spec.resourceAttributes.namespace", asked_about, "must match metadata.namespace")});
    }
    User user = request.user;
    if (resource.kind != "SelfSubjectAccessReview") {
      user = User();
      user.name = text_at(spec, {"user"});
      for (const Json& group : runtime::list_at(spec, {"groups"})) user.groups.push_back(group.get<std::string>());
    }
    const Decision decision = authorizer_.decide(attributes_of(spec, std::move(user)));
    status["allowed"] = decision.allowed;
    if (!decision.reason.empty()) status["reason"] = decision.reason;
  }
  if (resource.kind == "SelfSubjectReview") object.erase("spec");  // it has none
  object["status"] = std::move(status);
  object["metadata"]["creationTimestamp"] = resource.kind == "SelfSubjectReview" ? Json(now_text()) : Json();
  co_return encode_answer(request, object, 201);
}

}  // namespace skidpad::fakes::kube_apiserver

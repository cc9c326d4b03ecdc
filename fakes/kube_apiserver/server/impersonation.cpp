// Impersonate-User, -Group, -Uid and -Extra-*: acting as somebody else, for those who may (kubectl --as).
#include "fakes/kube_apiserver/api/utf8.hpp"
#include "fakes/kube_apiserver/server/api_server.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

constexpr std::string_view account_prefix = "system:serviceaccount:";
constexpr std::string_view extra_prefix = "impersonate-extra-";

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

struct Wish {
  std::optional<std::string> user;
  std::vector<std::string> groups;
  std::string uid;
  std::map<std::string, std::vector<std::string>> extra;
  bool any() const { return user || !groups.empty() || !uid.empty() || !extra.empty(); }
};

Wish wish_of(const runtime::HttpHeaders& headers) {
  Wish wish;
  for (const auto& [name, sent] : headers.fields()) {
    const std::string key = lower_case(name);
    const std::string value = mended_utf8(sent);
    if (key == "impersonate-user" && !value.empty()) wish.user = value;
    if (key == "impersonate-group") wish.groups.push_back(value);
    if (key == "impersonate-uid") wish.uid = value;
    if (key.size() > extra_prefix.size() && std::string_view(key).substr(0, extra_prefix.size()) == extra_prefix) {
      std::string decoded;
      const std::string field = key.substr(extra_prefix.size());
      wish.extra[mended_utf8(runtime::percent_decode(field, decoded, false) ? decoded : field)].push_back(value);
    }
  }
  return wish;
}

}  // namespace

void ApiServer::impersonate(Request& request) {
  const Wish wish = wish_of(request.http.headers);
  if (!wish.any()) return;
  if (!wish.user) throw internal_error("requested [] without impersonating a user");
  const auto require = [&](const char* group, const std::string& resource, const std::string& object_namespace, const std::string& name, const std::string& subresource) {
    Attributes attributes;
    attributes.user = request.user;
    attributes.verb = "impersonate";
    attributes.group = group;
    attributes.version = group[0] == '\0' ? "" : "v1";
    attributes.resource = resource;
    attributes.subresource = subresource;
    attributes.object_namespace = object_namespace;
    attributes.name = name;
    if (!authorizer_.decide(attributes).allowed) throw forbidden(group, resource, name, denial_text(attributes));
  };
  User user;
  user.name = *wish.user;
  user.groups = wish.groups;
  user.uid = wish.uid;
  const std::size_t colon = user.name.find(':', account_prefix.size());
  if (std::string_view(user.name).substr(0, account_prefix.size()) == account_prefix && colon != std::string::npos) {
    const std::string home = user.name.substr(account_prefix.size(), colon - account_prefix.size());
    require("", "serviceaccounts", home, user.name.substr(colon + 1), "");
    if (user.groups.empty()) user.groups = {"system:serviceaccounts", "system:serviceaccounts:" + home};
  } else {
    require("", "users", "", user.name, "");
  }
  for (const std::string& group : wish.groups) require("", "groups", "", group, "");
  if (!wish.uid.empty()) require("authentication.k8s.io", "uids", "", wish.uid, "");
  for (const auto& [key, values] : wish.extra) {
    for (const std::string& value : values) require("authentication.k8s.io", "userextras", "", value, key);
    user.extra[key] = values;
  }
  const std::string everybody = user.name == "system:anonymous" ? "system:unauthenticated" : "system:authenticated";
  if (std::find(user.groups.begin(), user.groups.end(), everybody) == user.groups.end()) user.groups.push_back(everybody);
  if (request.audit) request.audit->impersonated = user;
  request.user = std::move(user);
}

}  // namespace skidpad::fakes::kube_apiserver

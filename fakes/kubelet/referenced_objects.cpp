#include "fakes/kubelet/referenced_objects.hpp"

#include "harness/client/kubernetes/object.hpp"

namespace skidpad::fakes::kubelet {

using client::ResourceType;
using runtime::Error;
using runtime::ErrorCode;
using runtime::list_at;
using runtime::Result;
using runtime::Task;
using runtime::text_at;

namespace {

constexpr std::size_t cached_max = 4096;

ReferencedData read_data(const Json& object, bool secret) {
  ReferencedData result;
  for (const auto& [key, value] : list_at(object, {"data"}).items()) {
    if (!value.is_string()) continue;
    std::string bytes = value.get<std::string>();
    if (secret && !client::base64_decode(value.get<std::string>(), bytes)) continue;
    result.data[key] = std::move(bytes);
  }
  for (const auto& [key, value] : list_at(object, {"binaryData"}).items()) {
    std::string bytes;
    if (value.is_string() && client::base64_decode(value.get<std::string>(), bytes)) result.data[key] = std::move(bytes);
  }
  return result;
}

}  // namespace

Task<Result<ReferencedData>> ReferencedObjects::get(std::string kind, std::string namespace_name, std::string name) {
  const std::string key = kind + "/" + namespace_name + "/" + name;
  const auto found = cached_.find(key);
  if (found != cached_.end() && runtime_.now() - found->second.read_at < fresh_for_) co_return found->second.data;
  const bool secret = kind == "Secret";
  if (client_ == nullptr) {
    Error error(ErrorCode::unavailable, kind + " " + namespace_name + "/" + name + ": no API server is configured");
    co_return error;
  }
  const ResourceType& type = secret ? client::types::secrets : client::types::config_maps;
  auto object = co_await client_->get(type, namespace_name, name);
  if (!object) {
    const auto known = cached_.find(key);
    if (object.error().code != ErrorCode::not_found && known != cached_.end()) co_return known->second.data;
    if (object.error().code == ErrorCode::not_found) cached_.erase(key);
    co_return object.error();
  }
  if (cached_.size() >= cached_max) cached_.clear();
  Cached cached;
  cached.data = read_data(object.value(), secret);
  cached.read_at = runtime_.now();
  cached_[key] = cached;
  co_return std::move(cached.data);
}

Task<Result<ServiceAccountToken>> ReferencedObjects::token(Json pod, std::string audience, std::int64_t expiration_seconds) {
  const std::string key = client::uid_of(pod) + "/" + audience + "/" + std::to_string(expiration_seconds);
  const auto found = tokens_.find(key);
  const auto now = runtime_.wall_now();
  if (found != tokens_.end()) {
    const auto life = found->second.expires_at - found->second.issued_at;
    if (now - found->second.issued_at < std::min<runtime::Duration>(life * 8 / 10, std::chrono::hours(24))) co_return found->second;
  }
  if (client_ == nullptr) {
    Error error(ErrorCode::unavailable, "service account token: no API server is configured");
    co_return error;
  }
  Json request = Json::object();
  request["apiVersion"] = "authentication.k8s.io/v1";
  request["kind"] = "TokenRequest";
  request["spec"]["audiences"] = audience.empty() ? Json::array() : Json::array({audience});
  request["spec"]["expirationSeconds"] = expiration_seconds;
  Json& bound = request["spec"]["boundObjectRef"];
  bound["kind"] = "Pod";
  bound["apiVersion"] = "v1";
  bound["name"] = client::name_of(pod);
  bound["uid"] = client::uid_of(pod);
  const std::string account = text_at(pod, {"spec", "serviceAccountName"}, "default");
  auto answer = co_await client_->subresource("POST", client::types::service_accounts, client::namespace_of(pod), account, "token", request);
  if (!answer) {
    // A token that still lives is better than none.
    const auto known = tokens_.find(key);
    if (known != tokens_.end() && known->second.expires_at > now) co_return known->second;
    co_return answer.error();
  }
  ServiceAccountToken made;
  made.token = text_at(answer.value(), {"status", "token"});
  made.issued_at = now;
  made.expires_at = client::time_at(answer.value(), {"status", "expirationTimestamp"}).value_or(now + std::chrono::seconds(expiration_seconds));
  if (made.token.empty()) {
    Error error(ErrorCode::invalid, "the API server gave an empty token for service account " + account);
    co_return error;
  }
  tokens_[key] = made;
  co_return made;
}

void ReferencedObjects::forget_pod(const std::string& pod_uid) {
  const std::string prefix = pod_uid + "/";
  for (auto entry = tokens_.lower_bound(prefix); entry != tokens_.end() && entry->first.starts_with(prefix);) entry = tokens_.erase(entry);
}

}  // namespace skidpad::fakes::kubelet

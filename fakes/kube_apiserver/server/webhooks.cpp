// Admission webhooks: somebody else may change or refuse a write.
#include "fakes/kube_apiserver/api/base64.hpp"
#include "fakes/kube_apiserver/api/conversion.hpp"
#include "fakes/kube_apiserver/api/defaults.hpp"
#include "fakes/kube_apiserver/api/patch.hpp"
#include "fakes/kube_apiserver/api/validation.hpp"
#include "fakes/kube_apiserver/cel/cel_program.hpp"
#include "fakes/kube_apiserver/crd/custom_resources.hpp"
#include "fakes/kube_apiserver/server/admission_match.hpp"
#include "harness/runtime/http/http_client.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

constexpr const char* mutating_prefix = "/registry/mutatingwebhookconfigurations/";
constexpr const char* validating_prefix = "/registry/validatingwebhookconfigurations/";
constexpr int attempts_max = 10;

ApiError refused(const std::string& hook, const Json& status) {
  const std::string denied = "admission webhook " + in_quotes(hook) + " denied the request";
  const std::string message = text_at(status, {"message"});
  const std::string reason = text_at(status, {"reason"});
  const int code = static_cast<int>(integer_at(status, {"code"}));
  return ApiError(code < 400 || code > 599 ? 400 : code, reason, !message.empty() ? denied + ": " + message : !reason.empty() ? denied + ": " + reason : denied + " without explanation");
}

}  // namespace

/// Where a webhook listens: a URL's host and port, or its Service's cluster address. None if the Service is not there.
std::optional<std::pair<runtime::HttpClientOptions, std::string>> ApiServer::webhook_address(const Json& configuration) {
  runtime::HttpClientOptions options;
  runtime::TlsClientOptions tls;
  tls.ca_pem = decode_base64(text_at(configuration, {"caBundle"})).value_or("");
  runtime::Endpoint endpoint;
  std::string url = text_at(configuration, {"url"});
  const Json& service = find(configuration, {"service"});
  if (service.is_object()) {
    const std::string home = text_at(service, {"namespace"});
    const std::string name = text_at(service, {"name"});
    const std::int64_t port = integer_at(service, {"port"}, 443);
    const ObjectPtr found = store_.cached("/registry/services/specs/" + home + "/" + name);
    if (!found) return std::nullopt;
    endpoint.address = text_at(found->value(), {"spec", "clusterIP"});
    endpoint.port = static_cast<std::uint16_t>(port);
    tls.server_name = name + "." + home + ".svc";
    url = "https://" + tls.server_name + ":" + std::to_string(port) + text_at(service, {"path"}, "/");
  } else {
    const std::size_t start = url.find("://") == std::string::npos ? 0 : url.find("://") + 3;
    const std::string host = url.substr(start, url.find('/', start) - start);
    const std::size_t colon = host.rfind(':');
    const std::string port = colon == std::string::npos ? "443" : host.substr(colon + 1);
    endpoint.address = host.substr(0, colon);
    if (endpoint.address == "localhost") endpoint.address = "127.0.0.1";
    endpoint.port = static_cast<std::uint16_t>(std::strtol(port.c_str(), nullptr, 10));
    tls.server_name = host.substr(0, colon);
  }
  tls.insecure = tls.ca_pem.empty();
  options.servers.push_back(endpoint);
  options.tls = tls;
  return std::make_pair(options, url);
}

/// The webhooks' answer to one review: the response, or why there is none.
Task<runtime::Result<Json>> ApiServer::ask_webhook(Json hook, Json review) {
  using Failed = runtime::Error;
  const std::int64_t seconds = integer_at(hook, {"timeoutSeconds"}, 10);
  auto address = webhook_address(find(hook, {"clientConfig"}));
  if (!address) co_return Failed(runtime::ErrorCode::not_found, "service " + in_quotes(text_at(hook, {"clientConfig", "service", "name"})) + " not found");
  address->first.request_timeout = std::chrono::seconds(seconds);
  const std::string& url = address->second;
  const std::size_t host = url.find("://") + 3;
  const std::size_t slash = url.find('/', host);
  const std::string asked = "timeout=" + std::to_string(seconds) + "s";
  runtime::HttpRequest request;
  request.method = "POST";
  request.target = (slash == std::string::npos ? "/" : url.substr(slash)) + (url.find('?') == std::string::npos ? "?" : "&") + asked;
  request.headers.add("Content-Type", "application/json");
  request.headers.add("Accept", "application/json, */*");
  request.headers.add("User-Agent", "kube-apiserver-admission");
  request.body = review.dump();
  const std::string uid = text_at(review, {"request", "uid"});
  runtime::HttpClient client(runtime_, address->first);
  auto answer = co_await client.request(std::move(request), std::chrono::seconds(seconds));
  const std::string shown = "failed to call webhook: Post \"" + url + "?" + asked + "\": ";
  if (!answer) co_return Failed(answer.error().code, shown + (answer.error().code == runtime::ErrorCode::timeout ? "context deadline exceeded" : answer.error().message));
  if (answer.value().status != 200) co_return Failed(runtime::ErrorCode::invalid, "failed to call webhook: the server rejected our request for an unknown reason (status " + std::to_string(answer.value().status) + ")");
  const Json body = Json::parse(answer.value().body, nullptr, false);
  const Json& response = find(body, {"response"});
  if (!response.is_object()) co_return Failed(runtime::ErrorCode::invalid, "received invalid webhook response: webhook response was absent");
  if (text_at(response, {"uid"}) != uid) co_return Failed(runtime::ErrorCode::invalid, "received invalid webhook response: expected response.uid=" + in_quotes(uid) + ", got " + in_quotes(text_at(response, {"uid"})));
  co_return Json(response);
}

bool ApiServer::has_webhooks() {
  return store_.object_count(mutating_prefix) + store_.object_count(validating_prefix) > 0;
}

/// The webhooks of all configurations of one sort that this write concerns, in the order they are called.
std::vector<Json> ApiServer::webhooks_for(Request& request, bool mutating, const char* operation, const Json& object, const Json& old) {
  std::vector<Json> hooks;
  if (is_exempt(*request.resource)) return hooks;
  const ObjectPtr home = request.resource->namespaced ? store_.cached("/registry/namespaces/" + request.info.object_namespace) : nullptr;
  const Json nowhere;
  const Admission admission(request, operation, object, old, home ? home->value() : nowhere);
  store_.visit(mutating ? mutating_prefix : validating_prefix, [&](const ObjectPtr& configuration) {
    for (const Json& hook : list_at(configuration->value(), {"webhooks"})) {
      if (!matches_rules(list_at(hook, {"rules"}), admission) || !matches_selectors(hook, admission)) continue;
      try {
        if (!meets_conditions(list_at(hook, {"matchConditions"}), admission_variables(admission))) continue;
      } catch (const cel::CelError& error) {
        if (text_at(hook, {"failurePolicy"}, "Fail") == "Ignore") continue;
        throw internal_error("failed calling webhook " + in_quotes(text_at(hook, {"name"})) + ": " + error.message);
      }
      hooks.push_back(hook);
    }
  });
  return hooks;
}

/// Asks one webhook. Throws if it refuses, or fails and must not. The patch it wants, or null.
Task<Json> ApiServer::review_by(Request& request, Json hook, const char* operation, Json object, Json old) {
  const Json nowhere;
  const Admission admission(request, operation, object, old, nowhere);
  Json body = admission_request(admission, random_.uuid());
  body["object"] = object;
  body["oldObject"] = old;
  Json review = {{"kind", "AdmissionReview"}, {"apiVersion", "admission.k8s.io/v1"}, {"request", std::move(body)}};
  const std::string name = text_at(hook, {"name"});
  const bool ignore = text_at(hook, {"failurePolicy"}, "Fail") == "Ignore";
  auto answer = co_await ask_webhook(hook, std::move(review));
  if (!answer) {
    if (ignore) co_return Json();
    throw internal_error("failed calling webhook " + in_quotes(name) + ": " + answer.error().message);
  }
  const Json& response = answer.value();
  for (const Json& warning : list_at(response, {"warnings"})) request.warnings.push_back(warning.get<std::string>());
  if (!runtime::bool_at(response, {"allowed"})) throw refused(name, find(response, {"status"}));
  const std::string patch = text_at(response, {"patch"});
  if (patch.empty()) co_return Json();
  const auto bytes = decode_base64(patch);
  Json operations = bytes ? Json::parse(*bytes, nullptr, false) : Json();
  if (!operations.is_array()) throw internal_error("failed calling webhook " + in_quotes(name) + ": invalid JSON patch");
  co_return operations;
}

/// The object as the mutating webhooks want it. One that asks for it is called once more if a later one changed the object.
Task<Json> ApiServer::mutate_by_webhooks(Request& request, const char* operation, Json object, Json old) {
  std::set<std::string> again;
  for (int round = 0; round < 2; ++round) {
    bool changed_since = false;
    std::set<std::string> wanted;
    for (Json& hook : webhooks_for(request, true, operation, object, old)) {
      const std::string name = text_at(hook, {"name"});
      if (round == 1 && !again.contains(name)) continue;
      const bool repeatable = text_at(hook, {"reinvocationPolicy"}) == "IfNeeded";
      Json patch = co_await review_by(request, hook, operation, object, old);
      Json next = object;
      if (!patch.is_null()) next = apply_json_patch(object, patch);
      if (next != object) {
        changed_since = true;
        again = wanted;  // all that were asked before
        if (request.resource->type != nullptr) {
          canonicalise(next, *request.resource->type, nullptr);
          apply_defaults(next, *request.resource);
        } else {
          prune_and_default(next, *request.resource, nullptr);
        }
        object = std::move(next);
      }
      if (repeatable) wanted.insert(name);
    }
    if (!changed_since || again.empty()) break;
  }
  co_return object;
}

Task<void> ApiServer::admit_by_webhooks(Request& request, const char* operation, Json object, Json old) {
  for (Json& hook : webhooks_for(request, false, operation, object, old)) (void)co_await review_by(request, hook, operation, object, old);
}

/// A change with the webhooks' say in it: computed on the present state, and written only onto that.
Task<ObjectPtr> ApiServer::write_through_webhooks(Request& request, Mutation mutation) {
  const Resource& resource = *request.resource;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    std::string key = request.key();
    const ObjectPtr present = co_await store_.read(std::move(key));
    Change change = mutation(present);
    if (present && !change.remove) {
      Json old = in_version(request, present->value());
      Json object = in_version(request, change.value);
      Json before = object;
      Json wished = co_await mutate_by_webhooks(request, "UPDATE", std::move(object), old);
      if (wished != before) {
        const FieldErrors errors = resource.custom ? FieldErrors() : validate_update(wished, old, resource, request.info.subresource);
        if (!errors.empty()) throw invalid(resource.group, resource.kind, request.info.name, errors);
        if (resource.custom) check_custom(wished, old, resource);
      }
      co_await admit_by_webhooks(request, "UPDATE", wished, old);
      to_storage(wished, resource);
      change.value = std::move(wished);
    }
    bool raced = false;
    Mutation exact = [&](const ObjectPtr& now) -> Change {
      raced = (now ? now->revision() : 0) != (present ? present->revision() : 0);
      if (raced) throw conflict(resource, request.info.name, object_modified);
      return change;
    };
    std::optional<ApiError> failure;
    ObjectPtr written;
    try {
      written = co_await write_directly(request, std::move(exact));
    } catch (const ApiError& error) {
      failure.emplace(error);
    }
    if (!failure) co_return written;
    if (!raced) throw *failure;
  }
  throw conflict(resource, request.info.name, object_modified);
}

}  // namespace skidpad::fakes::kube_apiserver

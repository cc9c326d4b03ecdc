// Paths that are no resources: health, version, metrics, OpenAPI, discovery.
#include "fakes/kube_apiserver/crd/custom_resources.hpp"
#include "fakes/kube_apiserver/server/api_server.hpp"
#include "fakes/kube_apiserver/server/openapi.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

constexpr const char* plain_text = "text/plain; charset=utf-8";

Answer page_not_found() { return Answer(404, "404 page not found\n", plain_text); }

constexpr const char* post_start_hooks[] = {
    "start-apiserver-admission-initializer", "generic-apiserver-start-informers", "priority-and-fairness-config-consumer", "priority-and-fairness-filter",
    "storage-object-count-tracker-hook", "start-apiextensions-informers", "start-apiextensions-controllers", "crd-informer-synced", "start-system-namespaces-controller",
    "start-cluster-authentication-info-controller", "start-kube-apiserver-identity-lease-controller", "start-kube-apiserver-identity-lease-garbage-collector",
    "start-legacy-token-tracking-controller", "start-service-ip-repair-controllers", "rbac/bootstrap-roles", "scheduling/bootstrap-system-priority-classes",
    "priority-and-fairness-config-producer", "bootstrap-controller", "aggregator-reload-proxy-client-cert", "start-kube-aggregator-informers",
    "apiservice-status-local-available-controller", "apiservice-status-remote-available-controller", "apiservice-registration-controller",
    "apiservice-discovery-controller", "kube-apiserver-autoregistration",
};

/// Their names as checks. Made once: probes ask every few seconds.
const std::vector<std::string>& hook_checks() {
  static const std::vector<std::string> checks = [] {
    std::vector<std::string> names;
    for (const char* hook : post_start_hooks) names.push_back(std::string("poststarthook/") + hook);
    return names;
  }();
  return checks;
}

}  // namespace

Answer ApiServer::health(const Request& request) {
  std::string path = request.info.path;
  const bool ready_path = path.compare(0, 7, "/readyz") == 0;
  const std::string root = path.compare(0, 8, "/healthz") == 0 ? "healthz" : ready_path ? "readyz" : "livez";
  std::string single = path.substr(root.size() + 1);
  while (!single.empty() && single.front() == '/') single.erase(0, 1);
  std::vector<std::string> excluded;
  for (const auto& [key, value] : request.query) {
    if (key == "exclude") excluded.push_back(value);
  }
  std::vector<std::pair<std::string_view, bool>> checks = {{"ping", true}, {"log", true}, {"etcd", store_.etcd_healthy()}};
  if (ready_path) {
    checks.emplace_back("etcd-readiness", store_.etcd_healthy());
    checks.emplace_back("informer-sync", store_.is_ready());
  }
  for (const std::string& hook : hook_checks()) {
    const bool waits = hook == "poststarthook/rbac/bootstrap-roles" || hook == "poststarthook/bootstrap-controller" || hook == "poststarthook/start-system-namespaces-controller";
    checks.emplace_back(hook, !waits || bootstrapped_ || root == "livez");
  }
  checks.emplace_back("autoregister-completion", true);
  if (ready_path) checks.emplace_back("shutdown", !runtime_.stop().stop_requested());
  if (!single.empty()) {
    for (const auto& [name, good] : checks) {
      if (name != single) continue;
      if (good) return Answer(200, "ok", plain_text);
      return Answer(500, "internal server error: " + std::string(name) + " not ready\n", plain_text);
    }
    return page_not_found();
  }
  const auto is_excluded = [&](std::string_view name) { return std::find(excluded.begin(), excluded.end(), name) != excluded.end(); };
  const bool passed = std::all_of(checks.begin(), checks.end(), [&](const auto& check) { return check.second || is_excluded(check.first); });
  Answer answer;
  answer.content_type = plain_text;
  answer.status = passed ? 200 : 500;
  if (passed && !query_has(request.query, "verbose")) {
    answer.body = "ok";
  } else {
    for (const auto& [name, good] : checks) {
      const bool left_out = is_excluded(name);
      answer.body.append(good || left_out ? "[+]" : "[-]").append(name).append(left_out ? " excluded: ok\n" : good ? " ok\n" : " failed: reason withheld\n");
    }
    answer.body.append(root).append(passed ? " check passed\n" : " check failed\n");
  }
  answer.headers.add("X-Content-Type-Options", "nosniff");
  return answer;
}

Task<Answer> ApiServer::answer_path(Request& request) {
  const std::string& path = request.info.path;
  if (path.compare(0, 5, "/apis") == 0 || path.compare(0, 4, "/api") == 0) {
    try {
      request.representation = negotiate(request.http.headers.get("Accept"), false);
    } catch (const ApiError&) {
      request.representation = Representation();  // aggregated discovery has names of its own
    }
  }
  const auto starts = [&](std::string_view prefix) { return path == prefix || (path.compare(0, prefix.size(), prefix) == 0 && path[prefix.size()] == '/'); };
  if (starts("/healthz") || starts("/livez") || starts("/readyz")) {
    if (!store_.etcd_healthy() && store_.is_ready()) {
      bool reached = true;
      try {
        (void)co_await store_.wait_until_fresh();
      } catch (const ApiError&) {
        reached = false;
      }
      (void)reached;
    }
    co_return health(request);
  }
  if (path == "/version" || path == "/version/") {
    const Json version = {{"major", "1"}, {"minor", "32"}, {"gitVersion", "v1.32.13"}, {"gitCommit", "0000000000000000000000000000000000000000"}, {"gitTreeState", "clean"},
                          {"buildDate", "2026-01-01T00:00:00Z"}, {"goVersion", "go1.23.0"}, {"compiler", "gc"}, {"platform", "linux/amd64"}};
    co_return Answer(200, version.dump(2), "application/json");
  }
  if (path == "/metrics") co_return Answer(200, metrics_.text(store_), "text/plain; version=0.0.4; charset=utf-8; escaping=values");
  if (path == "/") {
    Json paths = {"/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/"};
    std::set<std::string> listed;
    for (const Resource& resource : built_in_resources()) {
      if (resource.group.empty()) continue;
      listed.insert("/apis/" + resource.group);
      listed.insert("/apis/" + resource.group + "/" + resource.version);
    }
    for (const std::string& each : listed) paths.push_back(each);
    for (const char* each : {"/healthz", "/livez", "/readyz"}) {
      paths.push_back(each);
      paths.push_back(std::string(each) + "/ping");
      paths.push_back(std::string(each) + "/etcd");
    }
    for (const char* each : {"/metrics", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/openid/v1/jwks", "/version"}) paths.push_back(each);
    co_return encode_answer(request, {{"paths", paths}}, 200);
  }
  if (path == "/openapi/v2") {
    if (request.http.headers.get("Accept").find("proto-openapi.spec.v2") != std::string_view::npos) {
      co_return Answer(200, openapi_v2_protobuf(), "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
    }
    co_return Answer(200, openapi_v2_json(), "application/json");
  }
  if (path == "/openapi/v3" || path == "/openapi/v3/") {
    co_return Answer(200, openapi_v3_index(CustomResources::of(store_).all()), plain_text);
  }
  if (path.compare(0, 12, "/openapi/v3/") == 0) {
    std::string body = openapi_v3_of(path.substr(12), CustomResources::of(store_).all());
    if (body.empty()) co_return page_not_found();
    co_return Answer(200, std::move(body), "application/json");
  }
  if (path == "/.well-known/openid-configuration") {
    const auto& issuers = authenticator_.options().issuers;
    const std::string issuer = issuers.empty() ? "" : issuers.front();
    co_return encode_answer(request, {{"issuer", issuer}, {"jwks_uri", issuer + "/openid/v1/jwks"}, {"response_types_supported", {"id_token"}}, {"subject_types_supported", {"public"}}, {"id_token_signing_alg_values_supported", {"ES256", "RS256"}}}, 200);
  }
  auto found = discovery(request);
  if (found) co_return std::move(*found);
  co_return page_not_found();
}

}  // namespace skidpad::fakes::kube_apiserver

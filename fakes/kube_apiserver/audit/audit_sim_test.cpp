// The audit log of a server in the simulator, against policies and line by line.
#include <gtest/gtest.h>

#include <sstream>

#include "fakes/kube_apiserver/testing/api_world.hpp"
#include "fakes/kube_apiserver/audit/audit_policy.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::Runtime;
using runtime::Task;
using testing::ApiWorld;

const char* const policy_text = R"(
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  nonResourceURLs: ["/readyz*", "/healthz"]
- level: None
  userGroups: ["system:masters"]
  verbs: [get, list, watch]
- level: RequestResponse
  omitManagedFields: true
  resources: [{group: "", resources: [configmaps]}]
- level: Metadata
  omitStages: [ResponseComplete]
  resources: [{group: "", resources: ["pods/*"]}]
- level: Metadata
)";

TEST(AuditPolicy, TheFirstRuleThatMatchesDecides) {
  const AuditPolicy policy = AuditPolicy::parse(policy_text);
  User admin;
  admin.name = "admin";
  admin.groups = {"system:masters"};
  User bob;
  bob.name = "bob";
  const std::tuple<const User&, const char*, const char*, AuditLevel> rows[] = {
      {bob, "GET", "/readyz/etcd", AuditLevel::none},
      {bob, "GET", "/version", AuditLevel::metadata},
      {admin, "GET", "/api/v1/nodes", AuditLevel::none},
      {bob, "GET", "/api/v1/nodes", AuditLevel::metadata},
      {admin, "POST", "/api/v1/namespaces/n/configmaps", AuditLevel::request_response},
      {admin, "POST", "/api/v1/namespaces/n/pods/p/binding", AuditLevel::metadata},
  };
  for (const auto& [user, method, path, level] : rows) {
    EXPECT_EQ(static_cast<int>(policy.decide(user, parse_request_info(method, path, {})).level), static_cast<int>(level)) << path;
  }
  EXPECT_TRUE(policy.decide(admin, parse_request_info("POST", "/api/v1/namespaces/n/pods/p/binding", {})).omitted_stages.contains("ResponseComplete"));
  for (const char* bad : {"kind: Policy", "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: []}", "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Some}]}"}) {
    EXPECT_THROW(AuditPolicy::parse(bad), UsageError) << bad;
  }
}

Task<int> ask(Runtime& runtime, std::string method, std::string target, std::string body, std::string token) {
  runtime::HttpClient http(runtime, ApiWorld::http_options());
  runtime::HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = std::move(body);
  request.headers.add("Authorization", "Bearer " + token);
  request.headers.add("User-Agent", "test/1");
  if (!request.body.empty()) request.headers.add("Content-Type", "application/json");
  auto answer = co_await http.request(std::move(request));
  co_return answer ? answer.value().status : 0;
}

/// Goal: one leader acts, so who wrote what, and how it ended, must be readable afterwards.
/// Method: a write, a refused write and a write by nobody; each line's parts in the real server's order.
TEST(AuditLog, HasALineForEachWriteWithItsWriterAndItsEnd) {
  ApiWorld world(11, {"--audit-log-path=/audit/audit.log", "--audit-policy-file=/policy.yaml"}, {{"/policy.yaml", policy_text}});
  const bool ended = world.run([](Runtime& runtime) -> Task<void> {
    const std::string maps = "/api/v1/namespaces/default/configmaps";
    const std::string good = R"({"metadata":{"name":"a"},"data":{"k":"v"}})";
    const std::string other = R"({"metadata":{"name":"b"}})";
    EXPECT_EQ(co_await ask(runtime, "POST", maps, good, "admintoken"), 201);
    EXPECT_EQ(co_await ask(runtime, "POST", maps, other, "bobtoken"), 403);
    EXPECT_EQ(co_await ask(runtime, "DELETE", "/api/v1/namespaces/default/secrets/s", "", "wrong"), 401);
    EXPECT_EQ(co_await ask(runtime, "GET", maps, "", "admintoken"), 200);
  });
  ASSERT_TRUE(ended);
  const auto text = static_cast<runtime::Disk&>(world.world.machine("server")->disk()).read("/audit/audit.log");
  ASSERT_TRUE(text.has_value());
  std::vector<Json> events;
  std::istringstream lines(text.value());
  for (std::string line; std::getline(lines, line);) events.push_back(Json::parse(line));
  std::erase_if(events, [](const Json& event) { return runtime::text_at(event, {"userAgent"}) != "test/1"; });
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0]["level"], "RequestResponse");
  EXPECT_EQ(events[0]["stage"], "ResponseComplete");
  EXPECT_EQ(events[0]["verb"], "create");
  EXPECT_EQ(events[0]["user"]["username"], "admin");
  EXPECT_EQ(events[0]["objectRef"], (Json{{"resource", "configmaps"}, {"namespace", "default"}, {"name", "a"}, {"apiVersion", "v1"}}));
  EXPECT_EQ(events[0]["responseStatus"]["code"], 201);
  EXPECT_EQ(events[0]["requestObject"]["data"]["k"], "v");
  EXPECT_FALSE(events[0]["responseObject"]["metadata"].contains("managedFields"));
  EXPECT_EQ(events[0]["annotations"]["authorization.k8s.io/decision"], "allow");
  EXPECT_EQ(events[1]["responseStatus"]["reason"], "Forbidden");
  EXPECT_EQ(events[1]["annotations"]["authorization.k8s.io/decision"], "forbid");
  EXPECT_EQ(events[2]["responseStatus"]["code"], 401);
  EXPECT_EQ(events[2]["stage"], "ResponseStarted");
}

}  // namespace
}  // namespace skidpad::fakes::kube_apiserver

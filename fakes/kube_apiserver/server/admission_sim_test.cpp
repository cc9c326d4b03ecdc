// Admission policies and webhooks, asked over the wire: what they let pass, change, warn of and refuse, and in which words.
#include <gtest/gtest.h>

#include "fakes/kube_apiserver/api/base64.hpp"
#include "fakes/kube_apiserver/testing/api_world.hpp"
#include "harness/runtime/http/http_server.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::Runtime;
using runtime::Task;
using testing::ApiWorld;

constexpr const char* maps = "/api/v1/namespaces/default/configmaps";
constexpr const char* registration = "/apis/admissionregistration.k8s.io/v1/";

struct Reply {
  Reply() {}
  int status = 0;
  Json body;
  std::string warning;
  std::string message() const { return runtime::text_at(body, {"message"}); }
};

Task<Reply> ask(Runtime& runtime, std::string method, std::string target, Json body) {
  runtime::HttpClient http(runtime, ApiWorld::http_options());
  runtime::HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers.add("Authorization", "Bearer admintoken");
  request.headers.add("Content-Type", request.method == "PATCH" ? "application/merge-patch+json" : "application/json");
  if (!body.is_null()) request.body = body.dump();
  auto answer = co_await http.request(std::move(request));
  Reply reply;
  if (!answer) co_return reply;
  reply.status = answer.value().status;
  reply.body = Json::parse(answer.value().body, nullptr, false);
  reply.warning = std::string(answer.value().headers.get("Warning"));
  co_return reply;
}

Json map_named(const std::string& name, const Json& data) { return {{"metadata", {{"name", name}}}, {"data", data}}; }
Json config_map_rules(const Json& operations) { return Json::array({{{"apiGroups", {""}}, {"apiVersions", {"v1"}}, {"operations", operations}, {"resources", {"configmaps"}}}}); }

TEST(AdmissionPolicies, RefuseAndWarnInTheRealServersWords) {
  ApiWorld world;
  const bool ended = world.run([](Runtime& runtime) -> Task<void> {
    Json policy = {{"metadata", {{"name", "small"}}},
                   {"spec",
                    {{"paramKind", {{"apiVersion", "v1"}, {"kind", "ConfigMap"}}},
                     {"matchConstraints", {{"resourceRules", config_map_rules({"CREATE", "UPDATE", "DELETE"})}}},
                     {"matchConditions", Json::array({{{"name", "not-the-limits"}, {"expression", "request.name != 'limits'"}}})},
                     {"variables", Json::array({{{"name", "count"}, {"expression", "object == null ? 0 : has(object.data) ? size(object.data) : 0"}}})},
                     {"validations", Json::array({{{"expression", "variables.count <= int(params.data.most)"}, {"messageExpression", "'%d entries, at most %s'.format([variables.count, params.data.most])"}},
                                                  {{"expression", "request.operation != 'DELETE' || oldObject.metadata.name != 'kept'"}, {"message", "kept for ever"}, {"reason", "Forbidden"}}})}}}};
    Json binding = {{"metadata", {{"name", "everywhere"}}},
                    {"spec", {{"policyName", "small"}, {"validationActions", {"Deny", "Audit"}}, {"paramRef", {{"name", "limits"}, {"namespace", "default"}, {"parameterNotFoundAction", "Deny"}}}}}};
    Json limits = {{"most", "2"}};
    Json limit_map = map_named("limits", limits);
    EXPECT_EQ((co_await ask(runtime, "POST", maps, limit_map)).status, 201);
    EXPECT_EQ((co_await ask(runtime, "POST", std::string(registration) + "validatingadmissionpolicies", policy)).status, 201);
    EXPECT_EQ((co_await ask(runtime, "POST", std::string(registration) + "validatingadmissionpolicybindings", binding)).status, 201);
    Json one = {{"a", "1"}};
    Json three = {{"a", "1"}, {"b", "2"}, {"c", "3"}};
    Json small = map_named("small", one);
    EXPECT_EQ((co_await ask(runtime, "POST", maps, small)).status, 201);
    Json big = map_named("big", three);
    Reply reply = co_await ask(runtime, "POST", maps, big);
    EXPECT_EQ(reply.status, 422);
    EXPECT_EQ(reply.body["reason"], "Invalid");
    EXPECT_EQ(reply.message(), "configmaps \"big\" is forbidden: ValidatingAdmissionPolicy 'small' with binding 'everywhere' denied request: 3 entries, at most 2");
    Json grown = {{"data", three}};
    EXPECT_EQ((co_await ask(runtime, "PATCH", std::string(maps) + "/small", grown)).status, 422);
    Json kept = map_named("kept", one);
    EXPECT_EQ((co_await ask(runtime, "POST", maps, kept)).status, 201);
    reply = co_await ask(runtime, "DELETE", std::string(maps) + "/kept", Json());
    EXPECT_EQ(reply.status, 403);
    EXPECT_EQ(reply.message(), "configmaps \"kept\" is forbidden: ValidatingAdmissionPolicy 'small' with binding 'everywhere' denied request: kept for ever");
    Json warn = {{"spec", {{"validationActions", {"Warn"}}}}};
    EXPECT_EQ((co_await ask(runtime, "PATCH", std::string(registration) + "validatingadmissionpolicybindings/everywhere", warn)).status, 200);
    reply = co_await ask(runtime, "POST", maps, big);
    EXPECT_EQ(reply.status, 201);
    EXPECT_EQ(reply.warning, "299 - \"Validation failed for ValidatingAdmissionPolicy 'small' with binding 'everywhere': 3 entries, at most 2\"");
    Json deny = {{"spec", {{"validationActions", {"Deny"}}}}};
    EXPECT_EQ((co_await ask(runtime, "PATCH", std::string(registration) + "validatingadmissionpolicybindings/everywhere", deny)).status, 200);
    EXPECT_EQ((co_await ask(runtime, "DELETE", std::string(maps) + "/limits", Json())).status, 200);
    Json late = map_named("late", one);
    reply = co_await ask(runtime, "POST", maps, late);
    EXPECT_EQ(reply.message(), "configmaps \"late\" is forbidden: ValidatingAdmissionPolicy 'small' with binding 'everywhere' denied request: failed to configure binding: "
                               "no params found for policy binding with `Deny` parameterNotFoundAction");
  });
  EXPECT_TRUE(ended);
}

/// Answers reviews: marks what it is asked to mark, refuses what is called "refused".
Task<void> answer_review(const runtime::HttpRequest& request, runtime::HttpResponder& responder) {
  const Json review = Json::parse(request.body);
  const Json& asked = review["request"];
  Json response = {{"uid", asked["uid"]}, {"allowed", true}};
  if (request.target.compare(0, 5, "/mark") == 0) {
    const Json patch = Json::array({{{"op", "add"}, {"path", "/data/marked"}, {"value", asked["operation"]}}});
    response["patchType"] = "JSONPatch";
    response["patch"] = encode_base64(patch.dump());
  } else if (asked["name"] == "refused") {
    response["allowed"] = false;
    response["status"] = {{"code", 403}, {"message", "not this name"}};
    response["warnings"] = {"think again"};
  }
  runtime::HttpResponse answer;
  answer.headers.add("Content-Type", "application/json");
  answer.body = Json{{"apiVersion", "admission.k8s.io/v1"}, {"kind", "AdmissionReview"}, {"response", response}}.dump();
  (void)co_await responder.send(std::move(answer));
}

Json hook_at(const std::string& name, const std::string& url, const std::string& policy) {
  return {{"name", name}, {"clientConfig", {{"url", url}}}, {"rules", config_map_rules({"CREATE", "UPDATE"})}, {"failurePolicy", policy}, {"sideEffects", "None"}, {"timeoutSeconds", 2},
          {"admissionReviewVersions", {"v1"}}};
}

TEST(AdmissionWebhooks, ChangeAndRefuseAndTheirFailureCountsAsTheirPolicySays) {
  ApiWorld world;
  const runtime::KeyPair ca = world.pki->make_ca("hooks", std::chrono::hours(24)).value();
  runtime::CertificateSpec spec;
  spec.common_name = "10.0.0.2";
  spec.ip_addresses = {"10.0.0.2"};
  spec.server = true;
  const runtime::KeyPair pair = world.pki->issue(ca, spec).value();
  const bool ended = world.run([&](Runtime& runtime) -> Task<void> {
    runtime::ListenOptions listen;
    listen.at = runtime::Endpoint{"", 9443};
    listen.tls.emplace();
    listen.tls->certificate_pem = pair.certificate_pem;
    listen.tls->key_pem = pair.key_pem;
    auto listener = runtime.network().listen(listen);
    runtime::HttpHandler handler = answer_review;
    runtime::HttpServer server(runtime, std::move(handler));
    runtime::TaskGroup tasks(runtime.stop());
    tasks.spawn("hooks", server.serve(std::move(listener.value())));
    Json mutating = {{"metadata", {{"name", "m"}}}, {"webhooks", Json::array({hook_at("mark.example.com", "https://10.0.0.2:9443/mark", "Fail"), hook_at("lost.example.com", "https://10.0.0.2:9444/", "Ignore")})}};
    Json validating = {{"metadata", {{"name", "v"}}}, {"webhooks", Json::array({hook_at("refuse.example.com", "https://10.0.0.2:9443/refuse", "Fail")})}};
    EXPECT_EQ((co_await ask(runtime, "POST", std::string(registration) + "mutatingwebhookconfigurations", mutating)).status, 201);
    EXPECT_EQ((co_await ask(runtime, "POST", std::string(registration) + "validatingwebhookconfigurations", validating)).status, 201);
    Json data = {{"a", "1"}};
    Json good = map_named("good", data);
    Reply reply = co_await ask(runtime, "POST", maps, good);
    EXPECT_EQ(reply.status, 201);
    EXPECT_EQ(reply.body["data"]["marked"], "CREATE");
    Json change = {{"data", {{"a", "2"}}}};
    reply = co_await ask(runtime, "PATCH", std::string(maps) + "/good", change);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body["data"]["marked"], "UPDATE");
    Json bad = map_named("refused", data);
    reply = co_await ask(runtime, "POST", maps, bad);
    EXPECT_EQ(reply.status, 403);
    EXPECT_EQ(reply.message(), "admission webhook \"refuse.example.com\" denied the request: not this name");
    EXPECT_EQ(reply.warning, "299 - \"think again\"");
    EXPECT_EQ((co_await ask(runtime, "GET", std::string(maps) + "/refused", Json())).status, 404);
    Json strict = {{"webhooks", Json::array({hook_at("lost.example.com", "https://10.0.0.2:9444/", "Fail")})}};
    EXPECT_EQ((co_await ask(runtime, "PATCH", std::string(registration) + "mutatingwebhookconfigurations/m", strict)).status, 200);
    Json other = map_named("other", data);
    reply = co_await ask(runtime, "POST", maps, other);
    EXPECT_EQ(reply.status, 500);
    const std::string expected = "Internal error occurred: failed calling webhook \"lost.example.com\": failed to call webhook: Post \"https://10.0.0.2:9444/?timeout=2s\": ";
    EXPECT_EQ(reply.message().substr(0, expected.size()), expected);
    tasks.request_stop();
    co_await tasks.join();
  });
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace skidpad::fakes::kube_apiserver

// Single requests and the refusals that v1.32 gives to them, word for word: neighbours of the recorded cases.
#include <gtest/gtest.h>

#include "fakes/kube_apiserver/testing/api_world.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::Runtime;
using runtime::Task;
using testing::ApiWorld;

struct Row {
  const char* method;
  const char* target;  ///< '@' stands for the namespace's path
  const char* type;    ///< json, merge, strategic, patch, apply
  const char* body;
  int status;
  const char* message;
};

const Row answers[] = {
    {"GET", "@/pods?labelSelector=a%3Db%3Dc", "", "", 400, "found '=', expected: ',' or 'end of string'"},
    {"PATCH", "@/configmaps/a?force=true", "merge", "{}", 422, "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch"},
    {"PATCH", "@/configmaps/none?fieldManager=m", "apply", R"({"apiVersion":"v1","kind":"ConfigMap"})", 400, "the name of the object (none based on URL) was undeterminable: name must be provided"},
    {"PATCH", "@/configmaps/a?fieldManager=m", "apply", R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":1}})", 500,
     "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data.x: expected string, got &value.valueUnstructured{Value:1}"},
    {"PATCH", "@/configmaps/a?fieldManager=m", "apply", R"({"apiVersion":"v2","kind":"ConfigMap","metadata":{"name":"a"}})", 400, "Incorrect version specified in apply patch. Specified patch version: v2, expected: v1"},
    {"PATCH", "@/configmaps/none?fieldManager=m", "apply", R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"none","uid":"x"}})", 409,
     "Operation cannot be fulfilled on configmaps \"none\": uid mismatch: the provided object specified uid x, and no existing object was found"},
    {"PATCH", "@/configmaps/a", "merge", R"({"kind":"Pod"})", 422, " \"\" is invalid: patch: Invalid value: \"{\\\"kind\\\":\\\"Pod\\\"}\": converting (v1.Pod) to (core.ConfigMap): unknown conversion"},
    {"PATCH", "@/configmaps/a", "patch", R"([{"op":"remove","path":"/metadata/name"}])", 400, "the name of the object (a based on URL) was undeterminable: name must be provided"},
    {"POST", "@/serviceaccounts/default/token", "json", R"({"spec":{"expirationSeconds":4294967297}})", 422,
     "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds"},
    {"POST", "/apis/authentication.k8s.io/v1/tokenreviews", "json", R"({"spec":{}})", 400, "token is required for TokenReview in authentication"},
    {"POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", "json", R"({"spec":{}})", 400, "no namespace on request"},
    {"POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", "json", R"({"spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}})", 422,
     ".authorization.k8s.io \"\" is invalid: spec.user: Invalid value: \"\": at least one of user or group must be specified"},
    {"POST", "/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews", "json", R"({"spec":{"user":"u","resourceAttributes":{"namespace":"x","verb":"get","resource":"pods"}}})", 422,
     ".authorization.k8s.io \"\" is invalid: spec.resourceAttributes.namespace: Invalid value: \"x\": must match metadata.namespace"},
    {"POST", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings", "json", R"({"metadata":{"name":"b"},"spec":{"policyName":"p"}})", 422,
     "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io \"b\" is invalid: spec.validationActions: Required value: at least one validation action is required"},
};

std::string media_type(const std::string& name) {
  if (name == "merge") return "application/merge-patch+json";
  if (name == "strategic") return "application/strategic-merge-patch+json";
  if (name == "patch") return "application/json-patch+json";
  if (name == "apply") return "application/apply-patch+yaml";
  return "application/json";
}

Task<runtime::HttpResponse> send(runtime::HttpClient& http, Row row) {
  runtime::HttpRequest request;
  request.method = row.method;
  request.target = row.target;
  if (request.target[0] == '@') request.target = "/api/v1/namespaces/default" + request.target.substr(1);
  request.headers.add("Authorization", "Bearer admintoken");
  request.headers.add("Content-Type", media_type(row.type));
  request.body = row.body;
  auto answer = co_await http.request(std::move(request));
  co_return answer ? std::move(answer.value()) : runtime::HttpResponse();
}

TEST(Answers, RefuseInTheRealServersWords) {
  ApiWorld world;
  const bool ended = world.run([](Runtime& runtime) -> Task<void> {
    runtime::HttpClient http(runtime, ApiWorld::http_options());
    const Row made[] = {{"POST", "@/configmaps", "json", R"({"metadata":{"name":"a"}})", 201, ""}, {"POST", "@/serviceaccounts", "json", R"({"metadata":{"name":"default"}})", 201, ""}};
    for (const Row& row : made) (void)co_await send(http, row);
    for (const Row& row : answers) {
      const runtime::HttpResponse answer = co_await send(http, row);
      EXPECT_EQ(answer.status, row.status) << row.method << " " << row.target << " " << row.body;
      EXPECT_EQ(runtime::text_at(Json::parse(answer.body, nullptr, false), {"message"}), row.message) << row.method << " " << row.target << " " << row.body;
    }
  });
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace skidpad::fakes::kube_apiserver

#include "harness/client/kubernetes/object.hpp"

#include <gtest/gtest.h>

#include "harness/client/kubernetes/kubeconfig.hpp"
#include "harness/client/kubernetes/quantity.hpp"
#include "harness/client/kubernetes/kubernetes_client.hpp"

namespace skidpad::client {
namespace {

const runtime::WallTime monday(std::chrono::seconds(1767225600));

TEST(ResourceTypes, KnowTheirPaths) {
  EXPECT_EQ(types::pods.path("ns", "p", "status"), "/api/v1/namespaces/ns/pods/p/status");
  EXPECT_EQ(types::nodes.path("ignored", "n"), "/api/v1/nodes/n");
  EXPECT_EQ(types::deployments.path(""), "/apis/apps/v1/deployments");
  EXPECT_EQ(types::deployments.api_version(), "apps/v1");
}

TEST(Conditions, MoveTheirTransitionOnlyWithTheStatus) {
  Json conditions;
  EXPECT_TRUE(set_condition(conditions, "Ready", "False", "Starting", "", monday));
  EXPECT_FALSE(set_condition(conditions, "Ready", "False", "Starting", "", monday + std::chrono::hours(1)));
  EXPECT_TRUE(set_condition(conditions, "Ready", "False", "Slow", "", monday + std::chrono::hours(1)));
  EXPECT_EQ(conditions[0]["lastTransitionTime"], "2026-01-01T00:00:00Z");
  EXPECT_TRUE(set_condition(conditions, "Ready", "True", "Slow", "", monday + std::chrono::hours(2)));
  EXPECT_EQ(conditions[0]["lastTransitionTime"], "2026-01-01T02:00:00Z");
  EXPECT_EQ(conditions.size(), 1U);
}

TEST(Tolerations, FollowKeyOperatorValueAndEffect) {
  const Json taint = Json::parse(R"({"key":"team","value":"red","effect":"NoSchedule"})");
  struct Case {
    const char* toleration;
    bool tolerates;
  };
  const Case cases[] = {{R"([{"key":"team","value":"red","effect":"NoSchedule"}])", true},
                        {R"([{"key":"team","value":"blue","effect":"NoSchedule"}])", false},
                        {R"([{"key":"team","operator":"Exists"}])", true},
                        {R"([{"operator":"Exists"}])", true},
                        {R"([{"key":"team","operator":"Exists","effect":"NoExecute"}])", false},
                        {R"([{"value":"red"}])", false},
                        {R"([])", false}};
  for (const Case& one : cases) EXPECT_EQ(tolerates(Json::parse(one.toleration), taint), one.tolerates) << one.toleration;
}

TEST(Quantities, AreReadExactly) {
  EXPECT_EQ(parse_quantity_milli("100m"), 100);
  EXPECT_EQ(parse_quantity_milli("2"), 2000);
  EXPECT_EQ(parse_quantity_milli("0.1"), 100);
  EXPECT_EQ(parse_quantity_milli("1.5"), 1500);
  EXPECT_EQ(parse_quantity("1Gi"), 1 << 30);
  EXPECT_EQ(parse_quantity("1e3"), 1000);
  EXPECT_EQ(parse_quantity("5k"), 5000);
  EXPECT_EQ(parse_quantity("100m"), 1);
  EXPECT_EQ(parse_quantity("99Ei"), INT64_MAX);
  for (const char* text : {"", "m", "1x", "--1", "1e", "Gi"}) EXPECT_FALSE(parse_quantity(text)) << text;
}

TEST(PodAvailability, CountsFromReadyForMinReadySeconds) {
  const Json pod = Json::parse(R"({"status":{"conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}]}})");
  std::optional<runtime::WallTime> at;
  EXPECT_TRUE(is_pod_available(pod, 0, monday));
  EXPECT_FALSE(is_pod_available(pod, 10, monday + std::chrono::seconds(5), &at));
  EXPECT_EQ(at, monday + std::chrono::seconds(10));
  EXPECT_TRUE(is_pod_available(pod, 10, monday + std::chrono::seconds(10)));
}

TEST(Base64, GoesBothWays) {
  for (const std::string& text : std::vector<std::string>{"", "a", "ab", "abc", std::string("\0\xff", 2)}) {
    std::string back;
    EXPECT_TRUE(base64_decode(base64_encode(text), back));
    EXPECT_EQ(back, text);
  }
  std::string bytes;
  EXPECT_FALSE(base64_decode("a", bytes));
  EXPECT_FALSE(base64_decode("YQ==YQ", bytes));
}

TEST(StatusErrors, BecomeCodesCallersCanActOn) {
  struct Case {
    int status;
    const char* reason;
    ErrorCode code;
  };
  for (const Case& one : {Case{404, "NotFound", ErrorCode::not_found}, Case{409, "Conflict", ErrorCode::conflict},
                          Case{409, "AlreadyExists", ErrorCode::already_exists}, Case{410, "Expired", ErrorCode::gone},
                          Case{422, "Invalid", ErrorCode::invalid}, Case{429, "TooManyRequests", ErrorCode::unavailable},
                          Case{503, "", ErrorCode::unavailable}, Case{403, "Forbidden", ErrorCode::forbidden}}) {
    Json body = Json::object();
    body["reason"] = one.reason;
    body["message"] = "why";
    const Error error = error_from_status(one.status, body.dump(), "doing");
    EXPECT_EQ(error.code, one.code) << one.status;
    EXPECT_EQ(error.reason, one.reason);
    EXPECT_EQ(error.message, "doing: why");
  }
}

}  // namespace
}  // namespace skidpad::client

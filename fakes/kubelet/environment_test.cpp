#include "fakes/kubelet/environment.hpp"

#include <gtest/gtest.h>

namespace skidpad::fakes::kubelet {
namespace {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;

Result<ReferencedData> look_up(const std::string& kind, const std::string& name) {
  if (name == "missing") return Error(ErrorCode::not_found, kind + " \"missing\" not found");
  ReferencedData data;
  data.data["key"] = kind + "-value";
  return data;
}

TEST(Expand, ReplacesKnownNamesOnly) {
  const Environment environment{{"A", "1"}, {"B", "x y"}};
  EXPECT_EQ(expand("$(A)-$(B)-$(C)-$$(A)-$A-$(", environment), "1-x y-$(C)-$(A)-$A-$(");
}

TEST(Environment, LaterVariablesSeeEarlierOnes) {
  const Json pod = Json::parse(R"({"metadata":{"name":"p","namespace":"n","labels":{"app":"web"}},"spec":{"nodeName":"n1"},"status":{"podIP":"10.1.1.1"}})");
  const Json container = Json::parse(R"J({"resources":{"limits":{"memory":"64Mi"}},
    "envFrom":[{"prefix":"C_","configMapRef":{"name":"cm"}},{"secretRef":{"name":"missing","optional":true}}],
    "env":[{"name":"A","value":"1"},{"name":"B","value":"$(A)/$(KUBERNETES_SERVICE_HOST)"},
      {"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}},
      {"name":"APP","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['app']"}}},
      {"name":"S","valueFrom":{"secretKeyRef":{"name":"s","key":"key"}}},
      {"name":"O","valueFrom":{"configMapKeyRef":{"name":"missing","key":"key","optional":true}}},
      {"name":"M","valueFrom":{"resourceFieldRef":{"resource":"limits.memory","divisor":"1Mi"}}},
      {"name":"CPU","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu"}}}]})J");
  const auto made = make_environment(pod, container, Json{{"cpu", "1500m"}}, {{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}}, look_up);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  const Environment expected{{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"C_key", "ConfigMap-value"}, {"A", "1"}, {"B", "1/10.96.0.1"},
                             {"IP", "10.1.1.1"}, {"APP", "web"}, {"S", "Secret-value"}, {"M", "64"}, {"CPU", "2"}};
  EXPECT_EQ(made.value(), expected);
}

TEST(Environment, AMissingReferenceIsAnErrorThatNamesIt) {
  const Json container = Json::parse(R"({"env":[{"name":"S","valueFrom":{"secretKeyRef":{"name":"missing","key":"k"}}}]})");
  const auto made = make_environment(Json::object(), container, Json::object(), {}, look_up);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().message, "Secret \"missing\" not found");
  EXPECT_EQ(environment_references(container).size(), 1u);
}

TEST(ServiceEnvironment, NamesHostPortsAndLinks) {
  Environment environment;
  add_service_environment(Json::parse(R"({"metadata":{"name":"redis-main"},"spec":{"clusterIP":"10.0.0.11","ports":[{"port":6379,"name":"db"}]}})"), environment);
  add_service_environment(Json::parse(R"({"metadata":{"name":"headless"},"spec":{"clusterIP":"None","ports":[{"port":1}]}})"), environment);
  EXPECT_EQ(environment["REDIS_MAIN_SERVICE_HOST"], "10.0.0.11");
  EXPECT_EQ(environment["REDIS_MAIN_SERVICE_PORT_DB"], "6379");
  EXPECT_EQ(environment["REDIS_MAIN_PORT_6379_TCP"], "tcp://10.0.0.11:6379");
  EXPECT_EQ(environment.size(), 8u);
}

TEST(Quantity, ReadsTheSuffixesOfKubernetes) {
  double value = 0;
  EXPECT_TRUE(parse_quantity("250m", value));
  EXPECT_DOUBLE_EQ(value, 0.25);
  EXPECT_TRUE(parse_quantity("2Gi", value));
  EXPECT_DOUBLE_EQ(value, 2147483648.0);
  EXPECT_FALSE(parse_quantity("1Q", value));
  EXPECT_FALSE(parse_quantity("", value));
}

}  // namespace
}  // namespace skidpad::fakes::kubelet

#include "fakes/kube_apiserver/api/schema.hpp"

#include <gtest/gtest.h>

#include "fakes/kube_apiserver/api/defaults.hpp"
#include "fakes/kube_apiserver/api/protobuf.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

TEST(Schema, KnowsEveryServedKind) {
  EXPECT_GT(built_in_resources().size(), 50U);
  for (const Resource& resource : built_in_resources()) EXPECT_NE(resource.type, nullptr) << resource.plural;
}

TEST(Canonicalise, OmitsAndSpellsOutAsGoDoes) {
  Json pod_template = Json::parse(R"({"metadata":{"labels":{}},"spec":{"containers":[{"name":"c","image":"i","env":null}],"volumes":[]}})");
  canonicalise(pod_template, *Schema::instance().find("core.v1.PodTemplateSpec"), nullptr);
  EXPECT_EQ(pod_template, Json::parse(R"({"metadata":{"creationTimestamp":null},"spec":{"containers":[{"name":"c","image":"i","resources":{}}]}})"));
  Json role = Json::parse(R"({"metadata":{"name":"r"},"rules":[]})");
  canonicalise(role, *Schema::instance().find("rbac.v1.Role"), nullptr);
  EXPECT_EQ(role["rules"], Json());
}

TEST(Canonicalise, ReportsUnknownFieldsInTheOrderOfTheText) {
  FieldComplaints complaints;
  const Json object = read_json(R"({"metadata":{"labelz":{}},"spec":{"template":{"spec":{"containers":[{"name":"c","bogus":1}]}},"replicaz":3,"paused":true,"paused":false}})", &complaints,
                                Schema::instance().find("apps.v1.Deployment"));
  const FieldComplaints expected = {"unknown field \"metadata.labelz\"", "unknown field \"spec.template.spec.containers[0].bogus\"", "unknown field \"spec.replicaz\"", "duplicate field \"spec.paused\""};
  EXPECT_EQ(complaints, expected);
}

TEST(Canonicalise, RefusesWrongTypes) {
  for (const char* text : {R"({"data":{"a":1}})", R"({"metadata":{"name":7}})", R"({"data":[]})", R"({"immutable":"yes"})", R"({"binaryData":{"a":"***"}})"}) {
    Json object = Json::parse(text);
    EXPECT_THROW(canonicalise(object, *Schema::instance().find("core.v1.ConfigMap"), nullptr), DecodeError) << text;
  }
}

TEST(Quantity, HasOneForm) {
  const std::pair<const char*, const char*> cases[] = {{"1000m", "1"}, {"0.5", "500m"}, {"1024Mi", "1Gi"}, {"1500Mi", "1500Mi"}, {"1e3", "1e3"}, {"0", "0"}, {"100m", "100m"}, {"1.5Gi", "1536Mi"}, {"-5", "-5"}, {"1000", "1k"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(canonical_quantity(text), expected) << text;
  for (const char* text : {"", "one", "1x", "1.2.3", "m", "--1"}) EXPECT_THROW(canonical_quantity(text), DecodeError) << text;
  EXPECT_EQ(quantity_milli("2"), 2000);
  EXPECT_LT(compare_quantities("999m", "1"), 0);
}

TEST(Defaults, FillInAPod) {
  const Resource* pods = find_built_in("", "v1", "pods");
  Json pod = Json::parse(R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"img","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"1"}}}]}})");
  canonicalise(pod, *pods->type, nullptr);
  apply_defaults(pod, *pods);
  const Json& container = pod["spec"]["containers"][0];
  EXPECT_EQ(container["imagePullPolicy"], "Always");
  EXPECT_EQ(container["ports"][0]["protocol"], "TCP");
  EXPECT_EQ(container["resources"]["requests"]["cpu"], "1");
  EXPECT_EQ(pod["spec"]["terminationGracePeriodSeconds"], 30);
  EXPECT_EQ(qos_class(pod["spec"]), "Burstable");
}

TEST(Protobuf, GivesBackWhatWasWritten) {
  const char* objects[] = {
      R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","labels":{"x":"y"}},"data":{"k":"v"},"binaryData":{"b":"AAEC"}})",
      R"({"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"l"},"spec":{"holderIdentity":"me","leaseDurationSeconds":15,"renewTime":"2025-01-02T03:04:05.123456Z"}})",
      R"({"kind":"Service","apiVersion":"v1","metadata":{"name":"s"},"spec":{"ports":[{"port":80,"targetPort":"http","protocol":"TCP"},{"port":81,"targetPort":8081}],"clusterIPs":["10.0.0.1"]}})",
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},"spec":{"volumes":[{"name":"e","emptyDir":{}}],"containers":[{"name":"c","image":"i","resources":{"limits":{"cpu":"500m"}},"livenessProbe":{"httpGet":{"path":"/","port":80},"periodSeconds":3}}]}})",
  };
  for (const char* text : objects) {
    Json object = Json::parse(text);
    bool is_list = false;
    const Type* type = type_of_kind(object["apiVersion"], object["kind"], is_list);
    ASSERT_NE(type, nullptr);
    canonicalise(object, *type, nullptr);
    const auto bytes = encode_protobuf(object);
    ASSERT_TRUE(bytes.has_value());
    Json read = decode_protobuf(*bytes, nullptr);
    canonicalise(read, *type, nullptr);
    EXPECT_EQ(read, object);
  }
}

TEST(Protobuf, RefusesBrokenBytes) {
  const Type* type = Schema::instance().find("core.v1.ConfigMap");
  for (const std::string bytes : {std::string("hello"), std::string("k8s\0junk", 8), std::string("k8s\0\x12\xff\xff\xff\xff\x0f", 10)}) EXPECT_THROW(decode_protobuf(bytes, type), DecodeError);
}

}  // namespace
}  // namespace skidpad::fakes::kube_apiserver

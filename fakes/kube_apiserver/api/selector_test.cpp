#include "fakes/kube_apiserver/api/selector.hpp"

#include <gtest/gtest.h>

#include "fakes/kube_apiserver/api/managed_fields.hpp"
#include "fakes/kube_apiserver/api/validation.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

TEST(LabelSelectorText, MatchesAsDocumented) {
  const Json web = {{"app", "web"}, {"tier", "front"}};
  const std::pair<const char*, bool> cases[] = {{"", true}, {"app=web", true}, {"app==web,tier=front", true}, {"app!=web", false}, {"app in (web, db)", true}, {"app notin (web)", false},
                                                {"tier", true}, {"!tier", false}, {"none!=x", true}, {"none=", false}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(LabelSelector::parse(text).matches(web), expected) << text;
  const std::pair<const char*, const char*> refused[] = {
      {"a in b", "unable to parse requirement: found 'b' expected: '('"},
      {"a,", "found '', expected: identifier after ','"},
      {"=b", "found '=', expected: !, identifier, or 'end of string'"},
      {"a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"},
      {"a=b=c", "found '=', expected: ',' or 'end of string'"},
      {"a in (b", "unable to parse requirement: found '', expected: ',' or ')'"},
      {"!!a", "unable to parse requirement: found '!', expected: identifier"},
      {"a>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"},
  };
  for (const auto& [text, expected] : refused) {
    try {
      LabelSelector::parse(text);
      ADD_FAILURE() << text;
    } catch (const ApiError& error) {
      EXPECT_EQ(error.message, expected);
    }
  }
}

TEST(FieldSelectorText, OffersWhatTheKindOffers) {
  const Resource& pods = *find_built_in("", "v1", "pods");
  const Json pod = {{"metadata", {{"name", "p"}, {"namespace", "n"}}}, {"spec", {{"nodeName", "n1"}}}, {"status", {{"phase", "Running"}}}};
  EXPECT_TRUE(FieldSelector::parse("spec.nodeName=n1,status.phase!=Failed", pods).matches(pod, pods));
  EXPECT_FALSE(FieldSelector::parse("spec.nodeName=", pods).matches(pod, pods));
  EXPECT_THROW(FieldSelector::parse("spec.priority=0", pods), ApiError);
  EXPECT_THROW(FieldSelector::parse("metadata.name", pods), ApiError);
}

TEST(Validation, NamesTheFieldAndTheRule) {
  const Resource& deployments = *find_built_in("apps", "v1", "deployments");
  Json object = Json::parse(R"({"metadata":{"name":"a"},"spec":{"replicas":-1,"strategy":{"type":"Recreate"},"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"C","image":""}]}}}})");
  std::vector<std::string> lines;
  for (const FieldError& error : validate_create(object, deployments)) lines.push_back(error.field);
  const std::vector<std::string> expected = {"spec.replicas", "spec.template.metadata.labels", "spec.template.spec.containers[0].name", "spec.template.spec.containers[0].image"};
  EXPECT_EQ(lines, expected);
}

TEST(FieldSets, AreOwnedGranularlyWhereTheTypeIs) {
  const Type& service = *Schema::instance().find("core.v1.Service");
  const Json applied = Json::parse(R"({"spec":{"ports":[{"port":80,"name":"a"}],"selector":{"x":"y"}}})");
  const FieldSet set = field_set_of(applied, service, "");
  EXPECT_EQ(set, Json::parse(R"({"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{},"f:name":{}}},"f:selector":{}}})"));
  EXPECT_TRUE(is_empty(subtract(set, set)));
  EXPECT_EQ(intersect(set, set), set);
  EXPECT_EQ(unite(set, Json::object()), set);
  const FieldDifference difference = compare_fields(Json::parse(R"({"spec":{"ports":[{"port":80,"name":"a"}]}})"), Json::parse(R"({"spec":{"ports":[{"port":80,"name":"b"}]}})"), service);
  EXPECT_EQ(paths_of(difference.changed), std::vector<std::string>{R"(.spec.ports[port=80,protocol="TCP"].name)"});
  EXPECT_TRUE(is_empty(difference.removed));
}

}  // namespace
}  // namespace skidpad::fakes::kube_apiserver

#include "fakes/kube_apiserver/api/patch.hpp"

#include <gtest/gtest.h>

namespace skidpad::fakes::kube_apiserver {
namespace {

struct StrategicCase {
  const char* name;
  const char* type;
  const char* object;
  const char* patch;
  const char* expected;
};

const StrategicCase strategic_cases[] = {
    {"merges a list item by its key", "core.v1.PodSpec", R"({"containers":[{"name":"a","image":"x"},{"name":"b","image":"y"}]})",
     R"({"containers":[{"name":"b","image":"z"}]})", R"({"containers":[{"name":"a","image":"x"},{"name":"b","image":"z"}]})"},
    {"puts a new item before those only the server has", "core.v1.PodSpec", R"({"containers":[{"name":"a"}]})", R"({"containers":[{"name":"n"}]})",
     R"({"containers":[{"name":"n"},{"name":"a"}]})"},
    {"deletes by directive", "core.v1.PodSpec", R"({"containers":[{"name":"a"},{"name":"b"}]})", R"({"containers":[{"name":"a","$patch":"delete"}]})",
     R"({"containers":[{"name":"b"}]})"},
    {"replaces by directive", "core.v1.PodSpec", R"({"containers":[{"name":"a"},{"name":"b"}]})", R"({"containers":[{"name":"c"},{"$patch":"replace"}]})",
     R"({"containers":[{"name":"c"}]})"},
    {"keeps to a given order", "core.v1.PodSpec", R"({"containers":[{"name":"a"},{"name":"b"}]})", R"({"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]})",
     R"({"containers":[{"name":"b"},{"name":"a"}]})"},
    {"retains only the named keys", "core.v1.Volume", R"({"name":"v","emptyDir":{}})", R"({"$retainKeys":["name","hostPath"],"hostPath":{"path":"/x"}})",
     R"({"name":"v","hostPath":{"path":"/x"}})"},
    {"takes primitives out of a list", "meta.v1.ObjectMeta", R"({"finalizers":["a/x","b/y"]})", R"({"$deleteFromPrimitiveList/finalizers":["a/x"]})", R"({"finalizers":["b/y"]})"},
    {"replaces an atomic list", "core.v1.Container", R"({"args":["a","b"]})", R"({"args":["c"]})", R"({"args":["c"]})"},
    {"removes by null", "meta.v1.ObjectMeta", R"({"labels":{"a":"b","c":"d"}})", R"({"labels":{"a":null}})", R"({"labels":{"c":"d"}})"},
};

TEST(StrategicPatch, DoesWhatItsDirectivesSay) {
  for (const StrategicCase& each : strategic_cases) {
    Json object = Json::parse(each.object);
    apply_strategic_patch(object, Json::parse(each.patch), *Schema::instance().find(each.type));
    EXPECT_EQ(object, Json::parse(each.expected)) << each.name;
  }
}

TEST(StrategicPatch, RefusesAnItemWithoutItsMergeKey) {
  Json object = Json::parse(R"({"containers":[{"name":"a"}]})");
  EXPECT_THROW(apply_strategic_patch(object, Json::parse(R"({"containers":[{"image":"x"}]})"), *Schema::instance().find("core.v1.PodSpec")), ApiError);
}

TEST(JsonPatch, AppliesOperationsInOrderOrNone) {
  const Json object = Json::parse(R"({"a":[1,2],"b":{"c":"d"}})");
  const Json patch = Json::parse(R"([{"op":"test","path":"/b/c","value":"d"},{"op":"add","path":"/a/-","value":3},{"op":"move","from":"/b/c","path":"/e"},{"op":"remove","path":"/a/0"}])");
  EXPECT_EQ(apply_json_patch(object, patch), Json::parse(R"({"a":[2,3],"b":{},"e":"d"})"));
  for (const char* broken : {R"([{"op":"test","path":"/b/c","value":"x"}])", R"([{"op":"remove","path":"/nope"}])", R"([{"op":"add","path":"/a/9","value":1}])", R"([{"op":"swap","path":"/a"}])"}) {
    EXPECT_THROW(apply_json_patch(object, Json::parse(broken)), ApiError) << broken;
  }
}

TEST(MergePatch, RemovesByNullAndReplacesLists) {
  Json object = Json::parse(R"({"a":{"b":1,"c":2},"l":[1,2]})");
  apply_merge_patch(object, Json::parse(R"({"a":{"b":null},"l":[3]})"));
  EXPECT_EQ(object, Json::parse(R"({"a":{"c":2},"l":[3]})"));
}

}  // namespace
}  // namespace skidpad::fakes::kube_apiserver

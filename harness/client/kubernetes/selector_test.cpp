#include "harness/client/kubernetes/selector.hpp"

#include <gtest/gtest.h>

namespace skidpad::client {
namespace {

struct Case {
  const char* name;
  const char* selector;
  const char* labels;
  bool matches;
};

TEST(LabelSelector, MatchesAsTheServerDoes) {
  const Case cases[] = {
      {"empty matches all", "", R"({"a":"1"})", true},
      {"equality", "a=1", R"({"a":"1"})", true},
      {"double equality", "a==1", R"({"a":"1"})", true},
      {"equality of another value", "a=1", R"({"a":"2"})", false},
      {"inequality matches absence", "a!=1", R"({})", true},
      {"inequality", "a!=1", R"({"a":"1"})", false},
      {"in", "a in (1, 2)", R"({"a":"2"})", true},
      {"in needs the key", "a in (1,2)", R"({})", false},
      {"notin matches absence", "a notin (1,2)", R"({})", true},
      {"notin", "a notin (1,2)", R"({"a":"1"})", false},
      {"exists", "a", R"({"a":""})", true},
      {"exists of nothing", "a", R"({})", false},
      {"absent", "!a", R"({})", true},
      {"absent of something", "!a", R"({"a":"1"})", false},
      {"conjunction", "a=1,b,!c,d in (x)", R"({"a":"1","b":"","d":"x"})", true},
      {"one fails", "a=1,b", R"({"a":"1"})", false},
      {"empty value", "a=", R"({"a":""})", true},
      {"qualified keys", "kubernetes.io/os=linux", R"({"kubernetes.io/os":"linux"})", true},
      {"greater", "n>5", R"({"n":"6"})", true},
      {"not greater", "n>5", R"({"n":"5"})", false},
      {"less", "n<5", R"({"n":"4"})", true},
  };
  for (const Case& one : cases) {
    const auto selector = Selector::parse(one.selector);
    ASSERT_TRUE(selector) << one.name;
    EXPECT_EQ(selector.value().matches(Json::parse(one.labels)), one.matches) << one.name;
    const auto again = Selector::parse(selector.value().to_text());
    ASSERT_TRUE(again) << one.name;
    EXPECT_EQ(again.value().matches(Json::parse(one.labels)), one.matches) << one.name << ": after to_text";
  }
}

TEST(LabelSelector, RefusesNonsense) {
  for (const char* text : {"a in 1", "a in (1", "=1", "a=1 b=2", "a,,=b", "a within (1)"}) EXPECT_FALSE(Selector::parse(text)) << text;
}

TEST(LabelSelector, OfSpecsMatchesNothingWhenAbsentAndAllWhenEmpty) {
  EXPECT_FALSE(Selector::from_label_selector(Json()).value().matches(Json::object()));
  EXPECT_TRUE(Selector::from_label_selector(Json::object()).value().matches(Json::object()));
  const Json both = Json::parse(R"({"matchLabels":{"a":"1"},"matchExpressions":[{"key":"b","operator":"NotIn","values":["x"]}]})");
  EXPECT_TRUE(Selector::from_label_selector(both).value().matches(Json::parse(R"({"a":"1"})")));
  EXPECT_FALSE(Selector::from_label_selector(both).value().matches(Json::parse(R"({"a":"1","b":"x"})")));
  EXPECT_FALSE(Selector::from_label_selector(Json::parse(R"({"matchExpressions":[{"key":"b","operator":"Like"}]})")));
}

TEST(FieldSelectors, CompareDottedPaths) {
  const Json pod = Json::parse(R"({"metadata":{"name":"x"},"status":{"phase":"Running"}})");
  EXPECT_TRUE(FieldSelector::parse("metadata.name=x,status.phase!=Failed").value().matches(pod));
  EXPECT_FALSE(FieldSelector::parse("status.phase!=Running").value().matches(pod));
  EXPECT_TRUE(FieldSelector::parse("spec.nodeName=").value().matches(pod));
  EXPECT_FALSE(FieldSelector::parse("nonsense"));
}

}  // namespace
}  // namespace skidpad::client

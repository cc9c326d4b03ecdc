#include "harness/runtime/yaml.hpp"

#include <gtest/gtest.h>

namespace skidpad::runtime {
namespace {

TEST(Yaml, ReadsAsKubernetesDoes) {
  const struct {
    const char* yaml;
    const char* json;
  } cases[] = {
      {"a: 1\nb: [x, 'y', \"3\"]\n", R"({"a":1,"b":["x","y","3"]})"},
      {"a: yes\nb: off\nc: ~\nd: n\n", R"({"a":true,"b":false,"c":null,"d":"n"})"},
      {"a: -5\nb: 1.5\nc: 0x10\nd: 010\ne: 1.2.3\nf: 100m\n", R"({"a":-5,"b":1.5,"c":16,"d":8,"e":"1.2.3","f":"100m"})"},
      {"80: web\n", R"({"80":"web"})"},
      {"a: &x {b: 1}\nc: *x\n", R"({"a":{"b":1},"c":{"b":1}})"},
      {"{\"a\": \"yes\"}", R"({"a":"yes"})"},
      {"# nothing\n", "null"},
      {"a: !!str 5\n", R"({"a":"5"})"},
  };
  for (const auto& one : cases) {
    auto parsed = parse_yaml(one.yaml);
    ASSERT_TRUE(parsed.has_value()) << one.yaml << parsed.error().message;
    EXPECT_EQ(parsed.value(), Json::parse(one.json)) << one.yaml;
  }
}

TEST(Yaml, RefusesWhatCannotBeMeant) {
  std::string deep(5000, '[');
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) bomb += std::string("*") + static_cast<char>(c - 1) + ",";
    bomb += "]\n";
  }
  for (const std::string& bad : {std::string("a: 1\na: 2\n"), std::string("a: [1\n"), std::string("? [a]\n: b\n"), deep, bomb, std::string("a: 1\n---\nb: 2\n")}) {
    auto parsed = parse_yaml(bad);
    ASSERT_FALSE(parsed.has_value()) << bad.substr(0, 80);
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid);
  }
  EXPECT_NE(parse_yaml("a: 1\na: 2\n").error().message.find("line 2, column 1"), std::string::npos);
}

}  // namespace
}  // namespace skidpad::runtime

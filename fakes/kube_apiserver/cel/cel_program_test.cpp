// What expressions come to, and what is said where they fail.
#include <gtest/gtest.h>

#include "fakes/kube_apiserver/cel/cel_program.hpp"
#include "fakes/kube_apiserver/crd/cel_rules.hpp"

namespace skidpad::fakes::kube_apiserver::cel {
namespace {

std::string value_of(const std::string& text) {
  const Variables variables = {{"self", Json::parse(R"({"min":1,"max":2,"fix":"f1","tags":["a","b"],"map":{"x":{"v":1},"y":{"v":2}},"q":"500m"})")}, {"oldSelf", some(Json(3))}};
  try {
    return CelProgram::compile(text, {"self", "oldSelf"}).evaluate(variables).dump();
  } catch (const CelError& error) {
    return error.message;
  }
}

TEST(CelProgram, ComesToWhatTheLanguageDefines) {
  const std::pair<const char*, const char*> rows[] = {
      {"self.min <= self.max && size(self.tags) == 2", "true"},
      {"!has(self.none) || self.none.startsWith('f')", "true"},
      {"self.none == 1", "no such key: none"},
      {"self.none == 1 || self.min == 1", "true"},
      {"self.tags.all(t, t.matches('^[a-z]$'))", "true"},
      {"self.tags.exists(t, t == 'c')", "false"},
      {"self.tags.exists_one(t, t == 'a')", "true"},
      {"self.tags.map(t, t + '!').join(',')", "\"a!,b!\""},
      {"self.map.filter(k, self.map[k].v > 1)", "[\"y\"]"},
      {"self.map.all(k, self.map[k].v > 0)", "true"},
      {"self.tags[5]", "index out of bounds: 5"},
      {"'b' in self.tags && !('z' in self.map)", "true"},
      {"self.min > 0 ? 'yes' : 'no'", "\"yes\""},
      {"-7 / 2 + 7 % 4 * 2", "3"},
      {"1 / 0", "division by zero"},
      {"self.fix.size() + self.fix.indexOf('1')", "3"},
      {"'a-b-c'.split('-')[1].upperAscii() + 'xyz'.substring(1, 2) + ' t '.trim() + 'aa'.replace('a', 'c')", "\"Bytcc\""},
      {"'%s is %d of %.1f'.format(['x', 3, 2.5])", "\"x is 3 of 2.5\""},
      {"quantity(self.q).isLessThan(quantity('1'))", "true"},
      {"duration('1h') > duration('59m') && timestamp('2026-01-01T00:00:00Z') < timestamp('2026-01-02T00:00:00Z')", "true"},
      {"oldSelf.hasValue() && oldSelf.value() == 3 && optional.none().orValue(4) == 4", "true"},
      {"self.?none.orValue('d') + self.?fix.orValue('d')", "\"df1\""},
      {"int('12') + int(3.9) == 15 && string(7) == '7' && [1, 2].sum() == 3 && [1, 2].isSorted()", "true"},
      {"{'a': 1}.a == 1 && type(1) == 'int'", "true"},
      {"1 == 'a'", "false"},
      {"1 < 'a'", "no such overload"},
      {"self.min +", "ERROR: <input>:1:11: Syntax error: mismatched input '<EOF>'"},
      {"other == 1", "ERROR: <input>:1:1: undeclared reference to 'other' (in container '')"},
      {"frob(1)", "ERROR: <input>:1:1: undeclared reference to 'frob' (in container '')"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(value_of(text), expected) << text;
  EXPECT_EQ(value_of(std::string(500, '(') + "1" + std::string(500, ')')), "ERROR: <input>:1:1: expression recursion limit exceeded");
}

TEST(CelRules, SayWhatTheRealServerSays) {
  const Json schema = Json::parse(R"SCHEMA({"type":"object","x-kubernetes-validations":[{"rule":"self.metadata.name != 'bad'","message":"bad name"}],"properties":{"spec":{"type":"object",
    "x-kubernetes-validations":[{"rule":"self.min <= self.max","messageExpression":"'%d > %d'.format([self.min, self.max])","fieldPath":".min","reason":"FieldValueForbidden"}],
    "properties":{"fix":{"type":"string","x-kubernetes-validations":[{"rule":"self == oldSelf","message":"fix is immutable"}]},
                  "list":{"type":"array","items":{"type":"object","x-kubernetes-validations":[{"rule":"self.need > 0"}]}}}}}})SCHEMA");
  struct Row {
    const char* now;
    const char* old;
    const char* expected;
  };
  const Row rows[] = {
      {R"({"metadata":{"name":"a"},"spec":{"min":1,"max":2,"fix":"x"}})", "null", ""},
      {R"({"metadata":{"name":"bad"},"spec":{"min":3,"max":2}})", "null", "<nil>: Invalid value: \"object\": bad name | spec.min: Forbidden: 3 > 2"},
      {R"({"metadata":{"name":"a"},"spec":{"min":1,"max":2,"fix":"y"}})", R"({"metadata":{"name":"a"},"spec":{"min":1,"max":2,"fix":"x"}})", "spec.fix: Invalid value: \"string\": fix is immutable"},
      {R"({"metadata":{"name":"a"},"spec":{"min":1,"max":2,"list":[{}]}})", "null", "spec.list[0]: Invalid value: \"object\": no such key: need evaluating rule: self.need > 0"},
      {R"({"metadata":{"name":"a"},"spec":{"min":3,"max":2}})", R"({"metadata":{"name":"b"},"spec":{"min":3,"max":2}})", ""},
  };
  for (const Row& row : rows) {
    FieldErrors errors;
    check_rules(Json::parse(row.now), Json::parse(row.old), schema, "", errors);
    std::string all;
    for (const FieldError& error : errors) all += (all.empty() ? "" : " | ") + error.field + ": " + error.message;
    EXPECT_EQ(all, row.expected) << row.now;
  }
}

}  // namespace
}  // namespace skidpad::fakes::kube_apiserver::cel

#include "harness/scenario/schema.hpp"

#include <gtest/gtest.h>

#include "harness/scenario/json_schema_testing.hpp"
#include "harness/scenario/loader.hpp"
#include "harness/scenario/scenario_testing.hpp"

namespace skidpad::scenario {
namespace {

using testing::JsonSchema;
using testing::OrderedJson;

OrderedJson json(std::string_view text) { return OrderedJson::parse(text); }

TEST(JsonSchemaValidator, RefusesWhatEachKeywordForbids) {
  struct Case {
    std::string_view schema, good, bad;
  };
  const Case cases[] = {
      {R"({"type": "integer"})", "2", "2.5"},
      {R"({"type": "string"})", R"("2")", "2"},
      {R"({"type": "object"})", "{}", "[]"},
      {R"({"type": "array"})", "[]", "{}"},
      {R"({"type": "boolean"})", "true", R"("true")"},
      {R"({"const": "a"})", R"("a")", R"("b")"},
      {R"({"enum": ["a", "b"]})", R"("b")", R"("c")"},
      {R"({"pattern": "^a$"})", R"("a")", R"("ab")"},
      {R"({"minimum": 2})", "2", "1"},
      {R"({"maximum": 2})", "2", "3"},
      {R"({"minItems": 1})", "[1]", "[]"},
      {R"({"maxItems": 1})", "[1]", "[1, 2]"},
      {R"({"uniqueItems": true})", "[1, 2]", "[1, 1]"},
      {R"({"items": {"const": 1}})", "[1, 1]", "[1, 2]"},
      {R"({"anyOf": [{"const": 1}, {"minimum": 1}]})", "1", "0"},
      {R"({"oneOf": [{"const": 1}, {"minimum": 1}]})", "2", "1"},
      {R"({"required": ["a"]})", R"({"a": 1})", R"({"b": 1})"},
      {R"({"properties": {"a": {"const": 1}}})", R"({"a": 1, "b": 2})", R"({"a": 2})"},
      {R"({"properties": {"a": {}}, "additionalProperties": false})", R"({"a": 1})", R"({"b": 1})"},
      {R"({"propertyNames": {"pattern": "^a"}})", R"({"a1": 1})", R"({"b": 1})"},
      {R"({"$ref": "#/$defs/one", "$defs": {"one": {"const": 1}}})", "1", "2"},
  };
  for (const auto& [schema, good, bad] : cases) {
    EXPECT_EQ(JsonSchema(json(schema)).errors(json(good)), "") << schema;
    EXPECT_NE(JsonSchema(json(schema)).errors(json(bad)), "") << schema;
  }
  EXPECT_ANY_THROW(JsonSchema(json(R"({"minimun": 2})")).errors(json("1")));
}

TEST(Schema, FileInTheTreeIsTheOneTheLanguageGives) {
  testing::expect_golden(testing::source_folder() / "scenarios/schema.json", write_schema());
}

TEST(Schema, ReferenceInTheDocumentationIsTheOneTheLanguageGives) {
  constexpr std::string_view begin = "<!-- reference: begin, written by the scenario tests -->\n";
  constexpr std::string_view end = "<!-- reference: end -->\n";
  const auto file = testing::source_folder() / "docs/scenario-language.md";
  const std::string text = testing::read_file(file);
  const auto from = text.find(begin), to = text.find(end);
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  testing::expect_golden(file, text.substr(0, from + begin.size()) + write_reference() + text.substr(to));
}

/// What the loader says: nothing, or at which stage it refused.
std::optional<Refusal> refusal_of(const std::string& text, const std::string& file) {
  try {
    parse_scenario(text, file);
    return std::nullopt;
  } catch (const ScenarioError& refused) {
    return refused.refusal();
  }
}

// Goal: an editor that checks with the schema never contradicts the loader.
// Method: each golden input and each scenario of the tree goes through both.
TEST(Schema, AgreesWithTheLoader) {
  const JsonSchema schema(scenario_schema());
  auto files = testing::golden_inputs();
  for (const auto& file : testing::tree_scenarios()) files.push_back(file);
  std::size_t shapes_refused = 0, accepted = 0;
  for (const auto& file : files) {
    SCOPED_TRACE(file.string());
    const std::string text = testing::read_file(file);
    const auto refusal = refusal_of(text, file.filename().string());
    if (refusal && refusal->stage == Stage::text) continue;  // no document, or no comment, for a schema to see
    const std::string error = schema.errors(testing::as_json(parse_document(text)));
    if (!refusal) {
      EXPECT_EQ(error, "");
      ++accepted;
    } else if (refusal->stage == Stage::shape) {
      EXPECT_NE(error, "") << "the loader says " << refusal->path << ": " << refusal->what;
      ++shapes_refused;
    }
  }
  EXPECT_GT(accepted, 8u);
  EXPECT_GT(shapes_refused, 60u);
}

TEST(TreeScenarios, PointEditorsAtTheSchema) {
  for (const auto& file : testing::tree_scenarios())
    EXPECT_NE(testing::read_file(file).find("# yaml-language-server: $schema=../schema.json\n"), std::string::npos) << file;
}

}  // namespace
}  // namespace skidpad::scenario

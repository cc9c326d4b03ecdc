// What is said of custom resources that break their schema, and of definitions that break the rules, word for word.
#include "fakes/kube_apiserver/crd/structural_schema.hpp"

#include <gtest/gtest.h>

namespace skidpad::fakes::kube_apiserver {
namespace {

std::string said(const FieldErrors& errors) {
  std::string all;
  for (const FieldError& error : errors) all += (all.empty() ? "" : " | ") + error.field + ": " + error.message;
  return all;
}

TEST(StructuralSchema, NamesWhatBreaksIt) {
  const std::tuple<const char*, const char*, const char*> rows[] = {
      {R"({"type":"number","multipleOf":0.5})", "1.5", ""},
      {R"({"type":"number","multipleOf":0.5})", "0.3", "v: Invalid value: 0.3: v in body should be a multiple of 0.5"},
      {R"({"type":"number","minimum":0,"exclusiveMinimum":true})", "0", "v: Invalid value: 0: v in body should be greater than 0"},
      {R"({"type":"string","format":"date-time"})", R"("2026-01-01T00:00:00Z")", ""},
      {R"({"type":"string","format":"date-time"})", R"("x")", "v: Invalid value: \"x\": v in body must be of type date-time: \"x\""},
      {R"({"type":"object","oneOf":[{"required":["a"]},{"required":["b"]}]})", R"({"a":1})", ""},
      {R"({"type":"object","oneOf":[{"required":["a"]},{"required":["b"]}]})", "{}",
       "<nil>: Invalid value: \"\": \"v\" must validate one and only one schema (oneOf). Found none valid | v.a: Required value"},
      {R"({"type":"object","oneOf":[{"required":["a"]},{"required":["b"]}]})", R"({"a":1,"b":1})",
       "<nil>: Invalid value: \"\": \"v\" must validate one and only one schema (oneOf). Found 2 valid alternatives"},
      {R"({"type":"object","not":{"required":["a"]}})", R"({"a":1})", "<nil>: Invalid value: \"\": \"v\" must not validate the schema (not)"},
      {R"({"type":"object","minProperties":1})", "{}", "v: Invalid value: 0: v in body should have at least 1 properties"},
      {R"({"type":"object","x-kubernetes-embedded-resource":true})", R"({"kind":"K"})", "v.apiVersion: Required value: must not be empty"},
  };
  for (const auto& [schema, value, expected] : rows) {
    FieldErrors errors;
    validate_value(Json::parse(value), Json::parse(schema), "v", errors);
    EXPECT_EQ(said(errors), expected) << schema << " " << value;
  }
}

/// A definition with one part replaced; what is said of it, without its name.
std::string said_of(const char* patch, const char* old_patch = nullptr) {
  Json definition = Json::parse(R"({"metadata":{"name":"gadgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced",
    "names":{"plural":"gadgets","singular":"gadget","kind":"Gadget","listKind":"GadgetList"},
    "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}})");
  Json old;
  if (old_patch != nullptr) {
    old = definition;
    old.merge_patch(Json::parse(old_patch));
  }
  definition.merge_patch(Json::parse(patch));
  try {
    check_definition(definition, old);
  } catch (const ApiError& error) {
    const std::string start = "CustomResourceDefinition.apiextensions.k8s.io \"gadgets.example.com\" is invalid: ";
    return error.message.compare(0, start.size(), start) == 0 ? error.message.substr(start.size()) : error.message;
  }
  return "";
}

TEST(Definitions, AreRefusedInTheRealServersWords) {
  const std::pair<const char*, const char*> rows[] = {
      {"{}", ""},
      {R"({"spec":{"preserveUnknownFields":true}})", "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"},
      {R"({"spec":{"names":{"listKind":"Gadget"}}})", "spec.names.listKind: Invalid value: \"Gadget\": kind and listKind may not be the same"},
      {R"({"spec":{"conversion":{"strategy":"X"}}})", "spec.conversion.strategy: Unsupported value: \"X\": supported values: \"None\", \"Webhook\""},
      {R"({"spec":{"versions":[{"name":"v1","storage":true,"schema":{"openAPIV3Schema":{"type":"object"}},"additionalPrinterColumns":[{"name":"a","type":"x","jsonPath":"spec"}]}]}})",
       "[spec.additionalPrinterColumns[0].type: Invalid value: \"x\": must be one of boolean,date,integer,number,string, spec.additionalPrinterColumns[0].JSONPath: Invalid value: \"spec\": must be a simple json path starting with .]"},
      {R"({"spec":{"versions":[{"name":"v1","storage":true,"schema":{"openAPIV3Schema":{"type":"object"}},"subresources":{"scale":{"specReplicasPath":".size"}}}]}})",
       "[spec.subresources.scale.specReplicasPath: Invalid value: \".size\": should be a json path under .spec, spec.subresources.scale.statusReplicasPath: Required value]"},
      {R"({"spec":{"versions":[{"name":"v1","storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"a":{"type":"list"}}}}}]}})",
       "spec.validation.openAPIV3Schema.properties[a].type: Unsupported value: \"list\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\""},
      {R"({"spec":{"versions":[{"name":"v1","storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"a":{"type":"array","x-kubernetes-list-type":"map","items":{"type":"object"}}}}}}]}})",
       "spec.validation.openAPIV3Schema.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"},
  };
  for (const auto& [patch, expected] : rows) EXPECT_EQ(said_of(patch), expected) << patch;
  const char* established = R"({"status":{"conditions":[{"type":"Established","status":"True"}]}})";
  EXPECT_EQ(said_of(R"({"spec":{"scope":"Cluster"}})", established), "spec.scope: Invalid value: \"Cluster\": field is immutable");
  EXPECT_EQ(said_of(R"({"spec":{"scope":"Cluster"}})", "{}"), "");
}

}  // namespace
}  // namespace skidpad::fakes::kube_apiserver

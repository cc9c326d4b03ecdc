/// @file structural_schema.hpp
/// Structural OpenAPI schemas of custom resources: pruning, defaults, validation of objects, and the rules for definitions themselves.
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"

namespace skidpad::fakes::kube_apiserver {

/// Throws ApiError 422 where the definition breaks a rule.
void check_definition(const Json& definition, const Json& old);
bool find_deletion(const Json& definition);
void prune(Json& value, const Json& schema, const std::string& path, FieldComplaints* complaints);
void fill_defaults(Json& value, const Json& schema);
void validate_value(const Json& value, const Json& schema, const std::string& path, FieldErrors& errors);

}  // namespace skidpad::fakes::kube_apiserver

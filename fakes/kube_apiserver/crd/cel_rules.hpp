/// @file cel_rules.hpp
/// x-kubernetes-validations: the rules of a custom resource's schema, with messageExpression, reason, fieldPath and optionalOldSelf.
/// Lists of objects with keys are compared with their old items by key; a rule that cannot be read is refused with its definition.
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"

namespace skidpad::fakes::kube_apiserver {

/// @param old  null on creation: rules that speak of oldSelf are passed over then, save those with optionalOldSelf.
void check_rules(const Json& value, const Json& old, const Json& schema, const std::string& path, FieldErrors& errors);
/// The rules of one schema, without those below it, can be compiled.
void check_rule_texts(const Json& schema, const std::string& path, FieldErrors& errors);

}  // namespace skidpad::fakes::kube_apiserver

/// @file cel_rules.hpp
/// x-kubernetes-validations: the part of CEL that rules of custom resources commonly use.
/// Offered: self, oldSelf, fields, has(), size(), startsWith, endsWith, contains, matches, literals, ! && || == != < <= > >= + - in, ?: and
/// parentheses. A rule outside of it never fails an object.
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"

namespace skidpad::fakes::kube_apiserver {

/// @param old  null on creation: rules that speak of oldSelf are passed over then.
void check_rules(const Json& value, const Json& old, const Json& schema, const std::string& path, FieldErrors& errors);
/// None if the rule is outside of what is offered or its evaluation fails.
std::optional<bool> evaluate_rule(const std::string& rule, const Json& self, const Json& old_self);

}  // namespace skidpad::fakes::kube_apiserver

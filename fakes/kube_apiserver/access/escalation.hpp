/// @file escalation.hpp
/// Nobody grants by a role or a binding what he has not himself, unless he may `escalate` or `bind`.
#pragma once

#include "fakes/kube_apiserver/access/authorizer.hpp"

namespace skidpad::fakes::kube_apiserver {

/// The complaint if `rules` hold more than `user` has in the namespace ("" is the whole cluster), else "".
std::string escalation_problem(Authorizer& authorizer, const User& user, const Json& rules, const std::string& object_namespace);

}  // namespace skidpad::fakes::kube_apiserver

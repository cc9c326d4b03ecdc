/// @file defaults.hpp
/// What the server fills in by kind, independent of any state: v1.32's defaulting functions.
#pragma once

#include "fakes/kube_apiserver/api/resource_table.hpp"

namespace skidpad::fakes::kube_apiserver {

/// The object is canonical already; afterwards it has all defaults of its kind.
void apply_defaults(Json& object, const Resource& resource);
/// BestEffort, Burstable or Guaranteed.
std::string qos_class(const Json& pod_spec);
/// Always for no tag or :latest, else IfNotPresent.
std::string default_pull_policy(std::string_view image);

}  // namespace skidpad::fakes::kube_apiserver

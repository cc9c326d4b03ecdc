/// @file bootstrap_policy.hpp
/// The cluster roles and bindings that every cluster starts with, and the flow of rights they give to the components.
/// Source: the documented default roles of Kubernetes v1.32. Roles that only aggregate others are spelled out.
/// Ours alone: the user system:kube-controller-manager may do everything, since our controllers run under it rather than under one
/// service account each.
#pragma once

#include <vector>

#include "harness/runtime/json.hpp"

namespace skidpad::fakes::kube_apiserver {

/// Complete objects of rbac.authorization.k8s.io/v1: ClusterRole, ClusterRoleBinding, Role, RoleBinding.
std::vector<Json> bootstrap_policy();

}  // namespace skidpad::fakes::kube_apiserver

/// @file ownership.hpp
/// Which objects belong to a controller: adopting those its selector matches, releasing those it no longer matches.
/// Promise: adoption is checked against the API first, so an owner that is being deleted never takes anything.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

struct ClaimPlan {
  std::vector<ObjectPointer> owned;    ///< controlled by the owner and matched
  std::vector<ObjectPointer> adopt;    ///< matched, without a controller
  std::vector<ObjectPointer> release;  ///< controlled by the owner, no longer matched
};

/// Pure decision. An owner being deleted adopts and releases nothing.
ClaimPlan plan_claims(const Json& owner, const Selector& selector, const std::vector<ObjectPointer>& candidates);

/// Carries the plan out and returns what the owner now controls.
/// A member by coroutine: the client outlives it.
Task<Result<std::vector<ObjectPointer>>> claim(client::KubernetesClient& client, ResourceType owner_type, ObjectPointer owner,
                                               ResourceType object_type, Selector selector, std::vector<ObjectPointer> candidates);

}  // namespace skidpad::fakes::kube_controller_manager

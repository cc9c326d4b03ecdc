/// @file role_aggregation.hpp
/// A ClusterRole with an aggregationRule holds the rules of all ClusterRoles that its selectors choose, in name order and each once.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

/// Null if the role aggregates nothing.
Json aggregated_rules(const Json& role, const Store& roles);

class RoleAggregationController final : public QueueController {
 public:
  explicit RoleAggregationController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Informer& roles_;
};

/// Tells kubelets by an annotation how long they may keep Secrets and ConfigMaps: longer, the more nodes there are.
class NodeTtlController final : public QueueController {
 public:
  explicit NodeTtlController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  std::int64_t wanted_seconds();
  Informer& nodes_;
  std::size_t step_ = 0;
};

}  // namespace skidpad::fakes::kube_controller_manager

/// @file resource_quota.hpp
/// Status of ResourceQuotas: what a namespace uses of what it may.
/// Limits: pods with their requests and limits, and counts of objects; no scopes, no classes.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

/// Pure: status.used for the names in spec.hard. @param counts  objects by their name in quotas ("services", "count/deployments.apps")
Json quota_used(const Json& quota, const std::vector<ObjectPointer>& pods, const std::map<std::string, std::int64_t>& counts);

class ResourceQuotaController final : public QueueController {
 public:
  explicit ResourceQuotaController(Surroundings& surroundings);
  void start(runtime::TaskGroup& group) override;

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Task<void> resync();
  void enqueue_namespace(const Json& object);

  Informer& quotas_;
  Informer& pods_;
  std::map<std::string, Informer*> counted_;
};

}  // namespace skidpad::fakes::kube_controller_manager

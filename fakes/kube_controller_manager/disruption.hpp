/// @file disruption.hpp
/// Status of PodDisruptionBudgets: how many pods may be evicted now.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

struct BudgetNeed {
  std::int64_t expected = 0;
  std::int64_t desired_healthy = 0;
};
/// Pure. @param scale  replicas that the controllers of its pods ask for, or nothing if some pod has none.
std::optional<BudgetNeed> budget_need(const Json& budget, std::size_t pod_count, std::optional<std::int64_t> scale);
/// Pure: the whole status. `recheck_at` is set when an entry of disruptedPods will expire.
Json budget_status(const Json& budget, const std::vector<ObjectPointer>& pods, BudgetNeed need, WallTime now,
                   std::optional<WallTime>* recheck_at);

class DisruptionController final : public QueueController {
 public:
  explicit DisruptionController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  void enqueue_budgets_of(const Json& pod);
  std::optional<std::int64_t> scale_of(const std::vector<ObjectPointer>& pods) const;

  Informer& budgets_;
  Informer& pods_;
  Informer& replica_sets_;
  Informer& deployments_;
  Informer& stateful_sets_;
};

}  // namespace skidpad::fakes::kube_controller_manager

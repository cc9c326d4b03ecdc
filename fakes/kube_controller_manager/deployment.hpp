/// @file deployment.hpp
/// Rolls Deployments out through ReplicaSets: rolling update and recreate, revisions, pause, progress deadline, history.
#pragma once

#include "fakes/kube_controller_manager/deployment_plan.hpp"

namespace skidpad::fakes::kube_controller_manager {

class DeploymentController final : public QueueController {
 public:
  explicit DeploymentController(Surroundings& surroundings);

 private:
  enum class Create { no, yes };
  /// What one pass works on; written through as requests are answered.
  struct Rollout {
    Json deployment;
    ReplicaSets all;
    ReplicaSets old;
    ObjectPointer new_one;
  };
  Task<Result<void>> reconcile(std::string key) override;
  Task<Result<void>> find_sets(Rollout& rollout, Create create);
  Task<Result<void>> update_existing(Rollout& rollout, std::int64_t revision);
  Task<Result<void>> create_new(Rollout& rollout, std::int64_t revision);
  Task<Result<void>> roll(Rollout& rollout);
  Task<Result<void>> recreate(Rollout& rollout);
  Task<Result<void>> scale_only(Rollout& rollout);
  /// Sets the size, keeps `rollout` current and records the event. True if the size changed.
  Task<Result<bool>> scale(Rollout& rollout, ObjectPointer set, std::int64_t replicas);
  Task<Result<void>> clean_up(Rollout& rollout);
  Task<Result<void>> write_status(Rollout& rollout, Json status);
  Task<Result<void>> sync_rollout_status(Rollout& rollout);
  Task<Result<void>> check_paused(Rollout& rollout);
  bool old_pods_running(const Rollout& rollout) const;
  void replace(Rollout& rollout, Json changed);
  void enqueue_owner(const Json& replica_set);

  Informer& deployments_;
  Informer& replica_sets_;
  Informer& pods_;
};

}  // namespace skidpad::fakes::kube_controller_manager

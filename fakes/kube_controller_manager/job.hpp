/// @file job.hpp
/// Runs pods until enough have succeeded or too many have failed, and counts each finished pod exactly once.
/// Promise: a pod is counted before it loses its tracking finalizer, so none is lost or counted twice across crashes.
#pragma once

#include "fakes/kube_controller_manager/pod_control.hpp"

namespace skidpad::fakes::kube_controller_manager {

inline const std::string job_tracking_finalizer = "batch.kubernetes.io/job-tracking";
inline const std::string job_index_annotation = "batch.kubernetes.io/job-completion-index";
inline const std::string job_index_failures_annotation = "batch.kubernetes.io/job-index-failure-count";

/// What a pass over a job decides; carried out in this order.
struct JobPlan {
  Json status;                                  ///< to be written before finalizers go
  std::vector<ObjectPointer> release;           ///< counted pods that lose their finalizer
  std::vector<ObjectPointer> remove;
  std::vector<std::int64_t> create_indexes;     ///< for Indexed jobs; for others only how many
  std::map<std::int64_t, std::int64_t> failures_of_index;   ///< told to the new pod of an index with a limit of its own
  std::optional<Duration> again_after;          ///< when a deadline or a backoff ends
  std::string event_reason;                     ///< "Completed", "BackoffLimitExceeded", ... once when it ends; "Suspended", "Resumed"
  std::string event_message;
};
/// Pure.
JobPlan plan_job(const Json& job, const std::vector<ObjectPointer>& pods, WallTime now);
bool is_job_finished(const Json& job);
/// "1,3-5" <-> numbers.
std::set<std::int64_t> parse_indexes(const std::string& text);
std::string format_indexes(const std::set<std::int64_t>& indexes);

class JobController final : public QueueController {
 public:
  explicit JobController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Task<Result<void>> release(ObjectPointer pod);
  Json pod_for(const Json& job, std::int64_t index, std::int64_t failures) const;
  void enqueue_owner(const Json& pod);

  Informer& jobs_;
  Informer& pods_;
  Expectations expectations_;
  PodControl pod_control_;
};

/// Deletes finished jobs ttlSecondsAfterFinished after their end.
class TtlAfterFinishedController final : public QueueController {
 public:
  explicit TtlAfterFinishedController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Informer& jobs_;
};

}  // namespace skidpad::fakes::kube_controller_manager

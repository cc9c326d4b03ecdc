/// @file cron_job.hpp
/// Starts a Job at each time of a schedule, in spec.timeZone or else UTC, at most once a time, and keeps a few finished ones.
#pragma once

#include "fakes/kube_controller_manager/cron_schedule.hpp"
#include "fakes/kube_controller_manager/controller.hpp"
#include "fakes/kube_controller_manager/time_zone.hpp"

namespace skidpad::fakes::kube_controller_manager {

struct CronPlan {
  std::optional<WallTime> due;             ///< the newest time that was missed, if it may still start
  std::optional<WallTime> missed;          ///< the newest time that was missed
  bool too_late = false;                   ///< it was missed by more than startingDeadlineSeconds
  std::optional<WallTime> next;            ///< when to look again
};
/// Pure.
CronPlan plan_cron_job(const Json& cron_job, const CronSchedule& schedule, WallTime now, const TimeZone& zone = {});
/// The Job of one time: named after the minute, so that two passes cannot start it twice.
Json job_of(const Json& cron_job, WallTime scheduled);

class CronJobController final : public QueueController {
 public:
  explicit CronJobController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Task<Result<void>> trim(ObjectPointer cron_job, std::vector<ObjectPointer> jobs);
  Informer& cron_jobs_;
  Informer& jobs_;
};

}  // namespace skidpad::fakes::kube_controller_manager

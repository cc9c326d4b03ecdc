#include "fakes/kube_controller_manager/cron_job.hpp"

#include "fakes/kube_controller_manager/job.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

const std::string scheduled_annotation = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/// How many missed times are counted through before we jump to now.
constexpr int missed_max = 1000;

/// "Mon, 02 Jan 2006 15:04:05 +0000", as Go's RFC1123Z in UTC.
std::string rfc1123z(WallTime time) {
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::string text = runtime::format_rfc3339(time);   // 2026-01-01T00:00:00Z
  const auto day = std::chrono::duration_cast<std::chrono::hours>(time.time_since_epoch()).count() / 24;
  return std::string(days[(day + 4) % 7]) + ", " + text.substr(8, 2) + " " + months[std::stoi(text.substr(5, 2)) - 1] + " " + text.substr(0, 4) + " " +
         text.substr(11, 8) + " +0000";
}

/// The first time after `after` at which clocks in the zone show what the schedule asks for. Times that clocks leap over are passed by.
std::optional<WallTime> next_in(const CronSchedule& schedule, const TimeZone& zone, WallTime after) {
  WallTime local = after + zone.offset_at(after);
  for (int i = 0; i < missed_max; ++i) {
    const auto shown = schedule.next(local);
    if (!shown) return std::nullopt;
    const WallTime guess = *shown - zone.offset_at(*shown);
    const WallTime time = *shown - zone.offset_at(guess);
    if (time > after && time + zone.offset_at(time) == *shown) return time;
    local = *shown;
  }
  return std::nullopt;
}

const char* end_of(const Json& job) { return client::condition_status(job, "Complete") == "True" ? "Complete" : "Failed"; }

}  // namespace

CronPlan plan_cron_job(const Json& cron_job, const CronSchedule& schedule, WallTime now, const TimeZone& zone) {
  CronPlan plan;
  const auto created = client::created_at(cron_job);
  const auto last = client::time_at(cron_job, {"status", "lastScheduleTime"});
  WallTime earliest = last ? *last : created ? *created : now;
  const Json& deadline = find(cron_job, {"spec", "startingDeadlineSeconds"});
  std::optional<WallTime> oldest_allowed;
  if (deadline.is_number_integer()) oldest_allowed = now - std::chrono::seconds(deadline.get<std::int64_t>());
  std::optional<WallTime> missed;
  for (int i = 0; i < missed_max; ++i) {
    const auto time = next_in(schedule, zone, missed ? *missed : earliest);
    if (!time || *time > now) break;
    missed = time;
    if (i == missed_max - 1) earliest = now - std::chrono::hours(24);
  }
  plan.next = next_in(schedule, zone, now);
  if (!missed) return plan;
  plan.missed = missed;
  plan.too_late = oldest_allowed && *missed < *oldest_allowed;
  if (!plan.too_late) plan.due = missed;
  return plan;
}

Json job_of(const Json& cron_job, WallTime scheduled) {
  Json job = Json::object();
  const Json& job_template = find(cron_job, {"spec", "jobTemplate"});
  Json& metadata = job["metadata"];
  const auto minute = std::chrono::duration_cast<std::chrono::minutes>(scheduled.time_since_epoch()).count();
  metadata["name"] = client::name_of(cron_job) + "-" + std::to_string(minute);
  metadata["namespace"] = client::namespace_of(cron_job);
  for (const char* field : {"labels", "annotations"}) {
    const Json& value = find(job_template, {"metadata", field});
    if (value.is_object()) metadata[field] = value;
  }
  metadata["annotations"][scheduled_annotation] = runtime::format_rfc3339(scheduled);
  metadata["ownerReferences"] = Json::array();
  metadata["ownerReferences"].push_back(client::controller_reference(cron_job, types::cron_jobs));
  job["spec"] = find(job_template, {"spec"});
  return job;
}

CronJobController::CronJobController(Surroundings& surroundings)
    : QueueController(surroundings, "cronjob", "cronjob-controller", surroundings.settings.concurrent_cron_job_syncs),
      cron_jobs_(surroundings.informers.informer(types::cron_jobs)),
      jobs_(surroundings.informers.informer(types::jobs)) {
  add_controller_index(jobs_.store());
  cron_jobs_.add_handler(client::on_any_change([this](const ObjectPointer& cron_job) { enqueue(*cron_job); }));
  jobs_.add_handler(client::on_any_change([this](const ObjectPointer& job) {
    const Json& reference = client::controller_of(*job);
    if (text_at(reference, {"kind"}) == "CronJob") queue_.add(client::make_key(client::namespace_of(*job), text_at(reference, {"name"})));
  }));
}

Task<Result<void>> CronJobController::trim(ObjectPointer cron_job, std::vector<ObjectPointer> jobs) {
  std::stable_sort(jobs.begin(), jobs.end(), [](const ObjectPointer& a, const ObjectPointer& b) {
    return text_at(*a, {"metadata", "creationTimestamp"}) < text_at(*b, {"metadata", "creationTimestamp"});
  });
  for (const auto& [end, limit] : {std::pair<std::string, std::int64_t>("Complete", integer_at(*cron_job, {"spec", "successfulJobsHistoryLimit"}, 3)),
                                   {"Failed", integer_at(*cron_job, {"spec", "failedJobsHistoryLimit"}, 1)}}) {
    std::vector<ObjectPointer> finished;
    for (const ObjectPointer& job : jobs) {
      if (is_job_finished(*job) && end == end_of(*job) && !client::is_deleting(*job)) finished.push_back(job);
    }
    for (std::size_t i = 0; std::int64_t(finished.size() - i) > limit; ++i) {
      client::DeleteOptions options;
      options.propagation = client::Propagation::background;
      auto removed = co_await client_.remove(types::jobs, client::namespace_of(*finished[i]), client::name_of(*finished[i]), options);
      if (!removed && removed.error().code != ErrorCode::not_found) co_return removed.error();
      events_.record(*cron_job, types::cron_jobs, EventType::normal, "SuccessfulDelete", "Deleted job " + client::name_of(*finished[i]));
    }
  }
  co_return success();
}

Task<Result<void>> CronJobController::reconcile(std::string key) {
  const ObjectPointer cron_job = cron_jobs_.store().find(key);
  if (cron_job == nullptr || client::is_deleting(*cron_job)) co_return success();
  const std::vector<ObjectPointer> jobs = jobs_.store().by_index("controller", client::uid_of(*cron_job));
  auto trimmed = co_await trim(cron_job, jobs);
  if (!trimmed) co_return trimmed.error();

  Json status = find(*cron_job, {"status"});
  if (!status.is_object()) status = Json::object();
  Json active = Json::array();
  std::vector<ObjectPointer> running;
  for (const ObjectPointer& job : jobs) {
    if (!is_job_finished(*job)) {
      active.push_back(client::object_reference(*job, types::jobs));
      active.back().erase("resourceVersion");
      running.push_back(job);
      continue;
    }
    bool was_active = false;
    for (const Json& reference : list_at(*cron_job, {"status", "active"})) was_active = was_active || text_at(reference, {"uid"}) == client::uid_of(*job);
    if (was_active) {
      events_.record(*cron_job, types::cron_jobs, EventType::normal, "SawCompletedJob",
                     "Saw completed job: " + client::name_of(*job) + ", condition: " + end_of(*job));
    }
    const std::string completed = text_at(*job, {"status", "completionTime"});
    if (!completed.empty() && completed > text_at(status, {"lastSuccessfulTime"})) status["lastSuccessfulTime"] = completed;
  }

  for (const Json& reference : list_at(*cron_job, {"status", "active"})) {
    const bool known = std::any_of(jobs.begin(), jobs.end(), [&](const ObjectPointer& job) { return client::uid_of(*job) == text_at(reference, {"uid"}); });
    if (known || jobs_.store().find(client::namespace_of(*cron_job), text_at(reference, {"name"})) != nullptr) continue;
    events_.record(*cron_job, types::cron_jobs, EventType::normal, "MissingJob", "Active job went missing: " + text_at(reference, {"name"}));
  }

  const auto schedule = CronSchedule::parse(text_at(*cron_job, {"spec", "schedule"}));
  const std::string zone_name = text_at(*cron_job, {"spec", "timeZone"});
  const auto zone = TimeZone::load(runtime_.disk(), zone_name);
  if (!zone) {
    events_.record(*cron_job, types::cron_jobs, EventType::warning, "UnknownTimeZone", "invalid timeZone: \"" + zone_name + "\": " + zone.error().message);
  } else if (!schedule) {
    events_.record(*cron_job, types::cron_jobs, EventType::warning, "UnparseableSchedule", "unparseable schedule: " + schedule.error().message);
  } else if (!runtime::bool_at(*cron_job, {"spec", "suspend"})) {
    const CronPlan plan = plan_cron_job(*cron_job, schedule.value(), now(), zone.value());
    if (plan.next) queue_.add_after(key, *plan.next - now() + std::chrono::milliseconds(100));
    const std::string policy = text_at(*cron_job, {"spec", "concurrencyPolicy"}, "Allow");
    if (plan.too_late) {
      events_.record(*cron_job, types::cron_jobs, EventType::warning, "MissSchedule", "Missed scheduled time to start a job: " + rfc1123z(*plan.missed));
    } else if (plan.due && policy == "Forbid" && !running.empty()) {
      events_.record(*cron_job, types::cron_jobs, EventType::normal, "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid");
    } else if (plan.due) {
      if (policy == "Replace") {
        for (const ObjectPointer& job : running) {
          client::DeleteOptions options;
          options.propagation = client::Propagation::background;
          auto removed = co_await client_.remove(types::jobs, client::namespace_of(*job), client::name_of(*job), options);
          if (!removed && removed.error().code != ErrorCode::not_found) co_return removed.error();
          events_.record(*cron_job, types::cron_jobs, EventType::normal, "SuccessfulDelete", "Deleted job " + client::name_of(*job));
        }
        active = Json::array();
      }
      auto created = co_await client_.create(types::jobs, job_of(*cron_job, *plan.due));
      if (!created && created.error().code != ErrorCode::already_exists) {
        events_.record(*cron_job, types::cron_jobs, EventType::warning, "FailedCreate", "Error creating job: " + created.error().message);
        co_return created.error();
      }
      if (created) {
        events_.record(*cron_job, types::cron_jobs, EventType::normal, "SuccessfulCreate", "Created job " + client::name_of(created.value()));
        active.push_back(client::object_reference(created.value(), types::jobs));
        active.back().erase("resourceVersion");
      }
      status["lastScheduleTime"] = runtime::format_rfc3339(*plan.due);
    }
  }
  if (active.empty()) {
    status.erase("active");
  } else {
    status["active"] = std::move(active);
  }
  if (status == find(*cron_job, {"status"})) co_return success();
  Json changed = *cron_job;
  changed["status"] = std::move(status);
  auto updated = co_await client_.update_status(types::cron_jobs, std::move(changed));
  if (!updated && updated.error().code != ErrorCode::not_found) co_return updated.error();
  co_return success();
}

}  // namespace skidpad::fakes::kube_controller_manager

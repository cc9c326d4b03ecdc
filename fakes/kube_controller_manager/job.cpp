#include "fakes/kube_controller_manager/job.hpp"

#include "fakes/kube_controller_manager/ownership.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

constexpr Duration failure_backoff_first = std::chrono::seconds(10);
constexpr Duration failure_backoff_max = std::chrono::minutes(10);

bool has_condition(const Json& job, const char* type) { return client::condition_status(job, type) == "True"; }
bool is_indexed(const Json& job) { return text_at(job, {"spec", "completionMode"}) == "Indexed"; }
bool is_suspended(const Json& job) { return runtime::bool_at(job, {"spec", "suspend"}); }

std::int64_t index_of(const Json& pod) {
  const std::string text = client::annotation(pod, job_index_annotation);
  return text.empty() ? -1 : std::strtoll(text.c_str(), nullptr, 10);
}

void add_condition(Json& status, const char* type, const std::string& reason, const std::string& message, WallTime now) {
  const std::string time = runtime::format_rfc3339(now);
  Json condition = Json::object();
  condition["type"] = type;
  condition["status"] = "True";
  condition["reason"] = reason;
  condition["message"] = message;
  condition["lastProbeTime"] = time;
  condition["lastTransitionTime"] = time;
  if (!status.contains("conditions")) status["conditions"] = Json::array();
  status["conditions"].push_back(std::move(condition));
}

void put(Json& status, const char* key, std::int64_t value) {
  if (value != 0) status[key] = value;
  else status.erase(key);
}

/// The pods of a job, told apart.
struct JobPods {
  std::vector<ObjectPointer> active;
  std::vector<ObjectPointer> to_count_succeeded;   ///< finished, not counted yet
  std::vector<ObjectPointer> to_count_failed;
  std::set<std::string> with_finalizer;            ///< UIDs
  std::int64_t ready = 0;
  std::int64_t terminating = 0;
};

JobPods sort_pods(const Json& job, const std::vector<ObjectPointer>& pods) {
  std::set<std::string> uncounted;
  for (const char* kind : {"succeeded", "failed"}) {
    for (const Json& uid : list_at(job, {"status", "uncountedTerminatedPods", kind})) uncounted.insert(uid.get<std::string>());
  }
  JobPods sorted;
  for (const ObjectPointer& pod : pods) {
    const bool tracked = client::has_finalizer(*pod, job_tracking_finalizer);
    if (tracked) sorted.with_finalizer.insert(client::uid_of(*pod));
    if (client::is_pod_active(*pod)) {
      sorted.active.push_back(pod);
      if (client::is_pod_ready(*pod)) ++sorted.ready;
      continue;
    }
    const bool finished = client::is_pod_finished(*pod);
    if (client::is_deleting(*pod) && !finished) ++sorted.terminating;
    if (!tracked || uncounted.count(client::uid_of(*pod)) != 0) continue;
    if (text_at(*pod, {"status", "phase"}) == "Succeeded") {
      sorted.to_count_succeeded.push_back(pod);
    } else {
      sorted.to_count_failed.push_back(pod);   // failed, or deleted before it finished
    }
  }
  return sorted;
}

/// Counts those whose finalizer is gone, remembers those whose finalizer may go now.
void count(Json& status, const JobPods& pods, std::set<std::int64_t>& completed_indexes, bool indexed) {
  Json uncounted = Json::object();
  struct Kind {
    const char* key;
    const std::vector<ObjectPointer>& fresh;
  };
  for (const Kind kind : {Kind{"succeeded", pods.to_count_succeeded}, Kind{"failed", pods.to_count_failed}}) {
    std::int64_t counted = integer_at(status, {kind.key});
    Json kept = Json::array();
    for (const Json& uid : list_at(status, {"uncountedTerminatedPods", kind.key})) {
      if (pods.with_finalizer.count(uid.get<std::string>()) != 0) kept.push_back(uid);
      else if (!(indexed && std::string_view(kind.key) == "succeeded")) ++counted;
    }
    for (const ObjectPointer& pod : kind.fresh) {
      if (indexed && std::string_view(kind.key) == "succeeded") {
        completed_indexes.insert(index_of(*pod));
      }
      kept.push_back(client::uid_of(*pod));
    }
    put(status, kind.key, counted);
    if (!kept.empty()) uncounted[kind.key] = std::move(kept);
  }
  status["uncountedTerminatedPods"] = std::move(uncounted);
}

std::int64_t pending(const Json& status, const char* kind) {
  return std::int64_t(list_at(status, {"uncountedTerminatedPods", kind}).size());
}

}  // namespace

bool is_job_finished(const Json& job) { return has_condition(job, "Complete") || has_condition(job, "Failed"); }

std::set<std::int64_t> parse_indexes(const std::string& text) {
  std::set<std::int64_t> indexes;
  const char* at = text.c_str();
  while (*at != '\0') {
    char* end = nullptr;
    const std::int64_t from = std::strtoll(at, &end, 10);
    std::int64_t to = from;
    if (end == at) break;
    if (*end == '-') to = std::strtoll(end + 1, &end, 10);
    for (std::int64_t i = from; i <= to; ++i) indexes.insert(i);
    at = *end == ',' ? end + 1 : end;
  }
  return indexes;
}

std::string format_indexes(const std::set<std::int64_t>& indexes) {
  std::string text;
  for (auto entry = indexes.begin(); entry != indexes.end();) {
    const std::int64_t from = *entry;
    std::int64_t to = from;
    while (++entry != indexes.end() && *entry == to + 1) ++to;
    if (!text.empty()) text += ',';
    text += std::to_string(from);
    if (to > from) text += (to == from + 1 ? "," : "-") + std::to_string(to);
  }
  return text;
}

JobPlan plan_job(const Json& job, const std::vector<ObjectPointer>& pod_list, WallTime now) {
  JobPlan plan;
  plan.status = find(job, {"status"});
  if (!plan.status.is_object()) plan.status = Json::object();
  Json& status = plan.status;
  const bool indexed = is_indexed(job);
  const JobPods pods = sort_pods(job, pod_list);
  if (is_job_finished(job)) {
    for (const ObjectPointer& pod : pod_list) {
      if (client::has_finalizer(*pod, job_tracking_finalizer)) plan.release.push_back(pod);
    }
    return plan;
  }
  if (!status.contains("startTime") && !is_suspended(job)) status["startTime"] = runtime::format_rfc3339(now);
  std::set<std::int64_t> completed = parse_indexes(text_at(status, {"completedIndexes"}));
  count(status, pods, completed, indexed);
  if (indexed) {
    const std::string text = format_indexes(completed);
    if (!text.empty()) status["completedIndexes"] = text;
    put(status, "succeeded", std::int64_t(completed.size()));
  }
  for (const auto* finished : {&pods.to_count_succeeded, &pods.to_count_failed}) {
    plan.release.insert(plan.release.end(), finished->begin(), finished->end());
  }
  // Uncounted ones of an earlier pass whose finalizer is still there.
  for (const ObjectPointer& pod : pod_list) {
    if (!client::has_finalizer(*pod, job_tracking_finalizer)) continue;
    for (const char* kind : {"succeeded", "failed"}) {
      for (const Json& uid : list_at(job, {"status", "uncountedTerminatedPods", kind})) {
        if (uid == client::uid_of(*pod)) plan.release.push_back(pod);
      }
    }
  }

  const Json& completions_json = find(job, {"spec", "completions"});
  const std::int64_t parallelism = integer_at(job, {"spec", "parallelism"}, 1);
  const std::int64_t succeeded = integer_at(status, {"succeeded"}) + (indexed ? 0 : pending(status, "succeeded"));
  const std::int64_t failed = integer_at(status, {"failed"}) + pending(status, "failed");
  const bool fixed = completions_json.is_number_integer();
  const std::int64_t completions = fixed ? completions_json.get<std::int64_t>() : 0;
  const bool complete = fixed ? succeeded >= completions : succeeded > 0 && pods.active.empty();

  if (!has_condition(job, "SuccessCriteriaMet") && !has_condition(job, "FailureTarget")) {
    const auto started = client::time_at(status, {"startTime"});
    const Json& deadline = find(job, {"spec", "activeDeadlineSeconds"});
    if (complete) {
      add_condition(status, "SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods", now);
    } else if (failed > integer_at(job, {"spec", "backoffLimit"}, 6)) {
      add_condition(status, "FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit", now);
    } else if (deadline.is_number_integer() && started && !is_suspended(job)) {
      const WallTime ends = *started + std::chrono::seconds(deadline.get<std::int64_t>());
      if (ends <= now) add_condition(status, "FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline", now);
      else plan.again_after = ends - now;
    }
  }
  Json judged = Json::object();
  judged["status"] = status;
  const bool succeeding = has_condition(judged, "SuccessCriteriaMet");
  const bool failing = has_condition(judged, "FailureTarget");
  std::int64_t active = std::int64_t(pods.active.size());
  if (succeeding || failing || is_suspended(job)) {
    plan.remove = pods.active;
    active = 0;
    const bool settled = pods.active.empty() && pods.terminating == 0 && pods.with_finalizer.empty() && pending(status, "succeeded") == 0 &&
                         pending(status, "failed") == 0;
    if (settled && (succeeding || failing)) {
      const Json& cause = client::condition_of(judged, succeeding ? "SuccessCriteriaMet" : "FailureTarget");
      plan.event_reason = succeeding ? "Completed" : text_at(cause, {"reason"});
      plan.event_message = succeeding ? "Job completed" : text_at(cause, {"message"});
      add_condition(status, succeeding ? "Complete" : "Failed", text_at(cause, {"reason"}), text_at(cause, {"message"}), now);
      if (succeeding) status["completionTime"] = runtime::format_rfc3339(now);
    }
  } else {
    std::int64_t wanted = parallelism;
    if (fixed) wanted = std::min(parallelism, completions - succeeded);
    else if (succeeded > 0) wanted = active;
    if (active > wanted) {
      std::vector<ObjectPointer> surplus = pods.active;
      sort_for_deletion(surplus, {});
      surplus.resize(std::size_t(active - wanted));
      plan.remove = std::move(surplus);
      active = wanted;
    } else if (active + pods.terminating < wanted) {
      // After failures new pods come later and later.
      Duration backoff = Duration::zero();
      std::optional<WallTime> failed_last;
      for (const ObjectPointer& pod : pod_list) {
        if (text_at(*pod, {"status", "phase"}) != "Failed") continue;
        for (const Json& container : list_at(*pod, {"status", "containerStatuses"})) {
          const auto ended = client::time_at(container, {"state", "terminated", "finishedAt"});
          if (ended && (!failed_last || *ended > *failed_last)) failed_last = ended;
        }
        const auto turned = client::time_at(client::condition_of(*pod, "Ready"), {"lastTransitionTime"});
        if (turned && (!failed_last || *turned > *failed_last)) failed_last = turned;
      }
      if (failed > 0 && failed_last) {
        backoff = failure_backoff_first;
        for (std::int64_t i = 1; i < failed && backoff < failure_backoff_max; ++i) backoff *= 2;
        backoff = std::min(backoff, Duration(failure_backoff_max)) - (now - *failed_last);
      }
      if (backoff > Duration::zero()) {
        if (!plan.again_after || backoff < *plan.again_after) plan.again_after = backoff;
      } else {
        std::int64_t missing = wanted - active - pods.terminating;
        std::set<std::int64_t> taken = completed;
        for (const ObjectPointer& pod : pods.active) taken.insert(index_of(*pod));
        for (std::int64_t index = 0; missing > 0 && (!indexed || index < completions); ++index) {
          if (indexed && taken.count(index) != 0) continue;
          plan.create_indexes.push_back(indexed ? index : -1);
          --missing;
        }
        active += std::int64_t(plan.create_indexes.size());
      }
    }
  }
  put(status, "active", active);
  status["ready"] = succeeding || failing ? 0 : pods.ready;
  status["terminating"] = pods.terminating;
  return plan;
}

JobController::JobController(Surroundings& surroundings)
    : QueueController(surroundings, "job", "job-controller", surroundings.settings.concurrent_job_syncs),
      jobs_(surroundings.informers.informer(types::jobs)),
      pods_(surroundings.informers.informer(types::pods)),
      expectations_(surroundings.runtime),
      pod_control_(surroundings.client, events_, types::jobs) {
  add_controller_index(pods_.store());
  jobs_.add_handler(client::on_any_change([this](const ObjectPointer& job) { enqueue(*job); }));
  client::InformerHandler pods;
  pods.added = [this](const ObjectPointer& pod) {
    const Json& reference = client::controller_of(*pod);
    if (text_at(reference, {"kind"}) == "Job") {
      expectations_.creation_seen(client::make_key(client::namespace_of(*pod), text_at(reference, {"name"})));
    }
    enqueue_owner(*pod);
  };
  pods.updated = [this](const ObjectPointer&, const ObjectPointer& now) {
    if (client::is_deleting(*now)) {
      const std::string owner = client::make_key(client::namespace_of(*now), text_at(client::controller_of(*now), {"name"}));
      expectations_.deletion_seen(owner, client::key_of(*now));
    }
    enqueue_owner(*now);
  };
  pods.deleted = [this](const ObjectPointer& pod) {
    const std::string owner = client::make_key(client::namespace_of(*pod), text_at(client::controller_of(*pod), {"name"}));
    expectations_.deletion_seen(owner, client::key_of(*pod));
    enqueue_owner(*pod);
  };
  pods_.add_handler(std::move(pods));
}

void JobController::enqueue_owner(const Json& pod) {
  const Json& reference = client::controller_of(pod);
  if (text_at(reference, {"kind"}) == "Job") queue_.add(client::make_key(client::namespace_of(pod), text_at(reference, {"name"})));
}

Json JobController::pod_for(const Json& job, std::int64_t index) const {
  Json pod = pod_from_template(find(job, {"spec", "template"}), job, types::jobs);
  Json& finalizers = pod["metadata"]["finalizers"];
  if (!finalizers.is_array()) finalizers = Json::array();
  finalizers.push_back(job_tracking_finalizer);
  if (index < 0) return pod;
  const std::string text = std::to_string(index);
  pod["metadata"]["generateName"] = client::name_of(job) + "-" + text + "-";
  pod["metadata"]["annotations"][job_index_annotation] = text;
  pod["metadata"]["labels"][job_index_annotation] = text;
  pod["spec"]["hostname"] = client::name_of(job) + "-" + text;
  for (const char* kind : {"containers", "initContainers"}) {
    if (!pod["spec"].contains(kind)) continue;
    for (Json& container : pod["spec"][kind]) {
      Json variable = Json::object();
      variable["name"] = "JOB_COMPLETION_INDEX";
      variable["valueFrom"]["fieldRef"]["fieldPath"] = "metadata.labels['" + job_index_annotation + "']";
      if (!container.contains("env")) container["env"] = Json::array();
      container["env"].push_back(std::move(variable));
    }
  }
  return pod;
}

Task<Result<void>> JobController::release(ObjectPointer pod) {
  Json kept = Json::array();
  for (const Json& finalizer : list_at(*pod, {"metadata", "finalizers"})) {
    if (finalizer != job_tracking_finalizer) kept.push_back(finalizer);
  }
  Json patch = Json::object();
  patch["metadata"]["uid"] = client::uid_of(*pod);
  patch["metadata"]["finalizers"] = kept.empty() ? Json() : std::move(kept);
  auto patched = co_await client_.patch(types::pods, client::namespace_of(*pod), client::name_of(*pod), PatchType::merge, std::move(patch));
  if (!patched && patched.error().code != ErrorCode::not_found && patched.error().code != ErrorCode::conflict) co_return patched.error();
  co_return success();
}

Task<Result<void>> JobController::reconcile(std::string key) {
  const ObjectPointer job = jobs_.store().find(key);
  if (job == nullptr) {
    // Its pods must not hang on a finalizer nobody will remove.
    expectations_.forget(key);
    for (const ObjectPointer& pod : pods_.store().in_namespace(client::split_key(key).namespace_name)) {
      if (!client::has_finalizer(*pod, job_tracking_finalizer) || !client::is_deleting(*pod)) continue;
      const std::string owner = text_at(client::controller_of(*pod), {"name"});
      if (owner != client::split_key(key).name) continue;
      auto released = co_await release(pod);
      if (!released) co_return released.error();
    }
    co_return success();
  }
  const auto selector = Selector::from_label_selector(find(*job, {"spec", "selector"}));
  if (!selector) co_return success();
  auto claimed = co_await claim(client_, types::jobs, job, types::pods, selector.value(), controlled_or_orphaned(pods_.store(), *job));
  if (!claimed) co_return claimed.error();
  JobPlan plan = plan_job(*job, claimed.value(), now());
  if (plan.again_after) queue_.add_after(key, *plan.again_after);
  const bool may_act = expectations_.satisfied(key) && !client::is_deleting(*job);
  if (!may_act) {
    plan.create_indexes.clear();
    plan.remove.clear();
    plan.status["active"] = find(*job, {"status", "active"});
    if (plan.status["active"].is_null()) plan.status.erase("active");
  }
  if (plan.status != find(*job, {"status"})) {
    Json changed = *job;
    changed["status"] = plan.status;
    auto updated = co_await client_.update_status(types::jobs, std::move(changed));
    if (!updated && updated.error().code == ErrorCode::not_found) co_return success();
    if (!updated) co_return updated.error();
    if (!plan.event_reason.empty()) {
      const auto type = plan.event_reason == "Completed" ? EventType::normal : EventType::warning;
      events_.record(*job, types::jobs, type, plan.event_reason, plan.event_message);
    }
  }
  for (const ObjectPointer& pod : plan.release) {
    auto released = co_await release(pod);
    if (!released) co_return released.error();
  }
  Result<void> result = success();
  if (!plan.create_indexes.empty()) {
    expectations_.expect_creations(key, std::int64_t(plan.create_indexes.size()));
    for (const std::int64_t index : plan.create_indexes) {
      auto created = co_await pod_control_.create(pod_for(*job, index), job);
      if (created) continue;
      expectations_.creation_seen(key);
      if (!is_namespace_terminating(created.error())) result = created.error();
    }
  } else if (!plan.remove.empty()) {
    std::vector<std::string> keys;
    for (const ObjectPointer& pod : plan.remove) keys.push_back(client::key_of(*pod));
    expectations_.expect_deletions(key, keys);
    for (const ObjectPointer& pod : plan.remove) {
      auto removed = co_await pod_control_.remove(pod, job);
      if (removed) continue;
      expectations_.deletion_seen(key, client::key_of(*pod));
      result = removed.error();
    }
  }
  co_return result;
}

TtlAfterFinishedController::TtlAfterFinishedController(Surroundings& surroundings)
    : QueueController(surroundings, "ttl_jobs_to_delete", "ttl-after-finished-controller",
                      surroundings.settings.concurrent_ttl_after_finished_syncs),
      jobs_(surroundings.informers.informer(types::jobs)) {
  client::InformerHandler handler;
  handler.added = [this](const ObjectPointer& job) { enqueue(*job); };
  handler.updated = [this](const ObjectPointer&, const ObjectPointer& job) { enqueue(*job); };
  jobs_.add_handler(std::move(handler));
}

Task<Result<void>> TtlAfterFinishedController::reconcile(std::string key) {
  const ObjectPointer job = jobs_.store().find(key);
  if (job == nullptr || client::is_deleting(*job) || !is_job_finished(*job)) co_return success();
  const Json& ttl = find(*job, {"spec", "ttlSecondsAfterFinished"});
  if (!ttl.is_number_integer()) co_return success();
  const char* end = has_condition(*job, "Complete") ? "Complete" : "Failed";
  const auto finished_at = client::time_at(client::condition_of(*job, end), {"lastTransitionTime"});
  if (!finished_at) co_return success();
  const Duration left = *finished_at + std::chrono::seconds(ttl.get<std::int64_t>()) - now();
  if (left > Duration::zero()) {
    queue_.add_after(key, left);
    co_return success();
  }
  client::DeleteOptions options;
  options.uid = client::uid_of(*job);
  options.propagation = client::Propagation::foreground;
  auto removed = co_await client_.remove(types::jobs, client::namespace_of(*job), client::name_of(*job), options);
  if (!removed && removed.error().code != ErrorCode::not_found && removed.error().code != ErrorCode::conflict) co_return removed.error();
  co_return success();
}

}  // namespace skidpad::fakes::kube_controller_manager

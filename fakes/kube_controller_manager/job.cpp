#include "fakes/kube_controller_manager/job.hpp"

#include "fakes/kube_controller_manager/ownership.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

constexpr Duration failure_backoff_first = std::chrono::seconds(10);
constexpr Duration failure_backoff_max = std::chrono::minutes(10);

bool has_condition(const Json& job, const char* type) { return client::condition_status(job, type) == "True"; }
bool is_true(const Json& condition) { return text_at(condition, {"status"}) == "True"; }
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

/// Sets Suspended; one that was never True is not added as False. Returns whether it changed.
bool set_suspended(Json& status, bool suspended, WallTime now) {
  Json& conditions = status["conditions"];
  if (!conditions.is_array()) conditions = Json::array();
  for (Json& condition : conditions) {
    if (text_at(condition, {"type"}) != "Suspended") continue;
    if (is_true(condition) == suspended) return false;
    condition["status"] = suspended ? "True" : "False";
    condition["reason"] = suspended ? "JobSuspended" : "JobResumed";
    condition["message"] = suspended ? "Job suspended" : "Job resumed";
    condition["lastProbeTime"] = condition["lastTransitionTime"] = runtime::format_rfc3339(now);
    return true;
  }
  if (suspended) add_condition(status, "Suspended", "JobSuspended", "Job suspended", now);
  if (conditions.empty()) status.erase("conditions");
  return suspended;
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
  std::vector<ObjectPointer> ignored;              ///< failed, but by the failure policy not counted
  std::set<std::string> with_finalizer;            ///< UIDs
  std::set<std::int64_t> failed_indexes;           ///< by the failure policy
  std::string job_failure;                         ///< why the failure policy ends the job
  std::int64_t ready = 0;
  std::int64_t terminating = 0;
};

/// A pod that is being deleted is replaced, and counted, only once it has failed.
bool waits_for_failure(const Json& job) {
  const std::string policy = text_at(job, {"spec", "podReplacementPolicy"});
  return policy.empty() ? find(job, {"spec", "podFailurePolicy"}).is_object() : policy == "Failed";
}

enum class FailureAction { count, ignore, fail_index, fail_job };
struct FailureVerdict {
  FailureAction action = FailureAction::count;
  std::string message;   ///< for fail_job
};

/// What spec.podFailurePolicy says of a failed pod: the first rule that matches.
FailureVerdict judge_failure(const Json& job, const Json& pod) {
  FailureVerdict verdict;
  const Json& rules = list_at(job, {"spec", "podFailurePolicy", "rules"});
  const auto decide = [&](const std::string& action) {
    verdict.action = action == "Ignore" ? FailureAction::ignore : action == "FailIndex" ? FailureAction::fail_index : action == "FailJob" ? FailureAction::fail_job : FailureAction::count;
  };
  for (std::size_t index = 0; index < rules.size(); ++index) {
    const std::string action = text_at(rules[index], {"action"});
    const std::string rule = " matching " + action + " rule at index " + std::to_string(index);
    const Json& codes = find(rules[index], {"onExitCodes"});
    if (codes.is_object()) {
      const std::string only = text_at(codes, {"containerName"});
      for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
        for (const Json& container : list_at(pod, {"status", list})) {
          const Json& code = find(container, {"state", "terminated", "exitCode"});
          if (!code.is_number_integer() || code == 0 || (!only.empty() && only != text_at(container, {"name"}))) continue;
          const Json& values = list_at(codes, {"values"});
          const bool listed = std::find(values.begin(), values.end(), code) != values.end();
          if (listed != (text_at(codes, {"operator"}) == "In")) continue;
          decide(action);
          verdict.message = "Container " + text_at(container, {"name"}) + " for pod " + client::key_of(pod) + " failed with exit code " + code.dump() + rule;
          return verdict;
        }
      }
    }
    for (const Json& pattern : list_at(rules[index], {"onPodConditions"})) {
      const std::string type = text_at(pattern, {"type"});
      if (client::condition_status(pod, type) != text_at(pattern, {"status"}, "True")) continue;
      decide(action);
      verdict.message = "Pod " + client::key_of(pod) + " has condition " + type + rule;
      return verdict;
    }
  }
  return verdict;
}

/// How often an index has failed, by the count its newest pod carries.
std::int64_t failures_of_pod(const Json& job, const Json& pod) {
  const std::string text = client::annotation(pod, job_index_failures_annotation);
  const std::int64_t before = text.empty() ? 0 : std::strtoll(text.c_str(), nullptr, 10);
  if (text_at(pod, {"status", "phase"}) != "Failed") return before;
  return before + (judge_failure(job, pod).action == FailureAction::ignore ? 0 : 1);
}

std::optional<WallTime> ended_at(const Json& pod) {
  std::optional<WallTime> ended;
  for (const Json& container : list_at(pod, {"status", "containerStatuses"})) {
    const auto at = client::time_at(container, {"state", "terminated", "finishedAt"});
    if (at && (!ended || *at > *ended)) ended = at;
  }
  return ended ? ended : client::time_at(client::condition_of(pod, "Ready"), {"lastTransitionTime"});
}

Duration backoff_after(std::int64_t failures) {
  Duration backoff = failure_backoff_first;
  for (std::int64_t i = 1; i < failures && backoff < failure_backoff_max; ++i) backoff *= 2;
  return std::min(backoff, Duration(failure_backoff_max));
}

/// Whether restarts within pods with restartPolicy OnFailure are beyond the limit.
bool restarted_too_often(const Json& job, const std::vector<ObjectPointer>& pods) {
  if (text_at(job, {"spec", "template", "spec", "restartPolicy"}) != "OnFailure") return false;
  std::int64_t restarts = 0;
  for (const ObjectPointer& pod : pods) {
    const std::string phase = text_at(*pod, {"status", "phase"});
    if (phase != "Running" && phase != "Pending") continue;
    for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
      for (const Json& container : list_at(*pod, {"status", list})) restarts += integer_at(container, {"restartCount"});
    }
  }
  const std::int64_t limit = integer_at(job, {"spec", "backoffLimit"}, 6);
  return limit == 0 ? restarts > 0 : restarts >= limit;
}

/// The rule of spec.successPolicy that holds; -1 for none.
std::int64_t matched_success_rule(const Json& job, const std::set<std::int64_t>& completed) {
  const Json& rules = list_at(job, {"spec", "successPolicy", "rules"});
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Json& indexes = find(rules[i], {"succeededIndexes"});
    const Json& needed = find(rules[i], {"succeededCount"});
    std::size_t matched = completed.size();
    std::size_t wanted = SIZE_MAX;
    if (indexes.is_string()) {
      const std::set<std::int64_t> listed = parse_indexes(indexes.get<std::string>());
      wanted = listed.size();
      matched = std::size_t(std::count_if(completed.begin(), completed.end(), [&](std::int64_t index) { return listed.count(index) != 0; }));
    }
    if (needed.is_number_integer()) wanted = needed.get<std::size_t>();
    if (matched >= wanted) return std::int64_t(i);
  }
  return -1;
}

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
    } else if (finished || !waits_for_failure(job)) {
      const FailureVerdict verdict = finished ? judge_failure(job, *pod) : FailureVerdict();
      if (verdict.action == FailureAction::fail_job && sorted.job_failure.empty()) sorted.job_failure = verdict.message;
      if (verdict.action == FailureAction::fail_index) sorted.failed_indexes.insert(index_of(*pod));
      if (verdict.action == FailureAction::ignore) {
        sorted.ignored.push_back(pod);
      } else {
        sorted.to_count_failed.push_back(pod);   // failed, or deleted before it finished
      }
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
  if (!has_condition(job, "SuccessCriteriaMet") && !has_condition(job, "FailureTarget") && set_suspended(status, is_suspended(job), now)) {
    plan.event_reason = is_suspended(job) ? "Suspended" : "Resumed";
    plan.event_message = is_suspended(job) ? "Job suspended" : "Job resumed";
    if (!is_suspended(job)) status["startTime"] = runtime::format_rfc3339(now);   // its deadline starts anew
  }
  std::set<std::int64_t> completed = parse_indexes(text_at(status, {"completedIndexes"}));
  count(status, pods, completed, indexed);
  if (indexed) {
    const std::string text = format_indexes(completed);
    if (!text.empty()) status["completedIndexes"] = text;
    put(status, "succeeded", std::int64_t(completed.size()));
  }
  for (const auto* finished : {&pods.to_count_succeeded, &pods.to_count_failed, &pods.ignored}) {
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
  // With a limit for each index, an index that failed too often is given up and the others go on.
  const Json& limit_per_index = find(job, {"spec", "backoffLimitPerIndex"});
  const bool per_index = indexed && limit_per_index.is_number_integer();
  std::set<std::int64_t> given_up = parse_indexes(text_at(status, {"failedIndexes"}));
  std::map<std::int64_t, std::int64_t> failures_of_index;
  std::map<std::int64_t, WallTime> failed_last_of_index;
  if (per_index) {
    given_up.insert(pods.failed_indexes.begin(), pods.failed_indexes.end());
    for (const ObjectPointer& pod : pod_list) {
      const std::int64_t index = index_of(*pod);
      std::int64_t& failures = failures_of_index[index];
      failures = std::max(failures, failures_of_pod(job, *pod));
      if (failures > limit_per_index.get<std::int64_t>() && completed.count(index) == 0) given_up.insert(index);
      const auto ended = text_at(*pod, {"status", "phase"}) == "Failed" ? ended_at(*pod) : std::nullopt;
      if (ended && *ended > failed_last_of_index[index]) failed_last_of_index[index] = *ended;
    }
    status["failedIndexes"] = format_indexes(given_up);
  }
  const std::int64_t success_rule = indexed ? matched_success_rule(job, completed) : -1;
  const bool complete = fixed ? succeeded >= completions : succeeded > 0 && pods.active.empty();
  const bool all_tried = per_index && fixed && std::int64_t(completed.size() + given_up.size()) >= completions && !given_up.empty();
  const Json& failed_indexes_max = find(job, {"spec", "maxFailedIndexes"});

  if (!has_condition(job, "SuccessCriteriaMet") && !has_condition(job, "FailureTarget")) {
    const auto started = client::time_at(status, {"startTime"});
    const Json& deadline = find(job, {"spec", "activeDeadlineSeconds"});
    std::optional<WallTime> ends;
    if (deadline.is_number_integer() && started && !is_suspended(job)) ends = *started + std::chrono::seconds(deadline.get<std::int64_t>());
    const auto fail = [&](const char* reason, const std::string& message) { add_condition(status, "FailureTarget", reason, message, now); };
    if (!pods.job_failure.empty()) {
      fail("PodFailurePolicy", pods.job_failure);
    } else if (failed > integer_at(job, {"spec", "backoffLimit"}, per_index ? INT32_MAX : 6) || restarted_too_often(job, pod_list)) {
      fail("BackoffLimitExceeded", "Job has reached the specified backoff limit");
    } else if (ends && *ends <= now) {
      fail("DeadlineExceeded", "Job was active longer than specified deadline");
    } else if (per_index && failed_indexes_max.is_number_integer() && std::int64_t(given_up.size()) > failed_indexes_max.get<std::int64_t>()) {
      fail("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
    } else if (all_tried) {
      fail("FailedIndexes", "Job has failed indexes");
    } else if (success_rule >= 0) {
      add_condition(status, "SuccessCriteriaMet", "SuccessPolicy", "Matched rules at index " + std::to_string(success_rule), now);
    } else if (complete) {
      add_condition(status, "SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods", now);
    } else if (ends) {
      plan.again_after = *ends - now;
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
    } else if (const std::int64_t leaving = waits_for_failure(job) ? pods.terminating : 0; active + leaving < wanted) {
      const auto later = [&](Duration wait) {
        if (!plan.again_after || wait < *plan.again_after) plan.again_after = wait;
      };
      // After failures without a success in between new pods come later and later.
      std::optional<WallTime> succeeded_last;
      std::optional<WallTime> failed_last;
      std::int64_t failures = 0;
      for (const ObjectPointer& pod : pod_list) {
        const auto ended = text_at(*pod, {"status", "phase"}) == "Succeeded" ? ended_at(*pod) : std::nullopt;
        if (ended && (!succeeded_last || *ended > *succeeded_last)) succeeded_last = ended;
      }
      for (const ObjectPointer& pod : pod_list) {
        const auto ended = text_at(*pod, {"status", "phase"}) == "Failed" ? ended_at(*pod) : std::nullopt;
        if (!ended || (succeeded_last && *ended <= *succeeded_last)) continue;
        ++failures;
        if (!failed_last || *ended > *failed_last) failed_last = ended;
      }
      const Duration wait = failures == 0 || per_index ? Duration::zero() : backoff_after(failures) - (now - *failed_last);
      if (wait > Duration::zero()) {
        later(wait);
      } else {
        std::int64_t missing = wanted - active - leaving;
        std::set<std::int64_t> taken = completed;
        taken.insert(given_up.begin(), given_up.end());
        for (const ObjectPointer& pod : pod_list) {
          const bool leaves = waits_for_failure(job) && client::is_deleting(*pod) && !client::is_pod_finished(*pod);
          if (client::is_pod_active(*pod) || leaves) taken.insert(index_of(*pod));
        }
        for (std::int64_t index = 0; missing > 0 && (!indexed || index < completions); ++index) {
          if (indexed && taken.count(index) != 0) continue;
          if (per_index && failures_of_index[index] > 0) {
            const Duration rest = backoff_after(failures_of_index[index]) - (now - failed_last_of_index[index]);
            if (rest > Duration::zero()) {
              later(rest);
              continue;
            }
            plan.failures_of_index[index] = failures_of_index[index];
          }
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

Json JobController::pod_for(const Json& job, std::int64_t index, std::int64_t failures) const {
  Json pod = pod_from_template(find(job, {"spec", "template"}), job, types::jobs);
  Json& finalizers = pod["metadata"]["finalizers"];
  if (!finalizers.is_array()) finalizers = Json::array();
  finalizers.push_back(job_tracking_finalizer);
  if (index < 0) return pod;
  const std::string text = std::to_string(index);
  pod["metadata"]["generateName"] = client::name_of(job) + "-" + text + "-";
  pod["metadata"]["annotations"][job_index_annotation] = text;
  if (find(job, {"spec", "backoffLimitPerIndex"}).is_number_integer()) pod["metadata"]["annotations"][job_index_failures_annotation] = std::to_string(failures);
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
      const bool good = plan.event_reason == "Completed" || plan.event_reason == "Suspended" || plan.event_reason == "Resumed";
      const auto type = good ? EventType::normal : EventType::warning;
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
      auto created = co_await pod_control_.create(pod_for(*job, index, plan.failures_of_index[index]), job);
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

#include "fakes/kube_apiserver/api/cron_text.hpp"
#include "fakes/kube_apiserver/api/field_checks.hpp"
#include "fakes/kube_apiserver/api/kind_validation.hpp"
#include "fakes/kube_apiserver/api/names.hpp"
#include "fakes/kube_apiserver/api/pod_validation.hpp"
#include "fakes/kube_apiserver/api/selector.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

bool selects_nothing_in_particular(const Json& selector) { return list_at(selector, {"matchLabels"}).empty() && list_at(selector, {"matchExpressions"}).empty(); }

std::string shown_selector(const Json& selector) {
  return "v1.LabelSelector{MatchLabels:" + shown_map(find(selector, {"matchLabels"})) + ", MatchExpressions:[]v1.LabelSelectorRequirement(nil)}";
}

void check_selector_required(const Json& spec, const std::string& kind, FieldErrors& errors) {
  const Json& selector = find(spec, {"selector"});
  if (!selector.is_object()) {
    errors.push_back(required_value("spec.selector"));
    return;
  }
  check_selector(selector, "spec.selector", errors);
  if (selects_nothing_in_particular(selector)) errors.push_back(invalid_value("spec.selector", shown_selector(selector), "empty selector is invalid for " + kind));
}

void check_selector_meets_template(const Json& spec, FieldErrors& errors) {
  const Json& selector = find(spec, {"selector"});
  if (selector.is_object() && selects_nothing_in_particular(selector)) return;
  const Json& labels = find(spec, {"template", "metadata", "labels"});
  if (!LabelSelector::from_object(selector).matches(labels)) {
    errors.push_back(invalid_value("spec.template.metadata.labels", shown_map(labels), "`selector` does not match template `labels`"));
  }
}

/// The pods of all these kinds run for ever.
void check_eternal_template(const Json& spec, const std::string& kind, FieldErrors& errors) {
  check_pod_template(find(spec, {"template"}), "spec.template", errors);
  const std::string policy = text_at(spec, {"template", "spec", "restartPolicy"});
  if (policy != "Always" && !policy.empty()) errors.push_back(unsupported_value("spec.template.spec.restartPolicy", in_quotes(policy), {"Always"}));
  if (find(spec, {"template", "spec", "activeDeadlineSeconds"}).is_number()) {
    errors.push_back(forbidden_value("spec.template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in " + kind + " is not Supported"));
  }
}

void check_deployment(const Json& spec, FieldErrors& errors) {
  check_not_negative(spec, "replicas", "spec", errors);
  check_selector_required(spec, "deployment", errors);
  check_selector_meets_template(spec, errors);
  check_eternal_template(spec, "ReplicaSet", errors);
  const Json& strategy = find(spec, {"strategy"});
  const std::string type = text_at(strategy, {"type"});
  const Json& rolling = find(strategy, {"rollingUpdate"});
  if (type == "Recreate") {
    if (rolling.is_object()) errors.push_back(forbidden_value("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"));
  } else if (type == "RollingUpdate") {
    const Json& unavailable = find(rolling, {"maxUnavailable"});
    const Json& surge = find(rolling, {"maxSurge"});
    check_int_or_percent(unavailable, "spec.strategy.rollingUpdate.maxUnavailable", errors);
    check_int_or_percent(surge, "spec.strategy.rollingUpdate.maxSurge", errors);
    if (is_zero_int_or_percent(unavailable) && is_zero_int_or_percent(surge)) {
      const std::string shown = unavailable.is_string() ? "intstr.IntOrString{Type:1, IntVal:0, StrVal:" + unavailable.dump() + "}" : "intstr.IntOrString{Type:0, IntVal:0, StrVal:\"\"}";
      errors.push_back(invalid_value("spec.strategy.rollingUpdate.maxUnavailable", shown, "may not be 0 when `maxSurge` is 0"));
    }
    check_at_most_100_percent(unavailable, "spec.strategy.rollingUpdate.maxUnavailable", errors);
  } else {
    errors.push_back(unsupported_value("spec.strategy.type", in_quotes(type), {"Recreate", "RollingUpdate"}));
  }
  check_not_negative(spec, "minReadySeconds", "spec", errors);
  check_not_negative(spec, "revisionHistoryLimit", "spec", errors);
  const Json& deadline = find(spec, {"progressDeadlineSeconds"});
  if (deadline.is_number_integer()) {
    check_not_negative(spec, "progressDeadlineSeconds", "spec", errors);
    if (deadline.get<std::int64_t>() <= integer_at(spec, {"minReadySeconds"})) errors.push_back(invalid_value("spec.progressDeadlineSeconds", deadline.dump(), "must be greater than minReadySeconds"));
  }
}

void check_replica_set(const Json& spec, FieldErrors& errors) {
  check_not_negative(spec, "replicas", "spec", errors);
  check_not_negative(spec, "minReadySeconds", "spec", errors);
  check_selector_required(spec, "deployment", errors);  // the real server says so, too
  check_selector_meets_template(spec, errors);
  check_eternal_template(spec, "ReplicaSet", errors);
}

void check_daemon_set(const Json& spec, FieldErrors& errors) {
  const Json& selector = find(spec, {"selector"});
  check_selector(selector, "spec.selector", errors);
  check_selector_meets_template(spec, errors);
  if (selector.is_object() && selects_nothing_in_particular(selector)) errors.push_back(invalid_value("spec.selector", shown_selector(selector), "empty selector is invalid for daemonset"));
  check_eternal_template(spec, "DaemonSet", errors);
  check_not_negative(spec, "minReadySeconds", "spec", errors);
  const std::string type = text_at(spec, {"updateStrategy", "type"});
  if (type == "RollingUpdate") {
    const std::string path = "spec.updateStrategy.rollingUpdate";
    const Json& unavailable = find(spec, {"updateStrategy", "rollingUpdate", "maxUnavailable"});
    const Json& surge = find(spec, {"updateStrategy", "rollingUpdate", "maxSurge"});
    check_int_or_percent(unavailable, path + ".maxUnavailable", errors);
    check_int_or_percent(surge, path + ".maxSurge", errors);
    const bool no_gap = is_zero_int_or_percent(unavailable);
    const bool no_surge = is_zero_int_or_percent(surge);
    if (!no_gap && !no_surge) errors.push_back(invalid_value(path + ".maxSurge", "intstr.IntOrString{}", "may not be set when maxUnavailable is non-zero"));
    if (no_gap && no_surge) errors.push_back(required_value(path + ".maxUnavailable", "cannot be 0 when maxSurge is 0"));
    check_at_most_100_percent(unavailable, path + ".maxUnavailable", errors);
    check_at_most_100_percent(surge, path + ".maxSurge", errors);
  } else if (type != "OnDelete") {
    errors.push_back(unsupported_value("spec.updateStrategy.type", in_quotes(type), {"RollingUpdate", "OnDelete"}));
  }
  check_not_negative(spec, "revisionHistoryLimit", "spec", errors);
}

void check_stateful_set(const Json& spec, FieldErrors& errors) {
  const std::string management = text_at(spec, {"podManagementPolicy"});
  if (management != "OrderedReady" && management != "Parallel") errors.push_back(invalid_text("spec.podManagementPolicy", management, "must be 'OrderedReady' or 'Parallel'"));
  const std::string type = text_at(spec, {"updateStrategy", "type"});
  const Json& rolling = find(spec, {"updateStrategy", "rollingUpdate"});
  if (type == "OnDelete") {
    if (rolling.is_object()) errors.push_back(invalid_value("spec.updateStrategy.rollingUpdate", "apps.RollingUpdateStatefulSetStrategy{}", "only allowed for updateStrategy 'RollingUpdate'"));
  } else if (type == "RollingUpdate") {
    check_not_negative(rolling, "partition", "spec.updateStrategy.rollingUpdate", errors);
  } else {
    errors.push_back(invalid_value("spec.updateStrategy", "apps.StatefulSetUpdateStrategy{Type:" + in_quotes(type) + "}", "must be 'RollingUpdate' or 'OnDelete'"));
  }
  for (const char* key : {"whenDeleted", "whenScaled"}) {
    check_one_of(find(spec, {"persistentVolumeClaimRetentionPolicy"}), key, "spec.persistentVolumeClaimRetentionPolicy", {"Retain", "Delete"}, errors);
  }
  check_not_negative(spec, "replicas", "spec", errors);
  check_not_negative(spec, "minReadySeconds", "spec", errors);
  check_not_negative(find(spec, {"ordinals"}), "start", "spec.ordinals", errors);
  check_selector_required(spec, "statefulset", errors);
  check_selector_meets_template(spec, errors);
  check_eternal_template(spec, "StatefulSet", errors);
}

void check_replication_controller(const Json& spec, FieldErrors& errors) {
  check_not_negative(spec, "minReadySeconds", "spec", errors);
  const Json& selector = list_at(spec, {"selector"});
  if (selector.empty()) errors.push_back(required_value("spec.selector"));
  check_not_negative(spec, "replicas", "spec", errors);
  if (!find(spec, {"template"}).is_object()) {
    errors.push_back(required_value("spec.template"));
    return;
  }
  const Json& labels = find(spec, {"template", "metadata", "labels"});
  if (!selector.empty() && !LabelSelector::from_object({{"matchLabels", selector}}).matches(labels)) {
    errors.push_back(invalid_value("spec.template.metadata.labels", shown_map(labels), "`selector` does not match template `labels`"));
  }
  check_eternal_template(spec, "ReplicationController", errors);
}

void check_pod_failure_policy(const Json& spec, const std::string& path, FieldErrors& errors) {
  std::size_t position = 0;
  for (const Json& rule : list_at(spec, {"podFailurePolicy", "rules"})) {
    const std::string at = at_index(path + ".podFailurePolicy.rules", position++);
    const std::string action = text_at(rule, {"action"});
    if (action.empty()) {
      errors.push_back(required_value(at + ".action", "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]"));
    } else if (action == "FailIndex" && !find(spec, {"backoffLimitPerIndex"}).is_number()) {
      errors.push_back(invalid_text(at + ".action", action, "requires the backoffLimitPerIndex to be set"));
    } else {
      check_one_of(rule, "action", at, {"Count", "FailIndex", "FailJob", "Ignore"}, errors);
    }
    const bool codes = find(rule, {"onExitCodes"}).is_object();
    const bool conditions = !list_at(rule, {"onPodConditions"}).empty();
    if (codes && conditions) errors.push_back(invalid_value(at, "field.omitted", "specifying both OnExitCodes and OnPodConditions is not supported"));
    if (!codes && !conditions) errors.push_back(invalid_value(at, "field.omitted", "specifying one of OnExitCodes and OnPodConditions is required"));
  }
}

void check_job_spec(const Json& spec, const std::string& path, FieldErrors& errors) {
  for (const char* key : {"parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes"}) check_not_negative(spec, key, path, errors);
  const std::string mode = text_at(spec, {"completionMode"});
  if (!mode.empty() && mode != "NonIndexed" && mode != "Indexed") errors.push_back(unsupported_value(path + ".completionMode", in_quotes(mode), {"NonIndexed", "Indexed"}));
  if (mode == "Indexed") {
    if (!find(spec, {"completions"}).is_number()) errors.push_back(required_value(path + ".completions", "when completion mode is Indexed"));
    if (integer_at(spec, {"parallelism"}) > 100000) {
      errors.push_back(invalid_value(path + ".parallelism", find(spec, {"parallelism"}).dump(), "must be less than or equal to 100000 when completion mode is Indexed"));
    }
  } else {
    for (const char* key : {"backoffLimitPerIndex", "maxFailedIndexes"}) {
      if (find(spec, {key}).is_number()) errors.push_back(invalid_value(path + "." + key, find(spec, {key}).dump(), "requires indexed completion mode"));
    }
  }
  check_pod_failure_policy(spec, path, errors);
  const std::string replacement = text_at(spec, {"podReplacementPolicy"});
  if (find(spec, {"podFailurePolicy"}).is_object()) {
    if (replacement != "Failed" && !replacement.empty()) errors.push_back(unsupported_value(path + ".podReplacementPolicy", in_quotes(replacement), {"Failed"}));
  } else {
    check_one_of(spec, "podReplacementPolicy", path, {"Failed", "TerminatingOrFailed"}, errors);
  }
  check_pod_template(find(spec, {"template"}), path + ".template", errors);
  const std::string policy = text_at(spec, {"template", "spec", "restartPolicy"});
  if (policy == "Always" || policy.empty()) {
    errors.push_back(required_value(path + ".template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\""));
  } else if (policy != "OnFailure" && policy != "Never") {
    errors.push_back(unsupported_value(path + ".template.spec.restartPolicy", in_quotes(policy), {"OnFailure", "Never"}));
  } else if (find(spec, {"podFailurePolicy"}).is_object() && policy != "Never") {
    errors.push_back(invalid_text(path + ".template.spec.restartPolicy", policy, "only \"Never\" is supported when podFailurePolicy is specified"));
  }
}

void check_job(const Json& object, FieldErrors& errors) {
  const Json& spec = object.at("spec");
  if (text_at(spec, {"completionMode"}) == "Indexed" && integer_at(spec, {"completions"}) > 0) {
    const std::string last = text_at(object, {"metadata", "name"}) + "-" + std::to_string(integer_at(spec, {"completions"}) - 1);
    if (last.size() > 63) append_problems({"will not able to create pod with invalid DNS label: " + last}, text_at(object, {"metadata", "name"}), "metadata.name", errors);
  }
  check_job_spec(spec, "spec", errors);
  const Json& selector = find(spec, {"selector"});
  if (!selector.is_object()) {
    errors.push_back(required_value("spec.selector"));
  } else {
    check_selector(selector, "spec.selector", errors);
  }
  if (!LabelSelector::from_object(selector).matches(find(spec, {"template", "metadata", "labels"}))) {
    errors.push_back(invalid_value("spec.template.metadata.labels", shown_map(find(spec, {"template", "metadata", "labels"})), "`selector` does not match template `labels`"));
  }
}

void check_cron_job(const Json& object, FieldErrors& errors) {
  const Json& spec = object.at("spec");
  const std::string name = text_at(object, {"metadata", "name"});
  const std::string schedule = text_at(spec, {"schedule"});
  if (schedule.empty()) {
    errors.push_back(required_value("spec.schedule"));
  } else if (schedule.find("TZ") != std::string::npos) {
    errors.push_back(invalid_text("spec.schedule", schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"));
  } else if (const std::string problem = cron_text_problem(schedule); !problem.empty()) {
    errors.push_back(invalid_text("spec.schedule", schedule, problem));
  }
  if (const Json& zone = find(spec, {"timeZone"}); zone.is_string()) {
    const std::string text = zone.get<std::string>();
    if (text.empty()) errors.push_back(invalid_text("spec.timeZone", text, "timeZone must be nil or non-empty string"));
    if (text == "Local") errors.push_back(invalid_text("spec.timeZone", text, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"));
    const bool known = text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/") == std::string::npos && (text.find('/') != std::string::npos || text == "UTC" || text == "GMT" || text.size() == 3);
    if (!text.empty() && !known) errors.push_back(invalid_text("spec.timeZone", text, "unknown time zone " + text));
  }
  check_not_negative(spec, "startingDeadlineSeconds", "spec", errors);
  const std::string concurrency = text_at(spec, {"concurrencyPolicy"});
  if (concurrency != "Allow" && concurrency != "Forbid" && concurrency != "Replace") {
    errors.push_back(unsupported_value("spec.concurrencyPolicy", in_quotes(concurrency), {"Allow", "Forbid", "Replace"}));
  }
  check_job_spec(find(spec, {"jobTemplate", "spec"}), "spec.jobTemplate.spec", errors);
  check_not_negative(spec, "successfulJobsHistoryLimit", "spec", errors);
  check_not_negative(spec, "failedJobsHistoryLimit", "spec", errors);
  if (name.size() > 52) errors.push_back(invalid_text("metadata.name", name, "must be no more than 52 characters"));
}

void check_budget(const Json& spec, FieldErrors& errors) {
  const Json& least = find(spec, {"minAvailable"});
  const Json& most = find(spec, {"maxUnavailable"});
  if (!least.is_null() && !most.is_null()) errors.push_back(invalid_value("spec", "policy.PodDisruptionBudgetSpec{}", "minAvailable and maxUnavailable cannot be both set"));
  check_int_or_percent(least, "spec.minAvailable", errors);
  check_at_most_100_percent(least, "spec.minAvailable", errors);
  check_int_or_percent(most, "spec.maxUnavailable", errors);
  check_at_most_100_percent(most, "spec.maxUnavailable", errors);
  check_selector(find(spec, {"selector"}), "spec.selector", errors);
  check_one_of(spec, "unhealthyPodEvictionPolicy", "spec", {"AlwaysAllow", "IfHealthyBudget"}, errors);
}

// --- autoscaling ------------------------------------------------------------------------------------------------------

void check_reference(const Json& reference, const std::string& path, FieldErrors& errors) {
  for (const char* key : {"kind", "name"}) {
    const std::string text = text_at(reference, {key});
    if (text.empty()) {
      errors.push_back(required_value(path + "." + key));
    } else {
      append_problems(path_segment_problems(text), text, path + "." + key, errors);
    }
  }
}

void check_metric_target(const Json& target, const std::string& path, FieldErrors& errors) {
  const std::string type = text_at(target, {"type"});
  if (type.empty()) errors.push_back(required_value(path + ".type", "must specify a metric target type"));
  if (type != "Utilization" && type != "Value" && type != "AverageValue") errors.push_back(invalid_text(path + ".type", type, "must be either Utilization, Value, or AverageValue"));
  for (const char* key : {"value", "averageValue"}) {
    const std::string amount = text_at(target, {key});
    if (!amount.empty() && compare_quantities(amount, "0") <= 0) errors.push_back(invalid_value(path + "." + key, amount, "must be positive"));
  }
  const Json& utilization = find(target, {"averageUtilization"});
  if (utilization.is_number_integer() && utilization.get<std::int64_t>() < 1) errors.push_back(invalid_value(path + ".averageUtilization", utilization.dump(), "must be greater than 0"));
}

void check_metric_name(const Json& source, const std::string& path, FieldErrors& errors) {
  const std::string name = text_at(source, {"metric", "name"});
  if (name.empty()) {
    errors.push_back(required_value(path + ".metric.name", "must specify a metric name"));
  } else {
    append_problems(path_segment_problems(name), name, path + ".metric.name", errors);
  }
}

void check_metric(const Json& metric, const std::string& path, FieldErrors& errors) {
  const std::string type = text_at(metric, {"type"});
  if (type.empty()) errors.push_back(required_value(path + ".type", "must specify a metric source type"));
  const std::vector<std::string> types = {"ContainerResource", "External", "Object", "Pods", "Resource"};
  if (std::find(types.begin(), types.end(), type) == types.end()) errors.push_back(unsupported_value(path + ".type", in_quotes(type), types));
  std::size_t count = 0;
  bool expected = false;
  std::string wanted = type;
  if (!wanted.empty()) wanted[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(wanted[0])));
  std::vector<std::string> others;
  for (const char* kind : {"object", "external", "pods", "resource", "containerResource"}) {
    const Json& source = find(metric, {kind});
    if (!source.is_object()) continue;
    if (wanted == kind) {
      expected = true;
    } else {
      others.emplace_back(kind);
    }
    if (++count != 1) continue;
    const std::string at = path + "." + kind;
    const Json& target = find(source, {"target"});
    if (std::string_view(kind) == "resource" || std::string_view(kind) == "containerResource") {
      if (text_at(source, {"name"}).empty()) errors.push_back(required_value(at + ".name", "must specify a resource name"));
      if (std::string_view(kind) == "containerResource" && text_at(source, {"container"}).empty()) errors.push_back(required_value(at + ".container", "must specify a container"));
      check_metric_target(target, at + ".target", errors);
      const bool utilization = find(target, {"averageUtilization"}).is_number();
      const bool average = !find(target, {"averageValue"}).is_null();
      if (!utilization && !average) errors.push_back(required_value(at + ".target.averageUtilization", "must set either a target raw value or a target utilization"));
      if (utilization && average) errors.push_back(forbidden_value(at + ".target.averageValue", "may not set both a target raw value and a target utilization"));
      continue;
    }
    if (std::string_view(kind) == "object") check_reference(find(source, {"describedObject"}), at + ".describedObject", errors);
    check_metric_name(source, at, errors);
    check_metric_target(target, at + ".target", errors);
    const bool average = !find(target, {"averageValue"}).is_null();
    const bool value = !find(target, {"value"}).is_null();
    if (std::string_view(kind) == "pods") {
      if (!average) errors.push_back(required_value(at + ".target.averageValue", "must specify a positive target averageValue"));
    } else if (!average && !value) {
      errors.push_back(required_value(at + ".target.averageValue", "must set either a target value or averageValue"));
    } else if (average && value) {
      errors.push_back(forbidden_value(at + ".target.value", "may not set both a target averageValue and a target value"));
    }
  }
  if (!expected) errors.push_back(required_value(path + "." + wanted, "must populate information for the given metric source"));
  if (count != 1) {
    for (const std::string& other : others) errors.push_back(forbidden_value(path + "." + other, "must populate the given metric source only"));
  }
}

void check_scaling_rules(const Json& rules, const std::string& path, FieldErrors& errors) {
  if (!rules.is_object()) return;
  const Json& window = find(rules, {"stabilizationWindowSeconds"});
  if (window.is_number_integer() && window.get<std::int64_t>() < 0) errors.push_back(invalid_value(path + ".stabilizationWindowSeconds", window.dump(), "must be greater than or equal to zero"));
  if (window.is_number_integer() && window.get<std::int64_t>() > 3600) errors.push_back(invalid_value(path + ".stabilizationWindowSeconds", window.dump(), "must be less than or equal to 3600"));
  check_one_of(rules, "selectPolicy", path, {"Disabled", "Max", "Min"}, errors);
  const Json& policies = list_at(rules, {"policies"});
  if (policies.empty()) errors.push_back(required_value(path + ".policies", "must specify at least one Policy"));
  std::size_t position = 0;
  for (const Json& policy : policies) {
    const std::string at = at_index(path + ".policies", position++);
    const std::string type = text_at(policy, {"type"});
    if (type != "Pods" && type != "Percent") errors.push_back(unsupported_value(at + ".type", in_quotes(type), {"Percent", "Pods"}));
    if (integer_at(policy, {"value"}) <= 0) errors.push_back(invalid_value(at + ".value", std::to_string(integer_at(policy, {"value"})), "must be greater than zero"));
    const std::int64_t period = integer_at(policy, {"periodSeconds"});
    if (period <= 0) errors.push_back(invalid_value(at + ".periodSeconds", std::to_string(period), "must be greater than zero"));
    if (period > 1800) errors.push_back(invalid_value(at + ".periodSeconds", std::to_string(period), "must be less than or equal to 1800"));
  }
}

void check_autoscaler(const Json& spec, FieldErrors& errors) {
  const Json& least = find(spec, {"minReplicas"});
  const std::int64_t most = integer_at(spec, {"maxReplicas"});
  if (least.is_number_integer() && least.get<std::int64_t>() < 1) errors.push_back(invalid_value("spec.minReplicas", least.dump(), "must be greater than or equal to 1"));
  if (most < 1) errors.push_back(invalid_value("spec.maxReplicas", std::to_string(most), "must be greater than 0"));
  if (least.is_number_integer() && most < least.get<std::int64_t>()) errors.push_back(invalid_value("spec.maxReplicas", std::to_string(most), "must be greater than or equal to `minReplicas`"));
  check_reference(find(spec, {"scaleTargetRef"}), "spec.scaleTargetRef", errors);
  std::size_t position = 0;
  for (const Json& metric : list_at(spec, {"metrics"})) check_metric(metric, at_index("spec.metrics", position++), errors);
  check_scaling_rules(find(spec, {"behavior", "scaleUp"}), "spec.behavior.scaleUp", errors);
  check_scaling_rules(find(spec, {"behavior", "scaleDown"}), "spec.behavior.scaleDown", errors);
}

}  // namespace

void check_workload_kind(const Json& object, const Resource& resource, FieldErrors& errors) {
  const std::string& kind = resource.kind;
  const Json& spec = find(object, {"spec"});
  if (kind == "Deployment") return check_deployment(spec, errors);
  if (kind == "ReplicaSet") return check_replica_set(spec, errors);
  if (kind == "DaemonSet") return check_daemon_set(spec, errors);
  if (kind == "StatefulSet") return check_stateful_set(spec, errors);
  if (kind == "ReplicationController") return check_replication_controller(spec, errors);
  if (kind == "Job") return check_job(object, errors);
  if (kind == "CronJob") return check_cron_job(object, errors);
  if (kind == "PodDisruptionBudget") return check_budget(spec, errors);
  if (kind == "PodTemplate") return check_pod_template(find(object, {"template"}), "template", errors);
  if (kind == "ControllerRevision") {
    if (integer_at(object, {"revision"}) < 0) errors.push_back(invalid_value("revision", find(object, {"revision"}).dump(), "must be greater than or equal to 0"));
    if (find(object, {"data"}).is_null()) errors.push_back(required_value("data", "data is mandatory"));
    return;
  }
  if (kind == "HorizontalPodAutoscaler" && resource.version == "v2") return check_autoscaler(spec, errors);
  if (kind == "HorizontalPodAutoscaler") {
    Json as_v2 = spec;
    as_v2.erase("metrics");
    return check_autoscaler(as_v2, errors);
  }
}

void check_workload_change(const Json& object, const Json& old, const Resource& resource, FieldErrors& errors) {
  const std::string& kind = resource.kind;
  if (resource.group == "apps" && kind != "ControllerRevision" && kind != "StatefulSet" && find(object, {"spec", "selector"}) != find(old, {"spec", "selector"})) {
    errors.push_back(invalid_value("spec.selector", shown_selector(find(object, {"spec", "selector"})), "field is immutable"));
  }
  if (kind == "ControllerRevision" && find(object, {"data"}) != find(old, {"data"})) errors.push_back(invalid_value("data", "runtime.RawExtension{}", "field is immutable"));
  if (kind == "StatefulSet") {
    Json now = object.at("spec");
    Json then = old.at("spec");
    for (const char* key : {"replicas", "template", "updateStrategy", "persistentVolumeClaimRetentionPolicy", "minReadySeconds", "ordinals"}) {
      now.erase(key);
      then.erase(key);
    }
    if (now != then) {
      errors.push_back(forbidden_value("spec", "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                                               "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"));
    }
  }
  if (kind == "Job") {
    const bool indexed = find(old, {"spec", "completionMode"}) == "Indexed";
    const Json& completions = find(object, {"spec", "completions"});
    if (completions != find(old, {"spec", "completions"})) {
      if (!indexed) {
        check_immutable(completions, find(old, {"spec", "completions"}), "spec.completions", errors);
      } else if (completions != find(object, {"spec", "parallelism"})) {
        errors.push_back(invalid_value("spec.completions", completions.is_null() ? "\"null\"" : completions.dump(), "can only be modified in tandem with parallelism"));
      }
    }
    if (find(object, {"spec", "selector"}) != find(old, {"spec", "selector"})) errors.push_back(invalid_value("spec.selector", shown_selector(find(object, {"spec", "selector"})), "field is immutable"));
    if (find(object, {"spec", "template"}) != find(old, {"spec", "template"}) && !(runtime::bool_at(old, {"spec", "suspend"}) && find(old, {"status", "startTime"}).is_null())) {
      errors.push_back(invalid_value("spec.template", "core.PodTemplateSpec{}", "field is immutable"));
    }
    check_immutable(find(object, {"spec", "completionMode"}), find(old, {"spec", "completionMode"}), "spec.completionMode", errors);
    if (find(object, {"spec", "podFailurePolicy"}) != find(old, {"spec", "podFailurePolicy"})) errors.push_back(invalid_value("spec.podFailurePolicy", "batch.PodFailurePolicy{}", "field is immutable"));
    check_immutable(find(object, {"spec", "backoffLimitPerIndex"}), find(old, {"spec", "backoffLimitPerIndex"}), "spec.backoffLimitPerIndex", errors);
  }
}

}  // namespace skidpad::fakes::kube_apiserver

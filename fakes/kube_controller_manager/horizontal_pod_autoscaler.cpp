#include "fakes/kube_controller_manager/horizontal_pod_autoscaler.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

/// As the controller sets them: in place, and with the time only when the status changes.
void set_hpa_condition(Json& status, const char* type, bool holds, const std::string& reason, const std::string& message, WallTime now) {
  Json* condition = nullptr;
  if (!status.contains("conditions") || !status["conditions"].is_array()) status["conditions"] = Json::array();
  for (Json& each : status["conditions"]) {
    if (text_at(each, {"type"}) == type) condition = &each;
  }
  if (condition == nullptr) {
    status["conditions"].push_back(Json::object());
    condition = &status["conditions"].back();
    (*condition)["type"] = type;
  }
  const char* text = holds ? "True" : "False";
  if (text_at(*condition, {"status"}) != text) {
    (*condition)["status"] = text;
    (*condition)["lastTransitionTime"] = runtime::format_rfc3339(now);
  }
  (*condition)["reason"] = reason;
  (*condition)["message"] = message;
}

/// Kinds with a scale subresource that we know without asking discovery.
std::optional<ResourceType> scalable(const Json& reference) {
  const std::string kind = text_at(reference, {"kind"});
  const std::string version = text_at(reference, {"apiVersion"});
  for (const ResourceType* type : {&types::deployments, &types::replica_sets, &types::stateful_sets, &types::replication_controllers}) {
    if (type->kind == kind && type->api_version() == version) return *type;
  }
  const std::size_t slash = version.find('/');
  if (kind.empty() || slash == std::string::npos) return std::nullopt;
  std::string plural = kind;
  for (char& c : plural) c = char(std::tolower(static_cast<unsigned char>(c)));
  return ResourceType(version.substr(0, slash), version.substr(slash + 1), plural + "s", kind, client::Scope::namespaced);
}

}  // namespace

struct HorizontalPodAutoscalerController::Look {
  Json autoscaler;
  Json status;
  ResourceType target;
  Json scale;
  std::int64_t current = 0;
  Json metrics = Json::array();
  bool rescaled = false;
  std::int64_t desired = 0;
};

HorizontalPodAutoscalerController::HorizontalPodAutoscalerController(Surroundings& surroundings)
    : QueueController(surroundings, "horizontalpodautoscaler", "horizontal-pod-autoscaler", surroundings.settings.concurrent_horizontal_pod_autoscaler_syncs),
      autoscalers_(surroundings.informers.informer(types::horizontal_pod_autoscalers)),
      pods_(surroundings.informers.informer(types::pods)) {
  times_.cpu_initialization_period = surroundings.settings.horizontal_pod_autoscaler_cpu_initialization_period;
  times_.initial_readiness_delay = surroundings.settings.horizontal_pod_autoscaler_initial_readiness_delay;
  times_.downscale_stabilization = surroundings.settings.horizontal_pod_autoscaler_downscale_stabilization;
  times_.tolerance = surroundings.settings.horizontal_pod_autoscaler_tolerance;
  // Looked at once a period, also after a change: a write of its own status must not make it look again at once.
  const auto later = [this](const ObjectPointer& autoscaler) {
    queue_.add_after(client::key_of(*autoscaler), surroundings_.settings.horizontal_pod_autoscaler_sync_period);
  };
  client::InformerHandler handler;
  handler.added = later;
  handler.updated = [later](const ObjectPointer&, const ObjectPointer& now) { later(now); };
  handler.deleted = [this](const ObjectPointer& autoscaler) { memories_.erase(client::key_of(*autoscaler)); };
  autoscalers_.add_handler(std::move(handler));
}

void HorizontalPodAutoscalerController::warn(const Look& look, const std::string& reason, const std::string& message) {
  events_.record(look.autoscaler, types::horizontal_pod_autoscalers, EventType::warning, reason, message);
}

Task<bool> HorizontalPodAutoscalerController::find_scale(Look& look) {
  const Json& reference = find(look.autoscaler, {"spec", "scaleTargetRef"});
  std::string failure;
  if (const auto type = scalable(reference)) {
    look.target = *type;
    const std::string name = text_at(reference, {"name"});
    auto scale = co_await client_.subresource("GET", look.target, client::namespace_of(look.autoscaler), name, "scale");
    if (scale) {
      look.scale = std::move(scale.value());
      look.current = integer_at(look.scale, {"spec", "replicas"});
      look.desired = look.current;
      set_hpa_condition(look.status, "AbleToScale", true, "SucceededGetScale", "the HPA controller was able to get the target's current scale", now());
      co_return true;
    }
    failure = scale.error().message;
  } else {
    failure = "no matches for kind \"" + text_at(reference, {"kind"}) + "\" in group \"" + text_at(reference, {"apiVersion"}) + "\"";
  }
  warn(look, "FailedGetScale", failure);
  set_hpa_condition(look.status, "AbleToScale", false, "FailedGetScale", "the HPA controller was unable to get the target's current scale: " + failure, now());
  co_return false;
}

Task<Result<PodUsages>> HorizontalPodAutoscalerController::usages(std::string namespace_name, std::string selector, std::string resource, std::string container) {
  const std::string target = "/apis/metrics.k8s.io/v1beta1/namespaces/" + namespace_name + "/pods?labelSelector=" + runtime::percent_encode(selector);
  auto answer = co_await client_.raw("GET", target);
  const std::string what = "unable to get metrics for resource " + resource + ": ";
  if (!answer) {
    std::string why = answer.error().message;
    if (answer.error().http_status == 404) why = "the server could not find the requested resource (get pods.metrics.k8s.io)";
    co_return Error(ErrorCode::unavailable, what + "unable to fetch metrics from resource metrics API: " + why);
  }
  auto list = runtime::parse_json(answer.value());
  if (!list || list_at(list.value(), {"items"}).empty()) co_return Error(ErrorCode::unavailable, what + "no metrics returned from resource metrics API");
  co_return read_usages(list.value(), resource, container);
}

Task<std::optional<std::int64_t>> HorizontalPodAutoscalerController::compute(Look& look, std::string& metric_name) {
  const std::string selector_text = text_at(look.scale, {"status", "selector"});
  const auto selector = Selector::parse(selector_text);
  if (selector_text.empty() || !selector) {
    std::string event_reason = "SelectorRequired";
    std::string event_message = "selector is required";
    std::string message = "the HPA target's scale is missing a selector";
    if (!selector_text.empty()) {
      event_reason = "InvalidSelector";
      message = event_message = "couldn't convert selector into a corresponding internal selector object converting label selector to internal selector";
    }
    warn(look, event_reason, event_message);
    set_hpa_condition(look.status, "ScalingActive", false, "InvalidSelector", message, now());
    co_return std::nullopt;
  }
  const std::string& namespace_name = client::namespace_of(look.autoscaler);
  std::vector<ObjectPointer> pods;
  for (const ObjectPointer& pod : pods_.store().in_namespace(namespace_name)) {
    if (selector.value().matches(client::labels_of(*pod))) pods.push_back(pod);
  }
  const Json metrics = list_at(look.autoscaler, {"spec", "metrics"});
  std::int64_t largest = 0;
  std::size_t invalid = 0;
  std::string first_reason;
  std::string first_condition;
  std::string first_error;
  for (const Json& metric : metrics) {
    const std::string type = text_at(metric, {"type"});
    const bool of_container = type == "ContainerResource";
    std::string field = "resource";
    if (of_container) field = "containerResource";
    const Json& source = find(metric, {field});
    const std::string resource = text_at(source, {"name"});
    const std::string container = text_at(source, {"container"});
    Result<MetricProposal> proposal = Error(ErrorCode::invalid, "unknown metric source type \"" + type + "\"");
    if (type == "Resource" || of_container) {
      auto used = co_await usages(namespace_name, selector_text, resource, container);
      if (used) {
        proposal = propose(metric, look.current, pods, std::move(used.value()), times_, now());
      } else {
        std::string message = "failed to get " + resource;
        if (find(source, {"target", "averageValue"}).is_null()) message += " utilization: ";
        else message += " usage: ";
        proposal = Error(ErrorCode::unavailable, message + used.error().message);
      }
    } else if (type == "Pods" || type == "Object" || type == "External") {
      std::string api = "custom";
      if (type == "External") api = "external";
      proposal = Error(ErrorCode::unavailable, "unable to get metric: no " + api + " metrics API is served");
    }
    if (proposal) {
      look.metrics.push_back(proposal.value().status);
      if (largest == 0 || proposal.value().replicas > largest) {
        largest = proposal.value().replicas;
        metric_name = proposal.value().name;
      }
      continue;
    }
    look.metrics.push_back(Json{{"type", ""}});
    const std::string reason = "FailedGet" + type + "Metric";
    warn(look, reason, proposal.error().message);
    if (++invalid > 1) continue;
    first_reason = reason;
    first_condition = "the HPA was unable to compute the replica count: " + proposal.error().message;
    std::string which = type;
    if (type == "Resource") which = resource + " resource";
    if (of_container) which = resource + " container";
    first_error = "failed to get " + which + " metric value: " + proposal.error().message;
  }
  if (invalid == metrics.size() || (invalid > 0 && largest < look.current)) {
    set_hpa_condition(look.status, "ScalingActive", false, first_reason, first_condition, now());
    warn(look, "FailedComputeMetricsReplicas", "invalid metrics (" + std::to_string(invalid) + " invalid out of " + std::to_string(metrics.size()) +
                                                   "), first error is: " + first_error);
    co_return std::nullopt;
  }
  set_hpa_condition(look.status, "ScalingActive", true, "ValidMetricFound", "the HPA was able to successfully calculate a replica count from " + metric_name, now());
  co_return largest;
}

Task<void> HorizontalPodAutoscalerController::rescale(Look& look, std::int64_t replicas, std::string reason) {
  look.scale["spec"]["replicas"] = replicas;
  auto scaled = co_await client_.subresource("PUT", look.target, client::namespace_of(look.autoscaler), client::name_of(look.scale), "scale", look.scale);
  const std::string size = "New size: " + std::to_string(replicas) + "; reason: " + reason;
  if (!scaled) {
    warn(look, "FailedRescale", size + "; error: " + scaled.error().message);
    set_hpa_condition(look.status, "AbleToScale", false, "FailedUpdateScale", "the HPA controller was unable to update the target scale: " + scaled.error().message, now());
    co_return;
  }
  look.rescaled = true;
  look.desired = replicas;
  set_hpa_condition(look.status, "AbleToScale", true, "SucceededRescale", "the HPA controller was able to update the target scale to " + std::to_string(replicas), now());
  events_.record(look.autoscaler, types::horizontal_pod_autoscalers, EventType::normal, "SuccessfulRescale", size);
  remember_scaling(memories_[client::key_of(look.autoscaler)], look.current, replicas, now());
}

Task<void> HorizontalPodAutoscalerController::look(Look& look) {
  if (!co_await find_scale(look)) co_return;
  AutoscalerMemory& memory = memories_[client::key_of(look.autoscaler)];
  if (memory.recommendations.empty()) memory.recommendations.push_back({look.current, now()});
  const std::int64_t size_min = integer_at(look.autoscaler, {"spec", "minReplicas"}, 1);
  const std::int64_t size_max = integer_at(look.autoscaler, {"spec", "maxReplicas"});
  if (look.current == 0 && size_min != 0) {
    set_hpa_condition(look.status, "ScalingActive", false, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero", now());
    look.desired = 0;
    co_return;
  }
  if (look.current > size_max) {
    co_await rescale(look, size_max, "Current number of replicas above Spec.MaxReplicas");
    co_return;
  }
  if (look.current < size_min) {
    co_await rescale(look, size_min, "Current number of replicas below Spec.MinReplicas");
    co_return;
  }
  std::string metric_name;
  const std::optional<std::int64_t> recommended = co_await compute(look, metric_name);
  if (!recommended) {
    look.desired = integer_at(look.autoscaler, {"status", "desiredReplicas"});   // left as it was
    co_return;
  }
  const BoundedSize size = bound_size(look.autoscaler, look.current, *recommended, times_, memory, now());
  set_hpa_condition(look.status, "AbleToScale", true, size.able_reason, size.able_message, now());
  set_hpa_condition(look.status, "ScalingLimited", size.limited, size.limited_reason, size.limited_message, now());
  if (size.replicas == look.current) co_return;
  std::string reason;
  if (*recommended > look.current) reason = metric_name + " above target";
  if (*recommended < look.current) reason = "All metrics below target";
  co_await rescale(look, size.replicas, std::move(reason));
}

Task<Result<void>> HorizontalPodAutoscalerController::reconcile(std::string key) {
  const ObjectPointer cached = autoscalers_.store().find(key);
  if (cached == nullptr) co_return success();
  queue_.add_after(key, surroundings_.settings.horizontal_pod_autoscaler_sync_period);
  Look one;
  one.autoscaler = *cached;
  one.status = find(*cached, {"status"});
  if (!one.status.is_object()) one.status = Json::object();
  one.desired = integer_at(one.status, {"desiredReplicas"});
  co_await look(one);
  Json status = Json::object();
  if (one.current != 0) status["currentReplicas"] = one.current;
  status["desiredReplicas"] = one.desired;
  if (one.rescaled) status["lastScaleTime"] = runtime::format_rfc3339(now());
  else if (one.status.contains("lastScaleTime")) status["lastScaleTime"] = one.status["lastScaleTime"];
  status["currentMetrics"] = nullptr;
  if (!one.metrics.empty()) status["currentMetrics"] = std::move(one.metrics);
  status["conditions"] = find(one.status, {"conditions"});
  if (status == find(*cached, {"status"})) co_return success();
  Json changed = *cached;
  changed["status"] = std::move(status);
  auto updated = co_await client_.update_status(types::horizontal_pod_autoscalers, std::move(changed));
  // A conflict is no loss: the next look comes soon enough.
  if (!updated && updated.error().code != ErrorCode::not_found && updated.error().code != ErrorCode::conflict) co_return updated.error();
  co_return success();
}

}  // namespace skidpad::fakes::kube_controller_manager

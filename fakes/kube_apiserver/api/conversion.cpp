#include "fakes/kube_apiserver/api/conversion.hpp"

#include "fakes/kube_apiserver/crd/custom_definition.hpp"
#include "harness/runtime/assert.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;

/// events.k8s.io/v1 name, core/v1 name.
constexpr std::pair<const char*, const char*> event_fields[] = {
    {"reportingController", "reportingComponent"}, {"regarding", "involvedObject"},
    {"note", "message"},                           {"deprecatedSource", "source"},
    {"deprecatedFirstTimestamp", "firstTimestamp"}, {"deprecatedLastTimestamp", "lastTimestamp"},
    {"deprecatedCount", "count"},
};

bool is_new_event(const Resource& resource) { return resource.group == "events.k8s.io"; }
bool is_old_autoscaler(const Resource& resource) { return resource.group == "autoscaling" && resource.version == "v1" && resource.kind == "HorizontalPodAutoscaler"; }

void rename(Json& object, const char* from, const char* to) {
  const auto found = object.find(from);
  if (found == object.end()) return;
  Json value = std::move(*found);
  object.erase(found);
  object[to] = std::move(value);
}

void autoscaler_to_v2(Json& object) {
  Json& spec = object["spec"];
  const Json percentage = find(spec, {"targetCPUUtilizationPercentage"});
  spec.erase("targetCPUUtilizationPercentage");
  if (percentage.is_number()) {
    spec["metrics"] = Json::array({{{"type", "Resource"}, {"resource", {{"name", "cpu"}, {"target", {{"type", "Utilization"}, {"averageUtilization", percentage}}}}}}});
  }
  Json& status = object["status"];
  status.erase("currentCPUUtilizationPercentage");
}

void autoscaler_to_v1(Json& object) {
  Json& spec = object["spec"];
  for (const Json& metric : runtime::list_at(spec, {"metrics"})) {
    if (runtime::text_at(metric, {"resource", "name"}) == "cpu" && find(metric, {"resource", "target", "averageUtilization"}).is_number()) {
      spec["targetCPUUtilizationPercentage"] = find(metric, {"resource", "target", "averageUtilization"});
    }
  }
  spec.erase("metrics");
  spec.erase("behavior");
  Json& status = object["status"];
  for (const Json& metric : runtime::list_at(status, {"currentMetrics"})) {
    if (runtime::text_at(metric, {"resource", "name"}) == "cpu") status["currentCPUUtilizationPercentage"] = find(metric, {"resource", "current", "averageUtilization"});
  }
  status.erase("currentMetrics");
  status.erase("conditions");
}

}  // namespace

const Resource& storage_form(const Resource& resource) {
  if (is_new_event(resource)) {
    static const Resource* const events = find_built_in("", "v1", "events");
    return *events;
  }
  if (is_old_autoscaler(resource)) {
    static const Resource* const autoscalers = find_built_in("autoscaling", "v2", "horizontalpodautoscalers");
    return *autoscalers;
  }
  return resource;
}

bool stored_differently(const Resource& resource) {
  if (resource.custom) return resource.custom->storage_version != resource.version;
  return is_new_event(resource) || is_old_autoscaler(resource);
}

void to_storage(Json& object, const Resource& resource) {
  if (resource.custom) {
    object["apiVersion"] = resource.group + "/" + resource.custom->storage_version;
    return;
  }
  const Resource& form = storage_form(resource);
  if (&form == &resource) return;
  if (is_new_event(resource)) {
    for (const auto& [modern, old] : event_fields) rename(object, modern, old);
  } else {
    autoscaler_to_v2(object);
  }
  object["kind"] = form.kind;
  object["apiVersion"] = form.api_version();
  canonicalise(object, *form.type, nullptr);
}

void from_storage(Json& object, const Resource& resource) {
  if (resource.custom) {
    object["apiVersion"] = resource.api_version();
    return;
  }
  if (&storage_form(resource) == &resource) return;
  if (is_new_event(resource)) {
    for (const auto& [modern, old] : event_fields) rename(object, old, modern);
  } else {
    autoscaler_to_v1(object);
  }
  object["kind"] = resource.kind;
  object["apiVersion"] = resource.api_version();
  canonicalise(object, *resource.type, nullptr);
}

}  // namespace skidpad::fakes::kube_apiserver

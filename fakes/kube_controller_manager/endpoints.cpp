#include "fakes/kube_controller_manager/endpoints.hpp"

#include "fakes/kube_controller_manager/pod_control.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

const std::string service_name_label = "kubernetes.io/service-name";
const std::string managed_by_label = "endpointslice.kubernetes.io/managed-by";
const std::string managed_by_us = "endpointslice-controller.k8s.io";
const std::string headless_label = "service.kubernetes.io/headless";
const std::string trigger_time_annotation = "endpoints.kubernetes.io/last-change-trigger-time";

bool concerns_endpoints(const Json& before, const Json& now) {
  return client::labels_of(before) != client::labels_of(now) || client::is_deleting(before) != client::is_deleting(now) ||
         client::is_pod_ready(before) != client::is_pod_ready(now) || find(before, {"status", "podIP"}) != find(now, {"status", "podIP"}) ||
         find(before, {"spec", "nodeName"}) != find(now, {"spec", "nodeName"}) ||
         client::is_pod_finished(before) != client::is_pod_finished(now);
}

bool is_headless(const Json& service) { return text_at(service, {"spec", "clusterIP"}) == "None"; }

}  // namespace

ServiceController::ServiceController(Surroundings& surroundings, std::string name, std::string component, std::int64_t workers)
    : QueueController(surroundings, std::move(name), std::move(component), workers),
      services_(surroundings.informers.informer(types::services)),
      pods_(surroundings.informers.informer(types::pods)) {
  services_.add_handler(client::on_any_change([this](const ObjectPointer& service) { enqueue(*service); }));
  client::InformerHandler pods;
  pods.added = [this](const ObjectPointer& pod) { enqueue_services_of(*pod); };
  pods.updated = [this](const ObjectPointer& before, const ObjectPointer& now) {
    if (!concerns_endpoints(*before, *now)) return;
    enqueue_services_of(*now);
    if (client::labels_of(*before) != client::labels_of(*now)) enqueue_services_of(*before);
  };
  pods.deleted = [this](const ObjectPointer& pod) { enqueue_services_of(*pod); };
  pods_.add_handler(std::move(pods));
}

void ServiceController::enqueue_services_of(const Json& pod) {
  for (const ObjectPointer& service : services_.store().in_namespace(client::namespace_of(pod))) {
    const Json& selector = find(*service, {"spec", "selector"});
    if (selector.is_object() && !selector.empty() && Selector::from_map(selector).matches(client::labels_of(pod))) enqueue(*service);
  }
}

ObjectPointer ServiceController::selecting_service(const std::string& key) const {
  ObjectPointer service = services_.store().find(key);
  if (service == nullptr) return nullptr;
  const Json& selector = find(*service, {"spec", "selector"});
  return selector.is_object() && !selector.empty() && text_at(*service, {"spec", "type"}) != "ExternalName" ? service : nullptr;
}

EndpointSliceController::EndpointSliceController(Surroundings& surroundings)
    : ServiceController(surroundings, "endpoint_slice", "endpoint-slice-controller", surroundings.settings.concurrent_service_endpoint_syncs),
      slices_(surroundings.informers.informer(types::endpoint_slices)),
      nodes_(surroundings.informers.informer(types::nodes)) {
  slices_.store().add_index("service", [](const Json& slice, std::vector<std::string>& values) {
    if (text_at(slice, {"metadata", "labels", managed_by_label}) != managed_by_us) return;
    values.push_back(client::make_key(client::namespace_of(slice), text_at(slice, {"metadata", "labels", service_name_label})));
  });
  slices_.add_handler(client::on_any_change([this](const ObjectPointer& slice) {
    if (text_at(*slice, {"metadata", "labels", managed_by_label}) != managed_by_us) return;
    queue_.add(client::make_key(client::namespace_of(*slice), text_at(*slice, {"metadata", "labels", service_name_label})));
  }));
}

Task<Result<void>> EndpointSliceController::reconcile(std::string key) {
  std::vector<ObjectPointer> existing = slices_.store().by_index("service", key);
  std::vector<ObjectPointer> left;
  const ObjectPointer service = selecting_service(key);
  if (service != nullptr && client::is_deleting(*service)) co_return success();
  if (service == nullptr) {
    // With the service gone the garbage collector takes them too; whoever is first.
    left = existing;
  } else {
    std::vector<Json> wanted =
        wanted_slices(*service, endpoint_pods(*service, pods_.store().in_namespace(client::namespace_of(*service))), nodes_.store());
    Json labels = client::labels_of(*service);
    labels[service_name_label] = client::name_of(*service);
    labels[managed_by_label] = managed_by_us;
    if (is_headless(*service)) labels[headless_label] = "";
    // Slices are reused in order: the fewest writes, and names that stay.
    std::size_t used = 0;
    for (Json& content : wanted) {
      while (used < existing.size() && client::is_deleting(*existing[used])) ++used;
      if (used < existing.size()) {
        const ObjectPointer slice = existing[used++];
        const Json& endpoints_before = list_at(*slice, {"endpoints"});
        const Json& ports_before = list_at(*slice, {"ports"});
        if (endpoints_before == content["endpoints"] && ports_before == content["ports"] && client::labels_of(*slice) == labels) continue;
        Json changed = *slice;
        changed["endpoints"] = std::move(content["endpoints"]);
        changed["ports"] = std::move(content["ports"]);
        changed["metadata"]["labels"] = labels;
        changed["metadata"]["annotations"][trigger_time_annotation] = runtime::format_rfc3339(now());
        auto updated = co_await client_.update(types::endpoint_slices, std::move(changed));
        if (!updated) co_return updated.error();
        continue;
      }
      Json slice = std::move(content);
      slice["addressType"] = "IPv4";
      slice["metadata"]["generateName"] = client::name_of(*service) + "-";
      slice["metadata"]["namespace"] = client::namespace_of(*service);
      slice["metadata"]["labels"] = labels;
      slice["metadata"]["annotations"][trigger_time_annotation] = runtime::format_rfc3339(now());
      slice["metadata"]["ownerReferences"] = Json::array();
      slice["metadata"]["ownerReferences"].push_back(client::controller_reference(*service, types::services));
      auto created = co_await client_.create(types::endpoint_slices, std::move(slice));
      if (!created && is_namespace_terminating(created.error())) co_return success();
      if (!created) co_return created.error();
      // Seen by the cache before the next pass, or that pass would make another one.
      slices_.store().put(std::make_shared<const Json>(std::move(created.value())));
    }
    left.assign(existing.begin() + std::ptrdiff_t(std::min(used, existing.size())), existing.end());
  }
  for (const ObjectPointer& slice : left) {
    auto removed = co_await client_.remove(types::endpoint_slices, client::namespace_of(*slice), client::name_of(*slice));
    if (!removed && removed.error().code != ErrorCode::not_found) co_return removed.error();
  }
  co_return success();
}

EndpointsController::EndpointsController(Surroundings& surroundings)
    : ServiceController(surroundings, "endpoint", "endpoint-controller", surroundings.settings.concurrent_endpoint_syncs),
      endpoints_(surroundings.informers.informer(types::endpoints)) {
  client::InformerHandler handler;
  handler.deleted = [this](const ObjectPointer& object) { enqueue(*object); };
  endpoints_.add_handler(std::move(handler));
}

Task<Result<void>> EndpointsController::reconcile(std::string key) {
  const ObjectPointer service = selecting_service(key);
  const ObjectPointer existing = endpoints_.store().find(key);
  if (service == nullptr) {
    // A service without a selector has Endpoints of somebody else's making; without a service there are none.
    if (services_.store().find(key) != nullptr || existing == nullptr) co_return success();
    // Not ours to delete: leader locks of old, and objects never made for a service.
    if (client::annotations_of(*existing).contains("control-plane.alpha.kubernetes.io/leader")) co_return success();
    auto removed = co_await client_.remove(types::endpoints, client::namespace_of(*existing), client::name_of(*existing));
    if (!removed && removed.error().code != ErrorCode::not_found) co_return removed.error();
    co_return success();
  }
  Json subsets = wanted_subsets(*service, endpoint_pods(*service, pods_.store().in_namespace(client::namespace_of(*service))));
  Json labels = client::labels_of(*service);
  if (is_headless(*service)) labels[headless_label] = "";
  if (existing != nullptr && list_at(*existing, {"subsets"}) == subsets && client::labels_of(*existing) == labels) co_return success();
  Json object = existing != nullptr ? *existing : Json::object();
  object["metadata"]["name"] = client::name_of(*service);
  object["metadata"]["namespace"] = client::namespace_of(*service);
  if (labels.empty()) {
    object["metadata"].erase("labels");
  } else {
    object["metadata"]["labels"] = std::move(labels);
  }
  object["metadata"]["annotations"][trigger_time_annotation] = runtime::format_rfc3339(now());
  if (subsets.empty()) {
    object.erase("subsets");
  } else {
    object["subsets"] = std::move(subsets);
  }
  auto writing = existing != nullptr ? client_.update(types::endpoints, std::move(object)) : client_.create(types::endpoints, std::move(object));
  auto written = co_await std::move(writing);
  if (!written && is_namespace_terminating(written.error())) co_return success();
  // A conflict, or an object our cache does not show yet: look again.
  if (!written) co_return written.error();
  co_return success();
}

}  // namespace skidpad::fakes::kube_controller_manager

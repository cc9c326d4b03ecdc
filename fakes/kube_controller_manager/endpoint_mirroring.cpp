#include "fakes/kube_controller_manager/endpoint_mirroring.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

const std::string manager_label = "endpointslice.kubernetes.io/managed-by";
const std::string mirror_manager = "endpointslicemirroring-controller.k8s.io";
const std::string service_label = "kubernetes.io/service-name";
const std::string skip_label = "endpointslice.kubernetes.io/skip-mirror";
const std::string leader_annotation = "control-plane.alpha.kubernetes.io/leader";
const std::string trigger_annotation = "endpoints.kubernetes.io/last-change-trigger-time";

Json mirrored_endpoint(const Json& address, bool ready) {
  Json endpoint = Json::object();
  endpoint["addresses"].push_back(text_at(address, {"ip"}));
  endpoint["conditions"]["ready"] = ready;
  for (const char* key : {"hostname", "nodeName", "targetRef"}) {
    const Json& value = find(address, {key});
    if (!value.is_null()) endpoint[key] = value;
  }
  return endpoint;
}

/// Parts that say the same; ports get what the server fills in.
bool same_content(const Json& wanted, const Json& present) {
  for (const char* key : {"addressType", "endpoints", "ports"}) {
    if (find(wanted, {key}) != find(present, {key})) return false;
  }
  return client::labels_of(wanted) == client::labels_of(present);
}

}  // namespace

std::vector<Json> mirrored_slices(const Json& endpoints) {
  std::vector<Json> slices;
  for (const Json& subset : list_at(endpoints, {"subsets"})) {
    for (const char* family : {"IPv4", "IPv6"}) {
      Json slice = Json::object();
      Json& metadata = slice["metadata"];
      metadata["generateName"] = client::name_of(endpoints) + "-";
      metadata["namespace"] = client::namespace_of(endpoints);
      metadata["labels"] = client::labels_of(endpoints).is_object() ? client::labels_of(endpoints) : Json::object();
      metadata["labels"][manager_label] = mirror_manager;
      metadata["labels"][service_label] = client::name_of(endpoints);
      for (const auto& [key, value] : list_at(endpoints, {"metadata", "annotations"}).items()) {
        if (key != trigger_annotation) metadata["annotations"][key] = value;
      }
      Json owner = Json::object();
      owner["apiVersion"] = "v1";
      owner["kind"] = "Endpoints";
      owner["name"] = client::name_of(endpoints);
      owner["uid"] = client::uid_of(endpoints);
      owner["controller"] = true;
      owner["blockOwnerDeletion"] = true;
      metadata["ownerReferences"].push_back(std::move(owner));
      slice["addressType"] = family;
      slice["endpoints"] = Json::array();
      for (const char* list : {"addresses", "notReadyAddresses"}) {
        for (const Json& address : list_at(subset, {list})) {
          const bool six = text_at(address, {"ip"}).find(':') != std::string::npos;
          if (six == (std::string_view(family) == "IPv6")) slice["endpoints"].push_back(mirrored_endpoint(address, std::string_view(list) == "addresses"));
        }
      }
      slice["ports"] = Json::array();
      for (Json port : list_at(subset, {"ports"})) {
        if (!port.contains("name")) port["name"] = "";
        if (!port.contains("protocol")) port["protocol"] = "TCP";
        slice["ports"].push_back(std::move(port));
      }
      if (!slice["endpoints"].empty()) slices.push_back(std::move(slice));
    }
  }
  return slices;
}

EndpointMirroringController::EndpointMirroringController(Surroundings& surroundings)
    : QueueController(surroundings, "endpoint_slice_mirroring", "endpoint-slice-mirroring-controller", 1),
      endpoints_(surroundings.informers.informer(types::endpoints)),
      services_(surroundings.informers.informer(types::services)),
      slices_(surroundings.informers.informer(types::endpoint_slices)) {
  endpoints_.add_handler(client::on_any_change([this](const ObjectPointer& endpoints) { enqueue(*endpoints); }));
  services_.add_handler(client::on_any_change([this](const ObjectPointer& service) { enqueue(*service); }));
  slices_.add_handler(client::on_any_change([this](const ObjectPointer& slice) {
    if (text_at(*slice, {"metadata", "labels", manager_label}) != mirror_manager) return;
    queue_.add(client::make_key(client::namespace_of(*slice), text_at(*slice, {"metadata", "labels", service_label})));
  }));
}

Task<Result<void>> EndpointMirroringController::reconcile(std::string key) {
  const ObjectPointer endpoints = endpoints_.store().find(key);
  const ObjectPointer service = services_.store().find(key);
  const std::string home = key.substr(0, key.find('/'));
  const std::string name = key.substr(key.find('/') + 1);
  std::vector<Json> wanted;
  const bool mirrored = endpoints != nullptr && service != nullptr && list_at(*service, {"spec", "selector"}).empty() &&
                        text_at(*endpoints, {"metadata", "labels", skip_label}) != "true" && !find(*endpoints, {"metadata", "annotations", leader_annotation}).is_string();
  if (mirrored) wanted = mirrored_slices(*endpoints);
  std::vector<ObjectPointer> spare;
  for (const ObjectPointer& slice : slices_.store().in_namespace(home)) {
    if (text_at(*slice, {"metadata", "labels", manager_label}) != mirror_manager || text_at(*slice, {"metadata", "labels", service_label}) != name) continue;
    const auto same = std::find_if(wanted.begin(), wanted.end(), [&](const Json& each) { return same_content(each, *slice); });
    if (same == wanted.end()) {
      spare.push_back(slice);
    } else {
      wanted.erase(same);
    }
  }
  for (Json& slice : wanted) {
    const auto reusable = std::find_if(spare.begin(), spare.end(), [&](const ObjectPointer& each) { return find(*each, {"addressType"}) == slice["addressType"]; });
    if (reusable == spare.end()) {
      auto created = co_await client_.create(types::endpoint_slices, std::move(slice));
      if (!created) co_return created.error();
      continue;
    }
    Json changed = **reusable;
    for (const char* part : {"endpoints", "ports"}) changed[part] = slice[part];
    changed["metadata"]["labels"] = slice["metadata"]["labels"];
    spare.erase(reusable);
    auto updated = co_await client_.update(types::endpoint_slices, std::move(changed));
    if (!updated) co_return updated.error();
  }
  for (const ObjectPointer& slice : spare) {
    auto removed = co_await client_.remove(types::endpoint_slices, home, client::name_of(*slice));
    if (!removed && removed.error().code != ErrorCode::not_found) co_return removed.error();
  }
  co_return success();
}

}  // namespace skidpad::fakes::kube_controller_manager

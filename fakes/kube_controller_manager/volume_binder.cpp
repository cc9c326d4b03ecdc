#include "fakes/kube_controller_manager/volume_binder.hpp"

#include "harness/client/kubernetes/quantity.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

const std::string bound_by_controller = "pv.kubernetes.io/bound-by-controller";
const std::string bind_completed = "pv.kubernetes.io/bind-completed";
const std::string selected_node = "volume.kubernetes.io/selected-node";
constexpr const char* provisioner_annotations[] = {"volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner"};

bool has_annotation(const Json& object, const std::string& key) { return find(object, {"metadata", "annotations", key}).is_string(); }

bool is_reserved_for(const Json& volume, const Json& claim) {
  const Json& reference = find(volume, {"spec", "claimRef"});
  if (!reference.is_object()) return false;
  const std::string uid = text_at(reference, {"uid"});
  return text_at(reference, {"namespace"}) == client::namespace_of(claim) && text_at(reference, {"name"}) == client::name_of(claim) && (uid.empty() || uid == client::uid_of(claim));
}

bool has_modes(const Json& volume, const Json& claim) {
  const Json& offered = list_at(volume, {"spec", "accessModes"});
  const Json& wanted = list_at(claim, {"spec", "accessModes"});
  return std::all_of(wanted.begin(), wanted.end(), [&](const Json& mode) { return std::find(offered.begin(), offered.end(), mode) != offered.end(); });
}

std::int64_t size_of(const Json& volume) { return client::quantity_milli(find(volume, {"spec", "capacity", "storage"})); }

bool satisfies(const Json& volume, const Json& claim) {
  if (size_of(volume) < client::quantity_milli(find(claim, {"spec", "resources", "requests", "storage"}))) return false;
  return has_modes(volume, claim) && text_at(volume, {"spec", "volumeMode"}, "Filesystem") == text_at(claim, {"spec", "volumeMode"}, "Filesystem");
}

}  // namespace

ObjectPointer volume_for(const Json& claim, const Store& volumes) {
  const Json& selector = find(claim, {"spec", "selector"});
  const auto chosen = Selector::from_label_selector(selector.is_object() ? selector : Json::object());
  ObjectPointer best;
  for (const auto& [name, volume] : volumes.objects()) {
    if (client::is_deleting(*volume)) continue;
    if (is_reserved_for(*volume, claim)) {
      if (satisfies(*volume, claim)) return volume;
      continue;
    }
    if (find(*volume, {"spec", "claimRef"}).is_object() || !satisfies(*volume, claim)) continue;
    if (text_at(*volume, {"spec", "storageClassName"}) != text_at(claim, {"spec", "storageClassName"})) continue;
    if (chosen && !chosen.value().matches(client::labels_of(*volume))) continue;
    if (best == nullptr || size_of(*volume) < size_of(*best)) best = volume;
  }
  return best;
}

VolumeBinder::VolumeBinder(Surroundings& surroundings)
    : QueueController(surroundings, "claims", "persistentvolume-controller", 1),
      claims_(surroundings.informers.informer(types::persistent_volume_claims)),
      volumes_(surroundings.informers.informer(types::persistent_volumes)),
      classes_(surroundings.informers.informer(types::storage_classes)) {
  claims_.add_handler(client::on_any_change([this](const ObjectPointer& claim) {
    enqueue(*claim);
    const std::string volume = text_at(*claim, {"spec", "volumeName"});
    if (!volume.empty()) queue_.add(volume);
  }));
  volumes_.add_handler(client::on_any_change([this](const ObjectPointer& volume) {
    enqueue(*volume);
    enqueue_pending();
  }));
  classes_.add_handler(client::on_any_change([this](const ObjectPointer&) { enqueue_pending(); }));
}

void VolumeBinder::enqueue_pending() {
  for (const auto& [key, claim] : claims_.store().objects()) {
    if (text_at(*claim, {"status", "phase"}) != "Bound") queue_.add(key);
  }
}

Task<Result<void>> VolumeBinder::reconcile(std::string key) {
  const bool is_claim = key.find('/') != std::string::npos;
  const ObjectPointer object = (is_claim ? claims_ : volumes_).store().find(key);
  if (object == nullptr) co_return success();
  if (is_claim) co_return co_await sync_claim(*object);
  co_return co_await sync_volume(*object);
}

Task<Result<void>> VolumeBinder::sync_claim(Json claim) {
  if (client::is_deleting(claim)) co_return success();
  const std::string wanted = text_at(claim, {"spec", "volumeName"});
  const std::string phase = text_at(claim, {"status", "phase"});
  if (wanted.empty()) {
    const ObjectPointer volume = volume_for(claim, volumes_.store());
    if (volume != nullptr && (is_reserved_for(*volume, claim) || text_at(claim, {"spec", "storageClassName"}).empty())) co_return co_await bind(claim, *volume);
    const ObjectPointer storage = classes_.store().find(text_at(claim, {"spec", "storageClassName"}));
    const bool waits = storage != nullptr && text_at(*storage, {"volumeBindingMode"}) == "WaitForFirstConsumer" && !has_annotation(claim, selected_node);
    if (volume != nullptr && !waits) co_return co_await bind(claim, *volume);
    co_return co_await explain_pending(claim);
  }
  const ObjectPointer volume = volumes_.store().find(wanted);
  if (volume == nullptr && has_annotation(claim, bind_completed) && phase != "Lost") {
    events_.record(claim, types::persistent_volume_claims, EventType::warning, "ClaimLost",
                   "Bound claim has lost its PersistentVolume. Data on the volume is lost! Cluster admin intervention may be needed to access the data");
    claim["status"]["phase"] = "Lost";
    auto lost = co_await client_.update_status(types::persistent_volume_claims, std::move(claim));
    if (!lost && lost.error().code != ErrorCode::not_found) co_return lost.error();
    co_return success();
  }
  if (volume == nullptr) co_return success();
  const Json& reference = find(*volume, {"spec", "claimRef"});
  if (reference.is_object() && !is_reserved_for(*volume, claim)) co_return success();
  const bool done = phase == "Bound" && has_annotation(claim, bind_completed) && text_at(reference, {"uid"}) == client::uid_of(claim);
  if (done) co_return success();
  co_return co_await bind(claim, *volume);
}

/// Volume first, then its phase, the claim and the claim's status: each step is seen before the next, as the real one does it.
Task<Result<void>> VolumeBinder::bind(Json claim, Json volume) {
  const std::string uid = client::uid_of(claim);
  const std::string volume_name = client::name_of(volume);
  if (text_at(volume, {"spec", "claimRef", "uid"}) != uid) {
    if (!find(volume, {"spec", "claimRef"}).is_object()) volume["metadata"]["annotations"][bound_by_controller] = "yes";
    Json& reference = volume["spec"]["claimRef"];
    reference["kind"] = "PersistentVolumeClaim";
    reference["apiVersion"] = "v1";
    reference["namespace"] = client::namespace_of(claim);
    reference["name"] = client::name_of(claim);
    reference["uid"] = uid;
    reference["resourceVersion"] = text_at(claim, {"metadata", "resourceVersion"});
    auto updated = co_await client_.update(types::persistent_volumes, volume);
    if (!updated) co_return updated.error();
    volume = std::move(updated.value());
  }
  auto phased = co_await set_volume_phase(volume, "Bound", "");
  if (!phased) co_return phased.error();
  if (text_at(claim, {"spec", "volumeName"}) != volume_name || !has_annotation(claim, bind_completed)) {
    if (text_at(claim, {"spec", "volumeName"}).empty()) claim["metadata"]["annotations"][bound_by_controller] = "yes";
    claim["spec"]["volumeName"] = volume_name;
    claim["metadata"]["annotations"][bind_completed] = "yes";
    auto updated = co_await client_.update(types::persistent_volume_claims, std::move(claim));
    if (!updated) co_return updated.error();
    claim = std::move(updated.value());
  }
  Json& status = claim["status"];
  status["phase"] = "Bound";
  status["accessModes"] = list_at(volume, {"spec", "accessModes"});
  status["capacity"] = find(volume, {"spec", "capacity"});
  auto updated = co_await client_.update_status(types::persistent_volume_claims, std::move(claim));
  if (!updated) co_return updated.error();
  co_return success();
}

Task<Result<void>> VolumeBinder::explain_pending(Json claim) {
  const std::string name = text_at(claim, {"spec", "storageClassName"});
  const auto say = [&](EventType type, const char* reason, std::string message) { events_.record(claim, types::persistent_volume_claims, type, reason, std::move(message)); };
  if (name.empty()) {
    say(EventType::normal, "FailedBinding", "no persistent volumes available for this claim and no storage class is set");
    co_return success();
  }
  const ObjectPointer storage = classes_.store().find(name);
  if (storage == nullptr) {
    say(EventType::warning, "ProvisioningFailed", "storageclass.storage.k8s.io \"" + name + "\" not found");
    co_return success();
  }
  if (text_at(*storage, {"volumeBindingMode"}) == "WaitForFirstConsumer" && !has_annotation(claim, selected_node)) {
    say(EventType::normal, "WaitForFirstConsumer", "waiting for first consumer to be created before binding");
    co_return success();
  }
  const std::string provisioner = text_at(*storage, {"provisioner"});
  if (provisioner == "kubernetes.io/no-provisioner") {
    say(EventType::normal, "FailedBinding", "no persistent volumes available for this claim and no storage class is set");
    co_return success();
  }
  say(EventType::normal, "ExternalProvisioning",
      "Waiting for a volume to be created either by the external provisioner '" + provisioner +
          "' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.");
  if (has_annotation(claim, provisioner_annotations[1])) co_return success();
  for (const char* annotation : provisioner_annotations) claim["metadata"]["annotations"][annotation] = provisioner;
  auto updated = co_await client_.update(types::persistent_volume_claims, std::move(claim));
  if (!updated && updated.error().code != ErrorCode::not_found) co_return updated.error();
  co_return success();
}

Task<Result<void>> VolumeBinder::set_volume_phase(Json volume, std::string phase, std::string message) {
  if (text_at(volume, {"status", "phase"}) == phase && text_at(volume, {"status", "message"}) == message) co_return success();
  Json& status = volume["status"];
  status["phase"] = std::move(phase);
  status.erase("message");
  if (!message.empty()) status["message"] = std::move(message);
  auto updated = co_await client_.update_status(types::persistent_volumes, std::move(volume));
  if (!updated && updated.error().code != ErrorCode::not_found) co_return updated.error();
  co_return success();
}

Task<Result<void>> VolumeBinder::sync_volume(Json volume) {
  const Json& reference = find(volume, {"spec", "claimRef"});
  const std::string uid = text_at(reference, {"uid"});
  if (uid.empty()) co_return co_await set_volume_phase(std::move(volume), "Available", "");
  const ObjectPointer claim = claims_.store().find(text_at(reference, {"namespace"}), text_at(reference, {"name"}));
  if (claim != nullptr && client::uid_of(*claim) == uid) {
    if (text_at(*claim, {"spec", "volumeName"}) != client::name_of(volume)) co_return success();  // the claim's own turn ends the binding
    co_return co_await set_volume_phase(std::move(volume), "Bound", "");
  }
  const std::string phase = text_at(volume, {"status", "phase"});
  if (phase == "Failed") co_return success();
  if (phase != "Released") {
    auto released = co_await set_volume_phase(volume, "Released", "");
    co_return released;
  }
  const bool foreign = find(volume, {"spec", "csi"}).is_object() || has_annotation(volume, "pv.kubernetes.io/provisioned-by");
  if (text_at(volume, {"spec", "persistentVolumeReclaimPolicy"}) != "Delete" || foreign) co_return success();
  const std::string problem = "error getting deleter volume plugin for volume \"" + client::name_of(volume) + "\": no deletable volume plugin matched";
  events_.record(volume, types::persistent_volumes, EventType::warning, "VolumeFailedDelete", problem);
  co_return co_await set_volume_phase(std::move(volume), "Failed", problem);
}

}  // namespace skidpad::fakes::kube_controller_manager

#include "fakes/kube_controller_manager/volume_protection.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

Json with_finalizer(Json object, const std::string& finalizer) {
  Json& finalizers = object["metadata"]["finalizers"];
  if (!finalizers.is_array()) finalizers = Json::array();
  finalizers.push_back(finalizer);
  return object;
}

Json without_finalizer(Json object, const std::string& finalizer) {
  Json kept = Json::array();
  for (const Json& each : list_at(object, {"metadata", "finalizers"})) {
    if (each != finalizer) kept.push_back(each);
  }
  if (kept.empty()) object["metadata"].erase("finalizers");
  else object["metadata"]["finalizers"] = std::move(kept);
  return object;
}

bool uses(const Json& pod, const std::string& claim) {
  for (const Json& volume : list_at(pod, {"spec", "volumes"})) {
    if (text_at(volume, {"persistentVolumeClaim", "claimName"}) == claim) return true;
  }
  return false;
}

}  // namespace

ClaimProtectionController::ClaimProtectionController(Surroundings& surroundings)
    : QueueController(surroundings, "pvcprotection", "pvc-protection-controller", 1),
      claims_(surroundings.informers.informer(types::persistent_volume_claims)),
      pods_(surroundings.informers.informer(types::pods)) {
  claims_.add_handler(client::on_any_change([this](const ObjectPointer& claim) { enqueue(*claim); }));
  client::InformerHandler pods;
  pods.updated = [this](const ObjectPointer&, const ObjectPointer& now) {
    if (client::is_pod_finished(*now)) enqueue_claims_of(*now);
  };
  pods.deleted = [this](const ObjectPointer& pod) { enqueue_claims_of(*pod); };
  pods_.add_handler(std::move(pods));
}

void ClaimProtectionController::enqueue_claims_of(const Json& pod) {
  for (const Json& volume : list_at(pod, {"spec", "volumes"})) {
    const std::string claim = text_at(volume, {"persistentVolumeClaim", "claimName"});
    if (!claim.empty()) queue_.add(client::make_key(client::namespace_of(pod), claim));
  }
}

bool ClaimProtectionController::is_used(const Json& claim) const {
  for (const ObjectPointer& pod : pods_.store().in_namespace(client::namespace_of(claim))) {
    // A pod that was never placed holds nothing, and one that has finished no more.
    if (text_at(*pod, {"spec", "nodeName"}).empty() || client::is_pod_finished(*pod)) continue;
    if (uses(*pod, client::name_of(claim))) return true;
  }
  return false;
}

Task<Result<void>> ClaimProtectionController::reconcile(std::string key) {
  const ObjectPointer claim = claims_.store().find(key);
  if (claim == nullptr) co_return success();
  const bool held = client::has_finalizer(*claim, claim_protection_finalizer);
  const bool deleting = client::is_deleting(*claim);
  if (held != deleting || (deleting && is_used(*claim))) co_return success();
  Json changed = *claim;
  if (deleting) changed = without_finalizer(std::move(changed), claim_protection_finalizer);
  else changed = with_finalizer(std::move(changed), claim_protection_finalizer);
  auto updated = co_await client_.update(types::persistent_volume_claims, std::move(changed));
  if (!updated && updated.error().code != ErrorCode::not_found) co_return updated.error();
  co_return success();
}

VolumeProtectionController::VolumeProtectionController(Surroundings& surroundings)
    : QueueController(surroundings, "pvprotection", "pv-protection-controller", 1),
      volumes_(surroundings.informers.informer(types::persistent_volumes)) {
  volumes_.add_handler(client::on_any_change([this](const ObjectPointer& volume) { enqueue(*volume); }));
}

Task<Result<void>> VolumeProtectionController::reconcile(std::string key) {
  const ObjectPointer volume = volumes_.store().find(key);
  if (volume == nullptr) co_return success();
  const bool held = client::has_finalizer(*volume, volume_protection_finalizer);
  const bool deleting = client::is_deleting(*volume);
  if (held != deleting || (deleting && text_at(*volume, {"status", "phase"}) == "Bound")) co_return success();
  Json changed = *volume;
  if (deleting) changed = without_finalizer(std::move(changed), volume_protection_finalizer);
  else changed = with_finalizer(std::move(changed), volume_protection_finalizer);
  auto updated = co_await client_.update(types::persistent_volumes, std::move(changed));
  if (!updated && updated.error().code != ErrorCode::not_found) co_return updated.error();
  co_return success();
}

}  // namespace skidpad::fakes::kube_controller_manager

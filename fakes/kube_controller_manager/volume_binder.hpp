/// @file volume_binder.hpp
/// Brings PersistentVolumes and claims together: phases, claimRef and volumeName, the bind annotations and events, what becomes of a volume whose claim is gone.
/// Not modelled: provisioning in the tree, recycling, resizing, volume attributes classes.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

/// The smallest volume that satisfies the claim, or the one reserved for it; null if there is none.
ObjectPointer volume_for(const Json& claim, const Store& volumes);

class VolumeBinder final : public QueueController {
 public:
  explicit VolumeBinder(Surroundings& surroundings);

 private:
  /// "namespace/name" is a claim, "name" a volume.
  Task<Result<void>> reconcile(std::string key) override;
  Task<Result<void>> sync_claim(Json claim);
  Task<Result<void>> sync_volume(Json volume);
  Task<Result<void>> bind(Json claim, Json volume);
  Task<Result<void>> set_volume_phase(Json volume, std::string phase, std::string message);
  Task<Result<void>> explain_pending(Json claim);
  void enqueue_pending();
  Informer& claims_;
  Informer& volumes_;
  Informer& classes_;
};

}  // namespace skidpad::fakes::kube_controller_manager

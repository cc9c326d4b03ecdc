/// @file volume_protection.hpp
/// Keeps volume claims that a pod uses, and volumes that a claim is bound to, from being deleted under them: they keep a finalizer
/// until nobody uses them any more.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

inline const std::string claim_protection_finalizer = "kubernetes.io/pvc-protection";
inline const std::string volume_protection_finalizer = "kubernetes.io/pv-protection";

class ClaimProtectionController final : public QueueController {
 public:
  explicit ClaimProtectionController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  void enqueue_claims_of(const Json& pod);
  bool is_used(const Json& claim) const;
  Informer& claims_;
  Informer& pods_;
};

class VolumeProtectionController final : public QueueController {
 public:
  explicit VolumeProtectionController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Informer& volumes_;
};

}  // namespace skidpad::fakes::kube_controller_manager

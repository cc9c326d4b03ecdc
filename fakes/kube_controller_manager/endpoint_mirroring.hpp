/// @file endpoint_mirroring.hpp
/// EndpointSlices for Endpoints that somebody wrote by hand, for a Service without a selector.
/// One slice a subset and address family. Not modelled: more than 100 addresses a slice.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

/// What there should be, without names and in order. Pure.
std::vector<Json> mirrored_slices(const Json& endpoints);

class EndpointMirroringController final : public QueueController {
 public:
  explicit EndpointMirroringController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Informer& endpoints_;
  Informer& services_;
  Informer& slices_;
};

}  // namespace skidpad::fakes::kube_controller_manager

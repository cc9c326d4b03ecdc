/// @file endpoints.hpp
/// Keeps EndpointSlices and Endpoints of every Service with a selector in step with its pods.
#pragma once

#include "fakes/kube_controller_manager/service_endpoints.hpp"

namespace skidpad::fakes::kube_controller_manager {

/// The part both controllers share: which services a pod's change concerns.
class ServiceController : public QueueController {
 protected:
  ServiceController(Surroundings& surroundings, std::string name, std::string component, std::int64_t workers);
  void enqueue_services_of(const Json& pod);
  /// The service if it has a selector, else null.
  ObjectPointer selecting_service(const std::string& key) const;
  Informer& services_;
  Informer& pods_;
};

class EndpointSliceController final : public ServiceController {
 public:
  explicit EndpointSliceController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Informer& slices_;
  Informer& nodes_;
};

class EndpointsController final : public ServiceController {
 public:
  explicit EndpointsController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Informer& endpoints_;
};

}  // namespace skidpad::fakes::kube_controller_manager

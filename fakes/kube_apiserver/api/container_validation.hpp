/// @file container_validation.hpp
/// The checks on one container and on the lists of containers of a pod.
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"

namespace skidpad::fakes::kube_apiserver {

/// containers, initContainers and ephemeralContainers of a pod's spec.
void check_containers(const Json& spec, const std::string& path, FieldErrors& errors);
/// One amount of one resource: its name, its sign, and whole numbers where halves make no sense.
void check_resource_amount(const std::string& name, const Json& amount, const std::string& path, FieldErrors& errors);

}  // namespace skidpad::fakes::kube_apiserver

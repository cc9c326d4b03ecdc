/// @file resource_metrics.hpp
/// The resources of metrics.k8s.io, for discovery. They are nowhere stored.
#pragma once

#include "fakes/kube_apiserver/api/resource_table.hpp"

namespace skidpad::fakes::kube_apiserver {

const std::vector<Resource>& resource_metrics_resources();

}  // namespace skidpad::fakes::kube_apiserver

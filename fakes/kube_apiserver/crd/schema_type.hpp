/// @file schema_type.hpp
/// A Type for any resource: that of the table, or one made from a custom resource's schema, for field ownership.
#pragma once

#include "fakes/kube_apiserver/crd/custom_definition.hpp"

namespace skidpad::fakes::kube_apiserver {

std::shared_ptr<const Type> type_for(const Resource& resource);

}  // namespace skidpad::fakes::kube_apiserver

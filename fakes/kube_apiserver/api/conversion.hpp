/// @file conversion.hpp
/// The few built-in kinds that are served in more versions than they are stored in: events (core/v1 stored) and
/// horizontal pod autoscalers (autoscaling/v2 stored). Custom resources change their apiVersion only.
#pragma once

#include "fakes/kube_apiserver/api/resource_table.hpp"

namespace skidpad::fakes::kube_apiserver {

/// True if objects of this version are kept in the form of another one.
bool stored_differently(const Resource& resource);
/// The resource whose form etcd keeps.
const Resource& storage_form(const Resource& resource);
void to_storage(Json& object, const Resource& resource);
void from_storage(Json& object, const Resource& resource);

}  // namespace skidpad::fakes::kube_apiserver

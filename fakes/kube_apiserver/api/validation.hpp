/// @file validation.hpp
/// The checks that clients meet: names, labels, required fields, ranges, what may not change.
/// Not every rule of the real server is here; each that is uses its words. Source: v1.32 messages as recorded and documented.
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"
#include "fakes/kube_apiserver/api/strategy.hpp"

namespace skidpad::fakes::kube_apiserver {

FieldErrors validate_create(const Json& object, const Resource& resource);
FieldErrors validate_update(const Json& object, const Json& old, const Resource& resource, std::string_view subresource);
/// Go's %#v of a map of texts.
std::string shown_map(const Json& map);

}  // namespace skidpad::fakes::kube_apiserver

/// @file table.hpp
/// Objects as kubectl prints them: meta.k8s.io Tables by kind, and PartialObjectMetadata.
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::fakes::kube_apiserver {

/// @param include_object  "", Metadata, Object or None; throws ApiError 400 on anything else.
Json make_table(const Resource& resource, const std::vector<const Json*>& objects, const std::string& include_object, runtime::WallTime now);
Json partial_metadata(const Json& object, const std::string& version);
/// "5m", "3d4h": the age column.
std::string age_text(runtime::Duration age);

}  // namespace skidpad::fakes::kube_apiserver

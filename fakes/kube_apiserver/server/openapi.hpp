/// @file openapi.hpp
/// OpenAPI documents made from the type table: v2 (JSON, and protobuf for old kubectl) and v3, one document a group version.
#pragma once

#include "fakes/kube_apiserver/api/resource_table.hpp"

namespace skidpad::fakes::kube_apiserver {

const std::string& openapi_v2_json();
/// A gnostic Document with the definitions, as kubectl up to 1.26 asks for.
const std::string& openapi_v2_protobuf();
std::string openapi_v3_index(const std::vector<std::shared_ptr<const Resource>>& customs);
/// "api/v1", "apis/apps/v1"; "" if there is no such group version.
std::string openapi_v3_of(const std::string& group_version, const std::vector<std::shared_ptr<const Resource>>& customs);

}  // namespace skidpad::fakes::kube_apiserver

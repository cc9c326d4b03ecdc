/// @file patch.hpp
/// The patches a client may send, as functions from JSON to JSON. Server-side apply is in apply.hpp.
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"

namespace skidpad::fakes::kube_apiserver {

/// RFC 6902. Throws ApiError 422 with the real server's text where an operation cannot be applied, 400 where the patch is no patch.
/// @param operations_max  the real server refuses longer patches.
Json apply_json_patch(Json object, const Json& patch, std::size_t operations_max = 10000);

/// RFC 7396.
void apply_merge_patch(Json& object, const Json& patch);

/// Kubernetes' own: lists merge by key where the type says so; directives $patch, $retainKeys, $setElementOrder/x,
/// $deleteFromPrimitiveList/x. Throws ApiError 400 on a broken patch.
void apply_strategic_patch(Json& object, const Json& patch, const Type& type);

}  // namespace skidpad::fakes::kube_apiserver

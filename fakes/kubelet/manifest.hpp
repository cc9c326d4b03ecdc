/// @file manifest.hpp
/// Static pods: from the text of a manifest file to the pod that runs, with the defaults an API server would have filled in.
/// Promise: the same file gives the same UID on the same node, another content another UID.
#pragma once

#include <string>
#include <string_view>

#include "harness/runtime/json.hpp"
#include "harness/runtime/result.hpp"

namespace skidpad::fakes::kubelet {

inline constexpr std::string_view config_source_annotation = "kubernetes.io/config.source";
inline constexpr std::string_view config_hash_annotation = "kubernetes.io/config.hash";
inline constexpr std::string_view config_mirror_annotation = "kubernetes.io/config.mirror";
inline constexpr std::string_view config_seen_annotation = "kubernetes.io/config.seen";

/// @param path       the manifest's file: part of the UID, as in Kubernetes
/// @return           the pod with nodeName, namespace, UID, annotations and defaults; `invalid` names the field that is wrong
runtime::Result<Json> parse_manifest(std::string_view text, const std::string& path, const std::string& node_name);

/// Fills in what the API server's defaulting would (pod spec only).
void apply_pod_defaults(Json& pod);
/// Checks what the kubelet cannot do without; the message begins with the field.
runtime::Result<void> validate_pod(const Json& pod);

bool is_static_pod(const Json& pod);
bool is_mirror_pod(const Json& pod);
/// "name_namespace": how the kubelet tells pods of a manifest directory apart.
std::string full_pod_name(const Json& pod);
/// 32 hexadecimal digits; not cryptographic.
std::string stable_hash(std::string_view text);

}  // namespace skidpad::fakes::kubelet

/// @file protobuf.hpp
/// application/vnd.kubernetes.protobuf: JSON values to and from the API's protobuf messages, by the numbers in the type table.
/// Promise: what Go's clients send is read, and what they must read is written; fields without a number are left out.
/// Not offered: CustomResourceDefinition schemas and custom resources (they have no protobuf form for us).
#pragma once

#include <optional>

#include "fakes/kube_apiserver/api/resource_table.hpp"

namespace skidpad::fakes::kube_apiserver {

/// Type by apiVersion and kind, also of Status, Scale, Binding, discovery. Null if unknown. Lists: the type of their items, is_list set.
const Type* type_of_kind(const std::string& api_version, const std::string& kind, bool& is_list);
/// "k8s\0", type and message. None if the kind has no protobuf form.
std::optional<std::string> encode_protobuf(const Json& object);
/// One frame of a watch: length, event type, object.
std::optional<std::string> encode_watch_frame(const std::string& event_type, const Json& object);
/// Throws DecodeError. The type is the one named in the envelope; the value then has kind and apiVersion.
/// @param expected  used where the envelope names none.
Json decode_protobuf(std::string_view bytes, const Type* expected);

}  // namespace skidpad::fakes::kube_apiserver

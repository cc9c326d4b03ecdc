/// @file object.hpp
/// Reading and building the parts every Kubernetes object has: names, owners, labels, conditions.
/// Promise: readers never create anything and never throw on odd objects.
#pragma once

#include <memory>
#include <optional>

#include "harness/client/kubernetes/resource_type.hpp"
#include "harness/runtime/json.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::client {

/// An object as it was read; shared, never changed.
using ObjectPointer = std::shared_ptr<const Json>;

const std::string& name_of(const Json& object);
const std::string& namespace_of(const Json& object);  ///< "" for cluster-scoped ones
const std::string& uid_of(const Json& object);
const std::string& resource_version_of(const Json& object);
/// "NS/NAME", or "NAME" for cluster-scoped ones; the key of stores and queues.
std::string key_of(const Json& object);
std::string make_key(std::string_view namespace_name, std::string_view name);
struct NamespacedName {
  std::string namespace_name;
  std::string name;
};
NamespacedName split_key(std::string_view key);

/// metadata.labels, metadata.annotations or an empty object.
const Json& labels_of(const Json& object);
const Json& annotations_of(const Json& object);
std::string annotation(const Json& object, const std::string& name);
bool is_deleting(const Json& object);  ///< has a deletionTimestamp
bool has_finalizer(const Json& object, std::string_view finalizer);
/// A time in the object, or nothing where it is absent or unreadable.
std::optional<runtime::WallTime> time_at(const Json& object, std::initializer_list<std::string_view> path);
inline std::optional<runtime::WallTime> created_at(const Json& object) { return time_at(object, {"metadata", "creationTimestamp"}); }

// --- owners ---
/// The owner reference with controller: true, or null.
const Json& controller_of(const Json& object);
bool is_controlled_by(const Json& object, const Json& owner);
/// {"apiVersion", "kind", "name", "uid", "controller": true, "blockOwnerDeletion": true}
Json controller_reference(const Json& owner, const ResourceType& owner_type);
/// {"apiVersion", "kind", "name", "uid"}: an owner that does not control.
Json owner_reference(const Json& owner, const ResourceType& owner_type);
/// {"kind", "namespace", "name", "uid", "apiVersion", "resourceVersion"}, as events refer to objects. Works without kind in the object.
Json object_reference(const Json& object, const ResourceType& type);

// --- conditions in status.conditions ---
const Json& condition_of(const Json& object, std::string_view type);  ///< the condition or null
/// "True", "False", "Unknown" or "" where there is none.
std::string condition_status(const Json& object, std::string_view type);
/// Sets a condition in a list; lastTransitionTime moves only when the status changes. Returns whether anything changed.
bool set_condition(Json& conditions, std::string_view type, std::string_view status, std::string_view reason, std::string_view message,
                   runtime::WallTime now);

// --- pods and nodes ---
bool is_pod_ready(const Json& pod);
/// Neither Succeeded nor Failed nor being deleted.
bool is_pod_active(const Json& pod);
bool is_pod_finished(const Json& pod);  ///< Succeeded or Failed
bool is_node_ready(const Json& node);
/// Ready for at least min_ready_seconds. `ready_again_at` is set to when it will count, if it is ready but too young.
bool is_pod_available(const Json& pod, std::int64_t min_ready_seconds, runtime::WallTime now, std::optional<runtime::WallTime>* available_at = nullptr);
/// Whether a toleration of the list tolerates the taint.
bool tolerates(const Json& tolerations, const Json& taint);

}  // namespace skidpad::client

/// @file managed_fields.hpp
/// Who owns which field: sets of paths, kept in the JSON form of metadata.managedFields ("f:name", "k:{...}", "v:...", "."), and what
/// server-side apply does with them.
/// Source: the documented semantics of server-side apply and of structured merge and diff.
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"

namespace skidpad::fakes::kube_apiserver {

/// A tree: {} is a leaf that belongs to the set; inner nodes belong to it only with a ".".
using FieldSet = Json;

/// All paths of a value that somebody applies. Throws ApiError 500 with the real text on undeclared fields and double keys.
/// @param prefix  what the text begins with.
FieldSet field_set_of(const Json& value, const Type& type, const std::string& prefix);

struct FieldDifference {
  FieldSet changed = Json::object();  ///< added or with another value
  FieldSet removed = Json::object();
};
FieldDifference compare_fields(const Json& old, const Json& now, const Type& type);

FieldSet unite(const FieldSet& a, const FieldSet& b);
FieldSet subtract(const FieldSet& a, const FieldSet& b);
FieldSet intersect(const FieldSet& a, const FieldSet& b);
inline bool is_empty(const FieldSet& set) { return set.empty(); }
/// ".spec.containers[name=\"c\"].image" of every member.
std::vector<std::string> paths_of(const FieldSet& set);

/// Live and applied state as one: granular where the type is.
Json merge_applied(const Json& live, const Json& applied, const Type& type);
/// Takes the fields of a set out of a value.
void remove_fields(Json& value, const FieldSet& set, const Type& type);
/// Leaves out what nobody owns: names, versions, times of the server.
void strip_system_fields(FieldSet& set);

}  // namespace skidpad::fakes::kube_apiserver

/// @file strategy.hpp
/// How each kind is created, replaced and deleted: which fields belong to the server, when the generation counts up, what may be omitted.
/// Pure: time, uid and user are given. Checks of values are in validation.hpp.
#pragma once

#include "fakes/kube_apiserver/api/defaults.hpp"

namespace skidpad::fakes::kube_apiserver {

struct User {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
  bool in_group(std::string_view group) const;
};

struct Rules {
  bool unconditional_update = true;   ///< a PUT may leave out the resourceVersion
  bool create_on_update = false;      ///< a PUT of what is not there creates it
  bool returns_deleted = false;       ///< DELETE answers the object rather than a Status
  bool status = false;                ///< has a status subresource
  bool generation = false;            ///< counts changes of the spec
  bool orphans_by_default = false;    ///< DELETE without a policy keeps the dependents
};
const Rules& rules_of(const Resource& resource);

/// Throws away what clients may not set and puts in what the server knows: status, generation, kind-specific fields.
void prepare_for_create(Json& object, const Resource& resource, const User& user);
/// @param subresource  "", "status", "approval", "finalize", "ephemeralcontainers", "resize".
void prepare_for_update(Json& object, const Json& old, const Resource& resource, std::string_view subresource);
/// Removes members that the kind does not keep (stringData) and syncs twins (podIP and podIPs).
void normalise(Json& object, const Resource& resource);

}  // namespace skidpad::fakes::kube_apiserver

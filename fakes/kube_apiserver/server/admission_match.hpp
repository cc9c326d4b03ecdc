/// @file admission_match.hpp
/// Which requests an admission policy or a webhook is about: rules, selectors and match conditions, and how the request looks to it.
/// Not modelled: matchPolicy Equivalent across versions of one resource; rules see the version that was asked for.
#pragma once

#include "fakes/kube_apiserver/server/api_server.hpp"

namespace skidpad::fakes::kube_apiserver {

/// One write on its way through admission.
struct Admission {
  Admission(const Request& request, const char* operation, const Json& object, const Json& old, const Json& home) : request(request), operation(operation), object(object), old(old), home(home) {}
  const Request& request;
  const char* operation;  ///< CREATE, UPDATE, DELETE
  const Json& object;     ///< null on deletion
  const Json& old;        ///< null on creation
  const Json& home;       ///< the namespace it lies in, or null
  std::string name() const;
};

/// The configuration of admission itself is never held up by it.
bool is_exempt(const Resource& resource);
/// Any of these rules (operations, apiGroups, apiVersions, resources, scope, resourceNames) names the request.
bool matches_rules(const Json& rules, const Admission& admission);
/// namespaceSelector and objectSelector of a holder.
bool matches_selectors(const Json& holder, const Admission& admission);
/// A MatchResources: rules, exclusions, selectors.
bool matches_resources(const Json& match, const Admission& admission);
/// AdmissionRequest without its objects.
Json admission_request(const Admission& admission, const std::string& uid);
/// object, oldObject, request, namespaceObject, for expressions.
std::map<std::string, Json> admission_variables(const Admission& admission);
/// All conditions hold. Throws cel::CelError if one fails and none is false.
bool meets_conditions(const Json& conditions, const std::map<std::string, Json>& variables);

}  // namespace skidpad::fakes::kube_apiserver

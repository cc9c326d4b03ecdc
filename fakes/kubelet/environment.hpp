/// @file environment.hpp
/// A container's environment: declared variables, references, services, $(NAME) expansion.
/// Promise: order and expansion as in Kubernetes: envFrom, then env in order, each seeing those before it; services fill in below.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/runtime/json.hpp"
#include "harness/runtime/result.hpp"

namespace skidpad::fakes::kubelet {

using Environment = std::map<std::string, std::string>;

/// "$(NAME)" by value, "$$" by "$"; an unknown name stays as it is.
std::string expand(const std::string& text, const Environment& environment);

/// KUBERNETES_SERVICE_HOST, REDIS_PORT_6379_TCP_ADDR and so on, for one Service; nothing for headless ones.
void add_service_environment(const Json& service, Environment& environment);

/// metadata.name, metadata.labels['x'], status.podIP, spec.nodeName, ...; not_found for what is not supported.
runtime::Result<std::string> field_value(const Json& pod, const std::string& field_path);
/// limits.cpu and so on of a container, divided and rounded up as resourceFieldRef asks.
runtime::Result<std::string> resource_value(const Json& container, const Json& reference, const Json& allocatable);
/// "250m" -> 0.25, "64Mi" -> 67108864. False for anything else.
bool parse_quantity(std::string_view text, double& value);

/// A ConfigMap or Secret that the environment needs; data decoded.
struct ReferencedData {
  std::map<std::string, std::string> data;
};
/// ("ConfigMap" or "Secret", name) -> its data; not_found where it is missing.
using LookUp = std::function<runtime::Result<ReferencedData>(const std::string& kind, const std::string& name)>;
/// Which ConfigMaps and Secrets of the pod's namespace a container's environment refers to: (kind, name).
std::vector<std::pair<std::string, std::string>> environment_references(const Json& container);

/// @param base  services and the like: what declared variables override and may refer to
runtime::Result<Environment> make_environment(const Json& pod, const Json& container, const Json& allocatable, Environment base, const LookUp& look_up);

}  // namespace skidpad::fakes::kubelet

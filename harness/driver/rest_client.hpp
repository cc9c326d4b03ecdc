/// @file rest_client.hpp
/// Reads a Kubernetes API as a stranger would: over cpprestsdk, an HTTP and TLS stack that shares no code with the one under
/// test. For looks from outside (`skidpad status`) and the drivers that adopt clusters.
/// Limits: blocking; one request at a time; its clients must have ended before the program does.
#pragma once

#include <chrono>
#include <string>

#include "harness/client/kubernetes/kubeconfig.hpp"

namespace skidpad::driver {

/// GET of a path such as "/api/v1/nodes" at the kubeconfig's first server.
/// Errors: refused or timeout where nobody answered, forbidden and the like by status, corrupt where the answer is no JSON.
runtime::Result<Json> rest_get(const client::Kubeconfig& config, const std::string& path, std::chrono::milliseconds timeout);

}  // namespace skidpad::driver

/// @file service_endpoints.hpp
/// What a Service's selector finds, as EndpointSlices and as Endpoints.
/// Pure. One address family (IPv4); at most 100 endpoints a slice, 1000 addresses an Endpoints object.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

/// Pods that belong in a service's endpoints: not finished, with an address, in name order.
std::vector<ObjectPointer> endpoint_pods(const Json& service, const std::vector<ObjectPointer>& pods);
/// The port number a service port means on a pod, or 0 when the pod has no port of that name.
std::int64_t target_port(const Json& service_port, const Json& pod);
/// "endpoints" of an EndpointSlice for pods with the same ports. `node_of` gives the pod's node or null.
Json slice_endpoint(const Json& service, const Json& pod, const Json* node);
/// "ports" of an EndpointSlice for one pod.
Json slice_ports(const Json& service, const Json& pod);
/// Groups of endpoints by ports, each at most 100 long: {"ports": [...], "endpoints": [...]}; one empty group without any.
std::vector<Json> wanted_slices(const Json& service, const std::vector<ObjectPointer>& pods, const Store& nodes);
/// "subsets" of an Endpoints object.
Json wanted_subsets(const Json& service, const std::vector<ObjectPointer>& pods);

}  // namespace skidpad::fakes::kube_controller_manager

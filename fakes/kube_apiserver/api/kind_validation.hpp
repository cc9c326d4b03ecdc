/// @file kind_validation.hpp
/// The checks of single kinds, one source file per family: workloads, network, storage and cluster policy.
/// Each adds the real server's complaints in its order; a kind it does not know passes.
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"
#include "fakes/kube_apiserver/api/resource_table.hpp"

namespace skidpad::fakes::kube_apiserver {

/// apps, batch, ReplicationController, PodDisruptionBudget, HorizontalPodAutoscaler.
void check_workload_kind(const Json& object, const Resource& resource, FieldErrors& errors);
void check_workload_change(const Json& object, const Json& old, const Resource& resource, FieldErrors& errors);
/// Service, Endpoints, EndpointSlice, Ingress, IngressClass, NetworkPolicy.
void check_network_kind(const Json& object, const Resource& resource, FieldErrors& errors);
void check_network_change(const Json& object, const Json& old, const Resource& resource, FieldErrors& errors);
/// PersistentVolume and its claims, StorageClass, LimitRange, ResourceQuota, PriorityClass, Event, Namespace, Node, webhooks.
void check_policy_kind(const Json& object, const Resource& resource, FieldErrors& errors);
void check_policy_change(const Json& object, const Json& old, const Resource& resource, FieldErrors& errors);
/// Roles, bindings, Secret, ConfigMap, Lease, CertificateSigningRequest: validation.cpp.

/// Go's %#v of a map of texts.
std::string shown_map(const Json& map);

}  // namespace skidpad::fakes::kube_apiserver

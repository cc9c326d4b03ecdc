/// @file resource_type.hpp
/// Names of the kinds of objects an API server serves, and their paths.
#pragma once

#include <string>
#include <string_view>

namespace skidpad::client {

enum class Scope { cluster, namespaced };

struct ResourceType {
  ResourceType() {}
  ResourceType(std::string group, std::string version, std::string plural, std::string kind, Scope scope)
      : group(std::move(group)), version(std::move(version)), plural(std::move(plural)), kind(std::move(kind)), scope(scope) {}

  std::string group;    ///< "" for the core group
  std::string version;  ///< "v1"
  std::string plural;   ///< "pods"
  std::string kind;     ///< "Pod"
  Scope scope = Scope::namespaced;

  bool namespaced() const { return scope == Scope::namespaced; }
  /// "v1" or "apps/v1".
  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  /// "/api/v1/namespaces/NS/pods/NAME"; an empty namespace means all of them, an empty name the collection.
  std::string path(std::string_view namespace_name, std::string_view name = "", std::string_view subresource = "") const;
  friend bool operator==(const ResourceType&, const ResourceType&) = default;
  friend auto operator<=>(const ResourceType&, const ResourceType&) = default;
};

/// The built-in kinds of v1.32 that programs here use.
namespace types {
inline const ResourceType pods{"", "v1", "pods", "Pod", Scope::namespaced};
inline const ResourceType nodes{"", "v1", "nodes", "Node", Scope::cluster};
inline const ResourceType namespaces{"", "v1", "namespaces", "Namespace", Scope::cluster};
inline const ResourceType services{"", "v1", "services", "Service", Scope::namespaced};
inline const ResourceType endpoints{"", "v1", "endpoints", "Endpoints", Scope::namespaced};
inline const ResourceType events{"", "v1", "events", "Event", Scope::namespaced};
inline const ResourceType config_maps{"", "v1", "configmaps", "ConfigMap", Scope::namespaced};
inline const ResourceType secrets{"", "v1", "secrets", "Secret", Scope::namespaced};
inline const ResourceType service_accounts{"", "v1", "serviceaccounts", "ServiceAccount", Scope::namespaced};
inline const ResourceType persistent_volume_claims{"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", Scope::namespaced};
inline const ResourceType persistent_volumes{"", "v1", "persistentvolumes", "PersistentVolume", Scope::cluster};
inline const ResourceType replication_controllers{"", "v1", "replicationcontrollers", "ReplicationController", Scope::namespaced};
inline const ResourceType resource_quotas{"", "v1", "resourcequotas", "ResourceQuota", Scope::namespaced};
inline const ResourceType limit_ranges{"", "v1", "limitranges", "LimitRange", Scope::namespaced};
inline const ResourceType deployments{"apps", "v1", "deployments", "Deployment", Scope::namespaced};
inline const ResourceType replica_sets{"apps", "v1", "replicasets", "ReplicaSet", Scope::namespaced};
inline const ResourceType daemon_sets{"apps", "v1", "daemonsets", "DaemonSet", Scope::namespaced};
inline const ResourceType stateful_sets{"apps", "v1", "statefulsets", "StatefulSet", Scope::namespaced};
inline const ResourceType controller_revisions{"apps", "v1", "controllerrevisions", "ControllerRevision", Scope::namespaced};
inline const ResourceType jobs{"batch", "v1", "jobs", "Job", Scope::namespaced};
inline const ResourceType cron_jobs{"batch", "v1", "cronjobs", "CronJob", Scope::namespaced};
inline const ResourceType leases{"coordination.k8s.io", "v1", "leases", "Lease", Scope::namespaced};
inline const ResourceType endpoint_slices{"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", Scope::namespaced};
inline const ResourceType pod_disruption_budgets{"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", Scope::namespaced};
inline const ResourceType horizontal_pod_autoscalers{"autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", Scope::namespaced};
inline const ResourceType priority_classes{"scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", Scope::cluster};
inline const ResourceType certificate_signing_requests{"certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest", Scope::cluster};
inline const ResourceType storage_classes{"storage.k8s.io", "v1", "storageclasses", "StorageClass", Scope::cluster};
inline const ResourceType roles{"rbac.authorization.k8s.io", "v1", "roles", "Role", Scope::namespaced};
inline const ResourceType role_bindings{"rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", Scope::namespaced};
inline const ResourceType cluster_roles{"rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", Scope::cluster};
inline const ResourceType cluster_role_bindings{"rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", Scope::cluster};
inline const ResourceType custom_resource_definitions{"apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", Scope::cluster};
}  // namespace types

}  // namespace skidpad::client

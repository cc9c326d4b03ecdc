/// @file etcd_operator_objects.hpp
/// The etcd operator as an add-on: its account, rights and Deployment on the control plane, and an object store for its backups.
#pragma once

#include "harness/cluster/cluster_plan.hpp"
#include "harness/runtime/json.hpp"

namespace skidpad::cluster {

std::vector<Json> etcd_operator_objects(const ClusterSpec& spec, const ClusterPlan& plan);

/// Where members' images come from: the release that EtcdCluster.spec.version names by default.
inline constexpr char managed_etcd_images[] = "quay.io/coreos/etcd:v";
inline constexpr char managed_etcd_version[] = "3.4.23";
inline constexpr char object_store_address[] = "10.96.0.50";  ///< cluster IP of the object store
inline constexpr int object_store_port = 9000;
inline constexpr char object_store_bucket[] = "backups";
inline constexpr char object_store_key[] = "skidpad";
inline constexpr char object_store_secret[] = "skidpad-secret";
inline constexpr char managed_etcd_data_directory[] = "/var/lib/etcd-operator";  ///< on the members' machines: the operator's default

}  // namespace skidpad::cluster

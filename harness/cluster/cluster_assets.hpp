/// @file cluster_assets.hpp
/// Everything written onto machines and into the API to make a cluster: certificates, kubeconfigs, manifests, units, add-ons.
/// Files are where kubeadm puts them. Texts hold ${ROOT}, ${NAME}, ${ADDRESS} and ${POD_CIDR}, which the machine provider expands.
#pragma once

#include "harness/client/machines/machine.hpp"
#include "harness/client/kubernetes/kubeconfig.hpp"
#include "harness/cluster/cluster_plan.hpp"

namespace skidpad::cluster {

using client::machines::MachineSpec;
using runtime::Result;

/// Where an operator lays the snapshot on a machine of snapshot_machines.
inline constexpr char snapshot_path[] = "/opt/bootstrap/snapshot.db";

struct ClusterAssets {
  ClusterPlan plan;
  std::vector<MachineSpec> machines;   ///< in the plan's order, then the one of the hollow nodes
  std::optional<MachineSpec> recovery_machine;  ///< self-hosted only: the first control-plane machine, to be set up anew when all are lost
  std::vector<MachineSpec> snapshot_machines;   ///< self-hosted only: etcd's machines, to be set up anew when all that is left is a snapshot
  MachineSpec worker_template;         ///< a further worker: everything but its name; it joins by itself
  client::Kubeconfig admin;            ///< cluster-admin; servers: every API server
  std::vector<Json> objects;           ///< created through the API in this order once it serves: RBAC, kube-proxy, healer
  std::string etcd_ca_pem;
  std::string etcd_client_certificate_pem;
  std::string etcd_client_key_pem;
};

Result<ClusterAssets> render_assets(const ClusterSpec& spec, runtime::Pki& pki, runtime::Random& random);

}  // namespace skidpad::cluster

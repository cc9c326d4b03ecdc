/// @file self_hosted.hpp
/// Turns the assets of a cluster whose control plane is static pods into those of one that hosts itself: API servers as a DaemonSet,
/// scheduler and controller-manager as Deployments, checkpointers beside them, brought up by `skidpad-bootstrap start` on the first
/// control-plane node. etcd stays where it was.
/// Promise: keys of the authorities leave every node but the first, and that one's assets are 0600.
#pragma once

#include "harness/cluster/cluster_assets.hpp"

namespace skidpad::cluster {

Result<void> host_itself(const ClusterSpec& spec, ClusterAssets& assets, runtime::Pki& pki);

}  // namespace skidpad::cluster

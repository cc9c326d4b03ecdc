/// @file up_command.hpp
/// `skidpad up`, `status` and `down`: a cluster to play with that outlives the command.
#pragma once

#include <string>

#include "harness/cli/assets.hpp"
#include "harness/cluster/cluster_plan.hpp"

namespace skidpad::cli {

struct UpCommand {
  std::string name = "default";
  cluster::TopologyType topology = cluster::TopologyType::overlapping_planes;
  std::size_t workers = 2;
  AssetOptions assets;
  std::string isolation = "auto";
  std::string profile;   ///< "" = fast; eased with real binaries; kubernetes with hollow nodes
  bool healer = true;
};

/// 0 when every node is Ready. Prints the line to export KUBECONFIG on standard output.
int up(const Installation& installation, const UpCommand& command);
int status(const Installation& installation, const std::string& name);
/// 0 when nothing is left, also if there was nothing.
int down(const Installation& installation, const std::string& name);

}  // namespace skidpad::cli

/// @file pivot_gate.hpp
/// Whether the control plane hosts itself: may the temporary one go?
/// Promise: a pod counts only if it is Ready, its node has a heartbeat of this run, and it answers us now on its readiness probe's own
/// address; what an old etcd says about pods that no longer run opens nothing (behaviour B5).
#pragma once

#include "controllers/bootstrapper/control_plane.hpp"
#include "harness/client/kubernetes/kubernetes_client.hpp"

namespace skidpad::controllers::bootstrapper {

using runtime::Result;
using runtime::Task;

class PivotGate {
 public:
  /// @param since  when this run's API server came up
  PivotGate(client::KubernetesClient& client, runtime::WallTime since) : client_(client), since_(since) {}
  /// What is missing; "" when the gate is open.
  Task<Result<std::string>> missing();

 private:
  Task<Result<void>> look_at_nodes();
  Task<Result<std::string>> missing_of(Required required);
  Task<bool> answers(Json pod);
  std::size_t fresh_nodes_for(const Json& pod_spec) const;

  client::KubernetesClient& client_;
  runtime::WallTime since_;
  std::map<std::string, std::string> first_renewal_;  ///< by node: what the first look saw
  std::map<std::string, Json> fresh_nodes_;           ///< labels, by name
};

}  // namespace skidpad::controllers::bootstrapper

/// @file journal.hpp
/// What the healer tells of each node, as Events on it, and counts.
/// Promise: each thing is told once, whoever tells it and however often it is tried: its Event's name is made from what happened.
#pragma once

#include <set>

#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/client/metrics.hpp"

namespace skidpad::controllers::node_healer {

using runtime::Result;
using runtime::Task;

namespace metric {
inline constexpr char remediations[] = "controller_node_healer_remediations_total";
inline constexpr char unhealthy_nodes[] = "controller_node_healer_unhealthy_nodes";
inline constexpr char reconcile[] = "controller_reconcile_total";
inline constexpr char reconcile_duration[] = "controller_reconcile_duration_seconds";
}  // namespace metric

struct Entry {
  Entry() {}  ///< declared: g++ 12 destroys aggregate temporaries in co_await expressions twice
  std::string node;
  std::string uid;
  std::string occasion;   ///< with the node and the reason: what makes it one thing; "worker-2-r1"
  std::string reason;     ///< "RemediationStarted"
  std::string message;
  bool warning = false;
  std::string counted_as; ///< label `result`; "" is not counted
};

class Journal {
 public:
  Journal(client::KubernetesClient& client, client::Metrics& metrics, std::string component);
  /// Fails only where trying again may help.
  Task<Result<void>> tell(Entry entry);

 private:
  client::KubernetesClient& client_;
  client::Metrics& metrics_;
  std::string component_;
  std::set<std::string> counted_;
};

}  // namespace skidpad::controllers::node_healer

/// @file state_store.hpp
/// The healer's state in its ConfigMap: read from the API itself, never from a cache, and written only over what was read.
/// Promise: of two healers that both believe to lead, at most one can write; the other gets `conflict` and must read again.
#pragma once

#include "controllers/node_healer/healer_state.hpp"
#include "harness/client/kubernetes/kubernetes_client.hpp"

namespace skidpad::controllers::node_healer {

using runtime::Task;

class StateStore {
 public:
  StateStore(client::KubernetesClient& client, std::string namespace_name, std::string name)
      : client_(client), namespace_(std::move(namespace_name)), name_(std::move(name)) {}
  /// An empty state where there is none yet. corrupt if it is unreadable: that is for a person to look at, not to overwrite.
  Task<Result<HealerState>> load();
  Task<Result<void>> save(HealerState state);
  /// Whether the API answers at all, by way of its store.
  Task<bool> reachable();

 private:
  client::KubernetesClient& client_;
  std::string namespace_;
  std::string name_;
  Json object_;  ///< as last read or written; null: there is none
};

}  // namespace skidpad::controllers::node_healer

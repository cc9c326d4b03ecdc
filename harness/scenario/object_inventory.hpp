/// @file object_inventory.hpp
/// What lies in the API and on the machines before the faults and after the recovery, for the guarantees objects_preserved and
/// checkpoints_settled.
#pragma once

#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/client/machines/machine_provider_client.hpp"

namespace skidpad::scenario {

/// Pods that are checkpointed, by "namespace/name": on which node.
using CheckpointParents = std::map<std::string, std::string>;
runtime::Task<runtime::Result<CheckpointParents>> checkpoint_parents(client::KubernetesClient& api);

/// What is left of a control plane's way back: static copies of pods by their mirrors, but for the checkpointer's own; pods that stand
/// in for others; those of a temporary control plane; pods not yet Ready; and the checkpoints on disk of parents that are no more.
/// @return an array of "namespace/name", of a file "node:path"
runtime::Task<runtime::Result<Json>> running_copies(client::KubernetesClient& api, client::machines::MachineProviderClient& machines, const CheckpointParents& before);

/// @return {"objects": {"Kind/namespace/name": uid}}: fields of check::inventory_event, which also has "copies".
runtime::Task<runtime::Result<Json>> take_inventory(client::KubernetesClient& api);

}  // namespace skidpad::scenario

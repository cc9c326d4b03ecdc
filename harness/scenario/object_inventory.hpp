/// @file object_inventory.hpp
/// What lies in the API before the faults and after the recovery, for the guarantees objects_preserved and checkpoints_settled.
#pragma once

#include "harness/client/kubernetes/kubernetes_client.hpp"

namespace skidpad::scenario {

/// Static copies of pods, by their mirrors, but for the checkpointer's own; pods that stand in for others; and pods not yet Ready.
/// @return an array of "namespace/name"
runtime::Task<runtime::Result<Json>> running_copies(client::KubernetesClient& api);

/// @return {"objects": {"Kind/namespace/name": uid}, "copies": as running_copies()}: the fields of check::inventory_event.
runtime::Task<runtime::Result<Json>> take_inventory(client::KubernetesClient& api);

}  // namespace skidpad::scenario

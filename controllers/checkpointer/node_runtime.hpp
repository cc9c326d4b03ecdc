/// @file node_runtime.hpp
/// Which pods the container runtime of this node really runs.
/// Promise: the kernel decides. A record that claims a running container whose process is gone counts as not running (behaviour C12).
/// Limit: reads our runtime's records, <kubelet root>/pods/UID/state.json; another runtime needs another reader behind this header.
#pragma once

#include <set>
#include <string>

#include "harness/runtime/runtime.hpp"

namespace skidpad::controllers::checkpointer {

struct RunningPods {
  std::set<std::string> pods;    ///< "NAMESPACE/NAME" of pods that came from the API
  std::set<std::string> copies;  ///< "NAMESPACE/PARENT" of static copies
};

/// io if the directory cannot be read: then nothing is known, which is not the same as nothing runs.
runtime::Result<RunningPods> running_pods(runtime::Runtime& runtime, const std::string& state_directory);

}  // namespace skidpad::controllers::checkpointer

/// @file pod_object_fault.hpp
/// The pods of one component are deleted through the API, as by a careless administrator; whoever owns them makes new ones.
/// Promise: only pods that the API owns (no static ones) of that component on the targets are deleted, all before anyone waits.
/// Witness: the store; there the pod is marked for deletion, gone, or another one.
#pragma once

#include "harness/fault/fault.hpp"

namespace skidpad::fault {

/// @param program  as the pods' label says: "kube-apiserver", "node-healer"
std::unique_ptr<Fault> make_pod_object_fault(Scene scene, std::string program, std::vector<TargetMachine> targets);

}  // namespace skidpad::fault

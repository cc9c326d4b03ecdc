/// @file node_object_fault.hpp
/// The Node object is deleted through the API while its machine runs on, as a careless administrator does.
/// Promise: only the named Node objects are deleted. Nothing to heal: a kubelet registers again by itself.
/// Witness: an API server's answer to a GET.
#pragma once

#include "harness/fault/fault.hpp"

namespace skidpad::fault {

std::unique_ptr<Fault> make_node_object_fault(Scene scene, std::vector<TargetMachine> targets);

}  // namespace skidpad::fault

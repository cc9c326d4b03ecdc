/// @file node_healer.hpp
/// The program node-healer: replaces lost worker nodes by new machines (behaviours N1, N2, N3, N7, N10 to N12 and O1, O2, O5 to O7).
/// Limits: workers only; a node of the control plane or with an etcd member is never touched. No drain: what it replaces is
/// dead, and powered off before its pods may run elsewhere.
#pragma once

#include "harness/runtime/runtime.hpp"

namespace skidpad::controllers::node_healer {

runtime::Task<int> node_healer_main(runtime::Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::controllers::node_healer

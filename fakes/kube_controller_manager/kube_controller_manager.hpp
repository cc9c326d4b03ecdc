/// @file kube_controller_manager.hpp
/// The program kube-controller-manager, with the real one's flags, lease, ports and metric names.
#pragma once

#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::kube_controller_manager {

runtime::Task<int> kube_controller_manager_main(runtime::Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::fakes::kube_controller_manager

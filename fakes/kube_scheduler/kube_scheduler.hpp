/// @file kube_scheduler.hpp
/// The program kube-scheduler, with the real one's flags, lease, ports and metric names.
#pragma once

#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::kube_scheduler {

runtime::Task<int> kube_scheduler_main(runtime::Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::fakes::kube_scheduler

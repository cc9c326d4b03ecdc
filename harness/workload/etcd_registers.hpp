/// @file etcd_registers.hpp
/// Registers kept as keys of an etcd cluster that is a workload, reached at its members' own ports.
#pragma once

#include "harness/workload/register_traffic.hpp"

namespace skidpad::workload {

/// @param endpoints  wherever a member may be; those without one refuse, and the next is asked.
std::unique_ptr<Registers> make_etcd_registers(Runtime& runtime, std::vector<runtime::Endpoint> endpoints, Duration timeout);

}  // namespace skidpad::workload

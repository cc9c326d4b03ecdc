/// @file etcdctl.hpp
/// The part of etcdctl 3.4 that works on files, for the model: `snapshot restore` and `snapshot status`.
/// Not offered: every command that talks to a server; those have a client library (harness/client/etcd).
#pragma once

#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::etcd {

/// Exit codes as etcdctl's: 0, 1 on any error, 128 for wrong arguments.
runtime::Task<int> etcdctl_main(runtime::Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::fakes::etcd

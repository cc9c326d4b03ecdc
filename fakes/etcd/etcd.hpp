/// @file etcd.hpp
/// A model of etcd 3.4 as a program: the flags, files, ports, errors and timing that clients and operators of a real one see.
/// Promise: one contract suite passes on it and on the real one (etcd_contract.hpp).
/// Not modelled: gRPC (only the JSON gateway), the v2 API, auth, the v3lock and v3election services, CORRUPT alarms, discovery.
#pragma once

#include "fakes/etcd/raft.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::etcd {

/// Exit codes: 0 after SIGTERM or removal from the cluster, 1 for wrong flags, wrong data or a failing disk.
runtime::Task<int> etcd_main(runtime::Runtime& runtime, std::vector<std::string> arguments);

/// The same with bugs planted, for testing the checks that must find them.
runtime::Task<int> run_etcd(runtime::Runtime& runtime, std::vector<std::string> arguments, RaftOptions planted);

}  // namespace skidpad::fakes::etcd

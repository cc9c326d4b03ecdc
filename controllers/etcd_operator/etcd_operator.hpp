/// @file etcd_operator.hpp
/// The program etcd-operator: keeps each EtcdCluster at its size, replaces lost members, sees and repairs quorum loss, takes and
/// restores backups (behaviours E1 to E23, K1 to K12). docs/etcd-operator.md says what a user types and sees.
/// Its subcommands `check-data`, `keep-aside` and `restore-data` run as init containers of members, on their hosts' disks.
#pragma once

#include "harness/runtime/runtime.hpp"

namespace skidpad::controllers::etcd_operator {

runtime::Task<int> etcd_operator_main(runtime::Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::controllers::etcd_operator

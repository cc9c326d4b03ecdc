/// @file member_commands.hpp
/// What the operator's program does on a member's host, as init containers of its pod: look at data, keep it aside, restore it.
/// Promise: each can be run again after being cut short anywhere; none ever deletes data.
#pragma once

#include "harness/runtime/runtime.hpp"

namespace skidpad::controllers::etcd_operator {

/// Exit 0 if the directory holds a member's data, or if none was ever there; exit_data_lost if it was.
runtime::Task<int> check_data(runtime::Runtime& runtime, std::vector<std::string> arguments);
/// Copies the data directory to another name, unless that is done.
runtime::Task<int> keep_aside(runtime::Runtime& runtime, std::vector<std::string> arguments);
/// Fetches a snapshot, verifies it, and lets etcdctl make a data directory of it; nothing if there is one already.
runtime::Task<int> restore_data(runtime::Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::controllers::etcd_operator

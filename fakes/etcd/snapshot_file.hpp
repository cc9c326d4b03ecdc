/// @file snapshot_file.hpp
/// The model's snapshot as a file: padded to whole pages, with the SHA-256 of all before at its end, as etcd's.
/// Not bbolt: only this model reads what is inside.
#pragma once

#include "fakes/etcd/command.hpp"
#include "harness/runtime/result.hpp"

namespace skidpad::fakes::etcd {

std::string write_snapshot_file(const AppliedState& state);
/// corrupt with etcdctl's words.
runtime::Result<AppliedState> read_snapshot_file(std::string_view bytes, bool check_hash);

}  // namespace skidpad::fakes::etcd

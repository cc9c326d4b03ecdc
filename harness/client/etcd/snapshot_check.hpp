/// @file snapshot_check.hpp
/// What tells a whole etcd snapshot from a truncated or altered file: the SHA-256 that etcd appends, and one's own record of the file.
#pragma once

#include "harness/runtime/result.hpp"

namespace skidpad::client {

/// corrupt unless the last 32 bytes are the SHA-256 of all before, which fill whole pages (`etcdctl snapshot restore` asks the same).
runtime::Result<void> check_snapshot(std::string_view bytes);
/// And its SHA-256 as recorded when it was taken; "" asks nothing.
runtime::Result<void> check_snapshot(std::string_view bytes, std::string_view sha256_hex);

}  // namespace skidpad::client

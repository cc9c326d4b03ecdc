/// @file snapshot_file.hpp
/// What tells a whole etcd snapshot from a truncated, altered or foreign file: the SHA-256 etcd appends, and our own record of it.
#pragma once

#include "harness/runtime/result.hpp"

namespace skidpad::controllers::etcd_operator {

/// corrupt unless the last 32 bytes are the SHA-256 of all before, which fill whole pages (`etcdctl snapshot restore` asks the same).
runtime::Result<void> check_snapshot(std::string_view bytes);
/// And its SHA-256 as recorded when it was taken; "" asks nothing.
runtime::Result<void> check_snapshot(std::string_view bytes, std::string_view sha256_hex);

/// "NAMESPACE.CLUSTER_v<revision>_<time>.db": the name of a backup below its prefix.
struct BackupName {
  std::string prefix;        ///< "folder/NAMESPACE.CLUSTER"
  std::int64_t revision = 0;
  std::string time;          ///< "20261122T220320Z"
  std::string text() const;
  /// False if it is no backup of this prefix (other objects in the bucket).
  static bool parse(std::string_view name, std::string_view prefix, BackupName& parsed);
};

}  // namespace skidpad::controllers::etcd_operator

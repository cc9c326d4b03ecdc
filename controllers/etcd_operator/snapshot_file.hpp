/// @file snapshot_file.hpp
/// The names of backups, and which files are whole ones.
#pragma once

#include "harness/client/etcd/snapshot_check.hpp"

namespace skidpad::controllers::etcd_operator {

using client::check_snapshot;

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

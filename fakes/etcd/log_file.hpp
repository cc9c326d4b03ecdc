/// @file log_file.hpp
/// A member's durable state: write-ahead log and snapshots under <data-dir>/member, laid out as etcd does.
/// Promise: what save() returned success for is there after a power cut; a torn last record is dropped, any other damage is an error.
/// Not etcd's record format: only this model reads it.
#pragma once

#include "fakes/etcd/raft.hpp"
#include "harness/runtime/disk.hpp"

namespace skidpad::fakes::etcd {

struct LoadedLog {
  LoadedLog() {}
  MemberId member{};
  std::uint64_t cluster_id = 0;
  HardState hard_state;
  RaftSnapshot snapshot;
  std::vector<Entry> entries;
};

class LogFile {
 public:
  LogFile(runtime::Disk& disk, std::string data_directory);
  /// A log was made here before.
  bool exists() const;
  runtime::Result<void> create(MemberId member, std::uint64_t cluster_id);
  runtime::Result<LoadedLog> load();
  /// Syncs if asked to; the count is kept for the metric.
  runtime::Result<void> save(const HardState* hard_state, const std::vector<Entry>& entries, bool sync);
  /// Replaces the log by a snapshot and the entries behind it.
  runtime::Result<void> save_snapshot(const RaftSnapshot& snapshot, const HardState& hard_state, const std::vector<Entry>& entries_after);
  std::uint64_t sync_count() const { return sync_count_; }

 private:
  std::string wal_directory() const { return data_directory_ + "/member/wal"; }
  std::string snap_directory() const { return data_directory_ + "/member/snap"; }
  runtime::Result<void> read_segment(const std::string& path, LoadedLog& log);
  runtime::Result<void> read_snapshot(LoadedLog& log);
  void append_identity(std::string& out) const;

  runtime::Disk& disk_;
  std::string data_directory_;
  std::string segment_path_;
  std::uint64_t segment_number_ = 0;
  MemberId member_{};
  std::uint64_t cluster_id_ = 0;
  std::uint64_t sync_count_ = 0;
  std::string buffer_;
};

}  // namespace skidpad::fakes::etcd

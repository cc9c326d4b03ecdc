#include "fakes/etcd/log_file.hpp"

#include <cstdio>

#include "fakes/etcd/binary.hpp"

namespace skidpad::fakes::etcd {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;
using runtime::success;

namespace {

enum class RecordKind : std::uint64_t { identity = 1, entry = 2, hard_state = 3, snapshot = 4 };

void append_fixed32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift);
}
std::uint32_t fixed32(std::string_view text, std::size_t position) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(text[position + static_cast<std::size_t>(i)])} << (8 * i);
  return value;
}

/// Reserves the frame, lets `fill` append the payload, then completes the frame.
template <class Fill>
void append_record(std::string& out, Fill fill) {
  const std::size_t start = out.size();
  out.append(8, '\0');
  fill(BinaryWriter(out));
  const std::string_view payload = std::string_view(out).substr(start + 8);
  std::string frame;
  append_fixed32(frame, static_cast<std::uint32_t>(payload.size()));
  append_fixed32(frame, crc32c(payload));
  out.replace(start, 8, frame);
}

void append_entry(std::string& out, const Entry& entry) {
  append_record(out, [&](BinaryWriter record) {
    record.number(static_cast<std::uint64_t>(RecordKind::entry));
    record.number(entry.index);
    record.number(entry.term);
    record.number((entry.is_membership_change ? 1u : 0u) | (entry.data ? 2u : 0u));
    if (entry.data) record.bytes(*entry.data);
  });
}

void append_hard_state(std::string& out, const HardState& state) {
  append_record(out, [&](BinaryWriter record) {
    record.number(static_cast<std::uint64_t>(RecordKind::hard_state));
    record.number(state.term);
    record.number(static_cast<std::uint64_t>(state.vote));
    record.number(state.commit);
  });
}

void append_snapshot_mark(std::string& out, std::uint64_t index, std::uint64_t term) {
  append_record(out, [&](BinaryWriter record) {
    record.number(static_cast<std::uint64_t>(RecordKind::snapshot));
    record.number(index);
    record.number(term);
  });
}

std::string hex16(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

std::string snapshot_name(std::uint64_t term, std::uint64_t index) { return hex16(term) + "-" + hex16(index) + ".snap"; }

}  // namespace

LogFile::LogFile(runtime::Disk& disk, std::string data_directory) : disk_(disk), data_directory_(std::move(data_directory)) {}

bool LogFile::exists() const {
  const Result<std::vector<std::string>> names = disk_.list(wal_directory());
  return names && !names.value().empty();
}

void LogFile::append_identity(std::string& out) const {
  append_record(out, [&](BinaryWriter record) {
    record.number(static_cast<std::uint64_t>(RecordKind::identity));
    record.number(static_cast<std::uint64_t>(member_));
    record.number(cluster_id_);
  });
}

Result<void> LogFile::create(MemberId member, std::uint64_t cluster_id) {
  member_ = member;
  cluster_id_ = cluster_id;
  TRY(disk_.make_directories(wal_directory(), 0700));
  TRY(disk_.make_directories(snap_directory(), 0700));
  segment_number_ = 0;
  segment_path_ = wal_directory() + "/" + hex16(0) + "-" + hex16(0) + ".wal";
  std::string text;
  append_identity(text);
  return disk_.write_atomically(segment_path_, text, 0600);
}

Result<void> LogFile::read_segment(const std::string& path, LoadedLog& log) {
  TRY(const std::string text, disk_.read(path));
  std::size_t position = 0;
  while (position < text.size()) {
    const std::size_t left = text.size() - position;
    // A record cut short was being written when the machine died: nobody was told of it.
    if (left < 8 || fixed32(text, position) > left - 8) break;
    const std::string_view payload = std::string_view(text).substr(position + 8, fixed32(text, position));
    if (crc32c(payload) != fixed32(text, position + 4)) return Error(ErrorCode::corrupt, path + ": walpb: crc mismatch");
    position += 8 + payload.size();
    BinaryReader in(payload);
    switch (static_cast<RecordKind>(in.number())) {
      case RecordKind::identity:
        log.member = MemberId{in.number()};
        log.cluster_id = in.number();
        break;
      case RecordKind::entry: {
        Entry entry;
        entry.index = in.number();
        entry.term = in.number();
        const std::uint64_t flags = in.number();
        entry.is_membership_change = (flags & 1) != 0;
        if ((flags & 2) != 0) entry.data = std::make_shared<const std::string>(in.bytes());
        // A later record replaces what an earlier leader had written from here on.
        while (!log.entries.empty() && log.entries.back().index >= entry.index) log.entries.pop_back();
        if (!log.entries.empty() && log.entries.back().index + 1 != entry.index) return Error(ErrorCode::corrupt, path + ": a gap in the log");
        log.entries.push_back(std::move(entry));
        break;
      }
      case RecordKind::hard_state:
        log.hard_state.term = in.number();
        log.hard_state.vote = MemberId{in.number()};
        log.hard_state.commit = in.number();
        break;
      case RecordKind::snapshot: {
        log.snapshot.index = in.number();
        log.snapshot.term = in.number();
        log.entries.clear();
        break;
      }
      default: return Error(ErrorCode::corrupt, path + ": unknown record");
    }
    if (in.failed()) return Error(ErrorCode::corrupt, path + ": short record");
  }
  if (position < text.size()) {
    const std::string kept = text.substr(0, position);
    TRY(disk_.write_atomically(path, kept, 0600));
  }
  return success();
}

Result<void> LogFile::read_snapshot(LoadedLog& log) {
  if (log.snapshot.index == 0) return success();
  const std::string path = snap_directory() + "/" + snapshot_name(log.snapshot.term, log.snapshot.index);
  TRY(const std::string text, disk_.read(path));
  if (text.size() < 4 || crc32c(std::string_view(text).substr(4)) != fixed32(text, 0)) return Error(ErrorCode::corrupt, path + ": snap: crc mismatch");
  BinaryReader in(std::string_view(text).substr(4));
  for (std::set<MemberId>* ids : {&log.snapshot.voters, &log.snapshot.learners})
    for (std::uint64_t left = in.number(); left > 0 && !in.failed(); --left) ids->insert(MemberId{in.number()});
  log.snapshot.data = std::make_shared<const std::string>(in.bytes());
  if (in.failed()) return Error(ErrorCode::corrupt, path + ": short snapshot");
  return success();
}

Result<LoadedLog> LogFile::load() {
  LoadedLog log;
  TRY(const std::vector<std::string> names, disk_.list(wal_directory()));
  for (const std::string& name : names) {
    if (!name.ends_with(".wal")) continue;
    segment_path_ = wal_directory() + "/" + name;
    segment_number_ = std::strtoull(name.c_str(), nullptr, 16);
    TRY(read_segment(segment_path_, log));
  }
  if (log.member == no_member) return Error(ErrorCode::corrupt, wal_directory() + ": no member identity in the log");
  TRY(read_snapshot(log));
  if (!log.entries.empty() && log.entries.front().index != log.snapshot.index + 1) return Error(ErrorCode::corrupt, wal_directory() + ": a gap behind the snapshot");
  member_ = log.member;
  cluster_id_ = log.cluster_id;
  return log;
}

Result<void> LogFile::save(const HardState* hard_state, const std::vector<Entry>& entries, bool sync) {
  buffer_.clear();
  for (const Entry& entry : entries) append_entry(buffer_, entry);
  if (hard_state != nullptr) append_hard_state(buffer_, *hard_state);
  if (buffer_.empty()) return success();
  TRY(disk_.append(segment_path_, buffer_, 0600));
  if (!sync) return success();
  ++sync_count_;
  return disk_.sync(segment_path_);
}

Result<void> LogFile::save_snapshot(const RaftSnapshot& snapshot, const HardState& hard_state, const std::vector<Entry>& entries_after) {
  std::string body;
  BinaryWriter out(body);
  for (const std::set<MemberId>* ids : {&snapshot.voters, &snapshot.learners}) {
    out.number(ids->size());
    for (const MemberId id : *ids) out.number(static_cast<std::uint64_t>(id));
  }
  out.bytes(*snapshot.data);
  std::string text;
  append_fixed32(text, crc32c(body));
  text += body;
  // First the snapshot, then a log that names it, then the old ones go: a crash between any two leaves a whole state.
  TRY(disk_.write_atomically(snap_directory() + "/" + snapshot_name(snapshot.term, snapshot.index), text, 0600));
  std::string log;
  append_identity(log);
  append_snapshot_mark(log, snapshot.index, snapshot.term);
  for (const Entry& entry : entries_after) append_entry(log, entry);
  append_hard_state(log, hard_state);
  const std::string next = wal_directory() + "/" + hex16(++segment_number_) + "-" + hex16(snapshot.index) + ".wal";
  TRY(disk_.write_atomically(next, log, 0600));
  segment_path_ = next;
  TRY(const std::vector<std::string> segments, disk_.list(wal_directory()));
  for (const std::string& name : segments)
    if (wal_directory() + "/" + name != next) TRY(disk_.remove(wal_directory() + "/" + name));
  TRY(const std::vector<std::string> snapshots, disk_.list(snap_directory()));
  for (const std::string& name : snapshots)
    if (name.ends_with(".snap") && name != snapshot_name(snapshot.term, snapshot.index)) TRY(disk_.remove(snap_directory() + "/" + name));
  return success();
}

}  // namespace skidpad::fakes::etcd

/// @file container_logs.hpp
/// What containers wrote, as `kubectl logs` asks for it: the end of it, since when, with times, and what is still to come.
/// A container writes straight into its log file, so that it outlives the kubelet; nobody sees the single line pass. LogClock looks
/// at the files once a second and notes how long they had become by when. So the time of a line is known to a second, never earlier
/// than it was written; lines of one second share one.
/// Limits: stdout and stderr are one file; no rotation.
#pragma once

#include "harness/runtime/http/http_server.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::kubelet {

struct LogOptions {
  bool follow = false;
  bool previous = false;
  bool timestamps = false;
  std::optional<std::uint64_t> tail_lines;
  std::optional<runtime::WallTime> since;
  std::optional<std::uint64_t> bytes_max;
};

/// From the query of /containerLogs/. The error's message says what is wrong with it.
runtime::Result<LogOptions> parse_log_options(std::string_view query, runtime::WallTime now);

/// When a log had reached which length; in order of both.
class LogTimes {
 public:
  static LogTimes parse(std::string_view text);
  /// When the byte before `offset` was there; none if that was not noted yet.
  std::optional<runtime::WallTime> time_of(std::uint64_t offset) const;
  /// Everything before this was written before `time`.
  std::uint64_t offset_before(runtime::WallTime time) const;
  std::size_t size() const { return records_.size(); }
  /// Forgets every second record.
  void thin();
  std::string text() const;

 private:
  struct Record {
    std::uint64_t offset;
    std::int64_t nanoseconds;
  };
  std::vector<Record> records_;
};

std::string times_path(const std::string& log_path);

class LogClock {
 public:
  explicit LogClock(runtime::Disk& disk) : disk_(disk) {}
  /// Notes how long a log is now.
  void look(const std::string& log_path);
  /// Forgets the logs that were not looked at since the last call.
  void sweep();

 private:
  struct Seen {
    std::uint64_t size_bytes = 0;
    std::size_t records = 0;
    bool looked_at = true;
  };
  runtime::Disk& disk_;
  std::map<std::string, Seen> logs_;
};

/// Where a log begins for these options.
std::uint64_t log_begin(runtime::Disk& disk, const std::string& path, std::uint64_t size_bytes, const LogOptions& options);

/// Sends a log as a streamed answer. `grows` says whether the container still writes to it.
runtime::Task<void> stream_log(runtime::Runtime& runtime, runtime::HttpResponder& responder, std::string path, LogOptions options, std::function<bool()> grows);

}  // namespace skidpad::fakes::kubelet

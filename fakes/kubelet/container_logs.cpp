#include "fakes/kubelet/container_logs.hpp"

#include <charconv>

namespace skidpad::fakes::kubelet {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;
using runtime::Task;
using runtime::WallTime;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t chunk_bytes_max = 256 * 1024;
constexpr std::size_t records_max = 8192;
constexpr std::size_t line_bytes_max = 16 * 1024;  ///< longer lines are split, as container runtimes do

std::int64_t nanoseconds_of(WallTime time) { return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count(); }
WallTime from_nanoseconds(std::int64_t value) { return WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::nanoseconds(value))); }

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

/// Go's RFC3339NanoFixed.
std::string stamp(WallTime time) {
  std::string text = runtime::format_rfc3339(time);
  text.pop_back();
  std::string fraction = std::to_string(nanoseconds_of(time) % 1'000'000'000);
  return text + "." + std::string(9 - fraction.size(), '0') + fraction + "Z ";
}

}  // namespace

Result<LogOptions> parse_log_options(std::string_view query, WallTime now) {
  LogOptions options;
  const auto is_true = [](const std::string& value) { return value == "true" || value == "1"; };
  for (const auto& [name, value] : runtime::parse_query(query)) {
    std::uint64_t number = 0;
    if (name == "follow") options.follow = is_true(value);
    if (name == "previous") options.previous = is_true(value);
    if (name == "timestamps") options.timestamps = is_true(value);
    if (name == "sinceTime" && !value.empty()) {
      WallTime since{};
      if (!runtime::parse_rfc3339(value, since)) return Error(ErrorCode::invalid, "sinceTime: Invalid value: \"" + value + "\"");
      options.since = since;
    }
    if (name != "tailLines" && name != "sinceSeconds" && name != "limitBytes") continue;
    if (name == "tailLines" && value == "all") continue;
    if (!read_number(value, number) || number > 1ULL << 60) return Error(ErrorCode::invalid, name + ": Invalid value: \"" + value + "\"");
    if (name == "tailLines") options.tail_lines = number;
    if (name == "limitBytes") options.bytes_max = number;
    if (name == "sinceSeconds") options.since = now - std::chrono::seconds(std::min<std::uint64_t>(number, 1'000'000'000));
  }
  return options;
}

// --- times ---

std::string times_path(const std::string& log_path) { return log_path + ".times"; }

LogTimes LogTimes::parse(std::string_view text) {
  LogTimes times;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t space = line.find(' ');
    Record record{};
    if (space == std::string_view::npos || !read_number(line.substr(0, space), record.offset) || !read_number(line.substr(space + 1), record.nanoseconds)) continue;
    if (!times.records_.empty() && times.records_.back().offset >= record.offset) continue;
    times.records_.push_back(record);
  }
  return times;
}

std::optional<WallTime> LogTimes::time_of(std::uint64_t offset) const {
  const auto found = std::lower_bound(records_.begin(), records_.end(), offset, [](const Record& record, std::uint64_t wanted) { return record.offset < wanted; });
  if (found == records_.end()) return std::nullopt;
  return from_nanoseconds(found->nanoseconds);
}

std::uint64_t LogTimes::offset_before(WallTime time) const {
  std::uint64_t offset = 0;
  for (const Record& record : records_) {
    if (record.nanoseconds >= nanoseconds_of(time)) break;
    offset = record.offset;
  }
  return offset;
}

void LogTimes::thin() {
  std::vector<Record> kept;
  for (std::size_t i = records_.size() % 2; i < records_.size(); i += 2) kept.push_back(records_[i]);
  records_ = std::move(kept);
}

std::string LogTimes::text() const {
  std::string text;
  for (const Record& record : records_) text += std::to_string(record.offset) + " " + std::to_string(record.nanoseconds) + "\n";
  return text;
}

void LogClock::look(const std::string& log_path) {
  const auto status = disk_.status(log_path);
  if (!status) return;
  auto [at, is_new] = logs_.try_emplace(log_path);
  Seen& seen = at->second;
  seen.looked_at = true;
  if (is_new) {
    // Taken up by a later kubelet.
    if (const auto known = disk_.read(times_path(log_path))) seen.records = LogTimes::parse(known.value()).size();
  }
  if (status.value().size_bytes <= seen.size_bytes) return;
  seen.size_bytes = status.value().size_bytes;
  const std::string record = std::to_string(seen.size_bytes) + " " + std::to_string(nanoseconds_of(status.value().modified)) + "\n";
  (void)disk_.append(times_path(log_path), record);
  if (++seen.records < records_max) return;
  const auto text = disk_.read(times_path(log_path));
  if (!text) return;
  LogTimes times = LogTimes::parse(text.value());
  times.thin();
  seen.records = times.size();
  (void)disk_.write(times_path(log_path), times.text());
}

void LogClock::sweep() {
  std::erase_if(logs_, [](const auto& entry) { return !entry.second.looked_at; });
  for (auto& [path, seen] : logs_) seen.looked_at = false;
}

// --- sending ---

namespace {

/// Where the last `count` lines begin. An unfinished line counts as one.
std::uint64_t begin_of_last_lines(runtime::Disk& disk, const std::string& path, std::uint64_t size, std::uint64_t count) {
  if (count == 0) return size;
  std::uint64_t end = size;
  std::uint64_t found = 0;
  while (end > 0) {
    const std::uint64_t begin = end > chunk_bytes_max ? end - chunk_bytes_max : 0;
    const auto piece = disk.read_from(path, begin, end - begin);
    if (!piece) return 0;
    for (std::size_t i = piece.value().size(); i > 0; --i) {
      if (piece.value()[i - 1] != '\n' || begin + i == size) continue;  // the end of the very last line begins none
      if (++found == count) return begin + i;
    }
    end = begin;
  }
  return 0;
}

/// The first line that begins at or behind an offset.
std::uint64_t next_line(runtime::Disk& disk, const std::string& path, std::uint64_t offset, std::uint64_t size) {
  if (offset == 0) return 0;
  for (std::uint64_t at = offset - 1; at < size;) {
    const auto piece = disk.read_from(path, at, chunk_bytes_max);
    if (!piece || piece.value().empty()) break;
    const std::size_t end = piece.value().find('\n');
    if (end != std::string::npos) return at + end + 1;
    at += piece.value().size();
  }
  return size;
}

/// Puts times before lines and stops at a number of bytes.
class LogWriter {
 public:
  LogWriter(runtime::Runtime& runtime, std::string path, const LogOptions& options, std::uint64_t offset)
      : runtime_(runtime), path_(std::move(path)), options_(options), offset_(offset) {}

  /// What to send for the next bytes of the file.
  std::string take(std::string bytes, bool at_end) {
    std::string out;
    if (!options_.timestamps) {
      out = std::move(bytes);
    } else {
      line_ += bytes;
      std::optional<LogTimes> times;
      if (const auto known = runtime_.disk().read(times_path(path_))) times = LogTimes::parse(known.value());
      std::size_t begin = 0;
      while (begin < line_.size()) {
        std::size_t end = line_.find('\n', begin);
        const bool whole = end != std::string::npos;
        if (!whole && !at_end && line_.size() - begin < line_bytes_max) break;
        end = whole ? end + 1 : line_.size();
        const std::uint64_t behind = offset_ + end;
        auto time = times ? times->time_of(behind) : std::nullopt;
        if (!time) {
          const auto status = runtime_.disk().status(path_);
          time = status ? status.value().modified : runtime_.wall_now();
        }
        out += stamp(*time);
        out.append(line_, begin, end - begin);
        begin = end;
      }
      line_.erase(0, begin);
      offset_ += begin;
    }
    if (options_.bytes_max) {
      const std::uint64_t left = *options_.bytes_max - sent_;
      if (out.size() > left) out.resize(static_cast<std::size_t>(left));
    }
    sent_ += out.size();
    return out;
  }
  bool full() const { return options_.bytes_max && sent_ >= *options_.bytes_max; }

 private:
  runtime::Runtime& runtime_;
  std::string path_;
  const LogOptions& options_;
  std::uint64_t offset_;
  std::uint64_t sent_ = 0;
  std::string line_;
};

}  // namespace

std::uint64_t log_begin(runtime::Disk& disk, const std::string& path, std::uint64_t size, const LogOptions& options) {
  std::uint64_t begin = options.tail_lines ? begin_of_last_lines(disk, path, size, *options.tail_lines) : 0;
  if (options.since) {
    const auto known = disk.read(times_path(path));
    const std::uint64_t before = known ? LogTimes::parse(known.value()).offset_before(*options.since) : 0;
    begin = std::max(begin, next_line(disk, path, std::min(before, size), size));
    // Nothing was written since: what the clock has not noted yet has the file's own time.
    const auto status = disk.status(path);
    if (status && status.value().modified < *options.since) begin = size;
  }
  return begin;
}

Task<void> stream_log(runtime::Runtime& runtime, runtime::HttpResponder& responder, std::string path, LogOptions options, std::function<bool()> grows) {
  auto& disk = runtime.disk();
  runtime::HttpHeaders headers;
  headers.set("Content-Type", "text/plain");
  const auto started = co_await responder.start_stream(200, std::move(headers));
  if (!started) co_return;
  const auto status = disk.status(path);
  const std::uint64_t size = status ? status.value().size_bytes : 0;
  std::uint64_t offset = log_begin(disk, path, size, options);
  LogWriter writer(runtime, path, options, offset);
  while (!responder.disconnected().is_set() && !writer.full()) {
    // Asked before reading: what it wrote last is there once it has ended.
    const bool more_to_come = options.follow && grows();
    auto bytes = disk.read_from(path, offset, chunk_bytes_max);
    const bool at_end = !bytes || bytes.value().empty();
    if (!at_end) offset += bytes.value().size();
    std::string shown = writer.take(at_end ? std::string() : std::move(bytes.value()), at_end && !more_to_come);
    if (!shown.empty()) {
      const auto written = co_await responder.write_chunk(std::move(shown));
      if (!written) co_return;
    }
    if (!at_end) continue;
    if (!more_to_come) break;
    co_await responder.disconnected().wait_for(runtime, 100ms);
  }
  (void)co_await responder.end_stream();
}

}  // namespace skidpad::fakes::kubelet

/// @file time.hpp
/// The two kinds of time a program may see, as types that do not mix.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace skidpad::runtime {

using namespace std::chrono_literals;

using Duration = std::chrono::nanoseconds;

struct MonotonicClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};
/// A point on the machine's monotonic clock; only differences mean anything.
using Instant = MonotonicClock::time_point;

/// A point in calendar time (UTC), nanoseconds since 1970.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

inline double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
inline Duration from_seconds(double value) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value));
}

/// "2026-11-22T18:25:16Z", as Kubernetes writes metav1.Time.
std::string format_rfc3339(WallTime time);
/// "2026-11-22T18:25:16.123456Z", as Kubernetes writes metav1.MicroTime.
std::string format_rfc3339_micro(WallTime time);
/// Reads either form, with any number of decimals and Z or an offset. Returns false on anything else.
bool parse_rfc3339(std::string_view text, WallTime& time);
/// Reads Go's duration text ("1h2m3.5s", "300ms", "0"), the form of all Kubernetes and etcd flags.
bool parse_go_duration(std::string_view text, Duration& duration);
/// Writes a duration as Go does ("1m30s", "250ms", "0s").
std::string format_go_duration(Duration duration);

}  // namespace skidpad::runtime

#include "harness/runtime/time.hpp"

#include <array>
#include <cstdio>
#include <limits>

namespace skidpad::runtime {
namespace {

std::string format_seconds(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 48> text;
  const int length = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                   static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                                   static_cast<int>(clock.seconds().count()));
  return std::string(text.data(), static_cast<std::size_t>(length));
}

/// Reads text from its front; every member says whether it found what it looked for.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  bool at_end() const { return rest_.empty(); }
  bool digit_ahead() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }
  bool take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(wanted.size());
    return true;
  }
  int take_digit() {
    const int digit = rest_.front() - '0';
    rest_.remove_prefix(1);
    return digit;
  }
  bool number(int digit_count, int low, int high, int& value) {
    value = 0;
    for (int i = 0; i < digit_count; ++i) {
      if (!digit_ahead()) return false;
      value = value * 10 + take_digit();
    }
    return value >= low && value <= high;
  }

 private:
  std::string_view rest_;
};

struct Unit {
  std::string_view text;
  std::int64_t nanoseconds;
};
// "ms" before "m".
constexpr std::array<Unit, 8> units{{{"ns", 1},
                                     {"us", 1'000},
                                     {"\xC2\xB5s", 1'000},  // U+00B5, the micro sign
                                     {"\xCE\xBCs", 1'000},  // U+03BC, the Greek letter
                                     {"ms", 1'000'000},
                                     {"s", 1'000'000'000},
                                     {"m", 60'000'000'000},
                                     {"h", 3'600'000'000'000}}};

/// "1.5" of value 1500 and unit 1000; no trailing zeros, as Go.
std::string with_fraction(std::uint64_t value, std::uint64_t unit) {
  std::string text = std::to_string(value / unit);
  std::uint64_t rest = value % unit;
  if (rest == 0) return text;
  text += '.';
  for (std::uint64_t digit = unit / 10; rest != 0; digit /= 10) {
    text += static_cast<char>('0' + rest / digit);
    rest %= digit;
  }
  return text;
}

}  // namespace

std::string format_rfc3339(WallTime time) { return format_seconds(time) + "Z"; }

std::string format_rfc3339_micro(WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto micro = std::chrono::floor<std::chrono::microseconds>(time - whole).count();
  std::array<char, 16> text;
  std::snprintf(text.data(), text.size(), ".%06dZ", static_cast<int>(micro));
  return format_seconds(time) + text.data();
}

bool parse_rfc3339(std::string_view text, WallTime& time) {
  Scanner scan(text);
  int year, month, day, hour, minute, second;
  if (!scan.number(4, 0, 9999, year) || !scan.take('-') || !scan.number(2, 1, 12, month) || !scan.take('-') ||
      !scan.number(2, 1, 31, day) || !scan.take('T') || !scan.number(2, 0, 23, hour) || !scan.take(':') ||
      !scan.number(2, 0, 59, minute) || !scan.take(':') || !scan.number(2, 0, 59, second)) {
    return false;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return false;
  Duration fraction{};
  if (scan.take('.')) {
    if (!scan.digit_ahead()) return false;
    for (std::int64_t place = 100'000'000; scan.digit_ahead(); place /= 10) fraction += Duration(scan.take_digit() * place);
  }
  std::chrono::minutes offset{};
  if (!scan.take('Z')) {
    const bool west = scan.take('-');
    if (!west && !scan.take('+')) return false;
    int offset_hours, offset_minutes;
    if (!scan.number(2, 0, 23, offset_hours) || !scan.take(':') || !scan.number(2, 0, 59, offset_minutes)) return false;
    offset = std::chrono::hours(offset_hours) + std::chrono::minutes(offset_minutes);
    if (west) offset = -offset;
  }
  if (!scan.at_end()) return false;
  // Nanoseconds in 64 bits reach from 1677 to 2262.
  if (year < 1678 || year > 2261) return false;
  time = WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) + fraction - offset;
  return true;
}

bool parse_go_duration(std::string_view text, Duration& duration) {
  Scanner scan(text);
  const bool negative = scan.take('-');
  if (!negative) scan.take('+');
  if (text == "0" || text == "+0" || text == "-0") {  // the one number that needs no unit
    duration = Duration{};
    return true;
  }
  if (scan.at_end()) return false;
  // Summed as unsigned up to 2^63, so that Go's smallest duration can be read too.
  constexpr std::uint64_t limit = 1ULL << 63;
  unsigned __int128 total = 0;
  while (!scan.at_end()) {
    unsigned __int128 whole = 0;
    unsigned __int128 fraction = 0;
    unsigned __int128 scale = 1;
    bool any_digit = false;
    while (scan.digit_ahead()) {
      whole = whole * 10 + static_cast<unsigned>(scan.take_digit());
      any_digit = true;
      if (whole > limit) return false;
    }
    if (scan.take('.')) {
      while (scan.digit_ahead()) {
        const auto digit = static_cast<unsigned>(scan.take_digit());
        any_digit = true;
        if (scale < 1'000'000'000'000'000) {  // further decimals are below a nanosecond of any unit
          fraction = fraction * 10 + digit;
          scale *= 10;
        }
      }
    }
    if (!any_digit) return false;
    const Unit* unit = nullptr;
    for (const Unit& candidate : units) {
      if (scan.take(candidate.text)) {
        unit = &candidate;
        break;
      }
    }
    if (unit == nullptr) return false;
    const auto size = static_cast<unsigned __int128>(unit->nanoseconds);
    total += whole * size + fraction * size / scale;
    if (total > limit) return false;
  }
  const auto magnitude = static_cast<std::uint64_t>(total);
  if (!negative && magnitude == limit) return false;
  duration = Duration(static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude));
  return true;
}

std::string format_go_duration(Duration duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  const bool negative = count < 0;
  const std::uint64_t value = negative ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  std::string text = negative ? "-" : "";
  if (value < 1'000) return text + std::to_string(value) + "ns";
  if (value < 1'000'000) return text + with_fraction(value, 1'000) + "\xC2\xB5s";
  if (value < 1'000'000'000) return text + with_fraction(value, 1'000'000) + "ms";
  constexpr std::uint64_t minute = 60'000'000'000;
  const std::uint64_t hours = value / (60 * minute);
  const std::uint64_t minutes = value / minute % 60;
  if (hours > 0) text += std::to_string(hours) + "h";
  if (hours > 0 || minutes > 0) text += std::to_string(minutes) + "m";
  return text + with_fraction(value % minute, 1'000'000'000) + "s";
}

}  // namespace skidpad::runtime

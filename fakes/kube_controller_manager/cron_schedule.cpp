#include "fakes/kube_controller_manager/cron_schedule.hpp"

#include <charconv>
#include <vector>

#include "harness/runtime/http/http.hpp"

namespace skidpad::fakes::kube_controller_manager {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;
using runtime::WallTime;

namespace {

struct Field {
  const char* name;
  unsigned low;
  unsigned high;
  std::vector<std::string_view> names;   ///< of values from `low` on
};

const std::vector<Field>& fields() {
  static const std::vector<Field> all{
      {"minute", 0, 59, {}},
      {"hour", 0, 23, {}},
      {"day of month", 1, 31, {}},
      {"month", 1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
      {"day of week", 0, 6, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}}};
  return all;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = text.find_first_of(separators);
    if (end != 0) parts.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
  return parts;
}

Result<unsigned> read_value(std::string_view text, const Field& field) {
  for (std::size_t i = 0; i < field.names.size(); ++i) {
    if (runtime::equal_ignoring_case(text, field.names[i])) return unsigned(field.low + i);
  }
  unsigned value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size() && !text.empty();
  if (whole && value == 7 && field.high == 6) value = 0;  // Sunday both ways
  if (!whole || value < field.low || value > field.high) {
    return Error(ErrorCode::invalid, std::string(field.name) + ": \"" + std::string(text) + "\" is not between " + std::to_string(field.low) +
                                         " and " + std::to_string(field.high));
  }
  return value;
}

Result<std::uint64_t> read_field(std::string_view text, const Field& field) {
  std::uint64_t bits = 0;
  for (std::string_view part : split(text, ",")) {
    unsigned step = 1;
    const auto slash = part.find('/');
    if (slash != std::string_view::npos) {
      const std::string_view digits = part.substr(slash + 1);
      const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), step);
      if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || step == 0) {
        return Error(ErrorCode::invalid, std::string(field.name) + ": bad step in \"" + std::string(part) + "\"");
      }
      part = part.substr(0, slash);
    }
    unsigned low = field.low;
    unsigned high = field.high;
    if (part != "*" && part != "?") {
      const auto dash = part.find('-');
      TRY(low, read_value(part.substr(0, dash), field));
      if (dash != std::string_view::npos) {
        TRY(high, read_value(part.substr(dash + 1), field));
      } else if (slash == std::string_view::npos) {
        high = low;
      }
    }
    if (low > high) return Error(ErrorCode::invalid, std::string(field.name) + ": the range in \"" + std::string(text) + "\" is backwards");
    for (unsigned value = low; value <= high; value += step) bits |= std::uint64_t(1) << value;
  }
  if (bits == 0) return Error(ErrorCode::invalid, std::string(field.name) + ": empty");
  return bits;
}

bool has(std::uint64_t bits, unsigned value) { return ((bits >> value) & 1) != 0; }

}  // namespace

Result<CronSchedule> CronSchedule::parse(std::string_view text) {
  if (text == "@hourly") text = "0 * * * *";
  if (text == "@daily" || text == "@midnight") text = "0 0 * * *";
  if (text == "@weekly") text = "0 0 * * 0";
  if (text == "@monthly") text = "0 0 1 * *";
  if (text == "@yearly" || text == "@annually") text = "0 0 1 1 *";
  const auto parts = split(text, " \t");
  if (parts.size() != 5) {
    return Error(ErrorCode::invalid, "expected exactly 5 fields, found " + std::to_string(parts.size()) + ": " + std::string(text));
  }
  CronSchedule schedule;
  std::uint64_t* const targets[] = {&schedule.minutes_, &schedule.hours_, &schedule.days_, &schedule.months_, &schedule.weekdays_};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    TRY(*targets[i], read_field(parts[i], fields()[i]));
  }
  schedule.any_day_ = parts[2].starts_with("*") || parts[2].starts_with("?");
  schedule.any_weekday_ = parts[4].starts_with("*") || parts[4].starts_with("?");
  return schedule;
}

bool CronSchedule::day_matches(unsigned day, unsigned month, unsigned weekday) const {
  if (!has(months_, month)) return false;
  // Cron's own rule: with both days given, either will do.
  if (any_day_ || any_weekday_) return has(days_, day) && has(weekdays_, weekday);
  return has(days_, day) || has(weekdays_, weekday);
}

std::optional<WallTime> CronSchedule::next(WallTime after) const {
  using std::chrono::days;
  using std::chrono::floor;
  using std::chrono::minutes;
  constexpr int days_max = 366 * 5;
  const auto start = floor<minutes>(after) + minutes(1);
  auto day = floor<days>(start);
  unsigned minute_from = unsigned((start - day) / minutes(1));
  for (int i = 0; i < days_max; ++i, day += days(1), minute_from = 0) {
    const std::chrono::year_month_day date(day);
    const std::chrono::weekday weekday(day);
    if (!day_matches(unsigned(date.day()), unsigned(date.month()), weekday.c_encoding())) continue;
    for (unsigned minute = minute_from; minute < 24 * 60; ++minute) {
      if (has(hours_, minute / 60) && has(minutes_, minute % 60)) return WallTime(day + minutes(minute));
    }
  }
  return std::nullopt;
}

}  // namespace skidpad::fakes::kube_controller_manager

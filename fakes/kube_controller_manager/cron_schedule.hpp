/// @file cron_schedule.hpp
/// Cron's five fields, as CronJobs write them, in UTC.
/// Pure. Names of months and days, ranges, lists, steps, ? and @hourly and the like; not seconds, not @every.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "harness/runtime/result.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::fakes::kube_controller_manager {

class CronSchedule {
 public:
  /// invalid with what is wrong.
  static runtime::Result<CronSchedule> parse(std::string_view text);
  /// The first time after `after`; nothing if there is none within five years (30 February).
  std::optional<runtime::WallTime> next(runtime::WallTime after) const;

 private:
  bool day_matches(unsigned day, unsigned month, unsigned weekday) const;
  // One bit for each value.
  std::uint64_t minutes_ = 0;
  std::uint64_t hours_ = 0;
  std::uint64_t days_ = 0;
  std::uint64_t months_ = 0;
  std::uint64_t weekdays_ = 0;
  bool any_day_ = false;
  bool any_weekday_ = false;
};

}  // namespace skidpad::fakes::kube_controller_manager

/// @file time_zone.hpp
/// How far a place's clocks are from UTC, by IANA name: "UTC", "Etc/GMT+3", or from the machine's /usr/share/zoneinfo.
/// Limits: rules beyond the last transition in the file are not applied (files reach to 2037); a machine without the files knows UTC and Etc/* only.
#pragma once

#include "harness/runtime/disk.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::fakes::kube_controller_manager {

class TimeZone {
 public:
  /// UTC.
  TimeZone() {}
  /// not_found with "unknown time zone X", as Go says it.
  static runtime::Result<TimeZone> load(runtime::Disk& disk, const std::string& name);
  /// A TZif file, version 2 or later.
  static runtime::Result<TimeZone> parse(std::string_view bytes);
  std::chrono::seconds offset_at(runtime::WallTime time) const;

 private:
  struct Transition {
    std::int64_t at;  ///< seconds since 1970
    std::int64_t offset;
  };
  std::int64_t first_offset_ = 0;
  std::vector<Transition> transitions_;
};

}  // namespace skidpad::fakes::kube_controller_manager

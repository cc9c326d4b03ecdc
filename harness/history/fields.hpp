/// @file fields.hpp
/// Reads the fields of one JSON object strictly: each field is asked for once, and finish() refuses what nobody asked for.
/// Promise: every error is one line, "WHERE: field: what is wrong", thrown as UsageError.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "harness/runtime/json.hpp"
#include "harness/runtime/time.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::history {

class Fields {
 public:
  /// `where` is FILE:LINE, or FILE:LINE: outer_field for a nested object.
  Fields(const Json& object, std::string where);

  std::string text(std::string_view name);
  std::string text_or(std::string_view name, std::string_view otherwise);
  std::optional<std::string> optional_text(std::string_view name);
  bool boolean_or(std::string_view name, bool otherwise);
  std::int64_t integer(std::string_view name, std::int64_t minimum, std::int64_t maximum);
  std::int64_t integer_or(std::string_view name, std::int64_t otherwise, std::int64_t minimum, std::int64_t maximum);
  std::uint64_t unsigned_integer(std::string_view name);
  double number(std::string_view name);
  double number_or(std::string_view name, double otherwise);
  /// Integer nanoseconds, not negative.
  runtime::Duration nanoseconds(std::string_view name);
  std::optional<runtime::Duration> optional_nanoseconds(std::string_view name);
  /// Go's text form, not negative.
  runtime::Duration go_duration(std::string_view name);
  std::optional<runtime::Duration> optional_go_duration(std::string_view name);
  std::vector<std::string> texts_or_empty(std::string_view name);
  std::map<std::string, std::string> text_map_or_empty(std::string_view name);
  /// The raw value, or null where absent.
  const Json& any(std::string_view name);
  const Json& object_or_empty(std::string_view name);

  bool has(std::string_view name) const;
  /// Refuses fields nobody asked for. A misspelt optional field is an error, not a silent default.
  void finish() const;
  [[noreturn]] void refuse(std::string_view name, std::string_view what) const;
  const std::string& where() const { return where_; }

 private:
  const Json* optional_field(std::string_view name);
  const Json& required_field(std::string_view name);

  const Json& object_;
  std::string where_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace skidpad::history

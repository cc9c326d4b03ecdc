/// @file quantity.hpp
/// Kubernetes resource quantities ("100m", "1.5", "2Gi", "1e3") as integers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "harness/runtime/json.hpp"

namespace skidpad::client {

/// In thousandths, rounded up: "1" is 1000. Saturates instead of overflowing; nothing where the text is no quantity.
std::optional<std::int64_t> parse_quantity_milli(std::string_view text);
/// In whole units, rounded up: for bytes and counts.
std::optional<std::int64_t> parse_quantity(std::string_view text);
/// A JSON string or number; 0 where it is neither or malformed.
std::int64_t quantity_milli(const Json& value);
std::int64_t quantity_units(const Json& value);
/// The canonical text of a number of thousandths: "1500m", "2".
std::string format_quantity_milli(std::int64_t milli);

}  // namespace skidpad::client

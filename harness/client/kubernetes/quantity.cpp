#include "harness/client/kubernetes/quantity.hpp"

#include <array>
#include <cmath>

namespace skidpad::client {

namespace {

struct Suffix {
  std::string_view text;
  long double factor;
};

constexpr std::array<Suffix, 16> suffixes{{{"", 1.0L},
                                           {"n", 1e-9L},
                                           {"u", 1e-6L},
                                           {"m", 1e-3L},
                                           {"k", 1e3L},
                                           {"M", 1e6L},
                                           {"G", 1e9L},
                                           {"T", 1e12L},
                                           {"P", 1e15L},
                                           {"E", 1e18L},
                                           {"Ki", 1024.0L},
                                           {"Mi", 1048576.0L},
                                           {"Gi", 1073741824.0L},
                                           {"Ti", 1099511627776.0L},
                                           {"Pi", 1125899906842624.0L},
                                           {"Ei", 1152921504606846976.0L}}};

std::optional<std::int64_t> parse_scaled(std::string_view text, long double scale) {
  std::size_t at = 0;
  bool negative = false;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) negative = text[at++] == '-';
  long double value = 0;
  long double place = 1;
  bool digits = false;
  bool fraction = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !fraction) {
      fraction = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    digits = true;
    if (fraction) {
      place /= 10;
      value += place * (c - '0');
    } else {
      value = value * 10 + (c - '0');
    }
  }
  if (!digits) return std::nullopt;
  std::string_view suffix = text.substr(at);
  long double factor = 0;
  for (const Suffix& known : suffixes) {
    if (known.text == suffix) factor = known.factor;
  }
  if (factor == 0 && suffix.size() >= 2 && (suffix[0] == 'e' || suffix[0] == 'E')) {
    int exponent = 0;
    bool exponent_negative = false;
    std::size_t i = 1;
    if (suffix[i] == '+' || suffix[i] == '-') exponent_negative = suffix[i++] == '-';
    if (i >= suffix.size() || suffix.size() - i > 3) return std::nullopt;
    for (; i < suffix.size(); ++i) {
      if (suffix[i] < '0' || suffix[i] > '9') return std::nullopt;
      exponent = exponent * 10 + (suffix[i] - '0');
    }
    factor = std::pow(10.0L, static_cast<long double>(exponent_negative ? -exponent : exponent));
  }
  if (factor == 0) return std::nullopt;
  // A hair below the next integer is that integer: decimal fractions have no exact binary form.
  const long double scaled = value * factor * scale;
  const long double rounded = std::ceil(scaled - 1e-6L);
  if (rounded >= 9.2e18L) return negative ? INT64_MIN : INT64_MAX;
  return negative ? -static_cast<std::int64_t>(rounded) : static_cast<std::int64_t>(rounded);
}

}  // namespace

std::optional<std::int64_t> parse_quantity_milli(std::string_view text) { return parse_scaled(text, 1000); }
std::optional<std::int64_t> parse_quantity(std::string_view text) { return parse_scaled(text, 1); }

std::int64_t quantity_milli(const Json& value) {
  if (value.is_string()) return parse_quantity_milli(value.get_ref<const std::string&>()).value_or(0);
  if (value.is_number()) return parse_quantity_milli(value.dump()).value_or(0);
  return 0;
}

std::int64_t quantity_units(const Json& value) {
  if (value.is_string()) return parse_quantity(value.get_ref<const std::string&>()).value_or(0);
  if (value.is_number()) return parse_quantity(value.dump()).value_or(0);
  return 0;
}

std::string format_quantity_milli(std::int64_t milli) {
  if (milli % 1000 == 0) return std::to_string(milli / 1000);
  return std::to_string(milli) + "m";
}

}  // namespace skidpad::client

// Quantities: decimal numbers with SI or binary suffixes, compared and written as k8s.io/apimachinery/pkg/api/resource documents it.
#include "fakes/kube_apiserver/api/schema.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

__extension__ typedef __int128 Wide;

enum class Suffix { decimal, binary, exponent };

struct Quantity {
  Wide nano = 0;  ///< value in 10^-9, rounded up
  Suffix suffix = Suffix::decimal;
};

[[noreturn]] void bad_quantity() {
  throw DecodeError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

constexpr Wide wide_max = (Wide{1} << 120);

Wide times(Wide value, Wide factor) {
  if (value != 0 && factor > wide_max / (value < 0 ? -value : value)) return value < 0 ? -wide_max : wide_max;
  return value * factor;
}

Wide power(int base, int exponent) {
  Wide result = 1;
  for (int i = 0; i < exponent; ++i) result = times(result, base);
  return result;
}

Quantity parse(std::string_view text) {
  std::size_t at = 0;
  bool negative = false;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) negative = text[at++] == '-';
  Wide digits = 0;
  int decimals = 0;
  bool point = false;
  bool any = false;
  for (; at < text.size(); ++at) {
    if (text[at] == '.') {
      if (point) bad_quantity();
      point = true;
    } else if (text[at] >= '0' && text[at] <= '9') {
      any = true;
      if (digits > wide_max / 100) bad_quantity();
      digits = digits * 10 + (text[at] - '0');
      decimals += point ? 1 : 0;
    } else {
      break;
    }
  }
  if (!any) bad_quantity();
  const std::string_view suffix = text.substr(at);
  Quantity quantity;
  int exponent = 0;
  Wide factor = 1;
  static constexpr std::string_view binary[] = {"Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  static constexpr std::pair<std::string_view, int> decimal[] = {{"n", -9}, {"u", -6}, {"m", -3}, {"", 0}, {"k", 3}, {"M", 6}, {"G", 9}, {"T", 12}, {"P", 15}, {"E", 18}};
  bool known = false;
  for (int i = 0; i < 6; ++i) {
    if (suffix != binary[i]) continue;
    factor = power(1024, i + 1);
    quantity.suffix = Suffix::binary;
    known = true;
  }
  for (const auto& [name, value] : decimal) {
    if (suffix != name) continue;
    exponent = value;
    known = true;
  }
  if (!known && suffix.size() > 1 && (suffix[0] == 'e' || suffix[0] == 'E')) {
    std::size_t i = 1;
    const bool minus = suffix[i] == '-';
    if (suffix[i] == '-' || suffix[i] == '+') ++i;
    if (i >= suffix.size() || suffix.size() > 5) bad_quantity();
    for (; i < suffix.size(); ++i) {
      if (suffix[i] < '0' || suffix[i] > '9') bad_quantity();
      exponent = exponent * 10 + (suffix[i] - '0');
    }
    if (minus) exponent = -exponent;
    quantity.suffix = Suffix::exponent;
    known = true;
  }
  if (!known) bad_quantity();
  const int scale = 9 + exponent - decimals;
  Wide value = times(digits, factor);
  if (scale >= 0) {
    value = times(value, power(10, std::min(scale, 40)));
  } else {
    const Wide divisor = power(10, std::min(-scale, 36));
    value = value / divisor + (value % divisor != 0 ? 1 : 0);
  }
  quantity.nano = negative ? -value : value;
  return quantity;
}

std::string digits_of(Wide value) {
  if (value == 0) return "0";
  std::string text;
  const bool negative = value < 0;
  if (negative) value = -value;
  for (; value > 0; value /= 10) text.insert(text.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
  return negative ? "-" + text : text;
}

constexpr Wide one = 1000000000;

}  // namespace

std::string canonical_quantity(std::string_view text) {
  const Quantity quantity = parse(text);
  if (quantity.nano == 0) return "0";
  if (quantity.suffix == Suffix::binary && quantity.nano % one == 0) {
    Wide value = quantity.nano / one;
    if (value >= 1024 || value <= -1024) {
      static constexpr std::string_view names[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
      int step = 0;
      while (step < 6 && value % 1024 == 0) {
        value /= 1024;
        ++step;
      }
      return digits_of(value) + std::string(names[step]);
    }
    return digits_of(value);
  }
  Wide value = quantity.nano;
  int exponent = -9;
  while (exponent < 18 && value % 1000 == 0) {
    value /= 1000;
    exponent += 3;
  }
  if (quantity.suffix == Suffix::exponent) return digits_of(value) + (exponent == 0 ? "" : "e" + std::to_string(exponent));
  static constexpr std::string_view names[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
  return digits_of(value) + std::string(names[(exponent + 9) / 3]);
}

std::int64_t quantity_milli(std::string_view text) {
  try {
    const Wide nano = parse(text).nano;
    const Wide milli = nano / 1000000 + (nano % 1000000 > 0 ? 1 : 0);
    return milli > INT64_MAX ? INT64_MAX : milli < INT64_MIN ? INT64_MIN : static_cast<std::int64_t>(milli);
  } catch (const DecodeError&) {
    return 0;
  }
}

int compare_quantities(std::string_view a, std::string_view b) {
  const Wide left = parse(a).nano;
  const Wide right = parse(b).nano;
  return left < right ? -1 : left > right ? 1 : 0;
}

}  // namespace skidpad::fakes::kube_apiserver

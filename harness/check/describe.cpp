#include "harness/check/describe.hpp"

#include <cstdio>

namespace skidpad::check {
namespace {

std::string shortened(const std::string& text) {
  constexpr std::size_t bytes_max = 60;
  if (text.size() <= bytes_max) return "\"" + text + "\"";
  return "\"" + text.substr(0, bytes_max) + "...\" (" + std::to_string(text.size()) + " bytes)";
}

std::string printed(const char* format, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

std::string trimmed(std::string number) {
  if (number.find('.') == std::string::npos) return number;
  while (number.back() == '0') number.pop_back();
  if (number.back() == '.') number.pop_back();
  return number;
}

}  // namespace

std::string describe(runtime::Duration duration) {
  if (duration < runtime::Duration::zero()) return "-" + describe(-duration);
  const double seconds = runtime::seconds(duration);
  if (seconds == 0) return "0 s";
  if (seconds < 0.001) return trimmed(printed("%.0f", seconds * 1e6)) + " µs";
  if (seconds < 1) return trimmed(printed(seconds < 0.1 ? "%.1f" : "%.0f", seconds * 1e3)) + " ms";
  if (seconds < 120) return trimmed(printed(seconds < 10 ? "%.2f" : "%.1f", seconds)) + " s";
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 3600) return std::to_string(whole / 60) + " min" + (whole % 60 ? " " + std::to_string(whole % 60) + " s" : "");
  return std::to_string(whole / 3600) + " h" + (whole % 3600 / 60 ? " " + std::to_string(whole % 3600 / 60) + " min" : "");
}

std::string describe(const history::Operation& operation) {
  std::string text = operation.client + " " + operation.operation;
  if (!operation.key.empty()) text += " " + operation.key;
  if (operation.operation == "cas") {
    text += " " + (operation.compare ? shortened(*operation.compare) : "absent") + " -> " + shortened(operation.value.value_or(""));
    if (operation.outcome == history::Outcome::ok) text += operation.applied ? " applied" : " compare failed";
  } else if (operation.value) {
    text += " = " + shortened(*operation.value);
  } else if (operation.operation == "get" && operation.outcome == history::Outcome::ok) {
    text += " saw " + (operation.observed ? shortened(*operation.observed) : std::string("nothing"));
  }
  text += " (" + std::string(name(operation.outcome)) + ", " + describe(operation.call) + " to " +
          (operation.returned ? describe(*operation.returned) : std::string("no answer")) + ")";
  if (!operation.error.empty()) text += ": " + shortened(operation.error);
  return text;
}

std::string counted(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string listed(const std::vector<std::string>& items, std::size_t shown_max) {
  std::string text;
  const std::size_t shown = std::min(items.size(), shown_max);
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) text += i + 1 == items.size() ? " and " : ", ";
    text += items[i];
  }
  if (items.size() > shown) text += " and " + std::to_string(items.size() - shown) + " more";
  return text;
}

}  // namespace skidpad::check

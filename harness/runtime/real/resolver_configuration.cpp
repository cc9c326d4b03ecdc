#include "harness/runtime/real/resolver_configuration.hpp"

#include <algorithm>
#include <charconv>

namespace skidpad::runtime {
namespace {

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> found;
  for (;;) {
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return found;
    const auto end = std::min(line.find_first_of(" \t\r", begin), line.size());
    found.push_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

/// Calls `use` with the words of each line before its comment, where there are any.
template <class Use>
void for_each_line(std::string_view text, std::string_view comment_signs, Use use) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (const auto found = words(line.substr(0, line.find_first_of(comment_signs))); !found.empty()) use(found);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// The number behind "name:", within bounds; `otherwise` if the option is another one.
int option_value(std::string_view option, std::string_view name, int low, int high, int otherwise) {
  if (!option.starts_with(name)) return otherwise;
  int value = otherwise;
  std::from_chars(option.data() + name.size(), option.data() + option.size(), value);
  return std::clamp(value, low, high);
}

}  // namespace

DnsConfiguration parse_resolver_configuration(std::string_view text) {
  DnsConfiguration configuration;
  configuration.ndots = 1;
  int timeout_seconds = 5;
  for_each_line(text, "#;", [&](const std::vector<std::string_view>& line) {
    if (line.size() < 2) return;
    if (line[0] == "nameserver" && is_ipv4(line[1]) && configuration.nameservers.size() < 3) {
      configuration.nameservers.emplace_back(line[1]);
    } else if (line[0] == "search" || line[0] == "domain") {
      configuration.search.assign(line.begin() + 1, line.end());
    } else if (line[0] == "options") {
      for (const std::string_view option : line) {
        configuration.ndots = option_value(option, "ndots:", 0, 15, configuration.ndots);
        timeout_seconds = option_value(option, "timeout:", 1, 30, timeout_seconds);
      }
    }
  });
  configuration.timeout = std::chrono::seconds(timeout_seconds);
  if (configuration.nameservers.empty()) configuration.nameservers.emplace_back("127.0.0.1");
  return configuration;
}

std::vector<std::string> find_in_hosts(std::string_view text, std::string_view host) {
  std::vector<std::string> addresses;
  for_each_line(text, "#", [&](const std::vector<std::string_view>& line) {
    if (!is_ipv4(line[0])) return;
    const bool named = std::any_of(line.begin() + 1, line.end(), [&](std::string_view name) { return same_name(name, host); });
    if (named) addresses.emplace_back(line[0]);
  });
  return addresses;
}

}  // namespace skidpad::runtime

#include "fakes/kube_apiserver/api/names.hpp"

#include <algorithm>
#include <cctype>

namespace skidpad::fakes::kube_apiserver {
namespace {

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool letter_or_digit(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool is_label(std::string_view text) {
  if (text.empty() || !lower_or_digit(text.front()) || !lower_or_digit(text.back())) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return lower_or_digit(c) || c == '-'; });
}

bool is_subdomain(std::string_view text) {
  for (;;) {
    const std::size_t dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_name_part(std::string_view text) {
  if (text.empty() || !letter_or_digit(text.front()) || !letter_or_digit(text.back())) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
}

std::string no_more_than(std::size_t count) { return "must be no more than " + std::to_string(count) + " characters"; }

}  // namespace

Problems dns1123_label_problems(std::string_view text) {
  Problems problems;
  if (text.size() > 63) problems.push_back(no_more_than(63));
  if (!is_label(text)) {
    if (is_subdomain(text)) {
      problems.push_back("must not contain dots");
    } else {
      problems.push_back(
          "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character "
          "(e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')");
    }
  }
  return problems;
}

Problems dns1123_subdomain_problems(std::string_view text) {
  Problems problems;
  if (text.size() > 253) problems.push_back(no_more_than(253));
  if (!is_subdomain(text)) {
    problems.push_back(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric "
        "character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')");
  }
  return problems;
}

Problems dns1035_label_problems(std::string_view text) {
  Problems problems;
  if (text.size() > 63) problems.push_back(no_more_than(63));
  if (!is_label(text) || !(text.front() >= 'a' && text.front() <= 'z')) {
    problems.push_back(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric "
        "character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')");
  }
  return problems;
}

Problems qualified_name_problems(std::string_view text) {
  Problems problems;
  std::string_view name = text;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view prefix = text.substr(0, slash);
    name = text.substr(slash + 1);
    if (name.find('/') != std::string_view::npos) {
      return {"a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. "
              "'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS "
              "subdomain prefix and '/' (e.g. 'example.com/MyName')"};
    }
    if (prefix.empty()) {
      problems.push_back("prefix part must be non-empty");
    } else {
      for (const std::string& problem : dns1123_subdomain_problems(prefix)) problems.push_back("prefix part " + problem);
    }
  }
  if (name.empty()) {
    problems.push_back("name part must be non-empty");
  } else if (name.size() > 63) {
    problems.push_back("name part " + no_more_than(63));
  }
  if (!is_name_part(name)) {
    problems.push_back(
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or "
        "'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')");
  }
  return problems;
}

Problems label_value_problems(std::string_view text) {
  Problems problems;
  if (text.size() > 63) problems.push_back(no_more_than(63));
  if (!text.empty() && !is_name_part(text)) {
    problems.push_back(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
        "character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')");
  }
  return problems;
}

Problems config_map_key_problems(std::string_view text) {
  Problems problems;
  if (text.size() > 253) problems.push_back(no_more_than(253));
  const bool fits = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
  if (!fits) {
    problems.push_back(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for "
        "validation is '[-._a-zA-Z0-9]+')");
  }
  if (text == ".") problems.push_back("must not be '.'");
  if (text == "..") problems.push_back("must not be '..'");
  return problems;
}

Problems path_segment_problems(std::string_view text) {
  if (text == "." || text == "..") return {"may not be '" + std::string(text) + "'"};
  for (const char c : {'/', '%'}) {
    if (text.find(c) != std::string_view::npos) return {"may not contain '" + std::string(1, c) + "'"};
  }
  return {};
}

Problems port_name_problems(std::string_view text) {
  Problems problems;
  if (text.size() > 15) problems.push_back("must be no more than 15 characters");
  const bool characters = std::all_of(text.begin(), text.end(), [](char c) { return lower_or_digit(c) || c == '-'; });
  if (!characters || text.empty()) problems.push_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (std::none_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; })) problems.push_back("must contain at least one letter (a-z)");
  if (text.find("--") != std::string_view::npos) problems.push_back("must not contain consecutive hyphens");
  if (!text.empty() && (text.front() == '-' || text.back() == '-')) problems.push_back("must not begin or end with a hyphen");
  return problems;
}

}  // namespace skidpad::fakes::kube_apiserver

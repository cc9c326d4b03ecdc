#include "fakes/kube_apiserver/api/field_checks.hpp"

#include "fakes/kube_apiserver/api/names.hpp"
#include "fakes/kube_apiserver/api/pod_validation.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::list_at;
using runtime::text_at;

/// Four numbers below 256 without leading zeros; -1 if it is none.
std::int64_t ipv4_number(std::string_view text) {
  std::int64_t number = 0;
  std::size_t parts = 0;
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    if (part.empty() || part.size() > 3 || part.find_first_not_of("0123456789") != std::string_view::npos) return -1;
    const int value = std::stoi(std::string(part));
    if (value > 255) return -1;
    number = number << 8 | value;
    ++parts;
    if (dot == std::string_view::npos) break;
    text.remove_prefix(dot + 1);
  }
  return parts == 4 ? number : -1;
}

bool is_ipv6(std::string_view text) {
  if (text.find(':') == std::string_view::npos || text.find('%') != std::string_view::npos) return false;
  const std::size_t gap = text.find("::");
  if (gap != std::string_view::npos && text.find("::", gap + 1) != std::string_view::npos) return false;
  std::size_t groups = 0;
  std::string part;
  bool good = true;
  const auto finish = [&] {
    if (part.find('.') != std::string::npos) {
      good &= ipv4_number(part) >= 0;
      groups += 2;
    } else if (!part.empty()) {
      good &= part.size() <= 4 && part.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
      ++groups;
    }
    part.clear();
  };
  for (const char c : text) {
    if (c == ':') {
      finish();
    } else {
      part += c;
    }
  }
  finish();
  if (text.front() == ':' && text.substr(0, 2) != "::") good = false;
  if (text.back() == ':' && (text.size() < 2 || text.substr(text.size() - 2) != "::")) good = false;
  return good && (gap == std::string_view::npos ? groups == 8 : groups < 8);
}

}  // namespace

std::string at_index(const std::string& path, std::size_t position) { return path + "[" + std::to_string(position) + "]"; }
std::string at_key(const std::string& path, const std::string& key) { return path + "[" + key + "]"; }

void append_problems(const std::vector<std::string>& problems, const std::string& value, const std::string& path, FieldErrors& errors) {
  for (const std::string& problem : problems) errors.push_back(invalid_text(path, value, problem));
}

std::string shown_list(const Json& texts) {
  if (!texts.is_array()) return "[]string(nil)";
  std::string shown = "[]string{";
  for (const Json& text : texts) shown += (shown.back() == '{' ? "" : ", ") + (text.is_string() ? in_quotes(text.get<std::string>()) : text.dump());
  return shown + "}";
}

FieldError too_many(std::string field, std::size_t count, std::size_t count_max) {
  return {"FieldValueTooMany", std::move(field), "Too many: " + std::to_string(count) + ": must have at most " + std::to_string(count_max) + (count_max == 1 ? " item" : " items")};
}

void check_not_negative(const Json& object, const char* key, const std::string& path, FieldErrors& errors) {
  const Json& value = find(object, {key});
  if (value.is_number_integer() && value.get<std::int64_t>() < 0) {
    errors.push_back(invalid_value(path + "." + key, value.dump(), "must be greater than or equal to 0"));
  }
}

void check_one_of(const Json& object, const char* key, const std::string& path, const std::vector<std::string>& supported, FieldErrors& errors) {
  const std::string value = text_at(object, {key});
  if (value.empty() || std::find(supported.begin(), supported.end(), value) != supported.end()) return;
  errors.push_back(unsupported_value(path.empty() ? key : path + "." + key, in_quotes(value), supported));
}

void check_selector(const Json& selector, const std::string& path, FieldErrors& errors) {
  if (!selector.is_object()) return;
  check_labels(find(selector, {"matchLabels"}), path + ".matchLabels", errors);
  std::size_t position = 0;
  for (const Json& requirement : list_at(selector, {"matchExpressions"})) {
    const std::string at = at_index(path + ".matchExpressions", position++);
    const std::string operation = text_at(requirement, {"operator"});
    const Json& values = list_at(requirement, {"values"});
    if (operation == "In" || operation == "NotIn") {
      if (values.empty()) errors.push_back(required_value(at + ".values", "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operation == "Exists" || operation == "DoesNotExist") {
      if (!values.empty()) errors.push_back(forbidden_value(at + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    } else {
      errors.push_back(invalid_text(at + ".operator", operation, "not a valid selector operator"));
    }
    append_problems(qualified_name_problems(text_at(requirement, {"key"})), text_at(requirement, {"key"}), at + ".key", errors);
    std::size_t value_position = 0;
    for (const Json& value : values) {
      const std::string text = value.get<std::string>();
      append_problems(label_value_problems(text), text, at_index(at + ".values", value_position++), errors);
    }
  }
}

void check_int_or_percent(const Json& value, const std::string& path, FieldErrors& errors) {
  if (value.is_number_integer()) {
    if (value.get<std::int64_t>() < 0) errors.push_back(invalid_value(path, value.dump(), "must be greater than or equal to 0"));
    return;
  }
  if (!value.is_string()) return;
  const std::string& text = value.get_ref<const std::string&>();
  const bool percent = text.size() > 1 && text.back() == '%' && text.find_first_not_of("0123456789") == text.size() - 1;
  if (percent) return;
  errors.push_back(invalid_value(path, "intstr.IntOrString{Type:1, IntVal:0, StrVal:" + in_quotes(text) + "}",
                                 "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"));
}

void check_at_most_100_percent(const Json& value, const std::string& path, FieldErrors& errors) {
  if (!value.is_string()) return;
  const std::string& text = value.get_ref<const std::string&>();
  if (text.size() < 2 || text.back() != '%' || text.find_first_not_of("0123456789") != text.size() - 1) return;
  if (text.size() <= 3 || text == "100%") return;
  errors.push_back(invalid_value(path, "intstr.IntOrString{Type:1, IntVal:0, StrVal:" + in_quotes(text) + "}", "must not be greater than 100%"));
}

bool is_zero_int_or_percent(const Json& value) {
  if (value.is_number_integer()) return value.get<std::int64_t>() == 0;
  if (!value.is_string()) return value.is_null();
  const std::string& text = value.get_ref<const std::string&>();
  return text.size() > 1 && text.back() == '%' && text.find_first_not_of('0') == text.size() - 1;
}

void check_port_number(std::int64_t port, const std::string& path, FieldErrors& errors) {
  if (port < 1 || port > 65535) errors.push_back(invalid_value(path, std::to_string(port), "must be between 1 and 65535, inclusive"));
}

void check_port_number_or_name(const Json& port, const std::string& path, FieldErrors& errors) {
  if (port.is_number_integer()) return check_port_number(port.get<std::int64_t>(), path, errors);
  if (port.is_string()) append_problems(port_name_problems(port.get<std::string>()), port.get<std::string>(), path, errors);
}

bool is_ip_address(const std::string& text) { return ipv4_number(text) >= 0 || is_ipv6(text); }

void check_ip_address(const std::string& text, const std::string& path, FieldErrors& errors) {
  if (!is_ip_address(text)) errors.push_back(invalid_text(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
}

void check_ordinary_address(const std::string& text, const std::string& path, FieldErrors& errors) {
  const std::int64_t number = ipv4_number(text);
  const bool six = number < 0;
  if (number == 0 || text == "::") errors.push_back(invalid_text(path, text, "may not be unspecified (0.0.0.0 or ::)"));
  if ((!six && number >> 24 == 127) || text == "::1") errors.push_back(invalid_text(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)"));
  if ((!six && number >> 16 == (169 << 8 | 254)) || (six && text.compare(0, 4, "fe80") == 0)) {
    errors.push_back(invalid_text(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"));
  }
  if ((!six && number >> 8 == (224 << 16)) || (six && text.compare(0, 4, "ff02") == 0)) {
    errors.push_back(invalid_text(path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"));
  }
}

bool check_cidr(const std::string& text, const std::string& path, FieldErrors& errors) {
  const std::size_t slash = text.find('/');
  const std::string bits = slash == std::string::npos ? "" : text.substr(slash + 1);
  const std::string address = text.substr(0, slash);
  const bool number = !bits.empty() && bits.size() <= 3 && bits.find_first_not_of("0123456789") == std::string::npos;
  const bool good = number && is_ip_address(address) && std::stoi(bits) <= (address.find(':') == std::string::npos ? 32 : 128);
  if (!good) errors.push_back(invalid_text(path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"));
  return good;
}

void check_host_name(const std::string& host, const std::string& path, FieldErrors& errors) {
  if (host.find('*') == std::string::npos) return append_problems(dns1123_subdomain_problems(host), host, path, errors);
  if (host.compare(0, 2, "*.") == 0 && dns1123_subdomain_problems(host.substr(2)).empty()) return;
  errors.push_back(invalid_text(path, host,
                                "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, "
                                "'-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is "
                                "'\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"));
}

void check_immutable(const Json& now, const Json& then, const std::string& path, FieldErrors& errors) {
  if (now == then) return;
  std::string shown = now.is_string() ? in_quotes(now.get<std::string>()) : now.is_null() ? "\"null\"" : now.dump();
  if (now.is_array()) shown = shown_list(now);
  errors.push_back(invalid_value(path, shown, "field is immutable"));
}

}  // namespace skidpad::fakes::kube_apiserver

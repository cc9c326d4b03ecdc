#include <cmath>
#include <regex>

#include "fakes/kube_apiserver/api/schema.hpp"
#include "fakes/kube_apiserver/cel/cel_program.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::fakes::kube_apiserver::cel {
namespace {

constexpr const char* quantity_key = "\1quantity";
constexpr const char* duration_key = "\1duration";    ///< nanoseconds
constexpr const char* timestamp_key = "\1timestamp";  ///< nanoseconds since 1970

[[noreturn]] void no_overload() { throw CelError("no such overload"); }

const Json* special(const Json& value, const char* key) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(key);
  return found == value.end() ? nullptr : &*found;
}

const std::string& text_of(const Json& value) {
  if (!value.is_string()) no_overload();
  return value.get_ref<const std::string&>();
}

std::int64_t integer_of(const Json& value) {
  if (!value.is_number_integer()) no_overload();
  return value.get<std::int64_t>();
}

bool is_quantity(const std::string& text) {
  try {
    return !canonical_quantity(text).empty();
  } catch (const DecodeError&) {
    return false;
  }
}

/// Positions in text count characters, not bytes.
std::size_t length_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

Json size_of(const Json& value) {
  if (value.is_string()) return static_cast<std::int64_t>(length_of(value.get_ref<const std::string&>()));
  if (!value.is_array() && !value.is_object()) no_overload();
  return static_cast<std::int64_t>(value.size());
}

bool equal(const Json& a, const Json& b) { return a.is_number() == b.is_number() && a == b; }

/// Negative, zero or positive.
int compare(const Json& a, const Json& b) {
  for (const char* key : {duration_key, timestamp_key}) {
    const Json* left = special(a, key);
    const Json* right = special(b, key);
    if (left != nullptr && right != nullptr) return *left < *right ? -1 : *left > *right ? 1 : 0;
  }
  const bool same = (a.is_number() && b.is_number()) || (a.is_string() && b.is_string()) || (a.is_boolean() && b.is_boolean());
  if (!same) no_overload();
  return a < b ? -1 : b < a ? 1 : 0;
}

Json arithmetic(char sign, const Json& a, const Json& b) {
  if (a.is_number_integer() && b.is_number_integer()) {
    const std::int64_t left = a.get<std::int64_t>();
    const std::int64_t right = b.get<std::int64_t>();
    std::int64_t result = 0;
    bool over = false;
    if (sign == '+') over = __builtin_add_overflow(left, right, &result);
    if (sign == '-') over = __builtin_sub_overflow(left, right, &result);
    if (sign == '*') over = __builtin_mul_overflow(left, right, &result);
    if (sign == '/' || sign == '%') {
      if (right == 0) throw CelError(sign == '/' ? "division by zero" : "modulus by zero");
      over = left == std::numeric_limits<std::int64_t>::min() && right == -1;
      if (!over) result = sign == '/' ? left / right : left % right;
    }
    if (over) throw CelError("integer overflow");
    return result;
  }
  if (a.is_number() && b.is_number() && sign != '%') {
    const double left = a.get<double>();
    const double right = b.get<double>();
    return sign == '+' ? left + right : sign == '-' ? left - right : sign == '*' ? left * right : left / right;
  }
  if (sign == '+' && a.is_string() && b.is_string()) return a.get<std::string>() + b.get<std::string>();
  if (sign == '+' && a.is_array() && b.is_array()) {
    Json joined = a;
    joined.insert(joined.end(), b.begin(), b.end());
    return joined;
  }
  const Json* left_time = special(a, timestamp_key);
  const Json* left_length = special(a, duration_key);
  const Json* right_time = special(b, timestamp_key);
  const Json* right_length = special(b, duration_key);
  if ((left_time == nullptr && left_length == nullptr) || (right_time == nullptr && right_length == nullptr) || (sign != '+' && sign != '-')) no_overload();
  const std::int64_t left = (left_time != nullptr ? left_time : left_length)->get<std::int64_t>();
  const std::int64_t right = (right_time != nullptr ? right_time : right_length)->get<std::int64_t>();
  const bool point = (left_time != nullptr) != (right_time != nullptr);
  return Json{{point ? timestamp_key : duration_key, sign == '+' ? left + right : left - right}};
}

std::string shown(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (const Json* quantity = special(value, quantity_key)) return quantity->get<std::string>();
  if (const Json* length = special(value, duration_key)) return runtime::format_go_duration(runtime::Duration(length->get<std::int64_t>()));
  if (value.is_number_float()) {
    char text[40];
    std::snprintf(text, sizeof text, "%.15g", value.get<double>());
    return text;
  }
  if (value.is_array()) {
    std::string text = "[";
    for (const Json& item : value) text += (text.size() > 1 ? ", " : "") + shown(item);
    return text + "]";
  }
  if (value.is_object()) {
    std::string text = "{";
    for (const auto& [key, item] : value.items()) text += (text.size() > 1 ? ", " : "") + key + ": " + shown(item);
    return text + "}";
  }
  return value.dump();
}

Json in_range(const Json& item, const Json& range) {
  if (range.is_object()) return range.contains(shown(item));
  if (!range.is_array()) no_overload();
  return std::any_of(range.begin(), range.end(), [&](const Json& each) { return equal(each, item); });
}

Json converted(const std::string& name, const Json& value) {
  if (name == "string") return shown(value);
  if (name == "dyn") return value;
  if (name == "bool") {
    if (value.is_boolean()) return value;
    const std::string& text = text_of(value);
    if (text == "true" || text == "True" || text == "1") return true;
    if (text == "false" || text == "False" || text == "0") return false;
    throw CelError("type conversion error from 'string' to 'bool'");
  }
  if (name == "double") {
    if (value.is_number()) return value.get<double>();
    char* end = nullptr;
    const std::string& text = text_of(value);
    const double number = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0') throw CelError("type conversion error from 'string' to 'double'");
    return number;
  }
  if (name == "int" || name == "uint") {
    if (value.is_number_integer()) return value;
    if (value.is_number_float()) return static_cast<std::int64_t>(value.get<double>());
    if (const Json* time = special(value, timestamp_key)) return time->get<std::int64_t>() / 1'000'000'000;
    const std::string& text = text_of(value);
    if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789", text[0] == '-' ? 1 : 0) != std::string::npos) throw CelError("type conversion error from 'string' to '" + name + "'");
    return static_cast<std::int64_t>(std::stoll(text));
  }
  if (name == "duration") {
    runtime::Duration length{};
    if (special(value, duration_key) != nullptr) return value;
    if (!runtime::parse_go_duration(text_of(value), length)) throw CelError("time: invalid duration \"" + text_of(value) + "\"");
    return Json{{duration_key, length.count()}};
  }
  if (name == "timestamp") {
    runtime::WallTime time;
    if (special(value, timestamp_key) != nullptr) return value;
    if (!runtime::parse_rfc3339(text_of(value), time)) throw CelError("invalid timestamp " + text_of(value));
    return Json{{timestamp_key, time.time_since_epoch().count()}};
  }
  if (!is_quantity(text_of(value))) throw CelError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  return Json{{quantity_key, value}};
}

const char* type_name(const Json& value) {
  if (value.is_null()) return "null_type";
  if (value.is_boolean()) return "bool";
  if (value.is_number_float()) return "double";
  if (value.is_number()) return "int";
  if (value.is_string()) return "string";
  return value.is_array() ? "list" : "map";
}

std::string formatted(const std::string& pattern, const Json& values) {
  std::string text;
  std::size_t next = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      text += pattern[i];
      continue;
    }
    if (++i >= pattern.size()) throw CelError("unexpected end of string");
    if (pattern[i] == '%') {
      text += '%';
      continue;
    }
    int precision = 6;
    if (pattern[i] == '.') {
      precision = 0;
      while (++i < pattern.size() && std::isdigit(static_cast<unsigned char>(pattern[i])) != 0) precision = std::min(precision * 10 + (pattern[i] - '0'), 40);
    }
    if (i >= pattern.size() || next >= values.size()) throw CelError("index " + std::to_string(next) + " out of range");
    const Json& value = values[next++];
    char number[128];
    switch (pattern[i]) {
      case 's': text += shown(value); break;
      case 'd': text += std::to_string(integer_of(value)); break;
      case 'f':
      case 'e':
        if (!value.is_number()) no_overload();
        std::snprintf(number, sizeof number, pattern[i] == 'f' ? "%.*f" : "%.*e", precision, value.get<double>());
        text += number;
        break;
      case 'x':
      case 'X':
      case 'o':
        std::snprintf(number, sizeof number, pattern[i] == 'x' ? "%llx" : pattern[i] == 'X' ? "%llX" : "%llo", static_cast<unsigned long long>(integer_of(value)));
        text += number;
        break;
      default: throw CelError(std::string("unrecognized formatting clause \"") + pattern[i] + "\"");
    }
  }
  return text;
}

Json text_method(const std::string& text, const std::string& name, const std::vector<Json>& given) {
  const std::size_t count = given.size();
  if (count == 1 && given[0].is_string()) {
    const std::string& other = text_of(given[0]);
    if (name == "startsWith") return text.compare(0, other.size(), other) == 0;
    if (name == "endsWith") return text.size() >= other.size() && text.compare(text.size() - other.size(), other.size(), other) == 0;
    if (name == "contains") return text.find(other) != std::string::npos;
    if (name == "matches" || name == "find") {
      try {
        std::smatch match;
        const bool found = std::regex_search(text, match, std::regex(other));
        if (name == "matches") return found;
        return found ? match.str() : std::string();
      } catch (const std::regex_error&) {
        throw CelError("error parsing regexp: " + other);
      }
    }
  }
  if (count >= 1 && (name == "indexOf" || name == "lastIndexOf")) {
    const std::size_t at = name == "indexOf" ? text.find(text_of(given[0]), count > 1 ? static_cast<std::size_t>(integer_of(given[1])) : 0) : text.rfind(text_of(given[0]));
    return at == std::string::npos ? std::int64_t{-1} : static_cast<std::int64_t>(at);
  }
  if (count == 0 && (name == "lowerAscii" || name == "upperAscii")) {
    std::string result = text;
    for (char& c : result) c = static_cast<char>(name == "lowerAscii" ? std::tolower(static_cast<unsigned char>(c)) : std::toupper(static_cast<unsigned char>(c)));
    return result;
  }
  if (count == 0 && name == "trim") {
    const std::size_t start = text.find_first_not_of(" \t\r\n");
    return start == std::string::npos ? std::string() : text.substr(start, text.find_last_not_of(" \t\r\n") - start + 1);
  }
  if (name == "substring" && count >= 1) {
    const std::int64_t start = integer_of(given[0]);
    const std::int64_t end = count > 1 ? integer_of(given[1]) : static_cast<std::int64_t>(text.size());
    if (start < 0 || end < start || end > static_cast<std::int64_t>(text.size())) throw CelError("index out of range: " + std::to_string(start < 0 ? start : end));
    return text.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start));
  }
  if (name == "charAt" && count == 1) {
    const std::int64_t at = integer_of(given[0]);
    if (at < 0 || at > static_cast<std::int64_t>(text.size())) throw CelError("index out of range: " + std::to_string(at));
    return text.substr(static_cast<std::size_t>(at), 1);
  }
  if (name == "replace" && count >= 2) {
    const std::string& from = text_of(given[0]);
    const std::string& to = text_of(given[1]);
    std::int64_t left = count > 2 ? integer_of(given[2]) : -1;
    std::string result = text;
    for (std::size_t at = result.find(from); !from.empty() && left != 0 && at != std::string::npos; at = result.find(from, at + to.size()), --left) result.replace(at, from.size(), to);
    return result;
  }
  if (name == "split" && count >= 1) {
    const std::string& separator = text_of(given[0]);
    Json parts = Json::array();
    std::size_t start = 0;
    std::int64_t left = count > 1 ? integer_of(given[1]) : -1;
    if (separator.empty()) {
      for (const char c : text) parts.push_back(std::string(1, c));
      return parts;
    }
    for (std::size_t at = text.find(separator); at != std::string::npos && left != 1; at = text.find(separator, start), --left) {
      parts.push_back(text.substr(start, at - start));
      start = at + separator.size();
    }
    parts.push_back(text.substr(start));
    return parts;
  }
  if (name == "format" && count == 1 && given[0].is_array()) return formatted(text, given[0]);
  no_overload();
}

Json list_method(const Json& list, const std::string& name, const std::vector<Json>& given) {
  if (name == "isSorted" && given.empty()) {
    for (std::size_t i = 1; i < list.size(); ++i) {
      if (compare(list[i - 1], list[i]) > 0) return false;
    }
    return true;
  }
  if (name == "sum" && given.empty()) {
    Json sum = std::int64_t{0};
    for (const Json& item : list) sum = arithmetic('+', sum, item);
    return sum;
  }
  if ((name == "min" || name == "max") && given.empty()) {
    if (list.empty()) throw CelError(name + " called on empty list");
    const Json* best = &list[0];
    for (const Json& item : list) {
      if (name == "min" ? compare(item, *best) < 0 : compare(item, *best) > 0) best = &item;
    }
    return *best;
  }
  if ((name == "indexOf" || name == "lastIndexOf") && given.size() == 1) {
    std::int64_t found = -1;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!equal(list[i], given[0]) || (found >= 0 && name == "indexOf")) continue;
      found = static_cast<std::int64_t>(i);
    }
    return found;
  }
  if (name == "join") {
    const std::string separator = given.empty() ? "" : text_of(given[0]);
    std::string text;
    for (std::size_t i = 0; i < list.size(); ++i) text += (i == 0 ? "" : separator) + text_of(list[i]);
    return text;
  }
  no_overload();
}

Json optional_method(const Json& inside, const std::string& name, const std::vector<Json>& given) {
  if (name == "hasValue") return !inside.empty();
  if (name == "value") {
    if (inside.empty()) throw CelError("optional.none() dereference");
    return inside[0];
  }
  if (name == "orValue" && given.size() == 1) return inside.empty() ? given[0] : inside[0];
  if (name == "or" && given.size() == 1) return inside.empty() ? given[0] : some(inside[0]);
  no_overload();
}

Json quantity_method(const std::string& quantity, const std::string& name, const std::vector<Json>& given) {
  if (given.size() == 1) {
    const Json* other = special(given[0], quantity_key);
    if (other == nullptr) no_overload();
    const int order = compare_quantities(quantity, other->get<std::string>());
    if (name == "isGreaterThan") return order > 0;
    if (name == "isLessThan") return order < 0;
    if (name == "compareTo") return order;
  }
  if (name == "sign") return compare_quantities(quantity, "0");
  no_overload();
}

}  // namespace

bool is_function(const std::string& name) {
  static const std::set<std::string> names = {"==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%", "!", "size", "string", "dyn", "bool", "int", "uint", "double", "type",
                                              "duration", "timestamp", "quantity", "isQuantity", "bytes"};
  return names.contains(name);
}

Json call_function(const std::string& name, const std::vector<Json>& arguments) {
  if (arguments.size() == 1) {
    const Json& value = arguments[0];
    if (name == "!") {
      if (!value.is_boolean()) no_overload();
      return !value.get<bool>();
    }
    if (name == "-") return value.is_number_float() ? Json(-value.get<double>()) : arithmetic('-', std::int64_t{0}, value);
    if (name == "size") return size_of(value);
    if (name == "type") return type_name(value);
    if (name == "bytes") return text_of(value);
    if (name == "isQuantity") return is_quantity(text_of(value));
    return converted(name, value);
  }
  if (arguments.size() != 2) no_overload();
  const Json& left = arguments[0];
  const Json& right = arguments[1];
  if (name == "==") return equal(left, right);
  if (name == "!=") return !equal(left, right);
  if (name == "in") return in_range(left, right);
  if (name == "<") return compare(left, right) < 0;
  if (name == "<=") return compare(left, right) <= 0;
  if (name == ">") return compare(left, right) > 0;
  if (name == ">=") return compare(left, right) >= 0;
  return arithmetic(name[0], left, right);
}

Json call_method(const Json& target, const std::string& name, const std::vector<Json>& arguments) {
  if (const Json* inside = optional_of(target)) return optional_method(*inside, name, arguments);
  if (const Json* quantity = special(target, quantity_key)) return quantity_method(quantity->get<std::string>(), name, arguments);
  if (const Json* length = special(target, duration_key)) {
    const std::int64_t nanoseconds = length->get<std::int64_t>();
    if (name == "getSeconds") return nanoseconds / 1'000'000'000;
    if (name == "getMilliseconds") return nanoseconds / 1'000'000;
    if (name == "getMinutes") return nanoseconds / 60'000'000'000;
    if (name == "getHours") return nanoseconds / 3'600'000'000'000;
  }
  if (name == "size" && arguments.empty()) return size_of(target);
  if (target.is_string()) return text_method(target.get_ref<const std::string&>(), name, arguments);
  if (target.is_array()) return list_method(target, name, arguments);
  no_overload();
}

}  // namespace skidpad::fakes::kube_apiserver::cel

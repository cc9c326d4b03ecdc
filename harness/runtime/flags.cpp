#include "harness/runtime/flags.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>

#include "harness/runtime/assert.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::runtime {
namespace {

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : std::string(separator)) + part;
  return text;
}

// Each says in Go's words what is wrong with the text, or nothing.
using Complaint = std::optional<std::string>;

Complaint parse_integer(std::string_view text, std::int64_t& value) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) base = 16;
  if (digits.starts_with("0b") || digits.starts_with("0B")) base = 2;
  if (digits.starts_with("0o") || digits.starts_with("0O")) base = 8;
  if (base != 10) {
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits.front() == '0') {
    base = 8;
  }
  std::uint64_t magnitude = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  const std::string where = "strconv.ParseInt: parsing " + in_quotes(text) + ": ";
  if (read.ptr != digits.data() + digits.size() || read.ec == std::errc::invalid_argument) return where + "invalid syntax";
  const std::uint64_t limit = (1ULL << 63) - (negative ? 0 : 1);
  if (read.ec == std::errc::result_out_of_range || magnitude > limit) return where + "value out of range";
  value = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  return std::nullopt;
}

Complaint parse_bool(std::string_view text, bool& value) {
  for (const std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) {
      value = true;
      return std::nullopt;
    }
  }
  for (const std::string_view no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) {
      value = false;
      return std::nullopt;
    }
  }
  return "strconv.ParseBool: parsing " + in_quotes(text) + ": invalid syntax";
}

Complaint parse_duration(std::string_view text, Duration& value) {
  if (parse_go_duration(text, value)) return std::nullopt;
  const bool number = !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
  return std::string("time: ") + (number ? "missing unit in" : "invalid") + " duration " + in_quotes(text);
}

std::string map_text(const std::map<std::string, std::string>& values) {
  std::vector<std::string> pairs;
  for (const auto& [key, value] : values) pairs.push_back(key + "=" + value);
  return join(pairs, ",");
}

struct Flag {
  std::string type;  ///< as --help shows it; empty for a switch
  std::string help;
  std::string value_default;
  /// The value of a bare --name; a flag without one takes the next argument.
  std::optional<std::string> bare_value;
  bool may_be_bare = false;  ///< takes the next argument only if that is no flag
  bool required = false;
  bool given = false;
  std::function<Complaint(const std::string& text)> set;
};

std::string with_dashes(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

}  // namespace

struct Flags::State {
  std::string program;
  std::string summary;
  std::string version;
  std::map<std::string, Flag> flags;
  std::string positional_name;
  std::string positional_help;
  std::vector<std::string>* positional = nullptr;

  Flag& add(const std::string& name, std::string type, std::string value_default, const std::string& help) {
    const auto [place, fresh] = flags.try_emplace(with_dashes(name));
    ASSERT(fresh);  // one flag, one meaning
    Flag& flag = place->second;
    flag.type = std::move(type);
    flag.value_default = std::move(value_default);
    flag.help = help;
    return flag;
  }

  void apply(const std::string& name, Flag& flag, const std::string& value) {
    if (const Complaint complaint = flag.set(value)) {
      throw UsageError("invalid argument " + in_quotes(value) + " for " + in_quotes("--" + name) + " flag: " + *complaint);
    }
    flag.given = true;
  }

  std::string usage() const {
    std::string text = summary.empty() ? "" : summary + "\n\n";
    text += "Usage:\n  " + program + " [flags]" + (positional_name.empty() ? "" : " " + positional_name) + "\n\nFlags:\n";
    std::size_t width = 0;
    const auto left = [](const std::string& name, const Flag& flag) {
      return "      --" + name + (flag.type.empty() ? "" : " " + flag.type);
    };
    for (const auto& [name, flag] : flags) width = std::max(width, left(name, flag).size());
    for (const auto& [name, flag] : flags) {
      std::string line = left(name, flag);
      line.append(width + 3 - line.size(), ' ');
      line += flag.help;
      if (!flag.value_default.empty()) line += " (default " + flag.value_default + ")";
      text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    if (!positional_help.empty()) text += "\n" + positional_name + ": " + positional_help + "\n";
    return text;
  }
};

Flags::Flags(std::string program, std::string summary) : state_(std::make_unique<State>()) {
  state_->program = std::move(program);
  state_->summary = std::move(summary);
}
Flags::~Flags() = default;

void Flags::add(const std::string& name, std::string& value, const std::string& help) {
  state_->add(name, "string", value.empty() ? "" : in_quotes(value), help).set = [&value](const std::string& text) {
    value = text;
    return Complaint();
  };
}

void Flags::add(const std::string& name, std::int64_t& value, const std::string& help) {
  state_->add(name, "int", value == 0 ? "" : std::to_string(value), help).set = [&value](const std::string& text) { return parse_integer(text, value); };
}

void Flags::add(const std::string& name, bool& value, const std::string& help) {
  Flag& flag = state_->add(name, "", value ? "true" : "", help);
  flag.bare_value = "true";
  flag.set = [&value](const std::string& text) { return parse_bool(text, value); };
}

void Flags::add(const std::string& name, Duration& value, const std::string& help) {
  state_->add(name, "duration", value == Duration{} ? "" : format_go_duration(value), help).set = [&value](const std::string& text) {
    return parse_duration(text, value);
  };
}

void Flags::add(const std::string& name, std::vector<std::string>& value, const std::string& help) {
  Flag& flag = state_->add(name, "strings", value.empty() ? "" : "[" + join(value, ",") + "]", help);
  // The first one given replaces the default, further ones add to it.
  flag.set = [&value, &flag](const std::string& text) {
    if (!flag.given) value.clear();
    for (std::string& part : split(text, ',')) value.push_back(std::move(part));
    return Complaint();
  };
}

void Flags::add(const std::string& name, std::map<std::string, std::string>& value, const std::string& help) {
  Flag& flag = state_->add(name, "mapStringString", value.empty() ? "" : map_text(value), help);
  flag.set = [&value, &flag](const std::string& text) -> Complaint {
    std::map<std::string, std::string> pairs;
    for (const std::string& pair : split(text, ',')) {
      const auto equals = pair.find('=');
      if (equals == std::string::npos) return pair + " must be formatted as key=value";
      pairs[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
    if (!flag.given) value.clear();
    for (auto& [key, text_of_key] : pairs) value[key] = std::move(text_of_key);
    return std::nullopt;
  };
}

void Flags::accept(const std::string& name, const std::string& why) {
  Flag& flag = state_->add(name, "value", "", "without effect here: " + why);
  flag.bare_value = "";
  flag.may_be_bare = true;
  flag.set = [](const std::string&) { return Complaint(); };
}

void Flags::add_positional(const std::string& name, std::vector<std::string>& values, const std::string& help) {
  ASSERT(state_->positional == nullptr);
  state_->positional_name = name;
  state_->positional_help = help;
  state_->positional = &values;
}

void Flags::require(const std::string& name) {
  const auto flag = state_->flags.find(with_dashes(name));
  ASSERT(flag != state_->flags.end());
  flag->second.required = true;
}

bool Flags::given(const std::string& name) const {
  const auto flag = state_->flags.find(with_dashes(name));
  ASSERT(flag != state_->flags.end());
  return flag->second.given;
}

void Flags::set_version(std::string text) { state_->version = std::move(text); }

bool Flags::parse(const std::vector<std::string>& arguments) {
  std::vector<std::string> rest;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      rest.insert(rest.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1, arguments.end());
      break;
    }
    if (argument.size() < 2 || argument.front() != '-') {
      rest.push_back(argument);
      continue;
    }
    const bool is_long = argument.starts_with("--");
    const auto equals = argument.find('=');
    const std::size_t name_begin = is_long ? 2 : 1;
    std::string name = with_dashes(argument.substr(name_begin, equals == std::string::npos ? equals : equals - name_begin));
    if (name.empty() || (is_long && name.front() == '-')) throw UsageError("bad flag syntax: " + argument);
    std::optional<std::string> value;
    if (equals != std::string::npos) value = argument.substr(equals + 1);
    // "-v2" is the shorthand v with its value.
    if (!is_long && name.size() > 1 && !value) {
      value = argument.substr(2);
      name.resize(1);
    }
    auto place = state_->flags.find(name);
    if (!is_long && name.size() > 1) place = state_->flags.end();
    if (place == state_->flags.end()) {
      if (name == "help" || (!is_long && name == "h")) {
        output_ = state_->usage();
        return false;
      }
      if (is_long && name == "version" && !state_->version.empty()) {
        output_ = state_->version + "\n";
        return false;
      }
      if (is_long) throw UsageError("unknown flag: --" + name);
      throw UsageError("unknown shorthand flag: '" + name.substr(0, 1) + "' in " + argument);
    }
    Flag& flag = place->second;
    if (!value) {
      const bool next_is_value = i + 1 < arguments.size() && (!flag.may_be_bare || !arguments[i + 1].starts_with('-'));
      if (flag.bare_value && !(flag.may_be_bare && next_is_value)) {
        value = flag.bare_value;
      } else if (next_is_value) {
        value = arguments[++i];
      } else {
        throw UsageError("flag needs an argument: " + argument);
      }
    }
    state_->apply(name, flag, *value);
  }

  std::vector<std::string> missing;
  for (const auto& [name, flag] : state_->flags) {
    if (flag.required && !flag.given) missing.push_back(in_quotes(name));
  }
  if (!missing.empty()) throw UsageError("required flag(s) " + join(missing, ", ") + " not set");
  if (state_->positional != nullptr) {
    *state_->positional = std::move(rest);
  } else if (!rest.empty()) {
    throw UsageError(in_quotes(state_->program) + " does not take any arguments, got " + in_quotes(rest.front()));
  }
  return true;
}

}  // namespace skidpad::runtime

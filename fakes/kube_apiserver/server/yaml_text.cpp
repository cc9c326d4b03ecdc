#include "fakes/kube_apiserver/server/yaml_text.hpp"

#include <array>

namespace skidpad::fakes::kube_apiserver {
namespace {

bool reads_as_other(const std::string& text) {
  static constexpr std::array words = {"true", "false", "yes", "no", "on", "off", "y", "n", "null", "~", "True", "False", "Yes", "No", "On", "Off", "Null", "TRUE", "FALSE", "NULL", "Y", "N"};
  if (std::find(words.begin(), words.end(), text) != words.end()) return true;
  const char first = text.front();
  return (first >= '0' && first <= '9') || first == '-' || first == '+' || first == '.';
}

std::string scalar(const std::string& text) {
  if (text.empty()) return "\"\"";
  bool plain = !reads_as_other(text) && text.front() != ' ' && text.back() != ' ' && text.back() != ':';
  static constexpr std::string_view leading = "!&*{}[],#|>@`\"'%?:";
  if (leading.find(text.front()) != std::string_view::npos) plain = false;
  for (std::size_t i = 0; i < text.size() && plain; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) plain = false;
    if (text[i] == ':' && i + 1 < text.size() && text[i + 1] == ' ') plain = false;
    if (text[i] == '#' && i > 0 && text[i - 1] == ' ') plain = false;
  }
  return plain ? text : Json(text).dump();
}

void write(std::string& out, const Json& value, std::size_t indent);

void write_member(std::string& out, const Json& value, std::size_t indent, bool in_list) {
  if (value.is_object() && !value.empty()) {
    out += in_list ? "" : "\n";
    write(out, value, indent + (in_list ? 0 : 2));
  } else if (value.is_array() && !value.empty()) {
    out += "\n";
    write(out, value, indent);
  } else {
    out += in_list ? "" : " ";
    write(out, value, indent);
    out += "\n";
  }
}

void write(std::string& out, const Json& value, std::size_t indent) {
  if (value.is_object() && !value.empty()) {
    bool first = true;
    for (const auto& [key, member] : value.items()) {
      const bool after_dash = first && out.size() >= 2 && out.substr(out.size() - 2) == "- ";
      if (!after_dash) out.append(indent, ' ');
      first = false;
      out += scalar(key) + ":";
      write_member(out, member, indent, false);
    }
  } else if (value.is_array() && !value.empty()) {
    for (const Json& item : value) {
      out.append(indent, ' ');
      out += "- ";
      if (item.is_object() && !item.empty()) {
        write(out, item, indent + 2);
      } else if (item.is_array() && !item.empty()) {
        out += "\n";
        write(out, item, indent + 2);
      } else {
        write(out, item, indent);
        out += "\n";
      }
    }
  } else if (value.is_string()) {
    out += scalar(value.get<std::string>());
  } else {
    out += value.dump();
  }
}

}  // namespace

std::string to_yaml(const Json& value) {
  std::string out;
  write(out, value, 0);
  if (out.empty() || out.back() != '\n') out += '\n';
  return out;
}

}  // namespace skidpad::fakes::kube_apiserver

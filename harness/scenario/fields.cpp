#include "harness/scenario/fields.hpp"

#include <algorithm>

#include "harness/scenario/behaviours.hpp"

namespace skidpad::scenario {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

TextRule name_rule() {
  return {"^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$",
          [](std::string_view text) {
            return !text.empty() && text.size() <= 63 && is_lower(text.front()) && text.back() != '-' &&
                   std::all_of(text.begin(), text.end(), [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
          },
          "a name of lower-case letters, digits and hyphens that begins with a letter, such as node-loss"};
}

TextRule fault_name_rule() {
  return {"^[a-z][a-z0-9_]{0,39}$",
          [](std::string_view text) {
            return !text.empty() && text.size() <= 40 && is_lower(text.front()) &&
                   std::all_of(text.begin(), text.end(), [](char c) { return is_lower(c) || is_digit(c) || c == '_'; });
          },
          "a name of lower-case letters, digits and underscores that begins with a letter, such as first_loss"};
}

TextRule path_rule() {
  return {"^/[-A-Za-z0-9._~/%?=&]{0,199}$",
          [](std::string_view text) {
            return text.size() <= 200 && text.starts_with('/') && std::all_of(text.begin(), text.end(), [](char c) {
                     return is_lower(c) || is_upper(c) || is_digit(c) || std::string_view("-._~/%?=&").find(c) != std::string_view::npos;
                   });
          },
          "a path of a URL, such as /healthz"};
}

TextRule etcd_version_rule() {
  return {"^[0-9]{1,2}\\.[0-9]{1,2}\\.[0-9]{1,3}$",
          [](std::string_view text) {
            std::size_t part = 0;
            for (const std::size_t digits_max : {2, 2, 3}) {
              std::size_t digits = 0;
              while (digits < text.size() && is_digit(text[digits])) ++digits;
              if (digits == 0 || digits > digits_max) return false;
              text.remove_prefix(digits);
              if (++part < 3 && !text.starts_with('.')) return false;
              if (part < 3) text.remove_prefix(1);
            }
            return text.empty();
          },
          "a version of etcd, such as 3.4.23"};
}

TextRule object_rule() {
  return {"^[A-Z][A-Za-z0-9]{0,62}$",
          [](std::string_view text) {
            return !text.empty() && text.size() <= 63 && is_upper(text.front()) &&
                   std::all_of(text.begin(), text.end(), [](char c) { return is_lower(c) || is_upper(c) || is_digit(c); });
          },
          "a kind of Kubernetes object, such as Node"};
}

ChoiceRule behaviour_rule() {
  ChoiceRule rule;
  for (const Behaviour& behaviour : behaviours()) rule.choices.push_back(behaviour.id);
  rule.expected = "a row that `skidpad list behaviours` shows, such as N1";
  return rule;
}

}  // namespace skidpad::scenario

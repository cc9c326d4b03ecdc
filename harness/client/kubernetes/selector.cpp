#include "harness/client/kubernetes/selector.hpp"

#include <algorithm>
#include <charconv>

namespace skidpad::client {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;

namespace {

using Operator = Selector::Operator;
using Requirement = Selector::Requirement;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/';
}

bool read_integer(std::string_view text, std::int64_t& value) {
  const auto end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  return read.ec == std::errc() && read.ptr == end && !text.empty();
}

/// Reads selector text by tokens: names, and the punctuation of the grammar.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }
  bool at_end() {
    skip_space();
    return at_ >= text_.size();
  }
  bool accept(std::string_view token) {
    skip_space();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  std::string name() {
    skip_space();
    const std::size_t start = at_;
    while (at_ < text_.size() && is_name_character(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  std::string rest() const { return std::string(text_.substr(std::min(at_, text_.size()))); }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

Error cannot_parse(std::string_view text, const std::string& why) {
  return Error(ErrorCode::invalid, "unable to parse requirement: " + why + " in selector \"" + std::string(text) + "\"");
}

bool requirement_holds(const Requirement& requirement, const Json& labels) {
  const std::string* value = nullptr;
  if (labels.is_object()) {
    const auto found = labels.find(requirement.key);
    if (found != labels.end() && found->is_string()) value = &found->get_ref<const std::string&>();
  }
  const auto listed = [&] { return std::find(requirement.values.begin(), requirement.values.end(), *value) != requirement.values.end(); };
  switch (requirement.operation) {
    case Operator::in: return value != nullptr && listed();
    case Operator::not_in: return value == nullptr || !listed();
    case Operator::exists: return value != nullptr;
    case Operator::absent: return value == nullptr;
    case Operator::greater:
    case Operator::less: {
      std::int64_t have = 0;
      std::int64_t limit = 0;
      if (value == nullptr || requirement.values.size() != 1) return false;
      if (!read_integer(*value, have) || !read_integer(requirement.values[0], limit)) return false;
      return requirement.operation == Operator::greater ? have > limit : have < limit;
    }
  }
  return false;
}

void sort_by_key(std::vector<Requirement>& requirements) {
  std::stable_sort(requirements.begin(), requirements.end(), [](const Requirement& a, const Requirement& b) { return a.key < b.key; });
}

Result<Requirement> read_expression(const Json& expression) {
  Requirement requirement;
  requirement.key = runtime::text_at(expression, {"key"});
  for (const Json& value : runtime::list_at(expression, {"values"})) {
    if (value.is_string()) requirement.values.push_back(value.get<std::string>());
  }
  const std::string operation = runtime::text_at(expression, {"operator"});
  if (operation == "In") {
    requirement.operation = Operator::in;
  } else if (operation == "NotIn") {
    requirement.operation = Operator::not_in;
  } else if (operation == "Exists") {
    requirement.operation = Operator::exists;
  } else if (operation == "DoesNotExist") {
    requirement.operation = Operator::absent;
  } else if (operation == "Gt") {
    requirement.operation = Operator::greater;
  } else if (operation == "Lt") {
    requirement.operation = Operator::less;
  } else {
    return Error(ErrorCode::invalid, "\"" + operation + "\" is not a valid label selector operator");
  }
  return requirement;
}

}  // namespace

Selector Selector::nothing() {
  Selector selector;
  selector.nothing_ = true;
  return selector;
}

Result<Selector> Selector::parse(std::string_view text) {
  Selector selector;
  Reader reader(text);
  while (!reader.at_end()) {
    Requirement requirement;
    const bool negated = reader.accept("!");
    requirement.key = reader.name();
    if (requirement.key.empty()) return cannot_parse(text, "found '" + reader.rest() + "', expected: identifier");
    if (negated) {
      requirement.operation = Operator::absent;
    } else if (reader.accept("!=")) {
      requirement.operation = Operator::not_in;
      requirement.values.push_back(reader.name());
    } else if (reader.accept("==") || reader.accept("=")) {
      requirement.operation = Operator::in;
      requirement.values.push_back(reader.name());
    } else if (reader.accept(">")) {
      requirement.operation = Operator::greater;
      requirement.values.push_back(reader.name());
    } else if (reader.accept("<")) {
      requirement.operation = Operator::less;
      requirement.values.push_back(reader.name());
    } else if (!reader.at_end() && !reader.accept(",")) {
      const std::string word = reader.name();
      if (word != "in" && word != "notin") return cannot_parse(text, "found '" + word + "', expected: in, notin, =, ==, !=, gt, lt");
      requirement.operation = word == "in" ? Operator::in : Operator::not_in;
      if (!reader.accept("(")) return cannot_parse(text, "found '" + reader.rest() + "', expected: '('");
      do {
        requirement.values.push_back(reader.name());
      } while (reader.accept(","));
      if (!reader.accept(")")) return cannot_parse(text, "found '" + reader.rest() + "', expected: ',' or ')'");
    } else {
      selector.requirements_.push_back(std::move(requirement));  // "key" or "key,": exists
      continue;
    }
    selector.requirements_.push_back(std::move(requirement));
    if (reader.at_end()) break;
    if (!reader.accept(",")) return cannot_parse(text, "found '" + reader.rest() + "', expected: ',' or 'end of string'");
  }
  sort_by_key(selector.requirements_);
  return selector;
}

Result<Selector> Selector::from_label_selector(const Json& selector_json) {
  if (!selector_json.is_object()) return nothing();
  Selector selector = from_map(runtime::find(selector_json, {"matchLabels"}));
  for (const Json& expression : runtime::list_at(selector_json, {"matchExpressions"})) {
    TRY(auto requirement, read_expression(expression));
    selector.requirements_.push_back(std::move(requirement));
  }
  sort_by_key(selector.requirements_);
  return selector;
}

Selector Selector::from_map(const Json& labels) {
  Selector selector;
  if (!labels.is_object()) return selector;
  for (const auto& [key, value] : labels.items()) {
    Requirement requirement;
    requirement.key = key;
    requirement.operation = Operator::in;
    requirement.values.push_back(value.is_string() ? value.get<std::string>() : "");
    selector.requirements_.push_back(std::move(requirement));
  }
  return selector;
}

Result<Selector> Selector::from_node_requirements(const Json& expressions) {
  Selector selector;
  if (!expressions.is_array()) return selector;
  for (const Json& expression : expressions) {
    TRY(auto requirement, read_expression(expression));
    selector.requirements_.push_back(std::move(requirement));
  }
  return selector;
}

bool Selector::matches(const Json& labels) const {
  if (nothing_) return false;
  for (const Requirement& requirement : requirements_) {
    if (!requirement_holds(requirement, labels)) return false;
  }
  return true;
}

std::string Selector::to_text() const {
  std::string text;
  for (const Requirement& requirement : requirements_) {
    if (!text.empty()) text += ',';
    if (requirement.operation == Operator::absent) text += '!';
    text += requirement.key;
    if (requirement.operation == Operator::exists || requirement.operation == Operator::absent) continue;
    std::string values;
    for (const std::string& value : requirement.values) values += (values.empty() ? "" : ",") + value;
    switch (requirement.operation) {
      case Operator::greater: text += ">" + values; break;
      case Operator::less: text += "<" + values; break;
      case Operator::not_in: text += requirement.values.size() == 1 ? "!=" + values : " notin (" + values + ")"; break;
      default: text += requirement.values.size() == 1 ? "=" + values : " in (" + values + ")"; break;
    }
  }
  return text;
}

Result<FieldSelector> FieldSelector::parse(std::string_view text) {
  FieldSelector selector;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view term = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    if (term.empty()) continue;
    Requirement requirement;
    std::size_t at = term.find("!=");
    std::size_t value_at = at + 2;
    requirement.equal = at == std::string_view::npos;
    if (requirement.equal) {
      at = term.find('=');
      value_at = at + 1;
      if (at != std::string_view::npos && term.substr(at, 2) == "==") ++value_at;
    }
    if (at == std::string_view::npos || at == 0) {
      return Error(ErrorCode::invalid, "invalid selector: '" + std::string(term) + "'; can't understand '" + std::string(term) + "'");
    }
    requirement.path = std::string(term.substr(0, at));
    requirement.value = std::string(term.substr(value_at));
    selector.requirements_.push_back(std::move(requirement));
  }
  return selector;
}

bool FieldSelector::matches(const Json& object) const {
  for (const Requirement& requirement : requirements_) {
    const Json* value = &object;
    std::string_view path = requirement.path;
    while (!path.empty() && value != nullptr) {
      const std::size_t dot = path.find('.');
      const std::string key(path.substr(0, dot));
      path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
      const auto found = value->is_object() ? value->find(key) : value->end();
      value = value->is_object() && found != value->end() ? &*found : nullptr;
    }
    std::string text;
    if (value != nullptr) text = value->is_string() ? value->get<std::string>() : value->is_null() ? "" : value->dump();
    if ((text == requirement.value) != requirement.equal) return false;
  }
  return true;
}

}  // namespace skidpad::client

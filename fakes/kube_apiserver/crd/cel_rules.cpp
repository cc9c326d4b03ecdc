#include "fakes/kube_apiserver/crd/cel_rules.hpp"

#include <regex>

namespace skidpad::fakes::kube_apiserver {
namespace {

/// Leaves the evaluation: an unknown construct, a missing field, a type that does not fit.
struct Unsupported {};

class Evaluator {
 public:
  Evaluator(const std::string& text, const Json& self, const Json& old_self) : text_(text), self_(self), old_self_(old_self) {}
  Json run() {
    Json value = ternary();
    if (!peek().empty()) throw Unsupported();
    return value;
  }

 private:
  static bool word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  std::string peek() {
    skip();
    if (at_ >= text_.size()) return "";
    std::size_t end = at_ + 1;
    if (word_character(text_[at_])) {
      while (end < text_.size() && word_character(text_[end])) ++end;
    } else if (end < text_.size()) {
      const std::string two = text_.substr(at_, 2);
      if (two == "==" || two == "!=" || two == "<=" || two == ">=" || two == "&&" || two == "||") ++end;
    }
    return text_.substr(at_, end - at_);
  }
  bool take(const std::string& token) {
    if (peek() != token) return false;
    at_ += token.size();
    return true;
  }
  void expect(const std::string& token) {
    if (!take(token)) throw Unsupported();
  }
  static bool truth(const Json& value) {
    if (!value.is_boolean()) throw Unsupported();
    return value.get<bool>();
  }

  Json ternary() {
    Json condition = disjunction();
    if (!take("?")) return condition;
    Json yes = ternary();
    expect(":");
    Json no = ternary();
    return truth(condition) ? yes : no;
  }
  /// Both sides are read in any case; a side that cannot be evaluated does not matter where the other decides.
  Json either(bool decisive, Json (Evaluator::*part)(), const char* sign) {
    Json left = guarded(part);
    while (take(sign)) {
      Json right = guarded(part);
      if ((left.is_boolean() && left == decisive) || (right.is_boolean() && right == decisive)) {
        left = decisive;
      } else if (!left.is_boolean() || !right.is_boolean()) {
        throw Unsupported();
      } else {
        left = !decisive;
      }
    }
    return left;
  }
  Json guarded(Json (Evaluator::*part)()) { return (this->*part)(); }
  Json disjunction() { return either(true, &Evaluator::conjunction, "||"); }
  Json conjunction() { return either(false, &Evaluator::relation, "&&"); }
  Json relation() {
    Json left = sum();
    for (const char* sign : {"==", "!=", "<=", ">=", "<", ">", "in"}) {
      if (!take(sign)) continue;
      const Json right = sum();
      const std::string_view what = sign;
      if (left == missing_ || right == missing_) return missing_;
      if (what == "==") return left == right;
      if (what == "!=") return left != right;
      if (what == "in") {
        if (right.is_object()) return left.is_string() && right.contains(left.get<std::string>());
        return std::find(right.begin(), right.end(), left) != right.end();
      }
      if (left.is_number() != right.is_number()) throw Unsupported();
      if (what == "<=") return left <= right;
      if (what == ">=") return left >= right;
      return what == "<" ? left < right : left > right;
    }
    return left;
  }
  Json sum() {
    Json left = unary();
    for (;;) {
      const bool plus = take("+");
      if (!plus && !take("-")) return left;
      const Json right = unary();
      if (left.is_string() && right.is_string() && plus) {
        left = left.get<std::string>() + right.get<std::string>();
      } else if (left.is_number_integer() && right.is_number_integer()) {
        left = plus ? left.get<std::int64_t>() + right.get<std::int64_t>() : left.get<std::int64_t>() - right.get<std::int64_t>();
      } else {
        throw Unsupported();
      }
    }
  }
  Json unary() {
    if (take("!")) {
      const Json value = unary();
      return value == missing_ ? missing_ : Json(!truth(value));
    }
    if (take("-")) {
      const Json value = unary();
      if (!value.is_number_integer()) throw Unsupported();
      return -value.get<std::int64_t>();
    }
    return member();
  }
  Json member() {
    Json value = primary();
    for (;;) {
      if (take(".")) {
        const std::string name = peek();
        if (name.empty() || !word_character(name[0])) throw Unsupported();
        at_ += name.size();
        if (take("(")) {
          value = call(value, name);
        } else if (value.is_object() && value.contains(name)) {
          value = Json(value[name]);
        } else {
          value = missing_;
        }
      } else if (take("[")) {
        const Json index = ternary();
        expect("]");
        if (value.is_array() && index.is_number_unsigned() && index.get<std::size_t>() < value.size()) {
          value = Json(value[index.get<std::size_t>()]);
        } else if (value.is_object() && index.is_string() && value.contains(index.get<std::string>())) {
          value = Json(value[index.get<std::string>()]);
        } else {
          value = missing_;
        }
      } else {
        return value;
      }
    }
  }
  Json call(const Json& object, const std::string& name) {
    std::vector<Json> arguments;
    while (!take(")")) {
      arguments.push_back(ternary());
      (void)take(",");
    }
    if (object == missing_) return missing_;
    if (name == "size" && arguments.empty()) return size_of(object);
    if (!object.is_string() || arguments.size() != 1 || !arguments[0].is_string()) throw Unsupported();
    const std::string text = object.get<std::string>();
    const std::string other = arguments[0].get<std::string>();
    if (name == "startsWith") return text.compare(0, other.size(), other) == 0;
    if (name == "endsWith") return text.size() >= other.size() && text.compare(text.size() - other.size(), other.size(), other) == 0;
    if (name == "contains") return text.find(other) != std::string::npos;
    if (name == "matches") return std::regex_search(text, std::regex(other));
    throw Unsupported();
  }
  static Json size_of(const Json& value) { return value.is_string() ? value.get<std::string>().size() : value.size(); }
  Json primary() {
    if (take("(")) {
      Json value = ternary();
      expect(")");
      return value;
    }
    if (take("[")) {
      Json list = Json::array();
      while (!take("]")) {
        list.push_back(ternary());
        (void)take(",");
      }
      return list;
    }
    const std::string token = peek();
    if (token.empty()) throw Unsupported();
    if (token == "'" || token == "\"") return literal(token[0]);
    at_ += token.size();
    if (token == "self") return self_;
    if (token == "oldSelf") return old_self_;
    if (token == "true" || token == "false") return token == "true";
    if (token == "null") return nullptr;
    if (token == "has" && take("(")) {
      const Json value = ternary();
      expect(")");
      return value != missing_;
    }
    if (token == "size" && take("(")) {
      const Json value = ternary();
      expect(")");
      return value == missing_ ? missing_ : size_of(value);
    }
    if (std::isdigit(static_cast<unsigned char>(token[0])) == 0) throw Unsupported();
    std::string number = token;
    if (at_ + 1 < text_.size() && text_[at_] == '.' && std::isdigit(static_cast<unsigned char>(text_[at_ + 1])) != 0) {
      ++at_;
      const std::string fraction = peek();
      at_ += fraction.size();
      return std::stod(number + "." + fraction);
    }
    if (number.size() > 18) throw Unsupported();
    return static_cast<std::uint64_t>(std::stoull(number));
  }
  Json literal(char quote) {
    std::string text;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      text += text_[at_];
    }
    if (at_ >= text_.size()) throw Unsupported();
    ++at_;
    return text;
  }

  const std::string& text_;
  const Json& self_;
  const Json& old_self_;
  const Json missing_ = Json({{"\1missing", true}});
  std::size_t at_ = 0;
};

const char* type_name(const Json& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "boolean";
  return value.is_number_float() ? "number" : "integer";
}

}  // namespace

std::optional<bool> evaluate_rule(const std::string& rule, const Json& self, const Json& old_self) {
  try {
    const Json value = Evaluator(rule, self, old_self).run();
    if (value.is_boolean()) return value.get<bool>();
  } catch (const Unsupported&) {
  } catch (const std::exception&) {
  }
  return std::nullopt;
}

void check_rules(const Json& value, const Json& old, const Json& schema, const std::string& path, FieldErrors& errors) {
  if (!schema.is_object()) return;
  for (const Json& rule : runtime::list_at(schema, {"x-kubernetes-validations"})) {
    const std::string text = runtime::text_at(rule, {"rule"});
    if (old.is_null() && text.find("oldSelf") != std::string::npos) continue;
    if (evaluate_rule(text, value, old).value_or(true)) continue;
    const std::string message = runtime::text_at(rule, {"message"});
    errors.push_back(invalid_value(path, in_quotes(type_name(value)), message.empty() ? "failed rule: " + text : message));
  }
  if (value.is_object()) {
    const Json& properties = runtime::find(schema, {"properties"});
    const Json& additional = runtime::find(schema, {"additionalProperties"});
    for (const auto& [key, member] : value.items()) {
      const Json& inner = properties.is_object() && properties.contains(key) ? properties[key] : additional;
      check_rules(member, runtime::find(old, {key}), inner, path.empty() ? key : path + "." + key, errors);
    }
  }
  if (value.is_array()) {
    std::size_t position = 0;
    for (const Json& item : value) check_rules(item, Json(), runtime::find(schema, {"items"}), path + "[" + std::to_string(position++) + "]", errors);
  }
}

}  // namespace skidpad::fakes::kube_apiserver

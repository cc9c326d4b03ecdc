#include "fakes/kube_apiserver/cel/cel_parser.hpp"

namespace skidpad::fakes::kube_apiserver::cel {
namespace {

constexpr int depth_max = 100;
constexpr std::size_t integer_digits_max = 19;

Node node_of(NodeKind kind, std::string name = "") {
  Node node;
  node.kind = kind;
  node.name = std::move(name);
  return node;
}

Node literal_of(Json value) {
  Node node;
  node.value = std::move(value);
  return node;
}

/// Names that CEL keeps for itself are written with underscores: "__namespace__", "a__dash__b".
std::string unescaped_field(const std::string& name) {
  static const std::pair<const char*, const char*> signs[] = {{"__underscores__", "__"}, {"__dot__", "."}, {"__dash__", "-"}, {"__slash__", "/"}};
  if (name.find("__") == std::string::npos) return name;
  std::string text = name;
  for (const auto& [escaped, sign] : signs) {
    for (std::size_t at = text.find(escaped); at != std::string::npos; at = text.find(escaped, at + 1)) text.replace(at, std::strlen(escaped), sign);
  }
  if (text == name && text.size() > 4 && text.compare(0, 2, "__") == 0 && text.compare(text.size() - 2, 2, "__") == 0) return text.substr(2, text.size() - 4);
  return text;
}

class Parser {
 public:
  explicit Parser(const std::string& text) : text_(text) {}

  Node run() {
    Node node = ternary();
    skip();
    if (at_ < text_.size()) fail();
    return node;
  }

 private:
  [[noreturn]] void fail() {
    const std::string rest = at_ < text_.size() ? text_.substr(at_, 1) : "<EOF>";
    throw CelError("ERROR: <input>:1:" + std::to_string(at_ + 1) + ": Syntax error: mismatched input '" + rest + "'");
  }
  void skip() {
    for (; at_ < text_.size(); ++at_) {
      if (text_.compare(at_, 2, "//") == 0) {
        at_ = std::min(text_.find('\n', at_), text_.size());
        if (at_ == text_.size()) return;
      } else if (std::isspace(static_cast<unsigned char>(text_[at_])) == 0) {
        return;
      }
    }
  }
  static bool word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
  bool take(std::string_view sign) {
    skip();
    if (text_.compare(at_, sign.size(), sign) != 0) return false;
    if (word_character(sign[0]) && at_ + sign.size() < text_.size() && word_character(text_[at_ + sign.size()])) return false;
    at_ += sign.size();
    return true;
  }
  void expect(std::string_view sign) {
    if (!take(sign)) fail();
  }
  std::string word() {
    skip();
    const std::size_t start = at_;
    while (at_ < text_.size() && word_character(text_[at_])) ++at_;
    if (start == at_ || std::isdigit(static_cast<unsigned char>(text_[start])) != 0) fail();
    return text_.substr(start, at_ - start);
  }

  struct Deeper {
    explicit Deeper(Parser& parser) : parser(parser) {
      if (++parser.depth_ > depth_max) throw CelError("ERROR: <input>:1:1: expression recursion limit exceeded");
    }
    ~Deeper() { --parser.depth_; }
    Parser& parser;
  };

  Node ternary() {
    const Deeper deeper(*this);
    Node condition = either();
    if (!take("?")) return condition;
    Node node = node_of(NodeKind::ternary);
    node.parts.push_back(std::move(condition));
    node.parts.push_back(either());
    expect(":");
    node.parts.push_back(ternary());
    return node;
  }
  Node joined(NodeKind kind, const char* sign, Node (Parser::*part)()) {
    Node left = (this->*part)();
    if (!take(sign)) return left;
    Node node = node_of(kind);
    node.parts.push_back(std::move(left));
    do {
      node.parts.push_back((this->*part)());
    } while (take(sign));
    return node;
  }
  Node either() { return joined(NodeKind::either, "||", &Parser::both); }
  Node both() { return joined(NodeKind::both, "&&", &Parser::relation); }
  Node binary(std::string name, Node left, Node right) {
    Node node = node_of(NodeKind::call, std::move(name));
    node.parts.push_back(std::move(left));
    node.parts.push_back(std::move(right));
    return node;
  }
  Node relation() {
    Node left = sum();
    for (;;) {
      bool found = false;
      for (const char* sign : {"==", "!=", "<=", ">=", "<", ">", "in"}) {
        if (!take(sign)) continue;
        left = binary(sign, std::move(left), sum());
        found = true;
        break;
      }
      if (!found) return left;
    }
  }
  Node sum() {
    Node left = product();
    for (;;) {
      if (take("+")) {
        left = binary("+", std::move(left), product());
      } else if (take("-")) {
        left = binary("-", std::move(left), product());
      } else {
        return left;
      }
    }
  }
  Node product() {
    Node left = unary();
    for (;;) {
      if (take("*")) {
        left = binary("*", std::move(left), unary());
      } else if (take("/")) {
        left = binary("/", std::move(left), unary());
      } else if (take("%")) {
        left = binary("%", std::move(left), unary());
      } else {
        return left;
      }
    }
  }
  Node unary() {
    const Deeper deeper(*this);
    for (const char* sign : {"!", "-"}) {
      if (!take(sign)) continue;
      Node node = node_of(NodeKind::call, sign[0] == '!' ? "!" : "-");
      node.parts.push_back(unary());
      return node;
    }
    return member();
  }
  std::vector<Node> arguments() {
    std::vector<Node> list;
    if (take(")")) return list;
    do {
      list.push_back(ternary());
    } while (take(","));
    expect(")");
    return list;
  }
  Node member() {
    Node node = primary();
    for (;;) {
      const bool optional_field = take(".?");
      if (optional_field || take(".")) {
        const std::string name = word();
        skip();
        if (!optional_field && take("(")) {
          node = method(std::move(node), name, arguments());
          continue;
        }
        Node next = node_of(NodeKind::select, unescaped_field(name));
        next.optional = optional_field;
        next.parts.push_back(std::move(node));
        node = std::move(next);
      } else if (take("[")) {
        Node next = node_of(NodeKind::index);
        next.optional = take("?");
        next.parts.push_back(std::move(node));
        next.parts.push_back(ternary());
        expect("]");
        node = std::move(next);
      } else {
        return node;
      }
    }
  }
  Node method(Node target, const std::string& name, std::vector<Node> given) {
    const bool macro = name == "all" || name == "exists" || name == "exists_one" || name == "existsOne" || name == "map" || name == "filter" || name == "optMap";
    Node node = node_of(macro && given.size() >= 2 ? NodeKind::comprehension : NodeKind::method, name == "existsOne" ? "exists_one" : name);
    node.parts.push_back(std::move(target));
    if (node.kind == NodeKind::comprehension) {
      if (given[0].kind != NodeKind::identifier || given.size() > (name == "map" ? 3U : 2U)) fail();
      node.variable = given[0].name;
      given.erase(given.begin());
    }
    for (Node& each : given) node.parts.push_back(std::move(each));
    return node;
  }
  Node primary() {
    skip();
    if (at_ >= text_.size()) fail();
    if (take("(")) {
      Node node = ternary();
      expect(")");
      return node;
    }
    if (take("[")) {
      Node node = node_of(NodeKind::list);
      while (!take("]")) {
        node.parts.push_back(ternary());
        if (!take(",")) {
          expect("]");
          break;
        }
      }
      return node;
    }
    if (take("{")) {
      Node node = node_of(NodeKind::map);
      while (!take("}")) {
        node.parts.push_back(ternary());
        expect(":");
        node.parts.push_back(ternary());
        if (!take(",")) {
          expect("}");
          break;
        }
      }
      return node;
    }
    const char c = text_[at_];
    if (c == '"' || c == '\'') return literal_of(quoted(false));
    if ((c == 'r' || c == 'R' || c == 'b' || c == 'B') && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\'')) {
      ++at_;
      return literal_of(quoted(c == 'r' || c == 'R'));
    }
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.') return literal_of(number());
    const std::string name = word();
    if (name == "true" || name == "false") return literal_of(name == "true");
    if (name == "null") return literal_of(nullptr);
    skip();
    if (!take("(")) return node_of(NodeKind::identifier, name);
    std::vector<Node> given = arguments();
    if (name == "has") {
      if (given.size() != 1 || given[0].kind != NodeKind::select) throw CelError("ERROR: <input>:1:" + std::to_string(at_) + ": invalid argument to has() macro");
      given[0].kind = NodeKind::present;
      return std::move(given[0]);
    }
    Node node = node_of(NodeKind::call, name);
    node.parts = std::move(given);
    return node;
  }
  Json number() {
    const std::size_t start = at_;
    const bool hexadecimal = text_.compare(at_, 2, "0x") == 0;
    if (hexadecimal) {
      at_ += 2;
      while (at_ < text_.size() && std::isxdigit(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
      if (at_ == start + 2 || at_ > start + 17) fail();
      return static_cast<std::int64_t>(std::stoull(text_.substr(start + 2, at_ - start - 2), nullptr, 16));
    }
    bool whole = true;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool point = c == '.' && at_ + 1 < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_ + 1])) != 0;
      const bool exponent = (c == 'e' || c == 'E') && at_ > start;
      if (point || exponent) whole = false;
      if (exponent && at_ + 1 < text_.size() && (text_[at_ + 1] == '-' || text_[at_ + 1] == '+')) ++at_;
      if (std::isdigit(static_cast<unsigned char>(c)) == 0 && !point && !exponent) break;
      ++at_;
    }
    const std::string digits = text_.substr(start, at_ - start);
    if (take("u") || take("U")) {}
    if (!whole) {
      char* end = nullptr;
      const double value = std::strtod(digits.c_str(), &end);
      if (end == digits.c_str()) fail();
      return value;
    }
    if (digits.empty() || digits.size() >= integer_digits_max) throw CelError("ERROR: <input>:1:" + std::to_string(start + 1) + ": invalid int literal");
    return static_cast<std::int64_t>(std::stoll(digits));
  }
  Json quoted(bool raw) {
    const char quote = text_[at_];
    const std::string triple(3, quote);
    const bool long_text = text_.compare(at_, 3, triple) == 0;
    at_ += long_text ? 3 : 1;
    std::string value;
    for (;;) {
      if (at_ >= text_.size()) fail();
      if (long_text ? text_.compare(at_, 3, triple) == 0 : text_[at_] == quote) break;
      if (raw || text_[at_] != '\\') {
        value += text_[at_++];
        continue;
      }
      if (at_ + 1 >= text_.size()) fail();
      const char c = text_[at_ + 1];
      at_ += 2;
      static constexpr std::string_view from = "abfnrtv\\?\"'`";
      static constexpr std::string_view to = "\a\b\f\n\r\t\v\\?\"'`";
      const std::size_t known = from.find(c);
      if (known != std::string_view::npos) {
        value += to[known];
      } else if (c == 'u' && at_ + 4 <= text_.size() && text_.find_first_not_of("0123456789abcdefABCDEF", at_) >= at_ + 4) {
        value += Json::parse("\"\\u" + text_.substr(at_, 4) + "\"", nullptr, false).get<std::string>();
        at_ += 4;
      } else {
        fail();
      }
    }
    at_ += long_text ? 3 : 1;
    return value;
  }

  const std::string& text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Node parse_expression(const std::string& text) { return Parser(text).run(); }

}  // namespace skidpad::fakes::kube_apiserver::cel

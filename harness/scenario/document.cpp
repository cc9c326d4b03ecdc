#include "harness/scenario/document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "harness/runtime/assert.hpp"
#include "harness/scenario/values.hpp"

namespace skidpad::scenario {
namespace {

[[noreturn]] void refuse(Position position, std::string path, std::string what) {
  throw Refusal{Stage::text, position, path.empty() ? "document" : std::move(path), std::move(what)};
}

std::string hexadecimal(unsigned value, int width) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (int shift = (width - 1) * 4; shift >= 0; shift -= 4) text += digits[(value >> shift) & 15];
  return text;
}

/// Length of the UTF-8 sequence at `at`, or 0 if there is none (overlong, surrogate, cut short, beyond U+10FFFF).
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t offset) -> unsigned {
    return at + offset < text.size() ? static_cast<unsigned char>(text[at + offset]) : 0u;
  };
  const auto follows = [&](std::size_t offset) { return (byte(offset) & 0xC0) == 0x80; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (first == 0xE0 && second < 0xA0) return 0;
    if (first == 0xED && second > 0x9F) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (first == 0xF0 && second < 0x90) return 0;
    if (first == 0xF4 && second > 0x8F) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

/// Refuses what no reader should have to guess about, before the parser sees any of it.
void check_bytes(std::string_view text, const DocumentLimits& limits) {
  if (text.size() > limits.bytes_max)
    refuse({}, "", "has " + std::to_string(text.size()) + " bytes; expected at most " + std::to_string(limits.bytes_max));
  if (text.starts_with("\xEF\xBB\xBF")) refuse({}, "", "begins with a byte order mark; expected UTF-8 without one");
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) refuse({}, "", "is UTF-16; expected UTF-8");
  Position position;
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t length = utf8_length(text, at);
    if (length == 0) refuse(position, "", "has the byte 0x" + hexadecimal(byte, 2) + ", which is not UTF-8 here; expected UTF-8 text");
    if (byte == '\t') refuse(position, "", "has a tab; expected spaces");
    if (byte == '\r') refuse(position, "", "has a carriage return; expected lines that end in a line feed alone");
    if ((byte < 0x20 && byte != '\n') || byte == 0x7f)
      refuse(position, "", "has the control character 0x" + hexadecimal(byte, 2) + "; expected text");
    if (byte == '%' && position.column == 1) refuse(position, "", "has a YAML directive; expected none");
    if (byte == '\n')
      position = {position.line + 1, 1};
    else
      ++position.column;
    at += length;
  }
}

/// Turns the parser's byte columns into characters, as editors count.
class Places {
 public:
  explicit Places(std::string_view text) : text_(text) {
    line_begins_.push_back(0);
    for (std::size_t at = 0; at < text.size(); ++at)
      if (text[at] == '\n') line_begins_.push_back(at + 1);
  }

  /// Whether the quote that opens a text here is closed at all; yaml-cpp lets the end of the file close it.
  bool quote_is_closed(const YAML::Mark& mark) const {
    if (mark.line < 0 || static_cast<std::size_t>(mark.line) >= line_begins_.size()) return true;
    std::size_t at = line_begins_[static_cast<std::size_t>(mark.line)] + static_cast<std::size_t>(std::max(mark.column, 0));
    if (at >= text_.size() || (text_[at] != '"' && text_[at] != '\'')) return true;  // a block scalar
    const char quote = text_[at];
    for (++at; at < text_.size(); ++at) {
      if (quote == '"' && text_[at] == '\\')
        ++at;
      else if (text_[at] == quote)
        return true;  // a doubled single quote also closes one text, and opens the next that must be closed
    }
    return false;
  }

  Position at(const YAML::Mark& mark) const {
    if (mark.line < 0 || mark.column < 0) return {};
    const auto line = std::min(static_cast<std::size_t>(mark.line), line_begins_.size() - 1);
    const std::string_view rest = text_.substr(line_begins_[line]);
    std::size_t column = 1;
    for (std::size_t i = 0; i < std::min(static_cast<std::size_t>(mark.column), rest.size()); ++i)
      if ((static_cast<unsigned char>(rest[i]) & 0xC0) != 0x80) ++column;
    return {line + 1, column};
  }

 private:
  std::string_view text_;
  std::vector<std::size_t> line_begins_;
};

/// Builds the tree from the parser's events. Throwing from here is what ends the parser on a document too deep or too
/// large: its recursion is one level per level of the document, and the event comes before the recursion.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const Places& places, const DocumentLimits& limits) : places_(places), limits_(limits) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string&) override { refuse_anchor(mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(places_.at(mark), path(), "has an alias; expected the value itself, since scenarios have no templates");
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (anchor != 0) refuse_anchor(mark);
    if (at_key()) refuse(places_.at(mark), path(), "has an empty key; expected a name");
    add(mark, Value::Kind::null);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& text) override {
    check(mark, tag, anchor);
    if (tag == "!" && !places_.quote_is_closed(mark))
      refuse(places_.at(mark), path(), "has no closing quote; expected one before the end of the file");
    if (at_key()) {
      set_key(mark, text);
      return;
    }
    Value& value = add(mark, Value::Kind::scalar);
    value.text = text;
    value.is_quoted = tag == "!";
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Value::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Value::Kind::map);
  }
  void OnMapEnd() override { close(); }

  Value take() { return std::move(root_); }

 private:
  struct Open {
    Value* value;      // stays in place: only the innermost container grows
    std::string path;
    bool has_key;      // of a map: a key was read, its value is next
    std::string key;
    Position key_position;
  };

  [[noreturn]] void refuse_anchor(const YAML::Mark& mark) const {
    refuse(places_.at(mark), path(), "has an anchor; expected the value itself, since scenarios have no templates");
  }

  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) const {
    if (anchor != 0) refuse_anchor(mark);
    if (!tag.empty() && tag != "?" && tag != "!") refuse(places_.at(mark), path(), "has a tag; expected a plain value");
  }

  bool at_key() const { return !open_.empty() && open_.back().value->kind == Value::Kind::map && !open_.back().has_key; }

  /// Of what is read next.
  std::string path() const {
    if (open_.empty()) return {};
    const Open& parent = open_.back();
    if (parent.value->kind == Value::Kind::list) return parent.path + "[" + std::to_string(parent.value->entries.size()) + "]";
    if (!parent.has_key) return parent.path;
    return parent.path + (parent.path.empty() ? "" : ".") + printable_key(parent.key);
  }

  void set_key(const YAML::Mark& mark, const std::string& key) {
    Open& map = open_.back();
    map.key_position = places_.at(mark);
    if (key.empty()) refuse(map.key_position, path(), "has an empty key; expected a name");
    for (const Entry& entry : map.value->entries) {
      if (entry.key != key) continue;
      map.has_key = true;
      map.key = key;
      refuse(map.key_position, path(),
             "is given twice, first on line " + std::to_string(entry.key_position.line) + "; expected each key once");
    }
    map.key = key;
    map.has_key = true;
  }

  static std::string printable_key(const std::string& key) {
    const bool plain = key.size() <= 60 && std::all_of(key.begin(), key.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
    return plain ? key : in_quotes(key);
  }

  Value& add(const YAML::Mark& mark, Value::Kind kind) {
    if (++values_ > limits_.values_max)
      refuse(places_.at(mark), path(), "is one value too many; expected at most " + std::to_string(limits_.values_max));
    Value* value = &root_;
    if (!open_.empty()) {
      Open& parent = open_.back();
      Entry entry;
      if (parent.value->kind == Value::Kind::map) {
        entry.key = std::move(parent.key);
        entry.key_position = parent.key_position;
        parent.has_key = false;
      }
      value = &parent.value->entries.emplace_back(std::move(entry)).value;
    }
    value->kind = kind;
    value->position = places_.at(mark);
    // A value left out is marked at the next token, maybe lines below; its key is where a reader looks.
    if (kind == Value::Kind::null && !open_.empty() && open_.back().value->kind == Value::Kind::map) {
      const Position key = open_.back().value->entries.back().key_position;
      if (value->position.line != key.line) value->position = key;
    }
    return *value;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Value::Kind kind) {
    check(mark, tag, anchor);
    if (at_key()) refuse(places_.at(mark), path(), "has a list or map as a key; expected a name");
    if (open_.size() >= limits_.depth_max)
      refuse(places_.at(mark), path(), "is nested too deep; expected at most " + std::to_string(limits_.depth_max) + " levels");
    std::string own_path = path();
    Value& value = add(mark, kind);
    open_.push_back(Open{&value, std::move(own_path), false, {}, {}});
  }

  void close() {
    ASSERT(!open_.empty());
    open_.pop_back();
  }

  const Places& places_;
  const DocumentLimits limits_;
  Value root_;
  std::vector<Open> open_;
  std::size_t values_ = 0;
};

/// Sees whether anything follows the first document.
class SecondDocumentRefuser : public YAML::EventHandler {
 public:
  explicit SecondDocumentRefuser(const Places& places) : places_(places) {}
  void OnDocumentStart(const YAML::Mark& mark) override {
    refuse(places_.at(mark), "", "has a second document; expected one scenario per file");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  const Places& places_;
};

}  // namespace

const Entry* Value::find(std::string_view key) const {
  for (const Entry& entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

Value parse_document(std::string_view text, const DocumentLimits& limits) {
  check_bytes(text, limits);
  const Places places(text);
  TreeBuilder builder(places, limits);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) refuse({}, "", "is empty; expected a scenario");
    SecondDocumentRefuser second(places);
    parser.HandleNextDocument(second);
  } catch (const YAML::Exception& error) {
    refuse(places.at(error.mark), "", "is no YAML: " + error.msg + "; expected valid YAML");
  }
  return builder.take();
}

Position locate(const Value& document, std::string_view path) {
  const Value* value = &document;
  Position position = document.position;
  while (!path.empty()) {
    const Entry* next = nullptr;
    if (path.front() == '[') {
      const std::size_t end = path.find(']');
      ASSERT(end != std::string_view::npos);
      std::size_t index = 0;
      for (char c : path.substr(1, end - 1)) index = index * 10 + static_cast<std::size_t>(c - '0');
      path.remove_prefix(end + 1);
      if (value->kind == Value::Kind::list && index < value->entries.size()) next = &value->entries[index];
    } else {
      if (path.front() == '.') path.remove_prefix(1);
      const std::string_view key = path.substr(0, path.find_first_of(".["));
      path.remove_prefix(key.size());
      next = value->find(key);
    }
    if (next == nullptr) return position;
    value = &next->value;
    position = value->position;
  }
  return position;
}

PlainType plain_type(std::string_view text) {
  constexpr std::array<std::string_view, 4> nulls{"~", "null", "Null", "NULL"};
  constexpr std::array<std::string_view, 22> booleans{"true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes",
                                                      "YES",  "no",   "No",   "NO",    "on",    "On",    "ON",  "off",
                                                      "Off",  "OFF",  "y",    "Y",     "n",     "N"};
  if (text.empty() || std::find(nulls.begin(), nulls.end(), text) != nulls.end()) return PlainType::null;
  if (std::find(booleans.begin(), booleans.end(), text) != booleans.end()) return PlainType::boolean;
  // Numbers of YAML 1.1 and 1.2 together: signs, separators, 0x, 0o, octal, sexagesimal, floats, .inf and .nan.
  std::string_view rest = text;
  if (rest.front() == '+' || rest.front() == '-') rest.remove_prefix(1);
  if (rest == ".inf" || rest == ".Inf" || rest == ".INF" || rest == ".nan" || rest == ".NaN" || rest == ".NAN")
    return PlainType::number;
  if (rest.empty() || !((rest.front() >= '0' && rest.front() <= '9') || (rest.front() == '.' && rest.size() > 1)))
    return PlainType::text;
  const bool based = rest.starts_with("0x") || rest.starts_with("0o") || rest.starts_with("0b");
  const std::string_view allowed = based ? "0123456789abcdefABCDEF_" : "0123456789_.:eE+-";
  if (based) rest.remove_prefix(2);
  if (rest.empty() || rest.find_first_not_of(allowed) != std::string_view::npos) return PlainType::text;
  return PlainType::number;
}

}  // namespace skidpad::scenario

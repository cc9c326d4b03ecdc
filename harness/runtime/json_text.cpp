#include "harness/runtime/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace skidpad::runtime {
namespace {

/// Bytes that may stand in a JSON string as they are: printable ASCII but for quote and backslash.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (std::size_t byte = 0x20; byte < 0x80; ++byte) plain[byte] = byte != '"' && byte != '\\';
  return plain;
}
constexpr std::array<bool, 256> plain_bytes = make_plain();

bool is_plain(char byte) { return plain_bytes[static_cast<unsigned char>(byte)]; }

/// The length of the well-formed UTF-8 sequence at the start (RFC 3629), or 0.
std::size_t utf8_length(const char* at, const char* end) {
  const auto byte = [at](std::size_t index) { return static_cast<unsigned char>(at[index]); };
  const auto continues = [&](std::size_t index) { return (byte(index) & 0xC0) == 0x80; };
  const std::size_t left = static_cast<std::size_t>(end - at);
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return left >= 2 && continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (left < 3 || !continues(1) || !continues(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
    if (first == 0xED && byte(1) > 0x9F) return 0;  // half a surrogate pair
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (left < 4 || !continues(1) || !continues(2) || !continues(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

void append_utf8(std::string& text, std::uint32_t code) {
  const auto put = [&text](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

class Reader {
 public:
  explicit Reader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool document(Json& value, std::size_t depth_max) {
    skip_space();
    if (!read(value, depth_max)) return false;
    skip_space();
    return at_ == end_;
  }
  bool repeated_key() const { return repeated_key_; }

 private:
  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool take(char wanted) {
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (static_cast<std::size_t>(end_ - at_) < word.size() || std::string_view(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  bool read(Json& value, std::size_t depth) {
    if (at_ == end_) return false;
    if (depth == 0 && (*at_ == '{' || *at_ == '[')) return false;
    switch (*at_) {
      case '{': return read_object(value, depth);
      case '[': return read_array(value, depth);
      case '"': {
        std::string text;
        if (!read_string(text)) return false;
        value = std::move(text);
        return true;
      }
      case 't': value = true; return take_word("true");
      case 'f': value = false; return take_word("false");
      case 'n': value = nullptr; return take_word("null");
      default: return read_number(value);
    }
  }

  bool read_object(Json& value, std::size_t depth) {
    ++at_;
    value = Json::object();
    auto& members = value.get_ref<Json::object_t&>();
    skip_space();
    if (take('}')) return true;
    for (;;) {
      std::string key;
      if (!read_string(key)) return false;
      skip_space();
      if (!take(':')) return false;
      skip_space();
      // Keys mostly come sorted: then each is put behind the last without a search.
      const std::size_t count_before = members.size();
      const auto member = members.emplace_hint(members.end(), std::move(key), nullptr);
      if (members.size() == count_before) repeated_key_ = true;
      if (!read(member->second, depth - 1)) return false;
      skip_space();
      if (take('}')) return true;
      if (!take(',')) return false;
      skip_space();
    }
  }

  bool read_array(Json& value, std::size_t depth) {
    ++at_;
    value = Json::array();
    auto& elements = value.get_ref<Json::array_t&>();
    skip_space();
    if (take(']')) return true;
    for (;;) {
      elements.emplace_back();
      if (!read(elements.back(), depth - 1)) return false;
      skip_space();
      if (take(']')) return true;
      if (!take(',')) return false;
      skip_space();
    }
  }

  bool read_string(std::string& text) {
    if (!take('"')) return false;
    const char* begin = at_;
    while (at_ != end_ && is_plain(*at_)) ++at_;
    text.assign(begin, at_);
    for (;;) {
      if (at_ == end_) return false;
      if (*at_ == '"') {
        ++at_;
        return true;
      }
      if (*at_ == '\\') {
        ++at_;
        if (!read_escape(text)) return false;
      } else {
        if (static_cast<unsigned char>(*at_) < 0x20) return false;
        const std::size_t length = utf8_length(at_, end_);
        if (length == 0) return false;
        text.append(at_, length);
        at_ += length;
      }
      begin = at_;
      while (at_ != end_ && is_plain(*at_)) ++at_;
      text.append(begin, at_);
    }
  }

  bool read_escape(std::string& text) {
    if (at_ == end_) return false;
    switch (*at_++) {
      case '"': text += '"'; return true;
      case '\\': text += '\\'; return true;
      case '/': text += '/'; return true;
      case 'b': text += '\b'; return true;
      case 'f': text += '\f'; return true;
      case 'n': text += '\n'; return true;
      case 'r': text += '\r'; return true;
      case 't': text += '\t'; return true;
      case 'u': break;
      default: return false;
    }
    std::uint32_t code = 0;
    if (!read_hex4(code)) return false;
    if (code >= 0xDC00 && code <= 0xDFFF) return false;
    if (code >= 0xD800 && code <= 0xDBFF) {
      std::uint32_t low = 0;
      if (!take('\\') || !take('u') || !read_hex4(low) || low < 0xDC00 || low > 0xDFFF) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(text, code);
    return true;
  }

  bool read_hex4(std::uint32_t& code) {
    if (end_ - at_ < 4) return false;
    const auto [stop, error] = std::from_chars(at_, at_ + 4, code, 16);
    if (error != std::errc() || stop != at_ + 4) return false;
    at_ = stop;
    return true;
  }

  bool read_number(Json& value) {
    const char* begin = at_;
    const bool negative = take('-');
    const auto digits = [this] {
      const char* first = at_;
      while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
      return at_ - first;
    };
    if (!take('0') && digits() == 0) return false;
    const bool whole = at_ == end_ || (*at_ != '.' && *at_ != 'e' && *at_ != 'E');
    if (whole) {
      if (negative) {
        std::int64_t integer = 0;
        if (std::from_chars(begin, at_, integer).ec != std::errc()) return false;
        value = integer;
      } else {
        std::uint64_t integer = 0;
        if (std::from_chars(begin, at_, integer).ec != std::errc()) return false;
        value = integer;
      }
      return true;
    }
    if (take('.') && digits() == 0) return false;
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      if (!take('+')) take('-');
      if (digits() == 0) return false;
    }
    double number = 0;
    if (std::from_chars(begin, at_, number).ec != std::errc()) return false;
    value = number;
    return true;
  }

  const char* at_;
  const char* end_;
  bool repeated_key_ = false;
};

void append_escaped(std::string& text, unsigned char byte) {
  constexpr char digits[] = "0123456789abcdef";
  switch (byte) {
    case '"': text += "\\\""; return;
    case '\\': text += "\\\\"; return;
    case '\b': text += "\\b"; return;
    case '\f': text += "\\f"; return;
    case '\n': text += "\\n"; return;
    case '\r': text += "\\r"; return;
    case '\t': text += "\\t"; return;
    default:
      text += "\\u00";
      text += digits[byte >> 4];
      text += digits[byte & 15];
  }
}

template <class Integer>
void append_integer(std::string& text, Integer value) {
  char buffer[24];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  text.append(buffer, end);
}

}  // namespace

bool read_json_text(std::string_view text, Json& value, bool* repeated_key, std::size_t depth_max) {
  Reader reader(text);
  const bool read = reader.document(value, std::min(depth_max, json_text_depth_max));
  if (repeated_key != nullptr) *repeated_key = reader.repeated_key();
  return read;
}

std::shared_ptr<const Json> read_shared_json(std::string_view text) {
  struct Known {
    std::string text;
    std::weak_ptr<const Json> value;
  };
  constexpr std::size_t known_count = 64;
  constexpr std::size_t text_bytes_max = 8 * 1024;
  static thread_local std::array<Known, known_count> all_known;
  Known& known = all_known[std::hash<std::string_view>()(text) % known_count];
  if (known.text == text) {
    if (auto value = known.value.lock()) return value;
  }
  auto parsed = parse_json(text);
  if (!parsed) return nullptr;
  auto value = std::make_shared<const Json>(std::move(parsed.value()));
  if (text.size() <= text_bytes_max) {
    known.text.assign(text);
    known.value = value;
  }
  return value;
}

void append_json_string(std::string& text, std::string_view value) {
  text += '"';
  const char* at = value.data();
  const char* const end = at + value.size();
  while (at != end) {
    const char* begin = at;
    while (at != end && is_plain(*at)) ++at;
    text.append(begin, at);
    if (at == end) break;
    const auto byte = static_cast<unsigned char>(*at);
    if (byte < 0x80) {
      if (byte == 0x7F) text += *at;
      else append_escaped(text, byte);
      ++at;
      continue;
    }
    const std::size_t length = utf8_length(at, end);
    if (length == 0) (void)Json(value).dump();  // throws: it says which byte is wrong
    text.append(at, length);
    at += length;
  }
  text += '"';
}

void append_json(std::string& text, const Json& value) {
  switch (value.type()) {
    case Json::value_t::object: {
      text += '{';
      bool first = true;
      for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
        if (!first) text += ',';
        first = false;
        append_json_string(text, key);
        text += ':';
        append_json(text, member);
      }
      text += '}';
      return;
    }
    case Json::value_t::array: {
      text += '[';
      bool first = true;
      for (const Json& element : value.get_ref<const Json::array_t&>()) {
        if (!first) text += ',';
        first = false;
        append_json(text, element);
      }
      text += ']';
      return;
    }
    case Json::value_t::string: return append_json_string(text, value.get_ref<const std::string&>());
    case Json::value_t::boolean: text += value.get<bool>() ? "true" : "false"; return;
    case Json::value_t::null: text += "null"; return;
    case Json::value_t::number_integer: return append_integer(text, value.get<std::int64_t>());
    case Json::value_t::number_unsigned: return append_integer(text, value.get<std::uint64_t>());
    default: text += value.dump(); return;  // floats: the shortest text that reads back the same
  }
}

std::string json_text(const Json& value) {
  std::string text;
  append_json(text, value);
  return text;
}

}  // namespace skidpad::runtime

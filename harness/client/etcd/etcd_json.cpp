#include "harness/client/etcd/etcd_json.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace skidpad::client {
namespace {

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 255;

/// Two characters for every 12 bits: half the look-ups of a table of 64.
constexpr std::array<char, 2 * 4096> make_pairs() {
  std::array<char, 2 * 4096> pairs{};
  for (std::size_t i = 0; i < 4096; ++i) {
    pairs[2 * i] = alphabet[i >> 6];
    pairs[2 * i + 1] = alphabet[i & 63];
  }
  return pairs;
}
constexpr std::array<std::uint8_t, 256> make_digits() {
  std::array<std::uint8_t, 256> digits{};
  for (auto& digit : digits) digit = no_digit;
  for (std::uint8_t i = 0; i < 64; ++i) digits[static_cast<unsigned char>(alphabet[i])] = i;
  return digits;
}
constexpr auto pairs = make_pairs();
constexpr auto digits = make_digits();

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 63));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 63));
    out += static_cast<char>(0x80 | (code & 63));
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 63));
    out += static_cast<char>(0x80 | ((code >> 6) & 63));
    out += static_cast<char>(0x80 | (code & 63));
  }
}

bool read_hex4(std::string_view text, std::size_t position, std::uint32_t& value) {
  if (position + 4 > text.size()) return false;
  const char* begin = text.data() + position;
  const auto [end, error] = std::from_chars(begin, begin + 4, value, 16);
  return error == std::errc() && end == begin + 4;
}

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  const std::size_t start = out.size();
  out.resize(start + (bytes.size() + 2) / 3 * 4);
  char* to = out.data() + start;
  const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  for (; left >= 3; left -= 3, from += 3, to += 4) {
    const std::uint32_t group = (std::uint32_t{from[0]} << 16) | (std::uint32_t{from[1]} << 8) | from[2];
    const std::size_t high = 2 * (group >> 12);
    const std::size_t low = 2 * (group & 4095);
    to[0] = pairs[high];
    to[1] = pairs[high + 1];
    to[2] = pairs[low];
    to[3] = pairs[low + 1];
  }
  if (left == 0) return;
  const std::uint32_t group = (std::uint32_t{from[0]} << 16) | (left == 2 ? std::uint32_t{from[1]} << 8 : 0);
  to[0] = alphabet[group >> 18];
  to[1] = alphabet[(group >> 12) & 63];
  to[2] = left == 2 ? alphabet[(group >> 6) & 63] : '=';
  to[3] = '=';
}

std::size_t append_base64_decoded(std::string& out, std::string_view text) {
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  const std::size_t digit_count = text.size() - padding;
  const std::size_t start = out.size();
  out.resize(start + digit_count / 4 * 3 + 3);
  char* to = out.data() + start;
  std::size_t i = 0;
  for (; i + 4 <= digit_count; i += 4) {
    const std::uint8_t a = digits[static_cast<unsigned char>(text[i])], b = digits[static_cast<unsigned char>(text[i + 1])],
                       c = digits[static_cast<unsigned char>(text[i + 2])], d = digits[static_cast<unsigned char>(text[i + 3])];
    if ((a | b | c | d) & 0xc0) break;  // 255 is the only value above 63
    const std::uint32_t group = (std::uint32_t{a} << 18) | (std::uint32_t{b} << 12) | (std::uint32_t{c} << 6) | d;
    *to++ = static_cast<char>(group >> 16);
    *to++ = static_cast<char>(group >> 8);
    *to++ = static_cast<char>(group);
  }
  std::uint32_t group = 0;
  std::size_t rest = 0;
  for (std::size_t k = i; k < digit_count; ++k, ++rest) {
    const std::uint8_t digit = digits[static_cast<unsigned char>(text[k])];
    if (digit == no_digit) {
      out.resize(start);
      return k;
    }
    group = (group << 6) | digit;
  }
  const bool whole = (rest == 0 && padding == 0) || (rest == 2 && padding == 2) || (rest == 3 && padding == 1);
  if (!whole) {
    out.resize(start);
    return text.size();
  }
  if (rest == 2) *to++ = static_cast<char>(group >> 4);
  if (rest == 3) {
    *to++ = static_cast<char>(group >> 10);
    *to++ = static_cast<char>(group >> 2);
  }
  out.resize(static_cast<std::size_t>(to - out.data()));
  return std::string::npos;
}

void JsonScanner::fail(std::string error) {
  if (error_.empty()) error_ = std::move(error);
  position_ = text_.size();
}

char JsonScanner::peek() {
  skip_space();
  return position_ < text_.size() ? text_[position_] : '\0';
}

bool JsonScanner::at_end() { return peek() == '\0' && position_ == text_.size(); }

bool JsonScanner::take_literal(std::string_view literal) {
  if (text_.substr(position_, literal.size()) != literal) {
    fail(text_.size() - position_ < literal.size() ? "unexpected EOF" : "invalid character in literal");
    return false;
  }
  position_ += literal.size();
  return true;
}

void JsonScanner::enter_object() {
  first_ = true;
  if (take_null()) {
    empty_ = true;
    return;
  }
  const char c = peek();
  if (c == '{') {
    ++position_;
  } else {
    fail(c == '\0' ? "unexpected EOF" : "json: cannot unmarshal value into Go value of type object");
  }
}

void JsonScanner::enter_array() {
  first_ = true;
  if (take_null()) {
    empty_ = true;
    return;
  }
  const char c = peek();
  if (c == '[') {
    ++position_;
  } else {
    fail(c == '\0' ? "unexpected EOF" : "json: cannot unmarshal value into Go value of type array");
  }
}

bool JsonScanner::next(char end) {
  if (empty_ || failed()) {
    empty_ = false;
    first_ = false;
    return false;
  }
  char c = peek();
  if (c == end) {
    ++position_;
    first_ = false;
    return false;
  }
  if (!first_) {
    if (c != ',') {
      fail(c == '\0' ? "unexpected EOF" : "invalid character after value");
      return false;
    }
    ++position_;
    c = peek();
    if (c == end) {
      fail("invalid character looking for beginning of value");
      return false;
    }
  }
  first_ = false;
  if (c == '\0') {
    fail("unexpected EOF");
    return false;
  }
  return true;
}

bool JsonScanner::next_field() {
  if (!next('}')) return false;
  if (peek() != '"') {
    fail("invalid character looking for beginning of object key string");
    return false;
  }
  name_ = take_string(name_scratch_);
  if (peek() != ':') {
    fail(peek() == '\0' ? "unexpected EOF" : "invalid character after object key");
    return false;
  }
  ++position_;
  return true;
}

bool JsonScanner::next_element() { return next(']'); }

bool JsonScanner::is(std::string_view name) const {
  if (name_ == name) return true;
  std::size_t k = 0;
  for (std::size_t i = 0; i < name.size(); ++i, ++k) {
    char wanted = name[i];
    if (wanted == '_' && i + 1 < name.size()) {
      wanted = name[++i];
      if (wanted >= 'a' && wanted <= 'z') wanted = static_cast<char>(wanted - 'a' + 'A');
    }
    if (k >= name_.size() || name_[k] != wanted) return false;
  }
  return k == name_.size();
}

std::string_view JsonScanner::take_string(std::string& scratch) {
  if (peek() != '"') {
    fail(peek() == '\0' ? "unexpected EOF" : "json: cannot unmarshal value into Go value of type string");
    return {};
  }
  const std::size_t begin = ++position_;
  while (position_ < text_.size() && text_[position_] != '"' && text_[position_] != '\\' && static_cast<unsigned char>(text_[position_]) >= 0x20) ++position_;
  if (position_ < text_.size() && text_[position_] == '"') return text_.substr(begin, position_++ - begin);
  scratch.assign(text_.substr(begin, position_ - begin));
  while (position_ < text_.size()) {
    const char c = text_[position_++];
    if (c == '"') return scratch;
    if (static_cast<unsigned char>(c) < 0x20) {
      fail("invalid character in string literal");
      return {};
    }
    if (c != '\\') {
      scratch += c;
      continue;
    }
    const char escape = position_ < text_.size() ? text_[position_++] : '\0';
    std::uint32_t code = 0;
    switch (escape) {
      case '"': case '\\': case '/': scratch += escape; break;
      case 'b': scratch += '\b'; break;
      case 'f': scratch += '\f'; break;
      case 'n': scratch += '\n'; break;
      case 'r': scratch += '\r'; break;
      case 't': scratch += '\t'; break;
      case 'u': {
        if (!read_hex4(text_, position_, code)) {
          fail("invalid character in \\u hexadecimal character escape");
          return {};
        }
        position_ += 4;
        std::uint32_t low = 0;
        if (code >= 0xd800 && code < 0xdc00 && text_.substr(position_, 2) == "\\u" && read_hex4(text_, position_ + 2, low) && low >= 0xdc00 && low < 0xe000) {
          position_ += 6;
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        } else if (code >= 0xd800 && code < 0xe000) {
          code = 0xfffd;
        }
        append_utf8(scratch, code);
        break;
      }
      default:
        fail("invalid character in string escape code");
        return {};
    }
  }
  fail("unexpected EOF");
  return {};
}

std::string JsonScanner::text() {
  if (take_null()) return {};
  std::string scratch;
  const std::string_view view = take_string(scratch);
  return std::string(view);
}

std::string JsonScanner::bytes() {
  std::string decoded;
  if (take_null()) return decoded;
  std::string scratch;
  const std::string_view view = take_string(scratch);
  const std::size_t wrong = append_base64_decoded(decoded, view);
  if (wrong != std::string::npos) fail("illegal base64 data at input byte " + std::to_string(wrong));
  return decoded;
}

std::string_view JsonScanner::take_number(std::string& scratch) {
  const char c = peek();
  if (c == '"') return take_string(scratch);
  const std::size_t begin = position_;
  while (position_ < text_.size() && (text_[position_] == '-' || text_[position_] == '+' || text_[position_] == '.' || text_[position_] == 'e' ||
                                      text_[position_] == 'E' || (text_[position_] >= '0' && text_[position_] <= '9'))) ++position_;
  if (begin == position_) fail(c == '\0' ? "unexpected EOF" : "json: cannot unmarshal value into Go value of type int64");
  return text_.substr(begin, position_ - begin);
}

std::int64_t JsonScanner::integer() {
  if (take_null()) return 0;
  std::string scratch;
  const std::string_view view = take_number(scratch);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error != std::errc() || end != view.data() + view.size()) fail("json: cannot unmarshal number " + std::string(view) + " into Go value of type int64");
  return value;
}

std::uint64_t JsonScanner::unsigned_integer() {
  if (take_null()) return 0;
  std::string scratch;
  const std::string_view view = take_number(scratch);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error != std::errc() || end != view.data() + view.size()) fail("json: cannot unmarshal number " + std::string(view) + " into Go value of type uint64");
  return value;
}

bool JsonScanner::boolean() {
  switch (peek()) {
    case 't': return take_literal("true");
    case 'f': take_literal("false"); return false;
    case 'n': take_literal("null"); return false;
    default: fail("json: cannot unmarshal value into Go value of type bool"); return false;
  }
}

void JsonScanner::skip() {
  std::string open;  // the closing brackets still due; heap-bounded by the text itself
  std::string scratch;
  do {
    const char c = peek();
    if (c == '{' || c == '[') {
      ++position_;
      open += c == '{' ? '}' : ']';
      if (peek() == open.back()) {
        ++position_;
        open.pop_back();
      } else {
        if (open.back() == '}') {
          take_string(scratch);
          if (peek() == ':') ++position_; else fail("invalid character after object key");
        }
        continue;
      }
    } else if (c == '"') {
      take_string(scratch);
    } else if (c == 't') {
      take_literal("true");
    } else if (c == 'f') {
      take_literal("false");
    } else if (c == 'n') {
      take_literal("null");
    } else {
      take_number(scratch);
    }
    while (!failed() && !open.empty()) {
      const char after = peek();
      if (after == open.back()) {
        ++position_;
        open.pop_back();
      } else if (after == ',') {
        ++position_;
        if (open.back() == '}') {
          take_string(scratch);
          if (peek() == ':') ++position_; else fail("invalid character after object key");
        }
        break;
      } else {
        fail(after == '\0' ? "unexpected EOF" : "invalid character after value");
      }
    }
  } while (!failed() && !open.empty());
}

void append_number(std::string& out, std::int64_t value) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, static_cast<std::size_t>(end - buffer));
}

void append_number(std::string& out, std::uint64_t value) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, static_cast<std::size_t>(end - buffer));
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          constexpr char hex[] = "0123456789abcdef";
          out += "\\u00";
          out += hex[c >> 4];
          out += hex[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

std::string& JsonObject::field(std::string_view name) {
  if (!first_) out_ += ',';
  first_ = false;
  out_ += '"';
  out_ += name;
  out_ += "\":";
  return out_;
}

void JsonObject::bytes(std::string_view name, std::string_view value) {
  if (value.empty()) return;
  field(name) += '"';
  append_base64(out_, value);
  out_ += '"';
}

void JsonObject::integer(std::string_view name, std::int64_t value) {
  if (value == 0) return;
  field(name) += '"';
  append_number(out_, value);
  out_ += '"';
}

void JsonObject::unsigned_integer(std::string_view name, std::uint64_t value) {
  if (value == 0) return;
  field(name) += '"';
  append_number(out_, value);
  out_ += '"';
}

void JsonObject::number32(std::string_view name, std::uint32_t value) {
  if (value != 0) append_number(field(name), std::uint64_t{value});
}

void JsonObject::boolean(std::string_view name, bool value) {
  if (value) field(name) += "true";
}

void JsonObject::text(std::string_view name, std::string_view value) {
  if (!value.empty()) append_json_text(field(name), value);
}

}  // namespace skidpad::client

/// @file etcd_json.hpp
/// The JSON of etcd's gateway, read and written without a document in between: base64 bytes, 64-bit integers as strings, zero
/// values omitted, field names in snake_case or camelCase.
/// Promise: reads any valid JSON (spacing, escapes, order, unknown fields, null); never throws, never recurses on input.
/// Source: protobuf's JSON mapping as grpc-gateway v1 applies it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace skidpad::client {

/// Appends standard base64 with padding.
void append_base64(std::string& out, std::string_view bytes);
/// Appends the decoded bytes. Returns the position of the first wrong character, or npos if all was well.
std::size_t append_base64_decoded(std::string& out, std::string_view text);

/// A cursor over one JSON value. After a failure every call is harmless and failed() stays true.
/// Example: for (in.enter_object(); in.next_field();) { if (in.is("key")) key = in.bytes(); else in.skip(); }
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}
  bool failed() const { return !error_.empty(); }
  /// What Go's decoder would say, roughly.
  const std::string& error() const { return error_; }
  void fail(std::string error);

  /// null counts as an empty object.
  void enter_object();
  bool next_field();
  /// Compares the current field's name, given in the form of the .proto file.
  bool is(std::string_view name) const;
  void enter_array();
  bool next_element();

  std::string text();
  std::string bytes();
  std::int64_t integer();
  std::uint64_t unsigned_integer();
  bool boolean();
  void skip();
  /// True if nothing but white space is left.
  bool at_end();
  /// The next character of a value: '{', '[', '"', 't', 'f', 'n', a digit or '-'; 0 at the end.
  char peek();

 private:
  void skip_space() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n' || text_[position_] == '\t' || text_[position_] == '\r')) ++position_;
  }
  bool take_literal(std::string_view literal);
  bool take_null() { return peek() == 'n' && take_literal("null"); }
  /// The string at the cursor: a view of the text, or of scratch_ if it holds escapes.
  std::string_view take_string(std::string& scratch);
  std::string_view take_number(std::string& scratch);
  bool next(char end);

  std::string_view text_;
  std::size_t position_ = 0;
  bool first_ = true;  ///< nothing of the innermost object or array was read yet
  bool empty_ = false; ///< the innermost one was null
  std::string_view name_;
  std::string name_scratch_;
  std::string error_;
};

/// Writes one JSON object; zero values are left out. The destructor closes it.
class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }
  JsonObject(const JsonObject&) = delete;
  ~JsonObject() { out_ += '}'; }
  void bytes(std::string_view name, std::string_view value);
  void integer(std::string_view name, std::int64_t value);
  void unsigned_integer(std::string_view name, std::uint64_t value);
  void number32(std::string_view name, std::uint32_t value);
  void boolean(std::string_view name, bool value);
  void text(std::string_view name, std::string_view value);
  /// Writes `"name":` for a value that the caller appends to out().
  std::string& field(std::string_view name);
  std::string& out() { return out_; }

 private:
  std::string& out_;
  bool first_ = true;
};

/// Writes one JSON array: next() before each element.
class JsonArray {
 public:
  explicit JsonArray(std::string& out) : out_(out) { out_ += '['; }
  JsonArray(const JsonArray&) = delete;
  ~JsonArray() { out_ += ']'; }
  std::string& next() {
    if (!first_) out_ += ',';
    first_ = false;
    return out_;
  }

 private:
  std::string& out_;
  bool first_ = true;
};

/// Appends a JSON string with the escapes it needs.
void append_json_text(std::string& out, std::string_view text);
void append_number(std::string& out, std::int64_t value);
void append_number(std::string& out, std::uint64_t value);

}  // namespace skidpad::client

/// @file json_reader.hpp
/// Strict reading of one JSON object: wrong types and unknown fields become one error that names the field.
/// Promise: the first trouble is kept, later reads do nothing; look at it once, with finish().
#pragma once

#include <set>
#include <string>

#include "harness/runtime/json.hpp"

namespace skidpad::client::machines {

class JsonReader {
 public:
  /// `path` names the object in messages; "" for the request itself.
  JsonReader(const Json& object, std::string path);
  std::string text(const std::string& key, bool required = false);
  bool boolean(const std::string& key, bool otherwise);
  double number(const std::string& key, double otherwise, double low, double high);
  std::int64_t integer(const std::string& key, std::int64_t otherwise, std::int64_t low, std::int64_t high);
  runtime::Duration duration(const std::string& key);
  std::map<std::string, std::string> text_map(const std::string& key);
  std::vector<std::string> text_list(const std::string& key, bool required = false);
  /// The array, or an empty one.
  const Json& list(const std::string& key);
  /// The value of a field, marked as known, or null.
  const Json& value(const std::string& key);
  std::string path_of(const std::string& key) const;
  void refuse(const std::string& field, const std::string& expected);
  /// The first trouble, unknown fields included.
  runtime::Result<void> finish();

 private:
  const Json& object_;
  std::string path_;
  std::set<std::string> known_;
  std::string trouble_;
};

runtime::Error invalid_field(const std::string& field, const std::string& expected);

}  // namespace skidpad::client::machines

#include "harness/client/machines/json_reader.hpp"

namespace skidpad::client::machines {

namespace {
const Json null_value;
const Json empty_list = Json::array();
}  // namespace

runtime::Error invalid_field(const std::string& field, const std::string& expected) {
  return runtime::Error(runtime::ErrorCode::invalid, field + ": expected " + expected);
}

JsonReader::JsonReader(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object_.is_object()) refuse(path_.empty() ? "body" : path_, "an object");
}

std::string JsonReader::path_of(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

void JsonReader::refuse(const std::string& field, const std::string& expected) {
  if (trouble_.empty()) trouble_ = field + ": expected " + expected;
}

const Json& JsonReader::value(const std::string& key) {
  known_.insert(key);
  if (!object_.is_object()) return null_value;
  const auto found = object_.find(key);
  return found == object_.end() ? null_value : *found;
}

std::string JsonReader::text(const std::string& key, bool required) {
  const Json& found = value(key);
  if (found.is_string()) {
    if (required && found.get_ref<const std::string&>().empty()) refuse(path_of(key), "a text that is not empty");
    return found.get<std::string>();
  }
  if (!found.is_null() || required) refuse(path_of(key), "a text");
  return "";
}

bool JsonReader::boolean(const std::string& key, bool otherwise) {
  const Json& found = value(key);
  if (found.is_boolean()) return found.get<bool>();
  if (!found.is_null()) refuse(path_of(key), "true or false");
  return otherwise;
}

double JsonReader::number(const std::string& key, double otherwise, double low, double high) {
  const Json& found = value(key);
  if (found.is_null()) return otherwise;
  const double read = found.is_number() ? found.get<double>() : low - 1;
  if (read >= low && read <= high) return read;
  refuse(path_of(key), "a number from " + Json(low).dump() + " to " + Json(high).dump());
  return otherwise;
}

std::int64_t JsonReader::integer(const std::string& key, std::int64_t otherwise, std::int64_t low, std::int64_t high) {
  const Json& found = value(key);
  if (found.is_null()) return otherwise;
  const bool fits = found.is_number_unsigned() ? found.get<std::uint64_t>() <= INT64_MAX : found.is_number_integer();
  if (fits && found.get<std::int64_t>() >= low && found.get<std::int64_t>() <= high) return found.get<std::int64_t>();
  refuse(path_of(key), "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  return otherwise;
}

runtime::Duration JsonReader::duration(const std::string& key) {
  const Json& found = value(key);
  runtime::Duration read{};
  if (found.is_null()) return read;
  if (!found.is_string() || !runtime::parse_go_duration(found.get<std::string>(), read) || read < runtime::Duration{}) {
    refuse(path_of(key), "a duration such as \"20ms\", not negative");
  }
  return read;
}

std::map<std::string, std::string> JsonReader::text_map(const std::string& key) {
  std::map<std::string, std::string> read;
  const Json& found = value(key);
  if (found.is_null()) return read;
  if (!found.is_object()) {
    refuse(path_of(key), "an object of texts");
    return read;
  }
  for (const auto& [name, item] : found.items()) {
    if (!item.is_string()) {
      refuse(path_of(key) + "." + name, "a text");
    } else {
      read[name] = item.get<std::string>();
    }
  }
  return read;
}

std::vector<std::string> JsonReader::text_list(const std::string& key, bool required) {
  std::vector<std::string> read;
  const Json& found = value(key);
  if (found.is_null() && !required) return read;
  if (!found.is_array() || (required && found.empty())) {
    refuse(path_of(key), required ? "a list of at least one text" : "a list of texts");
    return read;
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i].is_string()) {
      refuse(path_of(key) + "[" + std::to_string(i) + "]", "a text");
    } else {
      read.push_back(found[i].get<std::string>());
    }
  }
  return read;
}

const Json& JsonReader::list(const std::string& key) {
  const Json& found = value(key);
  if (found.is_array()) return found;
  if (!found.is_null()) refuse(path_of(key), "a list");
  return empty_list;
}

runtime::Result<void> JsonReader::finish() {
  if (trouble_.empty()) {
    for (const auto& [key, item] : object_.items()) {
      if (known_.count(key) != 0) continue;
      std::string names;
      for (const std::string& known : known_) names += (names.empty() ? "" : ", ") + known;
      refuse(path_of(key), "one of the fields " + names);
    }
  }
  if (trouble_.empty()) return runtime::success();
  return runtime::Error(runtime::ErrorCode::invalid, trouble_);
}

}  // namespace skidpad::client::machines

#include "harness/runtime/yaml.hpp"

#include <yaml-cpp/yaml.h>

#include <cctype>
#include <charconv>

namespace skidpad::runtime {
namespace {

constexpr std::size_t depth_max = 200;

/// Leaves by exception inside this file only: the recursion is deep and every level may fail.
struct Refused {
  YAML::Mark mark;
  std::string what;
};

Json plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  static const std::set<std::string, std::less<>> truths{"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"};
  static const std::set<std::string, std::less<>> lies{"n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"};
  // go-yaml keeps the single letters as text.
  if (text.size() > 1 && truths.contains(text)) return true;
  if (text.size() > 1 && lies.contains(text)) return false;
  const char first = text[0];
  if (std::isdigit(static_cast<unsigned char>(first)) == 0 && first != '-' && first != '+' && first != '.') return text;
  const char* begin = text.data() + (first == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  const bool negative = first == '-';
  const char* digits = begin + (negative ? 1 : 0);
  int base = 10;
  if (end - digits > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'o' || digits[1] == 'b')) {
    base = digits[1] == 'x' ? 16 : digits[1] == 'o' ? 8 : 2;
    digits += 2;
  } else if (end - digits > 1 && digits[0] == '0' && std::all_of(digits, end, [](char c) { return c >= '0' && c <= '7'; })) {
    base = 8;
  }
  std::uint64_t magnitude = 0;
  const auto whole = std::from_chars(digits, end, magnitude, base);
  if (whole.ec == std::errc() && whole.ptr == end) {
    if (!negative) return magnitude;
    if (magnitude <= static_cast<std::uint64_t>(INT64_MAX)) return -static_cast<std::int64_t>(magnitude);
  }
  if (base == 10) {
    double number = 0;
    const auto real = std::from_chars(begin, end, number);
    if (real.ec == std::errc() && real.ptr == end) return number;
  }
  return text;
}

class Converter {
 public:
  explicit Converter(std::size_t values_max) : values_left_(values_max) {}

  Json convert(const YAML::Node& node, std::size_t depth) {
    if (depth > depth_max) throw Refused{node.Mark(), "nested deeper than " + std::to_string(depth_max) + " levels"};
    if (values_left_-- == 0) throw Refused{node.Mark(), "too many values"};
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null: return nullptr;
      case YAML::NodeType::Scalar: return node.Tag() == "?" || node.Tag().empty() ? plain_scalar(node.Scalar()) : tagged(node);
      case YAML::NodeType::Sequence: {
        Json list = Json::array();
        for (const auto& item : node) list.push_back(convert(item, depth + 1));
        return list;
      }
      case YAML::NodeType::Map: return mapping(node, depth);
    }
    return nullptr;
  }

 private:
  static Json tagged(const YAML::Node& node) {
    const std::string& tag = node.Tag();
    if (tag == "tag:yaml.org,2002:int" || tag == "tag:yaml.org,2002:bool" || tag == "tag:yaml.org,2002:float") {
      return plain_scalar(node.Scalar());
    }
    return node.Scalar();
  }

  Json mapping(const YAML::Node& node, std::size_t depth) {
    Json object = Json::object();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) throw Refused{entry.first.Mark(), "a mapping key must be text"};
      const std::string& key = entry.first.Scalar();
      if (object.contains(key)) throw Refused{entry.first.Mark(), "key \"" + key + "\" already set in map"};
      object[key] = convert(entry.second, depth + 1);
    }
    return object;
  }

  std::size_t values_left_;
};

Error refused(const YAML::Mark& mark, const std::string& what) {
  // yaml-cpp counts lines from 0 and gives -1 where it does not know.
  const std::string line = mark.line < 0 ? "" : "line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1) + ": ";
  return Error(ErrorCode::invalid, "yaml: " + line + what);
}

bool looks_like_json(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
}

}  // namespace

Result<std::vector<Json>> parse_yaml_documents(std::string_view text, std::size_t values_max) {
  std::vector<Json> documents;
  if (looks_like_json(text)) {
    // Flow-style YAML begins with a brace too, so what is no JSON gets its second chance below.
    if (auto json = parse_json(text); json) {
      documents.push_back(std::move(json.value()));
      return documents;
    }
  }
  try {
    Converter converter(values_max);
    for (const YAML::Node& node : YAML::LoadAll(std::string(text))) {
      Json document = converter.convert(node, 0);
      if (!document.is_null()) documents.push_back(std::move(document));
    }
    return documents;
  } catch (const Refused& why) {
    return refused(why.mark, why.what);
  } catch (const YAML::Exception& why) {
    return refused(why.mark, why.msg);
  }
}

Result<Json> parse_yaml(std::string_view text, std::size_t values_max) {
  TRY(auto documents, parse_yaml_documents(text, values_max));
  if (documents.size() > 1) return Error(ErrorCode::invalid, "yaml: expected one document, found " + std::to_string(documents.size()));
  return documents.empty() ? Json(nullptr) : std::move(documents.front());
}

}  // namespace skidpad::runtime

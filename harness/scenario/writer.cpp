#include "harness/scenario/writer.hpp"

#include <nlohmann/json.hpp>

#include "harness/scenario/document.hpp"
#include "harness/scenario/fields.hpp"

namespace skidpad::scenario {
namespace {

using OrderedJson = nlohmann::ordered_json;

/// Visits the fields of a record and keeps what is there.
struct JsonWriter {
  OrderedJson object = OrderedJson::object();

  template <class T, class Rule>
  void field(const Field& field, T& member, const Rule&) {
    if constexpr (Record<T>) {
      if (field.need == Need::optional && member == T{}) return;
    }
    OrderedJson value = encode(member);
    const bool says_nothing = value.is_null() || (field.need == Need::optional && !value.is_primitive() && value.empty());
    if (!says_nothing || field.need == Need::required) object[std::string(field.name)] = std::move(value);
  }

  static OrderedJson encode(bool value) { return value; }
  static OrderedJson encode(std::uint32_t value) { return value; }
  static OrderedJson encode(const std::string& value) { return value; }
  static OrderedJson encode(const TimeSpan& value) { return to_text(value); }
  static OrderedJson encode(Ratio value) { return to_text(value); }
  static OrderedJson encode(const Target& value) { return to_text(value); }
  static OrderedJson encode(const Amount& value) {
    if (const auto* count = std::get_if<std::uint32_t>(&value.value)) return *count;
    if (const auto* share = std::get_if<Ratio>(&value.value)) return to_text(*share);
    return "all";
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  static OrderedJson encode(Enum value) {
    return std::string(to_word(value));
  }
  template <class T>
  static OrderedJson encode(std::optional<T>& value) {
    return value ? encode(*value) : OrderedJson();
  }
  template <class T>
  static OrderedJson encode(std::vector<T>& values) {
    OrderedJson list = OrderedJson::array();
    for (T& value : values) list.push_back(encode(value));
    return list;
  }
  template <class T>
  static OrderedJson encode(std::map<std::string, T>& values) {
    OrderedJson map = OrderedJson::object();
    for (auto& [key, value] : values) map[key] = encode(value);
    return map;
  }
  template <Record T>
  static OrderedJson encode(T& record) {
    JsonWriter writer;
    describe(writer, record);
    return std::move(writer.object);
  }
};

/// A scalar of ours as YAML; text goes without quotes only where no reader can take it for something else.
std::string scalar(const OrderedJson& value) {
  if (!value.is_string()) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  const bool plain = !text.empty() && plain_type(text) == PlainType::text && ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z')) &&
                     text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == std::string::npos;
  return plain ? text : value.dump();
}

void write(const OrderedJson& value, std::size_t indent, std::string& out);

void write_map(const OrderedJson& map, std::size_t indent, bool first_is_indented, std::string& out) {
  bool indented = first_is_indented;
  for (const auto& [key, value] : map.items()) {
    if (!indented) out.append(indent, ' ');
    indented = false;
    out += key + ":";
    write(value, indent, out);
  }
}

/// Writes what follows "key:" or "-", with its line end.
void write(const OrderedJson& value, std::size_t indent, std::string& out) {
  if (value.is_object() && !value.empty()) {
    out += "\n";
    write_map(value, indent + 2, false, out);
  } else if (value.is_object()) {
    out += " {}\n";
  } else if (value.is_array() && !value.empty() && value.front().is_object()) {
    out += "\n";
    for (const OrderedJson& item : value) {
      out.append(indent + 2, ' ');
      out += "- ";
      write_map(item, indent + 4, true, out);
    }
  } else if (value.is_array()) {
    out += " [";
    for (std::size_t i = 0; i < value.size(); ++i) out += (i > 0 ? ", " : "") + scalar(value[i]);
    out += "]\n";
  } else {
    out += " " + scalar(value) + "\n";
  }
}

}  // namespace

OrderedJson to_json(const Scenario& scenario) {
  Scenario visited = scenario;  // a visitor may write; this one does not, but shares describe() with those that do
  return JsonWriter::encode(visited);
}

std::string write_scenario(const Scenario& scenario) {
  std::string out = "# " + scenario.hypothesis + "\n";
  write_map(to_json(scenario), 0, false, out);
  return out;
}

}  // namespace skidpad::scenario

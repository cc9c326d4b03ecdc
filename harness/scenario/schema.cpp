#include "harness/scenario/schema.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/scenario/fields.hpp"

namespace skidpad::scenario {
namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson reference_to(std::string_view definition) { return {{"$ref", "#/$defs/" + std::string(definition)}}; }

template <Record T>
OrderedJson record_schema();

/// Visits the fields of a record and describes each.
struct SchemaVisitor {
  OrderedJson properties = OrderedJson::object();
  OrderedJson required = OrderedJson::array();
  bool kind_is_fixed = false;  ///< `kind` stands for one alternative of a tagged record

  template <class T, class Rule>
  void field(const Field& field, T& member, const Rule& rule) {
    OrderedJson schema = describe_type(member, rule);
    if constexpr (std::is_enum_v<T>) {
      if (kind_is_fixed && field.name == "kind") schema = {{"const", std::string(to_word(member))}};
    }
    schema["description"] = std::string(field.about);
    if (field.need == Need::required)
      required.push_back(std::string(field.name));
    else if (OrderedJson value = default_of(member); !value.is_null())
      schema["default"] = std::move(value);
    properties[std::string(field.name)] = std::move(schema);
  }

  OrderedJson object() && {
    OrderedJson schema = {{"type", "object"}, {"additionalProperties", false}};
    schema["properties"] = std::move(properties);
    if (!required.empty()) schema["required"] = std::move(required);
    return schema;
  }

  static OrderedJson default_of(bool value) { return value; }
  static OrderedJson default_of(std::uint32_t value) { return value; }
  static OrderedJson default_of(const Amount& value) {
    const auto* share = std::get_if<Ratio>(&value.value);
    return share != nullptr ? OrderedJson(to_text(*share)) : OrderedJson();
  }
  static OrderedJson default_of(const std::string& value) { return value.empty() ? OrderedJson() : OrderedJson(value); }
  template <class Enum>
    requires std::is_enum_v<Enum>
  static OrderedJson default_of(const Enum& value) {
    return std::string(to_word(value));
  }
  template <class T>
  static OrderedJson default_of(const T&) {
    return {};
  }

  static OrderedJson describe_type(bool, Plain) { return {{"type", "boolean"}}; }
  static OrderedJson describe_type(std::uint32_t, const CountRule& rule) {
    return {{"type", "integer"}, {"minimum", rule.min}, {"maximum", rule.max}};
  }
  static OrderedJson describe_type(const TimeSpan&, const SpanRule& rule) {
    return reference_to(rule.floor_allowed ? "span_with_floor" : "span");
  }
  static OrderedJson describe_type(Ratio, const ShareRule&) { return reference_to("share"); }
  static OrderedJson describe_type(const Amount&, const AmountRule& rule) {
    OrderedJson forms = OrderedJson::array();
    if (rule.all_allowed) forms.push_back({{"const", "all"}});
    forms.push_back(describe_type(std::uint32_t{}, rule.count));
    if (rule.share_allowed) forms.push_back(reference_to("share"));
    return {{"anyOf", std::move(forms)}};
  }
  static OrderedJson describe_type(const Target&, Plain) { return reference_to("target"); }
  static OrderedJson describe_type(const std::string&, const TextRule& rule) {
    return {{"type", "string"}, {"pattern", std::string(rule.pattern)}};
  }
  static OrderedJson describe_type(const std::string&, const ChoiceRule& rule) {
    OrderedJson choices = OrderedJson::array();
    for (std::string_view choice : rule.choices) choices.push_back(std::string(choice));
    return {{"enum", std::move(choices)}};
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  static OrderedJson describe_type(Enum, Plain) {
    OrderedJson choices = OrderedJson::array();
    for (const auto& word : words(Enum{})) choices.push_back(std::string(word.text));
    return {{"enum", std::move(choices)}};
  }
  template <class T, class Rule>
  static OrderedJson describe_type(const std::optional<T>&, const Rule& rule) {
    return describe_type(T{}, rule);
  }
  template <class T, class ItemRule>
  static OrderedJson describe_type(const std::vector<T>&, const ListRule<ItemRule>& rule) {
    OrderedJson schema = {{"type", "array"}, {"minItems", rule.items_min}, {"maxItems", rule.items_max}};
    if (rule.distinct) schema["uniqueItems"] = true;
    schema["items"] = describe_type(T{}, rule.item);
    return schema;
  }
  template <class T, class ItemRule>
  static OrderedJson describe_type(const std::map<std::string, T>&, const MapRule<ItemRule>& rule) {
    return {{"type", "object"},
            {"propertyNames", {{"pattern", std::string(rule.key.pattern)}}},
            {"additionalProperties", describe_type(T{}, rule.item)}};
  }
  template <Record T>
  static OrderedJson describe_type(const T&, Plain) {
    return record_schema<T>();
  }
};

template <Record T>
OrderedJson record_schema() {
  T record;
  if constexpr (is_tagged<T>) {
    OrderedJson alternatives = OrderedJson::array();
    for (const auto& word : words(record.kind)) {
      record.kind = word.value;
      SchemaVisitor visitor;
      visitor.kind_is_fixed = true;
      describe(visitor, record);
      OrderedJson schema = {{"title", std::string(word.text)}, {"description", std::string(word.about)}};
      schema.update(std::move(visitor).object());
      alternatives.push_back(std::move(schema));
    }
    return {{"oneOf", std::move(alternatives)}};
  } else {
    SchemaVisitor visitor;
    describe(visitor, record);
    return std::move(visitor).object();
  }
}

OrderedJson pattern_schema(const std::string& pattern) { return {{"type", "string"}, {"pattern", pattern}}; }

OrderedJson target_schema() {
  OrderedJson known = OrderedJson::array();
  for (const TargetWord& word : target_words()) known.push_back(std::string(word.text));
  OrderedJson forms = OrderedJson::array();
  forms.push_back({{"enum", std::move(known)}});
  forms.push_back(pattern_schema(target_pattern()));
  return {{"anyOf", std::move(forms)}};
}

// --- the reference, from the schema ---

const OrderedJson& member_or_null(const OrderedJson& object, const char* key) {
  static const OrderedJson null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

std::string code(const OrderedJson& value) { return "`" + (value.is_string() ? value.get<std::string>() : value.dump()) + "`"; }

std::string counted(const OrderedJson& schema) {
  return "number, " + schema.at("minimum").dump() + " to " + schema.at("maximum").dump();
}

/// What a key accepts, in a few words.
std::string accepts(const OrderedJson& schema) {
  if (const OrderedJson& reference = member_or_null(schema, "$ref"); reference.is_string()) {
    const std::string name = reference.get<std::string>().substr(std::string_view("#/$defs/").size());
    return name == "span_with_floor" ? "time, may use `floor`" : name == "span" ? "time" : name;
  }
  if (const OrderedJson& choices = member_or_null(schema, "enum"); choices.is_array()) {
    if (choices.size() > 15) return "one of the rows";
    std::string text;
    for (const OrderedJson& choice : choices) text += (text.empty() ? "" : ", ") + code(choice);
    return text;
  }
  if (const OrderedJson& constant = member_or_null(schema, "const"); !constant.is_null()) return code(constant);
  if (const OrderedJson& forms = member_or_null(schema, "anyOf"); forms.is_array()) {
    std::string text;
    for (const OrderedJson& form : forms) text += (text.empty() ? "" : ", or ") + accepts(form);
    return text;
  }
  if (schema.contains("oneOf")) return "see below";
  const std::string type = schema.at("type");
  if (type == "integer") return counted(schema);
  if (type == "boolean") return "`true` or `false`";
  if (type == "string") return "text";
  if (type == "array") {
    const std::string items = accepts(schema.at("items"));
    return items == "see below" ? "list, see below" : "list of " + items;
  }
  return schema.contains("properties") ? "see below" : "map from name to " + accepts(schema.at("additionalProperties"));
}

std::string row_of(const std::string& key, std::string_view need, const OrderedJson& property) {
  std::string row = "| `" + key + "`" + std::string(need) + " | " + accepts(property) + " | " + property.at("description").get<std::string>();
  if (const OrderedJson& otherwise = member_or_null(property, "default"); !otherwise.is_null()) row += "; default " + code(otherwise);
  return row + " |\n";
}

bool requires_key(const OrderedJson& schema, const std::string& key) {
  for (const OrderedJson& name : member_or_null(schema, "required"))
    if (name == key) return true;
  return false;
}

/// A tagged record: what each kind means, the keys all share, and the keys of some.
void write_kinds(const OrderedJson& kinds, const std::string& path, std::string& out) {
  const auto kinds_with = [&](const std::string& key) {
    return std::count_if(kinds.begin(), kinds.end(), [&](const OrderedJson& kind) { return kind.at("properties").contains(key); });
  };
  const auto is_shared = [&](const std::string& key) { return kinds_with(key) == static_cast<std::ptrdiff_t>(kinds.size()); };
  out += "\n### `" + path + "`\n\n| kind | what it is | takes besides |\n|---|---|---|\n";
  for (const OrderedJson& kind : kinds) {
    std::string own;
    for (const auto& [key, property] : kind.at("properties").items())
      if (!is_shared(key)) own += (own.empty() ? "`" : ", `") + key + "`" + (requires_key(kind, key) ? "" : " (optional)");
    out += "| `" + kind.at("title").get<std::string>() + "` | " + kind.at("description").get<std::string>() + " | " + own + " |\n";
  }
  out += "\n| key of every kind | accepts | what it says |\n|---|---|---|\n";
  for (const auto& [key, property] : kinds.front().at("properties").items()) {
    if (!is_shared(key)) continue;
    OrderedJson shown = property;
    if (key == "kind") shown = {{"type", "string"}, {"description", property.at("description")}};
    out += row_of(key, requires_key(kinds.front(), key) ? "" : " (optional)", shown);
  }
  out += "\n| key of some kinds | accepts | what it says |\n|---|---|---|\n";
  std::vector<std::string> written;
  for (const OrderedJson& kind : kinds)
    for (const auto& [key, property] : kind.at("properties").items()) {
      const std::string row = is_shared(key) ? std::string() : row_of(key, "", property);
      if (row.empty() || std::find(written.begin(), written.end(), row) != written.end()) continue;
      out += row;
      written.push_back(row);
    }
}

void write_table(const OrderedJson& schema, const std::string& path, std::string& out);

void write_tables_below(const OrderedJson& schema, const std::string& path, std::string& out) {
  if (schema.contains("properties")) {
    out += "\n### `" + path + "`\n";
    write_table(schema, path, out);
  } else if (const OrderedJson& alternatives = member_or_null(schema, "oneOf"); alternatives.is_array()) {
    write_kinds(alternatives, path, out);
  } else if (schema.contains("items")) {
    write_tables_below(schema.at("items"), path + "[]", out);
  }
}

void write_table(const OrderedJson& schema, const std::string& path, std::string& out) {
  out += "\n| key | accepts | what it says |\n|---|---|---|\n";
  for (const auto& [key, property] : schema.at("properties").items())
    out += row_of(key, requires_key(schema, key) ? "" : " (optional)", property);
  for (const auto& [key, property] : schema.at("properties").items())
    write_tables_below(property, path.empty() ? key : path + "." + key, out);
}

template <class Words>
void write_words(std::string_view title, const Words& all, std::string& out) {
  out += "\n### " + std::string(title) + "\n\n| word | meaning |\n|---|---|\n";
  for (const auto& word : all) out += "| `" + std::string(word.text) + "` | " + std::string(word.about) + " |\n";
}

}  // namespace

OrderedJson scenario_schema() {
  OrderedJson schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                        {"title", "skidpad scenario"},
                        {"description", "One hypothesis about a cluster; see docs/scenario-language.md"}};
  schema.update(record_schema<Scenario>());
  schema["$defs"]["span"] = pattern_schema(time_span_pattern(false));
  schema["$defs"]["span_with_floor"] = pattern_schema(time_span_pattern(true));
  schema["$defs"]["share"] = pattern_schema(ratio_pattern());
  schema["$defs"]["target"] = target_schema();
  return schema;
}

std::string write_schema() { return scenario_schema().dump(2) + "\n"; }

std::string write_reference() {
  std::string out;
  const OrderedJson schema = scenario_schema();
  out += "### The whole file\n";
  write_table(schema, "", out);
  write_words("Targets", target_words(), out);
  out += "| `worker_0`, `control_plane_0`, `etcd_0` | the node with this index within its role, from 0 |\n";
  out += "| `2_workers`, `2_control_planes`, `2_etcd` | so many of the role, drawn from the seed |\n";
  out += "| `same_as_NAME` | the nodes of the earlier fault with this `name` |\n";
  write_words("Timers", words(Timer{}), out);
  write_words("Guarantees", words(Guarantee{}), out);
  return out;
}

}  // namespace skidpad::scenario

#include "fakes/kube_apiserver/crd/structural_schema.hpp"

#include <cmath>
#include <regex>

#include "fakes/kube_apiserver/crd/cel_rules.hpp"
#include "fakes/kube_apiserver/crd/custom_resources.hpp"
#include "fakes/kube_apiserver/api/field_checks.hpp"
#include "fakes/kube_apiserver/api/names.hpp"
#include "fakes/kube_apiserver/api/validation.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::list_at;
using runtime::text_at;

std::string below(const std::string& path, const std::string& key) { return path.empty() ? key : path + "." + key; }

bool preserves(const Json& schema) { return runtime::bool_at(schema, {"x-kubernetes-preserve-unknown-fields"}); }

std::string shown(const Json& value) { return value.is_string() ? in_quotes(value.get<std::string>()) : value.dump(); }

const char* type_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::object: return "object";
    case Json::value_t::array: return "array";
    case Json::value_t::string: return "string";
    case Json::value_t::boolean: return "boolean";
    case Json::value_t::null: return "null";
    case Json::value_t::number_float: return "number";
    default: return "integer";
  }
}

/// The formats that are checked here; others are as good as none.
bool has_format(const std::string& text, const std::string& format) {
  static const std::map<std::string, std::regex> patterns = {
      {"date", std::regex(R"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))")},
      {"uuid", std::regex("[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")},
      {"email", std::regex("[^@ ]+@[^@ ]+")},
  };
  runtime::WallTime time;
  if (format == "date-time") return runtime::parse_rfc3339(text, time);
  if (format == "ipv4") return is_ip_address(text) && text.find(':') == std::string::npos;
  if (format == "ipv6") return is_ip_address(text) && text.find(':') != std::string::npos;
  runtime::Duration length{};
  if (format == "duration") return runtime::parse_go_duration(text, length);
  const auto found = patterns.find(format);
  return found == patterns.end() || std::regex_match(text, found->second);
}

/// Complaints about the whole carry no path of their own.
FieldError about_the_whole(const std::string& detail) { return invalid_text("<nil>", "", detail); }

void check_junctors(const Json& value, const Json& schema, const std::string& path, FieldErrors& errors) {
  struct Tried {
    std::size_t valid = 0;
    FieldErrors first;  ///< what is wrong by the first one
  };
  const auto try_all = [&](const char* key) {
    Tried tried;
    bool first = true;
    for (const Json& each : list_at(schema, {key})) {
      FieldErrors wrong;
      validate_value(value, each, path, wrong);
      if (wrong.empty()) ++tried.valid;
      if (std::exchange(first, false)) tried.first = std::move(wrong);
    }
    return tried;
  };
  const auto add = [&](const FieldErrors& more) { errors.insert(errors.end(), more.begin(), more.end()); };
  const std::string named = "\"" + path + "\" ";
  if (!list_at(schema, {"anyOf"}).empty()) {
    const Tried tried = try_all("anyOf");
    if (tried.valid == 0) {
      errors.push_back(about_the_whole(named + "must validate at least one schema (anyOf)"));
      add(tried.first);
    }
  }
  if (!list_at(schema, {"oneOf"}).empty()) {
    const Tried tried = try_all("oneOf");
    if (tried.valid != 1) {
      errors.push_back(about_the_whole(named + "must validate one and only one schema (oneOf). Found " + (tried.valid == 0 ? "none valid" : std::to_string(tried.valid) + " valid alternatives")));
      if (tried.valid == 0) add(tried.first);
    }
  }
  if (const std::size_t count = list_at(schema, {"allOf"}).size(); count > 0) {
    FieldErrors wrong;
    for (const Json& each : list_at(schema, {"allOf"})) validate_value(value, each, path, wrong);
    add(wrong);
    if (!wrong.empty()) errors.push_back(about_the_whole(named + "must validate all the schemas (allOf)" + (try_all("allOf").valid == 0 ? ". None validated" : "")));
  }
  if (find(schema, {"not"}).is_object()) {
    FieldErrors wrong;
    validate_value(value, schema["not"], path, wrong);
    if (wrong.empty()) errors.push_back(about_the_whole(named + "must not validate the schema (not)"));
  }
}

void check_number(const Json& value, const Json& schema, const std::string& path, FieldErrors& errors) {
  const double number = value.get<double>();
  const Json& most = find(schema, {"maximum"});
  const Json& least = find(schema, {"minimum"});
  const bool below_most = runtime::bool_at(schema, {"exclusiveMaximum"});
  const bool above_least = runtime::bool_at(schema, {"exclusiveMinimum"});
  const auto say = [&](const std::string& what) { errors.push_back(invalid_value(path, value.dump(), path + " in body should be " + what)); };
  if (most.is_number() && (number > most.get<double>() || (below_most && number == most.get<double>()))) say((below_most ? "less than " : "less than or equal to ") + most.dump());
  if (least.is_number() && (number < least.get<double>() || (above_least && number == least.get<double>()))) say((above_least ? "greater than " : "greater than or equal to ") + least.dump());
  const Json& step = find(schema, {"multipleOf"});
  if (!step.is_number() || step.get<double>() <= 0) return;
  const double times = number / step.get<double>();
  if (std::abs(times - std::round(times)) > 1e-9) say("a multiple of " + step.dump());
}

}  // namespace

bool find_deletion(const Json& definition) { return !find(definition, {"metadata", "deletionTimestamp"}).is_null(); }

void prune(Json& value, const Json& schema, const std::string& path, FieldComplaints* complaints) {
  if (value.is_array()) {
    const Json& items = find(schema, {"items"});
    std::size_t position = 0;
    for (Json& item : value) prune(item, items, path + "[" + std::to_string(position++) + "]", complaints);
    return;
  }
  if (!value.is_object()) return;
  const Json& properties = find(schema, {"properties"});
  const Json& additional = find(schema, {"additionalProperties"});
  const bool embedded = runtime::bool_at(schema, {"x-kubernetes-embedded-resource"});
  for (auto member = value.begin(); member != value.end();) {
    const std::string& key = member.key();
    if (embedded && (key == "apiVersion" || key == "kind" || key == "metadata")) {
      ++member;
    } else if (properties.is_object() && properties.contains(key)) {
      prune(*member, properties[key], below(path, key), complaints);
      ++member;
    } else if (additional.is_object()) {
      prune(*member, additional, below(path, key), complaints);
      ++member;
    } else if (additional == true || preserves(schema)) {
      ++member;
    } else {
      if (complaints != nullptr) complaints->push_back("unknown field \"" + below(path, key) + "\"");
      member = value.erase(member);
    }
  }
}

void fill_defaults(Json& value, const Json& schema) {
  if (value.is_array()) {
    for (Json& item : value) fill_defaults(item, find(schema, {"items"}));
    return;
  }
  if (!value.is_object()) return;
  const Json& properties = find(schema, {"properties"});
  if (properties.is_object()) {
    for (const auto& [key, property] : properties.items()) {
      if (property.contains("default") && (!value.contains(key) || (value[key].is_null() && !runtime::bool_at(property, {"nullable"})))) value[key] = property["default"];
      if (value.contains(key) && value[key].is_null() && !runtime::bool_at(property, {"nullable"}) && property.is_object()) value.erase(key);
      if (value.contains(key)) fill_defaults(value[key], property);
    }
  }
  const Json& additional = find(schema, {"additionalProperties"});
  if (additional.is_object()) {
    for (auto& [key, member] : value.items()) {
      if (!properties.is_object() || !properties.contains(key)) fill_defaults(member, additional);
    }
  }
}

void validate_value(const Json& value, const Json& schema, const std::string& path, FieldErrors& errors) {
  if (!schema.is_object()) return;
  if (value.is_null() && runtime::bool_at(schema, {"nullable"})) return;
  const std::string type = text_at(schema, {"type"});
  const bool int_or_string = runtime::bool_at(schema, {"x-kubernetes-int-or-string"});
  if (!type.empty()) {
    const std::string own = type_of(value);
    const bool fits = own == type || (type == "number" && own == "integer");
    if (!fits) {
      errors.push_back({"FieldValueTypeInvalid", path, "Invalid value: " + in_quotes(own) + ": " + path + " in body must be of type " + type + ": " + in_quotes(own)});
      return;
    }
  }
  if (int_or_string && !value.is_string() && !value.is_number_integer()) {
    errors.push_back(invalid_value(path, in_quotes(type_of(value)), path + " in body must be of type integer,string"));
  }
  const Json& options = find(schema, {"enum"});
  if (options.is_array() && std::find(options.begin(), options.end(), value) == options.end()) {
    std::vector<std::string> texts;
    for (const Json& option : options) texts.push_back(option.is_string() ? option.get<std::string>() : option.dump());
    errors.push_back(unsupported_value(path, shown(value), texts));
  }
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    const Json& pattern = find(schema, {"pattern"});
    if (pattern.is_string()) {
      bool matches = true;
      try {
        matches = std::regex_search(text, std::regex(pattern.get<std::string>(), std::regex::ECMAScript));
      } catch (const std::regex_error&) {
      }
      if (!matches) errors.push_back(invalid_value(path, in_quotes(text), path + " in body should match '" + pattern.get<std::string>() + "'"));
    }
    const std::string format = text_at(schema, {"format"});
    if (!format.empty() && !has_format(text, format)) {
      errors.push_back({"FieldValueTypeInvalid", path, "Invalid value: " + in_quotes(text) + ": " + path + " in body must be of type " + format + ": " + in_quotes(text)});
    }
    std::size_t length = 0;
    for (const char c : text) length += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
    const Json& most = find(schema, {"maxLength"});
    const Json& least = find(schema, {"minLength"});
    if (most.is_number() && length > most.get<std::size_t>()) errors.push_back(too_long(path, "may not be more than " + most.dump() + " bytes"));
    if (least.is_number() && length < least.get<std::size_t>()) errors.push_back(invalid_value(path, in_quotes(text), path + " in body should be at least " + least.dump() + " chars long"));
  }
  if (value.is_number()) check_number(value, schema, path, errors);
  check_junctors(value, schema, path, errors);
  if (value.is_object() && runtime::bool_at(schema, {"x-kubernetes-embedded-resource"})) {
    for (const char* key : {"apiVersion", "kind"}) {
      if (text_at(value, {key}).empty()) errors.push_back(required_value(below(path, key), "must not be empty"));
    }
  }
  if (value.is_array()) {
    const Json& most = find(schema, {"maxItems"});
    const Json& least = find(schema, {"minItems"});
    if (most.is_number() && value.size() > most.get<std::size_t>()) {
      errors.push_back({"FieldValueTooMany", path, "Too many: " + std::to_string(value.size()) + ": must have at most " + most.dump() + " items"});
    }
    if (least.is_number() && value.size() < least.get<std::size_t>()) errors.push_back(invalid_value(path, std::to_string(value.size()), path + " in body should have at least " + least.dump() + " items"));
    std::size_t position = 0;
    for (const Json& item : value) validate_value(item, find(schema, {"items"}), path + "[" + std::to_string(position++) + "]", errors);
    const std::string list_type = text_at(schema, {"x-kubernetes-list-type"});
    const Json& keys = list_at(schema, {"x-kubernetes-list-map-keys"});
    for (std::size_t i = 0; i < value.size() && (list_type == "map" || list_type == "set"); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const auto key_of = [&](const Json& item) {
          if (list_type == "set") return item;
          Json key = Json::object();
          for (const Json& name : keys) key[name.get<std::string>()] = find(item, {name.get<std::string>()});
          return key;
        };
        if (key_of(value[i]) == key_of(value[j])) {
          errors.push_back(duplicate_value(path + "[" + std::to_string(i) + "]", list_type == "set" ? shown(value[i]) : "map[string]interface {}" + key_of(value[i]).dump()));
          break;
        }
      }
    }
  }
  if (value.is_object()) {
    for (const Json& name : list_at(schema, {"required"})) {
      if (!value.contains(name.get<std::string>())) errors.push_back(required_value(below(path, name.get<std::string>())));
    }
    const Json& properties = find(schema, {"properties"});
    const Json& additional = find(schema, {"additionalProperties"});
    for (const auto& [key, member] : value.items()) {
      if (path.empty() && (key == "metadata" || key == "kind" || key == "apiVersion")) continue;
      if (properties.is_object() && properties.contains(key)) {
        validate_value(member, properties[key], below(path, key), errors);
      } else if (additional.is_object()) {
        validate_value(member, additional, below(path, key), errors);
      }
    }
    const Json& least = find(schema, {"minProperties"});
    if (least.is_number() && value.size() < least.get<std::size_t>()) errors.push_back(invalid_value(path, std::to_string(value.size()), path + " in body should have at least " + least.dump() + " properties"));
    const Json& most = find(schema, {"maxProperties"});
    if (most.is_number() && value.size() > most.get<std::size_t>()) {
      errors.push_back({"FieldValueTooMany", path, "Too many: " + std::to_string(value.size()) + ": must have at most " + most.dump() + " items"});
    }
  }
}

namespace {

const std::vector<std::string> known_types = {"array", "boolean", "integer", "number", "object", "string"};

void check_list_kind(const Json& schema, const std::string& path, FieldErrors& errors) {
  const Json& kind = find(schema, {"x-kubernetes-list-type"});
  const Json& keys = list_at(schema, {"x-kubernetes-list-map-keys"});
  if (kind.is_string()) {
    if (kind != "atomic" && kind != "set" && kind != "map") errors.push_back(unsupported_value(path + ".x-kubernetes-list-type", in_quotes(kind.get<std::string>()), {"atomic", "map", "set"}));
    if (text_at(schema, {"type"}) != "array") errors.push_back(invalid_text(path + ".type", text_at(schema, {"type"}), "must be array if x-kubernetes-list-type is specified"));
    if (kind == "map" && keys.empty()) errors.push_back(required_value(path + ".x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map"));
  }
  if (!keys.empty() && kind != "map") errors.push_back(required_value(path + ".x-kubernetes-list-type", "must be map if x-kubernetes-list-map-keys is non-empty"));
  const Json& required = list_at(schema, {"items", "required"});
  std::size_t position = 0;
  for (const Json& key : keys) {
    const std::string name = key.get<std::string>();
    const Json& property = find(schema, {"items", "properties", name});
    if (!property.is_object()) {
      errors.push_back(invalid_text(path + ".x-kubernetes-list-map-keys[" + std::to_string(position) + "]", name, "entries must all be names of item properties"));
    } else if (!property.contains("default") && std::find(required.begin(), required.end(), key) == required.end()) {
      errors.push_back(required_value(path + ".items.properties[" + name + "].default", "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"));
    }
    ++position;
  }
}

/// The rules of structural schemas that definitions most often break.
void check_schema(const Json& schema, const std::string& path, bool root, FieldErrors& errors) {
  const std::string type = text_at(schema, {"type"});
  const bool free = preserves(schema) || runtime::bool_at(schema, {"x-kubernetes-int-or-string"});
  if (type.empty() && !free) errors.push_back(required_value(path + ".type", root ? "must not be empty at the root" : "must not be empty for specified object fields"));
  if (root && !type.empty() && type != "object") errors.push_back(invalid_text(path + ".type", type, "must be object at the root"));
  if (!type.empty() && std::find(known_types.begin(), known_types.end(), type) == known_types.end()) errors.push_back(unsupported_value(path + ".type", in_quotes(type), known_types));
  if (runtime::bool_at(schema, {"uniqueItems"})) errors.push_back(forbidden_value(path + ".uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"));
  if (schema.contains("$ref")) errors.push_back(forbidden_value(path + ".$ref", "$ref is not supported"));
  if (find(schema, {"additionalProperties"}).is_object() && !list_at(schema, {"properties"}).empty()) {
    errors.push_back(forbidden_value(path + ".additionalProperties", "additionalProperties and properties are mutual exclusive"));
  }
  check_list_kind(schema, path, errors);
  if (root) {
    for (const auto& [name, property] : list_at(schema, {"properties", "metadata", "properties"}).items()) {
      if (name == "name" || name == "generateName") continue;
      errors.push_back(forbidden_value(path + ".properties[metadata]", "must not specify anything other than name and generateName, but metadata is implicitly specified"));
      break;
    }
  }
  const Json& items = find(schema, {"items"});
  if (items.is_array()) errors.push_back(forbidden_value(path + ".items", "items must be a schema object and not an array"));
  if (type == "array" && !items.is_object()) errors.push_back(required_value(path + ".items", "must be specified"));
  if (schema.contains("default")) {
    FieldErrors wrong;
    validate_value(schema["default"], schema, "", wrong);
    for (FieldError& error : wrong) errors.push_back({error.reason, path + ".default" + (error.field.empty() ? "" : "." + error.field), error.message});
  }
  check_rule_texts(schema, path, errors);
  for (const auto& [name, property] : list_at(schema, {"properties"}).items()) check_schema(property, path + ".properties[" + name + "]", false, errors);
  if (items.is_object()) check_schema(items, path + ".items", false, errors);
  if (find(schema, {"additionalProperties"}).is_object()) check_schema(schema["additionalProperties"], path + ".additionalProperties", false, errors);
}

}  // namespace

namespace {

/// The value at "a.b[2].c", or one that it lies in, is as it was. Items of lists are known again only if the whole list is as it was.
bool is_unchanged(const Json& now, const Json& then, const std::string& path) {
  const Json* left = &now;
  const Json* right = &then;
  std::size_t at = 0;
  while (*left != *right) {
    if (at >= path.size() || !left->is_object() || !right->is_object()) return false;
    const bool key = path[at] == '[';
    const std::size_t start = key || path[at] == '.' ? at + 1 : at;
    const std::size_t end = std::min(key ? path.find(']', start) : path.find_first_of(".[", start), path.size());
    const std::string name = path.substr(start, end - start);
    if (!left->contains(name) || !right->contains(name)) return false;
    left = &(*left)[name];
    right = &(*right)[name];
    at = key ? end + 1 : end;
  }
  return true;
}

}  // namespace

namespace {

std::string comma_joined(const std::vector<std::string>& problems) {
  std::string text;
  for (const std::string& problem : problems) text += (text.empty() ? "" : ",") + problem;
  return text;
}

void check_label(const std::string& text, const std::string& path, FieldErrors& errors) {
  const auto problems = dns1035_label_problems(text);
  if (!text.empty() && !problems.empty()) errors.push_back(invalid_text(path, text, comma_joined(problems)));
}

void check_names(const Json& names, FieldErrors& errors) {
  const std::string path = "spec.names.";
  for (const char* key : {"plural", "singular"}) check_label(text_at(names, {key}), path + key, errors);
  for (const char* key : {"kind", "listKind"}) {
    const std::string given = text_at(names, {key});
    std::string lowered = given;
    for (char& c : lowered) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto problems = dns1035_label_problems(lowered);
    if (!given.empty() && !problems.empty()) errors.push_back(invalid_text(path + key, given, "may have mixed case, but should otherwise match: " + comma_joined(problems)));
  }
  const auto check_all = [&](const char* key) {
    std::size_t position = 0;
    for (const Json& each : list_at(names, {key})) check_label(each.get<std::string>(), path + key + "[" + std::to_string(position++) + "]", errors);
  };
  check_all("shortNames");
  const std::string kind = text_at(names, {"kind"});
  if (!kind.empty() && kind == text_at(names, {"listKind"})) errors.push_back(invalid_text(path + "listKind", kind, "kind and listKind may not be the same"));
  check_all("categories");
}

void check_path(const std::string& text, const std::string& path, FieldErrors& errors) {
  if (text.empty()) {
    errors.push_back(invalid_text(path, text, "must not be empty"));
  } else if (text[0] != '.') {
    errors.push_back(invalid_text(path, text, "must be a simple json path starting with ."));
  }
}

void check_scale_path(const Json& scale, const char* key, const std::string& under, const std::string& path, FieldErrors& errors) {
  const std::string text = text_at(scale, {key});
  const std::string at = path + ".scale." + key;
  const bool optional = std::string_view(key) == "labelSelectorPath";
  if (text.empty()) {
    if (!optional) errors.push_back(required_value(at));
    return;
  }
  const std::size_t before = errors.size();
  check_path(text, at, errors);
  if (errors.size() == before && text.compare(0, under.size() + 1, under + ".") != 0) errors.push_back(invalid_text(at, text, "should be a json path under " + under));
}

void check_version(const Json& version, const std::string& path, FieldErrors& errors) {
  std::size_t position = 0;
  for (const Json& column : list_at(version, {"additionalPrinterColumns"})) {
    const std::string at = path + ".additionalPrinterColumns[" + std::to_string(position++) + "]";
    static const std::vector<std::string> types = {"boolean", "date", "integer", "number", "string"};
    const std::string type = text_at(column, {"type"});
    if (text_at(column, {"name"}).empty()) errors.push_back(required_value(at + ".name"));
    if (type.empty()) {
      errors.push_back(required_value(at + ".type", "must be one of boolean,date,integer,number,string"));
    } else if (std::find(types.begin(), types.end(), type) == types.end()) {
      errors.push_back(invalid_text(at + ".type", type, "must be one of boolean,date,integer,number,string"));
    }
    const std::string where = text_at(column, {"jsonPath"});
    if (where.empty()) {
      errors.push_back(required_value(at + ".JSONPath"));
    } else {
      check_path(where, at + ".JSONPath", errors);
    }
  }
  const Json& scale = find(version, {"subresources", "scale"});
  if (!scale.is_object()) return;
  check_scale_path(scale, "specReplicasPath", ".spec", path + ".subresources", errors);
  check_scale_path(scale, "statusReplicasPath", ".status", path + ".subresources", errors);
  check_scale_path(scale, "labelSelectorPath", ".status", path + ".subresources", errors);
}

/// What a definition that serves already may not change.
void check_definition_change(const Json& definition, const Json& old, FieldErrors& errors) {
  bool established = false;
  for (const Json& condition : list_at(old, {"status", "conditions"})) established |= text_at(condition, {"type"}) == "Established" && text_at(condition, {"status"}) == "True";
  const auto keep = [&](std::initializer_list<std::string_view> where, const std::string& path) {
    const std::string now = text_at(definition, where);
    if (now != text_at(old, where)) errors.push_back(invalid_text(path, now, "field is immutable"));
  };
  if (established) {
    keep({"spec", "scope"}, "spec.scope");
    keep({"spec", "names", "kind"}, "spec.names.kind");
  }
  keep({"spec", "group"}, "spec.group");
  keep({"spec", "names", "plural"}, "spec.names.plural");
  const Json& versions = list_at(definition, {"spec", "versions"});
  std::size_t position = 0;
  for (const Json& stored : list_at(definition, {"status", "storedVersions"})) {
    const bool there = std::any_of(versions.begin(), versions.end(), [&](const Json& version) { return find(version, {"name"}) == stored; });
    if (!there) errors.push_back(invalid_text("status.storedVersions[" + std::to_string(position) + "]", stored.get<std::string>(), "must appear in spec.versions"));
    ++position;
  }
}

}  // namespace

void check_definition(const Json& definition, const Json& old) {
  const Json& spec = find(definition, {"spec"});
  FieldErrors errors;
  const std::string name = text_at(definition, {"metadata", "name"});
  const std::string group = text_at(spec, {"group"});
  const std::string plural = text_at(spec, {"names", "plural"});
  if (name != plural + "." + group) errors.push_back(invalid_text("metadata.name", name, "must be spec.names.plural+\".\"+spec.group"));
  if (group.find('.') == std::string::npos) errors.push_back(invalid_text("spec.group", group, "should be a domain with at least one dot"));
  const auto ends_with = [&](std::string_view suffix) { return group.size() >= suffix.size() && group.compare(group.size() - suffix.size(), suffix.size(), suffix) == 0; };
  if ((ends_with(".k8s.io") || ends_with(".kubernetes.io")) && text_at(definition, {"metadata", "annotations", "api-approved.kubernetes.io"}).empty()) {
    errors.push_back(required_value("metadata.annotations[api-approved.kubernetes.io]",
                                    "protected groups must have approval annotation \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111"));
  }
  for (const char* key : {"singular", "kind", "listKind"}) {
    if (text_at(spec, {"names", key}).empty()) errors.push_back(required_value(std::string("spec.names.") + key));
  }
  const std::string scope = text_at(spec, {"scope"});
  if (scope.empty()) {
    errors.push_back(required_value("spec.scope"));
  } else if (scope != "Namespaced" && scope != "Cluster") {
    errors.push_back(unsupported_value("spec.scope", in_quotes(scope), {"Cluster", "Namespaced"}));
  }
  if (runtime::bool_at(spec, {"preserveUnknownFields"})) {
    errors.push_back(invalid_value("spec.preserveUnknownFields", "true", "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"));
  }
  check_names(find(spec, {"names"}), errors);
  const std::string strategy = text_at(spec, {"conversion", "strategy"});
  if (!strategy.empty() && strategy != "None" && strategy != "Webhook") errors.push_back(unsupported_value("spec.conversion.strategy", in_quotes(strategy), {"None", "Webhook"}));
  if (strategy == "Webhook" && !find(spec, {"conversion", "webhook", "clientConfig"}).is_object()) {
    errors.push_back(required_value("spec.conversion.webhookClientConfig", "required when strategy is set to Webhook"));
  }
  if (!old.is_null()) check_definition_change(definition, old, errors);
  std::size_t stored = 0;
  std::size_t position = 0;
  for (const Json& version : list_at(spec, {"versions"})) {
    const std::string at = "spec.versions[" + std::to_string(position) + "]";
    check_label(text_at(version, {"name"}), at + ".name", errors);
    check_version(version, list_at(spec, {"versions"}).size() == 1 ? "spec" : at, errors);  // what all versions share is named once
    stored += runtime::bool_at(version, {"storage"}) ? 1 : 0;
    const std::string path = "spec.versions[" + std::to_string(position++) + "].schema.openAPIV3Schema";
    if (!find(version, {"schema", "openAPIV3Schema"}).is_object()) errors.push_back(required_value(path, "schemas are required"));
  }
  position = 0;
  for (const Json& version : list_at(spec, {"versions"})) {
    const Json& schema = find(version, {"schema", "openAPIV3Schema"});
    ++position;
    if (schema.is_object()) check_schema(schema, "spec.validation.openAPIV3Schema", true, errors);
  }
  if (list_at(spec, {"versions"}).empty() || stored != 1) errors.push_back(invalid_value("spec.versions", "[]apiextensions.CustomResourceDefinitionVersion{}", "must have exactly one version marked as storage version"));
  if (stored == 0) errors.push_back(invalid_value("status.storedVersions", "[]string(nil)", "must have at least one stored version"));
  if (!errors.empty()) throw invalid("apiextensions.k8s.io", "CustomResourceDefinition", name, errors);
}

void prune_and_default(Json& object, const Resource& resource, FieldComplaints* complaints) {
  const Json& schema = resource.custom->schema;
  if (!schema.is_object()) return;
  Json metadata = object["metadata"];
  const Json kind = object["kind"];
  const Json version = object["apiVersion"];
  for (const char* key : {"metadata", "kind", "apiVersion"}) object.erase(key);
  prune(object, schema, "", complaints);
  fill_defaults(object, schema);
  object["metadata"] = std::move(metadata);
  object["kind"] = kind;
  object["apiVersion"] = version;
}

void check_custom(const Json& object, const Json& old, const Resource& resource, bool status_only) {
  FieldErrors errors;
  if (old.is_null()) {
    for (FieldError& error : validate_create(object, resource)) errors.push_back(std::move(error));
  }
  FieldErrors found;
  validate_value(object, resource.custom->schema, "", found);
  if (!old.is_null()) std::erase_if(found, [&](const FieldError& error) { return is_unchanged(object, old, error.field); });
  check_rules(object, old, resource.custom->schema, "", found);
  for (FieldError& error : found) {
    if (status_only) {  // the status is validated by itself: messages name paths inside it
      if (error.field.compare(0, 6, "status") != 0) continue;
      const std::size_t at = error.message.find(error.field + " in body");
      if (at != std::string::npos && error.field.size() > 7) error.message.erase(at, 7);
    }
    errors.push_back(std::move(error));
  }
  if (!errors.empty()) throw invalid(resource.group, resource.kind, text_at(object, {"metadata", "name"}), errors);
}

}  // namespace skidpad::fakes::kube_apiserver

#include "fakes/kube_apiserver/crd/structural_schema.hpp"

#include <regex>

#include "fakes/kube_apiserver/crd/cel_rules.hpp"
#include "fakes/kube_apiserver/crd/custom_resources.hpp"
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
    std::size_t length = 0;
    for (const char c : text) length += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
    const Json& most = find(schema, {"maxLength"});
    const Json& least = find(schema, {"minLength"});
    if (most.is_number() && length > most.get<std::size_t>()) errors.push_back(too_long(path, "may not be more than " + most.dump() + " bytes"));
    if (least.is_number() && length < least.get<std::size_t>()) errors.push_back(invalid_value(path, in_quotes(text), path + " in body should be at least " + least.dump() + " chars long"));
  }
  if (value.is_number()) {
    const double number = value.get<double>();
    const Json& most = find(schema, {"maximum"});
    const Json& least = find(schema, {"minimum"});
    if (most.is_number() && number > most.get<double>()) errors.push_back(invalid_value(path, value.dump(), path + " in body should be less than or equal to " + most.dump()));
    if (least.is_number() && number < least.get<double>()) errors.push_back(invalid_value(path, value.dump(), path + " in body should be greater than or equal to " + least.dump()));
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
    const Json& most = find(schema, {"maxProperties"});
    if (most.is_number() && value.size() > most.get<std::size_t>()) {
      errors.push_back({"FieldValueTooMany", path, "Too many: " + std::to_string(value.size()) + ": must have at most " + most.dump() + " items"});
    }
  }
}

namespace {

/// The rules of structural schemas that definitions most often break.
void check_schema(const Json& schema, const std::string& path, bool root, FieldErrors& errors) {
  const std::string type = text_at(schema, {"type"});
  const bool free = preserves(schema) || runtime::bool_at(schema, {"x-kubernetes-int-or-string"});
  if (type.empty() && !free) errors.push_back(required_value(path + ".type", root ? "must not be empty at the root" : "must not be empty for specified object fields"));
  if (root && !type.empty() && type != "object") errors.push_back(invalid_text(path + ".type", type, "must be object at the root"));
  const Json& items = find(schema, {"items"});
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

void check_definition(const Json& definition, const Json& old) {
  (void)old;
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
  std::size_t stored = 0;
  std::size_t position = 0;
  for (const Json& version : list_at(spec, {"versions"})) {
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

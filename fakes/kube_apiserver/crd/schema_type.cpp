#include "fakes/kube_apiserver/crd/schema_type.hpp"

#include <deque>

namespace skidpad::fakes::kube_apiserver {
namespace {

/// Keeps the parts of a made type alive together.
struct TypeTree {
  std::deque<Type> types;
};

const Type& make(TypeTree& tree, const Json& schema) {
  Type& type = tree.types.emplace_back();
  const std::string name = runtime::text_at(schema, {"type"});
  const Json& properties = runtime::find(schema, {"properties"});
  const Json& additional = runtime::find(schema, {"additionalProperties"});
  if (name == "object" && properties.is_object() && !runtime::bool_at(schema, {"x-kubernetes-preserve-unknown-fields"})) {
    type.shape = Shape::object;
    type.fields.reserve(properties.size());
    for (const auto& [key, property] : properties.items()) {
      Field field;
      field.name = key;
      field.omit_empty = true;
      field.pointer = true;
      field.type = &make(tree, property);
      const std::string list = runtime::text_at(property, {"x-kubernetes-list-type"});
      field.list_kind = list == "map" ? ListKind::keyed : list == "set" ? ListKind::set : ListKind::atomic;
      for (const Json& list_key : runtime::list_at(property, {"x-kubernetes-list-map-keys"})) field.list_keys.push_back(list_key.get<std::string>());
      field.atomic = runtime::text_at(property, {"x-kubernetes-map-type"}) == "atomic";
      type.fields.push_back(std::move(field));
    }
    for (std::size_t i = 0; i < type.fields.size(); ++i) type.field_by_name.emplace(type.fields[i].name, i);
  } else if (name == "object" && additional.is_object()) {
    type.shape = Shape::map;
    type.element = &make(tree, additional);
  } else if (name == "object") {
    type.shape = Shape::map;  // free form: owned key by key
    Type& any = tree.types.emplace_back();
    any.shape = Shape::any;
    type.element = &any;
  } else if (name == "array") {
    type.shape = Shape::list;
    type.element = &make(tree, runtime::find(schema, {"items"}));
  } else {
    type.shape = Shape::any;
  }
  return type;
}

}  // namespace

std::shared_ptr<const Type> type_for(const Resource& resource) {
  if (!resource.custom) return std::shared_ptr<const Type>(std::shared_ptr<void>(), resource.type);
  Json schema = resource.custom->schema.is_object() ? resource.custom->schema : Json::object();
  auto tree = std::make_shared<TypeTree>();
  schema["type"] = "object";
  schema.erase("x-kubernetes-preserve-unknown-fields");
  for (const char* key : {"kind", "apiVersion"}) schema["properties"][key] = {{"type", "string"}};
  schema["properties"]["metadata"] = {{"type", "object"}};
  Type& root = const_cast<Type&>(make(*tree, schema));  // made here a line ago
  root.fields[root.field_by_name.at("metadata")].type = Schema::instance().find("meta.v1.ObjectMeta");
  return std::shared_ptr<const Type>(tree, &root);
}

}  // namespace skidpad::fakes::kube_apiserver

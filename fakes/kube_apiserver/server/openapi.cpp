#include "fakes/kube_apiserver/server/openapi.hpp"

#include "fakes/kube_apiserver/crd/custom_definition.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

std::string definition_name(const std::string& type_id) {
  const std::size_t dot = type_id.find('.');
  const std::string group = type_id.substr(0, dot);
  const std::string rest = type_id.substr(dot);
  if (group == "meta") return "io.k8s.apimachinery.pkg.apis.meta" + rest;
  if (group == "apiextensions") return "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions" + rest;
  if (group == "apiregistration") return "io.k8s.kube-aggregator.pkg.apis.apiregistration" + rest;
  return "io.k8s.api." + group + rest;
}

Json schema_of(const Type& type, const std::string& prefix) {
  switch (type.shape) {
    case Shape::text: return {{"type", "string"}};
    case Shape::boolean: return {{"type", "boolean"}};
    case Shape::int32: return {{"type", "integer"}, {"format", "int32"}};
    case Shape::int64: return {{"type", "integer"}, {"format", "int64"}};
    case Shape::number: return {{"type", "number"}, {"format", "double"}};
    case Shape::bytes: return {{"type", "string"}, {"format", "byte"}};
    case Shape::time:
    case Shape::micro_time: return {{"type", "string"}, {"format", "date-time"}};
    case Shape::duration:
    case Shape::quantity: return {{"type", "string"}};
    case Shape::int_or_string: return {{"type", "string"}, {"format", "int-or-string"}};
    case Shape::any: return {{"type", "object"}};
    case Shape::object: return {{"$ref", prefix + definition_name(type.id)}};
    case Shape::list: return {{"type", "array"}, {"items", schema_of(*type.element, prefix)}};
    case Shape::map: return {{"type", "object"}, {"additionalProperties", schema_of(*type.element, prefix)}};
  }
  return Json::object();
}

Json kind_extension(const Resource& resource, const std::string& kind) {
  return Json::array({{{"group", resource.group}, {"kind", kind}, {"version", resource.version}}});
}

Json definition_of(const Type& type, const std::string& prefix) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Field& field : type.fields) {
    Json schema = schema_of(*field.type, prefix);
    if (!field.merge_key.empty()) schema["x-kubernetes-patch-merge-key"] = field.merge_key;
    if (field.patch_merge || field.patch_retain_keys) {
      schema["x-kubernetes-patch-strategy"] = field.patch_merge && field.patch_retain_keys ? "merge,retainKeys" : field.patch_merge ? "merge" : "retainKeys";
    }
    if (field.list_kind == ListKind::atomic) schema["x-kubernetes-list-type"] = "atomic";
    if (field.list_kind == ListKind::set) schema["x-kubernetes-list-type"] = "set";
    if (field.list_kind == ListKind::keyed) {
      schema["x-kubernetes-list-type"] = "map";
      schema["x-kubernetes-list-map-keys"] = field.list_keys;
    }
    if (field.atomic) schema["x-kubernetes-map-type"] = "atomic";
    if (!field.omit_empty && field.type->shape != Shape::object && !field.pointer) required.push_back(field.name);
    properties[field.name] = std::move(schema);
  }
  Json definition = {{"type", "object"}};
  if (!properties.empty()) definition["properties"] = std::move(properties);
  if (!required.empty()) definition["required"] = std::move(required);
  return definition;
}

Json list_definition(const Resource& resource, const std::string& prefix) {
  Json items = {{"type", "array"}};
  items["items"] = resource.type != nullptr ? Json{{"$ref", prefix + definition_name(resource.type->id)}} : Json{{"type", "object"}};
  return {{"type", "object"},
          {"required", {"items"}},
          {"properties", {{"apiVersion", {{"type", "string"}}}, {"kind", {{"type", "string"}}}, {"items", items}, {"metadata", {{"$ref", prefix + "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"}}}}},
          {"x-kubernetes-group-version-kind", kind_extension(resource, resource.list_kind)}};
}

/// The definitions that a type needs, itself included.
void collect(const Type& type, const std::string& prefix, Json& definitions) {
  if (type.element != nullptr) return collect(*type.element, prefix, definitions);
  if (type.shape != Shape::object) return;
  const std::string name = definition_name(type.id);
  if (definitions.contains(name)) return;
  definitions[name] = definition_of(type, prefix);
  for (const Field& field : type.fields) collect(*field.type, prefix, definitions);
}

Json operation(const Resource& resource, const char* action, bool writes, const char* body) {
  Json parameters = Json::array();
  if (writes) {
    for (const char* name : {"dryRun", "fieldManager", "fieldValidation"}) parameters.push_back({{"name", name}, {"in", "query"}, {"schema", {{"type", "string"}, {"uniqueItems", true}}}});
    if (std::string_view(action) == "patch") parameters.push_back({{"name", "force"}, {"in", "query"}, {"schema", {{"type", "boolean"}, {"uniqueItems", true}}}});
  }
  Json made = {{"tags", {resource.group.empty() ? "core_v1" : resource.group + "_" + resource.version}},
               {"operationId", std::string(action) + resource.kind},
               {"parameters", parameters},
               {"responses", {{"200", {{"description", "OK"}}}, {"401", {{"description", "Unauthorized"}}}}},
               {"x-kubernetes-action", action},
               {"x-kubernetes-group-version-kind", {{"group", resource.group}, {"kind", resource.kind}, {"version", resource.version}}}};
  if (body != nullptr) made["requestBody"] = {{"content", {{body, {{"schema", {{"type", "object"}}}}}}}};
  return made;
}

void add_paths(const Resource& resource, const std::string& root, Json& paths) {
  std::string collection = root;
  if (resource.namespaced) collection += "/namespaces/{namespace}";
  collection += "/" + resource.plural;
  Json& many = paths[collection];
  if (resource.has_verb("list")) many["get"] = operation(resource, "list", false, nullptr);
  if (resource.has_verb("create")) many["post"] = operation(resource, "post", true, "*/*");
  if (resource.has_verb("deletecollection")) many["delete"] = operation(resource, "deletecollection", true, "*/*");
  if (!resource.has_verb("get")) return;
  Json& one = paths[collection + "/{name}"];
  one["get"] = operation(resource, "get", false, nullptr);
  if (resource.has_verb("update")) one["put"] = operation(resource, "put", true, "*/*");
  if (resource.has_verb("delete")) one["delete"] = operation(resource, "delete", true, "*/*");
  if (resource.has_verb("patch")) one["patch"] = operation(resource, "patch", true, "application/apply-patch+yaml");
  one["parameters"] = Json::array({{{"name", "name"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}, {"uniqueItems", true}}}}});
  if (resource.namespaced) one["parameters"].push_back({{"name", "namespace"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}, {"uniqueItems", true}}}});
  if (resource.namespaced && resource.has_verb("list")) paths[root + "/" + resource.plural]["get"] = operation(resource, "list", false, nullptr);
}

std::string reversed_group(const std::string& group) {
  std::string result;
  std::string part;
  for (const char c : group + ".") {
    if (c != '.') {
      part += c;
    } else {
      result = part + (result.empty() ? "" : "." + result);
      part.clear();
    }
  }
  return result;
}

Json definitions_of_all(const std::string& prefix) {
  Json definitions = Json::object();
  for (const Resource& resource : built_in_resources()) {
    collect(*resource.type, prefix, definitions);
    definitions[definition_name(resource.type->id)]["x-kubernetes-group-version-kind"] = kind_extension(resource, resource.kind);
    if (resource.has_verb("list")) definitions[definition_name(resource.type->id) + "List"] = list_definition(resource, prefix);
  }
  collect(*Schema::instance().find("meta.v1.ListMeta"), prefix, definitions);
  return definitions;
}

// --- protobuf ---------------------------------------------------------------------------------------------------------

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 128; value >>= 7) out += static_cast<char>((value & 127) | 128);
  out += static_cast<char>(value);
}
void put_bytes(std::string& out, int field, std::string_view bytes) {
  put_varint(out, static_cast<std::uint64_t>(field) << 3 | 2);
  put_varint(out, bytes.size());
  out.append(bytes);
}

/// A gnostic Schema message (openapi_v2/OpenAPIv2.proto field numbers).
std::string encode_schema(const Json& schema) {
  std::string out;
  if (schema.contains("$ref")) put_bytes(out, 1, schema["$ref"].get<std::string>());
  if (schema.contains("format")) put_bytes(out, 2, schema["format"].get<std::string>());
  for (const Json& name : runtime::list_at(schema, {"required"})) put_bytes(out, 19, name.get<std::string>());
  if (schema.contains("additionalProperties")) {
    std::string item;
    put_bytes(item, 1, encode_schema(schema["additionalProperties"]));
    put_bytes(out, 21, item);
  }
  if (schema.contains("type")) {
    std::string type;
    put_bytes(type, 1, schema["type"].get<std::string>());
    put_bytes(out, 22, type);
  }
  if (schema.contains("items")) {
    std::string items;
    put_bytes(items, 1, encode_schema(schema["items"]));
    put_bytes(out, 23, items);
  }
  if (schema.contains("properties")) {
    std::string properties;
    for (const auto& [name, property] : schema["properties"].items()) {
      std::string named;
      put_bytes(named, 1, name);
      put_bytes(named, 2, encode_schema(property));
      put_bytes(properties, 1, named);
    }
    put_bytes(out, 25, properties);
  }
  for (const auto& [name, value] : schema.items()) {
    if (name.compare(0, 2, "x-") != 0) continue;
    std::string any;
    put_bytes(any, 2, value.dump());  // JSON is YAML
    std::string named;
    put_bytes(named, 1, name);
    put_bytes(named, 2, any);
    put_bytes(out, 31, named);
  }
  return out;
}

/// The Paths message with what old clients look for there: that PATCH of a kind takes dryRun.
std::string encode_patch_paths() {
  std::string paths;
  for (const Resource& resource : built_in_resources()) {
    if (!resource.has_verb("patch")) continue;
    std::string operation;
    put_bytes(operation, 5, "patch" + resource.kind);
    for (const char* name : {"dryRun", "fieldManager", "fieldValidation", "force"}) {
      std::string query;
      put_bytes(query, 2, "query");
      put_bytes(query, 4, name);
      put_bytes(query, 6, std::string_view(name) == "force" ? "boolean" : "string");
      std::string parameter = std::move(query);
      for (const int field : {3, 2, 1}) {   // of all parameters a non-body one, of those a query parameter
        std::string outer;
        put_bytes(outer, field, parameter);
        parameter = std::move(outer);
      }
      put_bytes(operation, 8, parameter);
    }
    put_bytes(operation, 9, "");
    for (const auto& [name, value] : {std::pair<std::string, Json>("x-kubernetes-action", "patch"),
                                      {"x-kubernetes-group-version-kind", {{"group", resource.group}, {"kind", resource.kind}, {"version", resource.version}}}}) {
      std::string any;
      put_bytes(any, 2, value.dump());
      std::string named;
      put_bytes(named, 1, name);
      put_bytes(named, 2, any);
      put_bytes(operation, 13, named);
    }
    std::string item;
    put_bytes(item, 8, operation);
    const std::string root = resource.group.empty() ? "/api/v1" : "/apis/" + resource.group + "/" + resource.version;
    std::string named;
    put_bytes(named, 1, root + (resource.namespaced ? "/namespaces/{namespace}/" : "/") + resource.plural + "/{name}");
    put_bytes(named, 2, item);
    put_bytes(paths, 2, named);
  }
  return paths;
}

}  // namespace

const std::string& openapi_v2_json() {
  static const std::string text = [] {
    Json document = {{"swagger", "2.0"}, {"info", {{"title", "Kubernetes"}, {"version", "v1.32.13"}}}, {"paths", Json::object()}, {"definitions", definitions_of_all("#/definitions/")}};
    for (const Resource& resource : built_in_resources()) add_paths(resource, resource.group.empty() ? "/api/v1" : "/apis/" + resource.group + "/" + resource.version, document["paths"]);
    return document.dump();
  }();
  return text;
}

const std::string& openapi_v2_protobuf() {
  static const std::string bytes = [] {
    std::string document;
    put_bytes(document, 1, "2.0");
    std::string info;
    put_bytes(info, 1, "Kubernetes");
    put_bytes(info, 2, "v1.32.13");
    put_bytes(document, 2, info);
    put_bytes(document, 8, encode_patch_paths());
    const Json all = definitions_of_all("#/definitions/");
    std::string definitions;
    for (const auto& [name, definition] : all.items()) {
      std::string named;
      put_bytes(named, 1, name);
      put_bytes(named, 2, encode_schema(definition));
      put_bytes(definitions, 1, named);
    }
    put_bytes(document, 9, definitions);
    return document;
  }();
  return bytes;
}

std::string openapi_v3_index(const std::vector<std::shared_ptr<const Resource>>& customs) {
  Json paths = Json::object();
  const auto add = [&](const std::string& group_version) {
    const std::string hash = std::to_string(std::hash<std::string>{}(group_version));
    std::string hex;
    for (const char c : hash) hex += "0123456789ABCDEF"[(c * 7) % 16];
    paths[group_version] = {{"serverRelativeURL", "/openapi/v3/" + group_version + "?hash=" + hex}};
  };
  for (const Resource& resource : built_in_resources()) add(resource.group.empty() ? "api/v1" : "apis/" + resource.group + "/" + resource.version);
  for (const auto& custom : customs) add("apis/" + custom->group + "/" + custom->version);
  return Json({{"paths", paths}}).dump();
}

std::string openapi_v3_of(const std::string& group_version, const std::vector<std::shared_ptr<const Resource>>& customs) {
  const std::string prefix = "#/components/schemas/";
  Json schemas = Json::object();
  Json paths = Json::object();
  for (const Resource& resource : built_in_resources()) {
    const std::string own = resource.group.empty() ? "api/v1" : "apis/" + resource.group + "/" + resource.version;
    if (own != group_version) continue;
    collect(*resource.type, prefix, schemas);
    schemas[definition_name(resource.type->id)]["x-kubernetes-group-version-kind"] = kind_extension(resource, resource.kind);
    if (resource.has_verb("list")) schemas[definition_name(resource.type->id) + "List"] = list_definition(resource, prefix);
    add_paths(resource, "/" + own, paths);
  }
  for (const auto& custom : customs) {
    if ("apis/" + custom->group + "/" + custom->version != group_version) continue;
    Json schema = custom->custom->schema.is_object() ? custom->custom->schema : Json{{"type", "object"}};
    schema["properties"]["apiVersion"] = {{"type", "string"}};
    schema["properties"]["kind"] = {{"type", "string"}};
    schema["properties"]["metadata"] = {{"$ref", prefix + "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}};
    schema["x-kubernetes-group-version-kind"] = kind_extension(*custom, custom->kind);
    schemas[reversed_group(custom->group) + "." + custom->version + "." + custom->kind] = std::move(schema);
    collect(*Schema::instance().find("meta.v1.ObjectMeta"), prefix, schemas);
    add_paths(*custom, "/" + group_version, paths);
  }
  if (paths.empty()) return "";
  collect(*Schema::instance().find("meta.v1.ListMeta"), prefix, schemas);
  collect(*Schema::instance().find("meta.v1.DeleteOptions"), prefix, schemas);
  return Json({{"openapi", "3.0.0"}, {"info", {{"title", "Kubernetes"}, {"version", "v1.32.13"}}}, {"paths", paths}, {"components", {{"schemas", schemas}}}}).dump();
}

}  // namespace skidpad::fakes::kube_apiserver

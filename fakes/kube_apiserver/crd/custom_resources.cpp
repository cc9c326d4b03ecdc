#include "fakes/kube_apiserver/crd/custom_resources.hpp"

#include "fakes/kube_apiserver/crd/structural_schema.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::list_at;
using runtime::text_at;

constexpr const char* definitions_prefix = "/registry/apiextensions.k8s.io/customresourcedefinitions/";
const std::vector<std::string> all_verbs = {"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"};

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> values;
  for (const Json& value : list) values.push_back(value.get<std::string>());
  return values;
}

bool condition_true(const Json& definition, std::string_view type) {
  for (const Json& condition : list_at(definition, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) == type) return text_at(condition, {"status"}) == "True";
  }
  return false;
}

std::shared_ptr<Resource> resource_of(const Json& definition, const Json& version, const std::string& storage_version) {
  auto resource = std::make_shared<Resource>();
  const Json& spec = definition.at("spec");
  const Json& names = spec.at("names");
  resource->group = text_at(spec, {"group"});
  resource->version = text_at(version, {"name"});
  resource->kind = text_at(names, {"kind"});
  resource->plural = text_at(names, {"plural"});
  resource->singular = text_at(names, {"singular"});
  resource->list_kind = text_at(names, {"listKind"});
  resource->namespaced = text_at(spec, {"scope"}) == "Namespaced";
  resource->short_names = texts(list_at(names, {"shortNames"}));
  resource->categories = texts(list_at(names, {"categories"}));
  resource->verbs = all_verbs;
  auto custom = std::make_shared<CustomDefinition>();
  custom->name = text_at(definition, {"metadata", "name"});
  custom->schema = find(version, {"schema", "openAPIV3Schema"});
  custom->printer_columns = list_at(version, {"additionalPrinterColumns"});
  custom->scale = find(version, {"subresources", "scale"});
  for (const Json& field : list_at(version, {"selectableFields"})) {
    const std::string path = text_at(field, {"jsonPath"});
    if (path.size() > 1) custom->selectable.push_back(path.substr(1));
  }
  custom->storage_version = storage_version;
  custom->revision = std::strtoll(text_at(definition, {"metadata", "resourceVersion"}).c_str(), nullptr, 10);
  if (find(version, {"subresources", "status"}).is_object()) resource->subresources.push_back({"status", resource->kind, "", "", {"get", "patch", "update"}});
  if (custom->scale.is_object()) resource->subresources.push_back({"scale", "Scale", "autoscaling", "v1", {"get", "patch", "update"}});
  resource->custom = std::move(custom);
  return resource;
}

void set_condition(Json& status, const char* type, const char* value, const char* reason, const char* message, const std::string& now) {
  const Json made = {{"type", type}, {"status", value}, {"lastTransitionTime", now}, {"reason", reason}, {"message", message}};
  for (Json& each : status["conditions"]) {
    if (text_at(each, {"type"}) != type) continue;
    if (text_at(each, {"status"}) != value) each = made;
    return;
  }
  status["conditions"].push_back(made);
}

}  // namespace

CustomResources& CustomResources::of(Store& store) {
  if (!store.custom_resources) store.custom_resources.reset(new CustomResources(store));
  return *store.custom_resources;
}

void CustomResources::refresh() {
  const std::uint64_t position = store_.stream(definitions_prefix).end_position();
  if (position == read_at_) return;
  read_at_ = position;
  resources_.clear();
  store_.visit(definitions_prefix, [&](const ObjectPtr& object) {
    const Json& definition = object->value();
    if (!condition_true(definition, "Established")) return;
    std::string storage_version;
    for (const Json& version : list_at(definition, {"spec", "versions"})) {
      if (runtime::bool_at(version, {"storage"})) storage_version = text_at(version, {"name"});
    }
    for (const Json& version : list_at(definition, {"spec", "versions"})) {
      if (!runtime::bool_at(version, {"served"})) continue;
      auto resource = resource_of(definition, version, storage_version);
      const std::string key = resource->group + "/" + resource->version + "/" + resource->plural;
      resources_.emplace(key, std::move(resource));
    }
  });
}

std::shared_ptr<const Resource> CustomResources::find(std::string_view group, std::string_view version, std::string_view plural) {
  if (group.find('.') == std::string_view::npos) return nullptr;
  refresh();
  std::string key(group);
  key.append("/").append(version).append("/").append(plural);
  const auto found = resources_.find(key);
  return found == resources_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const Resource>> CustomResources::all() {
  refresh();
  std::vector<std::shared_ptr<const Resource>> list;
  for (const auto& [key, resource] : resources_) list.push_back(resource);
  return list;
}

bool CustomResources::has_group(std::string_view group) {
  refresh();
  return std::any_of(resources_.begin(), resources_.end(), [&](const auto& entry) { return entry.second->group == group; });
}

void CustomResources::prepare_definition(Json& definition, const Json& old) {
  check_definition(definition, old);
  Json status = definition.contains("status") && definition["status"].is_object() ? definition["status"] : Json::object();
  if (old.is_null()) status = {{"conditions", nullptr}, {"acceptedNames", {{"plural", ""}, {"kind", ""}}}, {"storedVersions", nullptr}};
  Json stored = status.contains("storedVersions") && status["storedVersions"].is_array() ? status["storedVersions"] : Json::array();
  for (const Json& version : list_at(definition, {"spec", "versions"})) {
    if (!runtime::bool_at(version, {"storage"})) continue;
    const Json name = version.at("name");
    if (std::find(stored.begin(), stored.end(), name) == stored.end()) stored.push_back(name);
  }
  status["storedVersions"] = std::move(stored);
  definition["status"] = std::move(status);
}

bool CustomResources::establish(Json& definition, const std::string& now) {
  Json status = definition.value("status", Json::object());
  status["acceptedNames"] = definition.at("spec").at("names");
  if (!status.contains("conditions") || !status["conditions"].is_array()) status["conditions"] = Json::array();
  set_condition(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
  set_condition(status, "Established", "True", "InitialNamesAccepted", "the initial names have been accepted", now);
  if (definition.contains("status") && definition["status"] == status) return false;
  definition["status"] = std::move(status);
  return true;
}

}  // namespace skidpad::fakes::kube_apiserver

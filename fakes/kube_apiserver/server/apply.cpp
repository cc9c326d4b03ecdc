// Server-side apply and the bookkeeping of field owners.
#include "fakes/kube_apiserver/api/conversion.hpp"
#include "fakes/kube_apiserver/api/managed_fields.hpp"
#include "fakes/kube_apiserver/crd/custom_resources.hpp"
#include "fakes/kube_apiserver/crd/schema_type.hpp"
#include "fakes/kube_apiserver/api/utf8.hpp"
#include "fakes/kube_apiserver/server/api_server.hpp"
#include "harness/runtime/yaml.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::list_at;
using runtime::text_at;

struct Manager {
  std::string name;
  std::string operation;
  std::string api_version;
  std::string subresource;
  std::string time;
  FieldSet fields;
  bool same_as(const Manager& other) const {
    return name == other.name && operation == other.operation && api_version == other.api_version && subresource == other.subresource;
  }
};

std::vector<Manager> read_managers(const Json& object) {
  std::vector<Manager> managers;
  for (const Json& entry : list_at(object, {"metadata", "managedFields"})) {
    Manager manager{text_at(entry, {"manager"}), text_at(entry, {"operation"}), text_at(entry, {"apiVersion"}), text_at(entry, {"subresource"}), text_at(entry, {"time"}), find(entry, {"fieldsV1"})};
    if (manager.fields.is_object() && !manager.operation.empty()) managers.push_back(std::move(manager));
  }
  return managers;
}

void write_managers(Json& object, std::vector<Manager> managers) {
  Json list = Json::array();
  for (Manager& manager : managers) {
    if (is_empty(manager.fields)) continue;
    Json entry = Json::object();
    entry["manager"] = std::move(manager.name);
    entry["operation"] = std::move(manager.operation);
    entry["apiVersion"] = std::move(manager.api_version);
    entry["fieldsType"] = "FieldsV1";
    entry["fieldsV1"] = std::move(manager.fields);
    if (!manager.time.empty()) entry["time"] = std::move(manager.time);
    if (!manager.subresource.empty()) entry["subresource"] = std::move(manager.subresource);
    list.push_back(std::move(entry));
  }
  if (list.empty()) {
    object["metadata"].erase("managedFields");
  } else {
    object["metadata"]["managedFields"] = std::move(list);
  }
}

Manager& manager_of(std::vector<Manager>& managers, const Manager& wanted) {
  for (Manager& manager : managers) {
    if (manager.same_as(wanted)) return manager;
  }
  managers.push_back(wanted);
  return managers.back();
}

/// Fields that this kind of request cannot set are nobody's.
void strip_reset_fields(FieldSet& set, const Resource& resource, const std::string& subresource) {
  strip_system_fields(set);
  if (subresource == "status") {
    set.erase("f:spec");
    if (resource.custom) set.erase("f:metadata");
  } else if (resource.subresource("status") != nullptr) {
    set.erase("f:status");
  }
}

Json without_managers(Json object) {
  if (!object["metadata"].is_object()) object["metadata"] = Json::object();
  object["metadata"].erase("managedFields");
  return object;
}

Json empty_object(const Type& type) {
  Json object = Json::object();
  canonicalise(object, type, nullptr);
  return object;
}

/// Leases and events change all the time and nobody applies them: their writers are not noted, to keep them cheap.
bool tracked(const Resource& resource) { return resource.plural != "leases" && resource.plural != "events"; }

}  // namespace

void ApiServer::track_fields(Json& object, const Json& old, const std::string& manager, const std::string& subresource, const std::string& time, const Resource& resource) {
  if (!tracked(resource)) return;
  const std::shared_ptr<const Type> type = type_for(resource);
  const Json& given = find(object, {"metadata", "managedFields"});
  if (given.is_array() && given.size() == 1 && (given[0].empty() || text_at(given[0], {"operation"}).empty())) {
    object["metadata"].erase("managedFields");  // the way to clear them
    return;
  }
  std::vector<Manager> managers = read_managers(old.is_null() ? object : old);
  if (!object["metadata"].is_object()) object["metadata"] = Json::object();
  object["metadata"].erase("managedFields");
  // The old object's managers are still in it, and come out as removed: stripped with the other fields that nobody owns.
  FieldDifference difference = compare_fields(old.is_null() ? empty_object(*type) : old, object, *type);
  strip_reset_fields(difference.changed, resource, subresource);
  strip_reset_fields(difference.removed, resource, subresource);
  if (!is_empty(difference.changed) || !is_empty(difference.removed)) {
    const Manager own{manager, "Update", resource.api_version(), subresource, time, Json::object()};
    for (Manager& each : managers) {
      if (each.same_as(own)) continue;
      each.fields = subtract(subtract(each.fields, difference.changed), difference.removed);
    }
    const bool known = std::any_of(managers.begin(), managers.end(), [&](const Manager& each) { return each.same_as(own); });
    if (known || !is_empty(difference.changed)) {
      Manager& self = manager_of(managers, own);
      self.fields = subtract(unite(self.fields, difference.changed), difference.removed);
      self.time = time;
    }
  }
  write_managers(object, std::move(managers));
}

Task<Answer> ApiServer::server_side_apply(Request& request) {
  const Resource& resource = *request.resource;
  const std::string name = request.info.name;
  const std::string manager_name = query_value(request.query, "fieldManager");
  const bool force = query_flag(request.query, "force");
  if (manager_name.empty()) throw invalid("meta.k8s.io", "PatchOptions", "", {required_value("fieldManager", "is required for apply patch")});
  auto parsed = runtime::parse_yaml(mended_utf8(request.http.body));
  if (!parsed) throw bad_request("error decoding YAML: " + parsed.error().message);
  Json applied = std::move(parsed.value());
  if (!applied.is_object()) throw bad_request("error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal " + std::string(applied.type_name()) + " into Go value of type map[string]interface {}");
  const std::string api_version = text_at(applied, {"apiVersion"});
  const std::string kind = text_at(applied, {"kind"});
  if (api_version.empty() || kind.empty()) throw bad_request("invalid object type: " + api_version + "/, Kind=" + kind);
  if (api_version != resource.api_version()) throw bad_request("Incorrect version specified in apply patch. Specified patch version: " + api_version + ", expected: " + resource.api_version());
  if (kind != resource.kind) throw plain_error("failed to merge config: expected objects of the same type, but got " + resource.kind + " and " + kind);
  if (!find(applied, {"metadata", "managedFields"}).empty()) throw bad_request("metadata.managedFields must be nil");
  const std::string applied_name = text_at(applied, {"metadata", "name"});
  if (!applied_name.empty() && applied_name != name) throw bad_request("the name of the object (" + applied_name + ") does not match the name on the URL (" + name + ")");
  if (!applied["metadata"].is_object()) applied["metadata"] = Json::object();
  const std::shared_ptr<const Type> type = type_for(resource);
  const std::string where = text_at(applied, {"metadata", "namespace"});
  FieldSet own_fields = field_set_of(applied, *type, "failed to create typed patch object (" + where + "/" + name + "; " + (resource.group.empty() ? "/" : "") + api_version + ", Kind=" + kind + "): ");
  strip_reset_fields(own_fields, resource, request.info.subresource);
  applied["metadata"].erase("creationTimestamp");
  const std::string now = now_text();
  const Manager own{manager_name, "Apply", resource.api_version(), request.info.subresource, now, own_fields};

  /// The new object with its owners; throws the conflicts.
  const auto merged_with = [&](const Json& live, bool exists) {
    std::vector<Manager> managers = read_managers(live);
    const Json before = without_managers(live);
    if (exists && managers.empty()) {
      FieldSet all = compare_fields(empty_object(*type), before, *type).changed;
      strip_reset_fields(all, resource, request.info.subresource);
      managers.push_back(Manager{"before-first-apply", "Update", resource.api_version(), "", now, std::move(all)});
    }
    Json next = merge_applied(before, applied, *type);
    FieldSet others = Json::object();
    FieldSet dropped = Json::object();
    for (const Manager& each : managers) {
      if (each.same_as(own)) {
        dropped = subtract(each.fields, own_fields);
      } else {
        others = unite(others, each.fields);
      }
    }
    dropped = subtract(dropped, others);
    // What somebody else or we still own below keeps its parent.
    remove_fields(next, subtract(dropped, intersect(dropped, unite(others, own_fields))), *type);
    FieldDifference difference = compare_fields(before, next, *type);
    strip_reset_fields(difference.changed, resource, request.info.subresource);
    struct Conflict {
      std::string who;
      std::vector<std::string> paths;
    };
    std::vector<Conflict> conflicts;
    for (Manager& each : managers) {
      if (each.same_as(own)) continue;
      const FieldSet common = intersect(each.fields, difference.changed);
      if (is_empty(common)) continue;
      if (force) {
        each.fields = subtract(each.fields, common);
        continue;
      }
      std::string who = "\"" + each.name + "\"";
      if (!each.subresource.empty()) who += " with subresource \"" + each.subresource + "\"";
      if (each.operation == "Update") who += " using " + each.api_version;
      conflicts.push_back({who, paths_of(common)});
    }
    if (!conflicts.empty()) {
      std::size_t count = 0;
      Json causes = Json::array();
      std::string text;
      for (const Conflict& each : conflicts) {
        count += each.paths.size();
        for (const std::string& path : each.paths) causes.push_back({{"reason", "FieldManagerConflict"}, {"message", "conflict with " + each.who}, {"field", path}});
      }
      if (count == 1) {
        text = "conflict with " + conflicts[0].who + ": " + conflicts[0].paths[0];
      } else {
        for (const Conflict& each : conflicts) {
          text += (text.empty() ? "" : "\n") + std::string("conflicts with ") + each.who + ":";
          for (const std::string& path : each.paths) text += "\n- " + path;
        }
      }
      ApiError error(409, "Conflict", "Apply failed with " + std::to_string(count) + (count == 1 ? " conflict: " : " conflicts: ") + text);
      error.details = {{"causes", std::move(causes)}};
      throw error;
    }
    bool noted = false;
    for (Manager& each : managers) {
      if (!each.same_as(own)) continue;
      noted = true;
      if (each.fields == own_fields && next == before) continue;  // nothing new: its time stays
      each.fields = own_fields;
      each.time = now;
    }
    if (!noted) {
      managers.push_back(own);
      if (exists && next == before) managers.back().time.clear();
    }
    std::stable_sort(managers.begin(), managers.end(), [](const Manager& a, const Manager& b) { return (a.operation == "Apply") > (b.operation == "Apply"); });
    next["metadata"]["name"] = name;
    write_managers(next, managers);
    return next;
  };

  const auto finished = [&](Json object) {
    object["kind"] = resource.kind;
    object["apiVersion"] = resource.api_version();
    try {
      if (resource.custom) {
        canonicalise(object["metadata"], *Schema::instance().find("meta.v1.ObjectMeta"), nullptr, "metadata");
        prune_and_default(object, resource, nullptr);
      } else {
        canonicalise(object, *resource.type, nullptr);
      }
    } catch (const DecodeError& error) {
      throw bad_request(error.what());
    }
    if (!resource.custom) apply_defaults(object, resource);
    return object;
  };

  const std::string key = request.key();
  ObjectPtr present = store_.cached(key);
  if (!present) present = co_await store_.read(key);
  request.applying = true;
  if (!present) {
    if (request.sub != nullptr) throw not_found(resource, name);
    if (applied_name.empty()) throw bad_request("the name of the object (" + name + " based on URL) was undeterminable: name must be provided");
    const std::string applied_uid = text_at(applied, {"metadata", "uid"});
    if (!applied_uid.empty()) throw conflict(resource, name, "uid mismatch: the provided object specified uid " + applied_uid + ", and no existing object was found");
    Json object = finished(merged_with(empty_object(*type), false));
    if (resource.namespaced) object["metadata"]["namespace"] = request.info.object_namespace;
    const ObjectPtr made = co_await create_object(request, std::move(object));
    co_return show(request, made, 201);
  }
  Mutation mutation = [&](const ObjectPtr& current) -> Change {
    if (!current) throw not_found(resource, name);
    return change_object(request, current, finished(merged_with(in_version(request, current->value()), true)), false);
  };
  const ObjectPtr changed = co_await write_changed(request, std::move(mutation));
  co_return show(request, changed, 200);
}

}  // namespace skidpad::fakes::kube_apiserver

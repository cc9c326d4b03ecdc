// Get, create, replace and patch of single objects.
#include "fakes/kube_apiserver/api/conversion.hpp"
#include "fakes/kube_apiserver/api/patch.hpp"
#include "fakes/kube_apiserver/api/protobuf.hpp"
#include "fakes/kube_apiserver/api/utf8.hpp"
#include "fakes/kube_apiserver/api/validation.hpp"
#include "fakes/kube_apiserver/crd/custom_resources.hpp"
#include "fakes/kube_apiserver/server/api_server.hpp"
#include "harness/runtime/yaml.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::text_at;

constexpr std::size_t name_length_max = 63;
constexpr std::size_t suffix_length = 5;

ApiError uid_conflict(const Resource& resource, const std::string& name, const std::string& key, const std::string& wanted, const std::string& present) {
  return conflict(resource, name,
                  "StorageError: invalid object, Code: 4, Key: " + key + ", ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: " + wanted +
                      ", UID in object meta: " + present);
}

std::string joined(const FieldComplaints& complaints) {
  std::string text;
  for (const std::string& complaint : complaints) text += (text.empty() ? "" : ", ") + complaint;
  return text;
}

/// Owner references that name one object twice are merged, with a warning.
void drop_duplicate_owners(Request& request, Json& object) {
  const auto owners = object["metadata"].find("ownerReferences");
  if (owners == object["metadata"].end() || !owners->is_array()) return;
  Json kept = Json::array();
  std::string doubled;
  for (const Json& owner : *owners) {
    if (std::find(kept.begin(), kept.end(), owner) == kept.end()) {
      kept.push_back(owner);
    } else {
      doubled += (doubled.empty() ? "" : ", ") + text_at(owner, {"uid"});
    }
  }
  if (doubled.empty()) return;
  *owners = std::move(kept);
  request.warnings.push_back(".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as "
                             "1.24; please fix your requests; duplicate UID(s) observed: " + doubled);
}

void throw_if_any(const FieldErrors& errors, const Resource& resource, const Json& object) {
  // Events of both groups are one kind inside, the older one.
  const std::string group = resource.kind == "Event" ? "" : resource.group;
  if (!errors.empty()) throw invalid(group, resource.kind, text_at(object, {"metadata", "name"}), errors);
}

}  // namespace

void ApiServer::read_write_options(Request& request, const char* options_kind) {
  FieldErrors errors;
  if (query_has(request.query, "dryRun")) {
    const std::string value = query_value(request.query, "dryRun");
    if (value != "All") errors.push_back(unsupported_value("dryRun", "[]string{" + in_quotes(value) + "}", {"All"}));
    request.dry_run = true;
  }
  const std::string validation = query_value(request.query, "fieldValidation");
  if (!validation.empty() && validation != "Ignore" && validation != "Warn" && validation != "Strict") {
    errors.push_back(unsupported_value("fieldValidation", in_quotes(validation), {"", "Ignore", "Strict", "Warn"}));
  }
  const std::string manager = query_value(request.query, "fieldManager");
  if (manager.size() > 128) errors.push_back(too_long("fieldManager", "may not be more than 128 bytes"));
  for (const char c : manager) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) continue;
    errors.push_back(invalid_text("fieldManager", manager, "should only contain printable characters"));
    break;
  }
  if (query_has(request.query, "force") && request.http.method == "PATCH" && request.http.headers.get("Content-Type").substr(0, 28) != "application/apply-patch+yaml") {
    errors.push_back(forbidden_value("force", "may not be specified for non-apply patch"));
  }
  if (!errors.empty()) throw invalid("meta.k8s.io", options_kind, "", errors);
}

Json ApiServer::decode_body(Request& request, const Type* type, const std::string& api_version, const std::string& kind, bool default_fields) {
  const MediaType media = body_type(request.http.headers.get("Content-Type"));
  const std::string validation = query_value(request.query, "fieldValidation");
  FieldComplaints complaints;
  FieldComplaints* const wanted = validation == "Ignore" ? nullptr : &complaints;
  Json object;
  if (media == MediaType::protobuf) {
    try {
      object = decode_protobuf(request.http.body, type);
    } catch (const DecodeError& error) {
      throw bad_request(std::string("the object provided is unrecognized (must be of type ") + kind + "): " + error.what());
    }
  } else if (media == MediaType::yaml) {
    auto parsed = runtime::parse_yaml(mended_utf8(request.http.body));
    if (!parsed) throw bad_request("error converting YAML to JSON: " + parsed.error().message);
    object = std::move(parsed.value());
  } else {
    std::string failure;
    try {
      object = read_json(request.http.body, wanted, type);
      if (!object.is_object()) failure = "json: cannot unmarshal " + std::string(object.type_name()) + " into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }";
    } catch (const DecodeError& error) {
      failure = error.what();
    }
    if (!failure.empty()) {
      throw bad_request("the object provided is unrecognized (must be of type " + kind + "): couldn't get version/kind; json parse error: " + failure);
    }
  }
  if (!object.is_object()) throw bad_request("the object provided is unrecognized (must be of type " + kind + ")");
  if (request.resource != nullptr && request.resource->custom && request.sub == nullptr && text_at(object, {"kind"}).empty()) {
    throw bad_request("the object provided is unrecognized (must be of type " + kind + "): Object 'Kind' is missing in '" + object.dump() + "'");
  }
  const std::string given_kind = text_at(object, {"kind"}, kind).empty() ? kind : text_at(object, {"kind"}, kind);
  const std::string given_version = text_at(object, {"apiVersion"}, api_version).empty() ? api_version : text_at(object, {"apiVersion"}, api_version);
  const std::string short_version = given_version.substr(given_version.find('/') == std::string::npos ? 0 : given_version.find('/') + 1);
  const std::string cannot = given_kind + " in version \"" + short_version + "\" cannot be handled as a " + kind + ": ";
  if (given_kind != kind || given_version != api_version) {
    const bool known = find_built_in_kind(given_version, given_kind) != nullptr ||
                       (given_kind.size() > 4 && given_kind.substr(given_kind.size() - 4) == "List" && find_built_in_kind(given_version, given_kind.substr(0, given_kind.size() - 4)) != nullptr);
    if (request.resource != nullptr && request.resource->custom) {
      const std::string name = text_at(object, {"metadata", "name"});
      if (given_version == api_version) throw invalid(request.resource->group, given_kind, name, {invalid_text("kind", given_kind, "must be " + kind)});
      for (const auto& [key, value] : object.items()) {
        if (key != "kind" && key != "apiVersion" && key != "metadata") request.warnings.push_back("unknown field \"" + key + "\"");
      }
      throw bad_request("the API version in the data (" + given_version + ") does not match the expected API version (" + api_version + ")");
    }
    if (known) throw bad_request(cannot + "converting (v1." + given_kind + ") to (core." + kind + "): unknown conversion");
    throw bad_request(cannot + "no kind \"" + given_kind + "\" is registered for version \"" + given_version + "\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"");
  }
  object["kind"] = kind;
  object["apiVersion"] = api_version;
  if (type != nullptr) {
    try {
      canonicalise(object, *type, media == MediaType::yaml ? wanted : nullptr);
    } catch (const DecodeError& error) {
      throw bad_request(cannot + error.what());
    }
  } else if (!object["metadata"].is_object()) {
    object["metadata"] = Json::object();
  }
  if (request.resource != nullptr && request.resource->custom && request.sub == nullptr) {
    const Type* metadata_type = Schema::instance().find("meta.v1.ObjectMeta");
    try {
      canonicalise(object["metadata"], *metadata_type, wanted, "metadata");
    } catch (const DecodeError& error) {
      throw bad_request(cannot + error.what());
    }
    prune_and_default(object, *request.resource, wanted);
  }
  if (!complaints.empty()) {
    if (validation == "Strict") throw bad_request(cannot + "strict decoding error: " + joined(complaints));
    for (std::string& complaint : complaints) request.warnings.push_back(std::move(complaint));
  }
  if (default_fields && request.resource != nullptr && !request.resource->custom) apply_defaults(object, *request.resource);
  return object;
}

Task<Answer> ApiServer::get(Request& request) {
  const std::string version = query_value(request.query, "resourceVersion");
  ObjectPtr object;
  const std::string key = request.key();
  if (version.empty()) {
    co_await store_.wait_until_fresh();
  } else if (version != "0") {
    if (version.find_first_not_of("0123456789") != std::string::npos || version.size() > 18) {
      throw plain_error("resourceVersion: Invalid value: " + in_quotes(version) + ": strconv.ParseUint: parsing " + in_quotes(version) + ": invalid syntax");
    }
    co_await store_.wait_until_reached(std::stoll(version));
  }
  object = store_.cached(key);
  if (!object) throw not_found(*request.resource, request.info.name);
  co_return show(request, object, 200);
}

// --- create -----------------------------------------------------------------------------------------------------------

Task<Answer> ApiServer::create(Request& request) {
  read_write_options(request, "CreateOptions");
  const Resource& resource = *request.resource;
  Json object = decode_body(request, resource.type, resource.api_version(), resource.kind, true);
  Json& metadata = object["metadata"];
  const std::string where = text_at(metadata, {"namespace"});
  if (resource.namespaced) {
    if (!where.empty() && where != request.info.object_namespace) throw bad_request("the namespace of the provided object does not match the namespace sent on the request");
    metadata["namespace"] = request.info.object_namespace;
  } else {
    metadata.erase("namespace");
  }
  request.info.name = text_at(metadata, {"name"});
  const ObjectPtr made = co_await create_object(request, std::move(object));
  co_return show(request, made, 201);
}

Task<ObjectPtr> ApiServer::create_object(Request& request, Json object) {
  const Resource& resource = *request.resource;
  Json& metadata = object["metadata"];
  if (!text_at(metadata, {"resourceVersion"}).empty()) throw plain_error("resourceVersion should not be set on objects to be created");
  const std::string prefix = text_at(metadata, {"generateName"});
  const bool generated = text_at(metadata, {"name"}).empty() && !prefix.empty();
  for (const char* key : {"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion"}) metadata.erase(key);
  metadata["uid"] = random_.uuid();
  metadata["creationTimestamp"] = now_text();
  if (generated) {
    metadata["name"] = prefix.substr(0, name_length_max - suffix_length) + random_.name_suffix(suffix_length);
    request.info.name = metadata["name"];
    if (resource.kind == "Namespace") object["metadata"]["labels"]["kubernetes.io/metadata.name"] = metadata["name"];
  }
  if (!request.applying) track_fields(object, Json(), request.manager(), request.info.subresource, now_text(), resource);
  co_await admit_create(request, object);
  const bool hooked = has_webhooks();
  if (hooked) {
    Json wished = co_await mutate_by_webhooks(request, "CREATE", std::move(object), Json());
    object = std::move(wished);
  }
  prepare_for_create(object, resource, request.user);
  drop_duplicate_owners(request, object);
  if (resource.custom) {
    check_custom(object, Json(), resource);
  } else {
    throw_if_any(validate_create(object, resource), resource, object);
  }
  if (resource.kind == "CustomResourceDefinition") CustomResources::prepare_definition(object, Json());
  admit_by_policies(request, "CREATE", object, Json());
  if (hooked) co_await admit_by_webhooks(request, "CREATE", object, Json());
  co_await admit_quota(request, object);
  to_storage(object, resource);
  const std::string name = request.info.name;
  const std::string key = request.key();
  if (request.dry_run) {
    co_await store_.wait_until_fresh();
    if (store_.cached(key)) throw already_exists(resource, name);
    co_return StoredObject::without_version(key, std::move(object));
  }
  ObjectPtr made;
  if (resource.kind == "Service" && resource.group.empty()) {
    made = co_await create_service(request, std::move(object));
  } else {
    WriteExtras extras;
    if (resource.plural == "events") extras.etcd_lease = co_await event_lease();
    made = co_await store_.create(key, std::move(object), std::move(extras));
  }
  if (made) co_return made;
  const ObjectPtr taken = co_await store_.read(key);
  ApiError error = already_exists(resource, name);
  if (taken && !find(taken->value(), {"metadata", "deletionTimestamp"}).is_null()) error.message = "object is being deleted: " + error.message;
  throw error;
}

// --- change -----------------------------------------------------------------------------------------------------------

/// The new state after a PUT or a patch: preconditions, what the server owns, checks; and removal if the last finalizer went.
Change ApiServer::change_object(Request& request, const ObjectPtr& present, Json object, bool create_allowed) {
  const Resource& resource = *request.resource;
  const std::string& name = request.info.name;
  const Rules& rules = rules_of(resource);
  Json& metadata = object["metadata"];
  const std::string uid = text_at(metadata, {"uid"});
  const std::string version = text_at(metadata, {"resourceVersion"});
  (void)create_allowed;
  const std::string present_uid = text_at(present->value(), {"metadata", "uid"});
  if (!version.empty() && version.find_first_not_of("0123456789") != std::string::npos) {
    throw plain_error("strconv.ParseUint: parsing " + in_quotes(version) + ": invalid syntax");
  }
  if (!uid.empty() && uid != present_uid && request.http.method == "PATCH") {
    const FieldError error = invalid_text("metadata.uid", uid, "field is immutable");
    throw invalid(resource.group, resource.kind, name, {error, error});
  }
  if (!uid.empty() && uid != present_uid) throw uid_conflict(resource, name, present->key(), uid, present_uid);
  if (version.empty() || version == "0") {
    const bool direct = request.http.method == "PUT";
    if (direct && !rules.unconditional_update) {
      throw invalid(resource.group, resource.plural, name, {invalid_value("metadata.resourceVersion", "0x0", "must be specified for an update")});
    }
  } else if (version != std::to_string(present->revision())) {
    throw conflict(resource, name, object_modified);
  }
  Json converted;
  if (version_differs(resource)) {
    converted = present->value();
    from_storage(converted, resource);
  }
  const Json& old = converted.is_null() ? present->value() : converted;
  metadata["namespace"] = resource.namespaced ? Json(request.info.object_namespace) : Json();
  if (!resource.namespaced) metadata.erase("namespace");
  if (!request.applying) track_fields(object, old, request.manager(), request.info.subresource, now_text(), resource);
  Json owners = find(object, {"metadata", "managedFields"}).is_array() ? std::move(metadata["managedFields"]) : Json();
  prepare_for_update(object, old, resource, request.info.subresource);
  if (owners.is_array()) object["metadata"]["managedFields"] = std::move(owners);
  object["metadata"]["resourceVersion"] = std::to_string(present->revision());
  if (resource.custom) {
    check_custom(object, old, resource, request.info.subresource == "status");
    throw_if_any(validate_update(object, old, resource, "custom"), resource, object);
  } else {
    throw_if_any(validate_update(object, old, resource, request.info.subresource), resource, object);
  }
  admit_update(request, object, old);
  admit_by_policies(request, "UPDATE", object, old);
  if (resource.kind == "CustomResourceDefinition") CustomResources::prepare_definition(object, old);
  to_storage(object, resource);
  const bool going = !find(object, {"metadata", "deletionTimestamp"}).is_null();
  if (going && runtime::list_at(object, {"metadata", "finalizers"}).empty()) {
    const std::int64_t grace = runtime::integer_at(object, {"metadata", "deletionGracePeriodSeconds"});
    const bool had = !runtime::list_at(old, {"metadata", "finalizers"}).empty();
    const bool namespace_done = resource.kind == "Namespace" && runtime::list_at(object, {"spec", "finalizers"}).empty();
    if (resource.kind == "Namespace" ? namespace_done : had && grace == 0) return Change::removal(std::move(object));
  }
  return Change(std::move(object));
}

Task<ObjectPtr> ApiServer::write_changed(Request& request, Mutation mutation) {
  if (has_webhooks()) co_return co_await write_through_webhooks(request, std::move(mutation));
  co_return co_await write_directly(request, std::move(mutation));
}

Task<ObjectPtr> ApiServer::write_directly(Request& request, Mutation mutation) {
  const Resource& resource = *request.resource;
  if (request.dry_run) {
    const ObjectPtr present = co_await store_.read(request.key());
    Change change = mutation(present);
    Json value = std::move(change.value);
    if (!present) {
      value["metadata"].erase("resourceVersion");
      co_return StoredObject::without_version(request.key(), std::move(value));
    }
    co_return StoredObject::from_value(request.key(), std::move(value), present->revision());
  }
  if (resource.kind == "Service" && resource.group.empty() && request.info.subresource.empty()) co_return co_await update_service(request, std::move(mutation));
  WriteExtras extras;
  if (resource.plural == "events") extras.etcd_lease = co_await event_lease();
  std::string key = request.key();
  co_return co_await store_.update(std::move(key), std::move(mutation), std::move(extras));
}

Task<Answer> ApiServer::replace(Request& request) {
  read_write_options(request, "UpdateOptions");
  const Resource& resource = *request.resource;
  Json object = decode_body(request, resource.type, resource.api_version(), resource.kind, true);
  const std::string name = text_at(object, {"metadata", "name"});
  const std::string where = text_at(object, {"metadata", "namespace"});
  if (request.audit) request.audit->sent_version = text_at(object, {"metadata", "resourceVersion"});
  if (name.empty()) throw bad_request("the name of the object (" + request.info.name + " based on URL) was undeterminable: name must be provided");
  if (name != request.info.name) throw bad_request("the name of the object (" + name + ") does not match the name on the URL (" + request.info.name + ")");
  if (resource.namespaced && !where.empty() && where != request.info.object_namespace) {
    throw bad_request("the namespace of the provided object does not match the namespace sent on the request");
  }
  const bool may_create = rules_of(resource).create_on_update && request.sub == nullptr;
  if (may_create) {
    const std::string key = request.key();
    ObjectPtr present = store_.cached(key);
    if (!present) present = co_await store_.read(key);
    if (!present) {
      const std::string uid = text_at(object, {"metadata", "uid"});
      if (!uid.empty()) throw uid_conflict(resource, name, key, uid, "");
      Attributes attributes;
      attributes.user = request.user;
      attributes.verb = "create";
      attributes.group = resource.group;
      attributes.resource = resource.plural;
      attributes.object_namespace = request.info.object_namespace;
      attributes.name = name;
      if (!authorizer_.decide(attributes).allowed) throw forbidden(resource.group, resource.plural, name, denial_text(attributes));
      object["metadata"].erase("resourceVersion");
      if (resource.namespaced) object["metadata"]["namespace"] = request.info.object_namespace;
      const ObjectPtr made = co_await create_object(request, std::move(object));
      co_return show(request, made, 201);
    }
  }
  Mutation mutation = [this, &request, &object](const ObjectPtr& present) -> Change {
    if (!present) throw not_found(*request.resource, request.info.name);
    return change_object(request, present, object, false);
  };
  const ObjectPtr changed = co_await write_changed(request, std::move(mutation));
  co_return show(request, changed, 200);
}

// --- patch ------------------------------------------------------------------------------------------------------------

Json ApiServer::patched(Request& request, const ObjectPtr& present, const std::string& patch_type, const Json& patch) {
  const Resource& resource = *request.resource;
  Json object = in_version(request, present->value());
  if (patch_type == "application/json-patch+json") {
    object = apply_json_patch(std::move(object), patch);
  } else if (patch_type == "application/merge-patch+json") {
    if (!patch.is_object()) throw bad_request("error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}");
    apply_merge_patch(object, patch);
  } else {
    apply_strategic_patch(object, patch, *resource.type);
  }
  const std::string kind = text_at(object, {"kind"});
  const std::string api_version = text_at(object, {"apiVersion"});
  if (patch_type != "application/strategic-merge-patch+json" && (kind != resource.kind || api_version != resource.api_version())) {
    std::string problem = "no kind " + in_quotes(kind) + " is registered for version " + in_quotes(api_version) + " in scheme \"pkg/api/legacyscheme/scheme.go:30\"";
    if (kind.empty()) problem = "Object 'Kind' is missing in " + in_quotes(object.dump());
    if (find_built_in_kind(api_version, kind) != nullptr) problem = "converting (v1." + kind + ") to (core." + resource.kind + "): unknown conversion";
    throw invalid("", "", "", {invalid_text("patch", patch.dump(), problem)});
  }
  object["kind"] = resource.kind;
  object["apiVersion"] = resource.api_version();
  const std::string name = text_at(object, {"metadata", "name"});
  if (name.empty()) throw bad_request("the name of the object (" + request.info.name + " based on URL) was undeterminable: name must be provided");
  if (name != request.info.name) throw bad_request("the name of the object (" + name + ") does not match the name on the URL (" + request.info.name + ")");
  const std::string where = text_at(object, {"metadata", "namespace"});
  if (resource.namespaced && !where.empty() && where != request.info.object_namespace) {
    throw bad_request("the namespace of the provided object does not match the namespace sent on the request");
  }
  // A patch need not carry the version; one that does must match.
  const std::string validation = query_value(request.query, "fieldValidation");
  FieldComplaints complaints;
  FieldComplaints* const wanted = validation == "Ignore" ? nullptr : &complaints;
  try {
    if (resource.custom) {
      canonicalise(object["metadata"], *Schema::instance().find("meta.v1.ObjectMeta"), wanted, "metadata");
      prune_and_default(object, resource, wanted);
    } else {
      canonicalise(object, *resource.type, wanted);
    }
  } catch (const DecodeError& error) {
    throw invalid("", "", "", {invalid_value("patch", patch.dump(), error.what())});
  }
  if (!complaints.empty()) {
    if (validation == "Strict") throw invalid("", "", "", {invalid_value("patch", patch.dump(), "strict decoding error: " + joined(complaints))});
    request.warnings = complaints;
  }
  if (!resource.custom) apply_defaults(object, resource);
  return object;
}

Task<Answer> ApiServer::patch(Request& request) {
  read_write_options(request, "PatchOptions");
  const Resource& resource = *request.resource;
  std::string type(request.http.headers.get("Content-Type"));
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  if (type == "application/apply-patch+yaml") co_return co_await server_side_apply(request);
  const bool strategic = type == "application/strategic-merge-patch+json";
  if (type != "application/json-patch+json" && type != "application/merge-patch+json" && (!strategic || resource.custom)) {
    ApiError error(415, "UnsupportedMediaType", "415: Unsupported Media Type");
    error.details = Json::object();
    if (strategic) {
      error.message = "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
      error.details = nullptr;
    }
    throw error;
  }
  Json patch;
  std::string failure;
  try {
    patch = read_json(request.http.body);
  } catch (const DecodeError& error) {
    failure = error.what();
  }
  if (!failure.empty()) throw bad_request("error decoding patch: " + failure);
  Mutation mutation = [this, &request, &patch, &type](const ObjectPtr& present) -> Change {
    if (!present) throw not_found(*request.resource, request.info.name);
    return change_object(request, present, patched(request, present, type, patch), false);
  };
  const ObjectPtr changed = co_await write_changed(request, std::move(mutation));
  co_return show(request, changed, 200);
}

}  // namespace skidpad::fakes::kube_apiserver

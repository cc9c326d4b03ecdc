#include "harness/client/kubernetes/object.hpp"

#include "harness/runtime/http/http.hpp"

namespace skidpad::client {

using runtime::bool_at;
using runtime::find;
using runtime::list_at;
using runtime::text_at;
using runtime::WallTime;

namespace {

const std::string no_text;
const Json null_json;
const Json empty_object = Json::object();

/// A text at metadata.KEY without copying it.
const std::string& metadata_text(const Json& object, std::string_view key) {
  if (!object.is_object()) return no_text;
  auto metadata = object.find(std::string_view("metadata"));  // a char pointer would be measured again in each comparison
  if (metadata == object.end() || !metadata->is_object()) return no_text;
  auto value = metadata->find(key);
  if (value == metadata->end() || !value->is_string()) return no_text;
  return value->get_ref<const std::string&>();
}

const Json& metadata_object(const Json& object, const char* key) {
  const Json& value = find(object, {"metadata", key});
  return value.is_object() ? value : empty_object;
}

}  // namespace

std::string ResourceType::path(std::string_view namespace_name, std::string_view name, std::string_view subresource) const {
  std::string path = group.empty() ? "/api/" : "/apis/" + group + "/";
  path += version;
  if (namespaced() && !namespace_name.empty()) {
    path += "/namespaces/";
    path += namespace_name;
  }
  path += "/";
  path += plural;
  if (!name.empty()) {
    path += "/";
    path += runtime::percent_encode(name);
  }
  if (!subresource.empty()) {
    path += "/";
    path += subresource;
  }
  return path;
}

const std::string& name_of(const Json& object) { return metadata_text(object, "name"); }
const std::string& namespace_of(const Json& object) { return metadata_text(object, "namespace"); }
const std::string& uid_of(const Json& object) { return metadata_text(object, "uid"); }
const std::string& resource_version_of(const Json& object) { return metadata_text(object, "resourceVersion"); }

std::string make_key(std::string_view namespace_name, std::string_view name) {
  std::string key;
  key.reserve(namespace_name.size() + name.size() + 1);
  if (!namespace_name.empty()) {
    key += namespace_name;
    key += '/';
  }
  key += name;
  return key;
}

std::string key_of(const Json& object) { return make_key(namespace_of(object), name_of(object)); }

NamespacedName split_key(std::string_view key) {
  NamespacedName split;
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) {
    split.name = std::string(key);
  } else {
    split.namespace_name = std::string(key.substr(0, slash));
    split.name = std::string(key.substr(slash + 1));
  }
  return split;
}

const Json& labels_of(const Json& object) { return metadata_object(object, "labels"); }
const Json& annotations_of(const Json& object) { return metadata_object(object, "annotations"); }

std::string annotation(const Json& object, const std::string& name) { return text_at(object, {"metadata", "annotations", name}); }

bool is_deleting(const Json& object) { return !metadata_text(object, "deletionTimestamp").empty(); }

bool has_finalizer(const Json& object, std::string_view finalizer) {
  for (const Json& one : list_at(object, {"metadata", "finalizers"})) {
    if (one.is_string() && one.get_ref<const std::string&>() == finalizer) return true;
  }
  return false;
}

std::optional<WallTime> time_at(const Json& object, std::initializer_list<std::string_view> path) {
  const Json& value = find(object, path);
  WallTime time;
  if (!value.is_string() || !runtime::parse_rfc3339(value.get_ref<const std::string&>(), time)) return std::nullopt;
  return time;
}

const Json& controller_of(const Json& object) {
  for (const Json& owner : list_at(object, {"metadata", "ownerReferences"})) {
    if (bool_at(owner, {"controller"})) return owner;
  }
  return null_json;
}

bool is_controlled_by(const Json& object, const Json& owner) {
  const Json& reference = controller_of(object);
  return reference.is_object() && text_at(reference, {"uid"}) == uid_of(owner);
}

Json owner_reference(const Json& owner, const ResourceType& owner_type) {
  Json reference = Json::object();
  reference["apiVersion"] = owner_type.api_version();
  reference["kind"] = owner_type.kind;
  reference["name"] = name_of(owner);
  reference["uid"] = uid_of(owner);
  return reference;
}

Json controller_reference(const Json& owner, const ResourceType& owner_type) {
  Json reference = owner_reference(owner, owner_type);
  reference["controller"] = true;
  reference["blockOwnerDeletion"] = true;
  return reference;
}

Json object_reference(const Json& object, const ResourceType& type) {
  Json reference = Json::object();
  reference["kind"] = type.kind;
  reference["apiVersion"] = type.api_version();
  reference["name"] = name_of(object);
  if (!namespace_of(object).empty()) reference["namespace"] = namespace_of(object);
  if (!uid_of(object).empty()) reference["uid"] = uid_of(object);
  if (!resource_version_of(object).empty()) reference["resourceVersion"] = resource_version_of(object);
  return reference;
}

const Json& condition_of(const Json& object, std::string_view type) {
  for (const Json& condition : list_at(object, {"status", "conditions"})) {
    const Json& name = find(condition, {"type"});
    if (name.is_string() && name.get_ref<const std::string&>() == type) return condition;
  }
  return null_json;
}

std::string condition_status(const Json& object, std::string_view type) { return text_at(condition_of(object, type), {"status"}); }

bool set_condition(Json& conditions, std::string_view type, std::string_view status, std::string_view reason, std::string_view message,
                   WallTime now) {
  if (!conditions.is_array()) conditions = Json::array();
  for (Json& condition : conditions) {
    if (text_at(condition, {"type"}) != type) continue;
    const bool same_status = text_at(condition, {"status"}) == status;
    if (same_status && text_at(condition, {"reason"}) == reason && text_at(condition, {"message"}) == message) return false;
    condition["status"] = status;
    condition["reason"] = reason;
    condition["message"] = message;
    if (!same_status) condition["lastTransitionTime"] = runtime::format_rfc3339(now);
    return true;
  }
  Json condition = Json::object();
  condition["type"] = type;
  condition["status"] = status;
  if (!reason.empty()) condition["reason"] = reason;
  if (!message.empty()) condition["message"] = message;
  condition["lastTransitionTime"] = runtime::format_rfc3339(now);
  conditions.push_back(std::move(condition));
  return true;
}

bool is_pod_ready(const Json& pod) { return condition_status(pod, "Ready") == "True"; }

bool is_pod_finished(const Json& pod) {
  const Json& phase = find(pod, {"status", "phase"});
  return phase == "Succeeded" || phase == "Failed";
}

bool is_pod_active(const Json& pod) { return !is_pod_finished(pod) && !is_deleting(pod); }
bool is_node_ready(const Json& node) { return condition_status(node, "Ready") == "True"; }

bool is_pod_available(const Json& pod, std::int64_t min_ready_seconds, WallTime now, std::optional<WallTime>* available_at) {
  const Json& ready = condition_of(pod, "Ready");
  if (text_at(ready, {"status"}) != "True") return false;
  if (min_ready_seconds == 0) return true;
  const auto since = time_at(ready, {"lastTransitionTime"});
  if (!since) return false;
  const WallTime counts_at = *since + std::chrono::seconds(min_ready_seconds);
  if (counts_at <= now) return true;
  if (available_at != nullptr) *available_at = counts_at;
  return false;
}

bool tolerates(const Json& tolerations, const Json& taint) {
  const std::string key = text_at(taint, {"key"});
  const std::string value = text_at(taint, {"value"});
  const std::string effect = text_at(taint, {"effect"});
  if (!tolerations.is_array()) return false;
  for (const Json& toleration : tolerations) {
    const std::string wanted_effect = text_at(toleration, {"effect"});
    if (!wanted_effect.empty() && wanted_effect != effect) continue;
    const std::string wanted_key = text_at(toleration, {"key"});
    if (!wanted_key.empty() && wanted_key != key) continue;
    const std::string operation = text_at(toleration, {"operator"}, "Equal");
    if (operation == "Exists") return true;
    if (wanted_key.empty()) continue;  // an empty key needs Exists
    if (text_at(toleration, {"value"}) == value) return true;
  }
  return false;
}

}  // namespace skidpad::client

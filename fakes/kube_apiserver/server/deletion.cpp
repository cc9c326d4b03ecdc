// Deletion: options, graceful deletion of pods, finalizers, propagation, collections.
#include "fakes/kube_apiserver/api/conversion.hpp"
#include "fakes/kube_apiserver/api/protobuf.hpp"
#include "fakes/kube_apiserver/api/selector.hpp"
#include "fakes/kube_apiserver/api/utf8.hpp"
#include "fakes/kube_apiserver/crd/custom_resources.hpp"
#include "fakes/kube_apiserver/api/validation.hpp"
#include "fakes/kube_apiserver/server/api_server.hpp"
#include "harness/runtime/yaml.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

constexpr const char* orphan = "orphan";
constexpr const char* foreground = "foregroundDeletion";

bool has_finalizer(const Json& object, std::string_view name) {
  const Json& finalizers = list_at(object, {"metadata", "finalizers"});
  return std::find(finalizers.begin(), finalizers.end(), name) != finalizers.end();
}

/// Puts the finalizers on that the garbage collector works by. True if that changed something.
bool set_collection_finalizers(Json& object, const Resource& resource, const DeleteOptions& options) {
  bool keep_dependents = has_finalizer(object, orphan) || rules_of(resource).orphans_by_default;
  bool wait_for_dependents = has_finalizer(object, foreground);
  if (!options.propagation.empty()) {
    keep_dependents = options.propagation == "Orphan";
    wait_for_dependents = options.propagation == "Foreground";
  }
  Json finalizers = Json::array();
  for (const Json& finalizer : list_at(object, {"metadata", "finalizers"})) {
    if (finalizer != orphan && finalizer != foreground) finalizers.push_back(finalizer);
  }
  if (keep_dependents) finalizers.push_back(orphan);
  if (wait_for_dependents) finalizers.push_back(foreground);
  const bool changed = has_finalizer(object, orphan) != keep_dependents || has_finalizer(object, foreground) != wait_for_dependents;
  if (!changed) return false;
  if (finalizers.empty()) {
    object["metadata"].erase("finalizers");
  } else {
    object["metadata"]["finalizers"] = std::move(finalizers);
  }
  return true;
}

void count_generation(Json& object) {
  const std::int64_t generation = integer_at(object, {"metadata", "generation"});
  if (generation > 0) object["metadata"]["generation"] = generation + 1;
}

enum class Grace { none, set, pending };

/// Marks a pod for graceful deletion, or shortens the time it has.
Grace mark_gracefully(Json& object, const Resource& resource, const DeleteOptions& options, runtime::WallTime now) {
  if (resource.kind != "Pod" || !resource.group.empty()) return Grace::none;
  Json& metadata = object["metadata"];
  if (!find(metadata, {"deletionTimestamp"}).is_null()) {
    const Json& present = find(metadata, {"deletionGracePeriodSeconds"});
    if (!present.is_number()) return Grace::none;
    if (!options.grace_seconds || *options.grace_seconds >= present.get<std::int64_t>()) return Grace::pending;
    runtime::WallTime due;
    (void)runtime::parse_rfc3339(text_at(metadata, {"deletionTimestamp"}), due);
    due += std::chrono::seconds(*options.grace_seconds - present.get<std::int64_t>());
    metadata["deletionTimestamp"] = runtime::format_rfc3339(due);
    metadata["deletionGracePeriodSeconds"] = *options.grace_seconds;
    return Grace::set;
  }
  std::int64_t grace = options.grace_seconds ? *options.grace_seconds : integer_at(object, {"spec", "terminationGracePeriodSeconds"}, 30);
  const std::string phase = text_at(object, {"status", "phase"});
  if (text_at(object, {"spec", "nodeName"}).empty() || phase == "Failed" || phase == "Succeeded") grace = 0;
  if (grace < 0) grace = 1;
  metadata["deletionTimestamp"] = runtime::format_rfc3339(now + std::chrono::seconds(grace));
  metadata["deletionGracePeriodSeconds"] = grace;
  count_generation(object);
  return Grace::set;
}

}  // namespace

DeleteOptions ApiServer::read_delete_options(Request& request) {
  DeleteOptions options;
  Json body;
  if (!request.http.body.empty()) {
    const MediaType media = body_type(request.http.headers.get("Content-Type"));
    std::string failure;
    try {
      if (media == MediaType::yaml) {
        auto parsed = runtime::parse_yaml(mended_utf8(request.http.body));
        if (!parsed) throw DecodeError(parsed.error().message);
        body = std::move(parsed.value());
      } else if (media == MediaType::json) {
        body = read_json(request.http.body);
      } else {
        body = decode_protobuf(request.http.body, Schema::instance().find("meta.v1.DeleteOptions"));
      }
      if (!body.is_object()) throw DecodeError("not an object");
    } catch (const DecodeError& error) {
      failure = error.what();
    }
    if (!failure.empty()) throw bad_request("the object provided is unrecognized (must be of type DeleteOptions): couldn't get version/kind; json parse error: " + failure);
    const std::string kind = text_at(body, {"kind"}, "DeleteOptions");
    if (kind != "DeleteOptions") throw plain_error("no kind " + in_quotes(kind) + " is registered for version " + in_quotes(text_at(body, {"apiVersion"})) + " in scheme \"pkg/api/legacyscheme/scheme.go:30\"");
    canonicalise(body, *Schema::instance().find("meta.v1.DeleteOptions"), nullptr);
  }
  if (find(body, {"gracePeriodSeconds"}).is_number()) options.grace_seconds = integer_at(body, {"gracePeriodSeconds"});
  options.propagation = text_at(body, {"propagationPolicy"});
  options.uid = text_at(body, {"preconditions", "uid"});
  options.resource_version = text_at(body, {"preconditions", "resourceVersion"});
  std::vector<std::string> dry_run;
  for (const Json& value : list_at(body, {"dryRun"})) dry_run.push_back(value.get<std::string>());
  const bool orphans_given = find(body, {"orphanDependents"}).is_boolean();
  if (orphans_given && options.propagation.empty()) options.propagation = runtime::bool_at(body, {"orphanDependents"}) ? "Orphan" : "Background";
  const std::string grace = query_value(request.query, "gracePeriodSeconds");
  if (!grace.empty() && !options.grace_seconds) {
    if (grace.find_first_not_of("-0123456789") != std::string::npos) throw bad_request("strconv.ParseInt: parsing " + in_quotes(grace) + ": invalid syntax");
    options.grace_seconds = std::strtoll(grace.c_str(), nullptr, 10);
  }
  if (options.grace_seconds && *options.grace_seconds < 0) options.grace_seconds = 1;
  if (query_has(request.query, "propagationPolicy") && options.propagation.empty()) options.propagation = query_value(request.query, "propagationPolicy");
  if (query_has(request.query, "orphanDependents") && options.propagation.empty()) options.propagation = query_flag(request.query, "orphanDependents") ? "Orphan" : "Background";
  if (query_has(request.query, "dryRun")) dry_run.push_back(query_value(request.query, "dryRun"));
  FieldErrors errors;
  if (orphans_given && !text_at(body, {"propagationPolicy"}).empty()) {
    errors.push_back(invalid_text("propagationPolicy", options.propagation, "orphanDependents and deletionPropagation cannot be both set"));
  }
  if (!options.propagation.empty() && options.propagation != "Orphan" && options.propagation != "Foreground" && options.propagation != "Background") {
    errors.push_back(unsupported_value("propagationPolicy", in_quotes(options.propagation), {"Foreground", "Background", "Orphan", "nil"}));
  }
  for (const std::string& value : dry_run) {
    if (value != "All") errors.push_back(unsupported_value("dryRun", "[]string{" + in_quotes(value) + "}", {"All"}));
  }
  if (!errors.empty()) throw invalid("meta.k8s.io", "DeleteOptions", "", errors);
  options.dry_run = !dry_run.empty();
  request.dry_run = options.dry_run;
  return options;
}

/// Deletes one object as far as it goes now. The value is what the client is told; `removed` says whether the object is gone.
Task<Json> ApiServer::remove_object(Request& request, const std::string& key, const DeleteOptions& options, bool& removed) {
  const Resource& resource = *request.resource;
  const std::string name = key.substr(key.rfind('/') + 1);
  removed = false;
  for (int attempt = 0; attempt < 100; ++attempt) {
    const ObjectPtr present = co_await store_.read(key);
    if (!present) throw not_found(resource, name);
    const Json& value = present->value();
    const std::string uid = text_at(value, {"metadata", "uid"});
    if (!options.uid.empty() && options.uid != uid) {
      Resource by_kind = resource;
      by_kind.plural = resource.kind;
      throw conflict(by_kind, name, "the UID in the precondition (" + options.uid + ") does not match the UID in record (" + uid + "). The object might have been deleted and then recreated");
    }
    if (!options.resource_version.empty() && options.resource_version != std::to_string(present->revision())) {
      Resource by_kind = resource;
      by_kind.plural = resource.kind;
      throw conflict(by_kind, name, "the ResourceVersion in the precondition (" + options.resource_version + ") does not match the ResourceVersion in record (" +
                                        std::to_string(present->revision()) + "). The object might have been modified");
    }
    if (attempt == 0 && (has_policies() || has_webhooks())) {
      const Json shown = in_version(request, value);
      admit_by_policies(request, "DELETE", Json(), shown);
      if (has_webhooks()) co_await admit_by_webhooks(request, "DELETE", Json(), shown);
    }
    Json next = value;
    bool delete_now = true;
    if (resource.kind == "Namespace" && resource.group.empty()) {
      if (find(next, {"metadata", "deletionTimestamp"}).is_null()) next["metadata"]["deletionTimestamp"] = now_text();
      next["status"]["phase"] = "Terminating";
      delete_now = list_at(next, {"spec", "finalizers"}).empty() && list_at(next, {"metadata", "finalizers"}).empty();
    } else {
      if (resource.kind == "CustomResourceDefinition" && find(next, {"metadata", "deletionTimestamp"}).is_null()) {
        Json& finalizers = next["metadata"]["finalizers"];
        if (!finalizers.is_array()) finalizers = Json::array();
        finalizers.push_back(custom_cleanup);
      }
      const Grace grace = mark_gracefully(next, resource, options, runtime_.wall_now());
      // Already without grace and held by nothing: a server that was stopped between the mark and the removal left it so.
      const bool cut_short = grace == Grace::pending && integer_at(next, {"metadata", "deletionGracePeriodSeconds"}, -1) == 0 && list_at(next, {"metadata", "finalizers"}).empty();
      if (grace == Grace::pending && !cut_short) co_return value;
      set_collection_finalizers(next, resource, options);
      const bool held = !list_at(next, {"metadata", "finalizers"}).empty();
      if (grace == Grace::none && held) {
        if (find(next, {"metadata", "deletionTimestamp"}).is_null()) {
          next["metadata"]["deletionTimestamp"] = now_text();
          count_generation(next);
        }
        next["metadata"]["deletionGracePeriodSeconds"] = 0;
      }
      if (grace == Grace::none && !held) next = value;
      delete_now = !held && (grace == Grace::none || integer_at(next, {"metadata", "deletionGracePeriodSeconds"}) == 0);
    }
    if (options.dry_run) {
      removed = delete_now;
      co_return next;
    }
    ObjectPtr state = present;
    if (next != value) {
      client::TxnRequest marking;
      WriteExtras extras;
      Mutation mutation = [&](const ObjectPtr& now) -> Change {
        if (!now || now->revision() != present->revision()) throw conflict(resource, name, "changed");
        return Change(next);
      };
      bool raced = false;
      try {
        state = co_await store_.update(key, mutation, std::move(extras));
      } catch (const ApiError& error) {
        if (error.code != 409) throw;
        raced = true;
      }
      if (raced) continue;
    }
    if (!delete_now) co_return state->value();
    WriteExtras extras;
    if (resource.kind == "Service" && resource.group.empty()) extras = co_await service_extras(nullptr, &state->value());
    const Revision gone_at = co_await store_.remove(state, std::move(extras));
    if (gone_at == 0) continue;
    removed = true;
    co_return state->at_revision(gone_at)->value();
  }
  throw plain_error("too many conflicting writes to " + key);
}

Task<Answer> ApiServer::remove(Request& request) {
  const Resource& resource = *request.resource;
  const DeleteOptions options = read_delete_options(request);
  const std::string name = request.info.name;
  if (resource.kind == "Namespace" && resource.group.empty() && (name == "default" || name == "kube-system" || name == "kube-public")) {
    throw forbidden("", "namespaces", name, "this namespace may not be deleted");
  }
  if (resource.kind == "Pod" && options_.node_restriction) {
    const ObjectPtr pod = store_.cached(request.key());
    if (pod) admit_update(request, pod->value(), pod->value());
  }
  if (resource.kind == "Job" && options.propagation.empty()) {
    request.warnings.push_back(
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this "
        "warning");
  }
  bool removed = false;
  const std::string key = request.key();
  Json last = co_await remove_object(request, key, options, removed);
  if (removed && !rules_of(resource).returns_deleted) {
    co_return encode_answer(request, success_status(resource, name, text_at(last, {"metadata", "uid"})), 200);
  }
  from_storage(last, resource);
  const bool accepted = !removed && options.propagation == "Foreground" && false;
  co_return show_value(request, last, accepted ? 202 : 200);
}

Task<Answer> ApiServer::remove_collection(Request& request) {
  const Resource& resource = *request.resource;
  const DeleteOptions options = read_delete_options(request);
  const LabelSelector labels = LabelSelector::parse(query_value(request.query, "labelSelector"));
  const FieldSelector fields = FieldSelector::parse(query_value(request.query, "fieldSelector"), resource);
  const Revision revision = co_await store_.wait_until_fresh();
  Json list = {{"kind", resource.list_kind}, {"apiVersion", resource.api_version()}, {"metadata", {{"resourceVersion", std::to_string(revision)}}}, {"items", Json::array()}};
  const std::string prefix = request.scope_prefix();
  for (const ObjectPtr& object : store_.cached_list(prefix)) {
    const Json shown = in_version(request, object->value());
    if (!labels.matches(find(shown, {"metadata", "labels"})) || !fields.matches(shown, resource)) continue;
    bool removed = false;
    bool missing = false;
    try {
      (void)co_await remove_object(request, object->key(), options, removed);
    } catch (const ApiError& error) {
      if (error.code != 404) throw;
      missing = true;
    }
    if (missing) continue;
    Json item = shown;
    item.erase("kind");
    item.erase("apiVersion");
    list["items"].push_back(std::move(item));
  }
  co_return encode_answer(request, list, 200);
}

}  // namespace skidpad::fakes::kube_apiserver

// status, scale, binding, eviction, token and the like.
#include "fakes/kube_apiserver/api/conversion.hpp"
#include "fakes/kube_apiserver/api/patch.hpp"
#include "fakes/kube_apiserver/api/selector.hpp"
#include "fakes/kube_apiserver/crd/custom_definition.hpp"
#include "fakes/kube_apiserver/crd/custom_resources.hpp"
#include "fakes/kube_apiserver/crd/structural_schema.hpp"
#include "fakes/kube_apiserver/server/api_server.hpp"
#include "fakes/kube_apiserver/server/table_cells.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

const Resource& pods() {
  static const Resource* const resource = find_built_in("", "v1", "pods");
  return *resource;
}

/// A Resource under another plural, for messages: "deployments/scale.apps".
Resource named(const Resource& resource, const std::string& plural) {
  Resource copy = resource;
  copy.plural = plural;
  return copy;
}

void set_condition(Json& status, Json condition, const std::string& now) {
  condition["lastProbeTime"] = nullptr;
  condition["lastTransitionTime"] = now;
  for (Json& each : status["conditions"]) {
    if (text_at(each, {"type"}) != text_at(condition, {"type"})) continue;
    if (text_at(each, {"status"}) == text_at(condition, {"status"})) condition["lastTransitionTime"] = each["lastTransitionTime"];
    each = std::move(condition);
    return;
  }
  status["conditions"].push_back(std::move(condition));
}

bool pod_is_ready(const Json& pod) {
  for (const Json& condition : list_at(pod, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) == "Ready") return text_at(condition, {"status"}) == "True";
  }
  return false;
}

/// ".spec.replicas" -> pointer.
Json::json_pointer pointer_of(std::string path) {
  for (char& c : path) c = c == '.' ? '/' : c;
  return Json::json_pointer(path);
}

}  // namespace

Task<Answer> ApiServer::subresource(Request& request) {
  const std::string& sub = request.info.subresource;
  const std::string& verb = request.info.verb;
  if (sub == "scale") co_return co_await scale(request);
  if (sub == "binding") co_return co_await bind(request);
  if (sub == "eviction") co_return co_await evict(request);
  if (sub == "token") co_return co_await create_token(request);
  if (verb == "get") co_return co_await get(request);
  if (verb == "update") co_return co_await replace(request);
  if (verb == "patch") co_return co_await patch(request);
  throw method_not_allowed();
}

Task<Answer> ApiServer::bind(Request& request) {
  read_write_options(request, "CreateOptions");
  Json binding = decode_body(request, Schema::instance().find("core.v1.Binding"), "v1", "Binding", false);
  const std::string in_body = text_at(binding, {"metadata", "name"});
  if (request.info.subresource.empty()) {
    request.info.name = in_body;
  } else if (in_body != request.info.name) {
    throw bad_request("name in URL does not match name in Binding object");
  }
  const std::string kind = text_at(binding, {"target", "kind"});
  if (!kind.empty() && kind != "Node") throw plain_error("target.kind: Unsupported value: " + in_quotes(kind) + ": supported values: \"Node\", \"<empty>\"");
  const std::string node = text_at(binding, {"target", "name"});
  if (node.empty()) throw plain_error("target.name: Required value");
  const std::string name = request.info.name;
  std::string key = pods().storage_key(request.info.object_namespace, name);
  const std::string now = now_text();
  Mutation mutation = [&](const ObjectPtr& present) -> Change {
    if (!present) throw not_found(pods(), name);
    Json pod = present->value();
    const std::string uid = text_at(binding, {"metadata", "uid"});
    const std::string pod_uid = text_at(pod, {"metadata", "uid"});
    if (!uid.empty() && uid != pod_uid) {
      throw conflict(pods(), name, "StorageError: invalid object, Code: 4, Key: " + key + ", ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: " + uid + ", UID in object meta: " + pod_uid);
    }
    const Resource pods_binding = named(pods(), "pods/binding");
    if (!find(pod, {"metadata", "deletionTimestamp"}).is_null()) throw conflict(pods_binding, name, "pod " + name + " is being deleted, cannot be assigned to a host");
    const std::string assigned = text_at(pod, {"spec", "nodeName"});
    if (!assigned.empty()) throw conflict(pods_binding, name, "pod " + name + " is already assigned to node " + in_quotes(assigned));
    if (!list_at(pod, {"spec", "schedulingGates"}).empty()) throw conflict(pods_binding, name, "pod " + name + " has non-empty .spec.schedulingGates");
    pod["spec"]["nodeName"] = node;
    for (const auto& [annotation, value] : list_at(binding, {"metadata", "annotations"}).items()) pod["metadata"]["annotations"][annotation] = value;
    set_condition(pod["status"], {{"type", "PodScheduled"}, {"status", "True"}}, now);
    return Change(std::move(pod));
  };
  if (request.dry_run) {
    (void)mutation(co_await store_.read(key));
  } else {
    WriteExtras extras;
    (void)co_await store_.update(key, mutation, std::move(extras));
  }
  co_return Answer(201, encode_object(status_with("Success", 201)) + "\n");
}

Task<Answer> ApiServer::evict(Request& request) {
  read_write_options(request, "CreateOptions");
  // Clients before v1.22 send the Eviction of policy/v1beta1, which is still taken.
  const auto sent = runtime::parse_json(request.http.body);
  std::string version = "policy/v1";
  if (sent && text_at(sent.value(), {"apiVersion"}) == "policy/v1beta1") version = "policy/v1beta1";
  const Json eviction = decode_body(request, Schema::instance().find("policy.v1.Eviction"), version, "Eviction", false);
  const std::string name = request.info.name;
  if (text_at(eviction, {"metadata", "name"}) != name) throw bad_request("name in URL does not match name in Eviction object: " + text_at(eviction, {"metadata", "name"}) + " does not match " + name);
  DeleteOptions options;
  options.dry_run = request.dry_run || !list_at(eviction, {"deleteOptions", "dryRun"}).empty();
  if (find(eviction, {"deleteOptions", "gracePeriodSeconds"}).is_number()) options.grace_seconds = integer_at(eviction, {"deleteOptions", "gracePeriodSeconds"});
  options.uid = text_at(eviction, {"deleteOptions", "preconditions", "uid"});
  options.resource_version = text_at(eviction, {"deleteOptions", "preconditions", "resourceVersion"});
  const std::string key = pods().storage_key(request.info.object_namespace, name);
  Answer success(201, encode_object(status_with("Success", 201)) + "\n");
  const ObjectPtr pod = co_await store_.read(key);
  if (!pod) throw not_found(pods(), name);
  const Json& value = pod->value();
  const std::string phase = text_at(value, {"status", "phase"});
  const bool at_once = phase == "Succeeded" || phase == "Failed" || phase == "Pending" || !find(value, {"metadata", "deletionTimestamp"}).is_null();
  std::vector<ObjectPtr> budgets;
  if (!at_once) {
    (void)co_await store_.wait_until_fresh();
    store_.visit("/registry/poddisruptionbudgets/" + request.info.object_namespace + "/", [&](const ObjectPtr& budget) {
      const Json& selector = find(budget->value(), {"spec", "selector"});
      if (LabelSelector::from_object(selector).matches(find(value, {"metadata", "labels"}))) budgets.push_back(budget);
    });
  }
  // A pod that is not ready does not count as healthy: it may go while the others suffice, or at any time where the budget says so.
  if (budgets.size() == 1 && !pod_is_ready(value)) {
    const Json& budget = budgets[0]->value();
    const std::int64_t wanted = integer_at(budget, {"status", "desiredHealthy"});
    const bool enough = wanted > 0 && integer_at(budget, {"status", "currentHealthy"}) >= wanted;
    if (text_at(budget, {"spec", "unhealthyPodEvictionPolicy"}) == "AlwaysAllow" || enough) budgets.clear();
  }
  if (budgets.size() > 1) throw plain_error("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
  if (budgets.size() == 1) {
    const std::string budget_name(budgets[0]->name());
    const auto refuse = [&](const std::string& why, int retry_after) {
      ApiError error(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.");
      error.details = {{"causes", Json::array({{{"reason", "DisruptionBudget"}, {"message", why}}})}};
      error.retry_after_seconds = retry_after;
      return error;
    };
    const std::string now = now_text();
    Mutation mutation = [&](const ObjectPtr& present) -> Change {
      if (!present) return Change(Json::object());
      Json budget = present->value();
      Json& status = budget["status"];
      if (integer_at(status, {"observedGeneration"}) < integer_at(budget, {"metadata", "generation"})) {
        throw refuse("The disruption budget " + budget_name + " is still being processed by the server.", 10);
      }
      const std::int64_t allowed = integer_at(status, {"disruptionsAllowed"});
      if (allowed <= 0) {
        throw refuse("The disruption budget " + budget_name + " needs " + std::to_string(integer_at(status, {"desiredHealthy"})) + " healthy pods and has " +
                         std::to_string(integer_at(status, {"currentHealthy"})) + " currently", 0);
      }
      status["disruptionsAllowed"] = allowed - 1;
      if (allowed == 1) {
        Json condition = {{"type", "DisruptionAllowed"}, {"status", "False"}, {"reason", "InsufficientPods"}, {"message", ""}, {"observedGeneration", integer_at(status, {"observedGeneration"})}, {"lastTransitionTime", now}};
        bool replaced = false;
        for (Json& each : status["conditions"]) {
          if (text_at(each, {"type"}) != "DisruptionAllowed") continue;
          each = condition;
          replaced = true;
        }
        if (!replaced) status["conditions"].push_back(std::move(condition));
      }
      status["disruptedPods"][name] = now;
      return Change(std::move(budget));
    };
    const std::string budget_key = budgets[0]->key();
    if (options.dry_run) {
      (void)mutation(co_await store_.read(budget_key));
    } else {
      WriteExtras extras;
      (void)co_await store_.update(budget_key, mutation, std::move(extras));
    }
  }
  if (options.dry_run) co_return success;
  if (find(value, {"metadata", "deletionTimestamp"}).is_null()) {
    const std::string now = now_text();
    Mutation mark = [&](const ObjectPtr& present) -> Change {
      if (!present) throw not_found(pods(), name);
      Json marked = present->value();
      set_condition(marked["status"], {{"type", "DisruptionTarget"}, {"status", "True"}, {"reason", "EvictionByEvictionAPI"}, {"message", "Eviction API: evicting"}}, now);
      return Change(std::move(marked));
    };
    WriteExtras extras;
    (void)co_await store_.update(key, mark, std::move(extras));
    options.resource_version.clear();
  }
  bool removed = false;
  (void)co_await remove_object(request, key, options, removed);
  co_return success;
}

Task<Answer> ApiServer::scale(Request& request) {
  const Resource& resource = *request.resource;
  const std::string name = request.info.name;
  const Resource shown = named(resource, resource.plural + "/scale");
  const std::string replicas_path = resource.custom ? text_at(resource.custom->scale, {"specReplicasPath"}) : ".spec.replicas";
  const std::string status_path = resource.custom ? text_at(resource.custom->scale, {"statusReplicasPath"}) : ".status.replicas";
  const auto scale_of = [&](const Json& object) {
    Json metadata = Json::object();
    for (const char* key : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) metadata[key] = find(object, {"metadata", key});
    Json made = {{"kind", "Scale"}, {"apiVersion", "autoscaling/v1"}, {"metadata", metadata}, {"spec", Json::object()}, {"status", Json::object()}};
    const auto number_at = [&](const std::string& path) {
      const auto pointer = pointer_of(path);
      return object.contains(pointer) && object.at(pointer).is_number() ? object.at(pointer).get<std::int64_t>() : std::int64_t{0};
    };
    if (number_at(replicas_path) != 0) made["spec"]["replicas"] = number_at(replicas_path);
    made["status"]["replicas"] = number_at(status_path);
    std::string selector;
    if (resource.custom) {
      const std::string path = text_at(resource.custom->scale, {"labelSelectorPath"});
      if (!path.empty() && object.contains(pointer_of(path)) && object.at(pointer_of(path)).is_string()) selector = object.at(pointer_of(path)).get<std::string>();
    } else if (resource.kind == "ReplicationController") {
      selector = selector_text({{"matchLabels", find(object, {"spec", "selector"})}}, "");
    } else {
      selector = selector_text(find(object, {"spec", "selector"}), "");
    }
    if (!selector.empty()) made["status"]["selector"] = selector;
    return made;
  };
  if (request.info.verb == "get") {
    (void)co_await store_.wait_until_fresh();
    const ObjectPtr present = store_.cached(request.key());
    if (!present) throw not_found(shown, name);
    co_return encode_answer(request, scale_of(present->value()), 200);
  }
  read_write_options(request, request.info.verb == "update" ? "UpdateOptions" : "PatchOptions");
  Json given;
  std::string type;
  if (request.info.verb == "update") {
    given = decode_body(request, Schema::instance().find("autoscaling.v1.Scale"), "autoscaling/v1", "Scale", false);
  } else {
    type = std::string(request.http.headers.get("Content-Type"));
    type = type.substr(0, type.find(';'));
    if (type != "application/json-patch+json" && type != "application/merge-patch+json" && type != "application/strategic-merge-patch+json") {
      ApiError error(415, "UnsupportedMediaType", "415: Unsupported Media Type");
      error.details = Json::object();
      throw error;
    }
    given = read_json(request.http.body);
  }
  Mutation mutation = [&](const ObjectPtr& present) -> Change {
    if (!present) throw not_found(shown, name);
    Json wanted = given;
    if (!type.empty()) {
      wanted = scale_of(present->value());
      if (type == "application/json-patch+json") {
        wanted = apply_json_patch(std::move(wanted), given);
      } else if (type == "application/merge-patch+json") {
        apply_merge_patch(wanted, given);
      } else {
        apply_strategic_patch(wanted, given, *Schema::instance().find("autoscaling.v1.Scale"));
      }
    }
    const std::string version = text_at(wanted, {"metadata", "resourceVersion"});
    const std::int64_t replicas = integer_at(wanted, {"spec", "replicas"});
    if (replicas < 0 && resource.custom) {
      Json wrong = present->value();
      wrong[pointer_of(replicas_path)] = replicas;
      FieldErrors errors = {invalid_value(replicas_path, std::to_string(replicas), "should be a non-negative integer")};
      validate_value(wrong, resource.custom->schema, "", errors);
      throw invalid(resource.group, resource.kind, name, errors);
    }
    if (replicas < 0) throw invalid("autoscaling", "Scale", name, {invalid_value("spec.replicas", std::to_string(replicas), "must be greater than or equal to 0")});
    if (!version.empty() && version != std::to_string(present->revision())) throw conflict(resource, name, object_modified);
    Json object = present->value();
    object[pointer_of(replicas_path)] = replicas;
    if (object == present->value()) return Change(std::move(object));
    if (resource.custom) check_custom(object, present->value(), resource);
    const std::string sub = std::exchange(request.info.subresource, "");
    prepare_for_update(object, present->value(), resource, "");
    request.info.subresource = sub;
    track_fields(object, present->value(), request.manager(), "scale", "", resource);  // the real server writes no time here either
    return Change(std::move(object));
  };
  const ObjectPtr changed = co_await write_changed(request, std::move(mutation));
  co_return encode_answer(request, scale_of(changed->value()), 200);
}

Task<Answer> ApiServer::create_token(Request& request) {
  const std::string name = request.info.name;
  Json wanted = decode_body(request, Schema::instance().find("authentication.v1.TokenRequest"), "authentication.k8s.io/v1", "TokenRequest", false);
  (void)co_await store_.wait_until_fresh();
  const ObjectPtr account = store_.cached(request.key());
  if (!account) throw not_found(*request.resource, name);
  Json& spec = wanted["spec"];
  std::vector<std::string> audiences;
  for (const Json& audience : list_at(spec, {"audiences"})) audiences.push_back(audience.get<std::string>());
  if (audiences.empty()) audiences = authenticator_.options().audiences;
  if (!find(spec, {"expirationSeconds"}).is_number()) spec["expirationSeconds"] = 3600;
  const std::int64_t lifetime = integer_at(spec, {"expirationSeconds"});
  if (lifetime < 600) {
    throw invalid("authentication.k8s.io", "TokenRequest", "", {invalid_value("spec.expirationSeconds", std::to_string(lifetime), "may not specify a duration less than 10 minutes")});
  }
  if (lifetime > std::int64_t{1} << 32) {
    throw invalid("authentication.k8s.io", "TokenRequest", "", {invalid_value("spec.expirationSeconds", std::to_string(lifetime), "may not specify a duration larger than 2^32 seconds")});
  }
  Json bound = find(spec, {"boundObjectRef"});
  if (bound.is_object()) {
    const std::string kind = text_at(bound, {"kind"});
    const Resource* resource = find_built_in_kind(text_at(bound, {"apiVersion"}, "v1"), kind);
    if (resource == nullptr || (kind != "Pod" && kind != "Secret" && kind != "Node")) throw bad_request("cannot bind token to object of type " + text_at(bound, {"apiVersion"}) + ", Kind=" + kind);
    const std::string bound_name = text_at(bound, {"name"});
    const ObjectPtr object = store_.cached(resource->storage_key(request.info.object_namespace, bound_name));
    if (!object) throw not_found(*resource, bound_name);
    const std::string uid = text_at(object->value(), {"metadata", "uid"});
    if (!text_at(bound, {"uid"}).empty() && text_at(bound, {"uid"}) != uid) {
      throw conflict(*resource, bound_name, "the UID in the bound object reference (" + text_at(bound, {"uid"}) + ") does not match the UID in record. The object might have been deleted and then recreated");
    }
    bound["uid"] = uid;
  }
  spec["audiences"] = audiences;
  const std::string token = authenticator_.issue_token(account->value(), audiences, lifetime, bound);
  wanted["metadata"] = {{"name", name}, {"namespace", request.info.object_namespace}, {"creationTimestamp", now_text()}};
  wanted["status"] = {{"token", token}, {"expirationTimestamp", runtime::format_rfc3339(runtime_.wall_now() + std::chrono::seconds(lifetime))}};
  co_return encode_answer(request, wanted, 201);
}

}  // namespace skidpad::fakes::kube_apiserver

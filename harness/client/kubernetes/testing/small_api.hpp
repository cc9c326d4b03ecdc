/// @file small_api.hpp
/// A small API server in memory, for tests of clients and controllers in the simulator: enough of create, read, write, patch,
/// delete, watch and discovery for them to work against, and switches to make it misbehave.
/// Not a fake of the product: no validation, no defaults beyond those named here. See fakes/kube_apiserver.
#pragma once

#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/client/kubernetes/selector.hpp"
#include "harness/runtime/http/http_server.hpp"

namespace skidpad::client::testing {

using runtime::find;
using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

class SmallApi {
 public:
  struct Change {
    std::string collection;
    std::string type;
    Json object;
    std::int64_t version;
  };
  struct Call {
    std::string method;
    std::string target;
    std::string agent;
    std::string body;
  };

  std::map<std::string, std::map<std::string, Json>> collections;   ///< "apps/deployments" -> "NS/NAME" -> object
  std::vector<Change> changes;
  std::vector<Call> writes;
  std::int64_t version = 100;
  std::int64_t compacted = 0;
  std::size_t list_count = 0;
  std::size_t watch_count = 0;
  /// Answers with this status instead, for as long as it says so. 0 = serve.
  std::function<int(const HttpRequest&)> refuse;
  runtime::Event changed;
  std::uint64_t watch_generation = 0;                               ///< a watch of an older one ends

  static std::string collection_of(const ResourceType& type) { return type.group + "/" + type.plural; }
  std::map<std::string, Json>& all(const ResourceType& type) { return collections[collection_of(type)]; }
  const Json* get(const ResourceType& type, const std::string& key) {
    auto& objects = all(type);
    const auto found = objects.find(key);
    return found == objects.end() ? nullptr : &found->second;
  }
  /// As if a client had created it.
  Json& put(const ResourceType& type, Json object) {
    const std::string collection = collection_of(type);
    object["apiVersion"] = type.api_version();
    object["kind"] = type.kind;
    const std::string known_key = key_of(object);
    const auto known = collections[collection].find(known_key);
    if (known != collections[collection].end() && uid_of(object).empty()) object["metadata"]["uid"] = uid_of(known->second);
    complete(collection, object);
    const std::string key = key_of(object);
    store(collection, key, std::move(object), collections[collection].count(key) ? "MODIFIED" : "ADDED");
    return collections[collection][key];
  }
  void erase(const ResourceType& type, const std::string& key) { drop(collection_of(type), key); }
  /// After a change of an object made directly.
  void touch(const ResourceType& type, const std::string& key) {
    const std::string collection = collection_of(type);
    Json object = collections[collection].at(key);
    store(collection, key, std::move(object), "MODIFIED");
  }
  void compact() {
    compacted = version;
    changes.clear();
  }
  void end_watches() {
    ++watch_generation;
    changed.notify_all();
  }

  Task<int> serve(Runtime& runtime, std::uint16_t port = 6443) {
    runtime_ = &runtime;
    runtime::ListenOptions options;
    options.at.port = port;
    auto listener = runtime.network().listen(std::move(options));
    if (!listener) co_return 1;
    runtime::HttpServer server(runtime, [this](const HttpRequest& request, HttpResponder& responder) { return answer(request, responder); });
    co_await server.serve(std::move(listener.value()));
    co_return 0;
  }
  static Kubeconfig kubeconfig(const std::string& address) {
    Kubeconfig config;
    config.servers.push_back("http://" + address + ":6443");
    return config;
  }

 private:
  struct Path {
    std::string collection;
    std::string namespace_name;
    std::string name;
    std::string subresource;
    std::string key() const { return make_key(namespace_name, name); }
  };

  static Path parse_path(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
      if (text.front() == '/') {
        text.remove_prefix(1);
        continue;
      }
      const auto slash = text.find('/');
      parts.emplace_back(text.substr(0, slash));
      text = slash == std::string_view::npos ? "" : text.substr(slash);
    }
    Path path;
    std::size_t at = parts.at(0) == "api" ? 2 : 3;
    const std::string group = parts.at(0) == "api" ? "" : parts.at(1);
    if (at + 2 < parts.size() && parts[at] == "namespaces" && !(group.empty() && (parts[at + 2] == "status" || parts[at + 2] == "finalize"))) {
      path.namespace_name = parts[at + 1];
      at += 2;
    }
    path.collection = group + "/" + (at < parts.size() ? parts[at] : "");
    if (at + 1 < parts.size()) path.name = parts[at + 1];
    if (at + 2 < parts.size()) path.subresource = parts[at + 2];
    return path;
  }

  void complete(const std::string& collection, Json& object) {
    Json& metadata = object["metadata"];
    if (!metadata.contains("name")) metadata["name"] = text_at(metadata, {"generateName"}) + std::to_string(++names_);
    if (!metadata.contains("uid")) metadata["uid"] = "uid-" + std::to_string(++names_);
    if (!metadata.contains("creationTimestamp")) metadata["creationTimestamp"] = runtime::format_rfc3339(now());
    if (!metadata.contains("generation")) metadata["generation"] = 1;
    if (collection == "/pods" && !object.contains("status")) object["status"]["phase"] = "Pending";
    if (collection == "/namespaces" && !object.contains("status")) {
      object["status"]["phase"] = "Active";
      object["spec"]["finalizers"] = Json::array({"kubernetes"});
    }
  }
  WallTime now() const { return runtime_ == nullptr ? WallTime(std::chrono::seconds(1767225600)) : runtime_->wall_now(); }

  void store(const std::string& collection, const std::string& key, Json object, std::string type) {
    object["metadata"]["resourceVersion"] = std::to_string(++version);
    collections[collection][key] = object;
    changes.push_back(Change{collection, std::move(type), std::move(object), version});
    changed.notify_all();
  }
  void drop(const std::string& collection, const std::string& key) {
    Json object = collections[collection].at(key);
    collections[collection].erase(key);
    object["metadata"]["resourceVersion"] = std::to_string(++version);
    changes.push_back(Change{collection, "DELETED", std::move(object), version});
    changed.notify_all();
  }

  static HttpResponse json(int status, const Json& body) {
    HttpResponse response;
    response.status = status;
    response.headers.add("Content-Type", "application/json");
    response.body = body.dump();
    return response;
  }
  static HttpResponse failure(int status, const std::string& reason, const std::string& message) {
    Json body = Json::object();
    body["kind"] = "Status";
    body["apiVersion"] = "v1";
    body["status"] = "Failure";
    body["reason"] = reason;
    body["message"] = message;
    body["code"] = status;
    return json(status, body);
  }

  static void merge_list(Json& list, const Json& patch, const std::string& merge_key) {
    if (!list.is_array()) list = Json::array();
    for (const Json& entry : patch) {
      const Json& wanted = find(entry, {merge_key});
      auto known = std::find_if(list.begin(), list.end(), [&](const Json& one) { return find(one, {merge_key}) == wanted; });
      if (text_at(entry, {"$patch"}) == "delete") {
        if (known != list.end()) list.erase(known);
      } else if (known == list.end()) {
        list.push_back(entry);
      } else {
        known->merge_patch(entry);
      }
    }
  }
  static void strategic_merge(Json& object, const Json& patch) {
    for (const auto& [key, value] : patch.items()) {
      if (value.is_null()) object.erase(key);
      else if (value.is_object()) strategic_merge(object[key].is_object() ? object[key] : (object[key] = Json::object()), value);
      else if (key == "conditions") merge_list(object[key], value, "type");
      else if (key == "ownerReferences") merge_list(object[key], value, "uid");
      else object[key] = value;
    }
  }

  HttpResponse write(const Path& path, Json changed_object) {
    const auto found = collections[path.collection].find(path.key());
    Json& before = found->second;
    const std::string wanted_version = text_at(changed_object, {"metadata", "resourceVersion"});
    if (!wanted_version.empty() && wanted_version != resource_version_of(before)) {
      return failure(409, "Conflict", "the object has been modified; please apply your changes to the latest version and try again");
    }
    const Json known = before;
    if (path.subresource == "status") {
      Json status = find(changed_object, {"status"});
      const Json annotations = find(changed_object, {"metadata", "annotations"});
      changed_object = known;
      changed_object["status"] = std::move(status);
      if (!annotations.is_null()) changed_object["metadata"]["annotations"] = annotations;
    } else if (path.subresource.empty()) {
      if (known.contains("status") && path.collection != "/nodes") changed_object["status"] = known["status"];
      if (find(known, {"spec"}) != find(changed_object, {"spec"})) {
        changed_object["metadata"]["generation"] = integer_at(known, {"metadata", "generation"}) + 1;
      }
    }
    Json same = changed_object;
    same["metadata"]["resourceVersion"] = known["metadata"]["resourceVersion"];
    if (same == known) return json(200, known);
    const bool finished = is_deleting(changed_object) && list_at(changed_object, {"metadata", "finalizers"}).empty() &&
                          (path.collection == "/namespaces" ? list_at(changed_object, {"spec", "finalizers"}).empty()
                                                            : !changed_object["metadata"].contains("deletionGracePeriodSeconds"));
    store(path.collection, path.key(), std::move(changed_object), "MODIFIED");
    const Json stored = collections[path.collection].at(path.key());
    if (finished) drop(path.collection, path.key());
    return json(200, stored);
  }

  HttpResponse remove(const Path& path, const Json& options) {
    const auto found = collections[path.collection].find(path.key());
    if (found == collections[path.collection].end()) return failure(404, "NotFound", "not found");
    Json object = found->second;
    const std::string uid = text_at(options, {"preconditions", "uid"});
    if (!uid.empty() && uid != uid_of(object)) return failure(409, "Conflict", "the UID in the precondition does not match");
    const std::string propagation = text_at(options, {"propagationPolicy"});
    Json& metadata = object["metadata"];
    if (propagation == "Foreground") metadata["finalizers"].push_back("foregroundDeletion");
    if (propagation == "Orphan") metadata["finalizers"].push_back("orphan");
    std::int64_t grace = 0;
    if (path.collection == "/pods" && !text_at(object, {"spec", "nodeName"}).empty() && !is_pod_finished(object)) {
      grace = integer_at(options, {"gracePeriodSeconds"}, integer_at(object, {"spec", "terminationGracePeriodSeconds"}, 30));
    }
    const bool waits = grace > 0 || !list_at(object, {"metadata", "finalizers"}).empty() || path.collection == "/namespaces";
    if (!waits) {
      drop(path.collection, path.key());
      return json(200, object);
    }
    if (!is_deleting(object)) metadata["deletionTimestamp"] = runtime::format_rfc3339(now());
    if (grace > 0) metadata["deletionGracePeriodSeconds"] = grace;
    if (path.collection == "/namespaces") object["status"]["phase"] = "Terminating";
    store(path.collection, path.key(), object, "MODIFIED");
    return json(200, object);
  }

  HttpResponse change(const HttpRequest& request, const Path& path) {
    auto body = runtime::parse_json(request.body.empty() ? "{}" : request.body);
    if (!body) return failure(400, "BadRequest", "bad json");
    if (path.subresource == "binding") {
      Json pod = collections["/pods"].at(path.key());
      if (!text_at(pod, {"spec", "nodeName"}).empty()) return failure(409, "Conflict", "pod is already assigned to a node");
      pod["spec"]["nodeName"] = text_at(body.value(), {"target", "name"});
      client::set_condition(pod["status"]["conditions"], "PodScheduled", "True", "", "", now());
      store("/pods", path.key(), std::move(pod), "MODIFIED");
      return json(201, Json::object());
    }
    if (request.method == "POST" && path.name.empty()) {
      Json object = std::move(body.value());
      if (!path.namespace_name.empty()) object["metadata"]["namespace"] = path.namespace_name;
      const std::string name = name_of(object);
      if (!name.empty() && collections[path.collection].count(make_key(path.namespace_name, name))) {
        return failure(409, "AlreadyExists", path.collection + " \"" + name + "\" already exists");
      }
      complete(path.collection, object);
      const std::string key = key_of(object);
      store(path.collection, key, std::move(object), "ADDED");
      return json(201, collections[path.collection].at(key));
    }
    if (request.method == "DELETE" && path.name.empty()) {
      std::vector<std::string> keys;
      for (const auto& [key, object] : collections[path.collection]) {
        if (namespace_of(object) == path.namespace_name) keys.push_back(key);
      }
      for (const std::string& key : keys) {
        Path one = path;
        one.name = split_key(key).name;
        remove(one, body.value());
      }
      return json(200, Json::object());
    }
    if (request.method == "DELETE") return remove(path, body.value());
    const auto found = collections[path.collection].find(path.key());
    if (found == collections[path.collection].end()) return failure(404, "NotFound", path.collection + " \"" + path.name + "\" not found");
    if (request.method == "PUT") return write(path, std::move(body.value()));
    if (request.method == "PATCH") {
      Json object = found->second;
      const std::string uid = text_at(body.value(), {"metadata", "uid"});
      if (!uid.empty() && uid != uid_of(object)) return failure(409, "Conflict", "uid mismatch");
      const std::string version_before = resource_version_of(object);
      if (request.headers.get("content-type") == "application/strategic-merge-patch+json") {
        strategic_merge(object, body.value());
      } else {
        object.merge_patch(body.value());
      }
      (void)version_before;
      return write(path, std::move(object));
    }
    return failure(405, "MethodNotAllowed", "no");
  }

  bool chosen(const Json& object, const Path& path, const Selector& labels, const FieldSelector& fields) const {
    if (!path.namespace_name.empty() && namespace_of(object) != path.namespace_name) return false;
    return labels.matches(labels_of(object)) && fields.matches(object);
  }

  Task<void> watch(const Path path, Selector labels, FieldSelector fields, std::int64_t since, HttpResponder& responder) {
    ++watch_count;
    const std::uint64_t generation = watch_generation;
    runtime::HttpHeaders headers;
    headers.add("Content-Type", "application/json");
    auto started = co_await responder.start_stream(200, headers);
    if (!started) co_return;
    if (since < compacted) {
      Json event = Json::object();
      event["type"] = "ERROR";
      event["object"]["kind"] = "Status";
      event["object"]["code"] = 410;
      event["object"]["reason"] = "Expired";
      event["object"]["message"] = "too old resource version";
      std::string line = event.dump() + "\n";
      co_await responder.write_chunk(line);
      co_await responder.end_stream();
      co_return;
    }
    while (watch_generation == generation && !responder.disconnected().is_set()) {
      std::string lines;
      for (const Change& one : changes) {
        if (one.version <= since) continue;
        if (one.collection != path.collection || !chosen(one.object, path, labels, fields)) continue;
        Json event = Json::object();
        event["type"] = one.type;
        event["object"] = one.object;
        lines += event.dump() + "\n";
      }
      since = version;
      if (!lines.empty()) {
        auto written = co_await responder.write_chunk(std::move(lines));
        if (!written) co_return;
      }
      co_await changed.wait_for(*runtime_, std::chrono::seconds(60));
    }
    co_await responder.end_stream();
  }

  HttpResponse discovery(std::string_view path) const {
    static const std::vector<ResourceType> served{
        types::pods,        types::nodes,        types::namespaces,      types::services,    types::endpoints,   types::config_maps,
        types::secrets,     types::service_accounts, types::deployments, types::replica_sets, types::daemon_sets, types::stateful_sets,
        types::controller_revisions, types::jobs, types::cron_jobs, types::leases, types::endpoint_slices, types::pod_disruption_budgets};
    Json body = Json::object();
    if (path == "/apis") {
      std::set<std::string> groups;
      for (const ResourceType& type : served) {
        if (!type.group.empty()) groups.insert(type.group);
      }
      for (const std::string& group : groups) {
        Json entry = Json::object();
        entry["name"] = group;
        entry["preferredVersion"]["version"] = "v1";
        body["groups"].push_back(std::move(entry));
      }
      return json(200, body);
    }
    body["resources"] = Json::array();
    for (const ResourceType& type : served) {
      if (path != (type.group.empty() ? "/api/v1" : "/apis/" + type.group + "/v1")) continue;
      Json entry = Json::object();
      entry["name"] = type.plural;
      entry["kind"] = type.kind;
      entry["namespaced"] = type.namespaced();
      entry["verbs"] = Json::array({"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"});
      body["resources"].push_back(std::move(entry));
    }
    return json(200, body);
  }

  Task<void> answer(const HttpRequest& request, HttpResponder& responder) {
    HttpResponse response;
    const int refused = refuse ? refuse(request) : 0;
    const std::string_view whole = request.path();
    const std::size_t depth = std::size_t(std::count(whole.begin(), whole.end(), '/'));
    if (refused != 0) {
      response = failure(refused, "ServiceUnavailable", "told to refuse");
    } else if (whole == "/apis" || (whole.starts_with("/api/") && depth == 2) || (whole.starts_with("/apis/") && depth == 3)) {
      response = discovery(whole);
    } else {
      const Path path = parse_path(whole);
      if (request.method != "GET") {
        writes.push_back(Call{request.method, request.target, std::string(request.headers.get("user-agent")), request.body});
        response = change(request, path);
      } else if (!path.name.empty()) {
        const auto found = collections[path.collection].find(path.key());
        response = found == collections[path.collection].end() ? failure(404, "NotFound", "not found") : json(200, found->second);
      } else {
        Selector labels;
        FieldSelector fields;
        bool watching = false;
        std::int64_t since = version;
        for (const auto& [name, value] : runtime::parse_query(request.query())) {
          if (name == "watch") watching = value == "true" || value == "1";
          if (name == "resourceVersion" && !value.empty()) since = std::stoll(value);
          if (name == "labelSelector") labels = Selector::parse(value).value();
          if (name == "fieldSelector") fields = FieldSelector::parse(value).value();
        }
        if (watching) {
          co_await watch(path, labels, fields, since, responder);
          co_return;
        }
        ++list_count;
        Json body = Json::object();
        body["kind"] = "List";
        body["metadata"]["resourceVersion"] = std::to_string(version);
        body["items"] = Json::array();
        for (const auto& [key, object] : collections[path.collection]) {
          if (chosen(object, path, labels, fields)) body["items"].push_back(object);
        }
        response = json(200, body);
      }
    }
    auto sent = co_await responder.send(std::move(response));
    (void)sent;
  }

  Runtime* runtime_ = nullptr;
  std::uint64_t names_ = 0;
};

}  // namespace skidpad::client::testing

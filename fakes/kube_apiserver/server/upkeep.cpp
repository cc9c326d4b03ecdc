// What a server does besides answering: the objects every cluster starts with, the kubernetes Service, compaction, event leases.
#include "fakes/kube_apiserver/access/bootstrap_policy.hpp"
#include "fakes/kube_apiserver/api/validation.hpp"
#include "fakes/kube_apiserver/crd/custom_resources.hpp"
#include "fakes/kube_apiserver/server/api_server.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::text_at;
using namespace std::chrono_literals;

constexpr const char* compaction_key = "compact_rev_key";
constexpr std::string_view master_prefix = "/registry/masterleases/";
constexpr auto master_ttl = 15s;
constexpr runtime::Duration reconcile_interval = 10s;
constexpr runtime::Duration bootstrap_wait_max = 1s;
constexpr int bootstrap_writers = 16;

Json named_object(const char* api_version, const char* kind, const char* name) {
  return {{"apiVersion", api_version}, {"kind", kind}, {"metadata", {{"name", name}}}};
}

std::string first_address(const std::string& cidr) {
  std::string base = cidr.substr(0, cidr.find('/'));
  const std::size_t dot = base.rfind('.');
  return base.substr(0, dot + 1) + std::to_string(std::stoi(base.substr(dot + 1)) + 1);
}

}  // namespace

/// Creates an object through the same path as a client would, unless it is there. True if this call has made it.
Task<bool> ApiServer::ensure(Json object) {
  const Resource* resource = find_built_in_kind(text_at(object, {"apiVersion"}), text_at(object, {"kind"}));
  ASSERT(resource != nullptr);
  const std::string where = text_at(object, {"metadata", "namespace"});
  const std::string name = text_at(object, {"metadata", "name"});
  if (store_.cached(resource->storage_key(where, name))) co_return false;
  runtime::HttpRequest http;
  http.method = "POST";
  http.headers.add("User-Agent", "kube-apiserver/v1.32.13");
  Request request(http);
  request.resource = resource;
  request.user.name = "system:apiserver";
  request.user.groups = {"system:masters"};
  request.info.verb = "create";
  request.info.object_namespace = where;
  request.info.name = name;
  canonicalise(object, *resource->type, nullptr);
  apply_defaults(object, *resource);
  bool made = true;
  try {
    (void)co_await create_object(request, std::move(object));
  } catch (const ApiError& error) {
    if (error.code != 409) throw;
    made = false;
  }
  co_return made;
}

Task<void> ApiServer::ensure_next(std::vector<Json>& objects, std::size_t& next) {
  while (next < objects.size()) {
    Json object = std::move(objects[next++]);
    (void)co_await ensure(std::move(object));
  }
}

/// Servers of one cluster that start together would all write the same hundred objects. Who made the first namespace does it;
/// the others look on, and go to work themselves when the last object has not come in time.
Task<void> ApiServer::wait_for_bootstrap_of_another() {
  const std::string last = find_built_in_kind("v1", "Service")->storage_key("default", "kubernetes");
  const runtime::Instant due = runtime_.now() + bootstrap_wait_max;
  while (!store_.cached(last) && runtime_.now() < due) co_await runtime_.sleep_for(10ms);
}

Task<void> ApiServer::bootstrap() {
  const bool first = co_await ensure(named_object("v1", "Namespace", "kube-system"));
  if (!first) co_await wait_for_bootstrap_of_another();
  for (const char* name : {"kube-public", "kube-node-lease", "default"}) (void)co_await ensure(named_object("v1", "Namespace", name));
  std::vector<Json> objects;
  Json critical = named_object("scheduling.k8s.io/v1", "PriorityClass", "system-node-critical");
  critical["value"] = 2000001000;
  critical["description"] = "Used for system critical pods that must not be moved from their current node.";
  objects.push_back(std::move(critical));
  Json cluster = named_object("scheduling.k8s.io/v1", "PriorityClass", "system-cluster-critical");
  cluster["value"] = 2000000000;
  cluster["description"] = "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.";
  objects.push_back(std::move(cluster));
  for (Json& object : bootstrap_policy()) objects.push_back(std::move(object));
  Json authentication = named_object("v1", "ConfigMap", "extension-apiserver-authentication");
  authentication["metadata"]["namespace"] = "kube-system";
  authentication["data"] = options_.authentication_facts;
  if (!options_.authentication_facts.empty()) objects.push_back(std::move(authentication));
  std::size_t next = 0;
  {
    // etcd syncs writes that wait together at one go.
    runtime::TaskGroup writers(co_await runtime::CurrentStop());
    for (int i = 0; i < bootstrap_writers; ++i) writers.spawn("bootstrap", ensure_next(objects, next));
    co_await writers.join();
  }
  Json service = named_object("v1", "Service", "kubernetes");
  service["metadata"]["namespace"] = "default";
  service["metadata"]["labels"] = {{"component", "apiserver"}, {"provider", "kubernetes"}};
  service["spec"] = {{"clusterIP", first_address(options_.service_range)}, {"ports", Json::array({{{"name", "https"}, {"port", 443}, {"protocol", "TCP"}, {"targetPort", options_.secure_port}}})}};
  (void)co_await ensure(std::move(service));
}

Task<void> ApiServer::run_upkeep() {
  co_await store_.ready().wait();
  while (!bootstrapped_) {
    std::string failure;
    try {
      co_await bootstrap();
      co_await reconcile_endpoints(false);
      bootstrapped_ = true;
    } catch (const ApiError& error) {
      failure = error.message;
    }
    if (bootstrapped_) break;
    runtime_.log().warning("bootstrap_failed", {{"error", failure}});
    co_await runtime_.sleep_for(500ms);
  }
  runtime::StopState& stop = co_await runtime::CurrentStop();
  runtime::TaskGroup tasks(stop);
  tasks.spawn("kubernetes_service", keep_kubernetes_service());
  tasks.spawn("compaction", keep_compacting());
  tasks.spawn("custom_definitions", keep_custom_definitions());
  co_await tasks.join();
}

Task<void> ApiServer::keep_kubernetes_service() {
  for (;;) {
    co_await runtime_.sleep_for(reconcile_interval);
    std::string failure;
    try {
      co_await reconcile_endpoints(false);
    } catch (const ApiError& error) {
      failure = error.message;
    }
    if (!failure.empty()) runtime_.log().warning("endpoints_not_reconciled", {{"error", failure}});
  }
}

Task<runtime::Result<void>> ApiServer::leave() {
  if (!bootstrapped_) co_return runtime::success();
  std::string failure;
  try {
    co_await reconcile_endpoints(true);
  } catch (const ApiError& error) {
    failure = error.message;
  }
  if (failure.empty()) co_return runtime::success();
  runtime::Error error(runtime::ErrorCode::unavailable, failure);
  co_return error;
}

/// Each server holds a key with a short lease; Endpoints and EndpointSlice of the kubernetes Service list whose keys are alive.
Task<void> ApiServer::reconcile_endpoints(bool leaving) {
  const std::string own_key = std::string(master_prefix) + options_.advertise_address;
  client::EtcdClient& etcd = store_.etcd();
  if (leaving) {
    client::DeleteRequest request = client::DeleteRequest::one(own_key);
    (void)co_await etcd.remove(std::move(request));
  } else {
    bool alive = false;
    if (master_lease_ != client::no_etcd_lease) {
      auto kept = co_await etcd.lease_keep_alive(master_lease_);
      alive = kept.has_value() && kept.value().ttl > 0s;
    }
    if (!alive) {
      auto granted = co_await etcd.lease_grant(master_ttl);
      if (!granted) throw plain_error(granted.error().message);
      master_lease_ = granted.value().id;
      const Json record = {{"kind", "Endpoints"}, {"apiVersion", "v1"}, {"metadata", {{"creationTimestamp", nullptr}}},
                           {"subsets", Json::array({{{"addresses", Json::array({{{"ip", options_.advertise_address}}})}}})}};
      client::PutRequest put(own_key, record.dump(), master_lease_);
      auto stored = co_await etcd.put(std::move(put));
      if (!stored) throw plain_error(stored.error().message);
    }
  }
  client::RangeRequest range = client::RangeRequest::prefix(master_prefix);
  range.keys_only = true;
  auto masters = co_await etcd.range(std::move(range));
  if (!masters) throw plain_error(masters.error().message);
  std::vector<std::string> addresses;
  for (const client::KeyValue& kv : masters.value().kvs) addresses.push_back(kv.key.substr(master_prefix.size()));
  std::sort(addresses.begin(), addresses.end());
  Json listed = Json::array();
  Json sliced = Json::array();
  for (const std::string& address : addresses) {
    listed.push_back({{"ip", address}});
    sliced.push_back({{"addresses", Json::array({address})}, {"conditions", {{"ready", true}}}});
  }
  Json subsets = Json::array();
  if (!listed.empty()) subsets.push_back({{"addresses", listed}, {"ports", Json::array({{{"name", "https"}, {"port", options_.secure_port}, {"protocol", "TCP"}}})}});
  const Json ports = Json::array({{{"name", "https"}, {"port", options_.secure_port}, {"protocol", "TCP"}}});
  const std::string now = now_text();
  const std::string endpoints_uid = random_.uuid();
  const std::string slice_uid = random_.uuid();
  Mutation set_endpoints = [&](const ObjectPtr& present) -> Change {
    Json object = present ? present->value()
                          : Json{{"kind", "Endpoints"}, {"apiVersion", "v1"}, {"metadata", {{"name", "kubernetes"}, {"namespace", "default"}, {"uid", endpoints_uid}, {"creationTimestamp", now},
                                 {"labels", {{"endpointslice.kubernetes.io/skip-mirror", "true"}}}}}};
    if (subsets.empty()) {
      object.erase("subsets");
    } else {
      object["subsets"] = subsets;
    }
    return Change(std::move(object));
  };
  WriteExtras none;
  (void)co_await store_.update("/registry/services/endpoints/default/kubernetes", std::move(set_endpoints), std::move(none));
  Mutation set_slice = [&](const ObjectPtr& present) -> Change {
    Json object = present ? present->value()
                          : Json{{"kind", "EndpointSlice"}, {"apiVersion", "discovery.k8s.io/v1"}, {"addressType", "IPv4"},
                                 {"metadata", {{"name", "kubernetes"}, {"namespace", "default"}, {"uid", slice_uid}, {"creationTimestamp", now}, {"generation", 1},
                                               {"labels", {{"kubernetes.io/service-name", "kubernetes"}}}}}};
    object["endpoints"] = sliced;
    object["ports"] = ports;
    return Change(std::move(object));
  };
  WriteExtras also_none;
  (void)co_await store_.update("/registry/endpointslices/default/kubernetes", std::move(set_slice), std::move(also_none));
}

/// Establishes new definitions, and empties and removes those that go. Every server does so; who comes second finds nothing to do.
Task<void> ApiServer::keep_custom_definitions() {
  const std::string prefix = "/registry/apiextensions.k8s.io/customresourcedefinitions/";
  EventStream& events = store_.stream(prefix);
  for (;;) {
    const std::uint64_t position = events.end_position();
    std::string failure;
    try {
      for (const ObjectPtr& definition : store_.cached_list(prefix)) co_await settle_definition(definition);
    } catch (const ApiError& error) {
      failure = error.message;
    }
    if (!failure.empty()) {
      runtime_.log().warning("definition_not_settled", {{"error", failure}});
      co_await runtime_.sleep_for(1s);
    } else if (events.end_position() == position) {
      co_await events.changed().wait();
    }
  }
}

Task<void> ApiServer::settle_definition(ObjectPtr definition) {
  const std::string now = now_text();
  const Json& value = definition->value();
  if (find(value, {"metadata", "deletionTimestamp"}).is_null()) {
    Json wanted = value;
    if (!CustomResources::establish(wanted, now)) co_return;
    Mutation mutation = [&](const ObjectPtr& present) -> Change {
      if (!present) throw conflict(*find_built_in_kind("apiextensions.k8s.io/v1", "CustomResourceDefinition"), "", "gone");
      Json next = present->value();
      (void)CustomResources::establish(next, now);
      return Change(std::move(next));
    };
    WriteExtras extras;
    (void)co_await store_.update(definition->key(), std::move(mutation), std::move(extras));
    co_return;
  }
  const std::string objects = "/registry/" + text_at(value, {"spec", "group"}) + "/" + text_at(value, {"spec", "names", "plural"}) + "/";
  for (const ObjectPtr& object : store_.cached_list(objects)) {
    WriteExtras extras;
    (void)co_await store_.remove(object, std::move(extras));
  }
  Mutation finish = [&](const ObjectPtr& present) -> Change {
    if (!present) throw conflict(*find_built_in_kind("apiextensions.k8s.io/v1", "CustomResourceDefinition"), "", "gone");
    Json next = present->value();
    Json kept = Json::array();
    for (const Json& finalizer : runtime::list_at(next, {"metadata", "finalizers"})) {
      if (finalizer != custom_cleanup) kept.push_back(finalizer);
    }
    if (kept.empty()) return Change::removal(std::move(next));
    next["metadata"]["finalizers"] = std::move(kept);
    return Change(std::move(next));
  };
  bool gone = false;
  try {
    WriteExtras extras;
    (void)co_await store_.update(definition->key(), std::move(finish), std::move(extras));
  } catch (const ApiError& error) {
    if (error.code != 409) throw;
    gone = true;
  }
  (void)gone;
}

/// As the real server: every interval one of the servers wins a key, and compacts to the revision of the interval before.
Task<void> ApiServer::keep_compacting() {
  std::int64_t version = 0;
  client::Revision revision = 0;
  client::EtcdClient& etcd = store_.etcd();
  for (;;) {
    co_await runtime_.sleep_for(options_.compaction_interval);
    client::TxnRequest request;
    request.compares.push_back(client::Compare::version(compaction_key, version));
    request.then.emplace_back(client::PutRequest(compaction_key, std::to_string(revision)));
    request.otherwise.emplace_back(client::RangeRequest::one(compaction_key));
    auto answer = co_await etcd.txn(std::move(request));
    if (!answer) continue;
    const client::Revision next = answer.value().header.revision;
    if (!answer.value().succeeded) {
      const auto& kvs = answer.value().responses.front().range.kvs;
      version = kvs.empty() ? 0 : kvs.front().version;
      revision = next;
      continue;
    }
    ++version;
    const client::Revision target = std::exchange(revision, next);
    if (target == 0) continue;
    auto compacted = co_await etcd.compact(target);
    if (compacted) runtime_.log().debug("compacted", {{"revision", target}});
  }
}

/// Events share leases: one a minute or a thousand events.
Task<client::EtcdLeaseId> ApiServer::event_lease() {
  if (event_lease_.id != client::no_etcd_lease && runtime_.now() < event_lease_.until && event_lease_.uses < 1000) {
    ++event_lease_.uses;
    co_return event_lease_.id;
  }
  auto granted = co_await store_.etcd().lease_grant(std::chrono::duration_cast<std::chrono::seconds>(options_.event_ttl + 60s));
  if (!granted) throw plain_error(granted.error().message);
  event_lease_.id = granted.value().id;
  event_lease_.until = runtime_.now() + 60s;
  event_lease_.uses = 1;
  co_return event_lease_.id;
}

}  // namespace skidpad::fakes::kube_apiserver

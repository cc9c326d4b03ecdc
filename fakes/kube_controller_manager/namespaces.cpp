#include "fakes/kube_controller_manager/namespaces.hpp"

#include "fakes/kube_controller_manager/pod_control.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

/// Every API server should have seen the deletion before content is deleted (the real one's figure).
constexpr Duration deletion_grace = std::chrono::seconds(5);
constexpr Duration finalizer_estimate = std::chrono::seconds(15);
const std::string root_ca_name = "kube-root-ca.crt";

bool is_terminating(const Json& object) { return text_at(object, {"status", "phase"}) == "Terminating" || client::is_deleting(object); }

std::string join(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

}  // namespace

Json namespace_conditions(const Json& namespace_object, const NamespaceContent& content, WallTime now) {
  Json conditions = find(namespace_object, {"status", "conditions"});
  const auto set = [&](const char* type, bool trouble, const char* reason_bad, const std::string& bad, const char* reason_good,
                       const char* good) {
    client::set_condition(conditions, type, trouble ? "True" : "False", trouble ? reason_bad : reason_good, trouble ? bad : good, now);
  };
  std::vector<std::string> resources;
  for (const auto& [name, count] : content.count_by_resource) {
    resources.push_back(name + " has " + std::to_string(count) + " resource instances");
  }
  std::vector<std::string> finalizers;
  for (const auto& [name, count] : content.count_by_finalizer) {
    finalizers.push_back(name + " in " + std::to_string(count) + " resource instances");
  }
  set("NamespaceDeletionDiscoveryFailure", !content.discovery_failures.empty(), "DiscoveryFailed",
      "Discovery failed for some groups, " + std::to_string(content.discovery_failures.size()) +
          " failing: unable to retrieve the complete list of server APIs: " + join(content.discovery_failures, ", "),
      "ResourcesDiscovered", "All resources successfully discovered");
  set("NamespaceDeletionGroupVersionParsingFailure", false, "GroupVersionParsingFailed", "", "ParsedGroupVersions",
      "All legacy kube types successfully parsed");
  set("NamespaceDeletionContentFailure", !content.deletion_failures.empty(), "ContentDeletionFailed",
      "Failed to delete all resource types, " + std::to_string(content.deletion_failures.size()) +
          " remaining: " + join(content.deletion_failures, ", "),
      "ContentDeleted", "All content successfully deleted, may be waiting on finalization");
  set("NamespaceContentRemaining", !resources.empty(), "SomeResourcesRemain", "Some resources are remaining: " + join(resources, ", "),
      "ContentRemoved", "All content successfully removed");
  set("NamespaceFinalizersRemaining", !finalizers.empty(), "SomeFinalizersRemain",
      "Some content in the namespace has finalizers remaining: " + join(finalizers, ", "), "ContentHasNoFinalizers",
      "All content-preserving finalizers finished");
  return conditions;
}

NamespaceController::NamespaceController(Surroundings& surroundings)
    : QueueController(surroundings, "namespace", "namespace-controller", surroundings.settings.concurrent_namespace_syncs),
      namespaces_(surroundings.informers.informer(types::namespaces)) {
  client::InformerHandler handler;
  handler.added = [this](const ObjectPointer& object) {
    if (client::is_deleting(*object)) queue_.add_after(client::name_of(*object), deletion_grace);
  };
  handler.updated = [this](const ObjectPointer& before, const ObjectPointer& now) {
    const bool asked = client::is_deleting(*now) && !client::is_deleting(*before);
    if (asked) queue_.add_after(client::name_of(*now), deletion_grace);
  };
  namespaces_.add_handler(std::move(handler));
}

Task<NamespaceContent> NamespaceController::empty(std::string namespace_name) {
  NamespaceContent content;
  auto served = co_await client::discover(client_, &content.discovery_failures);
  if (!served) {
    content.discovery_failures.push_back(served.error().message);
    content.estimate = finalizer_estimate;
    co_return content;
  }
  for (const client::ServedResource& resource : served.value()) {
    if (!resource.type.namespaced() || !resource.can("delete") || !resource.can("list")) continue;
    client::ListOptions where;
    where.namespace_name = namespace_name;
    auto listed = co_await client_.list(resource.type, where);
    if (!listed) {
      if (listed.error().http_status != 404 && listed.error().http_status != 405) content.deletion_failures.push_back(listed.error().message);
      continue;
    }
    if (listed.value().items.empty()) continue;
    client::DeleteOptions options;
    options.propagation = client::Propagation::background;
    auto removed = co_await client_.remove_collection(resource.type, where, options);
    if (!removed && removed.error().http_status == 405) {
      for (const ObjectPointer& item : listed.value().items) {
        auto one = co_await client_.remove(resource.type, namespace_name, client::name_of(*item), options);
        if (!one && one.error().code != ErrorCode::not_found) content.deletion_failures.push_back(one.error().message);
      }
    } else if (!removed && removed.error().code != ErrorCode::not_found) {
      content.deletion_failures.push_back(removed.error().message);
    }
    auto left = co_await client_.list(resource.type, where);
    if (!left) {
      content.deletion_failures.push_back(left.error().message);
      continue;
    }
    if (left.value().items.empty()) continue;
    const std::string name = resource.type.plural + "." + resource.type.group;
    content.count_by_resource[name] += std::int64_t(left.value().items.size());
    Duration wait = std::chrono::seconds(1);
    for (const ObjectPointer& item : left.value().items) {
      for (const Json& finalizer : list_at(*item, {"metadata", "finalizers"})) {
        ++content.count_by_finalizer[finalizer.get<std::string>()];
        wait = std::max(wait, Duration(finalizer_estimate));
      }
      if (resource.type.plural == "pods") {
        wait = std::max(wait, Duration(std::chrono::seconds(integer_at(*item, {"metadata", "deletionGracePeriodSeconds"}))));
      }
    }
    content.estimate = std::max(content.estimate, wait);
  }
  co_return content;
}

Task<Result<void>> NamespaceController::reconcile(std::string key) {
  const ObjectPointer cached = namespaces_.store().find(key);
  if (cached == nullptr || !client::is_deleting(*cached)) co_return success();
  auto fresh = co_await client_.get(types::namespaces, "", key);
  if (!fresh && fresh.error().code == ErrorCode::not_found) co_return success();
  if (!fresh) co_return fresh.error();
  if (client::uid_of(fresh.value()) != client::uid_of(*cached)) co_return success();
  if (list_at(fresh.value(), {"spec", "finalizers"}).empty()) co_return success();
  const NamespaceContent content = co_await empty(key);
  Json conditions = namespace_conditions(fresh.value(), content, now());
  if (conditions != find(fresh.value(), {"status", "conditions"})) {
    fresh.value()["status"]["phase"] = "Terminating";
    fresh.value()["status"]["conditions"] = std::move(conditions);
    auto updated = co_await client_.update_status(types::namespaces, std::move(fresh.value()));
    if (!updated) co_return updated.error();
    fresh = std::move(updated.value());
  }
  if (!content.count_by_resource.empty() || !content.discovery_failures.empty() || !content.deletion_failures.empty()) {
    queue_.add_after(key, content.estimate / 2 + std::chrono::seconds(1));
    co_return success();
  }
  Json finalizers = Json::array();
  for (const Json& finalizer : list_at(fresh.value(), {"spec", "finalizers"})) {
    if (finalizer != "kubernetes") finalizers.push_back(finalizer);
  }
  fresh.value()["spec"]["finalizers"] = std::move(finalizers);
  auto finalized = co_await client_.subresource("PUT", types::namespaces, "", key, "finalize", fresh.value());
  if (!finalized && finalized.error().code != ErrorCode::not_found) co_return finalized.error();
  co_return success();
}

ServiceAccountController::ServiceAccountController(Surroundings& surroundings)
    : QueueController(surroundings, "serviceaccount", "serviceaccount-controller", 1),
      namespaces_(surroundings.informers.informer(types::namespaces)),
      accounts_(surroundings.informers.informer(types::service_accounts)) {
  client::InformerHandler handler;
  handler.added = [this](const ObjectPointer& object) { enqueue(*object); };
  namespaces_.add_handler(std::move(handler));
  client::InformerHandler accounts;
  accounts.deleted = [this](const ObjectPointer& account) {
    if (client::name_of(*account) == "default") queue_.add(client::namespace_of(*account));
  };
  accounts_.add_handler(std::move(accounts));
}

Task<Result<void>> ServiceAccountController::reconcile(std::string key) {
  const ObjectPointer object = namespaces_.store().find(key);
  if (object == nullptr || is_terminating(*object) || accounts_.store().find(key, "default") != nullptr) co_return success();
  Json account = Json::object();
  account["metadata"]["name"] = "default";
  account["metadata"]["namespace"] = key;
  auto created = co_await client_.create(types::service_accounts, std::move(account));
  if (!created && created.error().code != ErrorCode::already_exists && !is_namespace_terminating(created.error())) co_return created.error();
  co_return success();
}

RootCaPublisher::RootCaPublisher(Surroundings& surroundings, std::string root_ca_pem)
    : QueueController(surroundings, "root_ca_cert_publisher", "root-ca-certificate-publisher-controller", 1),
      root_ca_pem_(std::move(root_ca_pem)),
      namespaces_(surroundings.informers.informer(types::namespaces)),
      config_maps_(surroundings.informers.informer(types::config_maps)) {
  client::InformerHandler handler;
  handler.added = [this](const ObjectPointer& object) { enqueue(*object); };
  namespaces_.add_handler(std::move(handler));
  const auto changed = [this](const ObjectPointer& map) {
    if (client::name_of(*map) == root_ca_name) queue_.add(client::namespace_of(*map));
  };
  client::InformerHandler maps;
  maps.updated = [changed](const ObjectPointer&, const ObjectPointer& now) { changed(now); };
  maps.deleted = changed;
  config_maps_.add_handler(std::move(maps));
}

Task<Result<void>> RootCaPublisher::reconcile(std::string key) {
  const ObjectPointer object = namespaces_.store().find(key);
  if (object == nullptr || is_terminating(*object)) co_return success();
  const ObjectPointer existing = config_maps_.store().find(key, root_ca_name);
  Json data = Json::object();
  data["ca.crt"] = root_ca_pem_;
  if (existing != nullptr && find(*existing, {"data"}) == data) co_return success();
  Json map = existing != nullptr ? *existing : Json::object();
  map["metadata"]["name"] = root_ca_name;
  map["metadata"]["namespace"] = key;
  map["metadata"]["annotations"]["kubernetes.io/description"] =
      "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or "
      "kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
  map["data"] = std::move(data);
  auto writing = existing != nullptr ? client_.update(types::config_maps, std::move(map)) : client_.create(types::config_maps, std::move(map));
  auto written = co_await std::move(writing);
  if (!written && written.error().code != ErrorCode::already_exists && !is_namespace_terminating(written.error())) co_return written.error();
  co_return success();
}

}  // namespace skidpad::fakes::kube_controller_manager

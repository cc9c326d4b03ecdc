#include "controllers/bootstrapper/creator.hpp"

#include "harness/client/kubernetes/discovery.hpp"

namespace skidpad::controllers::bootstrapper {

using client::ResourceType;
using runtime::Error;
using runtime::ErrorCode;
using runtime::Instant;
using runtime::success;
using runtime::text_at;

namespace {

int rank(const Json& object) {
  const std::string kind = text_at(object, {"kind"});
  if (kind == "Namespace") return 0;
  return kind == "CustomResourceDefinition" ? 1 : 2;
}

const ResourceType* built_in(const Json& object) {
  using namespace client::types;
  static const ResourceType* const known[] = {
      &pods, &nodes, &namespaces, &services, &config_maps, &secrets, &service_accounts, &deployments, &daemon_sets, &stateful_sets,
      &jobs, &cron_jobs, &pod_disruption_budgets, &priority_classes, &roles, &role_bindings, &cluster_roles, &cluster_role_bindings,
      &custom_resource_definitions};
  for (const ResourceType* type : known) {
    if (type->kind == text_at(object, {"kind"}) && type->api_version() == text_at(object, {"apiVersion"})) return type;
  }
  return nullptr;
}

class Creator {
 public:
  Creator(client::KubernetesClient& client, CreateOptions options) : client_(client), options_(options) {}

  Task<Result<void>> create(Json object) {
    auto type = co_await type_of(object);
    if (!type) co_return type.error();
    const Instant due = client_.runtime().now() + options_.try_timeout;
    for (;;) {
      auto created = co_await client_.create(type.value(), object);
      if (created || created.error().code == ErrorCode::already_exists) break;
      const ErrorCode code = created.error().code;
      const bool hopeless = code == ErrorCode::invalid || code == ErrorCode::forbidden || code == ErrorCode::unauthorized;
      if (hopeless || client_.runtime().now() >= due) co_return created.error();
      co_await client_.runtime().sleep_for(options_.poll_interval);
    }
    if (rank(object) != 1) co_return success();
    std::string definition = client::name_of(object);
    co_return co_await wait_until_served(std::move(definition));
  }

 private:
  Task<Result<ResourceType>> type_of(const Json& object) {
    if (const ResourceType* type = built_in(object)) co_return *type;
    auto served = co_await client::discover(client_);
    if (!served) co_return served.error();
    for (const client::ServedResource& resource : served.value()) {
      if (resource.type.kind == text_at(object, {"kind"}) && resource.type.api_version() == text_at(object, {"apiVersion"})) co_return resource.type;
    }
    Error unknown(ErrorCode::invalid, "no server serves " + text_at(object, {"apiVersion"}) + " " + text_at(object, {"kind"}));
    co_return unknown;
  }

  Task<Result<void>> wait_until_served(std::string name) {
    const Instant due = client_.runtime().now() + options_.served_timeout;
    for (;;) {
      auto there = co_await client_.get(client::types::custom_resource_definitions, "", name);
      if (there && client::condition_status(there.value(), "Established") == "True") co_return success();
      if (client_.runtime().now() >= due) {
        Error late(ErrorCode::timeout, "definition " + name + " is not served after " + runtime::format_go_duration(options_.served_timeout));
        co_return late;
      }
      co_await client_.runtime().sleep_for(options_.poll_interval);
    }
  }

  client::KubernetesClient& client_;
  CreateOptions options_;
};

}  // namespace

NamedObjects in_creation_order(NamedObjects objects) {
  std::stable_sort(objects.begin(), objects.end(), [](const auto& a, const auto& b) { return rank(a.second) < rank(b.second); });
  return objects;
}

Task<Result<void>> create_objects(client::KubernetesClient& client, NamedObjects objects, CreateOptions options, std::vector<std::string>& failures) {
  Creator creator(client, options);
  const NamedObjects ordered = in_creation_order(std::move(objects));
  for (const auto& [file, object] : ordered) {
    auto created = co_await creator.create(object);
    if (created) {
      client.runtime().log().info("object_created", {{"file", file}, {"kind", text_at(object, {"kind"})}, {"name", client::key_of(object)}});
      continue;
    }
    failures.push_back(file + ": " + created.error().message);
    if (options.strict) co_return runtime::wrap(created.error(), "creating " + file);
  }
  co_return success();
}

}  // namespace skidpad::controllers::bootstrapper

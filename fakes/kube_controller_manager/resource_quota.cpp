#include "fakes/kube_controller_manager/resource_quota.hpp"

#include "harness/client/kubernetes/quantity.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

/// "requests.cpu", "cpu" and "limits.memory" of one pod, in thousandths.
std::int64_t pod_amount(const Json& pod, const std::string& name) {
  const bool limits = name.starts_with("limits.");
  const std::string resource = limits ? name.substr(7) : name.starts_with("requests.") ? name.substr(9) : name;
  const char* kind = limits ? "limits" : "requests";
  std::int64_t sum = 0;
  for (const Json& container : list_at(pod, {"spec", "containers"})) {
    sum += client::quantity_milli(find(container, {"resources", kind, resource}));
  }
  std::int64_t peak = 0;
  for (const Json& container : list_at(pod, {"spec", "initContainers"})) {
    peak = std::max(peak, client::quantity_milli(find(container, {"resources", kind, resource})));
  }
  return std::max(sum, peak);
}

bool is_compute(const std::string& name) {
  return name == "cpu" || name == "memory" || name == "ephemeral-storage" || name.starts_with("requests.") || name.starts_with("limits.");
}

}  // namespace

Json quota_used(const Json& quota, const std::vector<ObjectPointer>& pods, const std::map<std::string, std::int64_t>& counts) {
  Json used = Json::object();
  const Json& hard = find(quota, {"spec", "hard"});
  if (!hard.is_object()) return used;
  for (const auto& [name, limit] : hard.items()) {
    std::int64_t milli = 0;
    if (name == "pods" || name == "count/pods") {
      for (const ObjectPointer& pod : pods) {
        if (name == "count/pods" || !client::is_pod_finished(*pod)) milli += 1000;
      }
    } else if (is_compute(name)) {
      for (const ObjectPointer& pod : pods) {
        if (!client::is_pod_finished(*pod)) milli += pod_amount(*pod, name);
      }
    } else if (const auto count = counts.find(name); count != counts.end()) {
      milli = count->second * 1000;
    } else {
      continue;  // not ours to count: left out, as by a real one without an evaluator
    }
    used[name] = client::format_quantity_milli(milli);
  }
  return used;
}

ResourceQuotaController::ResourceQuotaController(Surroundings& surroundings)
    : QueueController(surroundings, "resource_quota_controller_resource_changes", "resourcequota-controller",
                      surroundings.settings.concurrent_resource_quota_syncs),
      quotas_(surroundings.informers.informer(types::resource_quotas)),
      pods_(surroundings.informers.informer(types::pods)) {
  client::InformerHandler quotas;
  quotas.added = [this](const ObjectPointer& quota) { enqueue(*quota); };
  quotas.updated = [this](const ObjectPointer&, const ObjectPointer& quota) { enqueue(*quota); };
  quotas_.add_handler(std::move(quotas));
  const auto counted = [&](const ResourceType& type, std::vector<std::string> names) {
    Informer& informer = surroundings.informers.informer(type);
    for (std::string& name : names) counted_[name] = &informer;
    client::InformerHandler handler;
    handler.added = [this](const ObjectPointer& object) { enqueue_namespace(*object); };
    handler.deleted = [this](const ObjectPointer& object) { enqueue_namespace(*object); };
    informer.add_handler(std::move(handler));
  };
  counted(types::services, {"services", "count/services"});
  counted(types::config_maps, {"configmaps", "count/configmaps"});
  counted(types::deployments, {"count/deployments.apps"});
  counted(types::replica_sets, {"count/replicasets.apps"});
  counted(types::stateful_sets, {"count/statefulsets.apps"});
  counted(types::jobs, {"count/jobs.batch"});
  client::InformerHandler pods;
  pods.added = [this](const ObjectPointer& pod) { enqueue_namespace(*pod); };
  pods.updated = [this](const ObjectPointer& before, const ObjectPointer& now) {
    if (client::is_pod_finished(*before) != client::is_pod_finished(*now)) enqueue_namespace(*now);
  };
  pods.deleted = [this](const ObjectPointer& pod) { enqueue_namespace(*pod); };
  pods_.add_handler(std::move(pods));
}

void ResourceQuotaController::start(runtime::TaskGroup& group) {
  QueueController::start(group);
  group.spawn("resource quota resync", resync());
}

Task<void> ResourceQuotaController::resync() {
  for (;;) {
    co_await runtime_.sleep_for(surroundings_.settings.resource_quota_sync_period);
    for (const auto& [key, quota] : quotas_.store().objects()) queue_.add(key);
  }
}

void ResourceQuotaController::enqueue_namespace(const Json& object) {
  if (quotas_.store().size() == 0) return;
  for (const ObjectPointer& quota : quotas_.store().in_namespace(client::namespace_of(object))) enqueue(*quota);
}

Task<Result<void>> ResourceQuotaController::reconcile(std::string key) {
  const ObjectPointer quota = quotas_.store().find(key);
  if (quota == nullptr) co_return success();
  const std::string& namespace_name = client::namespace_of(*quota);
  std::map<std::string, std::int64_t> counts;
  for (const auto& [name, informer] : counted_) counts[name] = std::int64_t(informer->store().in_namespace(namespace_name).size());
  Json status = Json::object();
  status["hard"] = find(*quota, {"spec", "hard"});
  status["used"] = quota_used(*quota, pods_.store().in_namespace(namespace_name), counts);
  if (status == find(*quota, {"status"})) co_return success();
  Json changed = *quota;
  changed["status"] = std::move(status);
  auto updated = co_await client_.update_status(types::resource_quotas, std::move(changed));
  if (!updated && updated.error().code != ErrorCode::not_found) co_return updated.error();
  co_return success();
}

}  // namespace skidpad::fakes::kube_controller_manager

#include "fakes/kube_controller_manager/replica_set.hpp"

#include "fakes/kube_controller_manager/ownership.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

constexpr std::int64_t burst_replicas = 500;

std::int64_t replicas_of(const Json& replica_set) { return integer_at(replica_set, {"spec", "replicas"}, 1); }

void set_or_erase(Json& object, const char* key, std::int64_t value) {
  if (value != 0) {
    object[key] = value;
  } else {
    object.erase(key);
  }
}

}  // namespace

ReplicaSetPlan plan_replica_set(const Json& replica_set, std::vector<ObjectPointer> active,
                                const std::map<std::string, std::int64_t>& related_per_node) {
  ReplicaSetPlan plan;
  const std::int64_t difference = std::int64_t(active.size()) - replicas_of(replica_set);
  if (difference < 0) {
    plan.create_count = std::min(-difference, burst_replicas);
  } else if (difference > 0) {
    sort_for_deletion(active, related_per_node);
    active.resize(std::size_t(std::min(difference, burst_replicas)));
    plan.remove = std::move(active);
  }
  return plan;
}

Json replica_set_status(const Json& replica_set, const std::vector<ObjectPointer>& active, std::string_view failure_reason,
                        const std::string& failure, WallTime now, std::optional<WallTime>* available_at) {
  const std::int64_t min_ready_seconds = integer_at(replica_set, {"spec", "minReadySeconds"});
  const Selector template_labels = Selector::from_map(find(replica_set, {"spec", "template", "metadata", "labels"}));
  std::int64_t fully_labelled = 0;
  std::int64_t ready = 0;
  std::int64_t available = 0;
  for (const ObjectPointer& pod : active) {
    if (template_labels.matches(client::labels_of(*pod))) ++fully_labelled;
    if (!client::is_pod_ready(*pod)) continue;
    ++ready;
    std::optional<WallTime> counts_at;
    if (client::is_pod_available(*pod, min_ready_seconds, now, &counts_at)) ++available;
    if (counts_at && available_at != nullptr && (!*available_at || *counts_at < **available_at)) *available_at = counts_at;
  }
  Json status = find(replica_set, {"status"});
  if (!status.is_object()) status = Json::object();
  status["replicas"] = std::int64_t(active.size());
  set_or_erase(status, "fullyLabeledReplicas", fully_labelled);
  set_or_erase(status, "readyReplicas", ready);
  set_or_erase(status, "availableReplicas", available);
  status["observedGeneration"] = integer_at(replica_set, {"metadata", "generation"});
  Json conditions = find(status, {"conditions"});
  if (!failure.empty()) {
    client::set_condition(conditions, "ReplicaFailure", "True", failure_reason, failure, now);
  } else if (conditions.is_array()) {
    Json kept = Json::array();
    for (Json& condition : conditions) {
      if (text_at(condition, {"type"}) != "ReplicaFailure") kept.push_back(std::move(condition));
    }
    conditions = std::move(kept);
  }
  if (conditions.is_array() && !conditions.empty()) {
    status["conditions"] = std::move(conditions);
  } else {
    status.erase("conditions");
  }
  return status;
}

ReplicaSetController::ReplicaSetController(Surroundings& surroundings)
    : QueueController(surroundings, "replicaset", "replicaset-controller", surroundings.settings.concurrent_replicaset_syncs),
      replica_sets_(surroundings.informers.informer(types::replica_sets)),
      pods_(surroundings.informers.informer(types::pods)),
      expectations_(surroundings.runtime),
      pod_control_(surroundings.client, events_, types::replica_sets) {
  add_controller_index(pods_.store());
  add_controller_index(replica_sets_.store());
  client::InformerHandler sets;
  sets.added = [this](const ObjectPointer& now) { enqueue(*now); };
  sets.updated = [this](const ObjectPointer&, const ObjectPointer& now) { enqueue(*now); };
  sets.deleted = [this](const ObjectPointer& last) {
    expectations_.forget(client::key_of(*last));
    enqueue(*last);
  };
  replica_sets_.add_handler(std::move(sets));
  client::InformerHandler pods;
  pods.added = [this](const ObjectPointer& pod) { pod_added(*pod); };
  pods.updated = [this](const ObjectPointer& before, const ObjectPointer& now) { pod_updated(*before, *now); };
  pods.deleted = [this](const ObjectPointer& pod) { pod_deleted(*pod); };
  pods_.add_handler(std::move(pods));
}

ObjectPointer ReplicaSetController::owner_of(const Json& pod) const {
  const Json& reference = client::controller_of(pod);
  if (!reference.is_object() || text_at(reference, {"kind"}) != "ReplicaSet") return nullptr;
  ObjectPointer owner = replica_sets_.store().find(client::namespace_of(pod), text_at(reference, {"name"}));
  return owner != nullptr && client::uid_of(*owner) == text_at(reference, {"uid"}) ? owner : nullptr;
}

void ReplicaSetController::enqueue_matching(const Json& pod) {
  for (const ObjectPointer& candidate : replica_sets_.store().in_namespace(client::namespace_of(pod))) {
    const auto selector = Selector::from_label_selector(find(*candidate, {"spec", "selector"}));
    if (selector && !selector.value().empty() && selector.value().matches(client::labels_of(pod))) enqueue(*candidate);
  }
}

void ReplicaSetController::pod_added(const Json& pod) {
  if (client::is_deleting(pod)) return pod_deleted(pod);  // seen after a restart
  if (client::controller_of(pod).is_object()) {
    const ObjectPointer owner = owner_of(pod);
    if (owner == nullptr) return;
    expectations_.creation_seen(client::key_of(*owner));
    enqueue(*owner);
    return;
  }
  enqueue_matching(pod);
}

void ReplicaSetController::pod_updated(const Json& before, const Json& now) {
  // Finished with as soon as it is being deleted: its replacement need not wait until it is gone.
  if (client::is_deleting(now)) {
    pod_deleted(now);
    if (client::labels_of(before) != client::labels_of(now)) pod_deleted(before);
    return;
  }
  const ObjectPointer owner_before = owner_of(before);
  const ObjectPointer owner = owner_of(now);
  if (owner_before != nullptr && owner_before != owner) enqueue(*owner_before);
  if (owner != nullptr) {
    enqueue(*owner);
    return;
  }
  if (client::controller_of(now).is_object()) return;
  if (client::labels_of(before) != client::labels_of(now) || client::controller_of(before).is_object()) enqueue_matching(now);
}

void ReplicaSetController::pod_deleted(const Json& pod) {
  const ObjectPointer owner = owner_of(pod);
  if (owner == nullptr) return;
  expectations_.deletion_seen(client::key_of(*owner), client::key_of(pod));
  enqueue(*owner);
}

Task<Result<void>> ReplicaSetController::manage(ObjectPointer replica_set, std::vector<ObjectPointer> active) {
  std::map<std::string, std::int64_t> related_per_node;
  std::vector<ObjectPointer> family;
  const Json& parent = client::controller_of(*replica_set);
  if (parent.is_object() && std::int64_t(active.size()) > replicas_of(*replica_set)) {
    family = replica_sets_.store().by_index("controller", text_at(parent, {"uid"}));
  } else {
    family.push_back(replica_set);
  }
  for (const ObjectPointer& relative : family) {
    for (const ObjectPointer& pod : pods_.store().by_index("controller", client::uid_of(*relative))) {
      if (client::is_pod_active(*pod)) ++related_per_node[text_at(*pod, {"spec", "nodeName"})];
    }
  }
  const std::string key = client::key_of(*replica_set);
  const ReplicaSetPlan plan = plan_replica_set(*replica_set, std::move(active), related_per_node);
  if (plan.create_count > 0) {
    expectations_.expect_creations(key, plan.create_count);
    const Json pod = pod_from_template(find(*replica_set, {"spec", "template"}), *replica_set, types::replica_sets);
    for (std::int64_t i = 0; i < plan.create_count; ++i) {
      auto created = co_await pod_control_.create(pod, replica_set);
      if (created) continue;
      // What was not created will not be seen.
      for (std::int64_t skipped = i; skipped < plan.create_count; ++skipped) expectations_.creation_seen(key);
      if (is_namespace_terminating(created.error())) co_return success();
      co_return created.error();
    }
  }
  if (!plan.remove.empty()) {
    std::vector<std::string> keys;
    for (const ObjectPointer& pod : plan.remove) keys.push_back(client::key_of(*pod));
    expectations_.expect_deletions(key, keys);
    Result<void> all = success();
    for (const ObjectPointer& pod : plan.remove) {
      auto removed = co_await pod_control_.remove(pod, replica_set);
      if (removed) continue;
      expectations_.deletion_seen(key, client::key_of(*pod));
      if (all) all = removed.error();
    }
    co_return all;
  }
  co_return success();
}

Task<Result<void>> ReplicaSetController::reconcile(std::string key) {
  const ObjectPointer replica_set = replica_sets_.store().find(key);
  if (replica_set == nullptr) {
    expectations_.forget(key);
    co_return success();
  }
  const auto selector = Selector::from_label_selector(find(*replica_set, {"spec", "selector"}));
  if (!selector) co_return success();  // only a human can mend it
  const bool may_act = expectations_.satisfied(key);
  std::vector<ObjectPointer> candidates;
  for (ObjectPointer& pod : controlled_or_orphaned(pods_.store(), *replica_set)) {
    if (client::is_pod_active(*pod)) candidates.push_back(std::move(pod));
  }
  auto claimed = co_await claim(client_, types::replica_sets, replica_set, types::pods, selector.value(), std::move(candidates));
  if (!claimed) co_return claimed.error();
  const std::vector<ObjectPointer> active = claimed.value();

  Result<void> managed = success();
  if (may_act && !client::is_deleting(*replica_set)) managed = co_await manage(replica_set, active);

  const std::string failure = managed ? "" : managed.error().message;
  const std::string_view failure_reason = std::int64_t(active.size()) < replicas_of(*replica_set) ? "FailedCreate" : "FailedDelete";
  std::optional<WallTime> available_at;
  Json status = replica_set_status(*replica_set, active, failure_reason, failure, now(), &available_at);
  if (available_at) queue_.add_after(key, *available_at - now());
  if (status != find(*replica_set, {"status"})) {
    Json changed = *replica_set;
    changed["status"] = std::move(status);
    auto updated = co_await client_.update_status(types::replica_sets, std::move(changed));
    if (!updated && updated.error().code != ErrorCode::not_found && managed) co_return updated.error();
  }
  co_return managed;
}

}  // namespace skidpad::fakes::kube_controller_manager

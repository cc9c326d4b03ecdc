#include "fakes/kube_controller_manager/stateful_set.hpp"

#include "fakes/kube_controller_manager/ownership.hpp"
#include "fakes/kube_controller_manager/pod_control.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

std::int64_t replicas_wanted(const Json& set) { return integer_at(set, {"spec", "replicas"}, 1); }
std::int64_t ordinal_first(const Json& set) { return integer_at(set, {"spec", "ordinals", "start"}); }
bool is_parallel(const Json& set) { return text_at(set, {"spec", "podManagementPolicy"}) == "Parallel"; }
std::int64_t partition_of(const Json& set) { return integer_at(set, {"spec", "updateStrategy", "rollingUpdate", "partition"}); }

bool is_running_and_ready(const Json& pod) { return text_at(pod, {"status", "phase"}) == "Running" && client::is_pod_ready(pod); }
/// Running and Ready for long enough: what the next one waits for.
bool is_settled(const Json& set, const Json& pod, WallTime now) {
  return is_running_and_ready(pod) && client::is_pod_available(pod, integer_at(set, {"spec", "minReadySeconds"}), now);
}
std::string revision_of_pod(const Json& pod) { return text_at(pod, {"metadata", "labels", controller_revision_hash_label}); }

StatefulStep step(StatefulStep::Kind kind, std::int64_t ordinal, ObjectPointer pod = nullptr) {
  StatefulStep made;
  made.kind = kind;
  made.ordinal = ordinal;
  made.pod = std::move(pod);
  return made;
}

}  // namespace

std::int64_t ordinal_of(const Json& stateful_set, const Json& pod) {
  const std::string prefix = client::name_of(stateful_set) + "-";
  const std::string& name = client::name_of(pod);
  if (!name.starts_with(prefix) || name.size() == prefix.size() || name.size() > prefix.size() + 9) return -1;
  const std::string digits = name.substr(prefix.size());
  if (digits.find_first_not_of("0123456789") != std::string::npos) return -1;
  return std::strtoll(digits.c_str(), nullptr, 10);
}

std::vector<StatefulStep> plan_stateful_set(const Json& set, const std::map<std::int64_t, ObjectPointer>& pods,
                                            const std::string& update_hash, WallTime now) {
  std::vector<StatefulStep> steps;
  if (client::is_deleting(set)) return steps;
  const bool ordered = !is_parallel(set);
  const std::int64_t first = ordinal_first(set);
  const std::int64_t end = first + replicas_wanted(set);
  bool waiting = false;
  for (std::int64_t ordinal = first; ordinal < end; ++ordinal) {
    const auto found = pods.find(ordinal);
    if (found == pods.end()) {
      StatefulStep create = step(StatefulStep::Kind::create, ordinal);
      create.at_current_revision = ordinal < first + partition_of(set);
      steps.push_back(std::move(create));
      if (ordered) return steps;
      continue;
    }
    const ObjectPointer& pod = found->second;
    if (client::is_pod_finished(*pod) && !client::is_deleting(*pod)) {
      steps.push_back(step(StatefulStep::Kind::recreate_failed, ordinal, pod));
      if (ordered) return steps;
      continue;
    }
    if (client::is_deleting(*pod) || !is_settled(set, *pod, now)) {
      if (ordered) return steps;
      waiting = true;
    }
  }
  // Those beyond the size go next, highest first, each after the one above is gone.
  ObjectPointer first_unhealthy;
  for (const auto& [ordinal, pod] : pods) {
    if (first_unhealthy == nullptr && !is_settled(set, *pod, now)) first_unhealthy = pod;
  }
  for (auto entry = pods.rbegin(); entry != pods.rend(); ++entry) {
    if (entry->first >= first && entry->first < end) continue;
    if (client::is_deleting(*entry->second)) {
      if (ordered) return steps;
      waiting = true;
      continue;
    }
    if (ordered && !is_settled(set, *entry->second, now) && entry->second != first_unhealthy) return steps;
    steps.push_back(step(StatefulStep::Kind::remove, entry->first, entry->second));
    if (ordered) return steps;
  }
  if (!steps.empty() || waiting || text_at(set, {"spec", "updateStrategy", "type"}) == "OnDelete") return steps;
  for (std::int64_t ordinal = end - 1; ordinal >= first + partition_of(set); --ordinal) {
    const ObjectPointer& pod = pods.at(ordinal);
    if (client::is_deleting(*pod)) return steps;
    if (revision_of_pod(*pod) != update_hash) {
      steps.push_back(step(StatefulStep::Kind::remove, ordinal, pod));
      return steps;
    }
    if (!is_settled(set, *pod, now)) return steps;
  }
  return steps;
}

Json stateful_pod(const Json& set, const Json& pod_template, std::int64_t ordinal, const std::string& revision_name) {
  Json pod = pod_from_template(pod_template, set, types::stateful_sets);
  const std::string name = client::name_of(set) + "-" + std::to_string(ordinal);
  Json& metadata = pod["metadata"];
  metadata.erase("generateName");
  metadata["name"] = name;
  metadata["generateName"] = client::name_of(set) + "-";
  metadata["labels"][controller_revision_hash_label] = revision_name;
  metadata["labels"]["statefulset.kubernetes.io/pod-name"] = name;
  metadata["labels"]["apps.kubernetes.io/pod-index"] = std::to_string(ordinal);
  pod["spec"]["hostname"] = name;
  const std::string service = text_at(set, {"spec", "serviceName"});
  if (!service.empty()) pod["spec"]["subdomain"] = service;
  for (const Json& claim : list_at(set, {"spec", "volumeClaimTemplates"})) {
    Json volume = Json::object();
    volume["name"] = client::name_of(claim);
    volume["persistentVolumeClaim"]["claimName"] = client::name_of(claim) + "-" + name;
    Json& volumes = pod["spec"]["volumes"];
    if (!volumes.is_array()) volumes = Json::array();
    Json kept = Json::array();
    for (Json& other : volumes) {
      if (text_at(other, {"name"}) != client::name_of(claim)) kept.push_back(std::move(other));
    }
    kept.push_back(std::move(volume));
    volumes = std::move(kept);
  }
  return pod;
}

Json stateful_set_status(const Json& set, const std::map<std::int64_t, ObjectPointer>& pods, const std::string& current_revision,
                         const std::string& update_revision, WallTime now) {
  std::int64_t ready = 0;
  std::int64_t available = 0;
  std::int64_t current = 0;
  std::int64_t updated = 0;
  const std::int64_t min_ready = integer_at(set, {"spec", "minReadySeconds"});
  for (const auto& [ordinal, pod] : pods) {
    if (is_running_and_ready(*pod)) {
      ++ready;
      if (client::is_pod_available(*pod, min_ready, now)) ++available;
    }
    if (client::is_deleting(*pod)) continue;
    if (revision_of_pod(*pod) == current_revision) ++current;
    if (revision_of_pod(*pod) == update_revision) ++updated;
  }
  Json status = find(set, {"status"});
  if (!status.is_object()) status = Json::object();
  status["replicas"] = std::int64_t(pods.size());
  status["observedGeneration"] = integer_at(set, {"metadata", "generation"});
  status["updateRevision"] = update_revision;
  status["currentRevision"] = current_revision;
  const bool done = text_at(set, {"spec", "updateStrategy", "type"}, "RollingUpdate") == "RollingUpdate" &&
                    updated == std::int64_t(pods.size()) && ready == std::int64_t(pods.size()) && updated == replicas_wanted(set);
  if (done) {
    status["currentRevision"] = update_revision;
    current = updated;
  }
  const auto put = [&status](const char* key, std::int64_t value) {
    if (value != 0) status[key] = value;
    else status.erase(key);
  };
  put("readyReplicas", ready);
  put("currentReplicas", current);
  put("updatedReplicas", updated);
  status["availableReplicas"] = available;
  if (!status.contains("collisionCount")) status["collisionCount"] = 0;
  return status;
}

StatefulSetController::StatefulSetController(Surroundings& surroundings)
    : QueueController(surroundings, "statefulset", "statefulset-controller", surroundings.settings.concurrent_statefulset_syncs),
      stateful_sets_(surroundings.informers.informer(types::stateful_sets)),
      revisions_(surroundings.informers.informer(types::controller_revisions)),
      pods_(surroundings.informers.informer(types::pods)),
      claims_(surroundings.informers.informer(types::persistent_volume_claims)) {
  add_controller_index(pods_.store());
  add_controller_index(revisions_.store());
  stateful_sets_.add_handler(client::on_any_change([this](const ObjectPointer& set) { enqueue(*set); }));
  client::InformerHandler pods;
  pods.added = [this](const ObjectPointer& pod) { enqueue_owner(*pod); };
  pods.updated = [this](const ObjectPointer& before, const ObjectPointer& now) {
    if (client::controller_of(*before) != client::controller_of(*now)) enqueue_owner(*before);
    enqueue_owner(*now);
  };
  pods.deleted = [this](const ObjectPointer& pod) { enqueue_owner(*pod); };
  pods_.add_handler(std::move(pods));
}

void StatefulSetController::enqueue_owner(const Json& pod) {
  const Json& reference = client::controller_of(pod);
  if (reference.is_object()) {
    if (text_at(reference, {"kind"}) == "StatefulSet") queue_.add(client::make_key(client::namespace_of(pod), text_at(reference, {"name"})));
    return;
  }
  for (const ObjectPointer& set : stateful_sets_.store().in_namespace(client::namespace_of(pod))) {
    if (ordinal_of(*set, pod) >= 0) enqueue(*set);
  }
}

Task<Result<void>> StatefulSetController::create_claims(ObjectPointer set, std::int64_t ordinal) {
  const Json templates = list_at(*set, {"spec", "volumeClaimTemplates"});
  for (const Json& claim_template : templates) {
    Json claim = claim_template;
    Json metadata = Json::object();
    metadata["name"] = client::name_of(claim_template) + "-" + client::name_of(*set) + "-" + std::to_string(ordinal);
    metadata["namespace"] = client::namespace_of(*set);
    metadata["labels"] = find(*set, {"spec", "selector", "matchLabels"});
    claim["metadata"] = std::move(metadata);
    claim.erase("status");
    const std::string what = "create Claim " + text_at(claim, {"metadata", "name"}) + " Pod " + client::name_of(*set) + "-" + std::to_string(ordinal) +
                             " in StatefulSet " + client::name_of(*set);
    if (claims_.store().find(client::namespace_of(*set), text_at(claim, {"metadata", "name"})) != nullptr) continue;
    auto created = co_await client_.create(types::persistent_volume_claims, std::move(claim));
    if (created) {
      events_.record(*set, types::stateful_sets, EventType::normal, "SuccessfulCreate", what + " success");
    } else if (created.error().code != ErrorCode::already_exists) {
      if (!is_namespace_terminating(created.error())) {
        events_.record(*set, types::stateful_sets, EventType::warning, "FailedCreate", what + " failed error: " + created.error().message);
      }
      co_return created.error();
    }
  }
  co_return success();
}

/// Claims that go with the set, or with a pod that is scaled away, are owned by it: the garbage collector does the rest.
Task<Result<void>> StatefulSetController::own_claims(ObjectPointer set, std::map<std::int64_t, ObjectPointer> pods) {
  const Json& policy = find(*set, {"spec", "persistentVolumeClaimRetentionPolicy"});
  const bool with_set = text_at(policy, {"whenDeleted"}) == "Delete";
  const bool with_pod = text_at(policy, {"whenScaled"}) == "Delete";
  if (client::is_deleting(*set)) co_return success();
  const std::int64_t end = ordinal_first(*set) + replicas_wanted(*set);
  const Json templates = list_at(*set, {"spec", "volumeClaimTemplates"});
  for (const auto& [ordinal, pod] : pods) {
    const bool condemned = ordinal >= end || ordinal < ordinal_first(*set);
    for (const Json& claim_template : templates) {
      const std::string name = client::name_of(claim_template) + "-" + client::name_of(*set) + "-" + std::to_string(ordinal);
      const ObjectPointer claim = claims_.store().find(client::namespace_of(*set), name);
      if (claim == nullptr || client::is_deleting(*claim)) continue;
      Json owners = Json::array();
      for (const Json& owner : list_at(*claim, {"metadata", "ownerReferences"})) {
        const std::string uid = text_at(owner, {"uid"});
        if (uid != client::uid_of(*set) && uid != client::uid_of(*pod)) owners.push_back(owner);
      }
      if (condemned && with_pod) {
        owners.push_back(client::controller_reference(*pod, types::pods));
      } else if (with_set) {
        owners.push_back(client::controller_reference(*set, types::stateful_sets));
      }
      if (owners == list_at(*claim, {"metadata", "ownerReferences"})) continue;
      Json changed = *claim;
      if (owners.empty()) changed["metadata"].erase("ownerReferences");
      else changed["metadata"]["ownerReferences"] = std::move(owners);
      auto patched = co_await client_.update(types::persistent_volume_claims, std::move(changed));
      if (!patched && patched.error().code != ErrorCode::not_found && patched.error().code != ErrorCode::conflict) co_return patched.error();
    }
  }
  co_return success();
}

Task<Result<void>> StatefulSetController::carry_out(ObjectPointer set, StatefulStep one, History history, std::string current_revision) {
  const std::string pod_name = client::name_of(*set) + "-" + std::to_string(one.ordinal);
  if (one.kind == StatefulStep::Kind::create) {
    auto claims = co_await create_claims(set, one.ordinal);
    if (!claims) co_return claims.error();
    const Json* pod_template = &find(*set, {"spec", "template"});
    std::string revision_name = client::name_of(*history.current);
    if (one.at_current_revision) {
      for (const ObjectPointer& revision : history.all) {
        if (client::name_of(*revision) != current_revision) continue;
        pod_template = &find(*revision, {"data", "spec", "template"});
        revision_name = current_revision;
      }
    }
    Json pod = stateful_pod(*set, *pod_template, one.ordinal, revision_name);
    auto created = co_await client_.create(types::pods, std::move(pod));
    if (created) {
      events_.record(*set, types::stateful_sets, EventType::normal, "SuccessfulCreate",
                     "create Pod " + pod_name + " in StatefulSet " + client::name_of(*set) + " successful");
      co_return success();
    }
    // Seen too late by our cache: the watch will tell.
    if (created.error().code == ErrorCode::already_exists || is_namespace_terminating(created.error())) co_return success();
    events_.record(*set, types::stateful_sets, EventType::warning, "FailedCreate",
                   "create Pod " + pod_name + " in StatefulSet " + client::name_of(*set) + " failed error: " + created.error().message);
    co_return created.error();
  }
  if (one.kind == StatefulStep::Kind::recreate_failed) {
    const bool failed = text_at(*one.pod, {"status", "phase"}) == "Failed";
    events_.record(*set, types::stateful_sets, failed ? EventType::warning : EventType::normal, failed ? "RecreatingFailedPod" : "RecreatingTerminatedPod",
                   "StatefulSet " + client::key_of(*set) + " is recreating " + (failed ? "failed" : "terminated") + " Pod " + pod_name);
  }
  client::DeleteOptions options;
  options.uid = client::uid_of(*one.pod);
  auto removed = co_await client_.remove(types::pods, client::namespace_of(*one.pod), pod_name, options);
  if (removed) {
    events_.record(*set, types::stateful_sets, EventType::normal, "SuccessfulDelete",
                   "delete Pod " + pod_name + " in StatefulSet " + client::name_of(*set) + " successful");
    co_return success();
  }
  if (removed.error().code == ErrorCode::not_found || removed.error().code == ErrorCode::conflict) co_return success();
  co_return removed.error();
}

Task<Result<void>> StatefulSetController::reconcile(std::string key) {
  const ObjectPointer set = stateful_sets_.store().find(key);
  if (set == nullptr) co_return success();
  const auto selector = Selector::from_label_selector(find(*set, {"spec", "selector"}));
  if (!selector || selector.value().empty()) co_return success();
  std::vector<ObjectPointer> candidates;
  for (ObjectPointer& pod : controlled_or_orphaned(pods_.store(), *set)) {
    if (ordinal_of(*set, *pod) >= 0) candidates.push_back(std::move(pod));
  }
  auto claimed = co_await claim(client_, types::stateful_sets, set, types::pods, selector.value(), std::move(candidates));
  if (!claimed) co_return claimed.error();
  auto history = co_await sync_history(client_, types::stateful_sets, set, revisions_.store().by_index("controller", client::uid_of(*set)));
  if (!history && is_namespace_terminating(history.error())) co_return success();
  if (!history) co_return history.error();
  std::map<std::int64_t, ObjectPointer> pods;
  std::set<std::string> live;
  for (const ObjectPointer& pod : claimed.value()) {
    pods[ordinal_of(*set, *pod)] = pod;
    live.insert(revision_of_pod(*pod));
  }
  const std::string update_revision = client::name_of(*history.value().current);
  std::string current_revision = text_at(*set, {"status", "currentRevision"});
  if (current_revision.empty()) current_revision = update_revision;
  live.insert(current_revision);

  Result<void> result = co_await own_claims(set, pods);
  std::optional<WallTime> available_at;
  for (const auto& [ordinal, pod] : pods) {
    std::optional<WallTime> counts_at;
    (void)client::is_pod_available(*pod, integer_at(*set, {"spec", "minReadySeconds"}), now(), &counts_at);
    if (counts_at && (!available_at || *counts_at < *available_at)) available_at = counts_at;
  }
  if (available_at) queue_.add_after(key, *available_at - now());
  for (const StatefulStep& one : plan_stateful_set(*set, pods, update_revision, now())) {
    if (!result) break;
    result = co_await carry_out(set, one, history.value(), current_revision);
    if (!result) break;
  }
  Json status = stateful_set_status(*set, pods, current_revision, update_revision, now());
  if (status != find(*set, {"status"})) {
    Json changed = *set;
    changed["status"] = std::move(status);
    auto updated = co_await client_.update_status(types::stateful_sets, std::move(changed));
    if (!updated && updated.error().code != ErrorCode::not_found && result) co_return updated.error();
  }
  if (result) {
    // Pods carry the revision's name as hash here, revisions their bare hash: spare by either.
    std::set<std::string> hashes;
    for (const ObjectPointer& revision : history.value().all) {
      if (live.count(client::name_of(*revision)) != 0) hashes.insert(hash_of(*revision));
    }
    result = co_await trim_history(client_, set, history.value(), std::move(hashes));
  }
  co_return result;
}

}  // namespace skidpad::fakes::kube_controller_manager

#include "fakes/kube_controller_manager/deployment.hpp"

#include "fakes/kube_controller_manager/ownership.hpp"
#include "fakes/kube_controller_manager/pod_control.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

bool is_paused(const Json& deployment) { return runtime::bool_at(deployment, {"spec", "paused"}); }

/// Sets the deployment's own revision annotation. Returns whether it changed.
bool set_revision(Json& deployment, const std::string& revision) {
  if (revision.empty() || client::annotation(deployment, annotations::revision) == revision) return false;
  deployment["metadata"]["annotations"][annotations::revision] = revision;
  return true;
}

}  // namespace

DeploymentController::DeploymentController(Surroundings& surroundings)
    : QueueController(surroundings, "deployment", "deployment-controller", surroundings.settings.concurrent_deployment_syncs),
      deployments_(surroundings.informers.informer(types::deployments)),
      replica_sets_(surroundings.informers.informer(types::replica_sets)),
      pods_(surroundings.informers.informer(types::pods)) {
  add_controller_index(replica_sets_.store());
  add_controller_index(pods_.store());
  deployments_.add_handler(client::on_any_change([this](const ObjectPointer& deployment) { enqueue(*deployment); }));
  client::InformerHandler sets;
  sets.added = [this](const ObjectPointer& set) { enqueue_owner(*set); };
  sets.updated = [this](const ObjectPointer& before, const ObjectPointer& now) {
    if (client::controller_of(*before) != client::controller_of(*now)) enqueue_owner(*before);
    enqueue_owner(*now);
  };
  sets.deleted = [this](const ObjectPointer& set) { enqueue_owner(*set); };
  replica_sets_.add_handler(std::move(sets));
  client::InformerHandler pods;
  pods.deleted = [this](const ObjectPointer& pod) {
    // A Recreate rollout goes on when the last old pod is gone.
    const Json& reference = client::controller_of(*pod);
    if (!reference.is_object() || text_at(reference, {"kind"}) != "ReplicaSet") return;
    const ObjectPointer set = replica_sets_.store().find(client::namespace_of(*pod), text_at(reference, {"name"}));
    if (set != nullptr) enqueue_owner(*set);
  };
  pods_.add_handler(std::move(pods));
}

void DeploymentController::enqueue_owner(const Json& replica_set) {
  const Json& reference = client::controller_of(replica_set);
  if (reference.is_object()) {
    if (text_at(reference, {"kind"}) == "Deployment") queue_.add(client::make_key(client::namespace_of(replica_set), text_at(reference, {"name"})));
    return;
  }
  for (const ObjectPointer& deployment : deployments_.store().in_namespace(client::namespace_of(replica_set))) {
    const auto selector = Selector::from_label_selector(find(*deployment, {"spec", "selector"}));
    if (selector && !selector.value().empty() && selector.value().matches(client::labels_of(replica_set))) enqueue(*deployment);
  }
}

void DeploymentController::replace(Rollout& rollout, Json changed) {
  auto object = std::make_shared<const Json>(std::move(changed));
  const std::string& uid = client::uid_of(*object);
  for (ReplicaSets* sets : {&rollout.all, &rollout.old}) {
    for (ObjectPointer& set : *sets) {
      if (client::uid_of(*set) == uid) set = object;
    }
  }
  if (rollout.new_one != nullptr && client::uid_of(*rollout.new_one) == uid) rollout.new_one = object;
}

Task<Result<void>> DeploymentController::write_status(Rollout& rollout, Json status) {
  rollout.deployment["status"] = std::move(status);
  auto updated = co_await client_.update_status(types::deployments, rollout.deployment);
  if (!updated) co_return updated.error();
  rollout.deployment = std::move(updated.value());
  co_return success();
}

Task<Result<void>> DeploymentController::update_existing(Rollout& rollout, std::int64_t revision) {
  Json set = *rollout.new_one;
  const bool annotated = set_new_replica_set_annotations(rollout.deployment, set, revision, true);
  const std::int64_t min_ready = integer_at(rollout.deployment, {"spec", "minReadySeconds"});
  if (annotated || integer_at(set, {"spec", "minReadySeconds"}) != min_ready) {
    if (min_ready != 0) set["spec"]["minReadySeconds"] = min_ready;
    else set["spec"].erase("minReadySeconds");
    auto updated = co_await client_.update(types::replica_sets, std::move(set));
    if (!updated) co_return updated.error();
    replace(rollout, std::move(updated.value()));
    co_return success();
  }
  bool changed = set_revision(rollout.deployment, client::annotation(set, annotations::revision));
  Json status = find(rollout.deployment, {"status"});
  if (!status.is_object()) status = Json::object();
  if (has_progress_deadline(rollout.deployment) && !client::condition_of(rollout.deployment, "Progressing").is_object()) {
    set_deployment_condition(status, "Progressing", "True", "FoundNewReplicaSet",
                             "Found new replica set \"" + client::name_of(set) + "\"", now());
    changed = true;
  }
  if (!changed) co_return success();
  co_return co_await write_status(rollout, std::move(status));
}

Task<Result<void>> DeploymentController::create_new(Rollout& rollout, std::int64_t revision) {
  const Json& deployment = rollout.deployment;
  const Json& pod_template = find(deployment, {"spec", "template"});
  const std::int64_t collisions = integer_at(deployment, {"status", "collisionCount"});
  const std::string hash = template_hash(pod_template, collisions);
  Json set = Json::object();
  Json& metadata = set["metadata"];
  metadata["name"] = client::name_of(deployment) + "-" + hash;
  metadata["namespace"] = client::namespace_of(deployment);
  metadata["ownerReferences"] = Json::array();
  metadata["ownerReferences"].push_back(client::controller_reference(deployment, types::deployments));
  Json& spec = set["spec"];
  spec["selector"] = find(deployment, {"spec", "selector"});
  spec["selector"]["matchLabels"][template_hash_label] = hash;
  spec["template"] = pod_template;
  spec["template"]["metadata"]["labels"][template_hash_label] = hash;
  metadata["labels"] = spec["template"]["metadata"]["labels"];
  if (const std::int64_t min_ready = integer_at(deployment, {"spec", "minReadySeconds"})) spec["minReadySeconds"] = min_ready;
  spec["replicas"] = 0;
  const std::int64_t size = new_replica_set_size(deployment, rollout.all, set);
  spec["replicas"] = size;
  set_new_replica_set_annotations(deployment, set, revision, false);

  bool existed = false;
  auto created = co_await client_.create(types::replica_sets, set);
  if (!created && created.error().code == ErrorCode::already_exists) {
    existed = true;
    auto other = co_await client_.get(types::replica_sets, client::namespace_of(deployment), client::name_of(set));
    if (!other) co_return other.error();
    ReplicaSets only;
    only.push_back(std::make_shared<const Json>(other.value()));
    if (!client::is_controlled_by(other.value(), deployment) || find_new_replica_set(deployment, only) == nullptr) {
      // Another template with the same hash: count the collision, the next pass finds another name.
      Json status = find(deployment, {"status"});
      status["collisionCount"] = collisions + 1;
      auto written = co_await write_status(rollout, std::move(status));
      if (!written) co_return written.error();
      co_return created.error();
    }
    created = std::move(other.value());
  }
  if (!created && is_namespace_terminating(created.error())) co_return created.error();
  if (!created) {
    const std::string message = "Failed to create new replica set \"" + client::name_of(set) + "\": " + created.error().message;
    events_.record(deployment, types::deployments, EventType::warning, "ReplicaSetCreateError", message);
    if (has_progress_deadline(deployment)) {
      Json status = find(deployment, {"status"});
      set_deployment_condition(status, "Progressing", "False", "ReplicaSetCreateError", message, now());
      auto written = co_await write_status(rollout, std::move(status));
      (void)written;  // the create's failure is what is told
    }
    co_return created.error();
  }
  rollout.new_one = std::make_shared<const Json>(std::move(created.value()));
  rollout.all.push_back(rollout.new_one);
  if (!existed && size > 0) {
    events_.record(deployment, types::deployments, EventType::normal, "ScalingReplicaSet",
                   "Scaled up replica set " + client::name_of(*rollout.new_one) + " from 0 to " + std::to_string(size));
  }
  bool changed = set_revision(rollout.deployment, std::to_string(revision));
  Json status = find(rollout.deployment, {"status"});
  if (!status.is_object()) status = Json::object();
  if (!existed && has_progress_deadline(deployment)) {
    set_deployment_condition(status, "Progressing", "True", "NewReplicaSetCreated",
                             "Created new replica set \"" + client::name_of(*rollout.new_one) + "\"", now());
    changed = true;
  }
  if (!changed) co_return success();
  co_return co_await write_status(rollout, std::move(status));
}

Task<Result<void>> DeploymentController::find_sets(Rollout& rollout, Create create) {
  rollout.new_one = find_new_replica_set(rollout.deployment, rollout.all);
  rollout.old = old_replica_sets(rollout.all, rollout.new_one);
  std::int64_t revision_max = 0;
  for (const ObjectPointer& set : rollout.old) revision_max = std::max(revision_max, revision_of(*set));
  if (rollout.new_one != nullptr) co_return co_await update_existing(rollout, revision_max + 1);
  if (create == Create::yes) co_return co_await create_new(rollout, revision_max + 1);
  co_return success();
}

Task<Result<bool>> DeploymentController::scale(Rollout& rollout, ObjectPointer set, std::int64_t replicas) {
  Json changed = *set;
  const std::int64_t before = replicas_of(*set);
  const std::int64_t wanted = replicas_of(rollout.deployment);
  const bool annotated = set_replicas_annotations(changed, wanted, wanted + max_surge(rollout.deployment));
  if (before == replicas && !annotated) co_return false;
  changed["spec"]["replicas"] = replicas;
  auto updated = co_await client_.update(types::replica_sets, std::move(changed));
  if (!updated) co_return updated.error();
  replace(rollout, std::move(updated.value()));
  if (before == replicas) co_return false;
  events_.record(rollout.deployment, types::deployments, EventType::normal, "ScalingReplicaSet",
                 std::string(before < replicas ? "Scaled up" : "Scaled down") + " replica set " + client::name_of(*set) + " from " +
                     std::to_string(before) + " to " + std::to_string(replicas));
  co_return true;
}

Task<Result<void>> DeploymentController::clean_up(Rollout& rollout) {
  for (const ObjectPointer& set : to_clean_up(rollout.deployment, rollout.old)) {
    auto removed = co_await client_.remove(types::replica_sets, client::namespace_of(*set), client::name_of(*set));
    if (!removed && removed.error().code != ErrorCode::not_found) co_return removed.error();
  }
  co_return success();
}

Task<Result<void>> DeploymentController::sync_rollout_status(Rollout& rollout) {
  Json status = rollout_status(rollout.deployment, rollout.all, rollout.new_one, now());
  if (const auto check_at = deadline_check_at(rollout.deployment, status, now())) {
    queue_.add_after(client::key_of(rollout.deployment), *check_at - now());
  }
  if (status == find(rollout.deployment, {"status"})) co_return success();
  co_return co_await write_status(rollout, std::move(status));
}

Task<Result<void>> DeploymentController::scale_only(Rollout& rollout) {
  auto found = co_await find_sets(rollout, Create::no);
  if (!found) co_return found.error();
  for (const Scale& one : scale_proportionally(rollout.deployment, rollout.old, rollout.new_one)) {
    auto scaled = co_await scale(rollout, one.replica_set, one.replicas);
    if (!scaled) co_return scaled.error();
  }
  if (is_paused(rollout.deployment)) {
    auto cleaned = co_await clean_up(rollout);
    if (!cleaned) co_return cleaned.error();
  }
  Json status = deployment_status(rollout.deployment, rollout.all, rollout.new_one, now());
  if (status == find(rollout.deployment, {"status"})) co_return success();
  co_return co_await write_status(rollout, std::move(status));
}

Task<Result<void>> DeploymentController::check_paused(Rollout& rollout) {
  const Json& progressing = client::condition_of(rollout.deployment, "Progressing");
  if (!has_progress_deadline(rollout.deployment) || text_at(progressing, {"reason"}) == "ProgressDeadlineExceeded") co_return success();
  const bool said = text_at(progressing, {"reason"}) == "DeploymentPaused";
  const bool paused = is_paused(rollout.deployment);
  if (paused == said) co_return success();
  Json status = find(rollout.deployment, {"status"});
  if (!status.is_object()) status = Json::object();
  if (paused) {
    set_deployment_condition(status, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now());
  } else {
    set_deployment_condition(status, "Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", now());
  }
  co_return co_await write_status(rollout, std::move(status));
}

Task<Result<void>> DeploymentController::roll(Rollout& rollout) {
  auto found = co_await find_sets(rollout, Create::yes);
  if (!found) co_return found.error();
  const std::int64_t size = replicas_of(*rollout.new_one);
  const std::int64_t wanted = replicas_of(rollout.deployment);
  std::int64_t target = wanted;
  if (size < wanted) target = new_replica_set_size(rollout.deployment, rollout.all, *rollout.new_one);
  if (target != size) {
    auto scaled = co_await scale(rollout, rollout.new_one, target);
    if (!scaled) co_return scaled.error();
    if (scaled.value()) co_return co_await sync_rollout_status(rollout);
  }
  bool scaled_down = false;
  for (const Scale& one : scale_down_old(rollout.deployment, rollout.old, rollout.new_one)) {
    // The same set may shrink twice: from what the first step left.
    ObjectPointer set = one.replica_set;
    for (const ObjectPointer& known : rollout.old) {
      if (client::uid_of(*known) == client::uid_of(*set)) set = known;
    }
    auto scaled = co_await scale(rollout, set, one.replicas);
    if (!scaled) co_return scaled.error();
    scaled_down = scaled_down || scaled.value();
  }
  if (scaled_down) co_return co_await sync_rollout_status(rollout);
  if (is_complete(rollout.deployment, find(rollout.deployment, {"status"}))) {
    auto cleaned = co_await clean_up(rollout);
    if (!cleaned) co_return cleaned.error();
  }
  co_return co_await sync_rollout_status(rollout);
}

bool DeploymentController::old_pods_running(const Rollout& rollout) const {
  for (const ObjectPointer& set : rollout.old) {
    for (const ObjectPointer& pod : pods_.store().by_index("controller", client::uid_of(*set))) {
      if (!client::is_pod_finished(*pod)) return true;
    }
  }
  return false;
}

Task<Result<void>> DeploymentController::recreate(Rollout& rollout) {
  auto found = co_await find_sets(rollout, Create::no);
  if (!found) co_return found.error();
  bool scaled_down = false;
  const ReplicaSets old = rollout.old;
  for (const ObjectPointer& set : old) {
    if (replicas_of(*set) == 0) continue;
    auto scaled = co_await scale(rollout, set, 0);
    if (!scaled) co_return scaled.error();
    scaled_down = scaled_down || scaled.value();
  }
  if (scaled_down || old_pods_running(rollout)) co_return co_await sync_rollout_status(rollout);
  if (rollout.new_one == nullptr) {
    auto created = co_await find_sets(rollout, Create::yes);
    if (!created) co_return created.error();
  }
  if (replicas_of(*rollout.new_one) != replicas_of(rollout.deployment)) {
    auto scaled = co_await scale(rollout, rollout.new_one, replicas_of(rollout.deployment));
    if (!scaled) co_return scaled.error();
  }
  if (is_complete(rollout.deployment, find(rollout.deployment, {"status"}))) {
    auto cleaned = co_await clean_up(rollout);
    if (!cleaned) co_return cleaned.error();
  }
  co_return co_await sync_rollout_status(rollout);
}

Task<Result<void>> DeploymentController::reconcile(std::string key) {
  const ObjectPointer cached = deployments_.store().find(key);
  if (cached == nullptr) co_return success();
  const auto selector = Selector::from_label_selector(find(*cached, {"spec", "selector"}));
  if (!selector || selector.value().empty()) co_return success();
  auto claimed = co_await claim(client_, types::deployments, cached, types::replica_sets, selector.value(),
                                controlled_or_orphaned(replica_sets_.store(), *cached));
  if (!claimed) co_return claimed.error();
  Rollout rollout;
  rollout.deployment = *cached;
  rollout.all = std::move(claimed.value());
  Result<void> result = success();
  if (client::is_deleting(*cached)) {
    rollout.new_one = find_new_replica_set(rollout.deployment, rollout.all);
    Json status = deployment_status(rollout.deployment, rollout.all, rollout.new_one, now());
    if (status != find(rollout.deployment, {"status"})) result = co_await write_status(rollout, std::move(status));
  } else {
    result = co_await check_paused(rollout);
    if (!result) {
      // told below
    } else if (is_paused(rollout.deployment) || is_scaling_event(rollout.deployment, rollout.all)) {
      result = co_await scale_only(rollout);
    } else if (is_recreate(rollout.deployment)) {
      result = co_await recreate(rollout);
    } else {
      result = co_await roll(rollout);
    }
  }
  // A namespace being deleted takes the deployment with it: its refusals are not worth retries.
  if (!result && (is_namespace_terminating(result.error()) || result.error().code == ErrorCode::not_found)) co_return success();
  co_return result;
}

}  // namespace skidpad::fakes::kube_controller_manager

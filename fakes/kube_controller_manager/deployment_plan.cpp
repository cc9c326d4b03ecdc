#include "fakes/kube_controller_manager/deployment_plan.hpp"

#include <cmath>

namespace skidpad::fakes::kube_controller_manager {

namespace {

enum class Round { up, down };

/// An int or "25%" of a total; the default strategy is 25 %.
std::int64_t resolve(const Json& value, std::int64_t total, Round round) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  const std::string text = value.is_string() ? value.get<std::string>() : "25%";
  const std::int64_t percent = std::strtoll(text.c_str(), nullptr, 10);
  const std::int64_t product = percent * total;
  return round == Round::up ? (product + 99) / 100 : product / 100;
}

struct Bounds {
  std::int64_t surge = 0;
  std::int64_t unavailable = 0;
};

Bounds bounds_of(const Json& deployment) {
  Bounds bounds;
  const std::int64_t replicas = replicas_of(deployment);
  const Json& rolling = find(deployment, {"spec", "strategy", "rollingUpdate"});
  bounds.surge = resolve(find(rolling, {"maxSurge"}), replicas, Round::up);
  bounds.unavailable = resolve(find(rolling, {"maxUnavailable"}), replicas, Round::down);
  if (bounds.surge == 0 && bounds.unavailable == 0) bounds.unavailable = 1;  // else nothing could ever move
  return bounds;
}

std::int64_t sum(const ReplicaSets& sets, std::initializer_list<std::string_view> path) {
  std::int64_t total = 0;
  for (const ObjectPointer& set : sets) {
    if (set != nullptr) total += integer_at(*set, path);
  }
  return total;
}

std::int64_t spec_sum(const ReplicaSets& sets) {
  std::int64_t total = 0;
  for (const ObjectPointer& set : sets) {
    if (set != nullptr) total += replicas_of(*set);
  }
  return total;
}

bool older(const ObjectPointer& a, const ObjectPointer& b) {
  const auto a_created = client::created_at(*a);
  const auto b_created = client::created_at(*b);
  if (a_created && b_created && *a_created != *b_created) return *a_created < *b_created;
  return client::name_of(*a) < client::name_of(*b);
}

ReplicaSets by_age(ReplicaSets sets) {
  std::stable_sort(sets.begin(), sets.end(), older);
  return sets;
}

Json without_hash(const Json& pod_template) {
  Json bare = pod_template;
  if (bare.is_object() && bare.contains("metadata") && bare["metadata"].is_object()) {
    Json& metadata = bare["metadata"];
    if (metadata.contains("labels") && metadata["labels"].is_object()) metadata["labels"].erase(template_hash_label);
    if (metadata.contains("labels") && metadata["labels"].empty()) metadata.erase("labels");
    metadata.erase("creationTimestamp");
    if (metadata.empty()) bare.erase("metadata");
  }
  return bare;
}

bool is_inherited(const std::string& annotation) {
  return annotation != "kubectl.kubernetes.io/last-applied-configuration" && annotation != annotations::revision &&
         annotation != annotations::revision_history && annotation != annotations::desired_replicas &&
         annotation != annotations::max_replicas && annotation != "deprecated.deployment.rollback.to";
}

std::int64_t annotated(const Json& object, const std::string& name, std::int64_t otherwise) {
  const std::string text = client::annotation(object, name);
  return text.empty() ? otherwise : std::strtoll(text.c_str(), nullptr, 10);
}

/// How much one set grows or shrinks so that its share stays what it was.
std::int64_t fraction_of(const Json& set, const Json& deployment) {
  const std::int64_t replicas = replicas_of(deployment);
  const std::int64_t size = replicas_of(set);
  if (replicas == 0) return -size;
  const std::int64_t sized_for = annotated(set, annotations::max_replicas, integer_at(deployment, {"status", "replicas"}));
  if (sized_for == 0) return 0;
  const std::int64_t wanted = std::llround(double(size) * double(replicas + max_surge(deployment)) / double(sized_for));
  return wanted - size;
}

const Json& status_condition(const Json& status, const std::string& type) {
  static const Json none;
  for (const Json& condition : list_at(status, {"conditions"})) {
    if (text_at(condition, {"type"}) == type) return condition;
  }
  return none;
}

bool made_progress(const Json& before, const Json& now) {
  const auto at = [](const Json& status, const char* key) { return integer_at(status, {key}); };
  return at(now, "updatedReplicas") > at(before, "updatedReplicas") ||
         at(now, "replicas") - at(now, "updatedReplicas") < at(before, "replicas") - at(before, "updatedReplicas") ||
         at(now, "readyReplicas") > at(before, "readyReplicas") || at(now, "availableReplicas") > at(before, "availableReplicas");
}

bool timed_out(const Json& deployment, const Json& status, WallTime now) {
  const Json& progressing = status_condition(status, "Progressing");
  if (!progressing.is_object()) return false;
  const std::string reason = text_at(progressing, {"reason"});
  if (reason == "NewReplicaSetAvailable") return false;
  if (reason == "ProgressDeadlineExceeded") return true;
  const auto since = client::time_at(progressing, {"lastUpdateTime"});
  return since && *since + std::chrono::seconds(integer_at(deployment, {"spec", "progressDeadlineSeconds"})) < now;
}

}  // namespace

std::int64_t replicas_of(const Json& object) { return integer_at(object, {"spec", "replicas"}, 1); }
bool is_recreate(const Json& deployment) { return text_at(deployment, {"spec", "strategy", "type"}) == "Recreate"; }
std::int64_t max_surge(const Json& deployment) { return is_recreate(deployment) ? 0 : bounds_of(deployment).surge; }

std::int64_t max_unavailable(const Json& deployment) {
  if (is_recreate(deployment) || replicas_of(deployment) == 0) return 0;
  return std::min(bounds_of(deployment).unavailable, replicas_of(deployment));
}

bool has_progress_deadline(const Json& deployment) {
  const Json& deadline = find(deployment, {"spec", "progressDeadlineSeconds"});
  return deadline.is_number_integer() && deadline.get<std::int64_t>() != INT32_MAX;
}

std::int64_t revision_of(const Json& object) { return annotated(object, annotations::revision, 0); }

ObjectPointer find_new_replica_set(const Json& deployment, const ReplicaSets& replica_sets) {
  const Json wanted = without_hash(find(deployment, {"spec", "template"}));
  for (const ObjectPointer& set : by_age(replica_sets)) {
    if (without_hash(find(*set, {"spec", "template"})) == wanted) return set;
  }
  return nullptr;
}

ReplicaSets old_replica_sets(const ReplicaSets& replica_sets, const ObjectPointer& new_one) {
  ReplicaSets old;
  for (const ObjectPointer& set : replica_sets) {
    if (new_one == nullptr || client::uid_of(*set) != client::uid_of(*new_one)) old.push_back(set);
  }
  return old;
}

std::int64_t new_replica_set_size(const Json& deployment, const ReplicaSets& all, const Json& new_one) {
  const std::int64_t wanted = replicas_of(deployment);
  if (is_recreate(deployment)) return wanted;
  const std::int64_t size = replicas_of(new_one);
  const std::int64_t room = wanted + max_surge(deployment) - spec_sum(all);
  if (room <= 0) return size;
  return size + std::min(room, wanted - size);
}

std::vector<Scale> scale_down_old(const Json& deployment, const ReplicaSets& old, const ObjectPointer& new_one) {
  std::vector<Scale> scales;
  ReplicaSets all = old;
  if (new_one != nullptr) all.push_back(new_one);
  const std::int64_t available_min = replicas_of(deployment) - max_unavailable(deployment);
  const std::int64_t new_unavailable =
      new_one == nullptr ? 0 : replicas_of(*new_one) - integer_at(*new_one, {"status", "availableReplicas"});
  const std::int64_t removable = spec_sum(all) - available_min - new_unavailable;
  if (spec_sum(old) == 0 || removable <= 0) return scales;
  const ReplicaSets sorted = by_age(old);
  std::map<std::string, std::int64_t> size;
  for (const ObjectPointer& set : sorted) size[client::uid_of(*set)] = replicas_of(*set);

  const auto shrink = [&](const ObjectPointer& set, std::int64_t count) {
    Scale scale;
    scale.replica_set = set;
    scale.replicas = size[client::uid_of(*set)] -= count;
    scales.push_back(std::move(scale));
  };
  // Replicas that serve nobody go first, and do not count against availability. A step, and an event, of its own.
  std::int64_t removed = 0;
  for (const ObjectPointer& set : sorted) {
    if (removed >= removable) break;
    const std::int64_t unhealthy = size[client::uid_of(*set)] - integer_at(*set, {"status", "availableReplicas"});
    if (replicas_of(*set) == 0 || unhealthy <= 0) continue;
    const std::int64_t count = std::min(removable - removed, unhealthy);
    shrink(set, count);
    removed += count;
  }
  // A status may be older than the size: what was scaled away already is not counted as available once more.
  std::int64_t spare = -available_min;
  for (const ObjectPointer& set : all) {
    const auto shrunk = size.find(client::uid_of(*set));
    spare += std::min(integer_at(*set, {"status", "availableReplicas"}), shrunk == size.end() ? replicas_of(*set) : shrunk->second);
  }
  for (const ObjectPointer& set : sorted) {
    if (spare <= 0) break;
    const std::int64_t count = std::min(size[client::uid_of(*set)], spare);
    if (count > 0) shrink(set, count);
    spare -= count;
  }
  return scales;
}

std::vector<Scale> scale_proportionally(const Json& deployment, const ReplicaSets& old, const ObjectPointer& new_one) {
  std::vector<Scale> scales;
  const auto to = [&scales](const ObjectPointer& set, std::int64_t replicas) {
    Scale scale;
    scale.replica_set = set;
    scale.replicas = replicas;
    scales.push_back(std::move(scale));
  };
  const std::int64_t wanted = replicas_of(deployment);
  ReplicaSets active;
  for (const ObjectPointer& set : old) {
    if (replicas_of(*set) > 0) active.push_back(set);
  }
  const bool new_active = new_one != nullptr && replicas_of(*new_one) > 0;
  if (active.size() + (new_active ? 1 : 0) <= 1) {
    ObjectPointer only = !active.empty() ? active.front() : new_one;
    if (only == nullptr && !old.empty()) only = by_age(old).back();
    if (only != nullptr && replicas_of(*only) != wanted) to(only, wanted);
    return scales;
  }
  const bool saturated = new_one != nullptr && annotated(*new_one, annotations::desired_replicas, -1) == wanted &&
                         replicas_of(*new_one) == wanted && integer_at(*new_one, {"status", "availableReplicas"}) == wanted;
  if (saturated) {
    for (const ObjectPointer& set : by_age(active)) to(set, 0);
    return scales;
  }
  if (is_recreate(deployment)) return scales;
  if (new_active) active.push_back(new_one);
  const std::int64_t allowed = wanted > 0 ? wanted + max_surge(deployment) : 0;
  const std::int64_t to_add = allowed - spec_sum(active);
  // Growing favours the newer of equal sets, shrinking the older.
  std::stable_sort(active.begin(), active.end(), [to_add](const ObjectPointer& a, const ObjectPointer& b) {
    if (replicas_of(*a) != replicas_of(*b)) return replicas_of(*a) > replicas_of(*b);
    return to_add > 0 ? older(b, a) : older(a, b);
  });
  std::vector<std::int64_t> sizes;
  std::int64_t added = 0;
  for (const ObjectPointer& set : active) {
    std::int64_t share = 0;
    if (to_add != 0 && to_add != added && replicas_of(*set) != 0) {
      share = fraction_of(*set, deployment);
      share = to_add > 0 ? std::min(share, to_add - added) : std::max(share, to_add - added);
    }
    sizes.push_back(replicas_of(*set) + share);
    added += share;
  }
  sizes.front() = std::max<std::int64_t>(0, sizes.front() + to_add - added);
  for (std::size_t i = 0; i < active.size(); ++i) to(active[i], sizes[i]);
  return scales;
}

bool is_scaling_event(const Json& deployment, const ReplicaSets& all) {
  for (const ObjectPointer& set : all) {
    if (replicas_of(*set) == 0) continue;
    const std::string desired = client::annotation(*set, annotations::desired_replicas);
    if (!desired.empty() && std::strtoll(desired.c_str(), nullptr, 10) != replicas_of(deployment)) return true;
  }
  return false;
}

ReplicaSets to_clean_up(const Json& deployment, const ReplicaSets& old) {
  ReplicaSets chosen;
  const Json& limit = find(deployment, {"spec", "revisionHistoryLimit"});
  if (!limit.is_number_integer() || limit.get<std::int64_t>() == INT32_MAX) return chosen;
  ReplicaSets alive;
  for (const ObjectPointer& set : old) {
    if (!client::is_deleting(*set)) alive.push_back(set);
  }
  const std::int64_t excess = std::int64_t(alive.size()) - limit.get<std::int64_t>();
  std::stable_sort(alive.begin(), alive.end(), [](const ObjectPointer& a, const ObjectPointer& b) { return revision_of(*a) < revision_of(*b); });
  for (std::int64_t i = 0; i < excess; ++i) {
    const Json& set = *alive[std::size_t(i)];
    if (integer_at(set, {"status", "replicas"}) != 0 || replicas_of(set) != 0) continue;
    if (integer_at(set, {"metadata", "generation"}) > integer_at(set, {"status", "observedGeneration"})) continue;
    chosen.push_back(alive[std::size_t(i)]);
  }
  return chosen;
}

bool set_new_replica_set_annotations(const Json& deployment, Json& replica_set, std::int64_t revision, bool exists) {
  bool changed = false;
  const std::string revision_before = client::annotation(replica_set, annotations::revision);
  Json& metadata = replica_set["metadata"];
  if (!metadata.contains("annotations")) metadata["annotations"] = Json::object();
  Json& mine = metadata["annotations"];
  for (const auto& [name, value] : client::annotations_of(deployment).items()) {
    if (!is_inherited(name) || (mine.contains(name) && mine[name] == value)) continue;
    mine[name] = value;
    changed = true;
  }
  if (revision_of(replica_set) < revision) {
    mine[annotations::revision] = std::to_string(revision);
    changed = true;
    if (!revision_before.empty()) {
      const std::string history = client::annotation(replica_set, annotations::revision_history);
      mine[annotations::revision_history] = history.empty() ? revision_before : history + "," + revision_before;
    }
  }
  if (!exists && set_replicas_annotations(replica_set, replicas_of(deployment), replicas_of(deployment) + max_surge(deployment))) {
    changed = true;
  }
  return changed;
}

bool set_replicas_annotations(Json& replica_set, std::int64_t desired, std::int64_t max) {
  bool changed = false;
  Json& metadata = replica_set["metadata"];
  if (!metadata.contains("annotations")) metadata["annotations"] = Json::object();
  for (const auto& [name, value] : {std::pair<const std::string&, std::int64_t>(annotations::desired_replicas, desired),
                                    {annotations::max_replicas, max}}) {
    const std::string text = std::to_string(value);
    if (client::annotation(replica_set, name) == text) continue;
    metadata["annotations"][name] = text;
    changed = true;
  }
  return changed;
}

void remove_condition(Json& status, const std::string& type) {
  if (!status.contains("conditions")) return;
  Json kept = Json::array();
  for (Json& condition : status["conditions"]) {
    if (text_at(condition, {"type"}) != type) kept.push_back(std::move(condition));
  }
  status["conditions"] = std::move(kept);
  if (status["conditions"].empty()) status.erase("conditions");
}

void set_deployment_condition(Json& status, const std::string& type, const std::string& status_text, const std::string& reason,
                              const std::string& message, WallTime now) {
  const Json& before = status_condition(status, type);
  const std::string time = runtime::format_rfc3339(now);
  Json condition = Json::object();
  condition["type"] = type;
  condition["status"] = status_text;
  condition["reason"] = reason;
  condition["message"] = message;
  condition["lastUpdateTime"] = time;
  condition["lastTransitionTime"] = time;
  if (before.is_object() && text_at(before, {"status"}) == status_text) {
    if (text_at(before, {"reason"}) == reason) return;
    condition["lastTransitionTime"] = find(before, {"lastTransitionTime"});
  }
  remove_condition(status, type);
  if (!status.contains("conditions")) status["conditions"] = Json::array();
  status["conditions"].push_back(std::move(condition));
}

Json deployment_status(const Json& deployment, const ReplicaSets& all, const ObjectPointer& new_one, WallTime now) {
  Json status = Json::object();
  const std::int64_t available = sum(all, {"status", "availableReplicas"});
  status["observedGeneration"] = integer_at(deployment, {"metadata", "generation"});
  const auto put = [&status](const char* key, std::int64_t value) {
    if (value != 0) status[key] = value;
  };
  put("replicas", sum(all, {"status", "replicas"}));
  put("updatedReplicas", new_one == nullptr ? 0 : integer_at(*new_one, {"status", "replicas"}));
  put("readyReplicas", sum(all, {"status", "readyReplicas"}));
  put("availableReplicas", available);
  put("unavailableReplicas", std::max<std::int64_t>(0, spec_sum(all) - available));
  for (const char* kept : {"collisionCount", "conditions"}) {
    const Json& value = find(deployment, {"status", kept});
    if (!value.is_null()) status[kept] = value;
  }
  if (available >= replicas_of(deployment) - max_unavailable(deployment)) {
    set_deployment_condition(status, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now);
  } else {
    set_deployment_condition(status, "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.",
                             now);
  }
  return status;
}

bool is_complete(const Json& deployment, const Json& status) {
  const std::int64_t wanted = replicas_of(deployment);
  return integer_at(status, {"updatedReplicas"}) == wanted && integer_at(status, {"replicas"}) == wanted &&
         integer_at(status, {"availableReplicas"}) == wanted &&
         integer_at(status, {"observedGeneration"}) >= integer_at(deployment, {"metadata", "generation"});
}

Json rollout_status(const Json& deployment, const ReplicaSets& all, const ObjectPointer& new_one, WallTime now) {
  Json status = deployment_status(deployment, all, new_one, now);
  if (!has_progress_deadline(deployment)) remove_condition(status, "Progressing");
  const Json progressing = status_condition(find(deployment, {"status"}), "Progressing");
  const bool settled = integer_at(status, {"replicas"}) == integer_at(status, {"updatedReplicas"}) && progressing.is_object() &&
                       text_at(progressing, {"reason"}) == "NewReplicaSetAvailable";
  if (has_progress_deadline(deployment) && !settled) {
    const std::string who = new_one != nullptr ? "ReplicaSet \"" + client::name_of(*new_one) + "\""
                                               : "Deployment \"" + client::name_of(deployment) + "\"";
    if (is_complete(deployment, status)) {
      set_deployment_condition(status, "Progressing", "True", "NewReplicaSetAvailable", who + " has successfully progressed.", now);
    } else if (made_progress(find(deployment, {"status"}), status)) {
      // Each step forward moves lastUpdateTime, from which the deadline is counted.
      remove_condition(status, "Progressing");
      set_deployment_condition(status, "Progressing", "True", "ReplicaSetUpdated", who + " is progressing.", now);
      if (text_at(progressing, {"status"}) == "True") status["conditions"].back()["lastTransitionTime"] = find(progressing, {"lastTransitionTime"});
    } else if (timed_out(deployment, status, now)) {
      set_deployment_condition(status, "Progressing", "False", "ProgressDeadlineExceeded", who + " has timed out progressing.", now);
    }
  }
  const Json* failure = nullptr;
  for (const ObjectPointer& set : all) {
    const Json& condition = client::condition_of(*set, "ReplicaFailure");
    const bool newest = new_one != nullptr && client::uid_of(*set) == client::uid_of(*new_one);
    if (condition.is_object() && (failure == nullptr || newest)) failure = &condition;
  }
  if (failure != nullptr) {
    set_deployment_condition(status, "ReplicaFailure", text_at(*failure, {"status"}), text_at(*failure, {"reason"}),
                             text_at(*failure, {"message"}), now);
  } else {
    remove_condition(status, "ReplicaFailure");
  }
  return status;
}

std::optional<WallTime> deadline_check_at(const Json& deployment, const Json& status, WallTime) {
  if (!has_progress_deadline(deployment) || is_complete(deployment, status)) return std::nullopt;
  const Json& progressing = status_condition(status, "Progressing");
  if (!progressing.is_object() || text_at(progressing, {"reason"}) == "ProgressDeadlineExceeded" ||
      text_at(progressing, {"reason"}) == "NewReplicaSetAvailable") {
    return std::nullopt;
  }
  const auto since = client::time_at(progressing, {"lastUpdateTime"});
  if (!since) return std::nullopt;
  return *since + std::chrono::seconds(integer_at(deployment, {"spec", "progressDeadlineSeconds"}) + 1);
}

}  // namespace skidpad::fakes::kube_controller_manager

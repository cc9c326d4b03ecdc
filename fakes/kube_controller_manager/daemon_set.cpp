#include "fakes/kube_controller_manager/daemon_set.hpp"

#include "fakes/kube_controller_manager/ownership.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

constexpr std::int64_t burst = 250;
const std::string node_name_field = "metadata.name";

Json toleration(const char* key, const char* effect) {
  Json toleration = Json::object();
  toleration["key"] = key;
  toleration["operator"] = "Exists";
  toleration["effect"] = effect;
  return toleration;
}

Json daemon_tolerations(const Json& daemon_set) {
  Json tolerations = find(daemon_set, {"spec", "template", "spec", "tolerations"});
  if (!tolerations.is_array()) tolerations = Json::array();
  const auto add = [&tolerations](const char* key, const char* effect) {
    Json wanted = toleration(key, effect);
    if (std::find(tolerations.begin(), tolerations.end(), wanted) == tolerations.end()) tolerations.push_back(std::move(wanted));
  };
  add("node.kubernetes.io/not-ready", "NoExecute");
  add("node.kubernetes.io/unreachable", "NoExecute");
  add("node.kubernetes.io/disk-pressure", "NoSchedule");
  add("node.kubernetes.io/memory-pressure", "NoSchedule");
  add("node.kubernetes.io/pid-pressure", "NoSchedule");
  add("node.kubernetes.io/unschedulable", "NoSchedule");
  if (runtime::bool_at(daemon_set, {"spec", "template", "spec", "hostNetwork"})) add("node.kubernetes.io/network-unavailable", "NoSchedule");
  return tolerations;
}

bool term_matches(const Json& term, const Json& node) {
  const Json& expressions = find(term, {"matchExpressions"});
  const Json& fields = find(term, {"matchFields"});
  if (expressions.empty() && fields.empty()) return false;
  const auto by_label = Selector::from_node_requirements(expressions);
  if (!by_label || !by_label.value().matches(client::labels_of(node))) return false;
  Json as_labels = Json::object();
  as_labels[node_name_field] = client::name_of(node);
  const auto by_field = Selector::from_node_requirements(fields);
  return by_field && by_field.value().matches(as_labels);
}

bool selects_node(const Json& pod_spec, const Json& node) {
  if (!Selector::from_map(find(pod_spec, {"nodeSelector"})).matches(client::labels_of(node))) return false;
  const Json& terms =
      find(pod_spec, {"affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"});
  if (!terms.is_array()) return true;
  for (const Json& term : terms) {
    if (term_matches(term, node)) return true;
  }
  return false;
}

std::int64_t resolve_up(const Json& value, std::int64_t total, std::int64_t otherwise) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_string()) return otherwise;
  return (std::strtoll(value.get<std::string>().c_str(), nullptr, 10) * total + 99) / 100;
}

bool is_available(const Json& pod, const Json& daemon_set, WallTime now) {
  return client::is_pod_available(pod, integer_at(daemon_set, {"spec", "minReadySeconds"}), now);
}

bool older_pod(const ObjectPointer& a, const ObjectPointer& b) {
  return text_at(*a, {"metadata", "creationTimestamp"}) < text_at(*b, {"metadata", "creationTimestamp"});
}

/// The node a daemon pod is meant for, also before it is bound.
std::string target_node(const Json& pod) {
  const std::string bound = text_at(pod, {"spec", "nodeName"});
  if (!bound.empty()) return bound;
  for (const Json& term :
       list_at(pod, {"spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"})) {
    for (const Json& field : list_at(term, {"matchFields"})) {
      const Json& values = find(field, {"values"});
      if (text_at(field, {"key"}) == node_name_field && values.is_array() && values.size() == 1) return values[0].get<std::string>();
    }
  }
  return "";
}

}  // namespace

DaemonNeed daemon_need(const Json& daemon_set, const Json& node) {
  DaemonNeed need;
  const Json& spec = find(daemon_set, {"spec", "template", "spec"});
  const std::string fixed = text_at(spec, {"nodeName"});
  if (!fixed.empty() && fixed != client::name_of(node)) return need;
  if (!selects_node(spec, node)) return need;
  need.should_run = true;
  need.may_stay = true;
  const Json& taints = list_at(node, {"spec", "taints"});
  if (taints.empty()) return need;
  const Json tolerations = daemon_tolerations(daemon_set);
  for (const Json& taint : taints) {
    const std::string effect = text_at(taint, {"effect"});
    if ((effect != "NoSchedule" && effect != "NoExecute") || client::tolerates(tolerations, taint)) continue;
    need.should_run = false;
    if (effect == "NoExecute") need.may_stay = false;
  }
  return need;
}

Json daemon_pod(const Json& daemon_set, const std::string& node, const std::string& hash) {
  Json pod = pod_from_template(find(daemon_set, {"spec", "template"}), daemon_set, types::daemon_sets);
  pod["metadata"]["labels"][controller_revision_hash_label] = hash;
  const Json& generation = find(daemon_set, {"metadata", "annotations", "deprecated.daemonset.template.generation"});
  if (generation.is_string()) pod["metadata"]["labels"]["pod-template-generation"] = generation;
  pod["spec"]["tolerations"] = daemon_tolerations(daemon_set);
  Json requirement = Json::object();
  requirement["key"] = node_name_field;
  requirement["operator"] = "In";
  requirement["values"] = Json::array();
  requirement["values"].push_back(node);
  Json& required = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
  Json terms = find(required, {"nodeSelectorTerms"});
  if (!terms.is_array() || terms.empty()) {
    terms = Json::array();
    terms.push_back(Json::object());
  }
  for (Json& term : terms) {
    term["matchFields"] = Json::array();
    term["matchFields"].push_back(requirement);
  }
  required = Json::object();
  required["nodeSelectorTerms"] = std::move(terms);
  return pod;
}

DaemonPlan plan_daemon_set(const Json& daemon_set, const std::vector<ObjectPointer>& nodes, const PodsByNode& pods) {
  DaemonPlan plan;
  const bool surges = text_at(daemon_set, {"spec", "updateStrategy", "type"}) == "RollingUpdate" &&
                      resolve_up(find(daemon_set, {"spec", "updateStrategy", "rollingUpdate", "maxSurge"}), 100, 0) > 0;
  std::set<std::string> known;
  for (const ObjectPointer& node : nodes) {
    const std::string& name = client::name_of(*node);
    known.insert(name);
    const DaemonNeed need = daemon_need(daemon_set, *node);
    const auto found = pods.find(name);
    if (found == pods.end() || found->second.empty()) {
      if (need.should_run) plan.create_on.push_back(name);
      continue;
    }
    std::vector<ObjectPointer> running;
    for (const ObjectPointer& pod : found->second) {
      if (client::is_deleting(*pod)) continue;
      if (!need.may_stay) {
        plan.remove.push_back(pod);
      } else if (client::is_pod_finished(*pod)) {
        plan.remove.push_back(pod);
        plan.failed.push_back(pod);
      } else {
        running.push_back(pod);
      }
    }
    if (surges || running.size() < 2) continue;
    std::stable_sort(running.begin(), running.end(), older_pod);
    plan.remove.insert(plan.remove.end(), running.begin() + 1, running.end());
  }
  // Pods meant for nodes that are gone and that never got there: nobody else deletes them.
  for (const auto& [name, list] : pods) {
    if (known.count(name) != 0) continue;
    for (const ObjectPointer& pod : list) {
      if (text_at(*pod, {"spec", "nodeName"}).empty() && !client::is_deleting(*pod)) plan.remove.push_back(pod);
    }
  }
  return plan;
}

DaemonPlan plan_daemon_update(const Json& daemon_set, const std::vector<ObjectPointer>& nodes, const PodsByNode& pods, const std::string& hash,
                              WallTime now) {
  DaemonPlan plan;
  std::vector<std::string> wanted;
  for (const ObjectPointer& node : nodes) {
    if (daemon_need(daemon_set, *node).should_run) wanted.push_back(client::name_of(*node));
  }
  const Json& rolling = find(daemon_set, {"spec", "updateStrategy", "rollingUpdate"});
  const std::int64_t surge_max = resolve_up(find(rolling, {"maxSurge"}), std::int64_t(wanted.size()), 0);
  std::int64_t unavailable_max = resolve_up(find(rolling, {"maxUnavailable"}), std::int64_t(wanted.size()), 1);
  if (surge_max == 0 && unavailable_max == 0) unavailable_max = 1;
  std::int64_t unavailable = 0;
  std::int64_t surging = 0;
  std::vector<ObjectPointer> candidates;
  std::vector<std::string> surge_candidates;
  for (const std::string& name : wanted) {
    ObjectPointer new_pod;
    ObjectPointer old_pod;
    bool going = false;
    const auto found = pods.find(name);
    if (found != pods.end()) {
      for (const ObjectPointer& pod : found->second) {
        if (client::is_deleting(*pod)) {
          going = true;
        } else if (text_at(*pod, {"metadata", "labels", controller_revision_hash_label}) == hash) {
          new_pod = pod;
        } else {
          old_pod = pod;
        }
      }
    }
    if (surge_max > 0) {
      if (new_pod != nullptr && old_pod != nullptr) {
        if (is_available(*new_pod, daemon_set, now)) plan.remove.push_back(old_pod);
        else ++surging;
      } else if (old_pod != nullptr && !going) {
        if (is_available(*old_pod, daemon_set, now)) surge_candidates.push_back(name);
        else plan.remove.push_back(old_pod);
      }
      continue;
    }
    if (going || (new_pod == nullptr) == (old_pod == nullptr)) {
      ++unavailable;  // in change already
    } else if (new_pod != nullptr) {
      if (!is_available(*new_pod, daemon_set, now)) ++unavailable;
    } else if (!is_available(*old_pod, daemon_set, now)) {
      plan.remove.push_back(old_pod);  // serves nobody: costs nothing to replace
      ++unavailable;
    } else {
      candidates.push_back(old_pod);
    }
  }
  for (const ObjectPointer& pod : candidates) {
    if (unavailable >= unavailable_max) break;
    plan.remove.push_back(pod);
    ++unavailable;
  }
  for (const std::string& name : surge_candidates) {
    if (surging >= surge_max) break;
    plan.create_on.push_back(name);
    ++surging;
  }
  return plan;
}

Json daemon_set_status(const Json& daemon_set, const std::vector<ObjectPointer>& nodes, const PodsByNode& pods, const std::string& hash,
                       bool observed, WallTime now) {
  std::int64_t desired = 0;
  std::int64_t current = 0;
  std::int64_t misscheduled = 0;
  std::int64_t ready = 0;
  std::int64_t updated = 0;
  std::int64_t available = 0;
  for (const ObjectPointer& node : nodes) {
    const auto found = pods.find(client::name_of(*node));
    const bool has_pod = found != pods.end() && !found->second.empty();
    if (!daemon_need(daemon_set, *node).should_run) {
      if (has_pod) ++misscheduled;
      continue;
    }
    ++desired;
    if (!has_pod) continue;
    ++current;
    std::vector<ObjectPointer> sorted = found->second;
    std::stable_sort(sorted.begin(), sorted.end(), older_pod);
    const Json& pod = *sorted.front();
    if (client::is_pod_ready(pod)) {
      ++ready;
      if (is_available(pod, daemon_set, now)) ++available;
    }
    if (text_at(pod, {"metadata", "labels", controller_revision_hash_label}) == hash) ++updated;
  }
  Json status = find(daemon_set, {"status"});
  if (!status.is_object()) status = Json::object();
  status["desiredNumberScheduled"] = desired;
  status["currentNumberScheduled"] = current;
  status["numberMisscheduled"] = misscheduled;
  status["numberReady"] = ready;
  const auto put = [&status](const char* key, std::int64_t value) {
    if (value != 0) status[key] = value;
    else status.erase(key);
  };
  put("updatedNumberScheduled", updated);
  put("numberAvailable", available);
  put("numberUnavailable", desired - available);
  if (observed) status["observedGeneration"] = integer_at(daemon_set, {"metadata", "generation"});
  return status;
}

DaemonSetController::DaemonSetController(Surroundings& surroundings)
    : QueueController(surroundings, "daemonset", "daemonset-controller", surroundings.settings.concurrent_daemonset_syncs),
      daemon_sets_(surroundings.informers.informer(types::daemon_sets)),
      revisions_(surroundings.informers.informer(types::controller_revisions)),
      pods_(surroundings.informers.informer(types::pods)),
      nodes_(surroundings.informers.informer(types::nodes)),
      expectations_(surroundings.runtime),
      pod_control_(surroundings.client, events_, types::daemon_sets) {
  add_controller_index(pods_.store());
  add_controller_index(revisions_.store());
  client::InformerHandler sets;
  sets.added = [this](const ObjectPointer& set) { enqueue(*set); };
  sets.updated = [this](const ObjectPointer&, const ObjectPointer& set) { enqueue(*set); };
  sets.deleted = [this](const ObjectPointer& set) { expectations_.forget(client::key_of(*set)); };
  daemon_sets_.add_handler(std::move(sets));
  client::InformerHandler pods;
  pods.added = [this](const ObjectPointer& pod) {
    if (client::is_deleting(*pod)) return pod_gone(*pod);
    const ObjectPointer owner = owner_of(*pod);
    if (owner == nullptr) return;
    expectations_.creation_seen(client::key_of(*owner));
    enqueue(*owner);
  };
  pods.updated = [this](const ObjectPointer& before, const ObjectPointer& now) {
    if (client::is_deleting(*now)) return pod_gone(*now);
    for (const ObjectPointer& pod : {before, now}) {
      const ObjectPointer owner = owner_of(*pod);
      if (owner != nullptr) enqueue(*owner);
    }
  };
  pods.deleted = [this](const ObjectPointer& pod) { pod_gone(*pod); };
  pods_.add_handler(std::move(pods));
  client::InformerHandler nodes;
  nodes.added = [this](const ObjectPointer&) { enqueue_all(); };
  nodes.updated = [this](const ObjectPointer& before, const ObjectPointer& now) {
    if (client::labels_of(*before) != client::labels_of(*now) || find(*before, {"spec", "taints"}) != find(*now, {"spec", "taints"})) {
      enqueue_all();
    }
  };
  nodes.deleted = [this](const ObjectPointer&) { enqueue_all(); };
  nodes_.add_handler(std::move(nodes));
}

void DaemonSetController::enqueue_all() {
  for (const auto& [key, set] : daemon_sets_.store().objects()) queue_.add(key);
}

ObjectPointer DaemonSetController::owner_of(const Json& pod) const {
  const Json& reference = client::controller_of(pod);
  if (!reference.is_object() || text_at(reference, {"kind"}) != "DaemonSet") return nullptr;
  ObjectPointer owner = daemon_sets_.store().find(client::namespace_of(pod), text_at(reference, {"name"}));
  return owner != nullptr && client::uid_of(*owner) == text_at(reference, {"uid"}) ? owner : nullptr;
}

void DaemonSetController::pod_gone(const Json& pod) {
  const ObjectPointer owner = owner_of(pod);
  if (owner == nullptr) return;
  expectations_.deletion_seen(client::key_of(*owner), client::key_of(pod));
  enqueue(*owner);
}

Task<Result<void>> DaemonSetController::carry_out(ObjectPointer daemon_set, DaemonPlan plan, std::string hash) {
  const std::string key = client::key_of(*daemon_set);
  for (const ObjectPointer& pod : plan.failed) {
    const bool succeeded = text_at(*pod, {"status", "phase"}) == "Succeeded";
    events_.record(*daemon_set, types::daemon_sets, succeeded ? EventType::normal : EventType::warning,
                   succeeded ? "SucceededDaemonPod" : "FailedDaemonPod",
                   std::string(succeeded ? "Found succeeded" : "Found failed") + " daemon pod " + client::key_of(*pod) + " on node " +
                       text_at(*pod, {"spec", "nodeName"}) + ", will try to " + (succeeded ? "delete" : "kill") + " it");
  }
  if (std::int64_t(plan.create_on.size()) > burst) plan.create_on.resize(std::size_t(burst));
  std::vector<std::string> keys;
  for (const ObjectPointer& pod : plan.remove) keys.push_back(client::key_of(*pod));
  expectations_.expect_deletions(key, keys);
  if (!plan.create_on.empty()) expectations_.also_expect_creations(key, std::int64_t(plan.create_on.size()));
  Result<void> result = success();
  for (const std::string& node : plan.create_on) {
    auto created = co_await pod_control_.create(daemon_pod(*daemon_set, node, hash), daemon_set);
    if (created) continue;
    expectations_.creation_seen(key);
    if (result && !is_namespace_terminating(created.error())) result = created.error();
  }
  for (const ObjectPointer& pod : plan.remove) {
    auto removed = co_await pod_control_.remove(pod, daemon_set);
    if (removed) continue;
    expectations_.deletion_seen(key, client::key_of(*pod));
    if (result) result = removed.error();
  }
  co_return result;
}

Task<Result<void>> DaemonSetController::reconcile(std::string key) {
  const ObjectPointer daemon_set = daemon_sets_.store().find(key);
  if (daemon_set == nullptr || client::is_deleting(*daemon_set)) co_return success();
  const auto selector = Selector::from_label_selector(find(*daemon_set, {"spec", "selector"}));
  if (!selector || selector.value().empty()) co_return success();
  auto history = co_await sync_history(client_, types::daemon_sets, daemon_set,
                                       revisions_.store().by_index("controller", client::uid_of(*daemon_set)));
  if (!history) {
    if (is_namespace_terminating(history.error())) co_return success();
    co_return history.error();
  }
  const std::string hash = hash_of(*history.value().current);
  auto claimed = co_await claim(client_, types::daemon_sets, daemon_set, types::pods, selector.value(),
                                controlled_or_orphaned(pods_.store(), *daemon_set));
  if (!claimed) co_return claimed.error();
  PodsByNode pods;
  std::set<std::string> live;
  for (const ObjectPointer& pod : claimed.value()) {
    const std::string node = target_node(*pod);
    if (!node.empty()) pods[node].push_back(pod);
    live.insert(text_at(*pod, {"metadata", "labels", controller_revision_hash_label}));
  }
  std::vector<ObjectPointer> nodes;
  for (const auto& [name, node] : nodes_.store().objects()) nodes.push_back(node);

  Result<void> result = success();
  const bool may_act = expectations_.satisfied(key);
  if (may_act) {
    DaemonPlan plan = plan_daemon_set(*daemon_set, nodes, pods);
    const bool idle = plan.create_on.empty() && plan.remove.empty();
    if (!idle) result = co_await carry_out(daemon_set, std::move(plan), hash);
    if (idle && text_at(*daemon_set, {"spec", "updateStrategy", "type"}, "RollingUpdate") == "RollingUpdate") {
      DaemonPlan update = plan_daemon_update(*daemon_set, nodes, pods, hash, now());
      if (!update.create_on.empty() || !update.remove.empty()) result = co_await carry_out(daemon_set, std::move(update), hash);
    }
    if (result) result = co_await trim_history(client_, daemon_set, history.value(), std::move(live));
  }
  Json status = daemon_set_status(*daemon_set, nodes, pods, hash, may_act, now());
  if (status != find(*daemon_set, {"status"})) {
    Json changed = *daemon_set;
    changed["status"] = status;
    auto updated = co_await client_.update_status(types::daemon_sets, std::move(changed));
    if (!updated && updated.error().code != ErrorCode::not_found && result) co_return updated.error();
  }
  const std::int64_t min_ready = integer_at(*daemon_set, {"spec", "minReadySeconds"});
  if (min_ready > 0 && integer_at(status, {"numberReady"}) != integer_at(status, {"numberAvailable"})) {
    queue_.add_after(key, std::chrono::seconds(min_ready));
  }
  co_return result;
}

}  // namespace skidpad::fakes::kube_controller_manager

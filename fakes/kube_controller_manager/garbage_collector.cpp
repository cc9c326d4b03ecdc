#include "fakes/kube_controller_manager/garbage_collector.hpp"

#include "harness/client/kubernetes/discovery.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

constexpr std::size_t absent_remembered_max = 5000;
constexpr Duration discovery_retry = std::chrono::seconds(5);
const std::string foreground_finalizer = "foregroundDeletion";
const std::string orphan_finalizer = "orphan";

bool is_ignored(const ResourceType& type) { return type.plural == "events"; }

std::set<std::string> owner_uids(const Json& object) {
  std::set<std::string> uids;
  for (const Json& reference : list_at(object, {"metadata", "ownerReferences"})) uids.insert(text_at(reference, {"uid"}));
  return uids;
}

bool waits_for_dependents(const Json& object) { return client::is_deleting(object) && client::has_finalizer(object, foreground_finalizer); }
bool wants_orphans(const Json& object) { return client::is_deleting(object) && client::has_finalizer(object, orphan_finalizer); }

}  // namespace

GarbageCollector::GarbageCollector(Surroundings& surroundings)
    : QueueController(surroundings, "garbage_collector_attempt_to_delete", "garbage-collector", surroundings.settings.concurrent_gc_syncs),
      definitions_(surroundings.informers.informer(types::custom_resource_definitions)) {
  client::InformerHandler handler;
  handler.added = [this](const ObjectPointer&) { definitions_changed_.set(); };
  handler.updated = [this](const ObjectPointer& before, const ObjectPointer& now) {
    if (find(*before, {"spec"}) != find(*now, {"spec"}) ||
        client::condition_status(*before, "Established") != client::condition_status(*now, "Established")) {
      definitions_changed_.set();
    }
  };
  handler.deleted = [this](const ObjectPointer&) { definitions_changed_.set(); };
  definitions_.add_handler(std::move(handler));
}

void GarbageCollector::start(runtime::TaskGroup& group) { group.spawn("garbage collector", run(group)); }

Task<void> GarbageCollector::run(runtime::TaskGroup& group) {
  co_await follow_kinds(group);
  synced_ = true;
  // Owners may have come later than their dependents: only now is an unknown one suspicious.
  for (const auto& [uid, known] : by_uid_) {
    if (!owner_uids(*known.object).empty() || client::is_deleting(*known.object)) queue_.add(uid);
  }
  QueueController::start(group);
  for (;;) {
    co_await definitions_changed_.wait();
    definitions_changed_.reset();
    co_await runtime_.sleep_for(std::chrono::seconds(1));  // several definitions usually come together
    co_await follow_kinds(group);
  }
}

Task<void> GarbageCollector::follow_kinds(runtime::TaskGroup& group) {
  for (;;) {
    auto served = co_await client::discover(client_);
    if (!served) {
      co_await runtime_.sleep_for(discovery_retry);
      continue;
    }
    kinds_.clear();
    for (const client::ServedResource& resource : served.value()) {
      kinds_.push_back(resource.type);
      if (is_ignored(resource.type) || !resource.can("delete") || !resource.can("list") || !resource.can("watch")) continue;
      if (followed_.insert(resource.type).second) follow(resource.type);
    }
    surroundings_.informers.start(group);
    break;
  }
  for (const ResourceType& type : followed_) {
    // A definition may be gone before its first list succeeds: do not wait for ever.
    auto& informer = surroundings_.informers.informer(type);
    co_await informer.synced().wait_for(runtime_, std::chrono::seconds(30));
  }
}

void GarbageCollector::follow(const ResourceType& type) {
  client::InformerHandler handler;
  handler.added = [this, type](const ObjectPointer& now) { seen(type, nullptr, now); };
  handler.updated = [this, type](const ObjectPointer& before, const ObjectPointer& now) { seen(type, before, now); };
  handler.deleted = [this](const ObjectPointer& last) { gone(last); };
  surroundings_.informers.informer(type).add_handler(std::move(handler));
}

void GarbageCollector::seen(const ResourceType& type, const ObjectPointer& before, const ObjectPointer& now) {
  const std::string& uid = client::uid_of(*now);
  auto [entry, is_new] = by_uid_.try_emplace(uid);
  if (is_new) entry->second.type = type;
  entry->second.object = now;
  const bool owners_changed = before == nullptr || find(*before, {"metadata", "ownerReferences"}) != find(*now, {"metadata", "ownerReferences"});
  const bool deletion_changed = before == nullptr ? client::is_deleting(*now)
                                                  : client::is_deleting(*before) != client::is_deleting(*now) ||
                                                        find(*before, {"metadata", "finalizers"}) != find(*now, {"metadata", "finalizers"});
  if (owners_changed) {
    if (before != nullptr) {
      for (const std::string& owner : owner_uids(*before)) dependents_[owner].erase(uid);
    }
    for (const std::string& owner : owner_uids(*now)) {
      dependents_[owner].insert(uid);
      // A known owner will be heard of when it goes; an unknown one must be asked for.
      if (synced_ && by_uid_.count(owner) == 0) queue_.add(uid);
      const auto known_owner = by_uid_.find(owner);
      if (known_owner != by_uid_.end() && client::is_deleting(*known_owner->second.object)) queue_.add(owner);
    }
  }
  if (deletion_changed && (waits_for_dependents(*now) || wants_orphans(*now))) {
    queue_.add(uid);
    if (waits_for_dependents(*now)) enqueue_dependents(uid);
  }
}

void GarbageCollector::gone(const ObjectPointer& last) {
  const std::string uid = client::uid_of(*last);
  by_uid_.erase(uid);
  for (const std::string& owner : owner_uids(*last)) {
    dependents_[owner].erase(uid);
    if (dependents_[owner].empty()) dependents_.erase(owner);
    // An owner that waits for its dependents may be done now.
    const auto known_owner = by_uid_.find(owner);
    if (known_owner != by_uid_.end() && waits_for_dependents(*known_owner->second.object)) queue_.add(owner);
  }
  if (absent_.size() >= absent_remembered_max) absent_.clear();
  absent_.insert(uid);
  enqueue_dependents(uid);
}

void GarbageCollector::enqueue_dependents(const std::string& owner_uid) {
  const auto found = dependents_.find(owner_uid);
  if (found == dependents_.end()) return;
  for (const std::string& uid : found->second) queue_.add(uid);
}

std::vector<GarbageCollector::Known> GarbageCollector::dependents_of(const std::string& owner_uid) const {
  std::vector<Known> dependents;
  const auto found = dependents_.find(owner_uid);
  if (found == dependents_.end()) return dependents;
  for (const std::string& uid : found->second) {
    const auto known = by_uid_.find(uid);
    if (known != by_uid_.end()) dependents.push_back(known->second);
  }
  return dependents;
}

const ResourceType* GarbageCollector::type_of(const std::string& api_version, const std::string& kind) const {
  const std::string group = api_version.find('/') == std::string::npos ? "" : api_version.substr(0, api_version.find('/'));
  for (const ResourceType& type : kinds_) {
    if (type.group == group && type.kind == kind) return &type;
  }
  return nullptr;
}

Task<Result<GarbageCollector::OwnerState>> GarbageCollector::look_up(Json reference, std::string namespace_name) {
  const std::string uid = text_at(reference, {"uid"});
  if (absent_.count(uid) != 0) co_return OwnerState::absent;
  const ResourceType* type = type_of(text_at(reference, {"apiVersion"}), text_at(reference, {"kind"}));
  // A kind that is not served may come back: never a reason to delete.
  if (type == nullptr) co_return OwnerState::present;
  const std::string owner_namespace = type->namespaced() ? namespace_name : "";
  if (type->namespaced() && owner_namespace.empty()) co_return OwnerState::present;  // a cluster-scoped object cannot be owned so
  const std::string owner_name = text_at(reference, {"name"});
  auto owner = co_await client_.get(*type, owner_namespace, owner_name);
  if (!owner && owner.error().code != ErrorCode::not_found) co_return owner.error();
  if (!owner || client::uid_of(owner.value()) != uid) {
    absent_.insert(uid);
    co_return OwnerState::absent;
  }
  co_return waits_for_dependents(owner.value()) ? OwnerState::waiting_for_dependents : OwnerState::present;
}

Task<Result<void>> GarbageCollector::drop_references(Known item, std::set<std::string> uids) {
  Json kept = Json::array();
  for (const Json& reference : list_at(*item.object, {"metadata", "ownerReferences"})) {
    if (uids.count(text_at(reference, {"uid"})) == 0) kept.push_back(reference);
  }
  Json patch = Json::object();
  patch["metadata"]["uid"] = client::uid_of(*item.object);
  patch["metadata"]["resourceVersion"] = client::resource_version_of(*item.object);
  patch["metadata"]["ownerReferences"] = kept.empty() ? Json() : std::move(kept);
  auto patched =
      co_await client_.patch(item.type, client::namespace_of(*item.object), client::name_of(*item.object), PatchType::merge, std::move(patch));
  if (!patched && patched.error().code != ErrorCode::not_found) co_return patched.error();
  co_return success();
}

Task<Result<void>> GarbageCollector::remove_finalizer(Known owner, std::string finalizer) {
  client::KubernetesClient::Change change = [&finalizer](Json& object) {
    if (!client::has_finalizer(object, finalizer)) return false;
    Json kept = Json::array();
    for (Json& one : object["metadata"]["finalizers"]) {
      if (one != finalizer) kept.push_back(std::move(one));
    }
    object["metadata"]["finalizers"] = std::move(kept);
    return true;
  };
  auto updated = co_await client_.update_with_retry(owner.type, client::namespace_of(*owner.object), client::name_of(*owner.object), change);
  if (!updated && updated.error().code != ErrorCode::not_found) co_return updated.error();
  co_return success();
}

Task<Result<void>> GarbageCollector::orphan_dependents(Known owner) {
  std::set<std::string> uids;
  uids.insert(client::uid_of(*owner.object));
  for (const Known& dependent : dependents_of(client::uid_of(*owner.object))) {
    auto dropped = co_await drop_references(dependent, uids);
    if (!dropped) co_return dropped.error();
  }
  co_return co_await remove_finalizer(owner, orphan_finalizer);
}

Task<Result<void>> GarbageCollector::finish_foreground(Known owner) {
  const std::string uid = client::uid_of(*owner.object);
  bool blocked = false;
  for (const Known& dependent : dependents_of(uid)) {
    bool blocks = false;
    for (const Json& reference : list_at(*dependent.object, {"metadata", "ownerReferences"})) {
      blocks = blocks || (text_at(reference, {"uid"}) == uid && runtime::bool_at(reference, {"blockOwnerDeletion"}));
    }
    if (!blocks) continue;
    blocked = true;
    if (!client::is_deleting(*dependent.object)) queue_.add(client::uid_of(*dependent.object));
  }
  if (blocked) co_return success();
  co_return co_await remove_finalizer(owner, foreground_finalizer);
}

Task<Result<void>> GarbageCollector::judge(Known item) {
  std::set<std::string> dangling;
  bool solid = false;
  bool owner_waits = false;
  const Json references = list_at(*item.object, {"metadata", "ownerReferences"});
  for (const Json& reference : references) {
    auto state = co_await look_up(reference, client::namespace_of(*item.object));
    if (!state) co_return state.error();
    if (state.value() == OwnerState::present) solid = true;
    if (state.value() == OwnerState::absent) dangling.insert(text_at(reference, {"uid"}));
    if (state.value() == OwnerState::waiting_for_dependents) {
      owner_waits = true;
      dangling.insert(text_at(reference, {"uid"}));
    }
  }
  if (references.empty() || (solid && dangling.empty())) co_return success();
  if (solid) co_return co_await drop_references(item, std::move(dangling));
  client::DeleteOptions options;
  options.uid = client::uid_of(*item.object);
  if (owner_waits && !dependents_of(options.uid).empty()) {
    options.propagation = client::Propagation::foreground;
  } else if (client::has_finalizer(*item.object, orphan_finalizer)) {
    options.propagation = client::Propagation::orphan;
  } else {
    options.propagation = client::Propagation::background;
  }
  auto removed = co_await client_.remove(item.type, client::namespace_of(*item.object), client::name_of(*item.object), options);
  if (!removed && removed.error().code != ErrorCode::not_found && removed.error().code != ErrorCode::conflict) co_return removed.error();
  co_return success();
}

Task<Result<void>> GarbageCollector::reconcile(std::string key) {
  const auto found = by_uid_.find(key);
  if (found == by_uid_.end()) co_return success();
  const Known item = found->second;
  if (wants_orphans(*item.object)) co_return co_await orphan_dependents(item);
  if (waits_for_dependents(*item.object)) co_return co_await finish_foreground(item);
  if (client::is_deleting(*item.object)) co_return success();
  co_return co_await judge(item);
}

}  // namespace skidpad::fakes::kube_controller_manager

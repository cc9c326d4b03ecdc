#include "fakes/kube_controller_manager/pod_control.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

constexpr Duration expectations_timeout = std::chrono::minutes(5);

int phase_rank(const Json& pod) {
  const std::string phase = text_at(pod, {"status", "phase"});
  return phase == "Running" ? 2 : phase == "Unknown" ? 1 : 0;
}

std::int64_t deletion_cost(const Json& pod) {
  const std::string text = client::annotation(pod, "controller.kubernetes.io/pod-deletion-cost");
  return std::strtoll(text.c_str(), nullptr, 10);
}

std::int64_t restart_count_max(const Json& pod) {
  std::int64_t count = 0;
  for (const Json& container : list_at(pod, {"status", "containerStatuses"})) {
    count = std::max(count, integer_at(container, {"restartCount"}));
  }
  return count;
}

}  // namespace

bool Expectations::satisfied(const std::string& owner_key) const {
  const auto found = entries_.find(owner_key);
  if (found == entries_.end()) return true;
  const Entry& entry = found->second;
  return (entry.creations <= 0 && entry.deletions.empty()) || runtime_.now() - entry.made_at > expectations_timeout;
}

void Expectations::expect_creations(const std::string& owner_key, std::int64_t count) {
  Entry& entry = entries_[owner_key];
  entry = Entry();
  entry.creations = count;
  entry.made_at = runtime_.now();
}

void Expectations::expect_deletions(const std::string& owner_key, const std::vector<std::string>& object_keys) {
  Entry& entry = entries_[owner_key];
  entry = Entry();
  entry.deletions.insert(object_keys.begin(), object_keys.end());
  entry.made_at = runtime_.now();
}

void Expectations::creation_seen(const std::string& owner_key) {
  const auto found = entries_.find(owner_key);
  if (found != entries_.end()) --found->second.creations;
}

void Expectations::deletion_seen(const std::string& owner_key, const std::string& object_key) {
  const auto found = entries_.find(owner_key);
  if (found != entries_.end()) found->second.deletions.erase(object_key);
}

Json pod_from_template(const Json& pod_template, const Json& owner, const ResourceType& owner_type) {
  Json pod = Json::object();
  Json& metadata = pod["metadata"];
  metadata["namespace"] = client::namespace_of(owner);
  metadata["generateName"] = client::name_of(owner) + "-";
  for (const char* field : {"labels", "annotations", "finalizers"}) {
    const Json& value = find(pod_template, {"metadata", field});
    if (!value.is_null()) metadata[field] = value;
  }
  metadata["ownerReferences"] = Json::array();
  metadata["ownerReferences"].push_back(client::controller_reference(owner, owner_type));
  pod["spec"] = find(pod_template, {"spec"});
  return pod;
}

bool is_namespace_terminating(const Error& error) {
  return error.code == ErrorCode::forbidden && error.message.find("because it is being terminated") != std::string::npos;
}

Task<Result<Json>> PodControl::create(Json pod, ObjectPointer owner) {
  auto created = co_await client_.create(types::pods, std::move(pod));
  if (created) {
    events_.record(*owner, owner_type_, EventType::normal, "SuccessfulCreate", "Created pod: " + client::name_of(created.value()));
  } else if (!is_namespace_terminating(created.error())) {
    events_.record(*owner, owner_type_, EventType::warning, "FailedCreate", "Error creating: " + created.error().message);
  }
  co_return created;
}

Task<Result<void>> PodControl::remove(ObjectPointer pod, ObjectPointer owner) {
  client::DeleteOptions options;
  options.uid = client::uid_of(*pod);
  auto removed = co_await client_.remove(types::pods, client::namespace_of(*pod), client::name_of(*pod), options);
  if (removed) {
    events_.record(*owner, owner_type_, EventType::normal, "SuccessfulDelete", "Deleted pod: " + client::name_of(*pod));
    co_return success();
  }
  // Gone already, or another pod has its name: either way this one is no more.
  if (removed.error().code == ErrorCode::not_found || removed.error().code == ErrorCode::conflict) co_return success();
  events_.record(*owner, owner_type_, EventType::warning, "FailedDelete", "Error deleting: " + removed.error().message);
  co_return removed.error();
}

void sort_for_deletion(std::vector<ObjectPointer>& pods, const std::map<std::string, std::int64_t>& related_per_node) {
  const auto rank = [&](const Json& pod) {
    const auto found = related_per_node.find(text_at(pod, {"spec", "nodeName"}));
    return found == related_per_node.end() ? 0 : found->second;
  };
  std::stable_sort(pods.begin(), pods.end(), [&](const ObjectPointer& left, const ObjectPointer& right) {
    const Json& a = *left;
    const Json& b = *right;
    const bool a_scheduled = !text_at(a, {"spec", "nodeName"}).empty();
    const bool b_scheduled = !text_at(b, {"spec", "nodeName"}).empty();
    if (a_scheduled != b_scheduled) return !a_scheduled;
    if (phase_rank(a) != phase_rank(b)) return phase_rank(a) < phase_rank(b);
    const bool a_ready = client::is_pod_ready(a);
    if (a_ready != client::is_pod_ready(b)) return !a_ready;
    if (deletion_cost(a) != deletion_cost(b)) return deletion_cost(a) < deletion_cost(b);
    if (rank(a) != rank(b)) return rank(a) > rank(b);
    if (a_ready) {
      const auto a_since = client::time_at(client::condition_of(a, "Ready"), {"lastTransitionTime"});
      const auto b_since = client::time_at(client::condition_of(b, "Ready"), {"lastTransitionTime"});
      if (a_since && b_since && *a_since != *b_since) return *a_since > *b_since;
    }
    if (restart_count_max(a) != restart_count_max(b)) return restart_count_max(a) > restart_count_max(b);
    const auto a_created = client::created_at(a);
    const auto b_created = client::created_at(b);
    return a_created && b_created && *a_created > *b_created;
  });
}

std::string template_hash(const Json& pod_template, std::int64_t collision_count) {
  std::uint32_t hash = 2166136261U;
  const std::string text = pod_template.dump() + (collision_count == 0 ? "" : "#" + std::to_string(collision_count));
  for (const char c : text) {
    hash ^= std::uint8_t(c);
    hash *= 16777619U;
  }
  static constexpr std::string_view letters = "bcdfghjklmnpqrstvwxz2456789";
  std::string name;
  for (const char digit : std::to_string(hash)) name += letters[std::size_t(digit) % letters.size()];
  return name;
}

}  // namespace skidpad::fakes::kube_controller_manager

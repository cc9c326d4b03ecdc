/// @file pod_control.hpp
/// Creating and deleting pods for an owner, with events; and expectations, which keep a controller from acting on a cache that
/// does not show its own last writes yet (behaviour O3).
#pragma once

#include <set>

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

/// Per owner: creations and deletions asked for and not yet seen. Given up after five minutes, as the real one.
class Expectations {
 public:
  explicit Expectations(const Runtime& runtime) : runtime_(runtime) {}
  bool satisfied(const std::string& owner_key) const;
  void expect_creations(const std::string& owner_key, std::int64_t count);
  /// Beside deletions expected already.
  void also_expect_creations(const std::string& owner_key, std::int64_t count) { entries_[owner_key].creations += count; }
  void expect_deletions(const std::string& owner_key, const std::vector<std::string>& object_keys);
  void creation_seen(const std::string& owner_key);
  void deletion_seen(const std::string& owner_key, const std::string& object_key);
  void forget(const std::string& owner_key) { entries_.erase(owner_key); }

 private:
  struct Entry {
    std::int64_t creations = 0;
    std::set<std::string> deletions;
    runtime::Instant made_at{};
  };
  const Runtime& runtime_;
  std::map<std::string, Entry> entries_;
};

/// A pod as an owner's template says it; named by the server after the owner.
Json pod_from_template(const Json& pod_template, const Json& owner, const ResourceType& owner_type);

class PodControl {
 public:
  PodControl(client::KubernetesClient& client, client::EventRecorder& events, ResourceType owner_type)
      : client_(client), events_(events), owner_type_(std::move(owner_type)) {}
  /// Events SuccessfulCreate or FailedCreate on the owner.
  Task<Result<Json>> create(Json pod, ObjectPointer owner);
  /// Events SuccessfulDelete or FailedDelete on the owner; not_found counts as done.
  Task<Result<void>> remove(ObjectPointer pod, ObjectPointer owner);

 private:
  client::KubernetesClient& client_;
  client::EventRecorder& events_;
  ResourceType owner_type_;
};

/// A create refused because the namespace is going away: not worth a retry.
bool is_namespace_terminating(const Error& error);

/// Order in which pods are given up: unscheduled, pending, not ready, cheaper, doubled up on a node, younger first.
/// @param related_per_node  active pods of the same owner family by node name
void sort_for_deletion(std::vector<ObjectPointer>& pods, const std::map<std::string, std::int64_t>& related_per_node);

/// FNV-1a over a template's canonical text and the collision count, in the letters Kubernetes uses for names.
std::string template_hash(const Json& pod_template, std::int64_t collision_count);

}  // namespace skidpad::fakes::kube_controller_manager

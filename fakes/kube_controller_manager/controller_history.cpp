#include "fakes/kube_controller_manager/controller_history.hpp"

#include "fakes/kube_controller_manager/pod_control.hpp"

namespace skidpad::fakes::kube_controller_manager {

Json revision_data(const Json& owner) {
  Json data = Json::object();
  data["spec"]["template"] = find(owner, {"spec", "template"});
  data["spec"]["template"]["$patch"] = "replace";
  return data;
}

std::string revision_hash(const Json& owner, std::int64_t collision_count) { return template_hash(revision_data(owner), collision_count); }

std::string hash_of(const Json& revision) { return text_at(revision, {"metadata", "labels", controller_revision_hash_label}); }

Task<Result<History>> sync_history(client::KubernetesClient& client, ResourceType owner_type, ObjectPointer owner,
                                   std::vector<ObjectPointer> revisions) {
  History history;
  history.all = std::move(revisions);
  const auto by_number = [](const ObjectPointer& a, const ObjectPointer& b) {
    return integer_at(*a, {"revision"}) < integer_at(*b, {"revision"});
  };
  std::stable_sort(history.all.begin(), history.all.end(), by_number);
  const std::int64_t number_max = history.all.empty() ? 0 : integer_at(*history.all.back(), {"revision"});
  const Json data = revision_data(*owner);
  for (ObjectPointer& revision : history.all) {
    if (find(*revision, {"data"}) != data) continue;
    if (integer_at(*revision, {"revision"}) < number_max) {
      // A rollback: the old revision becomes the newest one.
      Json renumbered = *revision;
      renumbered["revision"] = number_max + 1;
      auto updated = co_await client.update(types::controller_revisions, std::move(renumbered));
      if (!updated) co_return updated.error();
      revision = std::make_shared<const Json>(std::move(updated.value()));
    }
    history.current = revision;
    break;
  }
  if (history.current == nullptr) {
    const std::string hash = revision_hash(*owner, integer_at(*owner, {"status", "collisionCount"}));
    Json revision = Json::object();
    Json& metadata = revision["metadata"];
    metadata["name"] = client::name_of(*owner) + "-" + hash;
    metadata["namespace"] = client::namespace_of(*owner);
    metadata["labels"] = find(*owner, {"spec", "template", "metadata", "labels"});
    metadata["labels"][controller_revision_hash_label] = hash;
    metadata["ownerReferences"] = Json::array();
    metadata["ownerReferences"].push_back(client::controller_reference(*owner, owner_type));
    revision["data"] = data;
    revision["revision"] = number_max + 1;
    auto created = co_await client.create(types::controller_revisions, std::move(revision));
    if (!created && created.error().code == ErrorCode::already_exists) {
      // Made by a pass whose write our cache does not show yet.
      created = co_await client.get(types::controller_revisions, client::namespace_of(*owner), client::name_of(*owner) + "-" + hash);
    }
    if (!created) co_return created.error();
    history.current = std::make_shared<const Json>(std::move(created.value()));
    history.all.push_back(history.current);
  }
  std::stable_sort(history.all.begin(), history.all.end(), by_number);
  co_return history;
}

Task<Result<void>> trim_history(client::KubernetesClient& client, ObjectPointer owner, History history, std::set<std::string> live) {
  live.insert(hash_of(*history.current));
  std::vector<ObjectPointer> unused;
  for (const ObjectPointer& revision : history.all) {
    if (live.count(hash_of(*revision)) == 0) unused.push_back(revision);
  }
  const std::int64_t limit = integer_at(*owner, {"spec", "revisionHistoryLimit"}, 10);
  for (std::size_t i = 0; std::int64_t(unused.size() - i) > limit && i < unused.size(); ++i) {
    auto removed = co_await client.remove(types::controller_revisions, client::namespace_of(*unused[i]), client::name_of(*unused[i]));
    if (!removed && removed.error().code != ErrorCode::not_found) co_return removed.error();
  }
  co_return success();
}

}  // namespace skidpad::fakes::kube_controller_manager

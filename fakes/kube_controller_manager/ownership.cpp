#include "fakes/kube_controller_manager/ownership.hpp"

namespace skidpad::fakes::kube_controller_manager {

ClaimPlan plan_claims(const Json& owner, const Selector& selector, const std::vector<ObjectPointer>& candidates) {
  ClaimPlan plan;
  const std::string& uid = client::uid_of(owner);
  ASSERT(!uid.empty());
  for (const ObjectPointer& candidate : candidates) {
    const Json& controller = client::controller_of(*candidate);
    const bool matched = selector.matches(client::labels_of(*candidate));
    if (controller.is_object()) {
      if (text_at(controller, {"uid"}) != uid) continue;
      if (matched) {
        plan.owned.push_back(candidate);
      } else if (!client::is_deleting(owner)) {
        plan.release.push_back(candidate);
      }
    } else if (matched && !client::is_deleting(owner) && !client::is_deleting(*candidate)) {
      plan.adopt.push_back(candidate);
    }
  }
  return plan;
}

Task<Result<std::vector<ObjectPointer>>> claim(client::KubernetesClient& client, ResourceType owner_type, ObjectPointer owner,
                                               ResourceType object_type, Selector selector, std::vector<ObjectPointer> candidates) {
  ClaimPlan plan = plan_claims(*owner, selector, candidates);
  for (const ObjectPointer& object : plan.release) {
    Json patch = Json::object();
    patch["metadata"]["uid"] = client::uid_of(*object);
    Json reference = Json::object();
    reference["$patch"] = "delete";
    reference["uid"] = client::uid_of(*owner);
    patch["metadata"]["ownerReferences"] = Json::array();
    patch["metadata"]["ownerReferences"].push_back(std::move(reference));
    auto released = co_await client.patch(object_type, client::namespace_of(*object), client::name_of(*object), PatchType::strategic,
                                          std::move(patch));
    // Gone, or another object of that name: nothing left to release.
    if (!released && released.error().code != ErrorCode::not_found && released.error().code != ErrorCode::invalid) co_return released.error();
  }
  if (!plan.adopt.empty()) {
    auto fresh = co_await client.get(owner_type, client::namespace_of(*owner), client::name_of(*owner));
    if (!fresh) co_return fresh.error();
    if (client::uid_of(fresh.value()) != client::uid_of(*owner) || client::is_deleting(fresh.value())) {
      Error error(ErrorCode::conflict, "can't adopt: " + client::key_of(*owner) + " has just been deleted");
      co_return error;
    }
  }
  for (const ObjectPointer& object : plan.adopt) {
    Json patch = Json::object();
    patch["metadata"]["uid"] = client::uid_of(*object);
    patch["metadata"]["ownerReferences"] = Json::array();
    patch["metadata"]["ownerReferences"].push_back(client::controller_reference(*owner, owner_type));
    auto adopted = co_await client.patch(object_type, client::namespace_of(*object), client::name_of(*object), PatchType::strategic,
                                         std::move(patch));
    if (!adopted && (adopted.error().code == ErrorCode::not_found || adopted.error().code == ErrorCode::invalid)) continue;
    if (!adopted) co_return adopted.error();
    plan.owned.push_back(std::make_shared<const Json>(std::move(adopted.value())));
  }
  co_return std::move(plan.owned);
}

}  // namespace skidpad::fakes::kube_controller_manager

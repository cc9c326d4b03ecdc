#include "fakes/kubelet/mirror_pods.hpp"

#include "fakes/kubelet/manifest.hpp"

namespace skidpad::fakes::kubelet {

using runtime::ErrorCode;
using runtime::Result;
using runtime::success;
using runtime::Task;

namespace {

client::WorkQueueOptions queue_options() {
  client::WorkQueueOptions options;
  options.name = "mirror_pods";
  options.backoff_first = std::chrono::milliseconds(200);
  options.backoff_max = std::chrono::seconds(10);
  return options;
}

Json make_mirror(Json pod, const std::string& node_name, const std::string& node_uid) {
  Json& metadata = pod["metadata"];
  metadata.erase("uid");
  metadata["annotations"][std::string(config_mirror_annotation)] = metadata["annotations"][std::string(config_hash_annotation)];
  Json owner = Json::object();
  owner["apiVersion"] = "v1";
  owner["kind"] = "Node";
  owner["name"] = node_name;
  owner["uid"] = node_uid;
  owner["controller"] = true;
  metadata["ownerReferences"] = Json::array({owner});
  return pod;
}

}  // namespace

MirrorPods::MirrorPods(client::KubernetesClient& client, std::string node_name)
    : client_(client), queue_(client.runtime(), queue_options()), node_name_(std::move(node_name)) {}

void MirrorPods::set_static_pod(const std::string& full_name, Json pod) {
  static_pods_[full_name] = std::move(pod);
  queue_.add(full_name);
}

void MirrorPods::remove_static_pod(const std::string& full_name) {
  static_pods_.erase(full_name);
  queue_.add(full_name);
}

void MirrorPods::seen(const Json& mirror) {
  mirrors_[full_pod_name(mirror)] = std::make_shared<const Json>(mirror);
  queue_.add(full_pod_name(mirror));
}

void MirrorPods::gone(const Json& mirror) {
  const auto known = mirrors_.find(full_pod_name(mirror));
  if (known != mirrors_.end() && client::uid_of(*known->second) == client::uid_of(mirror)) mirrors_.erase(known);
  queue_.add(full_pod_name(mirror));
}

void MirrorPods::set_node_uid(std::string uid) {
  if (node_uid_ == uid) return;
  node_uid_ = std::move(uid);
  for (const auto& [full_name, pod] : static_pods_) queue_.add(full_name);
}

void MirrorPods::set_synced() {
  synced_ = true;
  for (const auto& [full_name, pod] : static_pods_) queue_.add(full_name);
  for (const auto& [full_name, mirror] : mirrors_) queue_.add(full_name);
}

std::string MirrorPods::api_uid(const std::string& full_name) const {
  const auto mirror = mirrors_.find(full_name);
  return mirror == mirrors_.end() ? "" : client::uid_of(*mirror->second);
}

Task<void> MirrorPods::run() {
  const client::WorkQueue::Reconcile reconcile_one = [this](std::string full_name) { return reconcile(std::move(full_name)); };
  co_await queue_.work(reconcile_one);
}

Task<Result<void>> MirrorPods::reconcile(std::string full_name) {
  if (!synced_ || node_uid_.empty()) co_return success();
  const auto mirror = mirrors_.find(full_name);
  const auto wanted = static_pods_.find(full_name);
  if (mirror != mirrors_.end()) {
    const Json& seen = *mirror->second;
    const std::string hash = wanted == static_pods_.end() ? "" : client::annotation(wanted->second, std::string(config_hash_annotation));
    const bool fits = !hash.empty() && client::annotation(seen, std::string(config_mirror_annotation)) == hash && !client::is_deleting(seen);
    if (fits) co_return success();
    client::DeleteOptions options;
    options.grace_period_seconds = 0;
    options.uid = client::uid_of(seen);
    const std::string namespace_name = client::namespace_of(seen);
    const std::string name = client::name_of(seen);
    auto removed = co_await client_.remove(client::types::pods, namespace_name, name, options);
    if (!removed && removed.error().code != ErrorCode::not_found && removed.error().code != ErrorCode::conflict) co_return removed.error();
    const auto still = mirrors_.find(full_name);
    if (still != mirrors_.end() && client::uid_of(*still->second) == options.uid) mirrors_.erase(still);
  }
  // A Node that somebody deleted has no mirrors: its owner gone, each would be collected and made anew without end.
  auto node = co_await client_.get(client::types::nodes, "", node_name_);
  if (!node && node.error().code != ErrorCode::not_found) co_return node.error();
  if (!node) node_uid_.clear();
  const auto now_wanted = static_pods_.find(full_name);
  if (!node || client::is_deleting(node.value()) || now_wanted == static_pods_.end()) co_return success();
  Json pod = make_mirror(now_wanted->second, node_name_, client::uid_of(node.value()));
  auto created = co_await client_.create(client::types::pods, std::move(pod));
  // One that is there already comes by the watch, and is judged then.
  if (!created && created.error().code != ErrorCode::already_exists) co_return created.error();
  co_return success();
}

}  // namespace skidpad::fakes::kubelet

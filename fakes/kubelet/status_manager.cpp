#include "fakes/kubelet/status_manager.hpp"

namespace skidpad::fakes::kubelet {

using runtime::Error;
using runtime::ErrorCode;
using runtime::list_at;
using runtime::Result;
using runtime::success;
using runtime::Task;
using runtime::text_at;

namespace {

constexpr int workers = 4;

client::WorkQueueOptions queue_options() {
  client::WorkQueueOptions options;
  options.name = "pod_status";
  options.backoff_first = std::chrono::milliseconds(200);
  options.backoff_max = std::chrono::seconds(10);
  return options;
}

/// Whether the API shows what we reported, as far as others might have changed it.
bool agrees(const Json& api_pod, const Json& status) {
  if (text_at(api_pod, {"status", "phase"}) != text_at(status, {"phase"})) return false;
  for (const Json& condition : list_at(status, {"conditions"})) {
    if (client::condition_status(api_pod, text_at(condition, {"type"})) != text_at(condition, {"status"})) return false;
  }
  return true;
}

/// Merged by type, a condition keeps the fields that a patch does not name: what has gone is named with null.
void name_what_has_gone(Json& status, const Json& reported) {
  if (!runtime::find(status, {"conditions"}).is_array()) return;
  for (Json& condition : status["conditions"]) {
    for (const Json& before : list_at(reported, {"conditions"})) {
      if (text_at(before, {"type"}) != text_at(condition, {"type"})) continue;
      for (const char* field : {"reason", "message"}) {
        if (before.contains(field) && !condition.contains(field)) condition[field] = nullptr;
      }
    }
  }
}

}  // namespace

StatusManager::StatusManager(client::KubernetesClient& client, runtime::Duration settle_time)
    : client_(client), queue_(client.runtime(), queue_options()), settle_time_(settle_time) {}

void StatusManager::set(const std::string& uid, const Json& pod, std::string api_uid, Json status) {
  Entry& entry = entries_[uid];
  entry.namespace_name = client::namespace_of(pod);
  entry.name = client::name_of(pod);
  if (!api_uid.empty()) entry.api_uid = std::move(api_uid);
  entry.status = std::move(status);
  ++entry.version;
  queue_.add(uid);
}

void StatusManager::finish(const std::string& uid) {
  const auto entry = entries_.find(uid);
  if (entry == entries_.end()) return;
  entry->second.finish = true;
  queue_.add(uid);
}

void StatusManager::seen(const std::string& uid, const Json& api_pod) {
  const auto entry = entries_.find(uid);
  if (entry == entries_.end()) return;
  if (entry->second.api_uid != client::uid_of(api_pod)) {
    entry->second.api_uid = client::uid_of(api_pod);
    ++entry->second.version;
    queue_.add(uid);
    return;
  }
  const bool odd = !agrees(api_pod, entry->second.status);
  entry->second.seen = odd ? std::make_shared<const Json>(api_pod) : nullptr;
  if (odd && entry->second.reported == entry->second.version) queue_.add_after(uid, settle_time_);
}

void StatusManager::forget(const std::string& uid) { entries_.erase(uid); }

Task<void> StatusManager::run() {
  runtime::TaskGroup group(co_await runtime::CurrentStop());
  const client::WorkQueue::Reconcile reconcile_one = [this](std::string uid) { return reconcile(std::move(uid)); };
  for (int i = 0; i < workers; ++i) group.spawn("pod_status", queue_.work(reconcile_one));
  co_await group.join();
}

Task<Result<void>> StatusManager::reconcile(std::string uid) {
  auto found = entries_.find(uid);
  if (found == entries_.end() || found->second.api_uid.empty()) co_return success();
  const Entry entry = found->second;
  const bool overwritten = entry.seen != nullptr && entry.reported == entry.version && !agrees(*entry.seen, entry.status);
  if (entry.reported != entry.version || overwritten) {
    Json patch = Json::object();
    patch["metadata"]["uid"] = entry.api_uid;
    patch["status"] = entry.status;
    name_what_has_gone(patch["status"], entry.reported_status);
    auto patched = co_await client_.patch(client::types::pods, entry.namespace_name, entry.name, client::PatchType::strategic, patch, "status");
    found = entries_.find(uid);
    if (found == entries_.end()) co_return success();
    if (!patched) {
      const ErrorCode code = patched.error().code;
      if (code == ErrorCode::not_found || (code == ErrorCode::conflict && found->second.api_uid == entry.api_uid)) {
        // Another pod has the name, or none: this one is gone.
        entries_.erase(found);
        co_return success();
      }
      co_return patched.error();
    }
    found->second.reported = entry.version;
    found->second.reported_status["conditions"] = runtime::find(entry.status, {"conditions"});
    found->second.seen = nullptr;
    if (found->second.version != entry.version) co_return success();  // changed meanwhile: it is in the queue again
  }
  if (!entry.finish) co_return success();
  client::DeleteOptions options;
  options.grace_period_seconds = 0;
  options.uid = entry.api_uid;
  auto removed = co_await client_.remove(client::types::pods, entry.namespace_name, entry.name, options);
  if (!removed && removed.error().code != ErrorCode::not_found && removed.error().code != ErrorCode::conflict) co_return removed.error();
  entries_.erase(uid);
  co_return success();
}

}  // namespace skidpad::fakes::kubelet

#include "harness/workload/watch_traffic.hpp"

#include <algorithm>
#include <charconv>

namespace skidpad::workload {
namespace {

using runtime::ErrorCode;
using namespace std::chrono_literals;

/// A resourceVersion is opaque to clients; a judge may know that it is etcd's revision. 0 when it is no number.
std::int64_t revision_of(std::string_view resource_version) {
  std::int64_t revision = 0;
  std::from_chars(resource_version.data(), resource_version.data() + resource_version.size(), revision);
  return revision;
}

}  // namespace

WatchTraffic::WatchTraffic(Runtime& runtime, history::Recorder& recorder, Instant start, client::Kubeconfig config, WatchTrafficOptions options)
    : runtime_(runtime), recorder_(recorder), start_(start), config_(std::move(config)), options_(std::move(options)) {
  for (std::size_t index = 0; index < options_.watchers; ++index) watchers_.push_back({options_.workload + "-watch-" + std::to_string(index), 0});
}

Task<void> WatchTraffic::run() {
  runtime::StopState& stop = co_await runtime::CurrentStop();
  runtime::TaskGroup group(stop);
  for (Watcher& watcher : watchers_) group.spawn(watcher.name, run_watcher(watcher));
  co_await group.join();
}

Task<void> WatchTraffic::run_watcher(Watcher& watcher) {
  client::ClientOptions options;
  options.user_agent = "skidpad-watch";
  client::KubernetesClient client(runtime_, config_, std::move(options));
  bool must_list = true;
  for (;;) {
    Result<void> done = runtime::success();
    if (must_list) {
      done = co_await list(client, watcher);
    } else {
      record(watcher, "watch_resume", watcher.served);
    }
    if (done) {
      must_list = false;
      done = co_await follow(client, watcher);
    }
    if (done) continue;
    if (done.error().code == ErrorCode::gone) must_list = true;
    co_await runtime_.sleep_for(100ms);
  }
}

Task<Result<void>> WatchTraffic::list(client::KubernetesClient& client, Watcher& watcher) {
  client::ListOptions which;
  which.namespace_name = options_.namespace_name;
  auto listed = co_await client.list(client::types::config_maps, which);
  if (!listed) co_return listed.error();
  watcher.served = revision_of(listed.value().resource_version);
  record(watcher, "watch_list", watcher.served);
  co_return runtime::success();
}

Task<Result<void>> WatchTraffic::follow(client::KubernetesClient& client, Watcher& watcher) {
  client::WatchOptions which;
  which.namespace_name = options_.namespace_name;
  which.resource_version = std::to_string(watcher.served);
  auto watch = co_await client.watch(client::types::config_maps, which);
  if (!watch) co_return watch.error();
  for (;;) {
    auto event = co_await runtime::with_timeout<std::optional<client::WatchEvent>>(runtime_, options_.silence_max, watch.value().next(), "an event of a watch");
    if (!event) co_return event.error();
    if (!event.value()) co_return runtime::success();
    take(watcher, *event.value());
  }
}

void WatchTraffic::take(Watcher& watcher, const client::WatchEvent& event) {
  const Json& object = *event.object;
  const std::int64_t revision = revision_of(runtime::text_at(object, {"metadata", "resourceVersion"}));
  const std::string key = client::name_of(object);
  if (event.type != client::WatchEventType::bookmark && key.starts_with(options_.workload + "-")) {
    std::optional<std::string> value;
    if (event.type != client::WatchEventType::deleted) value = runtime::text_at(object, {"data", "value"});
    record(watcher, "watch_event", revision, key, std::move(value));
  }
  // What came too late must not make the next watch begin in the past.
  watcher.served = std::max(watcher.served, revision);
}

Task<void> WatchTraffic::finish(std::int64_t revision, Instant due) {
  const auto all_served = [&] { return std::all_of(watchers_.begin(), watchers_.end(), [&](const Watcher& watcher) { return watcher.served >= revision; }); };
  while (!all_served() && runtime_.now() < due) co_await runtime_.sleep_for(50ms);
  for (const Watcher& watcher : watchers_) record(watcher, "watch_end", watcher.served);
}

void WatchTraffic::record(const Watcher& watcher, std::string operation, std::int64_t revision, std::string key, std::optional<std::string> observed) {
  history::Operation seen;
  seen.client = watcher.name;
  seen.workload = options_.workload;
  seen.operation = std::move(operation);
  seen.target = "ConfigMap/" + options_.namespace_name;
  seen.key = std::move(key);
  seen.observed = std::move(observed);
  seen.revision = revision;
  seen.call = runtime_.now() - start_;
  seen.returned = seen.call;
  seen.outcome = history::Outcome::ok;
  recorder_.operation(seen);
}

}  // namespace skidpad::workload

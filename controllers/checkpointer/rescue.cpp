#include "controllers/checkpointer/rescue.hpp"

#include "controllers/checkpointer/checkpointer.hpp"
#include "harness/client/kubernetes/selector.hpp"

namespace skidpad::controllers::checkpointer {

using client::EventType;
using runtime::ErrorCode;
using runtime::Instant;
using runtime::Task;

namespace {
constexpr char rescue_label[] = "skidpad.dev/rescue-of";
}

std::string rescue_name(const std::string& deployment) { return deployment + "-rescue"; }

Result<Json> rescue_pod(const Json& deployment, const std::string& node_name) {
  const Json& pod_template = runtime::find(deployment, {"spec", "template"});
  if (!runtime::find(pod_template, {"spec", "containers"}).is_array()) {
    return runtime::Error(ErrorCode::invalid, "deployment " + client::key_of(deployment) + " has no pod template");
  }
  Json pod = {{"apiVersion", "v1"}, {"kind", "Pod"}};
  pod["metadata"]["name"] = rescue_name(client::name_of(deployment));
  pod["metadata"]["namespace"] = client::namespace_of(deployment);
  // Other labels than the template's: no ReplicaSet and no Service counts it as one of the Deployment's.
  pod["metadata"]["labels"][rescue_label] = client::name_of(deployment);
  pod["spec"] = pod_template["spec"];
  pod["spec"]["nodeName"] = node_name;
  for (const char* field : {"affinity", "topologySpreadConstraints", "nodeSelector"}) pod["spec"].erase(field);
  return pod;
}

Task<void> Rescue::run() {
  for (;;) {
    for (const std::string& deployment : settings_.rescue) co_await look_at(deployment);
    co_await client_.runtime().sleep_for(settings_.poll_interval);
  }
}

Task<void> Rescue::look_at(std::string name) {
  const Instant now = client_.runtime().now();
  auto deployment = co_await client_.get(client::types::deployments, settings_.pod_namespace, name);
  std::string selector;
  if (deployment) {
    for (const auto& [key, value] : runtime::list_at(deployment.value(), {"spec", "selector", "matchLabels"}).items()) {
      selector += (selector.empty() ? "" : ",") + key + "=" + value.get<std::string>();
    }
  }
  if (!deployment || runtime::integer_at(deployment.value(), {"spec", "replicas"}, 1) == 0 || selector.empty()) {
    missing_since_.erase(name);
    co_return;
  }
  client::ListOptions own;
  own.namespace_name = settings_.pod_namespace;
  own.label_selector = selector;
  auto pods = co_await client_.list(client::types::pods, std::move(own));
  if (!pods) {
    missing_since_.erase(name);  // who cannot see does not rescue
    co_return;
  }
  const auto& items = pods.value().items;
  const bool any_ready = std::any_of(items.begin(), items.end(), [](const auto& pod) { return client::is_pod_ready(*pod) && !client::is_deleting(*pod); });
  if (!any_ready) {
    ready_since_.erase(name);
    const Instant since = missing_since_.try_emplace(name, now).first->second;
    if (now - since >= settings_.rescue_after) co_await create(deployment.value(), name);
    co_return;
  }
  missing_since_.erase(name);
  const Instant since = ready_since_.try_emplace(name, now).first->second;
  if (now - since < settings_.rescue_after) co_return;
  client::DeleteOptions plain;
  auto removed = co_await client_.remove(client::types::pods, settings_.pod_namespace, rescue_name(name), std::move(plain));
  if (removed) client_.runtime().log().info("rescue_ended", {{"deployment", name}});
  ready_since_[name] = now;  // one look per period is enough for what is almost never there
}

Task<void> Rescue::create(const Json& deployment, std::string name) {
  auto pod = rescue_pod(deployment, settings_.node_name);
  if (!pod) co_return;
  auto created = co_await client_.create(client::types::pods, std::move(pod.value()));
  if (!created && created.error().code == ErrorCode::already_exists) {
    // One on a node that died helps nobody; its name is free once it is gone.
    auto there = co_await client_.get(client::types::pods, settings_.pod_namespace, rescue_name(name));
    const bool useless = there && (client::is_pod_finished(there.value()) || !client::is_pod_ready(there.value()));
    const auto made = useless ? client::created_at(there.value()) : std::nullopt;
    if (!made || client_.runtime().wall_now() - *made < 2 * settings_.rescue_after) co_return;
    client::DeleteOptions at_once;
    at_once.grace_period_seconds = 0;
    at_once.uid = client::uid_of(there.value());
    auto removed = co_await client_.remove(client::types::pods, settings_.pod_namespace, rescue_name(name), std::move(at_once));
    (void)removed;
    co_return;
  }
  if (!created) {
    client_.runtime().log().warning("rescue_failed", {{"deployment", name}, {"error", created.error().message}});
    co_return;
  }
  missing_since_.erase(name);
  metrics_.count(metric::rescues, {{"deployment", name}});
  client_.runtime().log().info("rescue_started", {{"deployment", name}, {"node", settings_.node_name}});
  events_.record(deployment, client::types::deployments, EventType::warning, "Rescued",
                 "no pod of " + name + " was Ready for " + runtime::format_go_duration(settings_.rescue_after) + ": one was put on " + settings_.node_name);
}

}  // namespace skidpad::controllers::checkpointer

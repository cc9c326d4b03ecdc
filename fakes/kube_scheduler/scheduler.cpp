#include "fakes/kube_scheduler/scheduler.hpp"

namespace skidpad::fakes::kube_scheduler {

using client::ErrorCode;
using client::EventType;
using client::PatchType;
using runtime::find;
using runtime::list_at;
using runtime::Task;
using runtime::text_at;

namespace types = client::types;

namespace {

client::InformerOptions living_pods() {
  client::InformerOptions options;
  options.field_selector = "status.phase!=Succeeded,status.phase!=Failed";
  return options;
}

client::EventRecorderOptions recorder_options(const std::string& name) {
  client::EventRecorderOptions options;
  options.component = name;
  options.new_style = true;
  return options;
}

/// Which refusals a change of a node may undo.
PluginSet helped_by(const Json& before, const Json& now) {
  PluginSet plugins = 0;
  if (client::labels_of(before) != client::labels_of(now)) {
    plugins = plugins | Plugin::node_affinity | Plugin::topology_spread | Plugin::inter_pod_affinity;
  }
  if (find(before, {"spec", "taints"}) != find(now, {"spec", "taints"})) plugins = plugins | Plugin::taint_toleration;
  if (find(before, {"spec", "unschedulable"}) != find(now, {"spec", "unschedulable"})) plugins = plugins | Plugin::node_unschedulable;
  if (find(before, {"status", "allocatable"}) != find(now, {"status", "allocatable"})) plugins = plugins | Plugin::node_resources_fit;
  return plugins;
}

constexpr PluginSet everything = PluginSet(Plugin::all);
/// What a pod that goes from a node may make room for.
constexpr PluginSet freed_by_pod =
    Plugin::node_resources_fit | Plugin::node_ports | Plugin::topology_spread | Plugin::inter_pod_affinity;
constexpr PluginSet helped_by_new_pod = Plugin::topology_spread | Plugin::inter_pod_affinity;

}  // namespace

Scheduler::Scheduler(client::KubernetesClient& client, client::Metrics& metrics, std::string name)
    : client_(client),
      runtime_(client.runtime()),
      metrics_(metrics),
      name_(std::move(name)),
      informers_(client),
      pods_(informers_.informer(types::pods, living_pods())),
      nodes_(informers_.informer(types::nodes)),
      namespaces_(informers_.informer(types::namespaces)),
      services_(informers_.informer(types::services)),
      claims_(informers_.informer(types::persistent_volume_claims)),
      budgets_(informers_.informer(types::pod_disruption_budgets)),
      events_(client, recorder_options(name_)),
      queue_(runtime_) {
  watch_nodes();
  watch_pods();
  watch_others();
}

bool Scheduler::is_mine(const Json& pod) const { return text_at(pod, {"spec", "schedulerName"}, "default-scheduler") == name_; }

const Json& Scheduler::labels(const std::string& namespace_name) const {
  static const Json none = Json::object();
  const auto found = namespaces_.store().objects().find(namespace_name);
  return found == namespaces_.store().objects().end() ? none : client::labels_of(*found->second);
}

void Scheduler::watch_nodes() {
  client::InformerHandler handler;
  handler.added = [this](const ObjectPointer& node) {
    cluster_.set_node(node);
    queue_.wake(everything);
  };
  handler.updated = [this](const ObjectPointer& before, const ObjectPointer& now) {
    cluster_.set_node(now);
    const PluginSet plugins = helped_by(*before, *now);
    if (plugins != 0) queue_.wake(plugins);
  };
  handler.deleted = [this](const ObjectPointer& node) { cluster_.remove_node(client::name_of(*node)); };
  nodes_.add_handler(std::move(handler));
}

void Scheduler::watch_pods() {
  const auto put = [this](const ObjectPointer& pod) {
    const std::string key = client::key_of(*pod);
    const std::string nominated = text_at(*pod, {"status", "nominatedNodeName"});
    const bool waits = text_at(*pod, {"spec", "nodeName"}).empty() && !client::is_deleting(*pod);
    if (!waits) {
      nominated_.erase(key);
    } else if (!nominated.empty() && is_mine(*pod)) {
      nominated_[key] = Nomination{std::make_shared<const PodFacts>(pod), nominated};
    }
    if (!text_at(*pod, {"spec", "nodeName"}).empty()) {
      queue_.settled(key);
      cluster_.set_pod(pod);
      queue_.wake(helped_by_new_pod);
    } else if (client::is_deleting(*pod) || !is_mine(*pod) || !list_at(*pod, {"spec", "schedulingGates"}).empty()) {
      queue_.remove(key);
    } else if (!cluster_.is_assumed(key)) {
      queue_.put(std::make_shared<const PodFacts>(pod));
    }
  };
  client::InformerHandler handler;
  handler.added = put;
  handler.updated = [put](const ObjectPointer&, const ObjectPointer& now) { put(now); };
  handler.deleted = [this](const ObjectPointer& pod) {
    const std::string key = client::key_of(*pod);
    queue_.remove(key);
    nominated_.erase(key);
    cluster_.remove_pod(key);
    if (!text_at(*pod, {"spec", "nodeName"}).empty()) queue_.wake(freed_by_pod);
  };
  pods_.add_handler(std::move(handler));
}

void Scheduler::watch_others() {
  claims_.add_handler(client::on_any_change([this](const ObjectPointer&) { queue_.wake(PluginSet(Plugin::volumes)); }));
}

std::string Scheduler::check_claims(const PodFacts& pod) const {
  for (const Json& volume : list_at(pod.spec(), {"volumes"})) {
    const std::string name = text_at(volume, {"persistentVolumeClaim", "claimName"});
    if (name.empty()) continue;
    const ObjectPointer claim = claims_.store().find(pod.namespace_name, name);
    if (claim == nullptr) return "persistentvolumeclaim \"" + name + "\" not found";
    if (client::is_deleting(*claim)) return "persistentvolumeclaim \"" + name + "\" is being deleted";
    if (text_at(*claim, {"status", "phase"}) != "Bound") return "pod has unbound immediate PersistentVolumeClaims";
  }
  return "";
}

SpreadPeers Scheduler::peers_of(const PodFacts& pod) const {
  SpreadPeers peers;
  for (const ObjectPointer& service : services_.store().in_namespace(pod.namespace_name)) {
    const Json& map = find(*service, {"spec", "selector"});
    if (!map.is_object() || map.empty()) continue;
    client::Selector selector = client::Selector::from_map(map);
    if (selector.matches(pod.labels())) peers.service_selectors.push_back(std::move(selector));
  }
  return peers;
}

std::string Scheduler::choose(const PodFacts& pod, const std::vector<const NodeFacts*>& nodes) {
  ASSERT(!nodes.empty());
  if (nodes.size() == 1) return nodes.front()->name();
  const std::vector<std::int64_t> scores = score_nodes(pod, nodes, cluster_, peers_of(pod));
  const std::int64_t best = *std::max_element(scores.begin(), scores.end());
  std::vector<const NodeFacts*> equals;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (scores[i] == best) equals.push_back(nodes[i]);
  }
  return equals[runtime_.random().below(equals.size())]->name();
}

std::optional<Refusal> Scheduler::check_beside_nominated(const PodFacts& pod, const PodFilter& filter, const NodeFacts& node) const {
  if (auto refusal = filter.check(node)) return refusal;
  std::optional<NodeFacts> with_them;
  for (const auto& [key, nomination] : nominated_) {
    if (nomination.node != node.name() || key == pod.key || nomination.pod->priority < pod.priority || node.pods.count(key) != 0) continue;
    if (!with_them) with_them = node;
    with_them->add(nomination.pod);
  }
  return with_them ? filter.check(*with_them) : std::nullopt;
}

Task<void> Scheduler::schedule(PodFactsPointer pod) {
  const auto nodes = cluster_.nodes();
  if (nodes.empty()) {
    co_await refuse(pod, everything, "no nodes available to schedule pods", "");
    co_return;
  }
  const std::string available = "0/" + std::to_string(nodes.size()) + " nodes are available: ";
  const std::string no_claim = check_claims(*pod);
  if (!no_claim.empty()) {
    std::string message = available + no_claim + ". preemption: " + available + std::to_string(nodes.size()) +
                          " Preemption is not helpful for scheduling.";
    co_await refuse(pod, PluginSet(Plugin::volumes), std::move(message), "");
    co_return;
  }
  const PodFilter filter(*pod, cluster_, *this);
  std::vector<const NodeFacts*> feasible;
  Refusals refusals;
  std::map<std::string, std::size_t> count_by_reason;
  PluginSet plugins = 0;
  for (const NodeFacts* node : nodes) {
    auto refusal = check_beside_nominated(*pod, filter, *node);
    if (!refusal) {
      feasible.push_back(node);
      continue;
    }
    plugins = plugins | refusal->plugin;
    for (const std::string& reason : refusal->reasons) ++count_by_reason[reason];
    refusals.emplace(node->name(), std::move(*refusal));
  }
  if (!feasible.empty()) {
    // What it was promised it takes, if it can.
    const std::string promised = text_at(*pod->pod, {"status", "nominatedNodeName"});
    for (const NodeFacts* node : feasible) {
      if (node->name() != promised) continue;
      feasible = {node};
      break;
    }
    std::string node = choose(*pod, feasible);
    nominated_.erase(pod->key);
    cluster_.assume(pod, node);
    queue_.settled(pod->key);
    tasks_->spawn("bind", bind(pod, std::move(node)));
    co_return;
  }
  std::vector<ObjectPointer> budgets;
  for (const auto& [key, budget] : budgets_.store().objects()) budgets.push_back(budget);
  PreemptionPlan plan = plan_preemption(*pod, cluster_, refusals, *this, budgets);
  const bool clears_nomination = plan.node.empty() && !plan.keeps_nomination && !text_at(*pod->pod, {"status", "nominatedNodeName"}).empty();
  std::string message = describe_refusals(nodes.size(), count_by_reason);
  std::string nominated = plan.node;
  if (nominated.empty()) {
    message += " preemption: " + plan.message;
  } else {
    nominated_[pod->key] = Nomination{pod, nominated};
    co_await preempt(pod, std::move(plan));
  }
  if (clears_nomination) nominated_.erase(pod->key);
  co_await refuse(pod, plugins, std::move(message), std::move(nominated), clears_nomination);
}

Task<void> Scheduler::bind(PodFactsPointer pod, std::string node) {
  const runtime::Instant began = runtime_.now();
  auto bound = co_await client_.bind(pod->namespace_name, client::name_of(*pod->pod), pod->uid, node);
  client::Metrics::Labels labels;
  labels["profile"] = name_;
  if (bound) {
    labels["result"] = "scheduled";
    metrics_.count("scheduler_schedule_attempts_total", labels);
    metrics_.observe("scheduler_scheduling_attempt_duration_seconds", runtime::seconds(runtime_.now() - began), labels);
    std::string message = "Successfully assigned " + pod->key + " to " + node;
    events_.record(*pod->pod, types::pods, EventType::normal, "Scheduled", std::move(message), "Binding");
    co_return;
  }
  labels["result"] = "error";
  metrics_.count("scheduler_schedule_attempts_total", labels);
  cluster_.forget(pod->key);
  // The pod may be gone, or bound by a request whose answer we did not get: what the informer knows decides.
  const ObjectPointer known = pods_.store().find(pod->key);
  if (known == nullptr || client::uid_of(*known) != pod->uid || !text_at(*known, {"spec", "nodeName"}).empty()) co_return;
  queue_.put(std::make_shared<const PodFacts>(known));
  std::string message = "binding rejected: " + bound.error().message;
  events_.record(*pod->pod, types::pods, EventType::warning, "FailedScheduling", std::move(message), "Scheduling");
}

Task<void> Scheduler::preempt(PodFactsPointer pod, PreemptionPlan plan) {
  metrics_.count("scheduler_preemption_attempts_total");
  for (const PodFactsPointer& victim : plan.victims) {
    if (client::is_deleting(*victim->pod)) continue;
    Json condition = Json::object();
    condition["type"] = "DisruptionTarget";
    condition["status"] = "True";
    condition["reason"] = "PreemptionByScheduler";
    condition["message"] = name_ + ": preempting to accommodate a higher priority pod";
    condition["lastTransitionTime"] = runtime::format_rfc3339(runtime_.wall_now());
    Json patch = Json::object();
    patch["status"]["conditions"] = Json::array();
    patch["status"]["conditions"].push_back(std::move(condition));
    const std::string victim_name = client::name_of(*victim->pod);
    auto marked = co_await client_.patch(types::pods, victim->namespace_name, victim_name, PatchType::strategic, std::move(patch), "status");
    if (!marked && marked.error().code == ErrorCode::not_found) continue;
    client::DeleteOptions options;
    options.uid = victim->uid;
    auto removed = co_await client_.remove(types::pods, victim->namespace_name, victim_name, options);
    if (!removed) continue;
    metrics_.count("scheduler_preemption_victims");
    events_.record(*victim->pod, types::pods, EventType::normal, "Preempted", "Preempted by pod " + pod->uid + " on node " + plan.node,
                   "Preempting");
  }
}

Task<void> Scheduler::refuse(PodFactsPointer pod, PluginSet plugins, std::string message, std::string nominated_node, bool clears_nomination) {
  client::Metrics::Labels labels;
  labels["profile"] = name_;
  labels["result"] = "unschedulable";
  metrics_.count("scheduler_schedule_attempts_total", labels);
  events_.record(*pod->pod, types::pods, EventType::warning, "FailedScheduling", message, "Scheduling");
  // Asleep before the status is written: what happens during the write counts as news.
  queue_.refused(pod->key, plugins);
  const Json& before = client::condition_of(*pod->pod, "PodScheduled");
  const bool same = text_at(before, {"status"}) == "False" && text_at(before, {"reason"}) == "Unschedulable" &&
                    text_at(before, {"message"}) == message;
  if (same && nominated_node.empty() && !clears_nomination) co_return;
  Json condition = Json::object();
  condition["type"] = "PodScheduled";
  condition["status"] = "False";
  condition["reason"] = "Unschedulable";
  condition["message"] = message;
  condition["lastProbeTime"] = nullptr;
  if (text_at(before, {"status"}) != "False") condition["lastTransitionTime"] = runtime::format_rfc3339(runtime_.wall_now());
  Json patch = Json::object();
  patch["metadata"]["uid"] = pod->uid;
  patch["status"]["conditions"] = Json::array();
  patch["status"]["conditions"].push_back(std::move(condition));
  if (!nominated_node.empty()) patch["status"]["nominatedNodeName"] = nominated_node;
  if (clears_nomination) patch["status"]["nominatedNodeName"] = nullptr;
  auto patched = co_await client_.patch(types::pods, pod->namespace_name, client::name_of(*pod->pod), PatchType::strategic,
                                        std::move(patch), "status");
  if (!patched && patched.error().code != ErrorCode::not_found) {
    Json fields = Json::object();
    fields["pod"] = pod->key;
    fields["error"] = patched.error().message;
    runtime_.log().info("pod_condition_not_written", fields);
  }
}

Task<void> Scheduler::run() {
  runtime::StopState& stop = co_await runtime::CurrentStop();
  runtime::TaskGroup group(stop);
  tasks_ = &group;
  group.spawn("events", events_.run());
  informers_.start(group);
  co_await informers_.wait_until_synced();
  synced_ = true;
  for (;;) {
    PodFactsPointer pod = co_await queue_.pop();
    // One placement at a time, so that each sees the one before.
    co_await schedule(std::move(pod));
  }
}

}  // namespace skidpad::fakes::kube_scheduler

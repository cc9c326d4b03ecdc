#include "controllers/etcd_operator/etcd_operator.hpp"

#include "controllers/etcd_operator/backup_controller.hpp"
#include "controllers/etcd_operator/member_commands.hpp"
#include "harness/client/controller_host.hpp"
#include "harness/client/kubernetes/work_queue.hpp"
#include "harness/runtime/command.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::controllers::etcd_operator {

using client::InformerHandler;
using client::ObjectPointer;
using client::WorkQueue;
using runtime::Error;
using runtime::ErrorCode;
using runtime::Runtime;
using runtime::success;

namespace {

constexpr std::size_t worker_count = 16;  // a cluster that hangs holds back one of them, not the others (O7)

struct Settings {
  client::ControllerHostOptions host;
  bool create_definitions = true;
  OperatorSettings of_operator;

  Settings() { host.metrics_port = 9101; }
  void add_to(runtime::Flags& flags) {
    host.add_to(flags);
    flags.add("create-crd", create_definitions, "create the CustomResourceDefinitions if they are missing");
    flags.add("poll-interval", of_operator.poll_interval, "how often each cluster is looked at");
    flags.add("probe-timeout", of_operator.probe_timeout, "a member that does not answer a linearizable read by then is unhealthy");
    flags.add("unhealthy-after", of_operator.policy.unhealthy_after, "a member unhealthy for so long is replaced");
    flags.add("unstarted-max", of_operator.policy.unstarted_max, "a new member that has not started by then is taken out again");
    flags.add("recovery-grace", of_operator.policy.recovery_grace, "how long a lost quorum may still come back before a recovery is allowed");
    flags.add("operator-image", of_operator.pods.operator_image, "image of this program, for the members' init containers");
    flags.add("etcdctl", of_operator.pods.etcdctl, "path of etcdctl in that image");
    flags.add("revision-slack", of_operator.revision_slack, "how far above the newest revision seen a cluster goes on after a recovery");
  }
  std::string mistake() const {
    if (of_operator.poll_interval <= Duration::zero()) return "--poll-interval must be more than 0";
    if (of_operator.probe_timeout <= Duration::zero()) return "--probe-timeout must be more than 0";
    if (of_operator.revision_slack < 1) return "--revision-slack must be at least 1";
    if (host.metrics_port < 0 || host.metrics_port > 65535) return "--metrics-port must be from 0 to 65535";
    return "";
  }
};

class Operator {
 public:
  Operator(Runtime& runtime, client::KubernetesClient& client, client::EventRecorder& events, client::Metrics& metrics, const Settings& settings, std::function<bool()> may_act)
      : runtime_(runtime),
        client_(client),
        informers_(client),
        nodes_(informers_.informer(client::types::nodes)),
        around_{client, nodes_, informers_.informer(client::types::pods, member_pods()), events, metrics, settings.of_operator, std::move(may_act)},
        settings_(settings),
        clusters_(runtime, options("clusters")),
        backups_(runtime, options("backups")),
        restores_(runtime, options("restores")) {}

  /// The definitions are there, then everything is watched. Until stopped.
  Task<void> watch() {
    while (settings_.create_definitions) {
      auto created = co_await create_definitions();
      if (created) break;
      Json fields = Json::object();
      fields["error"] = created.error().message;
      runtime_.log().warning("definitions_missing", fields);
      co_await runtime_.sleep_for(std::chrono::seconds(1));
    }
    follow(types::clusters, clusters_);
    follow(types::backups, backups_);
    follow(types::restores, restores_);
    runtime::StopState& stop = co_await runtime::CurrentStop();
    runtime::TaskGroup group(stop);
    informers_.start(group);
    co_await informers_.wait_until_synced();
    synced_.set();
    co_await group.join();
  }

  /// As leader.
  Task<void> lead() {
    co_await synced_.wait();
    runtime::StopState& stop = co_await runtime::CurrentStop();
    runtime::TaskGroup group(stop);
    for (const auto& [type, queue] : {std::pair(&types::clusters, &clusters_), std::pair(&types::backups, &backups_), std::pair(&types::restores, &restores_)}) {
      for (const auto& [key, object] : informers_.informer(*type).store().objects()) queue->add(key);
    }
    for (std::size_t i = 0; i < worker_count; ++i) {
      WorkQueue::Reconcile of_cluster = [this](std::string key) { return cluster(std::move(key)); };
      WorkQueue::Reconcile of_backup = [this](std::string key) { return backup(std::move(key)); };
      WorkQueue::Reconcile of_restore = [this](std::string key) { return restore(std::move(key)); };
      group.spawn("clusters", clusters_.work(std::move(of_cluster)));
      group.spawn("backups", backups_.work(std::move(of_backup)));
      group.spawn("restores", restores_.work(std::move(of_restore)));
    }
    co_await group.join();
  }

  bool has_synced() const { return synced_.is_set(); }

 private:
  static client::InformerOptions member_pods() {
    client::InformerOptions options;
    options.label_selector = "app=etcd";
    return options;
  }

  client::WorkQueueOptions options(const char* name) const {
    client::WorkQueueOptions options;
    options.name = name;
    options.backoff_first = settings_.of_operator.poll_interval / 8;
    options.backoff_max = std::chrono::minutes(5);
    return options;
  }

  Task<Result<void>> create_definitions() {
    // Only a leader may write; another one waits until they are served.
    for (const Json& definition : custom_resource_definitions()) {
      if (!around_.may_act()) break;
      auto created = co_await client_.create(types::definitions, definition);
      if (!created && created.error().code != ErrorCode::already_exists) co_return created.error();
    }
    for (const client::ResourceType* type : {&types::clusters, &types::backups, &types::restores}) {
      auto served = co_await client_.list(*type);
      if (!served) co_return served.error();
    }
    co_return success();
  }

  /// What an administrator changes is looked at once; what the operator itself writes is not news.
  void follow(const client::ResourceType& type, WorkQueue& queue) {
    InformerHandler handler;
    handler.added = [&queue](const ObjectPointer& object) { queue.add(client::key_of(*object)); };
    handler.updated = [&queue](const ObjectPointer& before, const ObjectPointer& now) {
      const bool same = runtime::find(*before, {"spec"}) == runtime::find(*now, {"spec"}) && client::annotations_of(*before) == client::annotations_of(*now) &&
                        client::is_deleting(*before) == client::is_deleting(*now);
      if (!same) queue.add(client::key_of(*now));
    };
    handler.deleted = [&queue](const ObjectPointer& last) { queue.add(client::key_of(*last)); };
    informers_.informer(type).add_handler(std::move(handler));
  }

  ClusterController& controller_of(const std::string& key) {
    auto& controller = controllers_[key];
    const client::NamespacedName name = client::split_key(key);
    if (!controller) controller = std::make_unique<ClusterController>(around_, name.namespace_name, name.name);
    return *controller;
  }

  Task<Result<void>> cluster(std::string key) {
    if (!informers_.informer(types::clusters).store().find(key)) {
      controllers_.erase(key);
      co_return success();
    }
    const Instant began = runtime_.now();
    auto next = co_await controller_of(key).reconcile();
    client::Metrics::Labels labels;
    labels["controller"] = "cluster";
    labels["result"] = next ? "success" : "error";
    around_.metrics.count("controller_runtime_reconcile_total", labels);
    labels.erase("result");
    around_.metrics.observe("controller_runtime_reconcile_time_seconds", runtime::seconds(runtime_.now() - began), labels);
    if (!next) co_return next.error();
    clusters_.add_after(key, next.value());
    co_return success();
  }

  Task<Result<void>> backup(std::string key) {
    const client::NamespacedName name = client::split_key(key);
    BackupController::FindCluster find = [this](const std::string& namespace_name, const std::string& cluster) -> ClusterController* {
      const auto found = controllers_.find(client::make_key(namespace_name, cluster));
      return found == controllers_.end() ? nullptr : found->second.get();
    };
    BackupController controller(around_, std::move(find), name.namespace_name, name.name);
    auto next = co_await controller.reconcile();
    if (!next) co_return next.error();
    if (next.value()) backups_.add_after(key, *next.value());
    co_return success();
  }

  Task<Result<void>> restore(std::string key) {
    const client::NamespacedName name = client::split_key(key);
    RestoreController controller(around_, name.namespace_name, name.name);
    auto next = co_await controller.reconcile();
    if (!next) co_return next.error();
    if (next.value()) restores_.add_after(key, *next.value());
    co_return success();
  }

  Runtime& runtime_;
  client::KubernetesClient& client_;
  client::InformerSet informers_;
  client::Informer& nodes_;
  Surroundings around_;
  const Settings& settings_;
  WorkQueue clusters_;
  WorkQueue backups_;
  WorkQueue restores_;
  std::map<std::string, std::unique_ptr<ClusterController>> controllers_;
  runtime::Event synced_;
};

}  // namespace

Task<int> etcd_operator_main(Runtime& runtime, std::vector<std::string> arguments) {
  if (!arguments.empty() && !arguments.front().starts_with("-")) {
    const std::string command = arguments.front();
    arguments.erase(arguments.begin());
    if (command == "check-data") co_return co_await check_data(runtime, std::move(arguments));
    if (command == "keep-aside") co_return co_await keep_aside(runtime, std::move(arguments));
    if (command == "restore-data") co_return co_await restore_data(runtime, std::move(arguments));
    co_return runtime::command_failed(runtime, "unknown command \"" + command + "\": expected check-data, keep-aside, restore-data or flags");
  }
  Settings settings;
  runtime::Flags flags("etcd-operator", "Keeps etcd clusters at their size, backs them up and restores them.");
  settings.add_to(flags);
  try {
    if (!flags.parse(arguments)) co_return 0;
  } catch (const UsageError& bad) {
    co_return runtime::command_failed(runtime, bad.what());
  }
  if (const std::string mistake = settings.mistake(); !mistake.empty()) co_return runtime::command_failed(runtime, mistake);
  auto kubeconfig = client::kubeconfig_of(runtime, settings.host.kubeconfig);
  if (!kubeconfig) co_return runtime::command_failed(runtime, kubeconfig.error().message);

  client::ControllerHost host(runtime, "etcd-operator", std::move(kubeconfig.value()), settings.host);
  Operator self(runtime, host.client(), host.events(), host.metrics(), settings, host.may_act());
  host.add_ready_check("informers-synced", [&self] { return self.has_synced() ? std::string() : std::string("objects are not listed yet"); });
  std::function<Task<void>()> watch = [&self] { return self.watch(); };
  std::function<Task<void>()> lead = [&self] { return self.lead(); };
  co_return co_await host.run(std::move(watch), std::move(lead));
}

}  // namespace skidpad::controllers::etcd_operator

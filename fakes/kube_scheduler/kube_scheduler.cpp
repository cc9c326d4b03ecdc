#include "fakes/kube_scheduler/kube_scheduler.hpp"

#include "fakes/kube_scheduler/scheduler.hpp"
#include "harness/client/component_server.hpp"
#include "harness/client/kubernetes/leader_elector.hpp"
#include "harness/runtime/command.hpp"
#include "harness/runtime/flags.hpp"
#include "harness/runtime/usage_error.hpp"
#include "harness/runtime/yaml.hpp"

namespace skidpad::fakes::kube_scheduler {

using client::ComponentServer;
using runtime::Flags;
using runtime::Result;
using runtime::Runtime;
using runtime::Task;
using runtime::text_at;

namespace {

constexpr std::int64_t default_secure_port = 10259;

struct Options {
  std::string kubeconfig;
  std::string config;
  client::ComponentServerOptions server;
  client::LeaderElectionFlags leader_election;
};

/// KubeSchedulerConfiguration: client connection and leader election; profiles are the default one here.
Result<void> read_config(Runtime& runtime, Options& options) {
  TRY(auto text, runtime.disk().read(options.config));
  TRY(auto config, runtime::parse_yaml(text));
  if (options.kubeconfig.empty()) options.kubeconfig = text_at(config, {"clientConnection", "kubeconfig"});
  options.leader_election.leader_elect =
      runtime::bool_at(config, {"leaderElection", "leaderElect"}, options.leader_election.leader_elect);
  struct Field {
    const char* name;
    runtime::Duration* value;
  };
  for (const Field field : {Field{"leaseDuration", &options.leader_election.lease_duration},
                            Field{"renewDeadline", &options.leader_election.renew_deadline},
                            Field{"retryPeriod", &options.leader_election.retry_period}}) {
    const std::string text_value = text_at(config, {"leaderElection", field.name});
    if (!text_value.empty() && !runtime::parse_go_duration(text_value, *field.value)) {
      return runtime::Error(runtime::ErrorCode::invalid, options.config + ": leaderElection." + field.name + " is no duration");
    }
  }
  return runtime::success();
}

}  // namespace

Task<int> kube_scheduler_main(Runtime& runtime, std::vector<std::string> arguments) {
  Options options;
  options.server.secure_port = default_secure_port;
  options.server.own_name = "kube-scheduler";
  Flags flags("kube-scheduler", "Gives pods their nodes.");
  flags.add("kubeconfig", options.kubeconfig, "where the API server is and who we are");
  flags.add("config", options.config, "KubeSchedulerConfiguration file");
  options.server.add_to(flags);
  options.leader_election.add_to(flags);
  flags.accept("pod-max-in-unschedulable-pods-duration", "five minutes here");
  flags.accept("write-config-to", "not written");
  try {
    if (!flags.parse(arguments)) co_return 0;
  } catch (const UsageError& bad) {
    co_return runtime::command_failed(runtime, bad.what());
  }
  if (!options.config.empty()) {
    if (auto read = read_config(runtime, options); !read) co_return runtime::command_failed(runtime, read.error().message);
  }
  auto kubeconfig = client::kubeconfig_of(runtime, options.kubeconfig);
  if (!kubeconfig) co_return runtime::command_failed(runtime, kubeconfig.error().message);

  client::ClientOptions client_options;
  client_options.user_agent = "kube-scheduler/v1.32.0 (linux/amd64) skidpad/scheduler";
  client::KubernetesClient client(runtime, kubeconfig.value(), client_options);
  client::Metrics metrics;
  metrics.describe("scheduler_schedule_attempts_total", "Number of attempts to schedule pods, by the result.");
  metrics.describe("scheduler_pending_pods", "Number of pending pods, by the queue type.");
  metrics.describe("leader_election_master_status", "Gauge of if the reporting system is master of the relevant lease.");
  Scheduler scheduler(client, metrics, "default-scheduler");

  client::EventRecorderOptions recorder_options;
  recorder_options.component = "default-scheduler";
  client::EventRecorder recorder(client, recorder_options);
  client::LeaderElectionOptions election = options.leader_election.options("kube-scheduler");
  election.release_on_stop = true;
  client::LeaderElector elector(client, election, &recorder);
  const bool elect = options.leader_election.leader_elect;
  metrics.add_collector([&](client::Metrics& now) {
    client::Metrics::Labels name;
    name["name"] = "kube-scheduler";
    if (elect) now.set("leader_election_master_status", elector.is_leader() ? 1 : 0, name);
    const QueueSizes sizes = scheduler.queue_sizes();
    for (const auto& [queue, size] : {std::pair<const char*, std::size_t>("active", sizes.active),
                                      {"backoff", sizes.backoff},
                                      {"unschedulable", sizes.unschedulable}}) {
      client::Metrics::Labels labels;
      labels["queue"] = queue;
      now.set("scheduler_pending_pods", double(size), labels);
    }
  });

  ComponentServer server(runtime, metrics, options.server);
  server.add_check("ping", ComponentServer::Where::everywhere, [] { return std::string(); });
  server.add_check("sched-handlers-sync", ComponentServer::Where::readyz, [&] {
    const bool good = scheduler.has_synced() || (elect && !elector.is_leader());
    return good ? std::string() : std::string("handlers are not fully synchronized");
  });
  if (auto listening = server.listen(); !listening) co_return runtime::command_failed(runtime, listening.error().message);

  runtime::TaskGroup group(runtime.stop());
  group.spawn("server", server.run());
  group.spawn("events", recorder.run());
  if (!elect) {
    co_await scheduler.run();
    co_return 0;
  }
  client.set_write_deadline([&] { return elector.leads_until(); });
  std::function<Task<void>()> lead = [&scheduler] { return scheduler.run(); };
  co_await elector.run(std::move(lead));
  // As the real one: a process that lost its lease starts again from nothing.
  co_return runtime::command_failed(runtime, "leaderelection lost");
}

}  // namespace skidpad::fakes::kube_scheduler

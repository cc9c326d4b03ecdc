#include "controllers/node_healer/node_healer.hpp"

#include "controllers/node_healer/healer.hpp"
#include "harness/client/kubernetes/event_recorder.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::controllers::node_healer {

using client::ComponentServer;
using client::machines::MachineSpec;
using runtime::Runtime;

namespace {

int fail(Runtime& runtime, const std::string& message) {
  Json fields = Json::object();
  fields["error"] = message;
  runtime.log().error("command_failed", fields);
  return 1;
}

Result<MachineSpec> read_template(Runtime& runtime, const std::string& path) {
  TRY(auto text, runtime.disk().read(path));
  auto json = runtime::parse_json(text);
  if (!json) return runtime::wrap(json.error(), path);
  auto spec = client::machines::machine_spec_from_json(json.value());
  if (!spec) return runtime::wrap(spec.error(), path);
  // Names and addresses belong to one machine; the role is how we know our own again.
  spec.value().name.clear();
  spec.value().address.clear();
  spec.value().labels["role"] = "worker";
  return spec;
}

Result<client::machines::MachineProviderClientOptions> provider_options(Runtime& runtime, const Settings& settings) {
  client::machines::MachineProviderClientOptions options;
  TRY(options.server, runtime::parse_endpoint(settings.provider));
  if (!settings.provider_token_file.empty()) {
    TRY(options.token, runtime.disk().read(settings.provider_token_file));
    while (!options.token.empty() && (options.token.back() == '\n' || options.token.back() == '\r')) options.token.pop_back();
  }
  return options;
}

Task<void> stand_for_ever(Healer& healer, client::LeaderElector& elector) {
  // Unlike the real components we do not exit when the lease is lost: what was watched so far stays known, and an API outage
  // does not end in a restart backoff. What the other leader did meanwhile is read from the store.
  for (;;) {
    std::function<Task<void>()> lead = [&healer] { return healer.lead(); };
    co_await elector.run(std::move(lead));
  }
}

}  // namespace

Task<int> node_healer_main(Runtime& runtime, std::vector<std::string> arguments) {
  Settings settings;
  runtime::Flags flags("node-healer", "Replaces lost worker nodes by new machines.");
  settings.add_to(flags);
  try {
    if (!flags.parse(arguments)) co_return 0;
  } catch (const UsageError& bad) {
    co_return fail(runtime, bad.what());
  }
  if (auto complete = settings.complete(); !complete) co_return fail(runtime, complete.error().message);
  auto kubeconfig = settings.kubeconfig.empty() ? client::in_cluster_kubeconfig(runtime) : client::load_kubeconfig(runtime.disk(), settings.kubeconfig);
  if (!kubeconfig) co_return fail(runtime, kubeconfig.error().message);
  auto worker_template = read_template(runtime, settings.worker_template);
  if (!worker_template) co_return fail(runtime, worker_template.error().message);
  auto provider_settings = provider_options(runtime, settings);
  if (!provider_settings) co_return fail(runtime, provider_settings.error().message);

  client::ClientOptions client_options;
  client_options.user_agent = "node-healer";
  client::KubernetesClient client(runtime, kubeconfig.value(), client_options);
  client::machines::MachineProviderClient provider(runtime, provider_settings.value());
  client::Metrics metrics;
  metrics.describe(metric::is_leader, "1 where this instance leads.");

  client::EventRecorderOptions recorder_options;
  recorder_options.component = "node-healer";
  client::EventRecorder recorder(client, recorder_options);
  client::LeaderElectionOptions election = settings.leader_election.options("node-healer");
  const std::string pod = runtime.environment("POD_NAME");
  election.identity = (pod.empty() ? runtime.host_name() : pod) + "_" + runtime.random().uuid();
  election.release_on_stop = true;
  client::LeaderElector elector(client, election, &recorder);
  const bool elect = settings.leader_election.leader_elect;
  std::function<bool()> may_act = [&elector, elect] { return !elect || elector.is_leader(); };
  metrics.add_collector([&may_act](client::Metrics& now) { now.set(metric::is_leader, may_act() ? 1 : 0); });

  Healer healer(client, provider, metrics, settings, worker_template.value(), may_act);
  client::ComponentServerOptions serving;
  serving.bind_address = settings.bind_address;
  serving.secure_port = settings.metrics_port;
  serving.plain_http = true;
  serving.own_name = "node-healer";
  ComponentServer server(runtime, metrics, serving);
  server.add_check("ping", ComponentServer::Where::everywhere, [] { return std::string(); });
  server.add_check("nodes-synced", ComponentServer::Where::readyz, [&healer] { return healer.has_synced() ? std::string() : std::string("nodes are not listed yet"); });
  if (auto listening = server.listen(); !listening) co_return fail(runtime, listening.error().message);

  runtime::TaskGroup group(runtime.stop());
  group.spawn("server", server.run());
  group.spawn("events", recorder.run());
  group.spawn("watch", healer.watch());
  if (!elect) {
    co_await healer.lead();
    co_return 0;
  }
  client.set_write_deadline([&elector] { return elector.leads_until(); });
  co_await stand_for_ever(healer, elector);
  co_return 0;
}

}  // namespace skidpad::controllers::node_healer

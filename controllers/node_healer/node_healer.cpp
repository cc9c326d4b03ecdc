#include "controllers/node_healer/node_healer.hpp"

#include "controllers/node_healer/healer.hpp"
#include "harness/runtime/command.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::controllers::node_healer {

using client::machines::MachineSpec;
using runtime::Runtime;

namespace {

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

}  // namespace

Task<int> node_healer_main(Runtime& runtime, std::vector<std::string> arguments) {
  Settings settings;
  runtime::Flags flags("node-healer", "Replaces lost worker nodes by new machines.");
  settings.add_to(flags);
  try {
    if (!flags.parse(arguments)) co_return 0;
  } catch (const UsageError& bad) {
    co_return runtime::command_failed(runtime, bad.what());
  }
  if (auto complete = settings.complete(); !complete) co_return runtime::command_failed(runtime, complete.error().message);
  auto kubeconfig = client::kubeconfig_of(runtime, settings.host.kubeconfig);
  if (!kubeconfig) co_return runtime::command_failed(runtime, kubeconfig.error().message);
  auto worker_template = read_template(runtime, settings.worker_template);
  if (!worker_template) co_return runtime::command_failed(runtime, worker_template.error().message);
  auto provider_settings = provider_options(runtime, settings);
  if (!provider_settings) co_return runtime::command_failed(runtime, provider_settings.error().message);

  client::ControllerHost host(runtime, "node-healer", std::move(kubeconfig.value()), settings.host);
  client::machines::MachineProviderClient provider(runtime, provider_settings.value());
  Healer healer(host.client(), provider, host.metrics(), settings, worker_template.value(), host.may_act());
  host.add_ready_check("nodes-synced", [&healer] { return healer.has_synced() ? std::string() : std::string("nodes are not listed yet"); });
  std::function<Task<void>()> watch = [&healer] { return healer.watch(); };
  std::function<Task<void>()> lead = [&healer] { return healer.lead(); };
  co_return co_await host.run(std::move(watch), std::move(lead));
}

}  // namespace skidpad::controllers::node_healer

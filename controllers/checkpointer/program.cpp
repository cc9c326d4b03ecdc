#include "controllers/checkpointer/checkpointer.hpp"
#include "controllers/checkpointer/rescue.hpp"
#include "harness/client/component_server.hpp"
#include "harness/runtime/command.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::controllers::checkpointer {

using runtime::Runtime;
using runtime::Task;

Task<int> checkpointer_main(Runtime& runtime, std::vector<std::string> arguments) {
  Settings settings;
  runtime::Flags flags("pod-checkpointer", "Keeps copies on disk of this node's control-plane pods, and runs them while no API server does.");
  settings.add_to(flags);
  std::string bad;
  try {
    if (!flags.parse(arguments)) co_return 0;
  } catch (const UsageError& error) {
    bad = error.what();
  }
  if (!bad.empty()) co_return runtime::command_failed(runtime, bad);
  if (auto complete = settings.complete(); !complete) co_return runtime::command_failed(runtime, complete.error().message);
  auto kubeconfig = client::load_kubeconfig(runtime.disk(), settings.kubeconfig);
  if (!kubeconfig) co_return runtime::command_failed(runtime, kubeconfig.error().message);

  client::Metrics metrics;
  client::ComponentServerOptions serving;
  serving.bind_address = settings.node_address;
  serving.secure_port = settings.metrics_port;
  serving.plain_http = true;
  serving.own_name = "pod-checkpointer";
  client::ComponentServer server(runtime, metrics, serving);
  server.add_check("ping", client::ComponentServer::Where::everywhere, [] { return std::string(); });
  // The port is the lock: the kernel gives it to one process of the node, and takes it back however that one ends (behaviour C17).
  for (bool told = false;; told = true) {
    auto listening = server.listen();
    if (listening) break;
    if (!told) runtime.log().info("another_checkpointer_works_here", {{"error", listening.error().message}});
    co_await runtime.sleep_for(std::min<Duration>(settings.poll_interval, std::chrono::seconds(1)));
  }

  client::ClientOptions client_options;
  client_options.user_agent = "pod-checkpointer";
  client_options.connect_timeout = client_options.request_timeout = settings.runtime_request_timeout;
  client::KubernetesClient client(runtime, kubeconfig.value(), client_options);
  client::EventRecorderOptions recorder_options;
  recorder_options.component = "pod-checkpointer";
  recorder_options.host = settings.node_name;
  client::EventRecorder events(client, recorder_options);
  Checkpointer checkpointer(runtime, client, events, metrics, settings);
  Rescue rescue(client, events, metrics, settings);
  runtime::TaskGroup group(runtime.stop());
  group.spawn("server", server.run());
  group.spawn("events", events.run());
  group.spawn("rescue", rescue.run());
  co_await checkpointer.run();
  co_return 0;
}

}  // namespace skidpad::controllers::checkpointer

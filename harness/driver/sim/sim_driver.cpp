#include "harness/driver/sim/sim_driver.hpp"

#include "harness/runtime/http/http_server.hpp"

namespace skidpad::driver::sim {

using runtime::Runtime;

namespace {

constexpr char provider_machine[] = "provider";
constexpr char provider_address[] = "10.240.0.1";
constexpr std::uint16_t provider_port = 7070;

Task<int> wait_for_ever(Runtime& runtime, std::vector<std::string>) {
  runtime::Event never;
  co_await never.wait();
  co_return 0;
}

}  // namespace

SimDriver::SimDriver(SimDriverOptions options)
    : options_(std::move(options)), world_(options_.world), backend_(world_, provider_machine) {
  runtime::Random tokens = world_.random().split("provider tokens");
  user_token_ = tokens.name_suffix(20);
  admin_token_ = tokens.name_suffix(20);
  for (auto& [name, program] : bundled_programs()) world_.register_program(name, program);
  for (auto& [name, program] : options_.programs) world_.register_program(name, program);
  world_.register_program("init", init_main);
  world_.register_program("harness", wait_for_ever);
  world_.register_program("machine-provider", [this](Runtime& runtime, std::vector<std::string>) { return serve_provider(runtime); });
  runtime::sim::MachineSpec spec;
  spec.name = provider_machine;
  spec.address = provider_address;
  runtime::sim::Machine& machine = world_.add_machine(std::move(spec));
  const auto start = [&](const char* program) {
    runtime::ProcessSpec process;
    process.executable = program;
    auto started = machine.start(std::move(process));
    ASSERT(started.has_value());
    return started.value();
  };
  start("machine-provider");
  harness_ = start("harness");
  client::machines::MachineProviderClientOptions client;
  client.server = runtime::Endpoint{"127.0.0.1", provider_port};
  client.token = admin_token_;
  client_ = std::make_unique<MachineProviderClient>(*harness_, std::move(client));
}

SimDriver::~SimDriver() = default;

Task<int> SimDriver::serve_provider(Runtime& runtime) {
  fakes::machine_provider::MachineProviderOptions options;
  options.user_token = user_token_;
  options.admin_token = admin_token_;
  options.provisioning_delay = options_.provisioning_delay;
  fakes::machine_provider::MachineProvider provider(runtime, backend_, options);
  runtime::HttpServer server(runtime, [&provider](const runtime::HttpRequest& request, runtime::HttpResponder& responder) {
    return provider.handle(request, responder);
  });
  runtime::ListenOptions listen;
  listen.at.port = provider_port;
  auto listener = runtime.network().listen(std::move(listen));
  ASSERT(listener.has_value());
  co_await server.serve(std::move(listener.value()));
  co_return 0;
}

void SimDriver::prepare(cluster::ClusterSpec& spec) const {
  spec.address_prefix = backend_.address_prefix();
  spec.provider = runtime::Endpoint{provider_address, provider_port};
  spec.provider_token = user_token_;
  for (const char* component : {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy",
                                "node-healer", "etcd-operator", "object-store", "checkpointer", "skidpad-bootstrap", "workload"}) {
    spec.components[component].executable = std::string("/usr/bin/") + component;
  }
}

void SimDriver::run(Task<void> task) {
  // The harness's tasks are those of its process on the provider's machine, so they end with it and never before it.
  runtime::TaskGroup group(harness_->stop());
  group.spawn("harness", std::move(task));
  world_.run_until(runtime::Instant::max(), [&] { return group.running_count() == 0; });
  ASSERT(group.running_count() == 0);
  if (auto failure = group.take_failure()) std::rethrow_exception(failure);
}

Task<Leftovers> SimDriver::tear_down() {
  Leftovers leftovers;
  auto listed = co_await machines().list();
  if (!listed) co_return leftovers;
  for (const auto& machine : listed.value()) {
    auto removed = co_await machines().remove(machine.spec.name);
    (void)removed;  // what it left is what counts
  }
  leftovers.checked = true;
  Json& left = leftovers.found;
  left = {{"machines", Json::array()}, {"processes", Json::array()}, {"links", Json::array()}};
  for (runtime::sim::Machine* machine : world_.machines()) {
    if (machine->name() == provider_machine) continue;
    left["machines"].push_back(machine->name());
    for (runtime::sim::SimProcess* process : machine->processes()) left["processes"].push_back(machine->name() + " " + process->program_name());
  }
  auto links = backend_.links();
  for (const auto& status : links.value()) {
    if (!status.rule.healthy()) left["links"].push_back(status.link.from + " -> " + status.link.to);
  }
  co_return leftovers;
}

}  // namespace skidpad::driver::sim

#include "harness/client/controller_host.hpp"

#include <algorithm>

#include "harness/runtime/command.hpp"

namespace skidpad::client {
namespace {

ClientOptions client_options(const std::string& name) {
  ClientOptions options;
  options.user_agent = name;
  return options;
}

EventRecorderOptions recorder_options(const std::string& name) {
  EventRecorderOptions options;
  options.component = name;
  return options;
}

ComponentServerOptions server_options(const std::string& name, const ControllerHostOptions& host) {
  ComponentServerOptions options;
  options.bind_address = host.bind_address;
  options.secure_port = host.metrics_port;
  options.plain_http = true;
  options.own_name = name;
  return options;
}

}  // namespace

void ControllerHostOptions::add_to(runtime::Flags& flags) {
  flags.add("kubeconfig", kubeconfig, "where the API server is and who we are");
  flags.add("bind-address", bind_address, "address to serve health and metrics on, over plain HTTP");
  flags.add("metrics-port", metrics_port, "port to serve health and metrics on; 0 serves nothing");
  leader_election.add_to(flags);
}

LeaderElectionOptions ControllerHost::election(Runtime& runtime, const std::string& name, const LeaderElectionFlags& flags) {
  LeaderElectionOptions options = flags.options(name);
  const std::string pod = runtime.environment("POD_NAME");
  options.identity = (pod.empty() ? runtime.host_name() : pod) + "_" + runtime.random().uuid();
  options.release_on_stop = true;
  return options;
}

ControllerHost::ControllerHost(Runtime& runtime, std::string name, Kubeconfig kubeconfig, const ControllerHostOptions& options)
    : runtime_(runtime),
      elect_(options.leader_election.leader_elect),
      client_(runtime, std::move(kubeconfig), client_options(name)),
      events_(client_, recorder_options(name)),
      elector_(client_, election(runtime, name, options.leader_election), &events_),
      server_(runtime, metrics_, server_options(name, options)) {
  std::replace(name.begin(), name.end(), '-', '_');
  const std::string metric = "controller_" + name + "_is_leader";
  metrics_.describe(metric, "1 where this instance leads.");
  metrics_.add_collector([this, metric](Metrics& now) { now.set(metric, may_act()() ? 1 : 0); });
  server_.add_check("ping", ComponentServer::Where::everywhere, [] { return std::string(); });
}

std::function<bool()> ControllerHost::may_act() {
  return [this] { return !elect_ || elector_.is_leader(); };
}

void ControllerHost::add_ready_check(std::string check, std::function<std::string()> good) {
  server_.add_check(std::move(check), ComponentServer::Where::readyz, std::move(good));
}

Task<int> ControllerHost::run(std::function<Task<void>()> watch, std::function<Task<void>()> lead) {
  if (auto listening = server_.listen(); !listening) co_return runtime::command_failed(runtime_, listening.error().message);
  runtime::TaskGroup group(runtime_.stop());
  group.spawn("server", server_.run());
  group.spawn("events", events_.run());
  group.spawn("watch", watch());
  if (!elect_) {
    co_await lead();
    co_return 0;
  }
  client_.set_write_deadline([this] { return elector_.leads_until(); });
  for (;;) co_await elector_.run(lead);
}

}  // namespace skidpad::client

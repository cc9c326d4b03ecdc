#include "harness/scenario/api_server_watch.hpp"

#include "harness/check/control_plane.hpp"

namespace skidpad::scenario {

using client::machines::MachineProcess;

namespace {

Json ports_of(const std::vector<MachineProcess>& processes) {
  constexpr std::string_view flag = "--secure-port=";
  Json ports = Json::object();
  for (const MachineProcess& process : processes) {
    if (process.argv.empty() || process.state == "zombie" || runtime::file_name(process.argv.front()) != "kube-apiserver") continue;
    for (const std::string& argument : process.argv) {
      if (!argument.starts_with(flag)) continue;
      Json& count = ports[argument.substr(flag.size())];
      count = count.is_number() ? count.get<int>() + 1 : 1;
    }
  }
  return ports;
}

}  // namespace

runtime::Task<Json> api_server_ports(client::machines::MachineProviderClient& machines, std::string node) {
  auto processes = co_await machines.processes(node);
  Json ports = Json::object();
  if (processes) ports = ports_of(processes.value());
  co_return ports;
}

runtime::Task<void> watch_api_servers(runtime::Runtime& runtime, client::machines::MachineProviderClient& machines, const cluster::ClusterPlan& plan,
                                      history::Recorder& recorder, runtime::Instant start, runtime::Duration interval) {
  std::map<std::string, Json> told;
  for (;;) {
    for (const cluster::NodePlan* node : plan.control_plane_nodes()) {
      Json ports = co_await api_server_ports(machines, node->name);
      if (const auto before = told.find(node->name); before != told.end() && before->second == ports) continue;
      told[node->name] = ports;
      Json fields = Json::object();
      fields["ports"] = std::move(ports);
      recorder.event(runtime.now() - start, check::api_servers_event, node->name, std::move(fields));
    }
    co_await runtime.sleep_for(interval);
  }
}

}  // namespace skidpad::scenario

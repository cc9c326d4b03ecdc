/// @file small_cluster.hpp
/// Workers that join, die and are made, over an API server and a machine provider in memory: just enough for a healer to live in.
/// Watches what the healer does: a machine made twice for one worker, a living node destroyed, or a Node deleted before its machine
/// is gone ends up in `offences`.
#pragma once

#include "harness/client/kubernetes/testing/small_api.hpp"
#include "harness/client/machines/machine.hpp"

namespace skidpad::controllers::node_healer::testing {

using namespace std::chrono_literals;
using client::machines::Machine;
using client::machines::MachineState;
using runtime::Duration;
using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;
using runtime::Instant;
using runtime::Runtime;
using runtime::Task;

class SmallCluster {
 public:
  client::testing::SmallApi api;
  std::map<std::string, Machine> machines;
  std::map<std::string, Instant> joins_at;   ///< machines on their way
  std::map<std::string, Instant> dead_since; ///< no heartbeats; their Node stays
  std::set<std::string> stillborn;           ///< machines that never join
  std::vector<std::string> machines_made;
  std::vector<std::string> machines_deleted;
  std::vector<std::string> offences;
  Duration provisioning = 60s;
  Duration grace = 40s;
  bool heartbeats_judged = true;             ///< false: nobody marks nodes, as without a controller manager
  /// Called for each write of a healer before it is carried out: 0 to serve, or the status to answer with.
  std::function<int(const HttpRequest&)> on_write;
  std::function<int(const HttpRequest&)> on_any;

  void add_machine(const std::string& name, const std::string& role) {
    Machine machine;
    machine.spec.name = name;
    machine.spec.address = "10.240.9." + std::to_string(machines.size() + 1);
    machine.spec.labels["role"] = role;
    machine.state = MachineState::running;
    machine.created = runtime_ == nullptr ? runtime::WallTime(1767225600s) : runtime_->wall_now();
    machines[name] = machine;
  }
  void add_node(const std::string& name, const std::string& role) {
    add_machine(name, role);
    Json node = Json::object();
    node["metadata"]["name"] = name;
    if (role != "worker") node["metadata"]["labels"]["node-role.kubernetes.io/" + role] = "";
    node["metadata"]["labels"]["kubernetes.io/hostname"] = name;
    set_ready(node, "True");
    api.put(client::types::nodes, std::move(node));
  }
  void set_ready(Json& node, const std::string& status) {
    const runtime::WallTime wall = runtime_ == nullptr ? runtime::WallTime(1767225600s) : runtime_->wall_now();
    client::set_condition(node["status"]["conditions"], "Ready", status, "Test", "", wall);
  }
  void mark(const std::string& name, const std::string& status) {
    const Json* known = api.get(client::types::nodes, name);
    if (known == nullptr || client::condition_status(*known, "Ready") == status) return;
    Json node = *known;
    set_ready(node, status);
    api.put(client::types::nodes, std::move(node));
  }
  void annotate(const std::string& name, const std::string& annotation) {
    Json node = *api.get(client::types::nodes, name);
    node["metadata"]["annotations"][annotation] = "true";
    api.put(client::types::nodes, std::move(node));
  }
  /// Its kubelet falls silent; the machine stays on the provider's list.
  void kill(const std::string& name) { dead_since[name] = runtime_->now(); }
  void revive(const std::string& name) {
    dead_since.erase(name);
    mark(name, "True");
  }
  /// The machine is gone, and not by the healer.
  void destroy(const std::string& name) {
    kill(name);
    machines.erase(name);
  }
  std::vector<std::string> ready_nodes() {
    std::vector<std::string> names;
    for (const auto& [key, node] : api.all(client::types::nodes)) {
      if (client::is_node_ready(node)) names.push_back(key);
    }
    return names;
  }
  std::vector<std::string> reasons() {
    std::vector<std::string> all;
    for (const auto& [key, event] : api.all(client::types::events)) {
      if (runtime::text_at(event, {"involvedObject", "kind"}) == "Node") {
        all.push_back(runtime::text_at(event, {"involvedObject", "name"}) + " " + runtime::text_at(event, {"reason"}));
      }
    }
    return all;
  }
  std::size_t told(const std::string& what) {
    const auto all = reasons();
    return std::size_t(std::count(all.begin(), all.end(), what));
  }

  Task<int> serve_api(Runtime& runtime) {
    runtime_ = &runtime;
    api.refuse = [this](const HttpRequest& request) { return refuse(request); };
    runtime::TaskGroup group(runtime.stop());
    group.spawn("nodes", live());
    co_return co_await api.serve(runtime);
  }
  Task<int> serve_provider(Runtime& runtime) {
    runtime::ListenOptions options;
    options.at.port = 7070;
    auto listener = runtime.network().listen(std::move(options));
    runtime::HttpServer server(runtime, [this](const HttpRequest& request, HttpResponder& responder) { return answer(request, responder); });
    co_await server.serve(std::move(listener.value()));
    co_return 0;
  }

 private:
  int refuse(const HttpRequest& request) {
    if (on_any) {
      if (const int status = on_any(request); status != 0) return status;
    }
    const bool write = request.method != "GET" && request.target.find("/leases") == std::string::npos;
    if (write && request.method == "DELETE" && request.target.starts_with("/api/v1/nodes/")) {
      const std::string name = request.target.substr(std::string_view("/api/v1/nodes/").size());
      if (machines.count(name) != 0) offences.push_back("Node " + name + " deleted before its machine");
    }
    return write && on_write ? on_write(request) : 0;
  }

  /// Kubelets that join and heartbeats that are missed.
  Task<void> live() {
    for (;;) {
      const Instant now = runtime_->now();
      for (auto joining = joins_at.begin(); joining != joins_at.end();) {
        if (joining->second > now || machines.count(joining->first) == 0) {
          ++joining;
          continue;
        }
        Json node = Json::object();
        node["metadata"]["name"] = joining->first;
        set_ready(node, "True");
        api.put(client::types::nodes, std::move(node));
        joining = joins_at.erase(joining);
      }
      for (const auto& [name, since] : dead_since) {
        if (heartbeats_judged && now - since >= grace) mark(name, "Unknown");
      }
      co_await runtime_->sleep_for(1s);
    }
  }

  static HttpResponse json(int status, const Json& body) {
    HttpResponse response;
    response.status = status;
    response.body = body.dump();
    return response;
  }

  Task<void> answer(const HttpRequest& request, HttpResponder& responder) {
    const int refused = request.method != "GET" && on_write ? on_write(request) : 0;
    HttpResponse response = refused == 0 ? carry_out(request) : json(refused, Json::object());
    auto sent = co_await responder.send(std::move(response));
    (void)sent;
  }

  HttpResponse carry_out(const HttpRequest& request) {
    constexpr std::string_view collection = "/v1/machines";
    const std::string name = request.target.size() > collection.size() ? request.target.substr(collection.size() + 1) : "";
    if (request.method == "POST") {
      Machine machine;
      machine.spec = client::machines::machine_spec_from_json(runtime::parse_json(request.body).value()).value();
      if (machines.count(machine.spec.name) != 0) return json(409, Json::object());
      const std::string made = machine.spec.name;
      const std::string replaced = machine.spec.labels["skidpad.dev/replaces"];
      for (const auto& [other, known] : machines) {
        const auto label = known.spec.labels.find("skidpad.dev/replaces");
        if (label != known.spec.labels.end() && label->second == replaced) offences.push_back(made + " and " + other + " both made for " + replaced);
      }
      if (std::count(machines_made.begin(), machines_made.end(), made) != 0) offences.push_back("the name " + made + " is used twice");
      machines_made.push_back(made);
      machine.spec.address = "10.240.8." + std::to_string(machines_made.size());
      machine.created = runtime_->wall_now();
      machines[made] = machine;
      if (stillborn.count(made) == 0) joins_at[made] = runtime_->now() + provisioning;
      return json(201, client::machines::to_json(machine));
    }
    if (name.empty()) {
      Json list = Json::object();
      list["machines"] = Json::array();
      for (const auto& [key, machine] : machines) list["machines"].push_back(client::machines::to_json(machine));
      return json(200, list);
    }
    const auto found = machines.find(name);
    if (found == machines.end()) return json(404, Json::object());
    if (request.method == "GET") return json(200, client::machines::to_json(found->second));
    if (found->second.spec.labels["role"] != "worker") offences.push_back("machine " + name + " is no worker's");
    if (dead_since.count(name) == 0 && joins_at.count(name) == 0 && stillborn.count(name) == 0 && living_destroyed_is_offence) {
      offences.push_back("living machine " + name + " deleted");
    }
    machines_deleted.push_back(name);
    machines.erase(found);
    return json(200, Json::object());
  }

 public:
  bool living_destroyed_is_offence = true;

 private:
  Runtime* runtime_ = nullptr;
};

}  // namespace skidpad::controllers::node_healer::testing

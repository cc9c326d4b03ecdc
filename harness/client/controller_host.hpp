/// @file controller_host.hpp
/// What a controller of ours runs beside its own work: its client, its events, leader election, health and metrics.
/// Promise: only the leader works, and its writes are refused from the moment its lease may have ended (behaviour O2). Unlike the real
/// components it does not exit when the lease is lost: what was watched stays known, and an API outage ends in no restart backoff.
#pragma once

#include "harness/client/component_server.hpp"
#include "harness/client/kubernetes/event_recorder.hpp"
#include "harness/client/kubernetes/leader_elector.hpp"

namespace skidpad::client {

struct ControllerHostOptions {
  std::string kubeconfig;                ///< path; "" = the pod's service account
  std::string bind_address = "0.0.0.0";
  std::int64_t metrics_port = 0;         ///< plain HTTP; 0: nothing is served
  LeaderElectionFlags leader_election;

  /// --kubeconfig, --bind-address, --metrics-port and those of leader election.
  void add_to(runtime::Flags& flags);
};

class ControllerHost {
 public:
  /// @param name  of the program, its Lease, its user agent and, with _ for -, in controller_NAME_is_leader.
  ControllerHost(Runtime& runtime, std::string name, Kubeconfig kubeconfig, const ControllerHostOptions& options);

  KubernetesClient& client() { return client_; }
  Metrics& metrics() { return metrics_; }
  EventRecorder& events() { return events_; }
  /// Whether we lead at this moment; always where no leader is elected.
  std::function<bool()> may_act();

  /// /readyz names the check and says what it returns; "" is good.
  void add_ready_check(std::string check, std::function<std::string()> good);
  /// `watch` runs from the start, `lead` whenever we lead, until the program is stopped. The program's exit code.
  Task<int> run(std::function<Task<void>()> watch, std::function<Task<void>()> lead);

 private:
  static LeaderElectionOptions election(Runtime& runtime, const std::string& name, const LeaderElectionFlags& flags);

  Runtime& runtime_;
  bool elect_;
  KubernetesClient client_;
  Metrics metrics_;
  EventRecorder events_;
  LeaderElector elector_;
  ComponentServer server_;
};

}  // namespace skidpad::client

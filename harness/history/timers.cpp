#include "harness/history/timers.hpp"

#include "harness/history/fields.hpp"

namespace skidpad::history {
namespace {

using namespace std::chrono_literals;

struct NamedTimer {
  std::string_view name;
  Duration Timers::*member;
};

// One table: JSON both ways and the report's rows come from it, so a new timer is one line.
constexpr NamedTimer named_timers[] = {
    {"node_status_update_frequency", &Timers::node_status_update_frequency},
    {"node_lease_duration", &Timers::node_lease_duration},
    {"node_lease_renew_interval", &Timers::node_lease_renew_interval},
    {"kubelet_sync_frequency", &Timers::kubelet_sync_frequency},
    {"kubelet_file_check_frequency", &Timers::kubelet_file_check_frequency},
    {"kubelet_relist_period", &Timers::kubelet_relist_period},
    {"kubelet_backoff_initial", &Timers::kubelet_backoff_initial},
    {"kubelet_backoff_max", &Timers::kubelet_backoff_max},
    {"kubelet_restart_delay", &Timers::kubelet_restart_delay},
    {"probe_period", &Timers::probe_period},
    {"probe_timeout", &Timers::probe_timeout},
    {"termination_grace_period", &Timers::termination_grace_period},
    {"node_monitor_period", &Timers::node_monitor_period},
    {"node_monitor_grace_period", &Timers::node_monitor_grace_period},
    {"toleration", &Timers::toleration},
    {"pod_garbage_collection_period", &Timers::pod_garbage_collection_period},
    {"leader_lease_duration", &Timers::leader_lease_duration},
    {"leader_renew_deadline", &Timers::leader_renew_deadline},
    {"leader_retry_period", &Timers::leader_retry_period},
    {"healer_poll_interval", &Timers::healer_poll_interval},
    {"healer_unhealthy_after", &Timers::healer_unhealthy_after},
    {"healer_never_joined_after", &Timers::healer_never_joined_after},
    {"machine_provision_delay", &Timers::machine_provision_delay},
    {"etcd_heartbeat_interval", &Timers::etcd_heartbeat_interval},
    {"etcd_election_timeout", &Timers::etcd_election_timeout},
};

}  // namespace

Timers kubernetes() {
  Timers timers;
  timers.profile = "kubernetes";
  timers.node_status_update_frequency = 10s;
  timers.node_lease_duration = 40s;
  timers.node_lease_renew_interval = 10s;
  timers.kubelet_sync_frequency = 60s;
  timers.kubelet_file_check_frequency = 20s;
  timers.kubelet_relist_period = 1s;
  timers.kubelet_backoff_initial = 10s;
  timers.kubelet_backoff_max = 300s;
  timers.kubelet_restart_delay = 10s;
  timers.probe_period = 10s;
  timers.probe_timeout = 1s;
  timers.probe_failure_threshold = 3;
  timers.termination_grace_period = 30s;
  timers.node_monitor_period = 5s;
  timers.node_monitor_grace_period = 50s;  // 40 s before Kubernetes 1.32
  timers.toleration = 300s;
  timers.pod_garbage_collection_period = 20s;
  timers.leader_lease_duration = 15s;
  timers.leader_renew_deadline = 10s;
  timers.leader_retry_period = 2s;
  timers.healer_poll_interval = 10s;
  timers.healer_unhealthy_after = 300s;
  timers.healer_never_joined_after = 600s;
  timers.machine_provision_delay = 60s;
  timers.etcd_heartbeat_interval = 100ms;
  timers.etcd_election_timeout = 1000ms;
  return timers;
}

Timers fast() {
  Timers timers;
  timers.profile = "fast";
  timers.node_status_update_frequency = 500ms;
  timers.node_lease_duration = 2s;
  timers.node_lease_renew_interval = 500ms;
  timers.kubelet_sync_frequency = 3s;
  timers.kubelet_file_check_frequency = 1s;
  timers.kubelet_relist_period = 50ms;
  timers.kubelet_backoff_initial = 500ms;
  timers.kubelet_backoff_max = 15s;
  timers.kubelet_restart_delay = 500ms;
  timers.probe_period = 1s;  // a twentieth would be 500 ms, but the pod spec holds whole seconds
  timers.probe_timeout = 1s;
  timers.probe_failure_threshold = 3;
  timers.termination_grace_period = 2s;
  timers.node_monitor_period = 250ms;
  timers.node_monitor_grace_period = 2500ms;
  timers.toleration = 15s;
  timers.pod_garbage_collection_period = 1s;
  timers.leader_lease_duration = 1s;  // 750 ms would be written as 0 on the wire
  timers.leader_renew_deadline = 650ms;
  timers.leader_retry_period = 100ms;
  timers.healer_poll_interval = 500ms;
  timers.healer_unhealthy_after = 15s;
  timers.healer_never_joined_after = 30s;
  timers.machine_provision_delay = 1s;
  timers.etcd_heartbeat_interval = 20ms;
  timers.etcd_election_timeout = 200ms;
  return timers;
}

Timers eased() {
  Timers timers = fast();
  timers.profile = "eased";
  timers.node_status_update_frequency = 1s;
  timers.node_lease_duration = 4s;
  timers.node_lease_renew_interval = 1s;
  timers.node_monitor_period = 500ms;
  timers.node_monitor_grace_period = 5s;
  timers.pod_garbage_collection_period = 20s;  // no flag of the real controller-manager
  timers.leader_lease_duration = 4s;
  timers.leader_renew_deadline = 3s;
  timers.leader_retry_period = 500ms;
  timers.etcd_heartbeat_interval = 50ms;
  timers.etcd_election_timeout = 500ms;
  return timers;
}

bool timers_by_name(std::string_view name, Timers& timers) {
  if (name == "kubernetes") timers = kubernetes();
  else if (name == "fast") timers = fast();
  else if (name == "eased") timers = eased();
  else return false;
  return true;
}

Json to_json(const Timers& timers) {
  Json json = Json::object();
  json["profile"] = timers.profile;
  json["probe_failure_threshold"] = timers.probe_failure_threshold;
  for (const NamedTimer& timer : named_timers) json[std::string(timer.name)] = runtime::format_go_duration(timers.*timer.member);
  return json;
}

Timers timers_from_json(const Json& json, std::string_view where) {
  Fields fields(json, std::string(where));
  Timers timers;
  timers.profile = fields.text("profile");
  timers.probe_failure_threshold = static_cast<int>(fields.integer("probe_failure_threshold", 0, 1'000'000));
  for (const NamedTimer& timer : named_timers) timers.*timer.member = fields.go_duration(timer.name);
  fields.finish();
  return timers;
}

std::vector<std::pair<std::string_view, Duration>> named_durations(const Timers& timers) {
  std::vector<std::pair<std::string_view, Duration>> named;
  for (const NamedTimer& timer : named_timers) named.emplace_back(timer.name, timers.*timer.member);
  return named;
}

}  // namespace skidpad::history

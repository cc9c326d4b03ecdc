#include "harness/check/sample_run.hpp"

#include <algorithm>

#include "harness/history/codec.hpp"
#include "harness/runtime/random.hpp"

namespace skidpad::check {
namespace {

using namespace std::chrono_literals;
using history::Operation;
using history::Outcome;
using runtime::Duration;
using runtime::Random;

constexpr Duration fault_time = 75s + 318ms;
constexpr Duration not_ready_time = fault_time + 47s + 210ms;
constexpr Duration decided_time = not_ready_time + 303s + 40ms;
constexpr Duration machine_time = decided_time + 180ms;
constexpr Duration joined_time = machine_time + 61s + 900ms;
constexpr Duration pods_created_time = decided_time + 620ms;
constexpr Duration pods_ready_time = pods_created_time + 10s + 330ms;
constexpr Duration steady_again_time = joined_time + 8s + 450ms;
constexpr Duration end = steady_again_time + 60s;

history::Header header_of(std::uint64_t seed) {
  history::Header header;
  header.skidpad_version = "0.1.0";
  header.scenario = "node-loss";
  header.scenario_file = "scenarios/conformance/node-loss.yaml";
  header.hypothesis = "When one worker is destroyed, the node healer replaces it within half again the time that the timers impose, and users of the workload hardly notice.";
  header.driver = "sim";
  header.seed = seed;
  header.topology = {{"type", "overlapping-planes"}, {"control_plane", "3"}, {"etcd", "3"}, {"workers", "5"}};
  header.versions = {{"kube-apiserver", "v1.32.0"}, {"kube-controller-manager", "v1.32.0"}, {"kube-scheduler", "v1.32.0"},
                     {"kubelet", "v1.32.0"}, {"etcd", "3.4.23"}, {"node-healer", "0.1.0"}};
  header.timers = history::kubernetes();
  auto& expectations = header.expectations;
  expectations.guarantees = {"no_acknowledged_write_lost", "linearizable", "fuse_respected"};
  expectations.recovery_floor_factor = 1.5;
  expectations.recovery_slack = 10s;
  expectations.phases_within = {{"detected", 70s}, {"acted", 390s}};
  expectations.downtime_max = {{"web", 20s}, {"api", 5s}};
  expectations.gap_max = {{"web", 10s}};
  expectations.probe_interval = {{"web", 500ms}, {"api", 1s}};
  expectations.nodes_replaced = 1;
  expectations.unhealthy_nodes_max = 2;
  expectations.controllers_up = {"kube-controller-manager", "node-healer"};
  header.repeat_command = "skidpad run scenarios/conformance/node-loss.yaml --driver sim --seed " + std::to_string(seed);
  return header;
}

/// Things happen out of order while generating; the recorder wants them in order.
class Story {
 public:
  using Tell = std::function<void(history::Recorder&, Duration)>;
  void at(Duration time, Tell tell) { told_.emplace_back(time, std::move(tell)); }
  void tell(history::Recorder& recorder) {
    std::stable_sort(told_.begin(), told_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [time, tell] : told_) tell(recorder, time);
  }
  void phase(Duration time, std::string name) {
    at(time, [name](history::Recorder& recorder, Duration now) { recorder.phase(now, name); });
  }
  void object(Duration time, std::string subject, std::string change, std::string layer, bool healthy, Json extra = Json::object()) {
    at(time, [=](history::Recorder& recorder, Duration now) { recorder.object(now, subject, change, layer, healthy, extra); });
  }
  void event(Duration time, std::string involved, std::string reason, std::string message, std::string source) {
    at(time, [=](history::Recorder& recorder, Duration now) { recorder.kubernetes_event(now, involved, reason, message, source); });
  }

 private:
  std::vector<std::pair<Duration, Tell>> told_;
};

Json conditions(int nodes, int pods) {
  Json list = Json::array();
  list.push_back({{"name", "nodes_ready"}, {"ok", nodes == 8}, {"observed", std::to_string(nodes) + " of 8"}, {"expected", "all"}});
  list.push_back({{"name", "pods_ready"}, {"ok", pods == 6}, {"observed", std::to_string(pods) + " of 6"}, {"expected", "all"}});
  list.push_back({{"name", "etcd_healthy"}, {"ok", true}, {"observed", "3 of 3"}, {"expected", "all"}});
  return list;
}

void tell_cluster(Story& story, Random& random) {
  story.phase(0s, "create");
  for (int i = 1; i <= 3; ++i) {
    const std::string node = "control-plane-" + std::to_string(i);
    story.object(2s + i * 400ms, "Pod/kube-system/etcd-" + node, "added", "etcd", true, {{"node", node}});
    story.object(4s + i * 500ms, "Pod/kube-system/kube-apiserver-" + node, "added", "api", true, {{"node", node}});
    story.object(9s + i * 300ms, "Pod/kube-system/kube-controller-manager-" + node, "added", "controllers", true, {{"node", node}});
    story.object(9s + i * 310ms, "Pod/kube-system/kube-scheduler-" + node, "added", "controllers", true, {{"node", node}});
    story.object(10s + i * 700ms, "Node/" + node, "added", "nodes", true, {{"ready", "True"}});
  }
  for (int i = 1; i <= 5; ++i) story.object(13s + i * 600ms, "Node/worker-" + std::to_string(i), "added", "nodes", true, {{"ready", "True"}});
  story.phase(18s, "workload");
  for (int i = 1; i <= 6; ++i) {
    const std::string pod = "Pod/default/web-6d5f-" + random.name_suffix(5);
    const std::string node = "worker-" + std::to_string((i - 1) % 5 + 1);
    story.object(18s + i * 90ms, pod, "added", "workload", false, {{"node", node}});
    story.object(26s + i * 350ms, pod, "modified", "workload", true, {{"node", node}});
    if (node != "worker-2") continue;
    story.object(not_ready_time + 40ms, pod, "modified", "workload", false, {{"node", node}, {"reason", "NodeNotReady"}});
    story.object(decided_time + 300ms, pod, "modified", "workload", false, {{"node", node}, {"deleting", true}});
    story.object(decided_time + 500ms, pod, "deleted", "workload", false, {{"node", node}});
  }
}

void tell_recovery(Story& story) {
  story.phase(30s, "steady_state_before");
  story.at(45s, [](history::Recorder& recorder, Duration now) { recorder.steady_state(now, "before", true, conditions(8, 6)); });
  story.at(75s, [](history::Recorder& recorder, Duration now) { recorder.steady_state(now, "before", true, conditions(8, 6)); });
  story.phase(75s + 100ms, "faults");
  story.at(fault_time, [](history::Recorder& recorder, Duration now) {
    history::FaultInterval fault;
    fault.id = "fault-1";
    fault.kind = "power_off";
    fault.targets = {"worker-2"};
    recorder.fault_injected(now, fault);
  });
  story.at(fault_time + 250ms, [](history::Recorder& recorder, Duration now) {
    recorder.fault_witness(now, "fault-1", {"driver", false, true, "machine removed", {}});
    recorder.fault_witness(now, "fault-1", {"process table", true, true, "0 of 4 processes of worker-2 are alive", {}});
  });
  story.phase(fault_time + 300ms, "recovery");
  story.at(fault_time + 21s, [](history::Recorder& recorder, Duration now) {
    recorder.fault_witness(now, "fault-1", {"node lease", true, true, "Lease worker-2 not renewed for 20.4 s", {}});
  });
  story.object(not_ready_time, "Node/worker-2", "modified", "nodes", false, {{"ready", "Unknown"}});
  story.event(not_ready_time + 10ms, "Node/worker-2", "NodeNotReady", "Node worker-2 status is now: NodeNotReady", "node-controller");
  story.at(not_ready_time + 100ms, [](history::Recorder& recorder, Duration now) { recorder.steady_state(now, "after", false, conditions(7, 5)); });
  story.event(decided_time, "Node/worker-2", "RemediationStarted", "Ready has not been True for 5m0s; replacing the machine", "node-healer");
  story.at(decided_time, [](history::Recorder& recorder, Duration now) { recorder.remediation(now, "worker-2", "started", "Ready=Unknown for 5m0s"); });
  story.object(decided_time + 150ms, "Node/worker-2", "deleted", "nodes", false);
  story.event(machine_time, "Machine/worker-6", "MachineCreated", "in place of worker-2", "node-healer");
  story.object(pods_created_time, "Pod/default/web-6d5f-9xk2p", "added", "workload", false, {{"node", "worker-4"}});
  story.object(pods_ready_time, "Pod/default/web-6d5f-9xk2p", "modified", "workload", true, {{"node", "worker-4"}});
  story.object(joined_time, "Node/worker-6", "added", "nodes", false, {{"ready", "False"}});
  story.object(joined_time + 8s + 200ms, "Node/worker-6", "modified", "nodes", true, {{"ready", "True"}});
  story.at(joined_time + 8s + 300ms, [](history::Recorder& recorder, Duration now) { recorder.remediation(now, "worker-2", "finished", "worker-6 is Ready"); });
  story.at(steady_again_time, [](history::Recorder& recorder, Duration now) { recorder.steady_state(now, "after", true, conditions(8, 6)); });
  story.phase(steady_again_time + 10ms, "steady_state_after");
  story.at(steady_again_time + 30s, [](history::Recorder& recorder, Duration now) { recorder.steady_state(now, "after", true, conditions(8, 6)); });
  story.phase(steady_again_time + 30s + 10ms, "cleanup");
  story.at(end - 100ms, [](history::Recorder& recorder, Duration now) {
    Json left = Json::object();
    for (const char* what : {"cgroups", "files", "links", "mounts", "namespaces", "processes"}) left[what] = Json::array();
    recorder.cleanup(now, true, std::move(left));
  });
  story.at(end, [](history::Recorder& recorder, Duration now) { recorder.run_ended(now, "completed", ""); });
}

Operation operation_of(std::string client, std::string workload, std::string name, Duration call, Duration latency) {
  Operation operation;
  operation.client = std::move(client);
  operation.workload = std::move(workload);
  operation.operation = std::move(name);
  operation.call = call;
  operation.returned = call + latency;
  operation.outcome = Outcome::ok;
  return operation;
}

void tell_traffic(Story& story, Random random) {
  const auto record = [&story](Operation operation) {
    const Duration returned = *operation.returned;
    story.at(returned, [operation = std::move(operation)](history::Recorder& recorder, Duration) { recorder.operation(operation); });
  };
  for (Duration now = 30s; now < steady_again_time + 30s; now += 500ms) {
    Operation probe = operation_of("probe-web", "web", "probe", now, random.between(1ms, 9ms));
    probe.target = "http://web.default:80/";
    // One endpoint of six is on the dead node until the endpoints are pruned; the balancer learns to avoid it.
    const bool hits_dead = now > fault_time && now < fault_time + 6s && random.chance({1, 2});
    if (hits_dead) {
      probe.outcome = Outcome::failed;
      probe.returned = now + 400ms;
      probe.error = "connect 10.0.0.22:8080: timed out after 400 ms";
    }
    record(std::move(probe));
  }
  for (Duration now = 30s; now < steady_again_time + 30s; now += 1s) {
    Operation probe = operation_of("probe-api", "api", "probe", now + 130ms, random.between(2ms, 14ms));
    probe.target = "https://127.0.0.1:6443/api/v1/namespaces/default";
    record(std::move(probe));
  }
  std::map<std::string, std::string> content;
  int written = 0;
  for (Duration now = 31s; now < steady_again_time; now += 2s) {
    const std::string key = "color-" + std::to_string(random.below(5));
    if (random.chance({1, 2}) || !content.contains(key)) {
      Operation put = operation_of("kv-client-1", "kv", "put", now + 20ms, random.between(3ms, 30ms));
      put.key = key;
      put.value = content[key] = "value-" + std::to_string(++written);
      record(std::move(put));
    } else {
      Operation get = operation_of("kv-client-1", "kv", "get", now + 20ms, random.between(1ms, 10ms));
      get.key = key;
      get.observed = content[key];
      record(std::move(get));
    }
  }
  Duration now = steady_again_time + 31s;
  for (const auto& [key, value] : content) {
    Operation get = operation_of("auditor", "kv", "get", now, 5ms);
    get.key = key;
    get.observed = value;
    record(std::move(get));
    now += 10ms;
  }
}

void tell_metrics(Story& story, Random random) {
  const auto sample = [&story](Duration time, std::string target, std::string job, std::string metric, double value) {
    history::MetricSample sampled;
    sampled.time = time;
    sampled.target = std::move(target);
    sampled.metric = std::move(metric);
    sampled.labels = {{"job", std::move(job)}};
    sampled.value = value;
    story.at(time, [sampled](history::Recorder& recorder, Duration) { recorder.sample(sampled); });
  };
  double requests = 0;
  for (Duration now = 20s; now < steady_again_time + 30s; now += 5s) {
    requests += 240 + static_cast<double>(random.below(60)) + (now > decided_time && now < pods_ready_time ? 300 : 0);
    for (int i = 1; i <= 3; ++i) {
      const std::string host = "10.0.0.1" + std::to_string(i);
      sample(now, host + ":10257", "kube-controller-manager", "up", 1);
      sample(now, host + ":6443", "kube-apiserver", "apiserver_request_total", requests / i);
      sample(now, host + ":6443", "kube-apiserver", "process_resident_memory_bytes", 24e6 + 1e5 * static_cast<double>(random.below(20)) + 1e4 * runtime::seconds(now));
      sample(now, host + ":2381", "etcd", "etcd_server_has_leader", 1);
    }
    sample(now, "10.0.0.12:8089", "node-healer", "up", 1);
    sample(now, "10.0.0.12:8089", "node-healer", "controller_node_healer_remediations_total", now > decided_time ? 1 : 0);
    sample(now, "10.0.0.12:8089", "node-healer", "workqueue_depth", now > not_ready_time && now < joined_time ? 1 : 0);
  }
}

}  // namespace

history::RunTexts sample_run(std::uint64_t seed) {
  Random random(seed);
  history::MemorySink history_sink, trace_sink, metrics_sink;
  history::Recorder recorder(history_sink, trace_sink, metrics_sink);
  recorder.run_started(0s);
  Story story;
  tell_cluster(story, random);
  tell_recovery(story);
  tell_traffic(story, random.split("traffic"));
  tell_metrics(story, random.split("metrics"));
  story.tell(recorder);
  ASSERT(recorder.status());
  return {history::encode(header_of(seed)), history_sink.text(), trace_sink.text(), metrics_sink.text()};
}

}  // namespace skidpad::check

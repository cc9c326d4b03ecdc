/// @file running_workload.hpp
/// What users run during a scenario, and what is asked of it: its objects, recorded traffic, watchers and probes.
#pragma once

#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/cluster/cluster_assets.hpp"
#include "harness/history/recorder.hpp"
#include "harness/scenario/run_plan.hpp"
#include "harness/workload/prober.hpp"
#include "harness/workload/register_traffic.hpp"
#include "harness/workload/watch_traffic.hpp"

namespace skidpad::scenario {

using runtime::Instant;
using runtime::Task;

inline constexpr char workload_namespace[] = "default";

class RunningWorkload {
 public:
  /// Everything given outlives it. @param stop  ends its tasks, which join() waits for.
  RunningWorkload(runtime::Runtime& runtime, history::Recorder& recorder, runtime::Instant start, const RunPlan& plan, const cluster::ClusterAssets& assets,
                  client::KubernetesClient& admin, const runtime::Random& random, runtime::StopState& stop);

  Task<runtime::Result<void>> create();
  /// Traffic, watchers and probes begin. @param managed_etcd  where members of the operator's cluster are now, for traffic of kind etcd.
  Task<void> start(std::function<std::vector<runtime::Endpoint>()> managed_etcd);
  const workload::ProbeTally& probes() const { return tally_; }
  /// The highest revision that an acknowledged write got.
  std::int64_t revision_max() const;
  /// Traffic ends, and what it wrote is read again.
  Task<void> audit(Instant due);
  Task<void> join() { return tasks_.join(); }

 private:
  std::vector<runtime::Endpoint> service_entries(const std::string& service) const;
  Task<void> start_traffic(const Traffic& traffic, std::size_t index, std::function<std::vector<runtime::Endpoint>()> managed_etcd);
  void start_question(workload::ProbeSchedule schedule, std::vector<runtime::Endpoint> entries, const std::string& path);
  void start_probe(const Probe& probe);

  runtime::Runtime& runtime_;
  history::Recorder& recorder_;
  Instant start_;
  const RunPlan& plan_;
  const cluster::ClusterAssets& assets_;
  client::KubernetesClient& admin_;
  const runtime::Random& random_;
  workload::ProbeTally tally_;
  std::map<std::string, std::uint16_t> node_ports_;
  std::vector<std::unique_ptr<workload::RegisterTraffic>> traffic_;
  std::vector<std::pair<workload::RegisterTraffic*, std::unique_ptr<workload::WatchTraffic>>> watches_;  ///< whose writes, and who watches them
  std::vector<std::unique_ptr<workload::HttpQuestion>> questions_;
  std::vector<std::unique_ptr<client::KubernetesClient>> api_probes_;
  runtime::TaskGroup tasks_;
  runtime::TaskGroup traffic_group_;
};

}  // namespace skidpad::scenario

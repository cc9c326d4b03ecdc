/// @file watch_traffic.hpp
/// Watchers beside register traffic: each follows the traffic's keys and records what it is told, for harness/check/watches.hpp.
/// Promise: nothing is filtered or mended on the way; what the API server sends twice is recorded twice.
#pragma once

#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/history/recorder.hpp"

namespace skidpad::workload {

using runtime::Duration;
using runtime::Instant;
using runtime::Result;
using runtime::Runtime;
using runtime::Task;

struct WatchTrafficOptions {
  std::string workload;        ///< of the writers; their keys begin with it
  std::string namespace_name;  ///< where the ConfigMaps are
  std::size_t watchers = 1;
  Duration silence_max{};      ///< a watch that says nothing for so long is opened anew
};

class WatchTraffic {
 public:
  WatchTraffic(Runtime& runtime, history::Recorder& recorder, Instant start, client::Kubeconfig config, WatchTrafficOptions options);
  /// All watchers, until stopped.
  Task<void> run();
  /// Waits until every watcher was served up to `revision`, or `due`; records where each of them is. Before run() is stopped.
  Task<void> finish(std::int64_t revision, Instant due);

 private:
  struct Watcher {
    std::string name;
    std::int64_t served = 0;
  };
  Task<void> run_watcher(Watcher& watcher);
  Task<Result<void>> list(client::KubernetesClient& client, Watcher& watcher);
  Task<Result<void>> follow(client::KubernetesClient& client, Watcher& watcher);
  void take(Watcher& watcher, const client::WatchEvent& event);
  void record(const Watcher& watcher, std::string operation, std::int64_t revision, std::string key = "", std::optional<std::string> observed = std::nullopt);

  Runtime& runtime_;
  history::Recorder& recorder_;
  Instant start_;
  client::Kubeconfig config_;
  WatchTrafficOptions options_;
  std::vector<Watcher> watchers_;
};

}  // namespace skidpad::workload

/// @file pod.hpp
/// One pod of this node: starts its containers in order, watches, probes and restarts them, and stops them in the end.
/// Promise: containers are processes that outlive the kubelet; what is needed to take them up again is on disk before the pod
/// goes on. A process never runs twice for one container, but for a kubelet that dies between a start and the write after it.
/// Limits: no mount namespace (path_mapping.hpp), no cgroup limits, no users; a pod's address is its own where the node has a pod
/// CIDR and the network can add addresses, else the node's.
#pragma once

#include "fakes/kubelet/address_pool.hpp"
#include "fakes/kubelet/backoff.hpp"
#include "fakes/kubelet/image_store.hpp"
#include "fakes/kubelet/pod_status.hpp"
#include "fakes/kubelet/probe.hpp"
#include "fakes/kubelet/volumes.hpp"

namespace skidpad::fakes::kubelet {

using runtime::Instant;
using runtime::Result;
using runtime::Runtime;
using runtime::Task;

/// Hears of what a pod does.
class PodListener {
 public:
  virtual ~PodListener() = default;
  /// An event about the pod, or one of its containers.
  virtual void pod_event(const Json& pod, bool warning, const std::string& reason, const std::string& message, const std::string& container, ContainerKind kind) = 0;
  /// The status differs from the one told before.
  virtual void pod_status_changed(const Json& pod, const Json& status) = 0;
};

/// What all pods of a kubelet share; outlives them.
struct PodServices {
  Runtime& runtime;
  ImageStore& images;
  ReferencedObjects& objects;
  Volumes& volumes;
  AddressPool& addresses;
  PodListener& listener;
  /// Variables for the namespace's services; unavailable while they are not known yet.
  std::function<Result<Environment>(const Json& pod)> service_environment;
  std::function<Json()> allocatable;
  std::string pods_directory;  ///< <root-dir>/pods
  std::string log_directory;
  std::string node_name;
  std::string node_address;
  BackoffLimits restart_backoff;
  BackoffLimits image_backoff;
  Duration sync_frequency = std::chrono::minutes(1);
  bool hollow = false;  ///< containers only sleep, as those of kubemark
};

class Pod {
 public:
  /// @param static_pod  from a manifest: needs no API server
  Pod(PodServices& services, Json pod, bool static_pod);
  /// From the file that an earlier life of the kubelet wrote. Starts nothing until confirmed.
  static Result<std::unique_ptr<Pod>> restore(PodServices& services, const std::string& pod_directory);
  ~Pod();
  Pod(const Pod&) = delete;

  /// Runs until the pod is gone: terminated, processes ended, address given back. Its directory stays for the owner to remove.
  Task<void> run();

  /// A newer state from its source; what may change in a running pod is metadata and deletion. Confirms a restored pod.
  void update(Json pod);
  /// Stops it for good. A second call can only shorten the grace.
  void terminate(std::optional<Duration> grace = std::nullopt);
  /// Refused by the node: Failed, without any container.
  void reject(std::string reason, std::string message);
  /// Stops its containers and then fails it: an active deadline, or eviction. The object stays.
  void fail(std::string reason, std::string message, Duration grace);
  bool failing() const { return failure_.has_value(); }

  /// The object with the status as now known.
  Json object() const;
  const Json& status() const { return status_; }
  const std::string& uid() const { return uid_; }
  const Json& spec_object() const { return pod_; }
  bool is_static() const { return static_; }
  bool confirmed() const { return confirmed_; }
  bool terminating() const { return terminating_; }
  bool finished() const { return finished_; }
  /// Succeeded or Failed: holds no resources of the node.
  bool completed() const;
  const std::string& directory() const { return directory_; }
  /// How a container stands; null if there is none of that name.
  const ContainerState* container_state(const std::string& container) const;
  /// A command to run beside a container's process: in its environment, directory and mounts.
  runtime::ProcessSpec command_beside(const std::string& container, const std::vector<std::string>& command) const;
  const std::string& address() const { return address_; }
  /// Of the logs that containers write to now.
  std::vector<std::string> log_paths() const;
  /// Path of a container's log; "" if there is none.
  std::string log_path(const std::string& container, bool previous) const;
  /// The pipe that a container with `stdin: true` reads; "" if it has none.
  std::string input_pipe(const std::string& container) const;
  /// After restore: whether any process recorded as running still did.
  std::size_t adopted_count() const { return adopted_count_; }
  std::size_t lost_count() const { return lost_count_; }

 private:
  struct Container;

  // pod.cpp: what to do next
  Task<void> step();
  Task<bool> prepare();
  Task<bool> run_init_containers();
  /// Those of the spec that are not known yet.
  void add_ephemeral_containers();
  Task<void> ensure_running(Container& container);
  Task<void> step_termination();
  bool stop_containers(Duration grace);
  bool work_is_over() const;
  bool deadline_passed();
  void refresh_volumes_if_due();
  Task<void> refresh_volumes();
  void restart_sandbox();
  void give_up_address();
  void publish();
  PodFacts facts() const;
  void save();
  void wake_at(Instant due);
  void fail_with(Container& container, const std::string& reason, const std::string& message);
  Json pod_with_address() const;

  // pod_containers.cpp: one container
  Task<void> start(Container& container);
  Task<Result<runtime::ProcessSpec>> make_process(Container& container, Image image);
  Task<Result<Environment>> container_environment(Container& container, Image image);
  runtime::ProcessSpec command_in(const Container& container, const std::vector<std::string>& command) const;
  void started(Container& container);
  Task<void> watch(Container& container);
  void ended(Container& container, runtime::ExitStatus status);
  void start_kill(Container& container, Duration grace, const std::string& message);
  Task<void> kill(Container& container, Duration grace);
  Task<void> run_hook(Container& container, std::string hook, Duration timeout);
  void start_probes(Container& container);
  Task<void> probe(Container& container, ProbeKind kind);
  void probed(Container& container, ProbeKind kind, bool changed);
  void update_readiness(Container& container);
  void adopt(Container& container);
  std::string container_directory(const Container& container) const;
  std::string log_path_of(const Container& container, int restart_count) const;
  void event(bool warning, const std::string& reason, const std::string& message, const Container* container = nullptr);

  PodServices& services_;
  Json pod_;          ///< without status
  Json status_;
  std::string uid_;
  std::string directory_;
  bool static_ = false;
  bool confirmed_ = true;
  bool prepared_ = false;       ///< volumes and address are there
  bool terminating_ = false;
  bool finished_ = false;
  std::optional<Instant> terminate_by_;
  Duration grace_{};
  std::string failed_reason_;
  std::string failed_message_;
  struct Failure {
    std::string reason;
    std::string message;
    Duration grace{};
  };
  std::optional<Failure> failure_;  ///< on the way to failed_reason_: containers are being stopped
  std::string address_;
  bool address_is_own_ = false;
  std::optional<WallTime> start_time_;
  VolumePaths volume_paths_;
  Instant volumes_fresh_until_{};
  bool volumes_refreshing_ = false;
  Duration prepare_wait_{};
  std::vector<std::unique_ptr<Container>> containers_;
  runtime::TaskGroup* tasks_ = nullptr;  ///< while run() runs
  runtime::Event changed_;
  std::optional<Instant> wake_at_;
  std::size_t adopted_count_ = 0;
  std::size_t lost_count_ = 0;
};

}  // namespace skidpad::fakes::kubelet

/// @file pod_status.hpp
/// What the kubelet knows about the containers of a pod, and the PodStatus it reports from that.
/// Promise: pure; phase, conditions, reasons and messages as the kubelet of Kubernetes 1.32 computes them
/// (pkg/kubelet/kubelet_pods.go getPhase, pkg/kubelet/status/generate.go).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/runtime/json.hpp"
#include "harness/runtime/process.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::fakes::kubelet {

using runtime::WallTime;

/// A sidecar is an init container with restartPolicy Always; an ephemeral one is added to a pod that runs (kubectl debug), is never started
/// again, and counts for nothing in the pod's phase and readiness.
enum class ContainerKind { init, sidecar, main, ephemeral };

struct Termination {
  int exit_code = 0;
  int signal = 0;
  std::string reason;   ///< Completed, Error, StartError, Unknown
  std::string message;
  WallTime started_at{};
  WallTime finished_at{};
  std::string container_id;
};

struct ContainerState {
  enum class Phase { waiting, running, terminated };
  std::string name;
  ContainerKind kind = ContainerKind::main;
  std::string image;
  Phase phase = Phase::waiting;
  std::string waiting_reason;
  std::string waiting_message;
  std::string container_id;
  runtime::ProcessId process;
  WallTime started_at{};
  std::optional<Termination> termination;       ///< of the current instance, when terminated or waiting for a restart
  std::optional<Termination> last_termination;  ///< of the instance before
  int restart_count = 0;
  bool started = false;  ///< the startup probe succeeded or there is none
  bool ready = false;
};

Json to_json(const ContainerState& state);
ContainerState container_state_from_json(const Json& json);

struct PodFacts {
  std::vector<ContainerState> containers;  ///< init containers first, in the order of the spec
  std::string host_ip;
  std::string pod_ip;
  std::optional<WallTime> start_time;
  bool sandbox_ready = false;
  bool terminating = false;        ///< all containers are being stopped for good
  std::string failed_reason;       ///< the pod was refused or evicted: phase Failed with this reason
  std::string failed_message;
};

/// "BestEffort", "Burstable" or "Guaranteed".
std::string qos_class(const Json& pod);
/// Pending, Running, Succeeded or Failed.
std::string pod_phase(const Json& pod, const PodFacts& facts);
/// @param before  the status last reported or seen: keeps transition times and other writers' conditions
Json make_pod_status(const Json& pod, const PodFacts& facts, const Json& before, WallTime now);
/// True if every init container has done its work.
bool is_initialized(const PodFacts& facts);
/// "Always", "OnFailure" or "Never" for this container.
std::string restart_policy(const Json& pod, ContainerKind kind);
/// Whether a container that ended with this code is started again.
bool should_restart(const Json& pod, ContainerKind kind, int exit_code);

}  // namespace skidpad::fakes::kubelet

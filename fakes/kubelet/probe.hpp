/// @file probe.hpp
/// Liveness, readiness and startup probes: what is asked for, and what a run of answers means.
/// Promise: thresholds, delays and initial results as in Kubernetes' prober (pkg/kubelet/prober/worker.go).
/// The asking itself is prober.hpp.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/runtime/json.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::fakes::kubelet {

using runtime::Duration;

enum class ProbeKind { startup, liveness, readiness };
std::string_view name(ProbeKind kind);        ///< "startup", "liveness", "readiness"
std::string_view title(ProbeKind kind);       ///< "Startup", "Liveness", "Readiness": events begin with it
std::string_view field_name(ProbeKind kind);  ///< "startupProbe", ...

struct ProbeSpec {
  enum class Action { http_get, tcp_socket, grpc, exec };
  Action action = Action::http_get;
  std::string scheme = "HTTP";
  std::string host;  ///< "" = the pod's address
  std::string path = "/";
  std::string service;  ///< grpc
  int port = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> command;
  Duration initial_delay{};
  Duration timeout = std::chrono::seconds(1);
  Duration period = std::chrono::seconds(10);
  int success_threshold = 1;
  int failure_threshold = 3;
  std::optional<Duration> termination_grace;
};

/// The probe of a container, or none. A port given by name is looked up in the container's ports.
std::optional<ProbeSpec> read_probe(const Json& container, ProbeKind kind);

/// What the run of answers of one container's probe amounts to.
class ProbeState {
 public:
  enum class Result { unknown, success, failure };
  ProbeState(ProbeKind kind, int success_threshold, int failure_threshold);
  /// True if result() changed, or a liveness or startup failure reached its threshold again.
  bool record(bool success);
  /// Begins with success: the container was taken up from an earlier life of the kubelet.
  void assume_success() { result_ = Result::success; }
  Result result() const { return result_; }
  /// A liveness or startup probe at its failure threshold: the container must be killed.
  bool container_must_die() const { return kind_ != ProbeKind::readiness && result_ == Result::failure; }

 private:
  ProbeKind kind_;
  int success_threshold_;
  int failure_threshold_;
  Result result_;
  Result last_ = Result::unknown;
  int run_ = 0;
};

/// The wait before the next question. Until a startup or readiness probe first succeeds it is asked more often than its period,
/// as the kubelet's pod syncs do; failures between periods are not counted.
/// @param early_attempts  how many early questions were asked since the container started
Duration early_wait(int early_attempts, Duration period);

}  // namespace skidpad::fakes::kubelet

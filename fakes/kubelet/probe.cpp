#include "fakes/kubelet/probe.hpp"

#include <algorithm>

namespace skidpad::fakes::kubelet {

using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

std::string_view name(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::startup: return "startup";
    case ProbeKind::liveness: return "liveness";
    case ProbeKind::readiness: return "readiness";
  }
  return "";
}

std::string_view title(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::startup: return "Startup";
    case ProbeKind::liveness: return "Liveness";
    case ProbeKind::readiness: return "Readiness";
  }
  return "";
}

std::string_view field_name(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::startup: return "startupProbe";
    case ProbeKind::liveness: return "livenessProbe";
    case ProbeKind::readiness: return "readinessProbe";
  }
  return "";
}

namespace {

int read_port(const Json& container, const Json& port) {
  if (port.is_number_integer()) return port.get<int>();
  if (!port.is_string()) return 0;
  for (const Json& declared : list_at(container, {"ports"})) {
    if (text_at(declared, {"name"}) == port.get<std::string>()) return static_cast<int>(integer_at(declared, {"containerPort"}));
  }
  return 0;
}

Duration seconds_at(const Json& probe, std::string_view field, std::int64_t otherwise, std::int64_t low) {
  return std::chrono::seconds(std::clamp<std::int64_t>(integer_at(probe, {field}, otherwise), low, 365 * 24 * 3600));
}

int count_at(const Json& probe, std::string_view field, std::int64_t otherwise) {
  return static_cast<int>(std::clamp<std::int64_t>(integer_at(probe, {field}, otherwise), 1, INT32_MAX));
}

}  // namespace

std::optional<ProbeSpec> read_probe(const Json& container, ProbeKind kind) {
  const Json& probe = find(container, {field_name(kind)});
  if (!probe.is_object()) return std::nullopt;
  ProbeSpec spec;
  if (const Json& http = find(probe, {"httpGet"}); http.is_object()) {
    spec.action = ProbeSpec::Action::http_get;
    spec.scheme = text_at(http, {"scheme"}, "HTTP");
    spec.host = text_at(http, {"host"});
    spec.path = text_at(http, {"path"}, "/");
    if (spec.path.empty() || spec.path[0] != '/') spec.path.insert(0, "/");
    spec.port = read_port(container, find(http, {"port"}));
    for (const Json& header : list_at(http, {"httpHeaders"})) spec.headers.emplace_back(text_at(header, {"name"}), text_at(header, {"value"}));
  } else if (const Json& tcp = find(probe, {"tcpSocket"}); tcp.is_object()) {
    spec.action = ProbeSpec::Action::tcp_socket;
    spec.host = text_at(tcp, {"host"});
    spec.port = read_port(container, find(tcp, {"port"}));
  } else if (const Json& grpc = find(probe, {"grpc"}); grpc.is_object()) {
    spec.action = ProbeSpec::Action::grpc;
    spec.service = text_at(grpc, {"service"});
    spec.port = read_port(container, find(grpc, {"port"}));
  } else if (const Json& exec = find(probe, {"exec"}); exec.is_object()) {
    spec.action = ProbeSpec::Action::exec;
    for (const Json& word : list_at(exec, {"command"})) {
      if (word.is_string()) spec.command.push_back(word.get<std::string>());
    }
  } else {
    return std::nullopt;
  }
  spec.initial_delay = seconds_at(probe, "initialDelaySeconds", 0, 0);
  spec.timeout = seconds_at(probe, "timeoutSeconds", 1, 1);
  spec.period = seconds_at(probe, "periodSeconds", 10, 1);
  spec.success_threshold = count_at(probe, "successThreshold", 1);
  spec.failure_threshold = count_at(probe, "failureThreshold", 3);
  if (find(probe, {"terminationGracePeriodSeconds"}).is_number_integer()) {
    spec.termination_grace = seconds_at(probe, "terminationGracePeriodSeconds", 30, 0);
  }
  return spec;
}

ProbeState::ProbeState(ProbeKind kind, int success_threshold, int failure_threshold)
    : kind_(kind),
      success_threshold_(success_threshold),
      failure_threshold_(failure_threshold),
      result_(kind == ProbeKind::liveness ? Result::success : kind == ProbeKind::readiness ? Result::failure : Result::unknown) {}

bool ProbeState::record(bool success) {
  const Result now = success ? Result::success : Result::failure;
  run_ = now == last_ ? std::min(run_ + 1, INT32_MAX - 1) : 1;
  last_ = now;
  if (run_ < (success ? success_threshold_ : failure_threshold_)) return false;
  const bool changed = result_ != now;
  result_ = now;
  return changed || container_must_die();
}

Duration early_wait(int early_attempts, Duration period) {
  using namespace std::chrono_literals;
  constexpr int doublings_max = 5;  // 50 ms ... 1.6 s, then the period itself
  if (early_attempts > doublings_max) return period;
  return std::min<Duration>(50ms * (1 << early_attempts), period);
}

}  // namespace skidpad::fakes::kubelet

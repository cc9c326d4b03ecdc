#include "fakes/kubelet/pod_status.hpp"

#include <algorithm>

#include "harness/client/kubernetes/object.hpp"

namespace skidpad::fakes::kubelet {

using runtime::find;
using runtime::format_rfc3339;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;
using Phase = ContainerState::Phase;

namespace {

std::string time_text(WallTime time) { return time == WallTime{} ? "" : format_rfc3339(time); }

WallTime read_time(const Json& json, std::string_view field) {
  WallTime time{};
  runtime::parse_rfc3339(text_at(json, {field}), time);
  return time;
}

Json termination_to_json(const Termination& end) {
  Json json = Json::object();
  json["exitCode"] = end.exit_code;
  if (end.signal != 0) json["signal"] = end.signal;
  if (!end.reason.empty()) json["reason"] = end.reason;
  if (!end.message.empty()) json["message"] = end.message;
  // Kubernetes writes null times for a container that never ran.
  json["startedAt"] = end.started_at == WallTime{} ? Json(nullptr) : Json(format_rfc3339(end.started_at));
  json["finishedAt"] = end.finished_at == WallTime{} ? Json(nullptr) : Json(format_rfc3339(end.finished_at));
  if (!end.container_id.empty()) json["containerID"] = end.container_id;
  return json;
}

std::optional<Termination> termination_from_json(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  Termination end;
  end.exit_code = static_cast<int>(integer_at(json, {"exitCode"}));
  end.signal = static_cast<int>(integer_at(json, {"signal"}));
  end.reason = text_at(json, {"reason"});
  end.message = text_at(json, {"message"});
  end.started_at = read_time(json, "startedAt");
  end.finished_at = read_time(json, "finishedAt");
  end.container_id = text_at(json, {"containerID"});
  return end;
}

Json container_status(const ContainerState& state) {
  Json status = Json::object();
  status["name"] = state.name;
  status["image"] = state.image;
  status["imageID"] = state.container_id.empty() ? "" : state.image;
  if (!state.container_id.empty()) status["containerID"] = state.container_id;
  status["restartCount"] = state.restart_count;
  status["ready"] = state.ready;
  status["started"] = state.started;
  Json now = Json::object();
  Json last = Json::object();
  if (state.last_termination) last["terminated"] = termination_to_json(*state.last_termination);
  if (state.phase == Phase::running) {
    now["running"]["startedAt"] = format_rfc3339(state.started_at);
  } else if (state.phase == Phase::terminated && state.termination) {
    now["terminated"] = termination_to_json(*state.termination);
  } else {
    now["waiting"]["reason"] = state.waiting_reason.empty() ? "ContainerCreating" : state.waiting_reason;
    if (!state.waiting_message.empty()) now["waiting"]["message"] = state.waiting_message;
    // While it waits for its restart, the end that it waits after is the last state.
    if (state.termination) last["terminated"] = termination_to_json(*state.termination);
  }
  status["state"] = std::move(now);
  status["lastState"] = std::move(last);
  return status;
}

/// "containers with unready status: [a b]"
std::string names_message(std::string_view prefix, const std::vector<std::string>& names) {
  std::string text(prefix);
  text += " [";
  for (std::size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : " ") + names[i];
  return text + "]";
}

struct Reading {
  std::string_view type;
  bool holds;
  std::string reason;
  std::string message;
};

const Json& condition_in(const Json& conditions, std::string_view type) {
  static const Json none;
  for (const Json& condition : conditions) {
    if (text_at(condition, {"type"}) == type) return condition;
  }
  return none;
}

Json make_condition(const Reading& reading, const Json& before, WallTime now) {
  const std::string status = reading.holds ? "True" : "False";
  Json condition = Json::object();
  condition["type"] = reading.type;
  condition["status"] = status;
  condition["lastProbeTime"] = nullptr;
  const std::string since = text_at(before, {"lastTransitionTime"});
  condition["lastTransitionTime"] = text_at(before, {"status"}) == status && !since.empty() ? since : format_rfc3339(now);
  if (!reading.reason.empty()) condition["reason"] = reading.reason;
  if (!reading.message.empty()) condition["message"] = reading.message;
  return condition;
}

Json make_conditions(const PodFacts& facts, const std::string& phase, const Json& before, WallTime now) {
  std::vector<std::string> unready;
  std::vector<std::string> uninitialized;
  for (const ContainerState& state : facts.containers) {
    if (state.kind == ContainerKind::init) {
      if (!state.termination || state.phase != Phase::terminated || state.termination->exit_code != 0) uninitialized.push_back(state.name);
    } else if (state.kind == ContainerKind::sidecar) {
      if (!state.started) uninitialized.push_back(state.name);
      if (!state.ready) unready.push_back(state.name);
    } else if (state.kind == ContainerKind::main && !state.ready) {
      unready.push_back(state.name);
    }
  }
  const bool finished = phase == "Succeeded" || phase == "Failed";
  Reading initialized{"Initialized", is_initialized(facts), "", ""};
  Reading ready{"Ready", unready.empty() && !finished, "", ""};
  if (phase == "Succeeded") {
    initialized = {"Initialized", true, "PodCompleted", ""};
    ready.reason = "PodCompleted";
  } else if (phase == "Failed") {
    ready.reason = "PodFailed";
  } else {
    if (!initialized.holds) {
      initialized.reason = "ContainersNotInitialized";
      initialized.message = names_message("containers with incomplete status:", uninitialized);
    }
    if (!ready.holds) {
      ready.reason = "ContainersNotReady";
      ready.message = names_message("containers with unready status:", unready);
    }
  }
  Reading containers_ready = ready;
  containers_ready.type = "ContainersReady";
  const Reading readings[] = {{"PodReadyToStartContainers", facts.sandbox_ready, "", ""}, initialized, ready, containers_ready, {"PodScheduled", true, "", ""}};
  Json conditions = Json::array();
  for (const Reading& reading : readings) conditions.push_back(make_condition(reading, condition_in(before, reading.type), now));
  for (const Json& other : before) {
    if (condition_in(conditions, text_at(other, {"type"})).is_null()) conditions.push_back(other);
  }
  return conditions;
}

bool requests_equal_limits(const Json& container) {
  for (const char* resource : {"cpu", "memory"}) {
    const Json& limit = find(container, {"resources", "limits", resource});
    const Json& request = find(container, {"resources", "requests", resource});
    if (limit.is_null() || (!request.is_null() && request != limit)) return false;
  }
  return true;
}

bool has_requests(const Json& container) {
  for (const char* field : {"limits", "requests"}) {
    for (const char* resource : {"cpu", "memory"}) {
      const std::string amount = text_at(container, {"resources", field, resource});
      if (!amount.empty() && amount != "0") return true;
    }
  }
  return false;
}

}  // namespace

Json to_json(const ContainerState& state) {
  Json json = Json::object();
  json["name"] = state.name;
  json["phase"] = state.phase == Phase::running ? "running" : state.phase == Phase::terminated ? "terminated" : "waiting";
  json["containerID"] = state.container_id;
  json["pid"] = state.process.pid;
  json["pidStart"] = state.process.start_time;
  json["startedAt"] = time_text(state.started_at);
  json["restartCount"] = state.restart_count;
  json["started"] = state.started;
  json["ready"] = state.ready;
  if (state.termination) json["termination"] = termination_to_json(*state.termination);
  if (state.last_termination) json["lastTermination"] = termination_to_json(*state.last_termination);
  return json;
}

ContainerState container_state_from_json(const Json& json) {
  ContainerState state;
  state.name = text_at(json, {"name"});
  const std::string phase = text_at(json, {"phase"});
  state.phase = phase == "running" ? Phase::running : phase == "terminated" ? Phase::terminated : Phase::waiting;
  state.container_id = text_at(json, {"containerID"});
  state.process.pid = integer_at(json, {"pid"});
  const Json& start = find(json, {"pidStart"});
  state.process.start_time = start.is_number_integer() ? start.get<std::uint64_t>() : 0;
  state.started_at = read_time(json, "startedAt");
  state.restart_count = static_cast<int>(integer_at(json, {"restartCount"}));
  state.started = runtime::bool_at(json, {"started"});
  state.ready = runtime::bool_at(json, {"ready"});
  state.termination = termination_from_json(find(json, {"termination"}));
  state.last_termination = termination_from_json(find(json, {"lastTermination"}));
  return state;
}

std::string qos_class(const Json& pod) {
  bool any = false;
  bool all = true;
  for (const char* list : {"initContainers", "containers"}) {
    for (const Json& container : list_at(pod, {"spec", list})) {
      any = any || has_requests(container);
      all = all && requests_equal_limits(container);
    }
  }
  if (!any) return "BestEffort";
  return all ? "Guaranteed" : "Burstable";
}

std::string restart_policy(const Json& pod, ContainerKind kind) {
  if (kind == ContainerKind::sidecar) return "Always";
  if (kind == ContainerKind::ephemeral) return "Never";
  const std::string policy = text_at(pod, {"spec", "restartPolicy"}, "Always");
  return kind == ContainerKind::init && policy == "Always" ? "OnFailure" : policy;
}

bool should_restart(const Json& pod, ContainerKind kind, int exit_code) {
  const std::string policy = restart_policy(pod, kind);
  return policy == "Always" || (policy == "OnFailure" && exit_code != 0);
}

namespace {

/// Once a main container has started, initialization is over, whatever sidecars do afterwards.
bool main_has_started(const PodFacts& facts) {
  return std::any_of(facts.containers.begin(), facts.containers.end(), [](const ContainerState& state) {
    return state.kind == ContainerKind::main && (state.phase == Phase::running || state.termination || state.last_termination);
  });
}

}  // namespace

bool is_initialized(const PodFacts& facts) {
  if (main_has_started(facts)) return true;
  return std::all_of(facts.containers.begin(), facts.containers.end(), [](const ContainerState& state) {
    if (state.kind == ContainerKind::sidecar) return state.started;
    if (state.kind != ContainerKind::init) return true;
    return state.phase == Phase::terminated && state.termination && state.termination->exit_code == 0;
  });
}

namespace {

std::string phase_without_sidecars(const Json& pod, const PodFacts& facts) {
  if (!facts.failed_reason.empty()) return "Failed";
  const std::string policy = text_at(pod, {"spec", "restartPolicy"}, "Always");
  bool pending_initialization = false;
  for (const ContainerState& state : facts.containers) {
    if (state.kind == ContainerKind::sidecar && !state.started && !main_has_started(facts)) pending_initialization = true;
    if (state.kind != ContainerKind::init) continue;
    const bool ended = state.phase == Phase::terminated && state.termination;
    if (ended && state.termination->exit_code != 0 && policy == "Never") return "Failed";
    if (!ended || state.termination->exit_code != 0) pending_initialization = true;
  }
  std::size_t running = 0, waiting = 0, stopped = 0, succeeded = 0;
  for (const ContainerState& state : facts.containers) {
    if (state.kind != ContainerKind::main) continue;
    if (state.phase == Phase::running) {
      ++running;
    } else if (state.termination) {
      ++stopped;
      if (state.termination->exit_code == 0 && state.phase == Phase::terminated) ++succeeded;
    } else {
      ++waiting;
    }
  }
  const bool all_ended = running == 0 && waiting == 0;
  if (pending_initialization && !(facts.terminating && all_ended && stopped > 0)) return facts.terminating && running == 0 ? "Failed" : "Pending";
  if (waiting > 0) return facts.terminating && running == 0 ? "Failed" : "Pending";
  if (running > 0) return "Running";
  if (stopped > 0) {
    // A terminating pod never restarts: it ends as what its containers ended as.
    if (policy == "Always" && !facts.terminating) return "Running";
    if (stopped == succeeded) return "Succeeded";
    return policy == "Never" || facts.terminating ? "Failed" : "Running";
  }
  return "Pending";
}

}  // namespace

std::string pod_phase(const Json& pod, const PodFacts& facts) {
  const std::string phase = phase_without_sidecars(pod, facts);
  if (phase != "Succeeded" && phase != "Failed") return phase;
  // The end is told when all have ended.
  const bool serves = std::any_of(facts.containers.begin(), facts.containers.end(),
                                  [](const ContainerState& state) { return state.kind == ContainerKind::sidecar && state.phase == Phase::running; });
  if (!serves) return phase;
  return is_initialized(facts) ? "Running" : "Pending";
}

Json make_pod_status(const Json& pod, const PodFacts& facts, const Json& before, WallTime now) {
  const std::string phase = pod_phase(pod, facts);
  Json status = Json::object();
  status["phase"] = phase;
  status["qosClass"] = qos_class(pod);
  if (!facts.failed_reason.empty()) {
    status["reason"] = facts.failed_reason;
    status["message"] = facts.failed_message;
  }
  if (!facts.host_ip.empty()) {
    status["hostIP"] = facts.host_ip;
    status["hostIPs"] = Json::array({Json{{"ip", facts.host_ip}}});
  }
  if (!facts.pod_ip.empty()) {
    status["podIP"] = facts.pod_ip;
    status["podIPs"] = Json::array({Json{{"ip", facts.pod_ip}}});
  }
  if (facts.start_time) status["startTime"] = format_rfc3339(*facts.start_time);
  status["conditions"] = make_conditions(facts, phase, list_at(before, {"conditions"}), now);
  Json init = Json::array();
  Json main = Json::array();
  Json ephemeral = Json::array();
  for (const ContainerState& state : facts.containers) {
    (state.kind == ContainerKind::main ? main : state.kind == ContainerKind::ephemeral ? ephemeral : init).push_back(container_status(state));
  }
  if (!ephemeral.empty()) status["ephemeralContainerStatuses"] = std::move(ephemeral);
  if (!init.empty()) status["initContainerStatuses"] = std::move(init);
  if (facts.failed_reason.empty() || facts.start_time) status["containerStatuses"] = std::move(main);
  return status;
}

}  // namespace skidpad::fakes::kubelet

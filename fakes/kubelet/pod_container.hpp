/// @file pod_container.hpp
/// The working state of one container of a Pod. Private to pod.cpp and pod_containers.cpp.
#pragma once

#include "fakes/kubelet/pod.hpp"

namespace skidpad::fakes::kubelet {

struct Pod::Container {
  struct Probe {
    Probe(ProbeSpec spec, ProbeState state) : spec(std::move(spec)), state(state) {}
    ProbeSpec spec;
    ProbeState state;
    bool ever_succeeded = false;
  };

  Container(Json spec, ContainerKind kind, const PodServices& services)
      : spec(std::move(spec)), restart_backoff(services.restart_backoff), image_backoff(services.image_backoff) {
    state.name = runtime::text_at(this->spec, {"name"});
    state.image = runtime::text_at(this->spec, {"image"});
    state.kind = kind;
  }

  Json spec;
  ContainerState state;
  std::unique_ptr<runtime::Process> process;
  Backoff restart_backoff;
  Backoff image_backoff;
  Environment environment;
  PathMappings mappings;
  std::map<ProbeKind, Probe> probes;
  std::unique_ptr<runtime::TaskGroup> probing;  ///< the probe loops of the running instance
  runtime::Event started;                       ///< startup done; reset with each instance
  runtime::Event exited;                        ///< the running instance ended
  runtime::Event kill_sooner;
  std::string must_die;                         ///< why the running instance must be killed: "failed liveness probe"
  std::optional<Duration> must_die_grace;
  std::uint64_t instance = 0;                   ///< counts starts: tasks of an earlier instance must not touch a later one
  bool killing = false;
  bool backoff_told = false;
  Instant kill_due{};
  std::optional<Instant> retry_at;              ///< after a failed start

  bool running() const { return state.phase == ContainerState::Phase::running; }
};

}  // namespace skidpad::fakes::kubelet

/// @file checkpointer.hpp
/// The checkpointer: runs on every control-plane node and keeps copies on disk of the pods there that ask for it, so that the kubelet can
/// start an API server when there is no API server to tell it so.
/// Promise: per look and parent, exactly what state_machine.hpp says; one instance per node acts (the others wait for its port);
/// a parent that cannot be checkpointed never keeps others from it.
#pragma once

#include "controllers/checkpointer/observer.hpp"
#include "controllers/checkpointer/state_machine.hpp"
#include "harness/client/kubernetes/event_recorder.hpp"
#include "harness/client/metrics.hpp"

namespace skidpad::controllers::checkpointer {

namespace metric {
inline constexpr char transitions[] = "controller_checkpoint_transitions_total";
inline constexpr char checkpoints[] = "controller_checkpoints";
inline constexpr char failures[] = "controller_checkpoint_failures_total";
inline constexpr char api_available[] = "controller_checkpoint_api_available";
inline constexpr char rescues[] = "controller_rescues_total";
}  // namespace metric

class Checkpointer {
 public:
  Checkpointer(runtime::Runtime& runtime, client::KubernetesClient& client, client::EventRecorder& events, client::Metrics& metrics,
               const Settings& settings);
  /// Looks and acts until stopped.
  runtime::Task<void> run();
  /// One look.
  runtime::Task<void> tick();

 private:
  struct Entry {
    State state = State::none;
    std::optional<runtime::Instant> absent_since;
    runtime::Instant data_fresh_until{};
    std::string source_text;   ///< of the parent the manifest was made from
  };

  void take_over(const std::map<std::string, Stored>& stored);
  State decide(const std::string& key, Entry& entry, const Look& look);
  runtime::Task<void> act(std::string key, Entry& entry, State next, const Look& look, const std::map<std::string, Stored>& stored);
  runtime::Task<void> remove_self_last(std::string key);
  /// Brings the checkpoint's files up to date with its parent, as far as parent and data are to be had.
  runtime::Task<Result<Json>> refresh(std::string key, Entry& entry, const Json* parent, const Json* manifest, bool api_available);
  runtime::Task<Result<Places>> fetch_data(const Json& parent, const Json* manifest, bool api_available);
  void failed(const std::string& key, const Json* parent, const char* step, const runtime::Error& error);
  void publish();

  runtime::Runtime& runtime_;
  client::KubernetesClient& client_;
  client::EventRecorder& events_;
  client::Metrics& metrics_;
  const Settings& settings_;
  Observer observer_;
  CheckpointStore store_;
  std::map<std::string, Entry> entries_;
  bool taken_over_ = false;
  bool retired_ = false;   ///< everything was removed, our own copy too: nothing is begun again while the end of this process is on its way
};

/// `pod-checkpointer`: flags in settings.hpp. Exit code 1 for flags and files it cannot work with.
runtime::Task<int> checkpointer_main(runtime::Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::controllers::checkpointer

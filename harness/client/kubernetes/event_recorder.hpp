/// @file event_recorder.hpp
/// core/v1 Events about objects, sent in the background, repeated ones counted instead of repeated.
/// Promise: recording never waits and never fails the caller; the queue is bounded, what does not fit is dropped and counted.
#pragma once

#include <deque>
#include <map>

#include "harness/client/kubernetes/kubernetes_client.hpp"

namespace skidpad::client {

enum class EventType { normal, warning };

struct EventRecorderOptions {
  std::string component;                 ///< "deployment-controller"
  std::string host;                      ///< source.host, for kubelets: the node
  std::size_t queue_max = 1000;
  std::size_t remembered_max = 4096;     ///< of events whose repetitions are counted
  /// As events.k8s.io clients write them (scheduler): reportingComponent, action and eventTime instead of source and counts.
  bool new_style = false;
};

class EventRecorder {
 public:
  EventRecorder(KubernetesClient& client, EventRecorderOptions options);
  /// About an object with metadata; kind and apiVersion come from the type.
  void record(const Json& object, const ResourceType& type, EventType event_type, std::string reason, std::string message,
              std::string action = "");
  /// About {"kind","namespace","name","uid",...}.
  void record_about(Json reference, EventType event_type, std::string reason, std::string message, std::string action = "");
  /// Sends until stopped.
  Task<void> run();
  std::size_t dropped_count() const { return dropped_; }

 private:
  struct Pending {
    Json event;
    std::string identity;
  };
  struct Known {
    std::string namespace_name;
    std::string name;
    std::int64_t count = 1;
  };
  Task<void> send(Pending pending);

  KubernetesClient& client_;
  EventRecorderOptions options_;
  std::deque<Pending> queue_;
  runtime::Event added_;
  std::map<std::string, Known> known_;
  std::deque<std::string> known_order_;
  std::size_t dropped_ = 0;
  std::uint64_t name_last_ = 0;          ///< names are times; two events of one instant need two names
};

}  // namespace skidpad::client

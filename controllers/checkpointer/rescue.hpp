/// @file rescue.hpp
/// Brings back what only itself could bring back: a controller-manager whose last pod is gone (nobody makes pods), or a scheduler
/// (nobody places them). One pod is made from the Deployment's own template and put on this node; it goes when the Deployment's own
/// pods are Ready again (behaviour R8; what the original left to an operator's hand).
/// Promise: at most one rescue pod per Deployment in the cluster, as its name is fixed; nothing is done while no API server answers.
#pragma once

#include "controllers/checkpointer/settings.hpp"
#include "harness/client/kubernetes/event_recorder.hpp"
#include "harness/client/metrics.hpp"

namespace skidpad::controllers::checkpointer {

class Rescue {
 public:
  Rescue(client::KubernetesClient& client, client::EventRecorder& events, client::Metrics& metrics, const Settings& settings)
      : client_(client), events_(events), metrics_(metrics), settings_(settings) {}
  runtime::Task<void> run();
  /// One look at one Deployment.
  runtime::Task<void> look_at(std::string deployment);

 private:
  runtime::Task<void> create(const Json& deployment, std::string name);

  client::KubernetesClient& client_;
  client::EventRecorder& events_;
  client::Metrics& metrics_;
  const Settings& settings_;
  std::map<std::string, runtime::Instant> missing_since_;
  std::map<std::string, runtime::Instant> ready_since_;
};

/// The pod that stands in, or invalid if the Deployment has no template.
Result<Json> rescue_pod(const Json& deployment, const std::string& node_name);
std::string rescue_name(const std::string& deployment);

}  // namespace skidpad::controllers::checkpointer

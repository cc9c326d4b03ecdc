/// @file observer.hpp
/// One look at the three witnesses of a parent pod: API server, kubelet, container runtime.
/// Promise: says of every answer whether it can be trusted for removing anything (behaviour C8); keeps no opinion of its own.
#pragma once

#include "controllers/checkpointer/node_runtime.hpp"
#include "controllers/checkpointer/settings.hpp"
#include "harness/client/kubernetes/kubernetes_client.hpp"

namespace skidpad::controllers::checkpointer {

struct Look {
  bool api_available = false;
  bool fresh = false;                             ///< complete, not older than an answer seen before, not suddenly empty
  std::string doubt;                              ///< why it is not fresh
  std::map<std::string, Json> api_parents;        ///< by "NAMESPACE/NAME"; with doubts also those of the last answer without
  std::map<std::string, Json> local_parents;      ///< of the kubelet's list, or of its last one while it does not answer
  RunningPods running;
  bool runtime_known = false;
};

class Observer {
 public:
  Observer(runtime::Runtime& runtime, client::KubernetesClient& client, const Settings& settings);
  runtime::Task<Look> look();
  /// Asked right before a removal: an API server says that exactly this pod does not exist.
  runtime::Task<bool> confirmed_absent(std::string key);

 private:
  runtime::Task<void> ask_api(Look& look);
  runtime::Task<void> ask_kubelet(Look& look);
  runtime::Task<bool> node_is_known();

  runtime::Runtime& runtime_;
  client::KubernetesClient& client_;
  const Settings& settings_;
  runtime::HttpClient kubelet_;
  std::uint64_t version_max_ = 0;
  std::map<std::string, Json> trusted_parents_;
  std::map<std::string, Json> kubelet_parents_;
};

}  // namespace skidpad::controllers::checkpointer

/// @file mirror_pods.hpp
/// Mirror pods: what the API server shows of static pods.
/// Promise: each static pod has one mirror with its hash, made again when deleted or when the static pod changed; mirrors of
/// static pods that are gone are deleted. Static pods never wait for any of this.
#pragma once

#include "harness/client/kubernetes/informer.hpp"
#include "harness/client/kubernetes/work_queue.hpp"

namespace skidpad::fakes::kubelet {

class MirrorPods {
 public:
  MirrorPods(client::KubernetesClient& client, std::string node_name);
  /// Static pods by full name; an empty one says it is gone.
  void set_static_pod(const std::string& full_name, Json pod);
  void remove_static_pod(const std::string& full_name);
  /// What the API shows.
  void seen(const Json& mirror);
  void gone(const Json& mirror);
  /// The node is registered with this UID: only now may mirrors be made.
  void set_node_uid(std::string uid);
  /// All pods of this node have been listed once.
  void set_synced();
  /// The mirror's UID of a static pod as now known, or "".
  std::string api_uid(const std::string& full_name) const;
  runtime::Task<void> run();

 private:
  runtime::Task<runtime::Result<void>> reconcile(std::string full_name);
  client::KubernetesClient& client_;
  client::WorkQueue queue_;
  std::string node_name_;
  std::string node_uid_;
  bool synced_ = false;
  std::map<std::string, Json> static_pods_;
  std::map<std::string, client::ObjectPointer> mirrors_;
};

}  // namespace skidpad::fakes::kubelet

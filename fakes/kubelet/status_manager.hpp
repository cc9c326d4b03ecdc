/// @file status_manager.hpp
/// Brings the statuses of pods to the API server, and deletes pods there once they have ended here.
/// Promise: the newest status wins; nothing is lost while the API is away; a pod is deleted only after its last status arrived,
/// and never another pod of the same name.
#pragma once

#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/client/kubernetes/work_queue.hpp"

namespace skidpad::fakes::kubelet {

class StatusManager {
 public:
  /// @param settle_time  how long an odd status seen in the API may be our own one on its way
  StatusManager(client::KubernetesClient& client, runtime::Duration settle_time);
  /// @param api_uid  the pod's UID in the API: the mirror's for a static pod; "" while there is none
  void set(const std::string& uid, const Json& pod, std::string api_uid, Json status);
  /// The pod has ended here: report, then delete it in the API.
  void finish(const std::string& uid);
  /// The object seen in the API. A status that another writer changed is written again.
  void seen(const std::string& uid, const Json& api_pod);
  /// Gone from the API, or none of our business any more.
  void forget(const std::string& uid);
  bool knows(const std::string& uid) const { return entries_.contains(uid); }
  runtime::Task<void> run();

 private:
  struct Entry {
    std::string namespace_name;
    std::string name;
    std::string api_uid;
    Json status;
    Json reported_status = Json::object();  ///< its conditions as the API has them from us
    std::uint64_t version = 1;
    std::uint64_t reported = 0;
    bool finish = false;
    client::ObjectPointer seen;
  };
  runtime::Task<runtime::Result<void>> reconcile(std::string uid);

  client::KubernetesClient& client_;
  client::WorkQueue queue_;
  runtime::Duration settle_time_;
  std::map<std::string, Entry> entries_;
};

}  // namespace skidpad::fakes::kubelet

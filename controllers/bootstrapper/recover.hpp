/// @file recover.hpp
/// Makes assets for start_control_plane() out of what is left of a cluster whose control plane is gone: its objects in etcd, or a
/// running API server.
/// Promise: reads only; refuses while API servers still serve unless forced (R7), and names every object that is missing (R4); nothing
/// is written to the recovery directory unless all was found.
/// Limit: reads objects stored as JSON (kube-apiserver's --storage-media-type=application/json); protobuf is refused by name.
#pragma once

#include "controllers/bootstrapper/assets.hpp"
#include "harness/client/etcd/etcd_client.hpp"
#include "harness/client/kubernetes/kubernetes_client.hpp"

namespace skidpad::controllers::bootstrapper {

using runtime::Task;

/// Where the objects of the lost control plane are read from.
class ObjectSource {
 public:
  virtual ~ObjectSource() = default;
  /// not_found if it is not there.
  virtual Task<Result<Json>> get(std::string plural, std::string namespace_name, std::string name) = 0;
  /// Addresses of API servers that were seen to live a moment ago.
  virtual Task<Result<std::vector<std::string>>> live_api_servers() = 0;
};

std::unique_ptr<ObjectSource> make_etcd_source(client::EtcdClient& etcd, std::string prefix);
std::unique_ptr<ObjectSource> make_api_source(client::KubernetesClient& client);

struct RecoverOptions {
  std::string bootstrap_address;  ///< of the node that is to run the temporary control plane
  bool force = false;
};

/// Assets without objects: those are in etcd.
Task<Result<AssetFiles>> recover(ObjectSource& source, runtime::Pki& pki, RecoverOptions options);

}  // namespace skidpad::controllers::bootstrapper

/// @file referenced_objects.hpp
/// The ConfigMaps, Secrets and service-account tokens that pods of this node refer to.
/// Promise: read at most once per `fresh_for`; while the API is away, what was read before is used on, however old.
#pragma once

#include "fakes/kubelet/environment.hpp"
#include "harness/client/kubernetes/kubernetes_client.hpp"

namespace skidpad::fakes::kubelet {

struct ServiceAccountToken {
  std::string token;
  runtime::WallTime issued_at{};
  runtime::WallTime expires_at{};
};

class ReferencedObjects {
 public:
  /// @param client  null in standalone mode: everything is unavailable then
  ReferencedObjects(runtime::Runtime& runtime, client::KubernetesClient* client, runtime::Duration fresh_for)
      : runtime_(runtime), client_(client), fresh_for_(fresh_for) {}
  /// `kind` is "ConfigMap" or "Secret". Secrets are decoded.
  runtime::Task<runtime::Result<ReferencedData>> get(std::string kind, std::string namespace_name, std::string name);
  /// Bound to the pod; kept until 80 % of its life is over, as the kubelet's token manager does.
  runtime::Task<runtime::Result<ServiceAccountToken>> token(Json pod, std::string audience, std::int64_t expiration_seconds);
  /// Forgets the tokens of a pod that is gone.
  void forget_pod(const std::string& pod_uid);

 private:
  struct Cached {
    ReferencedData data;
    runtime::Instant read_at{};
  };
  runtime::Runtime& runtime_;
  client::KubernetesClient* client_;
  runtime::Duration fresh_for_;
  std::map<std::string, Cached> cached_;              ///< "KIND/NS/NAME"
  std::map<std::string, ServiceAccountToken> tokens_; ///< "POD UID/audience/seconds"
};

}  // namespace skidpad::fakes::kubelet

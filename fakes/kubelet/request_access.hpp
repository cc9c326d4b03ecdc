/// @file request_access.hpp
/// Who asks something of the kubelet's port, and whether they may.
/// Promise: a client certificate, a bearer token that the API server knows (TokenReview), or nobody, where anonymous requests are
/// allowed; with authorization mode Webhook the API server decides (SubjectAccessReview on the node's subresources). Answers are
/// kept as long as the real kubelet keeps them: tokens 2 minutes, yes 5 minutes, no 30 seconds.
#pragma once

#include "fakes/kubelet/options.hpp"
#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/runtime/http/http.hpp"

namespace skidpad::fakes::kubelet {

struct Requester {
  Requester() {}
  std::string name;
  std::vector<std::string> groups;
};

/// The node subresource that a path of the kubelet counts as.
std::string node_subresource(std::string_view path);
/// The API's verb of a method.
std::string api_verb(std::string_view method);

class RequestAccess {
 public:
  /// @param client  null in standalone mode: then only the administrators' group may do anything under mode Webhook
  RequestAccess(runtime::Runtime& runtime, client::KubernetesClient* client, const KubeletOptions& options) : runtime_(runtime), client_(client), options_(options) {}
  /// None: not known (401).
  runtime::Task<std::optional<Requester>> authenticate(const runtime::HttpRequest& request);
  runtime::Task<bool> authorize(Requester requester, std::string verb, std::string subresource);

 private:
  template <class Value>
  struct Kept {
    Value value{};
    runtime::Instant until{};
  };
  runtime::Task<runtime::Result<Json>> ask(std::string path, Json review);
  runtime::Runtime& runtime_;
  client::KubernetesClient* client_;
  const KubeletOptions& options_;
  std::map<std::string, Kept<std::optional<Requester>>> tokens_;
  std::map<std::string, Kept<bool>> decisions_;
};

}  // namespace skidpad::fakes::kubelet

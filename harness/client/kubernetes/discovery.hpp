/// @file discovery.hpp
/// Which kinds of objects the API servers serve now, custom ones included.
#pragma once

#include "harness/client/kubernetes/kubernetes_client.hpp"

namespace skidpad::client {

struct ServedResource {
  ResourceType type;
  std::vector<std::string> verbs;
  bool can(std::string_view verb) const;
};

/// Every resource at its group's preferred version, core group first, without subresources. A group version that cannot be read
/// is left out and told in `failures` ("apps/v1: ...").
Task<Result<std::vector<ServedResource>>> discover(KubernetesClient& client, std::vector<std::string>* failures = nullptr);

}  // namespace skidpad::client

/// @file creator.hpp
/// Creates API objects in the one order that works: namespaces, definitions (until they are served), then all else by file name.
/// Promise: what is there already counts as created; strict stops at the first failure, otherwise all failures are listed (behaviour B4).
#pragma once

#include "harness/client/kubernetes/kubernetes_client.hpp"

namespace skidpad::controllers::bootstrapper {

using runtime::Duration;
using runtime::Result;
using runtime::Task;

struct CreateOptions {
  bool strict = false;
  Duration poll_interval = std::chrono::seconds(5);
  Duration served_timeout = std::chrono::minutes(2);  ///< for one definition
  Duration try_timeout = std::chrono::minutes(2);     ///< for one object while the server cannot serve
};

using NamedObjects = std::vector<std::pair<std::string, Json>>;
/// Stable: objects of one group keep their order.
NamedObjects in_creation_order(NamedObjects objects);

/// @param failures  "FILE: what" for each object that could not be created
Task<Result<void>> create_objects(client::KubernetesClient& client, NamedObjects objects, CreateOptions options, std::vector<std::string>& failures);

}  // namespace skidpad::controllers::bootstrapper

/// @file cluster_maker.hpp
/// Makes a cluster out of its assets: machines, then the API, then the add-ons, until every node is Ready.
#pragma once

#include <functional>

#include "harness/client/machines/machine_provider_client.hpp"
#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/cluster/cluster_assets.hpp"

namespace skidpad::cluster {

using runtime::Duration;
using runtime::Task;

struct MakeOptions {
  Duration deadline = std::chrono::minutes(10);
  Duration poll_interval = std::chrono::milliseconds(20);  ///< while waiting for what sends no signal
  /// Told once per step that is done: "machines", "api", "add-ons", "nodes".
  std::function<void(std::string_view step)> progress;
  /// Asked now and then while waiting: why the cluster will never come up; "" while it still may.
  std::function<std::string()> hopeless;
};

/// Returns when every planned node is Ready and every add-on pod runs. timeout says what was missing then, invalid why it is hopeless.
Task<Result<void>> make_cluster(runtime::Runtime& runtime, client::machines::MachineProviderClient& machines,
                                client::KubernetesClient& admin, const ClusterAssets& assets, MakeOptions options);

/// The type of a built-in object by its apiVersion and kind. invalid if it is none of client::types.
Result<client::ResourceType> type_of(const Json& object);

}  // namespace skidpad::cluster

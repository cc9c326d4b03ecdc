/// @file driver.hpp
/// A home for clusters: machines that can be made, broken and looked at. One interface over all homes.
/// Promise: what a driver cannot do is a capability it lacks, never a silent success.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/client/machines/machine_provider_client.hpp"
#include "harness/cluster/cluster_plan.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::driver {

using client::machines::MachineProviderClient;
using runtime::Duration;
using runtime::Result;
using runtime::Task;

/// Anything a run made and did not take away again, by kind: {"processes": ["123 etcd"], "cgroups": []}.
struct Leftovers {
  Json found = Json::object();
  bool checked = false;
};

/// A component that cannot be run: its program ends again and again.
struct ComponentFailure {
  std::string headline;              ///< "kube-scheduler on control-plane-1 ends again and again, at last with exit code 1"
  std::vector<std::string> log_end;  ///< the last lines it wrote
};

enum class Capability {
  cut_links,
  shape_links,
  pause_machines,
  lose_unsynced_writes,
  power_machines,     ///< switch off and on, destroy, reinstall
  signal_processes,
  separate_loopback,  ///< each machine has a 127.0.0.1 of its own: needed where several run the same servers on it
};

class Driver {
 public:
  virtual ~Driver() = default;
  /// "sim", "process"
  virtual std::string name() const = 0;
  /// Why the driver lacks it; "" if it has it.
  virtual std::string lacks(Capability capability) const = 0;
  /// What this home cannot show on this host, one line each, for the report.
  virtual std::vector<std::string> limits() const { return {}; }
  /// The clock, network and disk that the harness itself uses: probes, clients, recorder.
  virtual runtime::Runtime& runtime() = 0;
  /// Machines, links and processes, with the administrator's rights.
  virtual MachineProviderClient& machines() = 0;
  /// What a cluster in this home is planned with: executables, addresses, the provider's endpoint and token.
  virtual void prepare(cluster::ClusterSpec& spec) const = 0;
  /// Runs a task of the harness to its end; in the simulator this is what makes time pass. Rethrows what the task throws.
  virtual void run(Task<void> task) = 0;
  /// Of a cluster that is being made: why it will never come up, if that is seen. Once seen it stays so. Looks at files: not for quick repetition.
  virtual const std::optional<ComponentFailure>& component_failure() {
    static const std::optional<ComponentFailure> none;
    return none;
  }
  /// Destroys every machine and looks whether anything is left.
  virtual Task<Leftovers> tear_down() = 0;
};

}  // namespace skidpad::driver

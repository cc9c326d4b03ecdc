/// @file process_driver.hpp
/// A cluster of real programs on this host: one supervisor, and for each node a machine made of namespaces and a cgroup.
/// Promise: with die_with_parent, nothing of it outlives this process; tear_down() looks for leftovers itself.
#pragma once

#include "harness/driver/driver.hpp"
#include "harness/driver/process/supervisor.hpp"
#include "harness/runtime/real/real_runtime.hpp"

namespace skidpad::driver::process {

/// Where the programs are.
struct Programs {
  std::string skidpad;           ///< the executable with the hidden supervisor verb
  std::map<std::string, cluster::Component> components;
  std::vector<std::string> visible_paths;  ///< directories and files that machines must see
  std::string container_runtime_endpoint;  ///< ClusterSpec's members of these names
  std::size_t hollow_nodes = 0;
  bool hollow_proxies = false;
};

struct ProcessDriverOptions {
  Programs programs;
  std::string state_directory;   ///< must not exist or be empty
  std::uint64_t seed = 1;
  std::string isolation = "auto";
  std::vector<std::string> forwards;
  std::string log_directory;     ///< where tear_down() leaves the machines' logs; "" = logs/ beside the state directory
  Duration provisioning_delay{};
  bool die_with_parent = true;
};

class ProcessDriver final : public Driver {
 public:
  /// Starts the supervisor and enters its network. unavailable with the supervisor's own words when it cannot.
  static Result<std::unique_ptr<ProcessDriver>> start(ProcessDriverOptions options);
  /// Takes up a running supervisor (`skidpad status`).
  static Result<std::unique_ptr<ProcessDriver>> join(std::string state_directory);

  std::string name() const override { return "process"; }
  std::string lacks(Capability capability) const override;
  std::vector<std::string> limits() const override { return state_.limits; }
  runtime::Runtime& runtime() override { return *runtime_; }
  MachineProviderClient& machines() override { return *machines_; }
  void prepare(cluster::ClusterSpec& spec) const override;
  void run(Task<void> task) override { runtime_->run_until_complete(std::move(task)); }
  Task<Leftovers> tear_down() override;
  const std::optional<ComponentFailure>& component_failure() override;
  const SupervisorState& supervisor() const { return state_; }

 private:
  ProcessDriver(ProcessDriverOptions options, SupervisorState state);
  /// A run directory keeps the machines' logs, in logs/; the state of what is gone goes too.
  void keep_only_logs() const;
  ProcessDriverOptions options_;
  SupervisorState state_;
  std::unique_ptr<runtime::RealRuntime> runtime_;
  std::unique_ptr<MachineProviderClient> machines_;
  std::string user_token_;
  std::optional<ComponentFailure> component_failure_;
};

}  // namespace skidpad::driver::process

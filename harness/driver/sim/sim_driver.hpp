/// @file sim_driver.hpp
/// A whole cluster in one thread and in virtual time: the same programs as everywhere, on simulated machines.
#pragma once

#include "fakes/machine_provider/machine_provider.hpp"
#include "harness/driver/driver.hpp"
#include "harness/driver/sim/sim_backend.hpp"

namespace skidpad::driver::sim {

struct SimDriverOptions {
  runtime::sim::WorldOptions world;
  Duration provisioning_delay{};
  /// Programs beside the bundled ones, or in their place: a planted bug, a controller of one's own.
  std::map<std::string, runtime::sim::SimProgram> programs;
};

class SimDriver final : public Driver {
 public:
  explicit SimDriver(SimDriverOptions options);
  ~SimDriver() override;
  std::string name() const override { return "sim"; }
  std::string lacks(Capability) const override { return ""; }
  runtime::Runtime& runtime() override { return *harness_; }
  MachineProviderClient& machines() override { return *client_; }
  void prepare(cluster::ClusterSpec& spec) const override;
  void run(Task<void> task) override;
  Task<Leftovers> tear_down() override;
  runtime::sim::World& world() { return world_; }

 private:
  Task<int> serve_provider(runtime::Runtime& runtime);
  SimDriverOptions options_;
  runtime::sim::World world_;
  SimBackend backend_;
  std::string user_token_;
  std::string admin_token_;
  runtime::sim::SimProcess* harness_ = nullptr;
  std::unique_ptr<MachineProviderClient> client_;
};

/// The programs that clusters are made of, under their real names.
std::map<std::string, runtime::sim::SimProgram> bundled_programs();

}  // namespace skidpad::driver::sim

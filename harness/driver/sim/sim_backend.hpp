/// @file sim_backend.hpp
/// The machine provider's machines as simulated ones.
#pragma once

#include "fakes/machine_provider/machine_backend.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::driver::sim {

using client::machines::LinkChange;
using client::machines::LinkStatus;
using client::machines::Machine;
using client::machines::MachineFile;
using client::machines::MachineProcess;
using runtime::Result;
using runtime::Task;

class SimBackend final : public fakes::machine_provider::MachineBackend {
 public:
  /// @param provider_machine  the simulated machine the harness sits on: the links' "provider" end.
  SimBackend(runtime::sim::World& world, std::string provider_machine);
  std::string root(const std::string&) const override { return ""; }
  std::string address_prefix() const override { return "10.240"; }
  Task<Result<void>> install(const Machine& machine, std::vector<MachineFile> files) override;
  Task<Result<void>> power_on(const Machine& machine) override;
  Task<Result<void>> power_off(const std::string& machine_name) override;
  Task<Result<void>> destroy(const std::string& machine_name) override;
  bool alive(const std::string& machine_name) const override;
  Result<std::string> read_file(const std::string& machine_name, const std::string& path) override;
  Result<void> write_file(const std::string& machine_name, const MachineFile& file) override;
  Result<void> remove_file(const std::string& machine_name, const std::string& path) override;
  Result<std::vector<MachineProcess>> processes(const std::string& machine_name) override;
  Result<void> signal_process(const std::string& machine_name, std::int64_t pid, std::uint64_t start_time, int signal) override;
  Result<void> set_paused(const std::string& machine_name, bool paused) override;
  Result<void> change_links(const std::vector<LinkChange>& changes) override;
  Result<void> heal_all_links() override;
  Result<std::vector<LinkStatus>> links() override;

 private:
  Result<runtime::sim::Machine*> find(const std::string& machine_name) const;
  std::string world_name(const std::string& link_end) const;
  std::string provider_name(const std::string& world_end) const;
  runtime::sim::World& world_;
  std::string provider_machine_;
  std::map<std::pair<std::string, std::string>, client::machines::LinkRule> rules_;
};

/// PID 1 of a simulated machine: keeps its units running. Arguments: MachineUnit as JSON texts.
Task<int> init_main(runtime::Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::driver::sim

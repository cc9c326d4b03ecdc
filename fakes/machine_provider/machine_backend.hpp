/// @file machine_backend.hpp
/// What makes machines real: operating-system processes (harness/driver/process) or simulated ones (harness/driver/sim).
/// The provider calls it with one operation at a time per machine, in an order that makes sense: install before power_on.
#pragma once

#include "harness/client/machines/link_rule.hpp"
#include "harness/client/machines/machine.hpp"
#include "harness/runtime/task.hpp"

namespace skidpad::fakes::machine_provider {

using namespace client::machines;  // the API's own types

using runtime::Task;

/// All errors are the machine's own trouble (no TAP device, disk full), never a wrong request. Healing and removing
/// operations go on after a failure and report the first.
class MachineBackend {
 public:
  virtual ~MachineBackend() = default;
  /// The directory of the machine's disk as its processes see it, for ${ROOT}.
  virtual std::string root(const std::string& machine_name) const = 0;
  /// Addresses are <prefix>.<1..254>.<1..254>; prefix is two bytes like "10.240".
  virtual std::string address_prefix() const = 0;
  /// Empties the disk and writes the files (expanded, absolute paths). The machine is off.
  virtual Task<Result<void>> install(const Machine& machine, std::vector<MachineFile> files) = 0;
  /// Boots the machine; returns when it answers on its address. `machine.spec.units` are expanded.
  virtual Task<Result<void>> power_on(const Machine& machine) = 0;
  /// Every process of the machine ends at once, unsynced data included where the backend can lose it. The disk stays.
  virtual Task<Result<void>> power_off(const std::string& machine_name) = 0;
  /// Off, and disk, address and links gone.
  virtual Task<Result<void>> destroy(const std::string& machine_name) = 0;
  /// Whether it is powered on and its first process lives.
  virtual bool alive(const std::string& machine_name) const = 0;

  virtual Result<std::string> read_file(const std::string& machine_name, const std::string& path) = 0;
  virtual Result<void> write_file(const std::string& machine_name, const MachineFile& file) = 0;
  virtual Result<void> remove_file(const std::string& machine_name, const std::string& path) = 0;

  virtual Result<std::vector<MachineProcess>> processes(const std::string& machine_name) = 0;
  /// start_time 0 matches any. not_found if there is no such process now.
  virtual Result<void> signal_process(const std::string& machine_name, std::int64_t pid, std::uint64_t start_time, int signal) = 0;
  /// Stops (or resumes) every process of the machine, as a hypervisor pauses a guest.
  virtual Result<void> set_paused(const std::string& machine_name, bool paused) = 0;

  /// All or none, at one moment.
  virtual Result<void> change_links(const std::vector<LinkChange>& changes) = 0;
  virtual Result<void> heal_all_links() = 0;
  /// Links that carried a frame or have a rule, in name order.
  virtual Result<std::vector<LinkStatus>> links() = 0;
};

}  // namespace skidpad::fakes::machine_provider

/// @file process_backend.hpp
/// Makes the machine provider's machines out of operating-system processes of this host.
/// Promise: everything that could outlive the supervisor is in the undo journal before it is made; power_off() and destroy() do not
/// suspend, so they also work while the supervisor is being stopped.
/// On the disk: DIR/machines/<name>/{boot.json, node-init.log, disk/, tmp/}.
#pragma once

#include "fakes/machine_provider/machine_backend.hpp"
#include "harness/driver/process/cgroup.hpp"
#include "harness/driver/process/journal.hpp"
#include "harness/driver/process/machine_process.hpp"
#include "harness/driver/process/process_table.hpp"
#include "harness/driver/process/switch.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::driver::process {

using client::machines::Machine;
using client::machines::MachineFile;
using runtime::Task;

struct ProcessBackendOptions {
  std::string run;
  std::string state_directory;
  Isolation isolation = Isolation::namespaces;
  std::string address_prefix;              ///< "10.240", or "127.x" in loopback isolation
  std::vector<std::string> visible_paths;  ///< see MachineBoot
  std::map<std::string, std::string> environment;
  CgroupLayout cgroups;                    ///< empty: none are used
};

class ProcessBackend final : public fakes::machine_provider::MachineBackend {
 public:
  /// `links` is null in loopback isolation.
  ProcessBackend(runtime::Runtime& runtime, Switch* links, ProcessBackendOptions options);
  /// Ends every machine.
  ~ProcessBackend() override;
  /// Writes the journal and makes the supervisor's cgroup. Before anything else.
  Result<void> prepare();
  /// Ends every machine and removes what prepare() made.
  Result<void> clean_up();

  std::string root(const std::string& machine_name) const override;
  std::string address_prefix() const override { return options_.address_prefix; }
  Task<Result<void>> install(const Machine& machine, std::vector<MachineFile> files) override;
  Task<Result<void>> power_on(const Machine& machine) override;
  Task<Result<void>> power_off(const std::string& machine_name) override;
  Task<Result<void>> destroy(const std::string& machine_name) override;
  bool alive(const std::string& machine_name) const override;
  Result<std::string> read_file(const std::string& machine_name, const std::string& path) override;
  Result<void> write_file(const std::string& machine_name, const MachineFile& file) override;
  Result<void> remove_file(const std::string& machine_name, const std::string& path) override;
  Result<std::vector<client::machines::MachineProcess>> processes(const std::string& machine_name) override;
  Result<void> signal_process(const std::string& machine_name, std::int64_t pid, std::uint64_t start_time, int signal) override;
  Result<void> set_paused(const std::string& machine_name, bool paused) override;
  Result<void> change_links(const std::vector<LinkChange>& changes) override;
  Result<void> heal_all_links() override;
  Result<std::vector<LinkStatus>> links() override;

 private:
  struct Live {
    std::unique_ptr<MachineProcess> process;
    Cgroup cgroup;
  };
  std::string directory(const std::string& machine_name) const { return options_.state_directory + "/machines/" + machine_name; }
  /// DIR/logs/<machine> outlives the machine: what it said is needed most when it is gone.
  void keep_logs(const std::string& machine_name) const;
  Result<void> launch(const Machine& machine);
  Result<void> switch_off(const std::string& machine_name);
  Result<std::vector<HostProcess>> host_processes(const std::string& machine_name) const;
  /// unsupported, in the words of the capability.
  Error needs_namespaces(const std::string& what) const;

  runtime::Runtime& runtime_;
  Switch* switch_;
  ProcessBackendOptions options_;
  Journal journal_;
  std::string cgroup_path_;  ///< of the supervisor's own, below the layout's base; "" = none
  std::map<std::string, Live> live_;
};

}  // namespace skidpad::driver::process

/// @file machine.hpp
/// Machines as the provider knows them, and their JSON form on its API (version v1).
/// Texts in files and units may hold ${ROOT} (the machine's disk as its processes see it; "" in the simulator), ${NAME},
/// ${ADDRESS} and ${POD_CIDR}; nothing else is expanded.
/// Promise: every refused field is named with its path ("units[0].argv: ...").
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/runtime/json.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::client::machines {

using runtime::Duration;
using runtime::Result;

/// Written to the disk before the machine starts for the first time.
struct MachineFile {
  std::string path;     ///< absolute on the machine; a leading ${ROOT} may be left out
  std::string content;
  unsigned mode = 0644;
};

/// A program that the machine keeps running, as systemd would with Restart=always.
struct MachineUnit {
  std::string name;
  std::vector<std::string> argv;  ///< argv[0] is the executable
  std::map<std::string, std::string> env;
  double restart_seconds = 1;
};

struct MachineSpec {
  std::string name;     ///< "" = the provider makes one
  std::string address;  ///< "" = the provider chooses
  std::map<std::string, std::string> labels;
  std::vector<MachineFile> files;
  std::vector<MachineUnit> units;
};

enum class MachineState { provisioning, running, off, deleting };
std::string_view name(MachineState state);  ///< "Provisioning", "Running", "Off", "Deleting"

struct Machine {
  MachineSpec spec;
  MachineState state = MachineState::provisioning;
  std::string root;            ///< what ${ROOT} stands for
  std::uint64_t boot_count = 0;
  std::string last_error;      ///< why it is not what was asked for; "" if it is
  runtime::WallTime created{};
};

/// One process on a machine: the witness of process faults.
struct MachineProcess {
  std::int64_t pid = 0;             ///< as seen on the machine
  std::int64_t parent_pid = 0;      ///< as seen on the machine; 0 for its first process
  std::uint64_t start_time = 0;     ///< tells a later process with the same pid
  std::vector<std::string> argv;
  std::string state;                ///< "running", "stopped", "zombie"
};

struct InstallRequest {
  std::vector<MachineFile> files;
  std::vector<MachineUnit> units;
};

/// The addresses that a machine's pods get, on the same network: "10.240.1.7" -> "10.240.8.0/24"; "" for "".
std::string pod_cidr_of(const std::string& address);
/// Replaces ${ROOT}, ${NAME}, ${ADDRESS} and ${POD_CIDR}.
std::string expand(std::string_view text, const Machine& machine);
/// The unit with everything expanded.
MachineUnit expand(const MachineUnit& unit, const Machine& machine);
/// The file with everything expanded; its path is absolute and below the machine's root. invalid if it leaves it.
Result<MachineFile> expand(const MachineFile& file, const Machine& machine);

Result<MachineSpec> machine_spec_from_json(const Json& json);
Result<InstallRequest> install_request_from_json(const Json& json);
Json to_json(const MachineSpec& spec);
Json to_json(const InstallRequest& request);
/// Without the files' contents: they hold secrets.
Json to_json(const Machine& machine);
Result<Machine> machine_from_json(const Json& json);
Json to_json(const MachineProcess& process);
Result<MachineProcess> machine_process_from_json(const Json& json);

}  // namespace skidpad::client::machines

/// @file machine_boot.hpp
/// What a machine's first process is told at its start: one JSON file, written by the supervisor and read by node-init.
#pragma once

#include "harness/client/machines/machine.hpp"
#include "harness/driver/process/system_call.hpp"

namespace skidpad::driver::process {

using client::machines::MachineUnit;

/// How machines are kept apart.
enum class Isolation {
  namespaces,  ///< pid, mount, uts and net namespaces, a cgroup, links in our switch; needs root
  loopback,    ///< 127.x addresses and process trees only
};
std::string_view name(Isolation isolation);
Result<Isolation> parse_isolation(std::string_view text);

struct MachineBoot {
  std::string run;        ///< names the cluster's run in process tags
  std::string name;
  std::string address;
  Isolation isolation = Isolation::namespaces;
  std::string directory;  ///< holds disk/, tmp/ and log files
  std::string root;       ///< directory + "/disk"
  std::vector<std::string> visible_paths;  ///< directories and single files that stay visible although they lie below /tmp
  std::map<std::string, std::string> environment;  ///< of every unit
  std::vector<MachineUnit> units;

  std::string tag() const { return run + "/" + name; }
};
Json to_json(const MachineBoot& boot);
Result<MachineBoot> machine_boot_from_json(const Json& json);

}  // namespace skidpad::driver::process

/// @file installation.hpp
/// Where this skidpad's parts are: programs beside the executable, scenarios, state of running clusters.
#pragma once

#include <map>
#include <string>

#include "harness/driver/process/process_driver.hpp"
#include "harness/driver/sim/sim_driver.hpp"

namespace skidpad::cli {

inline constexpr char version[] = "0.1.0";

struct Installation {
  std::string executable;       ///< this program
  std::string bin_directory;    ///< holds skidpad, fakes/ and controllers/
  std::string scenario_folder;  ///< bundled scenarios; "" if they are nowhere to be found
  std::string state_directory;  ///< of clusters made by `skidpad up`
};

Installation find_installation();
/// Fakes and controllers of this build, and the host's etcd.
driver::process::Programs programs_of(const Installation& installation);
/// The same controllers, as programs of a simulated cluster.
std::map<std::string, runtime::sim::SimProgram> controller_programs();
/// The etcd server on PATH or where Debian puts it; "" if there is none.
std::string find_etcd();
std::string find_on_path(const std::string& program);

}  // namespace skidpad::cli

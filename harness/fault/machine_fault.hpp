/// @file machine_fault.hpp
/// Whole machines lose their power, their existence or their disk.
/// Promise: all targets at one moment as far as the provider can; heal() switches on what power_off switched off.
/// Not modelled: brown-outs and slow hardware. Witness: nobody answers on the machine's address.
#pragma once

#include "harness/fault/fault.hpp"

namespace skidpad::fault {

enum class MachineLoss { power_off, destroy, reinstall };

/// @param reinstall_with  for reinstall: what is put on the empty disk, by machine name.
std::unique_ptr<Fault> make_machine_fault(Scene scene, MachineLoss loss, std::vector<TargetMachine> targets,
                                          std::map<std::string, client::machines::InstallRequest> reinstall_with = {});

}  // namespace skidpad::fault

/// @file link_fault.hpp
/// Links between machines are cut, lose, delay, duplicate or reorder what crosses them, per direction.
/// Promise: after heal(), every link this fault changed works again but for what other faults do to it, and no other link has changed.
/// Not modelled: bandwidth. Needs from the driver: cut_links, shape_links. Witness: the switch's own counters of dropped,
/// lost, delayed, duplicated and reordered frames.
#pragma once

#include "harness/fault/fault.hpp"

namespace skidpad::fault {

struct LinkFaultOptions {
  std::string id;         ///< of the fault, unlike any other's
  client::machines::LinkRule rule;
  bool inbound = true;    ///< towards the targets
  bool outbound = true;   ///< from the targets
};

/// @param others  the far ends; links among the targets themselves stay as they are.
std::unique_ptr<Fault> make_link_fault(Scene scene, LinkFaultOptions options, std::vector<TargetMachine> targets,
                                       std::vector<TargetMachine> others);

}  // namespace skidpad::fault

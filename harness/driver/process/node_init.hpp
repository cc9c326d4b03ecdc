/// @file node_init.hpp
/// The first process of a machine: a tiny init that sets the machine up, keeps its units running and reaps orphans.
/// Promise: nothing of a machine outlives its node-init where machines are pid namespaces, and node-init does not outlive the
/// supervisor: it dies with it (PR_SET_PDEATHSIG) or when the control socket between them closes.
/// In loopback isolation node-init itself ends the whole tree below it when the control socket closes.
#pragma once

#include <string>
#include <vector>

namespace skidpad::driver::process {

/// Hidden verb `skidpad node-init --spec=FILE --control-fd=N`. Returns the exit code.
///
/// On the control socket (SOCK_SEQPACKET) it sends one JSON message, {"ready":true} with the machine's TAP device attached, or
/// {"error":TEXT}; it starts the units when the supervisor has answered with any message.
int node_init_main(const std::vector<std::string>& arguments);

}  // namespace skidpad::driver::process

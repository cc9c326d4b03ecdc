/// @file bootstrapper.hpp
/// `skidpad-bootstrap render | start | recover`: makes a control plane that hosts itself, and makes it again when it is lost.
/// Exit codes: 0 done, 1 failed (nothing temporary is left), 64 bad flags.
#pragma once

#include "harness/runtime/runtime.hpp"

namespace skidpad::controllers::bootstrapper {

runtime::Task<int> bootstrapper_main(runtime::Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::controllers::bootstrapper

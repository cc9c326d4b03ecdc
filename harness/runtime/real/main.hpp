/// @file main.hpp
/// main() of every fake and controller.
#pragma once

#include "harness/runtime/runtime.hpp"

namespace skidpad::runtime {

/// Runs a program to its end in a RealRuntime. Returns its exit code; 0 if SIGTERM or SIGINT ended it; 1 and "error: ..." on
/// standard error for wrong flags and anything else thrown, as the real components do.
int run_program(int argument_count, char** arguments, Program program);
/// The same for a component of Kubernetes, which says "Kubernetes v1.32.13" to --version ($SKIDPAD_VERSION, where it is set).
int run_kubernetes_component(int argument_count, char** arguments, Program program);

}  // namespace skidpad::runtime

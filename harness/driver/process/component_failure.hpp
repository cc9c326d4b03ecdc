/// @file component_failure.hpp
/// Finds the program that keeps a cluster from coming up: one that ends soon after each of its starts. A machine's units are told by
/// node-init (unit-NAME.json in the machine's directory), containers of static pods by the states that our kubelets keep on their disks.
/// Limits: what a real kubelet runs is known to its container runtime alone, and is not seen here.
#pragma once

#include <chrono>
#include <optional>

#include "harness/driver/driver.hpp"

namespace skidpad::driver::process {

/// A program that lived shorter than this has not begun its work.
inline constexpr std::chrono::seconds short_life{5};
/// So many short lives in a row are no accident of the start, where components wait for each other.
inline constexpr int short_lives_max = 3;

/// Where node-init writes how often a unit ended soon after its start: {"short_lives": 2, "how": "exit code 1"}.
std::string unit_record_path(const std::string& machine_directory, const std::string& unit);

/// @param machines_directory  holds one directory per machine
std::optional<ComponentFailure> find_component_failure(const std::string& machines_directory);

}  // namespace skidpad::driver::process

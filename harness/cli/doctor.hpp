/// @file doctor.hpp
/// `skidpad doctor`: what this machine can do, what is missing, and the command that mends it.
#pragma once

#include "harness/cli/installation.hpp"

namespace skidpad::cli {

/// One line for each finding on standard output. 0 if nothing that `skidpad run` needs is missing, else 1.
/// @param assets  DIR whose real binaries are listed too, each asked for its version; "" = none. 1 if one of them cannot be used.
int doctor(const Installation& installation, const std::string& assets);

}  // namespace skidpad::cli

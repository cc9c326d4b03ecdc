/// @file command.hpp
/// How a program says that it cannot go on.
#pragma once

#include <string>

namespace skidpad::runtime {

class Runtime;

/// Logs `command_failed` with the reason; the exit code is what the program returns then.
int command_failed(Runtime& runtime, const std::string& why, int exit_code = 1);

}  // namespace skidpad::runtime

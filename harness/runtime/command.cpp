#include "harness/runtime/command.hpp"

#include "harness/runtime/runtime.hpp"

namespace skidpad::runtime {

int command_failed(Runtime& runtime, const std::string& why, int exit_code) {
  runtime.log().error("command_failed", {{"error", why}});
  return exit_code;
}

}  // namespace skidpad::runtime

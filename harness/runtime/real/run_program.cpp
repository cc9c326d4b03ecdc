#include "harness/runtime/real/main.hpp"

#include <cstdio>

#include "harness/runtime/real/real_runtime.hpp"

namespace skidpad::runtime {

int run_program(int argument_count, char** arguments, Program program) {
  RealRuntimeOptions options;
  options.program = argument_count > 0 ? file_name(arguments[0]) : "skidpad";
  options.stops_on_signal = true;
  std::string complaint;
  try {
    RealRuntime runtime(options);
    std::vector<std::string> rest(arguments + std::min(argument_count, 1), arguments + argument_count);
    return runtime.run_until_complete(program(runtime, std::move(rest)));
  } catch (const Cancelled&) {
    return 0;
  } catch (const std::exception& failure) {  // UsageError among them
    complaint = failure.what();
  }
  std::fprintf(stderr, "error: %s\n", complaint.c_str());
  return 1;
}

}  // namespace skidpad::runtime

#include "harness/runtime/real/main.hpp"

#include <cstdio>
#include <cstdlib>

#include "harness/runtime/real/memory.hpp"
#include "harness/runtime/real/real_runtime.hpp"

namespace skidpad::runtime {
namespace {

/// Gives memory back once the program's start is over: after 6, 12 and 60 seconds, since a busy machine starts slowly.
class IdleTrim final : public TimerNode {
 public:
  explicit IdleTrim(RealRuntime& runtime) : runtime_(runtime) { arm(); }
  void fire() override {
    give_back_memory();
    if (next_ < std::size(waits)) arm();
  }

 private:
  static constexpr std::chrono::seconds waits[] = {std::chrono::seconds(6), std::chrono::seconds(6), std::chrono::seconds(48)};
  void arm() { runtime_.timers().arm(*this, runtime_.now() + waits[next_++]); }
  RealRuntime& runtime_;
  std::size_t next_ = 0;
};

}  // namespace

int run_program(int argument_count, char** arguments, Program program) {
  RealRuntimeOptions options;
  options.program = argument_count > 0 ? file_name(arguments[0]) : "skidpad";
  options.stops_on_signal = true;
  std::string complaint;
  try {
    RealRuntime runtime(options);
    IdleTrim trim(runtime);
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

int run_kubernetes_component(int argument_count, char** arguments, Program program) {
  for (int i = 1; i < argument_count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument != "--version" && argument != "--version=true") continue;
    const char* version = std::getenv("SKIDPAD_VERSION");
    std::printf("Kubernetes %s\n", version == nullptr || *version == 0 ? "v1.32.13" : version);
    return 0;
  }
  return run_program(argument_count, arguments, std::move(program));
}

}  // namespace skidpad::runtime

/// @file real_processes.hpp
/// Processes of this machine, watched through pidfds.
/// Promise: each is the leader of a session of its own and survives its parent; a ProcessId never names a later process that
/// got the same number; nothing but the given environment, standard input from /dev/null and the output is inherited.
/// Limit: the exit code of an adopted process is known only if this process is its parent (or became it as subreaper).
#pragma once

#include "harness/runtime/interactive.hpp"
#include "harness/runtime/real/event_loop.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::runtime {

class RealProcesses final : public Processes, public InteractiveProcesses {
 public:
  explicit RealProcesses(EventLoop& loop) : loop_(loop), watchers_(never_stopped_) {}

  Result<std::unique_ptr<Process>> spawn(ProcessSpec spec) override;
  Result<std::unique_ptr<Process>> adopt(ProcessId id) override;
  Task<Result<Output>> run(ProcessSpec spec, std::size_t output_bytes_max) override;
  Result<std::unique_ptr<InteractiveProcess>> start(ProcessSpec spec, InteractiveOptions options) override;

 private:
  struct State;
  class RealProcess;
  static Task<void> watch(std::shared_ptr<State> state);
  /// Where the three standard descriptors come from; a terminal wins over all.
  struct Standard {
    int input = -1;  ///< /dev/null
    int output = -1;
    int error = -1;
    std::string terminal;
  };
  Result<std::unique_ptr<Process>> spawn_with(const ProcessSpec& spec, const Standard& standard);
  Result<std::unique_ptr<Process>> start_watching(ProcessId id, int pidfd);

  EventLoop& loop_;
  // Children are still to be waited for after SIGTERM, so the watchers do not stop with the program.
  StopState never_stopped_;
  TaskGroup watchers_;
};

}  // namespace skidpad::runtime

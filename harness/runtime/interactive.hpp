/// @file interactive.hpp
/// Commands that someone talks with while they run: input, two outputs, or a terminal (kubectl exec).
/// A capability: real processes have it, simulated ones do not, since simulated programs neither read input nor print.
///     auto* talks = dynamic_cast<InteractiveProcesses*>(&runtime.processes());
#pragma once

#include "harness/runtime/process.hpp"

namespace skidpad::runtime {

struct InteractiveOptions {
  bool input = false;     ///< else it reads the end of its input at once
  bool terminal = false;  ///< input and outputs are one terminal; read_error() ends at once
};

class InteractiveProcess {
 public:
  /// Ends the process with its descendants if it still runs.
  virtual ~InteractiveProcess() = default;
  /// What it printed; "" at the end. A descendant may hold it open longer than the process lives.
  virtual Task<std::string> read_output() = 0;
  virtual Task<std::string> read_error() = 0;
  /// connection_lost once nobody reads its input any more.
  virtual Task<Result<void>> write_input(std::string bytes) = 0;
  virtual void close_input() = 0;
  virtual void resize(int columns, int rows) = 0;
  virtual Task<ExitStatus> wait() = 0;
  virtual void signal(Signal signal) = 0;
};

class InteractiveProcesses {
 public:
  virtual ~InteractiveProcesses() = default;
  virtual Result<std::unique_ptr<InteractiveProcess>> start(ProcessSpec spec, InteractiveOptions options) = 0;
};

}  // namespace skidpad::runtime

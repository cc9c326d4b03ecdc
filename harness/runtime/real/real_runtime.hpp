/// @file real_runtime.hpp
/// The runtime of a real process: sockets, files, processes, OpenSSL, one event loop in one thread.
/// Environment it reads: SKIDPAD_SEED (decimal; otherwise random), SKIDPAD_LOG (least level, default info), SKIDPAD_HOST_NAME
/// (otherwise the kernel's), SKIDPAD_NODE_ADDRESS and SKIDPAD_NODE_NETWORK (see real_network.hpp).
#pragma once

#include "harness/runtime/real/event_loop.hpp"
#include "harness/runtime/real/json_log.hpp"
#include "harness/runtime/real/real_disk.hpp"
#include "harness/runtime/real/real_network.hpp"
#include "harness/runtime/real/real_pki.hpp"
#include "harness/runtime/real/real_processes.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::runtime {

struct RealRuntimeOptions {
  std::string program = "skidpad";      ///< as the log names it
  std::optional<std::uint64_t> seed;    ///< before SKIDPAD_SEED
  bool stops_on_signal = false;         ///< SIGTERM and SIGINT request stop(); a second one ends the process at once
  std::optional<LogLevel> log_level;    ///< before SKIDPAD_LOG
};

class RealRuntime final : public Runtime {
 public:
  RealRuntime() : RealRuntime(RealRuntimeOptions()) {}
  explicit RealRuntime(RealRuntimeOptions options);
  ~RealRuntime() override;
  RealRuntime(const RealRuntime&) = delete;

  /// Runs the task and everything it needs; rethrows what it throws, also Cancelled. May be called again.
  template <class T>
  T run_until_complete(Task<T> task) {
    std::optional<T> value;
    run_root(store(std::move(task), value));
    ASSERT(value.has_value());
    return std::move(*value);
  }
  void run_until_complete(Task<void> task) { run_root(std::move(task)); }

  Instant now() const override { return loop_.now(); }
  TimerQueue& timers() override { return loop_.timers(); }
  WallTime wall_now() const override;
  Random& random() override { return random_; }
  Network& network() override { return network_; }
  Disk& disk() override { return disk_; }
  Processes& processes() override { return processes_; }
  Pki& pki() override { return pki_; }
  Log& log() override { return log_; }
  StopState& stop() override { return stop_; }
  std::string host_name() const override { return host_name_; }
  std::string environment(const std::string& name) const override;
  EventLoop& loop() { return loop_; }

 private:
  template <class T>
  static Task<void> store(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await task);
  }
  void run_root(Task<void> task);

  StopState stop_;
  std::string host_name_;
  EventLoop loop_;
  Random random_;
  JsonLog log_;
  RealDisk disk_;
  RealNetwork network_;
  RealProcesses processes_;
  RealPki pki_;
};

}  // namespace skidpad::runtime

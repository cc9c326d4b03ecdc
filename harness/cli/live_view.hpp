/// @file live_view.hpp
/// Shows a run while it goes on: one line that changes in a terminal, plain lines elsewhere.
#pragma once

#include <string>

#include "harness/runtime/clock.hpp"
#include "harness/scenario/runner.hpp"

namespace skidpad::cli {

class LiveView final : public scenario::RunObserver {
 public:
  /// @param floor  what the timers allow at best, zero if none; shown beside the time since the fault.
  LiveView(runtime::Clock& clock, bool terminal, runtime::Duration floor);
  ~LiveView() override;
  void phase(std::string_view name) override;
  void status(const Json& status) override;
  void note(const std::string& text) override;

 private:
  std::string elapsed() const;
  void draw();
  void clear();
  runtime::Clock& clock_;
  bool terminal_;
  runtime::Duration floor_;
  runtime::Instant start_;
  std::string phase_;
  runtime::Instant faulted_{};
  bool faulted_known_ = false;
  Json status_;
  std::string last_plain_;
  std::size_t width_ = 0;
};

}  // namespace skidpad::cli

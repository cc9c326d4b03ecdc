/// @file recorder.hpp
/// Writes a run as it happens: operations when they end, events and samples at once.
/// Promise: after a SIGKILL everything recorded so far is readable; equal calls give equal bytes.
/// A failing disk does not stop the run: the first error is kept, and the run then ends unknown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "harness/history/record.hpp"
#include "harness/history/sink.hpp"

namespace skidpad::history {

class Recorder {
 public:
  /// The sinks outlive the recorder.
  Recorder(Sink& history, Sink& trace, Sink& metrics);

  void operation(const Operation& operation);
  void sample(const MetricSample& sample);

  /// Times must not go back; the recorder numbers events.
  void event(Duration time, std::string_view kind, std::string_view subject, Json fields = Json::object());

  // The vocabulary of the judge, typed: what each call means is in docs/run-directory.md.
  void run_started(Duration time);
  void run_ended(Duration time, std::string_view outcome, std::string_view reason);
  void phase(Duration time, std::string_view name);
  void steady_state(Duration time, std::string_view stage, bool ok, Json conditions = Json::array());
  /// Takes id, kind, process, targets and blast radius; the rest of the interval is recorded as it happens.
  void fault_injected(Duration time, const FaultInterval& fault);
  void fault_witness(Duration time, std::string_view id, const Witness& witness);
  void fault_healed(Duration time, std::string_view id);
  /// An object of a layer appeared, changed or went. `extra` may add node, holder, state and the like.
  void object(Duration time, std::string_view subject, std::string_view change, std::string_view layer, bool healthy,
              Json extra = Json::object());
  void kubernetes_event(Duration time, std::string_view involved, std::string_view reason, std::string_view message,
                        std::string_view source);
  void level(Duration time, std::string_view layer, std::int64_t healthy, std::int64_t wanted);
  void milestone(Duration time, std::string_view layer, std::string_view phase, std::string_view evidence);
  void remediation(Duration time, std::string_view node, std::string_view state, std::string_view reason);
  /// `left`: {"processes": ["1234 etcd"], "namespaces": [], ...}; empty lists mean looked and found nothing.
  void cleanup(Duration time, bool checked, Json left);

  const runtime::Result<void>& status() const { return status_; }
  std::uint64_t event_count() const { return sequence_; }

 private:
  void append(Sink& sink, const std::string& line);

  Sink& history_;
  Sink& trace_;
  Sink& metrics_;
  std::uint64_t sequence_ = 0;
  Duration last_time_{};
  runtime::Result<void> status_ = runtime::success();
};

}  // namespace skidpad::history

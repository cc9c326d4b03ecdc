#include "harness/history/recorder.hpp"

#include "harness/history/codec.hpp"

namespace skidpad::history {

Recorder::Recorder(Sink& history, Sink& trace, Sink& metrics) : history_(history), trace_(trace), metrics_(metrics) {}

void Recorder::append(Sink& sink, const std::string& line) {
  auto appended = sink.append(line);
  if (!appended && status_) status_ = std::move(appended);
}

void Recorder::operation(const Operation& operation) {
  ASSERT(!operation.returned || *operation.returned >= operation.call);
  ASSERT(operation.outcome != Outcome::ok || operation.returned);
  append(history_, encode(operation));
}

void Recorder::sample(const MetricSample& sample) { append(metrics_, encode(sample)); }

void Recorder::event(Duration time, std::string_view kind, std::string_view subject, Json fields) {
  ASSERT(time >= last_time_);
  ASSERT(fields.is_object());
  last_time_ = time;
  Event event;
  event.sequence = ++sequence_;
  event.time = time;
  event.kind = kind;
  event.subject = subject;
  event.fields = std::move(fields);
  append(trace_, encode(event));
}

void Recorder::run_started(Duration time) { event(time, event_kind::run_started, "run"); }

void Recorder::run_ended(Duration time, std::string_view outcome, std::string_view reason) {
  event(time, event_kind::run_ended, "run", {{"outcome", outcome}, {"reason", reason}});
}

void Recorder::phase(Duration time, std::string_view name) { event(time, event_kind::phase, name); }

void Recorder::steady_state(Duration time, std::string_view stage, bool ok, Json conditions) {
  ASSERT(stage == "before" || stage == "after");
  ASSERT(conditions.is_array());
  event(time, event_kind::steady_state, stage, {{"ok", ok}, {"conditions", std::move(conditions)}});
}

void Recorder::fault_injected(Duration time, const FaultInterval& fault) {
  event(time, event_kind::fault_injected, fault.id,
        {{"fault_kind", fault.kind}, {"process", fault.process}, {"targets", fault.targets}, {"blast_radius", fault.blast_radius}});
}

void Recorder::fault_witness(Duration time, std::string_view id, const Witness& witness) {
  event(time, event_kind::fault_witness, id,
        {{"witness", witness.name}, {"independent", witness.independent}, {"confirmed", witness.confirmed}, {"evidence", witness.evidence}});
}

void Recorder::fault_healed(Duration time, std::string_view id) { event(time, event_kind::fault_healed, id); }

void Recorder::object(Duration time, std::string_view subject, std::string_view change, std::string_view layer, bool healthy, Json extra) {
  extra["change"] = change;
  extra["layer"] = layer;
  extra["healthy"] = healthy;
  event(time, event_kind::object, subject, std::move(extra));
}

void Recorder::kubernetes_event(Duration time, std::string_view involved, std::string_view reason, std::string_view message,
                                std::string_view source) {
  event(time, event_kind::kubernetes_event, involved, {{"reason", reason}, {"message", message}, {"source", source}});
}

void Recorder::level(Duration time, std::string_view layer, std::int64_t healthy, std::int64_t wanted) {
  event(time, event_kind::level, layer, {{"healthy", healthy}, {"wanted", wanted}});
}

void Recorder::milestone(Duration time, std::string_view layer, std::string_view phase, std::string_view evidence) {
  event(time, event_kind::milestone, layer, {{"phase", phase}, {"evidence", evidence}});
}

void Recorder::remediation(Duration time, std::string_view node, std::string_view state, std::string_view reason) {
  event(time, event_kind::remediation, node, {{"state", state}, {"reason", reason}});
}

void Recorder::cleanup(Duration time, bool checked, Json left) {
  event(time, event_kind::cleanup, "run", {{"checked", checked}, {"left", std::move(left)}});
}

}  // namespace skidpad::history

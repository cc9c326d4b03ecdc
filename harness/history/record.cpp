#include "harness/history/record.hpp"

#include <algorithm>

namespace skidpad::history {

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok: return "ok";
    case Outcome::failed: return "failed";
    case Outcome::unknown: return "unknown";
  }
  ASSERT(false);
  return "";
}

std::vector<FaultInterval> fault_intervals(const std::vector<Event>& events) {
  std::vector<FaultInterval> faults;
  const auto find_fault = [&faults](std::string_view id) -> FaultInterval* {
    for (auto fault = faults.rbegin(); fault != faults.rend(); ++fault)
      if (fault->id == id) return &*fault;
    return nullptr;
  };
  for (const Event& event : events) {
    if (event.kind == event_kind::fault_injected) {
      FaultInterval fault;
      fault.id = event.subject;
      fault.kind = runtime::text_at(event.fields, {"fault_kind"});
      fault.process = runtime::text_at(event.fields, {"process"});
      for (const Json& target : runtime::list_at(event.fields, {"targets"})) fault.targets.push_back(target.get<std::string>());
      for (const Json& subject : runtime::list_at(event.fields, {"blast_radius"})) fault.blast_radius.push_back(subject.get<std::string>());
      if (fault.blast_radius.empty()) fault.blast_radius = fault.targets;
      fault.injected = event.time;
      faults.push_back(std::move(fault));
      continue;
    }
    FaultInterval* fault = find_fault(event.subject);
    if (!fault) continue;
    if (event.kind == event_kind::fault_witness) {
      Witness witness;
      witness.name = runtime::text_at(event.fields, {"witness"});
      witness.independent = runtime::bool_at(event.fields, {"independent"});
      witness.confirmed = runtime::bool_at(event.fields, {"confirmed"});
      witness.evidence = runtime::text_at(event.fields, {"evidence"});
      witness.time = event.time;
      fault->witnesses.push_back(std::move(witness));
    } else if (event.kind == event_kind::fault_healed && !fault->healed) {
      fault->healed = event.time;
    }
  }
  return faults;
}

std::vector<PhaseInterval> phase_intervals(const std::vector<Event>& events) {
  std::vector<PhaseInterval> phases;
  for (const Event& event : events) {
    if (event.kind != event_kind::phase) continue;
    if (!phases.empty()) phases.back().end = event.time;
    phases.push_back({event.subject, event.time, event.time});
  }
  if (!phases.empty()) phases.back().end = events.back().time;
  return phases;
}

Duration end_time(const RunRecord& record) {
  Duration end{};
  if (!record.events.empty()) end = record.events.back().time;
  for (const Operation& operation : record.operations) end = std::max(end, operation.returned.value_or(operation.call));
  for (const MetricSample& sample : record.metrics) end = std::max(end, sample.time);
  return end;
}

}  // namespace skidpad::history

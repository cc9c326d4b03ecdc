/// @file probes.hpp
/// What a user of the workload noticed: gaps, downtime, latency, from recorded probes.
/// A gap runs from the call of the first failed probe to the return of the first good one after it, so it never hides a
/// slow answer. Silence is time in which nobody probed: then nobody knows, and a verdict on it is unknown.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/history/record.hpp"

namespace skidpad::check {

using runtime::Duration;

struct Gap {
  Duration begin{};
  Duration end{};
  std::size_t probes_failed = 0;
  bool ended = false;            ///< false: still down when the record ends
  std::string first_error;
};

struct ProbeSummary {
  std::string probe;
  std::size_t sent = 0;
  std::size_t answered = 0;
  std::vector<Gap> gaps;
  Duration downtime{};           ///< the sum of the gaps
  Duration gap_longest{};
  Duration silence_longest{};    ///< between one call and the next
  Duration silence_begin{};
  Duration latency_p50{};        ///< of answered probes; zero when there are none
  Duration latency_p99{};
  Duration latency_max{};
};

/// Each probe's summary, by name. Only operations named "probe" count; a probe may have several clients.
std::vector<ProbeSummary> summarise_probes(std::span<const history::Operation> operations);

}  // namespace skidpad::check

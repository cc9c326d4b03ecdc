/// @file scraper.hpp
/// Collects the controllers' own metrics while a run lasts, as Prometheus would: samples, and `up` for each attempt.
#pragma once

#include "harness/history/recorder.hpp"
#include "harness/runtime/http/http_client.hpp"

namespace skidpad::workload {

using runtime::Duration;
using runtime::Instant;
using runtime::Runtime;
using runtime::Task;

struct ScrapeTarget {
  std::string job;                       ///< "node-healer"
  runtime::Endpoint at;
  friend auto operator<=>(const ScrapeTarget&, const ScrapeTarget&) = default;
};

struct ScraperOptions {
  Duration interval{};
  Duration timeout{};
  std::vector<std::string> prefixes;     ///< of the metrics that are kept
  /// The instances there are at the moment.
  std::function<std::vector<ScrapeTarget>()> targets;
};

/// Until stopped. Run time is counted from `start`.
Task<void> scrape(Runtime& runtime, history::Recorder& recorder, Instant start, ScraperOptions options);

}  // namespace skidpad::workload

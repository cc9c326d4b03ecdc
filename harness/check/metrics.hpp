/// @file metrics.hpp
/// Questions to scraped samples: how far a counter moved, and whether somebody answered all along.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/history/record.hpp"

namespace skidpad::check {

using runtime::Duration;
using Labels = std::map<std::string, std::string>;

/// How far a counter rose over the run, over all targets and all series that carry these labels.
/// A fall is a restart: counting goes on from zero. A series that appears later than the first scrape of all began at zero.
/// None when the counter was never scraped.
std::optional<double> counter_increase(std::span<const history::MetricSample> samples, std::string_view metric, const Labels& labels = {});

/// Time in which no target of a scrape job answered ("up" with label job).
struct JobDown {
  Duration begin{};
  Duration end{};
};
struct JobAvailability {
  std::size_t scrapes = 0;
  std::vector<JobDown> down;
  Duration down_longest{};
};
/// None when the job was never scraped.
std::optional<JobAvailability> job_availability(std::span<const history::MetricSample> samples, std::string_view job);

}  // namespace skidpad::check

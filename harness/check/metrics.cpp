#include "harness/check/metrics.hpp"

#include <algorithm>

namespace skidpad::check {
namespace {

using history::MetricSample;

bool carries(const MetricSample& sample, const Labels& labels) {
  return std::all_of(labels.begin(), labels.end(), [&sample](const auto& label) {
    const auto found = sample.labels.find(label.first);
    return found != sample.labels.end() && found->second == label.second;
  });
}

}  // namespace

std::optional<double> counter_increase(std::span<const MetricSample> samples, std::string_view metric, const Labels& labels) {
  if (samples.empty()) return std::nullopt;
  Duration first_scrape = samples.front().time;
  for (const MetricSample& sample : samples) first_scrape = std::min(first_scrape, sample.time);
  std::map<std::pair<std::string, Labels>, std::vector<const MetricSample*>> series;
  for (const MetricSample& sample : samples)
    if (sample.metric == metric && carries(sample, labels)) series[{sample.target, sample.labels}].push_back(&sample);
  if (series.empty()) return std::nullopt;
  double increase = 0;
  for (auto& [identity, points] : series) {
    std::stable_sort(points.begin(), points.end(), [](const MetricSample* a, const MetricSample* b) { return a->time < b->time; });
    double previous = points.front()->time > first_scrape ? 0 : points.front()->value;
    for (const MetricSample* point : points) {
      increase += point->value >= previous ? point->value - previous : point->value;
      previous = point->value;
    }
  }
  return increase;
}

std::optional<JobAvailability> job_availability(std::span<const MetricSample> samples, std::string_view job) {
  std::map<Duration, bool> answered_at;
  for (const MetricSample& sample : samples) {
    if (sample.metric != "up") continue;
    const auto label = sample.labels.find("job");
    if (label == sample.labels.end() || label->second != job) continue;
    answered_at[sample.time] |= sample.value >= 1;
  }
  if (answered_at.empty()) return std::nullopt;
  JobAvailability availability;
  availability.scrapes = answered_at.size();
  std::optional<JobDown> down;
  Duration previous = answered_at.begin()->first;
  for (const auto& [time, answered] : answered_at) {
    if (!answered) {
      if (!down) down = JobDown{previous, time};  // it was last seen at the scrape before
      down->end = time;
    } else if (down) {
      down->end = time;
      availability.down.push_back(*down);
      down.reset();
    }
    previous = time;
  }
  if (down) availability.down.push_back(*down);
  for (const JobDown& one : availability.down) availability.down_longest = std::max(availability.down_longest, one.end - one.begin);
  return availability;
}

}  // namespace skidpad::check

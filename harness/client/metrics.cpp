#include "harness/client/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace skidpad::client {

struct Metrics::State {
  prometheus::Registry registry;
  std::map<std::string, std::string> help;
  std::map<std::string, prometheus::Family<prometheus::Counter>*> counters;
  std::map<std::string, prometheus::Family<prometheus::Gauge>*> gauges;
  std::map<std::string, prometheus::Family<prometheus::Histogram>*> histograms;
  std::vector<std::function<void(Metrics&)>> collectors;
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::describe(const std::string& name, const std::string& help) { state_->help[name] = help; }

void Metrics::count(const std::string& name, const Labels& labels, double by) {
  auto& family = state_->counters[name];
  if (family == nullptr) family = &prometheus::BuildCounter().Name(name).Help(state_->help[name]).Register(state_->registry);
  family->Add(labels).Increment(by);
}

void Metrics::set(const std::string& name, double value, const Labels& labels) {
  auto& family = state_->gauges[name];
  if (family == nullptr) family = &prometheus::BuildGauge().Name(name).Help(state_->help[name]).Register(state_->registry);
  family->Add(labels).Set(value);
}

void Metrics::observe(const std::string& name, double value, const Labels& labels, const std::vector<double>& buckets) {
  auto& family = state_->histograms[name];
  if (family == nullptr) family = &prometheus::BuildHistogram().Name(name).Help(state_->help[name]).Register(state_->registry);
  family->Add(labels, buckets).Observe(value);
}

void Metrics::add_collector(std::function<void(Metrics&)> collector) { state_->collectors.push_back(std::move(collector)); }

std::string Metrics::text() {
  for (const auto& collector : state_->collectors) collector(*this);
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

const std::vector<double>& Metrics::default_buckets() {
  static const std::vector<double> buckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  return buckets;
}

}  // namespace skidpad::client

/// @file metrics.hpp
/// A program's own Prometheus metrics: counters, gauges and histograms by name, written in the text format.
/// Hides prometheus-cpp. Names and labels follow the real components where there is one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace skidpad::client {

class Metrics {
 public:
  using Labels = std::map<std::string, std::string>;
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;

  /// Names a metric's help text; without it the help is empty. Before the first use of the name.
  void describe(const std::string& name, const std::string& help);
  void count(const std::string& name, const Labels& labels = {}, double by = 1);
  void set(const std::string& name, double value, const Labels& labels = {});
  /// The buckets of the first call for a name hold for it.
  void observe(const std::string& name, double value, const Labels& labels = {}, const std::vector<double>& buckets = default_buckets());
  /// Called before each text(): sets gauges that are only known then.
  void add_collector(std::function<void(Metrics&)> collector);
  /// text/plain; version=0.0.4
  std::string text();
  static const std::vector<double>& default_buckets();  ///< Prometheus' own: 5 ms to 10 s

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace skidpad::client

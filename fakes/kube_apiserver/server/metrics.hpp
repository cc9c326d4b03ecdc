/// @file metrics.hpp
/// The counters of /metrics under the real server's names. Hot counters are plain numbers; text is made only when scraped.
#pragma once

#include <array>
#include <map>
#include <string>

#include "harness/runtime/time.hpp"

namespace skidpad::fakes::kube_apiserver {

class Store;

class Metrics {
 public:
  void request_done(const std::string& verb, const std::string& group, const std::string& version, const std::string& resource, const std::string& subresource,
                    const std::string& scope, int code, runtime::Duration took, std::size_t response_bytes);
  void watch_event(const std::string& group, const std::string& version, const std::string& kind) { ++watch_events_[{group, version, kind}]; }
  /// Prometheus' text format.
  std::string text(Store& store) const;

  std::int64_t inflight_reading = 0;
  std::int64_t inflight_writing = 0;
  std::map<std::string, std::int64_t> longrunning;  ///< watches by resource

 private:
  static constexpr std::array<double, 10> seconds_bounds = {0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  static constexpr std::array<double, 6> bytes_bounds = {1000, 10000, 100000, 1000000, 10000000, 100000000};
  struct Labels {
    std::string verb, group, version, resource, subresource, scope;
    auto operator<=>(const Labels&) const = default;
  };
  struct Series {
    std::map<int, std::uint64_t> by_code;
    std::array<std::uint64_t, seconds_bounds.size() + 1> seconds_buckets{};
    double seconds_sum = 0;
    std::array<std::uint64_t, bytes_bounds.size() + 1> bytes_buckets{};
    double bytes_sum = 0;
    std::uint64_t count = 0;
  };
  std::map<Labels, Series> requests_;
  std::map<std::array<std::string, 3>, std::uint64_t> watch_events_;
};

}  // namespace skidpad::fakes::kube_apiserver

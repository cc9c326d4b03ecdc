/// @file metrics_text.hpp
/// Reads the Prometheus text exposition format 0.0.4.
/// Promise: strict; anything malformed is one error with its line. Timestamps are accepted and dropped; HELP and TYPE are skipped.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/runtime/result.hpp"

namespace skidpad::workload {

struct MetricLine {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

/// @param source  begins the error's text: "SOURCE:LINE: ...".
runtime::Result<std::vector<MetricLine>> parse_metrics(std::string_view text, std::string_view source);

}  // namespace skidpad::workload

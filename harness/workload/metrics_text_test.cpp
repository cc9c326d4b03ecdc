#include "harness/workload/metrics_text.hpp"

#include <gtest/gtest.h>

namespace skidpad::workload {
namespace {

TEST(MetricsText, ReadsWhatPrometheusClientsWrite) {
  const auto metrics = parse_metrics(
      "# HELP up Whether.\n# TYPE up gauge\nup 1\n\n"
      "requests_total{code=\"200\",path=\"/a\\\"b\\\\c\\n\"} 1.5e3 1700000000000\nlast{} +Inf\r\n",
      "test");
  ASSERT_TRUE(metrics.has_value());
  ASSERT_EQ(metrics.value().size(), 3U);
  EXPECT_EQ(metrics.value()[1].labels.at("path"), "/a\"b\\c\n");
  EXPECT_EQ(metrics.value()[1].value, 1500);
}

TEST(MetricsText, RefusesMalformedLinesWithTheirPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"up\n", "test:1: column 3: expected a number"},
      {"ok 1\n1up 2\n", "test:2: column 1: expected a metric name"},
      {"up{a=\"b\" 1\n", "test:1: column 10: expected ',' or '}'"},
      {"up{a=b} 1\n", "test:1: column 6: expected '\"'"},
      {"up{a=\"b\n", "test:1: column 8: expected '\"'"},
      {"up{a=\"1\",a=\"2\"} 1\n", "test:1: column 15: expected each label once"},
      {"up 1 2 3\n", "test:1: column 8: expected the end of the line"},
      {"up{a=\"\\x\"} 1\n", "test:1: column 8: expected an escape: \\\\, \\\" or \\n"},
  };
  for (const auto& [text, message] : cases) {
    const auto metrics = parse_metrics(text, "test");
    ASSERT_FALSE(metrics.has_value()) << text;
    EXPECT_EQ(metrics.error().message, message);
  }
}

}  // namespace
}  // namespace skidpad::workload

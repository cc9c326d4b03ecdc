#include <algorithm>
#include <cmath>
#include <set>

#include "reports/escape.hpp"
#include "reports/html_parts.hpp"

namespace skidpad::reports {
namespace {

using history::MetricSample;

constexpr std::size_t charts_max = 9;
constexpr std::size_t series_max = 6;
constexpr const char* series_colours[] = {"--s1", "--s2", "--s3", "--s4", "--s5", "--s6"};
constexpr const char* series_dashes[] = {"", "6 3", "2 3", "8 3 2 3", "4 2", "1 2"};

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;
};
struct Chart {
  std::string metric;
  std::string unit;
  std::vector<Series> series;
  std::size_t series_left_out = 0;
  double interest = 0;
};

bool is_counter(const std::string& metric) { return metric.ends_with("_total") || metric.ends_with("_count") || metric.ends_with("_sum"); }

/// Counters that hardly ever move say more as a count than as a rate.
bool as_rate(const Chart& chart) {
  if (!is_counter(chart.metric)) return false;
  double rise = 0;
  for (const Series& series : chart.series)
    if (!series.points.empty()) rise = std::max(rise, series.points.back().second - series.points.front().second);
  return rise > 20;
}

void turn_into_rate(Chart& chart) {
  chart.unit = "per second";
  for (Series& series : chart.series) {
    std::vector<std::pair<double, double>> rates;
    for (std::size_t i = 1; i < series.points.size(); ++i) {
      const double elapsed = series.points[i].first - series.points[i - 1].first;
      const double rise = series.points[i].second - series.points[i - 1].second;
      if (elapsed > 0) rates.emplace_back(series.points[i].first, std::max(rise, 0.0) / elapsed);
    }
    series.points = std::move(rates);
  }
}

/// What a reader looks for first; then whatever moved most, seen relative to its size.
double interest_of(const Chart& chart) {
  static const std::pair<const char*, double> wanted[] = {{"remediations_total", 100}, {"leader_election_master_status", 90}, {"etcd_server_has_leader", 80},
                                                          {"workqueue_depth", 70},     {"apiserver_request_total", 60},       {"process_resident_memory_bytes", 40}};
  double interest = 0;
  for (const auto& [name, weight] : wanted)
    if (chart.metric.ends_with(name)) interest = weight;
  for (const Series& series : chart.series) {
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (const auto& [time, value] : series.points) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
    if (high > low) interest = std::max(interest, 30 * (high - low) / std::max({std::fabs(high), std::fabs(low), 1e-9}) * (interest > 0 ? 0 : 1) + interest);
  }
  return interest;
}

std::string quantity(double value, const std::string& metric) {
  if (metric.find("bytes") != std::string::npos) {
    if (std::fabs(value) >= 1 << 20) return decimal(value / (1 << 20), 1) + " MiB";
    if (std::fabs(value) >= 1 << 10) return decimal(value / (1 << 10), 1) + " KiB";
  }
  if (std::fabs(value) >= 1e6) return decimal(value / 1e6, 1) + " M";
  if (std::fabs(value) >= 1e4) return decimal(value / 1e3, 1) + " k";
  return decimal(value, std::fabs(value) < 1 ? 3 : std::fabs(value) < 100 ? 2 : 0);
}

std::vector<Chart> charts_of(const history::RunRecord& record) {
  std::map<std::string, std::map<std::string, std::vector<std::pair<double, double>>>> metrics;
  for (const MetricSample& sample : record.metrics) {
    if (!std::isfinite(sample.value) || sample.metric.ends_with("_bucket") || sample.metric == "up") continue;
    std::string series = sample.target;
    for (const auto& [label, value] : sample.labels)
      if (label != "job" && label != "instance") series += " " + label + "=" + value;
    metrics[sample.metric][series].emplace_back(runtime::seconds(sample.time), sample.value);
  }
  std::vector<Chart> charts;
  for (auto& [metric, by_series] : metrics) {
    Chart chart;
    chart.metric = metric;
    for (auto& [name, points] : by_series) {
      std::stable_sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      if (chart.series.size() < series_max) chart.series.push_back({name, std::move(points)});
      else ++chart.series_left_out;
    }
    if (as_rate(chart)) turn_into_rate(chart);
    chart.interest = interest_of(chart);
    charts.push_back(std::move(chart));
  }
  std::stable_sort(charts.begin(), charts.end(), [](const Chart& a, const Chart& b) { return a.interest > b.interest; });
  std::erase_if(charts, [](const Chart& chart) { return chart.interest <= 0; });
  if (charts.size() > charts_max) charts.resize(charts_max);
  return charts;
}

std::string draw(const Chart& chart, double begin, double end, const check::Judgement& judgement) {
  constexpr double width = 340, height = 120, left = 60, right = 10, top = 8, bottom = 20;
  double low = 0, high = -HUGE_VAL, lowest = HUGE_VAL;
  for (const Series& series : chart.series)
    for (const auto& [time, value] : series.points) {
      high = std::max(high, value);
      lowest = std::min(lowest, value);
    }
  if (high == -HUGE_VAL) return "";
  low = std::min(0.0, lowest);
  if (high <= low) high = low + 1;
  const auto x = [&](double time) { return left + (time - begin) / (end - begin) * (width - left - right); };
  const auto y = [&](double value) { return height - bottom - (value - low) / (high - low) * (height - top - bottom); };
  std::string body;
  for (const double value : {low, (low + high) / 2, high})
    body += "<line class=\"grid\" x1=\"" + decimal(left, 1) + "\" x2=\"" + decimal(width - right, 1) + "\" y1=\"" + decimal(y(value), 1) + "\" y2=\"" + decimal(y(value), 1) + "\"/><text class=\"soft small\" x=\"" + decimal(left - 6, 1) + "\" y=\"" + decimal(y(value) + 4, 1) + "\" text-anchor=\"end\">" + escape(quantity(value, chart.metric)) + "</text>";
  const double step = axis_step(end - begin, 6);
  for (double tick = std::ceil(begin / step) * step; tick <= end; tick += step)
    body += "<text class=\"faint small\" x=\"" + decimal(x(tick), 1) + "\" y=\"" + decimal(height - 5, 1) + "\" text-anchor=\"middle\">" + axis_label(tick, step) + "</text>";
  for (const history::FaultInterval& fault : judgement.faults) {
    const double at = x(runtime::seconds(fault.injected));
    body += "<line x1=\"" + decimal(at, 1) + "\" x2=\"" + decimal(at, 1) + "\" y1=\"" + decimal(top, 1) + "\" y2=\"" + decimal(height - bottom, 1) + "\" style=\"stroke:var(--fail);stroke-dasharray:2 3\"/>";
  }
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    std::string path;
    const auto& points = chart.series[i].points;
    const std::size_t stride = std::max<std::size_t>(1, points.size() / 600);
    for (std::size_t j = 0; j < points.size(); j += stride) {
      const bool stepped = is_counter(chart.metric) && chart.unit.empty() && j > 0;
      if (stepped) path += "H" + decimal(x(points[j].first), 1) + "V" + decimal(y(points[j].second), 1);
      else path += (j == 0 ? "M" : "L") + decimal(x(points[j].first), 1) + " " + decimal(y(points[j].second), 1);
    }
    body += "<path d=\"" + path + "\" fill=\"none\" style=\"stroke:var(" + series_colours[i] + ");stroke-width:1.7;stroke-dasharray:" + (*series_dashes[i] ? series_dashes[i] : "none") + "\"><title>" + escape(chart.series[i].name) + "</title></path>";
  }
  std::string legend = "<ul class=\"legend\">";
  for (std::size_t i = 0; i < chart.series.size(); ++i)
    legend += std::string("<li><svg viewBox=\"0 0 16 12\" aria-hidden=\"true\"><line x2=\"16\" y1=\"6\" y2=\"6\" style=\"stroke:var(") + series_colours[i] + ");stroke-width:2.4;stroke-dasharray:" + (*series_dashes[i] ? series_dashes[i] : "none") + "\"/></svg>" + escape(chart.series[i].name) + "</li>";
  if (chart.series_left_out > 0) legend += "<li>and " + std::to_string(chart.series_left_out) + " more</li>";
  return "<div class=\"chart\"><h3 class=\"mono\">" + escape(chart.metric) + (chart.unit.empty() ? "" : " <span class=\"unit\">" + escape(chart.unit) + "</span>") + "</h3><svg viewBox=\"0 0 340 120\" role=\"img\" aria-label=\"" +
         escape(chart.metric + ", from " + quantity(lowest, chart.metric) + " to " + quantity(high, chart.metric)) + "\">" + body + "</svg>" + legend + "</ul></div>";
}

}  // namespace

std::string metric_charts(const history::RunRecord& record, const check::Judgement& judgement) {
  if (record.metrics.empty()) return "";
  double begin = HUGE_VAL, end = -HUGE_VAL;
  for (const MetricSample& sample : record.metrics) {
    begin = std::min(begin, runtime::seconds(sample.time));
    end = std::max(end, runtime::seconds(sample.time));
  }
  if (end <= begin) end = begin + 1;
  std::string charts;
  for (const Chart& chart : charts_of(record)) charts += draw(chart, begin, end, judgement);
  return charts.empty() ? "" : "<div class=\"charts\">" + charts + "</div>";
}

}  // namespace skidpad::reports

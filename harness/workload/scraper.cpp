#include "harness/workload/scraper.hpp"

#include "harness/workload/metrics_text.hpp"

namespace skidpad::workload {
namespace {

using runtime::Result;

Task<Result<std::vector<MetricLine>>> scrape_once(Runtime& runtime, ScrapeTarget target, Duration timeout) {
  runtime::HttpClientOptions options;
  options.servers.push_back(target.at);
  options.connect_timeout = options.request_timeout = timeout;
  runtime::HttpClient client(runtime, std::move(options));
  runtime::HttpRequest request;
  request.target = "/metrics";
  auto response = co_await client.request(std::move(request));
  if (!response) co_return response.error();
  if (response.value().status != 200) {
    co_return runtime::Error(runtime::ErrorCode::unavailable, "/metrics answered " + std::to_string(response.value().status));
  }
  co_return parse_metrics(response.value().body, runtime::to_text(target.at) + "/metrics");
}

}  // namespace

Task<void> scrape(Runtime& runtime, history::Recorder& recorder, Instant start, ScraperOptions options) {
  for (;;) {
    const Instant begun = runtime.now();
    for (const ScrapeTarget& target : options.targets()) {
      auto metrics = co_await scrape_once(runtime, target, options.timeout);
      history::MetricSample sample;
      sample.time = runtime.now() - start;
      sample.target = runtime::to_text(target.at);
      sample.metric = "up";
      sample.labels = {{"job", target.job}};
      sample.value = metrics ? 1 : 0;
      recorder.sample(sample);
      if (!metrics) continue;
      for (MetricLine& line : metrics.value()) {
        const bool kept = std::any_of(options.prefixes.begin(), options.prefixes.end(), [&](const std::string& prefix) { return line.name.starts_with(prefix); });
        if (!kept) continue;
        sample.metric = std::move(line.name);
        sample.labels = std::move(line.labels);
        sample.labels.emplace("job", target.job);
        sample.value = line.value;
        recorder.sample(sample);
      }
    }
    co_await runtime.sleep_until(std::max(begun + options.interval, runtime.now()));
  }
}

}  // namespace skidpad::workload

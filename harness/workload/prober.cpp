#include "harness/workload/prober.hpp"

namespace skidpad::workload {

using runtime::Error;
using runtime::ErrorCode;

void ProbeTally::add(Duration returned, bool answered) { probes_.push_back(Probe{returned, answered}); }

ProbeTally::Count ProbeTally::since(Duration time) const {
  while (!probes_.empty() && probes_.front().returned < time) probes_.pop_front();
  Count count;
  count.sent = probes_.size();
  for (const Probe& probe : probes_) count.answered += probe.answered ? 1 : 0;
  return count;
}

Task<void> probe(Runtime& runtime, history::Recorder& recorder, Instant start, ProbeSchedule schedule, ProbeTally& tally, Question question) {
  for (;;) {
    const Instant begun = runtime.now();
    auto asking = question();
    auto answer = co_await runtime::with_timeout<void>(runtime, schedule.timeout, std::move(asking), "probe " + schedule.name);
    history::Operation operation;
    operation.client = "probe-" + schedule.name;
    operation.workload = schedule.name;
    operation.operation = "probe";
    operation.target = schedule.target;
    operation.call = begun - start;
    operation.returned = runtime.now() - start;
    operation.outcome = answer ? history::Outcome::ok : history::Outcome::failed;
    if (!answer) operation.error = answer.error().message;
    recorder.operation(operation);
    tally.add(*operation.returned, answer.has_value());
    co_await runtime.sleep_until(std::max(begun + schedule.interval, runtime.now()));
  }
}

namespace {

runtime::HttpClientOptions fresh_connections(std::vector<runtime::Endpoint> servers, Duration timeout) {
  runtime::HttpClientOptions options;
  options.servers = std::move(servers);
  options.request_timeout = timeout;
  options.connect_timeout = timeout / 3;
  options.idle_connections_max = 0;
  return options;
}

}  // namespace

HttpQuestion::HttpQuestion(Runtime& runtime, std::vector<runtime::Endpoint> servers, std::string path, Duration timeout)
    : path_(std::move(path)), client_(runtime, fresh_connections(std::move(servers), timeout)) {}

Task<Result<void>> HttpQuestion::ask() {
  runtime::HttpRequest request;
  request.target = path_;
  auto response = co_await client_.request(std::move(request));
  if (!response) co_return response.error();
  const int status = response.value().status;
  if (status < 200 || status > 299) co_return Error(ErrorCode::unavailable, "answered " + std::to_string(status));
  co_return runtime::success();
}

}  // namespace skidpad::workload

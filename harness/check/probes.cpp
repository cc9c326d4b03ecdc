#include "harness/check/probes.hpp"

#include <algorithm>

namespace skidpad::check {
namespace {

using history::Operation;

/// Nearest rank: the least latency that at least so many percent do not exceed.
Duration percentile(const std::vector<Duration>& sorted, std::size_t percent) {
  if (sorted.empty()) return Duration::zero();
  const std::size_t rank = (sorted.size() * percent + 99) / 100;
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

ProbeSummary summarise(std::string probe, std::vector<const Operation*> calls) {
  std::stable_sort(calls.begin(), calls.end(), [](const Operation* a, const Operation* b) { return a->call < b->call; });
  ProbeSummary summary;
  summary.probe = std::move(probe);
  std::vector<Duration> latencies;
  Duration last_call = calls.front()->call;
  Duration record_end{};
  for (const Operation* operation : calls) {
    record_end = std::max(record_end, operation->returned.value_or(operation->call));
    if (operation->call - last_call > summary.silence_longest) {
      summary.silence_longest = operation->call - last_call;
      summary.silence_begin = last_call;
    }
    last_call = operation->call;
    ++summary.sent;
    if (operation->outcome == history::Outcome::ok) {
      ++summary.answered;
      latencies.push_back(*operation->returned - operation->call);
      if (!summary.gaps.empty() && !summary.gaps.back().ended) {
        summary.gaps.back().end = *operation->returned;
        summary.gaps.back().ended = true;
      }
      continue;
    }
    if (summary.gaps.empty() || summary.gaps.back().ended) {
      Gap gap;
      // Several clients: a failed probe may have been called before the last gap ended.
      gap.begin = summary.gaps.empty() ? operation->call : std::max(operation->call, summary.gaps.back().end);
      gap.first_error = operation->error;
      summary.gaps.push_back(std::move(gap));
    }
    ++summary.gaps.back().probes_failed;
  }
  if (!summary.gaps.empty() && !summary.gaps.back().ended) summary.gaps.back().end = std::max(record_end, summary.gaps.back().begin);
  for (const Gap& gap : summary.gaps) {
    summary.downtime += gap.end - gap.begin;
    summary.gap_longest = std::max(summary.gap_longest, gap.end - gap.begin);
  }
  std::sort(latencies.begin(), latencies.end());
  summary.latency_p50 = percentile(latencies, 50);
  summary.latency_p99 = percentile(latencies, 99);
  summary.latency_max = latencies.empty() ? Duration::zero() : latencies.back();
  return summary;
}

}  // namespace

std::vector<ProbeSummary> summarise_probes(std::span<const Operation> operations) {
  std::map<std::string, std::vector<const Operation*>> by_probe;
  for (const Operation& operation : operations)
    if (operation.operation == "probe") by_probe[operation.workload].push_back(&operation);
  std::vector<ProbeSummary> summaries;
  for (auto& [probe, calls] : by_probe) summaries.push_back(summarise(probe, std::move(calls)));
  return summaries;
}

}  // namespace skidpad::check

#include "controllers/node_healer/settings.hpp"

#include <charconv>

namespace skidpad::controllers::node_healer {

using runtime::Error;
using runtime::ErrorCode;

namespace {

bool read_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

}  // namespace

Result<UnhealthyLimit> UnhealthyLimit::parse(std::string_view text) {
  UnhealthyLimit limit(0, 0);
  bool good = false;
  const std::size_t slash = text.find('/');
  if (text.ends_with('%')) {
    good = read_number(text.substr(0, text.size() - 1), limit.numerator_);
    limit.denominator_ = 100;
  } else if (slash != std::string_view::npos) {
    good = read_number(text.substr(0, slash), limit.numerator_) && read_number(text.substr(slash + 1), limit.denominator_) && limit.denominator_ > 0;
  } else {
    good = read_number(text, limit.numerator_);
  }
  constexpr std::uint64_t number_max = 1'000'000'000;  // so that allowed() cannot overflow
  good = good && limit.numerator_ <= number_max && limit.denominator_ <= number_max;
  if (good && limit.denominator_ > 0) good = limit.numerator_ <= limit.denominator_;
  if (!good) return Error(ErrorCode::invalid, "--max-unhealthy=" + std::string(text) + ": expected a count such as \"2\" or a share such as \"40%\" or \"2/5\"");
  return limit;
}

std::size_t UnhealthyLimit::allowed(std::size_t worker_count) const {
  const std::uint64_t rounded = denominator_ == 0 ? numerator_ : worker_count * numerator_ / denominator_;
  return std::max<std::uint64_t>(1, rounded);
}

void Settings::add_to(runtime::Flags& flags) {
  host.add_to(flags);
  flags.add("provider", provider, "ADDRESS:PORT of the machine provider's API");
  flags.add("provider-token-file", provider_token_file, "file with the token for it");
  flags.add("worker-template", worker_template, "file with the machine (JSON, without a name) that a new worker is made from");
  flags.add("poll-interval", poll_interval, "how often to look when nothing happens");
  flags.add("unhealthy-after", policy.unhealthy_after, "a worker whose Ready is not True for so long is replaced");
  flags.add("never-joined-after", policy.never_joined_after, "a machine that has not become a Ready node by then has failed");
  flags.add("node-monitor-grace-period", policy.monitor_grace, "as kube-controller-manager's: nothing is started for so long after the API or a whole zone was away");
  flags.add("max-unhealthy", max_unhealthy, "with more unhealthy workers than this (40%, 2/5 or 2) nothing is started");
  flags.add("min-healthy-period", policy.healthy_min, "a replacement that is lost sooner counts as a failed one");
  flags.add("retry-period", policy.retry_first, "wait after the first failed replacement of a worker; doubles up to five minutes");
  flags.add("max-retry", policy.retry_count_max, "so many failed replacements of one worker in a row, and it is left alone");
  flags.add("paused", policy.paused, "look and report, but do nothing");
}

Result<void> Settings::complete() {
  TRY(policy.max_unhealthy, UnhealthyLimit::parse(max_unhealthy));
  const struct {
    const char* name;
    bool good;
  } conditions[] = {{"--provider is missing", !provider.empty()},
                    {"--worker-template is missing", !worker_template.empty()},
                    {"--poll-interval must be more than 0", poll_interval > Duration::zero()},
                    {"--unhealthy-after must not be negative", policy.unhealthy_after >= Duration::zero()},
                    {"--never-joined-after must be more than 0", policy.never_joined_after > Duration::zero()},
                    {"--node-monitor-grace-period must not be negative", policy.monitor_grace >= Duration::zero()},
                    {"--retry-period must not be negative", policy.retry_first >= Duration::zero()},
                    {"--max-retry must not be negative", policy.retry_count_max >= 0},
                    {"--metrics-port must be from 0 to 65535", host.metrics_port >= 0 && host.metrics_port <= 65535}};
  for (const auto& condition : conditions) {
    if (!condition.good) return Error(ErrorCode::invalid, condition.name);
  }
  return runtime::success();
}

}  // namespace skidpad::controllers::node_healer

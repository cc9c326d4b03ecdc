#include "harness/client/kubernetes/leader_elector.hpp"

#include "harness/client/kubernetes/event_recorder.hpp"

namespace skidpad::client {

using runtime::integer_at;
using runtime::TaskGroup;
using runtime::text_at;

namespace {

constexpr double retry_jitter_factor = 1.2;  // client-go's JitterFactor: waits retry_period to 2.2 times of it

std::string spec_text(const Json& node_lease) { return runtime::find(node_lease, {"spec"}).dump(); }

}  // namespace

LeaderElector::LeaderElector(KubernetesClient& client, LeaderElectionOptions options, EventRecorder* recorder)
    : client_(client), runtime_(client.runtime()), options_(std::move(options)), recorder_(recorder) {
  ASSERT(!options_.lease_name.empty());
  ASSERT(options_.lease_duration > options_.renew_deadline);
  ASSERT(options_.renew_deadline > options_.retry_period);
  if (options_.identity.empty()) options_.identity = runtime_.host_name() + "_" + runtime_.random().uuid();
}

bool LeaderElector::is_leader() const { return runtime_.now() < leads_until_; }

void LeaderElector::observe(Json lease_object) {
  std::string spec = spec_text(lease_object);
  if (spec != observed_spec_) {
    observed_spec_ = std::move(spec);
    observed_at_ = runtime_.now();
  }
  observed_holder_ = text_at(lease_object, {"spec", "holderIdentity"});
  observed_ = std::move(lease_object);
}

Task<Result<void>> LeaderElector::try_acquire_or_renew() {
  const Instant asked_at = runtime_.now();
  const WallTime wall = runtime_.wall_now();
  const bool renewing = is_leader() && observed_holder_ == options_.identity;
  if (!renewing) {
    auto current = co_await client_.get(types::leases, options_.lease_namespace, options_.lease_name);
    if (!current && current.error().code != ErrorCode::not_found) co_return current.error();
    if (!current) {
      Json fresh = Json::object();
      fresh["metadata"]["name"] = options_.lease_name;
      fresh["metadata"]["namespace"] = options_.lease_namespace;
      fresh["spec"] = wanted_spec(wall, wall, 0);
      auto created = co_await client_.create(types::leases, std::move(fresh));
      if (!created) co_return created.error();
      won(asked_at, std::move(created.value()));
      co_return runtime::success();
    }
    observe(std::move(current.value()));
  }
  // Whoever holds it keeps it until it has not changed for its whole duration, by our own clock.
  const bool ours = observed_holder_ == options_.identity;
  const Duration held_for = std::chrono::seconds(integer_at(observed_, {"spec", "leaseDurationSeconds"}));
  if (!ours && !observed_holder_.empty() && observed_at_ + held_for > runtime_.now()) {
    Error held(ErrorCode::conflict, "lease is held by " + observed_holder_ + " and has not yet expired");
    co_return held;
  }
  const std::int64_t transitions_before = integer_at(observed_, {"spec", "leaseTransitions"});
  const auto acquired = time_at(observed_, {"spec", "acquireTime"});
  const Instant sent_at = runtime_.now();
  Json wanted = observed_;
  wanted["spec"] = wanted_spec(ours && acquired ? *acquired : wall, wall, ours ? transitions_before : transitions_before + 1);
  auto updated = co_await client_.update(types::leases, std::move(wanted));
  if (!updated) {
    if (updated.error().code == ErrorCode::conflict && renewing) {
      // Someone wrote to it: look again, it may still be ours.
      auto current = co_await client_.get(types::leases, options_.lease_namespace, options_.lease_name);
      if (current) observe(std::move(current.value()));
    }
    co_return updated.error();
  }
  won(sent_at, std::move(updated.value()));
  co_return runtime::success();
}

Json LeaderElector::wanted_spec(WallTime acquired, WallTime renewed, std::int64_t transitions) const {
  Json spec = Json::object();
  spec["holderIdentity"] = options_.identity;
  spec["leaseDurationSeconds"] = std::chrono::ceil<std::chrono::seconds>(options_.lease_duration).count();
  spec["acquireTime"] = runtime::format_rfc3339_micro(acquired);
  spec["renewTime"] = runtime::format_rfc3339_micro(renewed);
  spec["leaseTransitions"] = transitions;
  return spec;
}

void LeaderElector::won(Instant sent_at, Json lease_object) {
  observe(std::move(lease_object));
  transitions_ = integer_at(observed_, {"spec", "leaseTransitions"});
  // Counted from before the request left: another's clock on this lease can only have started later.
  leads_until_ = sent_at + options_.renew_deadline;
}

Task<void> LeaderElector::acquire() {
  for (;;) {
    auto tried = co_await runtime::with_timeout<void>(runtime_, request_time(), try_acquire_or_renew(), "acquiring the lease");
    if (tried) co_return;
    if (tried.error().code == ErrorCode::timeout) client_.reconnect();
    Duration wait = runtime_.random().between(
        options_.retry_period,
        options_.retry_period + std::chrono::duration_cast<Duration>(options_.retry_period * retry_jitter_factor));
    // No need to sleep past the end of a lease that we see running out.
    const Instant expires = observed_at_ + std::chrono::seconds(integer_at(observed_, {"spec", "leaseDurationSeconds"}));
    const Duration spread = runtime_.random().between(Duration::zero(), options_.retry_period / 10);
    if (!observed_holder_.empty() && expires > runtime_.now()) wait = std::min(wait, expires + spread - runtime_.now());
    co_await runtime_.sleep_for(wait);
  }
}

Task<void> LeaderElector::renew_until_lost() {
  while (is_leader()) {
    co_await runtime_.sleep_for(std::min(options_.retry_period, leads_until_ - runtime_.now()));
    if (!is_leader()) break;
    const Instant due = std::min(leads_until_, runtime_.now() + request_time());
    auto renewed = co_await runtime::with_deadline<void>(runtime_, due, try_acquire_or_renew(), "renewing the lease");
    // A server that went silent: the next try must not wait on another old connection to it.
    if (!renewed && renewed.error().code == ErrorCode::timeout) client_.reconnect();
    if (!renewed && !observed_holder_.empty() && observed_holder_ != options_.identity) break;
  }
}

Task<Result<void>> LeaderElector::release() {
  if (observed_holder_ != options_.identity || !is_leader()) co_return runtime::success();
  const WallTime wall = runtime_.wall_now();
  Json free_lease = observed_;
  Json spec = wanted_spec(wall, wall, transitions_);
  spec["holderIdentity"] = "";
  spec["leaseDurationSeconds"] = 1;
  free_lease["spec"] = std::move(spec);
  leads_until_ = Instant{};
  auto released = co_await client_.update(types::leases, std::move(free_lease));
  if (!released) co_return released.error();
  observe(std::move(released.value()));
  co_return runtime::success();
}

Task<void> LeaderElector::run_lead(std::function<Task<void>()> lead, TaskGroup& group) {
  auto leading = lead();
  co_await std::move(leading);
  group.request_stop();
}

Task<void> LeaderElector::run_renewal(TaskGroup& group) {
  co_await renew_until_lost();
  leads_until_ = Instant{};
  group.request_stop();
}

Task<void> LeaderElector::run(std::function<Task<void>()> lead) {
  co_await acquire();
  if (recorder_ != nullptr) {
    recorder_->record(observed_, types::leases, EventType::normal, "LeaderElection", options_.identity + " became leader");
  }
  runtime::StopState& outer = co_await runtime::CurrentStop();
  {
    TaskGroup group(outer);
    group.spawn("lead", run_lead(std::move(lead), group));
    group.spawn("renew", run_renewal(group));
    co_await group.join();
  }
  if (options_.release_on_stop && is_leader()) {
    // We were asked to stop, so this last request needs a stop state that is not stopped yet.
    runtime::StopState last_words;
    last_words.gate = outer.gate;
    auto releasing = with_release_deadline();
    releasing.use_stop_state(last_words);
    co_await releasing;
  }
  leads_until_ = Instant{};
  if (outer.stop_requested()) throw runtime::Cancelled{};
}

Task<void> LeaderElector::with_release_deadline() {
  auto released = co_await runtime::with_timeout<void>(runtime_, options_.retry_period, release(), "releasing the lease");
  (void)released;  // it expires by itself
}

void LeaderElectionFlags::add_to(runtime::Flags& flags) {
  flags.add("leader-elect", leader_elect, "stand for leader before acting");
  flags.add("leader-elect-lease-duration", lease_duration, "a lease unchanged for so long may be taken");
  flags.add("leader-elect-renew-deadline", renew_deadline, "a leader that cannot renew for so long stops");
  flags.add("leader-elect-retry-period", retry_period, "wait between tries to acquire or renew");
  flags.add("leader-elect-resource-lock", resource_lock, "only leases");
  flags.add("leader-elect-resource-name", resource_name, "name of the Lease");
  flags.add("leader-elect-resource-namespace", resource_namespace, "namespace of the Lease");
}

LeaderElectionOptions LeaderElectionFlags::options(std::string default_name) const {
  LeaderElectionOptions options;
  options.lease_namespace = resource_namespace;
  options.lease_name = resource_name.empty() ? std::move(default_name) : resource_name;
  options.lease_duration = lease_duration;
  options.renew_deadline = renew_deadline;
  options.retry_period = retry_period;
  return options;
}

}  // namespace skidpad::client

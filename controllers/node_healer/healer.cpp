#include "controllers/node_healer/healer.hpp"

namespace skidpad::controllers::node_healer {

using client::ObjectPointer;
using runtime::Error;
using runtime::ErrorCode;

namespace {

constexpr Duration error_wait_max = std::chrono::minutes(5);
constexpr char role_label[] = "role";

/// A watch must be back well within the grace that follows an outage, or that grace would not protect from stale sights.
client::InformerOptions node_informer_options(const Policy& policy) {
  client::InformerOptions options;
  const Duration grace = std::max<Duration>(policy.monitor_grace, std::chrono::milliseconds(400));
  options.backoff_max = std::min(options.backoff_max, grace / 4);
  options.backoff_first = std::min(options.backoff_first, grace / 20);
  return options;
}

/// Whether the provider still has it: one being deleted is as good as gone.
bool still_there(const client::machines::Machine& machine) { return machine.state != client::machines::MachineState::deleting; }

}  // namespace

Healer::Healer(client::KubernetesClient& client, client::machines::MachineProviderClient& provider, client::Metrics& metrics, Settings settings,
               client::machines::MachineSpec worker_template, std::function<bool()> may_act)
    : client_(client),
      provider_(provider),
      metrics_(metrics),
      runtime_(client.runtime()),
      settings_(std::move(settings)),
      worker_template_(std::move(worker_template)),
      may_act_(std::move(may_act)),
      store_(client, settings_.state_namespace, settings_.state_name),
      journal_(client, metrics, "node-healer"),
      nodes_(client, client::types::nodes, node_informer_options(settings_.policy)) {
  metrics_.describe(metric::unhealthy_nodes, "Workers that are not Ready, or have no Node.");
  metrics_.describe(metric::reconcile, "Looks at the cluster, by result.");
  metrics_.describe(metric::reconcile_duration, "Time that one look at the cluster took.");
  metrics_.set(metric::unhealthy_nodes, 0);
  client::InformerHandler handler;
  handler.added = [this](const ObjectPointer& node) {
    const Seen seen = nodes_.has_synced() ? Seen::live : Seen::in_first_list;
    if (tracker_.saw(*node, seen, runtime_.now(), runtime_.wall_now())) dirty_.set();
  };
  handler.updated = [this](const ObjectPointer&, const ObjectPointer& node) {
    if (tracker_.saw(*node, Seen::live, runtime_.now(), runtime_.wall_now())) dirty_.set();
  };
  handler.deleted = [this](const ObjectPointer& node) {
    const auto last = tracker_.gone(client::name_of(*node));
    if (last && last->skip) retired_.insert(last->name);
    dirty_.set();
  };
  nodes_.add_handler(std::move(handler));
}

Task<void> Healer::watch() {
  runtime::StopState& stop = co_await runtime::CurrentStop();
  runtime::TaskGroup tasks(stop);
  tasks.spawn("nodes", nodes_.run());
  tasks.spawn("api", watch_api());
  co_await tasks.join();
}

Task<void> Healer::watch_api() {
  // One lost request is no outage: after a failure we ask again soon.
  const Duration outage_after = 2 * settings_.poll_interval;
  for (;;) {
    const bool answered = co_await store_.reachable();
    const Instant now = runtime_.now();
    if (answered) {
      if (!api_answered_ || now - *api_answered_ > outage_after) {
        // What kubelets could not tell meanwhile they must have had the time to tell (N3). We know nothing of before our start.
        Instant& hold = hold_until_[""];
        hold = std::max(hold, now + settings_.policy.monitor_grace);
        dirty_.set();
      }
      api_answered_ = now;
    }
    Duration wait = settings_.poll_interval;
    if (!answered) wait /= 4;
    co_await runtime_.sleep_for(wait);
  }
}

Task<void> Healer::lead() {
  state_.reset();  // what another leader did meanwhile is in the store
  told_why_.clear();
  const Duration error_wait_first = std::min<Duration>(std::chrono::seconds(1), settings_.poll_interval);
  Duration error_wait = error_wait_first;
  co_await nodes_.synced().wait();
  for (;;) {
    dirty_.reset();
    look_again_in_.reset();
    const Instant began = runtime_.now();
    auto done = co_await pass();
    client::Metrics::Labels labels;
    labels["controller"] = "node-healer";
    metrics_.observe(metric::reconcile_duration, runtime::seconds(runtime_.now() - began), labels);
    labels["result"] = done ? "success" : "error";
    metrics_.count(metric::reconcile, labels);
    if (done) {
      error_wait = error_wait_first;
      const Duration wait = std::min(settings_.poll_interval, look_again_in_.value_or(settings_.poll_interval));
      co_await dirty_.wait_for(runtime_, std::max<Duration>(wait, std::chrono::milliseconds(1)));
      continue;
    }
    Json fields = Json::object();
    fields["error"] = done.error().message;
    runtime_.log().warning("reconcile_failed", fields);
    const Duration wait = runtime_.random().between(error_wait, error_wait + error_wait / 2);
    error_wait = std::min(error_wait * 2, error_wait_max);
    co_await runtime_.sleep_for(wait);
  }
}

Task<Result<void>> Healer::pass() {
  if (!state_) {
    auto loaded = co_await store_.load();
    if (!loaded) co_return loaded.error();
    state_ = loaded.value();
    saved_ = std::move(loaded.value());
  }
  if (state_->open) {
    metrics_.set(metric::unhealthy_nodes, double(unhealthy_count(observe().workers)));
    if (settings_.policy.paused) co_return runtime::success();
    co_return co_await advance();
  }
  const Duration calm_interval = std::max(settings_.poll_interval, settings_.policy.never_joined_after / 10);
  if (!machines_known_ || is_suspicious() || runtime_.now() - machines_listed_ >= calm_interval) {
    auto listed = co_await look_at_machines();
    if (!listed) {
      machines_known_ = false;
      co_return listed.error();
    }
  }
  remember_workers();
  Decision decision = decide(settings_.policy, observe(), *state_);
  show(decision);
  if (decision.gives_up) {
    auto noted = co_await note_giving_up(*decision.gives_up, decision);
    if (!noted) co_return noted.error();
  }
  auto noted = co_await note_restriction(decision);
  if (!noted) co_return noted.error();
  if (*state_ != saved_ && !settings_.policy.paused) {
    auto saved = co_await save();
    if (!saved) co_return saved.error();
  }
  if (!decision.chosen) co_return runtime::success();

  auto looked = co_await look_at_nodes();
  if (!looked) co_return looked.error();
  const Decision again = decide(settings_.policy, observe(), *state_);
  if (!again.chosen || again.chosen->worker != decision.chosen->worker) {
    dirty_.set();
    co_return runtime::success();
  }
  co_return co_await begin(*again.chosen);
}

bool Healer::is_suspicious() const {
  for (const auto& [name, node] : tracker_.nodes()) {
    if (!node.control_plane && (!node.ready || node.remediate || state_->workers.count(name) == 0)) return true;
  }
  for (const auto& [name, joined] : state_->workers) {
    if (tracker_.find(name) == nullptr) return true;
  }
  return false;
}

Task<Result<void>> Healer::look_at_machines() {
  auto listed = co_await provider_.list();
  if (!listed) co_return listed.error();
  if (listed.value().empty() && !tracker_.nodes().empty()) {
    Error unbelievable(ErrorCode::unavailable, "the machine provider lists no machine at all, yet there are nodes");
    co_return unbelievable;
  }
  const Instant now = runtime_.now();
  std::map<std::string, MachineSight> seen;
  for (client::machines::Machine& machine : listed.value()) {
    const auto role = machine.spec.labels.find(role_label);
    if (role == machine.spec.labels.end() || role->second != "worker" || !still_there(machine)) continue;
    MachineSight sight;
    sight.first_listed = now;
    const std::string name = machine.spec.name;
    if (const auto known = machines_.find(name); known != machines_.end()) {
      sight.first_listed = known->second.first_listed;
    } else if (!machines_ever_listed_ && machine.created < runtime_.wall_now()) {
      sight.first_listed = now - (runtime_.wall_now() - machine.created);
    }
    sight.machine = std::move(machine);
    seen.emplace(name, std::move(sight));
  }
  machines_ = std::move(seen);
  machines_known_ = machines_ever_listed_ = true;
  machines_listed_ = now;
  co_return runtime::success();
}

void Healer::remember_workers() {
  if (!machines_known_) return;
  for (const auto& [name, sight] : machines_) state_->workers.try_emplace(name, false);
  for (auto worker = state_->workers.begin(); worker != state_->workers.end();) {
    const NodeSight* node = tracker_.find(worker->first);
    if (node != nullptr) {
      worker->second = true;
      retired_.erase(worker->first);
    }
    const bool listed = machines_.count(worker->first) != 0;
    const bool retired = node == nullptr && retired_.count(worker->first) != 0;
    const bool never_was = node == nullptr && !listed && !worker->second;
    const bool of_a_plane = node != nullptr && node->control_plane;
    if ((retired && !listed) || never_was || of_a_plane) {
      worker = state_->workers.erase(worker);
    } else {
      ++worker;
    }
  }
}

Observation Healer::observe() const {
  Observation seen;
  seen.now = runtime_.now();
  seen.wall_now = runtime_.wall_now();
  seen.machines_known = machines_known_;
  seen.nodes = tracker_.nodes();
  seen.hold_until = hold_until_;
  if (!api_answered_) seen.hold_until[""] = seen.now + settings_.policy.monitor_grace;
  for (const auto& [name, joined] : state_->workers) {
    Worker worker;
    worker.name = name;
    worker.joined = joined && retired_.count(name) == 0;
    if (const NodeSight* node = tracker_.find(name)) worker.node = *node;
    if (const auto machine = machines_.find(name); machine != machines_.end()) {
      worker.machine_listed = true;
      worker.machine_age = seen.now - machine->second.first_listed;
      // Whoever deleted its Node on purpose will delete the machine too.
      if (retired_.count(name) != 0) worker.machine_age = Duration::zero();
    }
    seen.workers.push_back(std::move(worker));
  }
  return seen;
}

void Healer::show(const Decision& decision) {
  metrics_.set(metric::unhealthy_nodes, double(decision.unhealthy_count));
  look_again_in_ = decision.look_again_in;
  for (const std::string& zone : decision.zones_away) {
    Instant& hold = hold_until_[zone];
    hold = std::max(hold, runtime_.now() + settings_.policy.monitor_grace);
  }
  if (decision.why == told_why_) return;
  told_why_ = decision.why;
  if (decision.why.empty()) return;
  Json fields = Json::object();
  fields["why"] = decision.why;
  fields["unhealthy"] = decision.unhealthy_count;
  runtime_.log().info("remediation_waits", fields);
}

Task<Result<void>> Healer::note_restriction(Decision decision) {
  if (settings_.policy.paused) co_return runtime::success();
  if (decision.verb == Verb::restrict && !state_->restricted) {
    state_->restricted = true;
    ++state_->restricted_count;
    Entry entry;
    entry.node = decision.troubles.front().worker;
    entry.uid = decision.troubles.front().uid;
    entry.occasion = "restriction-" + std::to_string(state_->restricted_count);
    entry.reason = "RemediationRestricted";
    entry.message = "Not replaced although " + decision.troubles.front().reason + ": " + decision.why;
    entry.warning = true;
    entry.counted_as = "restricted";
    auto told = co_await journal_.tell(std::move(entry));
    if (!told) {
      state_.reset();
      co_return told.error();
    }
  }
  if (decision.unhealthy_count <= decision.unhealthy_allowed) state_->restricted = false;
  co_return runtime::success();
}

Task<Result<void>> Healer::note_giving_up(std::string slot_name, Decision decision) {
  state_->slots[slot_name].gave_up = true;
  Entry entry;
  for (const Trouble& trouble : decision.troubles) {
    if (slot_of(trouble.worker) != slot_name) continue;
    entry.node = trouble.worker;
    entry.uid = trouble.uid;
  }
  entry.occasion = "given-up-" + std::to_string(state_->slots[slot_name].generation);
  entry.reason = "RemediationFailed";
  entry.message = "Given up: " + slot_name + " was replaced in vain " + std::to_string(state_->slots[slot_name].failures) + " times in a row";
  entry.warning = true;
  auto told = co_await journal_.tell(std::move(entry));
  if (!told) state_.reset();
  co_return told;
}

Task<Result<void>> Healer::look_at_nodes() {
  auto listed = co_await client_.list_all(client::types::nodes);
  if (!listed) co_return listed.error();
  std::set<std::string> names;
  for (const ObjectPointer& node : listed.value().items) {
    names.insert(client::name_of(*node));
    tracker_.saw(*node, Seen::live, runtime_.now(), runtime_.wall_now());
  }
  std::vector<std::string> vanished;
  for (const auto& [name, node] : tracker_.nodes()) {
    if (names.count(name) == 0) vanished.push_back(name);
  }
  for (const std::string& name : vanished) {
    const auto last = tracker_.gone(name);
    if (last->skip) retired_.insert(name);
  }
  co_return runtime::success();
}

Task<Result<void>> Healer::save() {
  auto saved = co_await store_.save(*state_);
  if (saved) {
    saved_ = *state_;
  } else {
    state_.reset();  // written or not: the store knows
  }
  co_return saved;
}

Result<void> Healer::check_authority(std::string_view doing) const {
  if (may_act_()) return runtime::success();
  return Error(ErrorCode::forbidden, std::string(doing) + ": not done, no longer the leader");
}

}  // namespace skidpad::controllers::node_healer

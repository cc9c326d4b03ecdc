#include "harness/scenario/runner.hpp"

#include "harness/check/control_plane.hpp"
#include "harness/check/inventory.hpp"
#include "harness/check/machines.hpp"
#include "harness/cluster/cluster_maker.hpp"
#include "harness/scenario/api_server_watch.hpp"
#include "harness/scenario/cluster_view.hpp"
#include "harness/scenario/managed_etcd.hpp"
#include "harness/scenario/object_inventory.hpp"
#include "harness/scenario/prepare_fault.hpp"
#include "harness/scenario/running_workload.hpp"
#include "harness/scenario/snapshot_store.hpp"
#include "harness/scenario/targets.hpp"
#include "harness/scenario/words.hpp"
#include "harness/workload/scraper.hpp"

namespace skidpad::scenario {
namespace {

using runtime::ErrorCode;
using runtime::Result;
using runtime::success;
using namespace std::chrono_literals;

/// Why a run did not come to its natural end. Thrown inside a run, caught once in Runner::run().
struct RunAborted {
  std::string outcome;  ///< "error" or "not_applicable"
  std::string reason;
};

/// One condition of the steady state, looked at once.
struct Condition {
  std::string name;
  bool ok = false;
  std::string observed;
  std::string expected;
};

}  // namespace

/// The state of one run; its tasks end with it.
class Runner::Run {
 public:
  Run(Runner& runner, Instant start)
      : driver_(runner.driver_),
        runtime_(runner.driver_.runtime()),
        plan_(runner.plan_),
        recorder_(runner.recorder_),
        observer_(runner.observer_),
        start_(start),
        random_(runtime::Random(runner.plan_.options.seed).split("runner")),
        tasks_(background_) {
    background_.gate = nullptr;
  }

  Task<void> execute() {
    phase("create");
    co_await make_cluster();
    phase("workload");
    co_await start_workload();
    phase("steady_state_before");
    co_await reach_steady_state();
    co_await take_inventory("before");
    phase("faults");
    co_await make_faults();
    phase("recovery");
    co_await await_recovery();
    co_await audit();
  }

  /// Heals what is still broken; never throws but for a stop.
  Task<void> heal_all() {
    for (auto& [id, fault] : lasting_) {
      if (fault->can_heal()) co_await heal(id, *fault);
    }
    lasting_.clear();
    background_.request_stop();
    co_await tasks_.join();
    if (workload_) co_await workload_->join();
  }

 private:
  Duration now() const { return runtime_.now() - start_; }

  void phase(std::string_view name) {
    recorder_.phase(now(), name);
    observer_.phase(name);
  }

  [[noreturn]] void abort(const std::string& reason) const { throw RunAborted{"error", reason}; }

  // --- cluster and workload ---

  Task<void> make_cluster() {
    cluster::ClusterSpec spec = plan_.cluster;
    driver_.prepare(spec);
    runtime::Random random = random_.split("cluster");
    auto assets = cluster::render_assets(spec, runtime_.pki(), random);
    if (!assets) abort("rendering the cluster: " + assets.error().message);
    assets_ = std::move(assets.value());
    admin_ = std::make_unique<client::KubernetesClient>(runtime_, assets_.admin);
    cluster::MakeOptions options;
    options.progress = [this](std::string_view step) { observer_.note("cluster: " + std::string(step) + " after " + to_text(rounded(now()))); };
    options.hopeless = [this] { return driver_.component_failure() ? driver_.component_failure()->headline : std::string(); };
    if (asks_for(Guarantee::no_double_control_plane)) {
      const Duration look_every = std::max<Duration>(plan_.timers.node_monitor_grace_period / 10, 200ms);
      tasks_.spawn("api_server_watch", watch_api_servers(runtime_, driver_.machines(), assets_.plan, recorder_, start_, look_every));
    }
    ViewOptions view;
    view.workload_namespace = workload_namespace;
    view.poll_interval = std::clamp<Duration>(plan_.timers.node_monitor_period / 2, 100ms, 1s);
    view_ = std::make_unique<ClusterView>(runtime_, *admin_, assets_, recorder_, start_, view);
    runtime::TaskGroup faults(background_);
    faults.spawn("faults during creation", make_faults_during_creation());
    auto made = co_await cluster::make_cluster(runtime_, driver_.machines(), *admin_, assets_, std::move(options));
    const auto during = std::count_if(plan_.scenario.faults.begin(), plan_.scenario.faults.end(), [](const Fault& fault) { return fault.during.has_value(); });
    const bool all_made = static_cast<std::size_t>(during) == earlier_.size();
    if (!made || !all_made) faults.request_stop();
    co_await faults.join();
    if (!made) abort("making the cluster: " + made.error().message);
    if (!all_made) abort("the cluster was made before a fault `during` its creation could hit it");
    tasks_.spawn("cluster_view", view_->run());
    co_await view_->wait_until_synced();
  }

  static Duration rounded(Duration duration) { return std::chrono::duration_cast<std::chrono::milliseconds>(duration); }

  Task<void> start_workload() {
    workload_ = std::make_unique<RunningWorkload>(runtime_, recorder_, start_, plan_, assets_, *admin_, random_, background_);
    auto created = co_await workload_->create();
    if (!created) abort("creating the workload: " + created.error().message);
    workload::ScraperOptions scraper;
    scraper.interval = std::max<Duration>(plan_.timers.healer_poll_interval, 500ms);
    scraper.timeout = 1s;
    scraper.prefixes = {"controller_", "leader_election_", "etcd_server_has_leader", "etcd_server_leader_changes_seen_total", "process_resident_memory_bytes"};
    scraper.targets = [this] { return view_->scrape_targets(); };
    tasks_.spawn("scraper", workload::scrape(runtime_, recorder_, start_, std::move(scraper)));
    co_await wait_for_pods();
    if (plan_.scenario.controllers.etcd_operator) co_await make_managed_etcd(*plan_.scenario.controllers.etcd_operator);
    std::function<std::vector<runtime::Endpoint>()> managed_etcd = [this] { return managed_etcd_->endpoints(); };
    co_await workload_->start(std::move(managed_etcd));
  }

  Task<void> make_managed_etcd(EtcdOperator settings) {
    const Instant due = runtime_.now() + plan_.resolved(plan_.scenario.steady_state.within);
    const Duration grace = settings.grace ? plan_.resolved(*settings.grace) : plan_.timers.healer_poll_interval * 60;
    const Duration backup_every = settings.backup_every ? plan_.resolved(*settings.backup_every) : Duration::zero();
    const Duration poll = std::clamp<Duration>(plan_.timers.healer_poll_interval / 10, 200ms, 1s);
    managed_etcd_ = std::make_unique<ManagedEtcd>(runtime_, *admin_, assets_, recorder_, start_, settings, plan_.timers, poll, grace, backup_every);
    auto created = co_await managed_etcd_->create(due);
    if (!created) abort(created.error().message);
    tasks_.spawn("managed_etcd", managed_etcd_->run());
    while (managed_etcd_->health().healthy < managed_etcd_->health().wanted || (backup_every > Duration::zero() && !managed_etcd_->has_backup())) {
      if (runtime_.now() > due) abort("the etcd operator's cluster is not whole: " + std::to_string(managed_etcd_->health().healthy) + " of " + std::to_string(managed_etcd_->health().wanted) + " voters, or it has no backup");
      co_await runtime_.sleep_for(50ms);
    }
  }

  Task<void> wait_for_pods() {
    const Instant due = runtime_.now() + plan_.resolved(plan_.scenario.steady_state.within);
    while (view_->pods().healthy < view_->pods().wanted) {
      if (runtime_.now() > due) abort("the workload is not Ready: " + std::to_string(view_->pods().healthy) + " of " + std::to_string(view_->pods().wanted) + " pods");
      co_await runtime_.sleep_for(20ms);
    }
  }

  // --- steady state ---

  void require(std::vector<Condition>& conditions, const char* name, const std::optional<Amount>& wanted, Health health) const {
    if (!wanted) return;
    const std::size_t least = resolve(*wanted, health.wanted);
    Condition condition;
    condition.name = name;
    condition.ok = health.healthy >= least;
    condition.observed = std::to_string(health.healthy) + " of " + std::to_string(health.wanted);
    condition.expected = "at least " + std::to_string(least);
    conditions.push_back(std::move(condition));
  }

  std::vector<Condition> look() const {
    const SteadyState& wanted = plan_.scenario.steady_state;
    std::vector<Condition> conditions;
    require(conditions, "nodes_ready", wanted.nodes_ready, view_->nodes());
    require(conditions, "pods_ready", wanted.pods_ready, view_->pods());
    require(conditions, "etcd_healthy", wanted.etcd_healthy, view_->etcd());
    require(conditions, "api_servers_ready", wanted.api_servers_ready, view_->api_servers());
    if (managed_etcd_) require(conditions, "managed_etcd_healthy", wanted.managed_etcd_healthy, managed_etcd_->health());
    if (wanted.probe_success) conditions.push_back(look_at_probes(*wanted.probe_success));
    return conditions;
  }

  /// Of the last two rounds of probes: the holding time asks for more, and must not count twice.
  Condition look_at_probes(Ratio least) const {
    Duration interval = 250ms;
    for (const Probe& probe : plan_.scenario.probes) interval = std::max(interval, plan_.resolved(probe.interval));
    const workload::ProbeTally::Count count = workload_->probes().since(now() - 2 * interval);
    Condition condition;
    condition.name = "probe_success";
    condition.ok = count.answered * least.denominator >= count.sent * least.numerator;
    condition.observed = std::to_string(count.answered) + " of " + std::to_string(count.sent);
    condition.expected = "at least " + to_text(least);
    return condition;
  }

  Json status() const {
    const auto text = [](Health health) { return std::to_string(health.healthy) + "/" + std::to_string(health.wanted); };
    return {{"nodes", text(view_->nodes())}, {"pods", text(view_->pods())}, {"etcd", text(view_->etcd())}, {"api", text(view_->api_servers())}};
  }

  static bool all_hold(const std::vector<Condition>& conditions) {
    return std::all_of(conditions.begin(), conditions.end(), [](const Condition& condition) { return condition.ok; });
  }

  void tell_steady_state(const char* stage, const std::vector<Condition>& conditions) {
    Json told = Json::array();
    for (const Condition& condition : conditions) {
      told.push_back({{"name", condition.name}, {"ok", condition.ok}, {"observed", condition.observed}, {"expected", condition.expected}});
    }
    recorder_.steady_state(now(), stage, all_hold(conditions), std::move(told));
  }

  /// Waits until the conditions have held without a break for the asked time and `enough` says so. False when `due` came first.
  Task<bool> hold_steady(const char* stage, Instant due, std::function<bool()> enough = {}) {
    const Duration hold = plan_.resolved(plan_.scenario.steady_state.hold);
    const Duration between = std::max<Duration>(plan_.timers.node_monitor_period / 5, 50ms);
    std::optional<Instant> since;
    std::optional<bool> told;
    for (;;) {
      const std::vector<Condition> conditions = look();
      observer_.status(status());
      const bool holds = all_hold(conditions);
      if (told != holds) tell_steady_state(stage, conditions);
      told = holds;
      if (!holds) since.reset();
      if (holds && !since) since = runtime_.now();
      if (since && runtime_.now() - *since >= hold && (!enough || enough())) {
        tell_steady_state(stage, conditions);
        co_return true;
      }
      if (runtime_.now() >= due) co_return false;
      co_await runtime_.sleep_for(between);
    }
  }

  Task<void> reach_steady_state() {
    const bool reached = co_await hold_steady("before", runtime_.now() + plan_.resolved(plan_.scenario.steady_state.within));
    if (!reached) {
      std::string missing;
      for (const Condition& condition : look()) {
        if (!condition.ok) missing += (missing.empty() ? "" : ", ") + condition.name + " " + condition.observed;
      }
      abort("the steady state was not reached before the faults: " + (missing.empty() ? "it did not hold long enough" : missing));
    }
  }

  // --- faults ---

  Situation situation() const {
    Situation situation;
    situation.nodes_with_workload = view_->nodes_with_workload();
    situation.etcd_leader = view_->etcd_leader();
    if (managed_etcd_) {
      situation.managed_etcd = managed_etcd_->nodes();
      situation.managed_etcd_leader = managed_etcd_->leader_node();
    }
    situation.scheduler_leader = view_->leading_node("kube-scheduler");
    situation.controller_manager_leader = view_->leading_node("kube-controller-manager");
    situation.node_healer_leader = view_->leading_node("node-healer");
    situation.etcd_operator_leader = view_->leading_node("etcd-operator");
    situation.earlier = earlier_;
    return situation;
  }

  std::vector<fault::TargetMachine> machines_but(const std::vector<fault::TargetMachine>& targets) const {
    std::vector<fault::TargetMachine> others;
    for (const cluster::NodePlan& node : assets_.plan.nodes) {
      const bool is_target = std::any_of(targets.begin(), targets.end(), [&](const auto& target) { return target.name == node.name; });
      if (!is_target) others.push_back(fault::TargetMachine{node.name, node.address});
    }
    return others;
  }

  /// Whether the creation has come so far, by the API servers that run.
  Task<bool> has_reached(Creation step) {
    bool temporary = false, own = false;
    for (const cluster::NodePlan* node : assets_.plan.control_plane_nodes()) {
      const Json ports = co_await api_server_ports(driver_.machines(), node->name);
      temporary = temporary || ports.contains(std::string(check::temporary_port));
      own = own || ports.contains(std::to_string(assets_.plan.apiserver_port));
    }
    co_return temporary && (own || step == Creation::bootstrap);
  }

  Task<void> make_faults_during_creation() {
    for (std::size_t index = 0; index < plan_.scenario.faults.size() && plan_.scenario.faults[index].during; ++index) {
      const Fault& wanted = plan_.scenario.faults[index];
      for (;;) {
        const bool reached = co_await has_reached(*wanted.during);
        if (reached) break;
        co_await runtime_.sleep_for(50ms);
      }
      if (wanted.at) co_await runtime_.sleep_for(plan_.resolved(*wanted.at));
      co_await make_fault(wanted, wanted.name.value_or(std::string(to_word(wanted.kind)) + "-" + std::to_string(index + 1)));
    }
  }

  Task<void> make_faults() {
    const Instant steady = runtime_.now();
    for (std::size_t index = 0; index < plan_.scenario.faults.size(); ++index) {
      const Fault& wanted = plan_.scenario.faults[index];
      if (wanted.during) continue;
      if (wanted.at) co_await runtime_.sleep_until(std::max(steady + plan_.resolved(*wanted.at), runtime_.now()));
      if (wanted.after) co_await runtime_.sleep_for(plan_.resolved(*wanted.after));
      co_await make_fault(wanted, wanted.name.value_or(std::string(to_word(wanted.kind)) + "-" + std::to_string(index + 1)));
    }
  }

  Task<void> make_fault(const Fault& wanted, std::string id) {
    runtime::Random random = random_.split(id);
    auto targets = resolve_target(wanted.target, assets_.plan, situation(), random);
    if (!targets) abort("fault " + id + ": " + targets.error().message);
    std::vector<fault::TargetMachine> others = machines_but(targets.value());
    if (wanted.from) {
      auto from = resolve_target(*wanted.from, assets_.plan, situation(), random);
      if (!from) abort("fault " + id + ": " + from.error().message);
      others = std::move(from.value());
    }
    history::FaultInterval interval;
    interval.id = id;
    interval.kind = to_word(wanted.kind);
    if (wanted.process) interval.process = to_word(*wanted.process);
    for (const fault::TargetMachine& target : targets.value()) {
      interval.targets.push_back(target.name);
      earlier_[id].push_back(target.name);
    }
    for (const std::string& target : interval.targets) interval.blast_radius.push_back("Node/" + target);
    if (interval.targets.size() > plan_.scenario.blast_radius.nodes) abort("fault " + id + " would leave its blast radius");
    std::optional<StoredSnapshot> snapshot;
    if (wanted.snapshot_before) {
      snapshot = co_await store_snapshot(id);
      co_await runtime_.sleep_for(plan_.resolved(*wanted.snapshot_before));
    }
    const fault::Scene scene{driver_, *admin_, view_->etcd_client(), link_rules_};
    std::unique_ptr<fault::Fault> fault = prepare_fault(wanted, id, plan_, assets_, scene, targets.value(), std::move(others));
    // Written down before it is made: what was about to be done is known even if this process dies in the middle.
    recorder_.fault_injected(now(), interval);
    observer_.note("fault " + id + ": " + interval.kind + " on " + joined(interval.targets));
    auto injected = co_await fault->inject();
    if (!injected) abort("fault " + id + " could not be made: " + injected.error().message);
    if (snapshot) co_await hand_out(std::move(*snapshot));
    fault::Sighting sighting = co_await fault->witness();
    history::Witness witness;
    witness.name = sighting.witness;
    witness.independent = sighting.independent;
    witness.confirmed = sighting.confirmed;
    witness.evidence = sighting.evidence;
    witness.time = now();
    recorder_.fault_witness(now(), id, witness);
    observer_.note("witness " + sighting.witness + ": " + sighting.evidence);
    lasting_[id] = std::move(fault);
    if (wanted.duration) tasks_.spawn("heal " + id, heal_later(id, plan_.resolved(*wanted.duration)));
  }

  /// What is in the inventory is in the snapshot, too, and must be there when everything has come back from it.
  Task<StoredSnapshot> store_snapshot(std::string id) {
    co_await take_inventory("before");
    const runtime::Endpoint member{assets_.plan.etcd_nodes().front()->address, 2379};
    auto snapshot = co_await take_snapshot(runtime_, view_->etcd_client(), member);
    if (!snapshot) abort("fault " + id + ": a snapshot could not be taken: " + snapshot.error().message);
    observer_.note("snapshot of revision " + std::to_string(snapshot.value().revision) + ", " + std::to_string(snapshot.value().bytes.size()) + " bytes");
    co_return std::move(snapshot.value());
  }

  /// What an operator does: he lays the snapshot on each machine that is to be recovered.
  Task<void> hand_out(StoredSnapshot snapshot) {
    const std::int64_t lost = std::max(snapshot.revision, workload_->revision_max());
    recorder_.event(now(), event_etcd_recovery, "cluster", {{"id", "snapshot"}, {"fromBackup", true}, {"restoredRevision", snapshot.revision}, {"raisedTo", lost}});
    for (const cluster::MachineSpec& machine : assets_.snapshot_machines) {
      client::machines::MachineFile file{cluster::snapshot_path, snapshot.bytes, 0600};
      auto laid = co_await driver_.machines().write_file(machine.name, std::move(file));
      if (!laid) abort("laying the snapshot on " + machine.name + ": " + laid.error().message);
    }
  }

  static std::string joined(const std::vector<std::string>& names) {
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
    return all;
  }

  Task<void> heal_later(std::string id, Duration after) {
    co_await runtime_.sleep_for(after);
    auto fault = lasting_.extract(id);
    if (fault.empty()) co_return;
    co_await heal(id, *fault.mapped());
  }

  Task<void> heal(std::string id, fault::Fault& fault) {
    auto healed = co_await fault.heal();
    if (const std::string why = fault.nothing_to_heal(); healed && !why.empty()) {
      recorder_.event(now(), history::event_kind::note, id, {{"text", why}});
      observer_.note("fault " + id + ": " + why);
      co_return;
    }
    if (healed) {
      recorder_.fault_healed(now(), id);
    } else {
      recorder_.event(now(), history::event_kind::note, id, {{"text", "could not be healed: " + healed.error().message}});
    }
    observer_.note("healed " + id + (healed ? "" : " in vain: " + healed.error().message));
  }

  // --- recovery and audit ---

  /// A steady state counts as regained only after the fault had time to be felt, and after every fault with an end has ended.
  Task<void> await_recovery() {
    const Instant due = runtime_.now() + plan_.resolved(plan_.scenario.deadline);
    const Instant felt_by = runtime_.now() + felt_within();
    std::function<bool()> enough = [this, felt_by] { return runtime_.now() >= felt_by && pending_heals().empty(); };
    const bool recovered = co_await hold_steady("after", due, std::move(enough));
    phase("steady_state_after");
    observer_.note(recovered ? "steady state regained" : "steady state not regained by the deadline");
  }

  std::vector<std::string> pending_heals() const {
    std::vector<std::string> pending;
    for (std::size_t index = 0; index < plan_.scenario.faults.size(); ++index) {
      const Fault& fault = plan_.scenario.faults[index];
      const std::string id = fault.name.value_or(std::string(to_word(fault.kind)) + "-" + std::to_string(index + 1));
      if (fault.duration && lasting_.contains(id)) pending.push_back(id);
    }
    return pending;
  }

  /// The longest that a node's silence can stay unnoticed.
  Duration felt_within() const {
    return plan_.timers.node_monitor_grace_period + 2 * plan_.timers.node_monitor_period + plan_.timers.node_lease_renew_interval;
  }

  Task<void> audit() {
    co_await workload_->audit(runtime_.now() + 30s);
    co_await await_end_of_copies();
    co_await take_inventory("after");
    if (plan_.scenario.controllers.node_healer) co_await look_at_machines();
  }

  Task<void> look_at_machines() {
    Json fields = Json::object();
    auto listed = co_await driver_.machines().list();
    if (listed) {
      const auto is_worker = [](const auto& labels) { return labels.contains("role") && labels.at("role") == "worker"; };
      fields["machines"] = fields["nodes"] = Json::array();
      fields["wanted"] = std::count_if(assets_.machines.begin(), assets_.machines.end(), [&](const auto& machine) { return is_worker(machine.labels); });
      for (const auto& machine : listed.value()) {
        if (is_worker(machine.spec.labels) && machine.state != client::machines::MachineState::deleting) fields["machines"].push_back(machine.spec.name);
      }
      for (const std::string& node : view_->worker_names()) fields["nodes"].push_back(node);
    } else {
      fields["error"] = listed.error().message;
    }
    recorder_.event(now(), check::machines_event, "after", std::move(fields));
  }

  bool asks_for(Guarantee guarantee) const {
    const auto& asked = plan_.scenario.expect.guarantees;
    return std::find(asked.begin(), asked.end(), guarantee) != asked.end();
  }
  bool asks_for_inventory() const { return asks_for(Guarantee::objects_preserved) || asks_for(Guarantee::checkpoints_settled); }

  /// Copies go some time after the parents are back: their grace has to pass.
  Task<void> await_end_of_copies() {
    if (!asks_for_inventory()) co_return;
    const Instant due = runtime_.now() + 12 * plan_.timers.node_monitor_grace_period;
    while (runtime_.now() < due) {
      auto copies = co_await running_copies(*admin_, driver_.machines(), checkpointed_);
      if (copies && copies.value().empty()) co_return;
      co_await runtime_.sleep_for(plan_.timers.node_monitor_period);
    }
  }

  Task<void> take_inventory(std::string when) {
    if (!asks_for_inventory()) co_return;
    if (when == "before") {
      auto parents = co_await checkpoint_parents(*admin_);
      if (parents) checkpointed_ = std::move(parents.value());
    }
    auto inventory = co_await scenario::take_inventory(*admin_);
    auto copies = co_await running_copies(*admin_, driver_.machines(), checkpointed_);
    if (inventory && copies) inventory.value()["copies"] = std::move(copies.value());
    if (inventory && copies) recorder_.event(now(), check::inventory_event, when, std::move(inventory.value()));
    // Without an inventory the guarantee is unknown, which is the truth.
  }

  driver::Driver& driver_;
  runtime::Runtime& runtime_;
  const RunPlan& plan_;
  history::Recorder& recorder_;
  RunObserver& observer_;
  Instant start_;
  runtime::Random random_;
  cluster::ClusterAssets assets_;
  std::unique_ptr<client::KubernetesClient> admin_;
  std::unique_ptr<ClusterView> view_;
  std::unique_ptr<ManagedEtcd> managed_etcd_;
  CheckpointParents checkpointed_;   ///< before the faults
  fault::LinkRules link_rules_;
  std::map<std::string, std::unique_ptr<fault::Fault>> lasting_;
  std::map<std::string, std::vector<std::string>> earlier_;
  /// Not a child of the program's own stop: after Ctrl-C healing still works, then these are stopped.
  runtime::StopState background_;
  runtime::TaskGroup tasks_;
  std::unique_ptr<RunningWorkload> workload_;
};

Runner::Runner(driver::Driver& driver, RunPlan plan, history::Recorder& recorder, RunObserver& observer)
    : driver_(driver), plan_(std::move(plan)), recorder_(recorder), observer_(observer) {}
Runner::~Runner() = default;

Task<void> Runner::run() {
  runtime::Runtime& runtime = driver_.runtime();
  const Instant start = runtime.now();
  const auto now = [&] { return runtime.now() - start; };
  recorder_.run_started(Duration::zero());
  std::string outcome = "completed";
  std::string reason;
  {
    Run run(*this, start);
    try {
      if (plan_.not_applicable.empty()) plan_.not_applicable = missing_capability(plan_.scenario, driver_);
      if (!plan_.not_applicable.empty()) throw RunAborted{"not_applicable", plan_.not_applicable};
      auto execution = run.execute();
      co_await execution;
    } catch (const RunAborted& aborted) {
      outcome = aborted.outcome;
      reason = aborted.reason;
    } catch (const runtime::Cancelled&) {
      outcome = "interrupted";
      reason = "stopped by the user";
    }
    // The user's stop ends the run, not the cleaning up after it.
    runtime::StopState unstoppable;
    auto healing = run.heal_all();
    healing.use_stop_state(unstoppable);
    co_await healing;
    observer_.phase("cleanup");
    recorder_.phase(now(), "cleanup");
    auto tearing_down = driver_.tear_down();
    tearing_down.use_stop_state(unstoppable);
    driver::Leftovers leftovers = co_await tearing_down;
    recorder_.cleanup(now(), leftovers.checked, std::move(leftovers.found));
  }
  if (!recorder_.status()) {
    outcome = "error";
    reason = "the run could not be recorded: " + recorder_.status().error().message + "; free disk space and run it again";
  }
  if (!reason.empty()) observer_.note(outcome + ": " + reason);
  recorder_.run_ended(now(), outcome, reason);
}

}  // namespace skidpad::scenario

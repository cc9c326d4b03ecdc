#include "harness/scenario/run_plan.hpp"

#include "harness/runtime/usage_error.hpp"
#include "harness/scenario/loader.hpp"
#include "harness/scenario/words.hpp"

namespace skidpad::scenario {
namespace {

using namespace std::chrono_literals;

Duration named_timer(const history::Timers& timers, Duration floor, Timer timer) {
  if (timer == Timer::floor) return floor;
  for (const auto& [name, value] : history::named_durations(timers)) {
    if (name == to_word(timer)) return value;
  }
  ASSERT(!"every timer of the language is one of history::Timers");
  return floor;
}

/// Faults as the floor sees them, with the spans that do not count in floors themselves.
std::vector<check::FloorFault> floor_faults(const Scenario& scenario, const history::Timers& timers) {
  const auto value = [&](Timer timer) { return named_timer(timers, Duration::zero(), timer); };
  std::vector<check::FloorFault> faults;
  std::optional<Duration> first;
  Duration last = Duration::zero();
  for (const Fault& fault : scenario.faults) {
    Duration at = last;
    if (fault.at) at = resolve(*fault.at, value);
    if (fault.after) at = last + resolve(*fault.after, value);
    last = at;
    if (!first) first = at;
    check::FloorFault floor;
    floor.kind = to_word(fault.kind);
    if (fault.process) floor.process = to_word(*fault.process);
    floor.offset = at - *first;
    if (fault.duration) floor.healed_after = resolve(*fault.duration, value);
    faults.push_back(std::move(floor));
  }
  return faults;
}

/// kubelet's own pods are not the healer's: a scenario without it leaves nodes as they are.
bool heals_nodes(const Scenario& scenario) {
  const auto& healer = scenario.controllers.node_healer;
  return healer && healer->enabled && !healer->paused;
}

cluster::TopologyType topology_type(TopologyType type) {
  switch (type) {
    case TopologyType::standalone: return cluster::TopologyType::standalone;
    case TopologyType::overlapping_planes: return cluster::TopologyType::overlapping_planes;
    case TopologyType::separated_planes: return cluster::TopologyType::separated_planes;
  }
  return cluster::TopologyType::standalone;
}

std::string amount_text(const Amount& amount) {
  if (amount.is_all()) return "100%";
  if (const auto* count = std::get_if<std::uint32_t>(&amount.value)) return std::to_string(*count);
  return to_text(std::get<Ratio>(amount.value));
}

void put_phase(history::Expectations& expectations, const char* phase, const std::optional<TimeSpan>& span, const RunPlan& plan) {
  if (span) expectations.phases_within[phase] = plan.resolved(*span);
}

/// A span that counts in floors is judged beside the floor of the very run; another is one more deadline.
void put_recovery(history::Expectations& expectations, const TimeSpan& span, const RunPlan& plan) {
  if (!span.uses(Timer::floor)) {
    expectations.deadline = std::min(expectations.deadline.value_or(Duration::max()), plan.resolved(span));
    return;
  }
  TimeSpan rest = span;
  const auto floor = std::find_if(rest.multiples.begin(), rest.multiples.end(), [](const auto& multiple) { return multiple.timer == Timer::floor; });
  expectations.recovery_floor_factor = floor->thousandths / 1000.0;
  rest.multiples.erase(floor);
  expectations.recovery_slack = plan.resolved(rest);
}

history::Expectations expectations_of(const RunPlan& plan) {
  const Scenario& scenario = plan.scenario;
  const Expect& expect = scenario.expect;
  history::Expectations expectations;
  for (const Guarantee guarantee : expect.guarantees) expectations.guarantees.emplace_back(to_word(guarantee));
  put_phase(expectations, "detected", expect.detected_within, plan);
  put_phase(expectations, "decided", expect.decided_within, plan);
  put_phase(expectations, "acted", expect.acted_within, plan);
  put_phase(expectations, "converged", expect.converged_within, plan);
  put_phase(expectations, "redundancy_back", expect.redundancy_within, plan);
  expectations.deadline = plan.resolved(scenario.deadline);
  for (const auto& [probe, span] : expect.downtime_max) expectations.downtime_max[probe] = plan.resolved(span);
  for (const Probe& probe : scenario.probes) expectations.probe_interval[probe.name] = plan.resolved(probe.interval) + plan.resolved(probe.timeout);
  if (expect.recovered_within) put_recovery(expectations, *expect.recovered_within, plan);
  if (expect.nodes_replaced) expectations.nodes_replaced = *expect.nodes_replaced;
  if (heals_nodes(scenario)) {
    expectations.controllers_up = {"node-healer"};
    expectations.unhealthy_nodes_max = static_cast<std::int64_t>(resolve(scenario.controllers.node_healer->max_unhealthy, node_count(scenario.topology, Role::worker)));
    expectations.remediation_labels = {{"result", "finished"}};
  }
  return expectations;
}

cluster::ClusterSpec cluster_of(const RunPlan& plan) {
  cluster::ClusterSpec cluster;
  const Topology& topology = plan.scenario.topology;
  cluster.topology = topology_type(topology.type);
  cluster.self_hosted = topology.hosting == Hosting::self_hosted;
  cluster.etcd_count = topology.etcd;
  cluster.control_plane_count = topology.control_plane;
  cluster.worker_count = topology.workers;
  cluster.release = plan.options.release;
  cluster.timers = plan.timers;
  if (const auto& managed = plan.scenario.controllers.etcd_operator) {
    cluster.etcd_operator.enabled = true;
    cluster.etcd_operator.object_store = managed->backup_every.has_value();
    for (const Fault& fault : plan.scenario.faults) {
      if (fault.version) cluster.etcd_operator.further_versions.push_back(*fault.version);
    }
  }
  const auto& healer = plan.scenario.controllers.node_healer;
  cluster.healer.enabled = healer && healer->enabled;
  if (healer) {
    cluster.healer.paused = healer->paused;
    cluster.healer.max_unhealthy = amount_text(healer->max_unhealthy);
  }
  return cluster;
}

history::Header header_of(const RunPlan& plan, DriverName driver) {
  history::Header header;
  header.skidpad_version = plan.options.skidpad_version;
  header.scenario = plan.scenario.name;
  header.scenario_file = plan.options.scenario_file;
  header.hypothesis = plan.scenario.hypothesis;
  header.driver = to_word(driver);
  header.seed = plan.options.seed;
  header.topology = {{"type", std::string(cluster::name(plan.cluster.topology))},
                     {"etcd", std::to_string(plan.cluster.etcd_count)},
                     {"control_plane", std::to_string(plan.cluster.control_plane_count)},
                     {"workers", std::to_string(plan.cluster.worker_count)}};
  header.versions = {{"kubernetes", plan.cluster.release}, {"etcd", plan.cluster.etcd_release}};
  header.binaries = plan.options.binaries;
  for (const auto& [component, binary] : header.binaries) {
    if (binary.owner != "skidpad") header.versions[component] = binary.version;
  }
  header.timers = plan.timers;
  header.expectations = expectations_of(plan);
  header.repeat_command = "skidpad run " + (header.scenario_file.empty() ? header.scenario : header.scenario_file) + " --driver=" + header.driver +
                          " --seed=" + std::to_string(header.seed);
  if (plan.options.profile) header.repeat_command += " --profile=" + std::string(to_word(*plan.options.profile));
  header.repeat_command += plan.options.more_flags;
  return header;
}

}  // namespace

ProfileName default_profile(DriverName driver) { return driver == DriverName::process ? ProfileName::fast : ProfileName::kubernetes; }

history::Timers timers_of(ProfileName profile) { return profile == ProfileName::fast ? history::fast() : history::kubernetes(); }

namespace {

/// With its place in the file, as every other refusal, where there is a file.
UsageError contradicts_timers(const RunPlan& plan, const Problem& problem) {
  const std::string what = problem.what + " (timers of profile " + plan.timers.profile + ")";
  const std::string& file = plan.options.scenario_file;
  try {
    const Position at = locate(parse_document(read_scenario_file(file)), problem.path);
    return ScenarioError(file, Refusal{Stage::sense, at, problem.path, what});
  } catch (const Refusal&) {
  } catch (const UsageError&) {
  }
  return UsageError(file + ": " + problem.path + ": " + what);
}

}  // namespace

RunPlan plan_run(Scenario scenario, DriverName driver, RunOptions options) {
  RunPlan plan;
  plan.scenario = std::move(scenario);
  plan.options = std::move(options);
  const std::optional<ProfileName> asked = plan.options.profile ? plan.options.profile : plan.scenario.profile;
  plan.timers = !asked && plan.options.eased ? history::eased() : timers_of(asked.value_or(default_profile(driver)));
  if (const auto& healer = plan.scenario.controllers.node_healer) {
    const auto value = [&](Timer timer) { return named_timer(plan.timers, Duration::zero(), timer); };
    if (healer->unhealthy_after) plan.timers.healer_unhealthy_after = resolve(*healer->unhealthy_after, value);
    if (healer->never_joined_after) plan.timers.healer_never_joined_after = resolve(*healer->never_joined_after, value);
  }
  const auto replacement = heals_nodes(plan.scenario) ? check::NodeReplacement::by_node_healer : check::NodeReplacement::none;
  const auto floor = check::floor_of(floor_faults(plan.scenario, plan.timers), plan.timers, replacement);
  const Duration floor_value = floor ? floor->shortest : Duration::zero();
  plan.timer_value = [timers = plan.timers, floor_value](Timer timer) { return named_timer(timers, floor_value, timer); };
  if (const auto problem = find_contradiction(plan.scenario, plan.timer_value)) {
    throw contradicts_timers(plan, *problem);
  }
  plan.cluster = cluster_of(plan);
  plan.header = header_of(plan, driver);
  const auto& allowed = plan.scenario.drivers;
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), driver) == allowed.end()) {
    plan.not_applicable = "the scenario is not meant for driver " + std::string(to_word(driver));
  }
  return plan;
}

namespace {

/// What a fault needs of the home of its cluster; one word of the language, one line here.
std::optional<driver::Capability> needed_for(FaultKind kind) {
  using driver::Capability;
  switch (kind) {
    case FaultKind::power_off:
    case FaultKind::destroy_machine:
    case FaultKind::reinstall_machine: return Capability::power_machines;
    case FaultKind::kill_process:
    case FaultKind::corrupt_data:
    case FaultKind::stop_process: return Capability::signal_processes;
    case FaultKind::partition: return Capability::cut_links;
    case FaultKind::packet_loss:
    case FaultKind::packet_delay:
    case FaultKind::packet_duplication:
    case FaultKind::packet_reordering: return Capability::shape_links;
    case FaultKind::change_etcd:
    case FaultKind::restore_etcd:
    case FaultKind::backup_store:
    case FaultKind::delete_pods:
    case FaultKind::delete_node: break;  // the API does it, wherever the cluster lives
  }
  return std::nullopt;
}

}  // namespace

std::string missing_capability(const Scenario& scenario, const driver::Driver& driver) {
  using driver::Capability;
  for (const Fault& fault : scenario.faults) {
    const auto needed = needed_for(fault.kind);
    if (!needed) continue;
    if (const std::string why = driver.lacks(*needed); !why.empty()) {
      return "fault " + std::string(to_word(fault.kind)) + " cannot be made by driver " + driver.name() + " here: " + why;
    }
  }
  if (scenario.topology.control_plane > 1 || scenario.topology.etcd > 1) {
    if (const std::string why = driver.lacks(Capability::separate_loopback); !why.empty()) {
      return "a cluster of several control-plane nodes cannot be made by driver " + driver.name() + " here: " + why;
    }
  }
  return "";
}

std::string describe(const RunPlan& plan) {
  std::string text = plan.scenario.name + ": " + plan.scenario.hypothesis + "\n";
  text += "  cluster   " + plan.header.topology.at("type") + ", " + plan.header.topology.at("etcd") + " etcd, " +
          plan.header.topology.at("control_plane") + " control plane, " + plan.header.topology.at("workers") + " workers, timers " +
          plan.timers.profile + "\n";
  for (const auto& [component, binary] : plan.header.binaries) {
    if (binary.owner != "skidpad") text += "  binary    " + component + " " + binary.version + " (" + binary.owner + ") " + binary.path + "\n";
  }
  for (const Fault& fault : plan.scenario.faults) {
    text += "  fault     " + std::string(to_word(fault.kind)) + " on " + to_text(fault.target);
    if (fault.process) text += " (" + std::string(to_word(*fault.process)) + ")";
    if (fault.at) text += ", " + to_text(plan.resolved(*fault.at)) + " after steady state";
    if (fault.after) text += ", " + to_text(plan.resolved(*fault.after)) + " after the fault before";
    if (fault.duration) text += ", for " + to_text(plan.resolved(*fault.duration));
    text += "\n";
  }
  text += "  radius    " + std::to_string(plan.scenario.blast_radius.nodes) + " nodes";
  for (const Role role : plan.scenario.blast_radius.roles) text += ", " + std::string(to_word(role));
  text += "\n  deadline  " + to_text(plan.resolved(plan.scenario.deadline)) + " from the first fault\n";
  return text;
}

}  // namespace skidpad::scenario

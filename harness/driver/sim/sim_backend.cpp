#include "harness/driver/sim/sim_backend.hpp"

namespace skidpad::driver::sim {

using client::machines::LinkRule;
using client::machines::MachineUnit;
using runtime::Error;
using runtime::ErrorCode;
using runtime::Signal;
using runtime::success;

SimBackend::SimBackend(runtime::sim::World& world, std::string provider_machine)
    : world_(world), provider_machine_(std::move(provider_machine)) {}

Result<runtime::sim::Machine*> SimBackend::find(const std::string& machine_name) const {
  runtime::sim::Machine* machine = world_.machine(machine_name);
  if (machine == nullptr) return Error(ErrorCode::not_found, "no machine " + machine_name);
  return machine;
}

Task<Result<void>> SimBackend::install(const Machine& machine, std::vector<MachineFile> files) {
  runtime::sim::Machine* simulated = world_.machine(machine.spec.name);
  if (simulated == nullptr) {
    runtime::sim::MachineSpec spec;
    spec.name = machine.spec.name;
    spec.address = machine.spec.address;
    spec.pod_cidr = client::machines::pod_cidr_of(machine.spec.address);
    spec.nameserver = "127.0.0.1";
    simulated = &world_.add_machine(std::move(spec));
    simulated->power_off();
  }
  simulated->disk().format();
  for (const MachineFile& file : files) {
    auto written = write_file(machine.spec.name, file);
    if (!written) co_return written.error();
  }
  co_return success();
}

Task<Result<void>> SimBackend::power_on(const Machine& machine) {
  auto found = find(machine.spec.name);
  if (!found) co_return found.error();
  found.value()->power_on();
  runtime::ProcessSpec init;
  init.executable = "/sbin/init";
  for (const MachineUnit& unit : machine.spec.units) {
    const Json described = {{"argv", unit.argv}, {"env", unit.env}, {"restart_seconds", unit.restart_seconds}};
    init.arguments.push_back(described.dump());
  }
  auto started = found.value()->start(std::move(init));
  if (!started) co_return started.error();
  co_return success();
}

Task<Result<void>> SimBackend::power_off(const std::string& machine_name) {
  auto found = find(machine_name);
  if (!found) co_return found.error();
  found.value()->power_off();
  co_return success();
}

Task<Result<void>> SimBackend::destroy(const std::string& machine_name) {
  world_.remove_machine(machine_name);
  std::erase_if(rules_, [&](const auto& rule) { return rule.first.first == machine_name || rule.first.second == machine_name; });
  co_return success();
}

bool SimBackend::alive(const std::string& machine_name) const {
  const auto found = find(machine_name);
  return found && found.value()->powered();
}

Result<std::string> SimBackend::read_file(const std::string& machine_name, const std::string& path) {
  TRY(runtime::sim::Machine* machine, find(machine_name));
  return machine->disk().read(path, UINT64_MAX);
}

Result<void> SimBackend::write_file(const std::string& machine_name, const MachineFile& file) {
  TRY(runtime::sim::Machine* machine, find(machine_name));
  TRY(machine->disk().make_directories(runtime::parent_path(file.path), 0755));
  return machine->disk().write_atomically(file.path, file.content, file.mode);
}

Result<void> SimBackend::remove_file(const std::string& machine_name, const std::string& path) {
  TRY(runtime::sim::Machine* machine, find(machine_name));
  return machine->disk().remove(path);
}

Result<std::vector<MachineProcess>> SimBackend::processes(const std::string& machine_name) {
  TRY(runtime::sim::Machine* machine, find(machine_name));
  std::vector<MachineProcess> all;
  for (runtime::sim::SimProcess* process : machine->processes()) {
    MachineProcess one;
    one.pid = process->id().pid;
    one.start_time = process->id().start_time;
    one.argv.push_back(process->spec().executable);
    one.argv.insert(one.argv.end(), process->spec().arguments.begin(), process->spec().arguments.end());
    one.state = process->paused() ? "stopped" : "running";
    all.push_back(std::move(one));
  }
  return all;
}

Result<void> SimBackend::signal_process(const std::string& machine_name, std::int64_t pid, std::uint64_t start_time, int signal) {
  TRY(runtime::sim::Machine* machine, find(machine_name));
  for (runtime::sim::SimProcess* process : machine->processes()) {
    if (process->id().pid != pid || (start_time != 0 && process->id().start_time != start_time)) continue;
    // SIGABRT and the like end a process as surely as SIGKILL: nothing here catches them.
    const bool known = signal == 15 || signal == 19 || signal == 18 || signal == 2 || signal == 1;
    process->signal(known ? static_cast<Signal>(signal) : Signal::kill);
    return success();
  }
  return Error(ErrorCode::not_found, "no process " + std::to_string(pid) + " on " + machine_name);
}

Result<void> SimBackend::set_paused(const std::string& machine_name, bool paused) {
  TRY(runtime::sim::Machine* machine, find(machine_name));
  for (runtime::sim::SimProcess* process : machine->processes()) process->signal(paused ? Signal::stop : Signal::resume);
  return success();
}

std::string SimBackend::world_name(const std::string& link_end) const {
  return link_end == client::machines::provider_port_name ? provider_machine_ : link_end;
}

std::string SimBackend::provider_name(const std::string& world_end) const {
  return world_end == provider_machine_ ? client::machines::provider_port_name : world_end;
}

Result<void> SimBackend::change_links(const std::vector<LinkChange>& changes) {
  for (const LinkChange& change : changes) {
    runtime::sim::LinkState state;
    state.cut = change.rule.cut;
    state.loss = change.rule.loss;
    state.duplicate = change.rule.duplicate;
    state.delay = change.rule.delay;
    state.jitter = change.rule.jitter;
    // Reordering is below what TCP lets programs see; held-back segments arrive late.
    if (change.rule.reorder.numerator > 0) state.jitter += std::chrono::milliseconds(5);
    world_.set_link(world_name(change.link.from), world_name(change.link.to), state);
    const std::pair<std::string, std::string> key(change.link.from, change.link.to);
    if (change.rule.healthy()) {
      rules_.erase(key);
    } else {
      rules_[key] = change.rule;
    }
  }
  return success();
}

Result<void> SimBackend::heal_all_links() {
  std::vector<LinkChange> changes;
  for (const auto& [link, rule] : rules_) changes.push_back(LinkChange{{link.first, link.second}, LinkRule()});
  return change_links(changes);
}

Result<std::vector<LinkStatus>> SimBackend::links() {
  std::map<std::pair<std::string, std::string>, LinkStatus> all;
  for (const auto& [link, counted] : world_.all_counters()) {
    const std::pair<std::string, std::string> key(provider_name(link.first), provider_name(link.second));
    LinkStatus& status = all[key];
    status.counters.frames = counted.delivered + counted.dropped_by_cut + counted.lost;
    status.counters.forwarded = counted.delivered;
    status.counters.dropped_by_cut = counted.dropped_by_cut;
    status.counters.lost = counted.lost;
    status.counters.duplicated = counted.duplicated;
    status.counters.delayed = counted.delayed;
  }
  for (const auto& [link, rule] : rules_) all[link].rule = rule;
  std::vector<LinkStatus> listed;
  for (auto& [link, status] : all) {
    status.link = {link.first, link.second};
    listed.push_back(std::move(status));
  }
  return listed;
}

namespace {

Task<void> keep_running(runtime::Runtime& runtime, runtime::ProcessSpec spec, runtime::Duration restart_delay) {
  for (;;) {
    auto spawned = runtime.processes().spawn(spec);
    if (spawned) co_await spawned.value()->wait();
    co_await runtime.sleep_for(restart_delay);
  }
}

}  // namespace

Task<int> init_main(runtime::Runtime& runtime, std::vector<std::string> arguments) {
  runtime::TaskGroup units(runtime.stop());
  for (const std::string& text : arguments) {
    const Json unit = Json::parse(text);
    runtime::ProcessSpec spec;
    const auto argv = unit.at("argv").get<std::vector<std::string>>();
    spec.executable = argv.at(0);
    spec.arguments.assign(argv.begin() + 1, argv.end());
    spec.environment = unit.at("env").get<std::map<std::string, std::string>>();
    units.spawn(spec.executable, keep_running(runtime, spec, runtime::from_seconds(unit.at("restart_seconds").get<double>())));
  }
  co_await units.join();
  co_return 0;
}

}  // namespace skidpad::driver::sim

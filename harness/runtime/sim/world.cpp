#include "harness/runtime/sim/world.hpp"

#include "harness/runtime/sim/sim_network.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::runtime::sim {

// --- World ---

World::World(WorldOptions options)
    : options_(options), random_(options.seed), link_random_(Random(options.seed).split("links")) {
  pipes_.previous = pipes_.next = &pipes_;
  in_flight_.previous = in_flight_.next = &in_flight_;
}

World::~World() {
  for (auto& [name, machine] : machines_) machine->power_off();
  run_deferred();
  machines_.clear();
  while (pipes_.next != &pipes_) static_cast<Pipe&>(*pipes_.next).abandon();
  while (in_flight_.next != &in_flight_) delete static_cast<InFlight*>(in_flight_.next);
  pipes_.previous = pipes_.next = in_flight_.previous = in_flight_.next = nullptr;
}

const SimProgram* World::program(const std::string& executable) const {
  const auto found = programs_.find(file_name(executable));
  return found == programs_.end() ? nullptr : &found->second;
}

Machine& World::add_machine(MachineSpec spec) {
  ASSERT(!machines_.contains(spec.name));
  ASSERT(!by_address_.contains(spec.address));
  const std::string name = spec.name;
  auto machine = std::make_unique<Machine>(*this, std::move(spec));
  by_address_[machine->spec().address] = machine.get();
  return *(machines_[name] = std::move(machine));
}

void World::remove_machine(const std::string& name) {
  const auto found = machines_.find(name);
  if (found == machines_.end()) return;
  found->second->power_off();
  by_address_.erase(found->second->spec().address);
  machines_.erase(found);
}

Machine* World::machine(const std::string& name) {
  const auto found = machines_.find(name);
  return found == machines_.end() ? nullptr : found->second.get();
}

std::vector<Machine*> World::machines() {
  std::vector<Machine*> all;
  for (auto& [name, machine] : machines_) all.push_back(machine.get());
  return all;
}

namespace {

/// "10.244.3.0/24" holds "10.244.3.17". Only whole-octet prefixes: 8, 16, 24, 32.
bool cidr_holds(const std::string& cidr, const std::string& address) {
  const std::size_t slash = cidr.find('/');
  if (slash == std::string::npos) return cidr == address;
  const int octets = std::stoi(cidr.substr(slash + 1)) / 8;
  std::size_t end = 0;
  for (int octet = 0; octet < octets; ++octet) {
    end = cidr.find_first_of("./", end);
    if (end == std::string::npos) return false;
    ++end;
  }
  return address.compare(0, end, cidr, 0, end) == 0;
}

}  // namespace

Machine* World::route(Machine& from, const std::string& address) {
  if (address.starts_with("127.") || from.owns_address(address)) return &from;
  const auto found = by_address_.find(address);
  if (found != by_address_.end()) return found->second;
  for (auto& [name, machine] : machines_) {
    if (!machine->spec().pod_cidr.empty() && cidr_holds(machine->spec().pod_cidr, address)) return machine.get();
  }
  return nullptr;
}

void World::set_link(const std::string& from, const std::string& to, LinkState state) {
  if (state == LinkState{}) {
    links_.erase({from, to});
  } else {
    links_[{from, to}] = state;
  }
  links_changed(from);
}

LinkState World::link(const std::string& from, const std::string& to) const {
  if (links_.empty()) return {};
  const auto found = links_.find({from, to});
  return found == links_.end() ? LinkState{} : found->second;
}

LinkCounters& World::counters(const std::string& from, const std::string& to) { return counters_[{from, to}]; }

Duration World::draw_latency(const std::string& from, const std::string& to) {
  if (from == to) return options_.latency_local;
  Duration latency = link_random_.between(options_.latency_min, options_.latency_max);
  if (links_.empty()) return latency;
  const LinkState state = link(from, to);
  latency += state.delay;
  if (state.jitter > 0ns) latency += link_random_.between(0ns, state.jitter);
  if (state.delay > 0ns || state.jitter > 0ns) ++counters(from, to).delayed;
  return latency;
}

void World::links_changed(const std::string& machine) {
  for (Link* link = pipes_.next; link != &pipes_; link = link->next) static_cast<Pipe&>(*link).path_changed(machine);
}

void World::mix(std::uint64_t value) {
  digest_ = (digest_ ^ value) * 1099511628211ULL;
}

void World::run_deferred() {
  while (!deferred_.empty()) {
    auto action = std::move(deferred_.front());
    deferred_.pop_front();
    action();
  }
}

bool World::run_until(Instant due, const std::function<bool()>& condition) {
  for (;;) {
    do {
      while (run_ready(1) == 1) {
        ++event_count_;
        if (!deferred_.empty()) run_deferred();
      }
      run_deferred();
    } while (run_ready(1) == 1);
    if (condition && condition()) return true;
    if (timers_.empty() || timers_.next_due() > due) break;
    now_ = std::max(now_, timers_.next_due());
    mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    ++event_count_;
    timers_.fire_first();
  }
  if (now_ < due && due != Instant::max()) now_ = due;
  return false;
}

// --- Machine ---

Machine::Machine(World& world, MachineSpec spec)
    : world_(world), spec_(std::move(spec)), disk_([&world] { return world.wall_now(); }) {}

Machine::~Machine() { ASSERT(processes_.empty()); }

Result<SimProcess*> Machine::start(ProcessSpec spec) {
  if (!powered_) return Error(ErrorCode::unavailable, name() + " is off");
  const SimProgram* program = world_.program(spec.executable);
  if (program == nullptr) return Error(ErrorCode::not_found, spec.executable + ": no such file or directory");
  ProcessId id;
  id.pid = world_.pid_next++;
  id.start_time = boot_;
  world_.mix(static_cast<std::uint64_t>(id.pid));
  auto process = std::make_shared<SimProcess>(*this, std::move(spec), *program, id);
  processes_[id.pid] = process;
  process->start();
  return process.get();
}

void Machine::power_off() {
  if (!powered_) return;
  powered_ = false;
  // The youngest first: parents must not see their children end.
  while (!processes_.empty()) {
    const auto process = processes_.rbegin()->second;
    ExitStatus status;
    status.code = 137;
    status.signal = 9;
    process->end(status, SimProcess::Farewell::silence, "power off");
  }
  local_addresses.clear();
  disk_.lose_unsynced();
  world_.links_changed(name());
}

void Machine::power_on() {
  if (powered_) return;
  powered_ = true;
  ++boot_;
}

SimProcess* Machine::find(ProcessId id) {
  const auto found = processes_.find(id.pid);
  return found == processes_.end() || !(found->second->id() == id) ? nullptr : found->second.get();
}

std::vector<SimProcess*> Machine::processes() {
  std::vector<SimProcess*> living;
  for (auto& [pid, process] : processes_) living.push_back(process.get());
  return living;
}

bool Machine::owns_address(const std::string& address) const {
  return address == spec_.address || local_addresses.contains(address);
}

namespace {

template <class Socket>
Socket* socket_for(const std::map<Endpoint, Socket*>& sockets, const Endpoint& to) {
  auto found = sockets.find(to);
  if (found == sockets.end()) {
    Endpoint any = to;
    any.address.clear();
    found = sockets.find(any);
  }
  return found == sockets.end() ? nullptr : found->second;
}

}  // namespace

SimListener* Machine::listener_for(const Endpoint& to) const { return socket_for(listeners, to); }

SimDatagramSocket* Machine::datagram_socket_for(const Endpoint& to) const { return socket_for(datagrams, to); }

std::uint16_t Machine::take_port() {
  const auto taken = [this](std::uint16_t port) {
    const auto at_port = [port](const auto& entry) { return entry.first.port == port; };
    return std::any_of(listeners.begin(), listeners.end(), at_port) || std::any_of(datagrams.begin(), datagrams.end(), at_port);
  };
  do {
    port_next_ = port_next_ >= 60999 ? 32768 : port_next_ + 1;
  } while (taken(port_next_));
  return port_next_;
}

// --- SimProcess ---

namespace {

class SimLog final : public Log {
 public:
  SimLog(World& world, SimProcess& process) : world_(world), process_(process) {}
  bool enabled(LogLevel level) const override { return world_.on_log && level >= world_.options().log_level; }
  void write(LogLevel level, std::string_view event, const Json& fields) override {
    if (enabled(level)) world_.on_log(process_.machine().name(), process_.program_name(), level, event, fields);
  }

 private:
  World& world_;
  SimProcess& process_;
};

ExitStatus killed_by(int signal) {
  ExitStatus status;
  status.code = 128 + signal;
  status.signal = signal;
  return status;
}

}  // namespace

SimProcess::SimProcess(Machine& machine, ProcessSpec spec, const SimProgram& program, ProcessId id)
    : machine_(machine),
      spec_(std::move(spec)),
      program_(program),
      id_(id),
      random_(machine.world_.random().split(machine.name() + "/" + std::to_string(id.pid))) {
  stop_.gate = &gate_;
  network_ = make_sim_network(*this);
  processes_ = make_sim_processes(*this);
  pki_ = make_sim_pki([this] { return wall_now(); }, random_.split("pki"));
  log_ = std::make_unique<SimLog>(machine.world_, *this);
}

SimProcess::~SimProcess() { ASSERT(!group_ || group_->running_count() == 0); }

void SimProcess::start() {
  group_.emplace(stop_);
  group_->spawn(program_name(), main());
}

Task<void> SimProcess::main() {
  int code = 0;
  std::string why = "exited";
  co_await Yield();
  try {
    code = co_await program_(*this, spec_.arguments);
  } catch (const Cancelled&) {
    why = "terminated";
  } catch (const UsageError& error) {
    code = 1;
    why = error.what();
  } catch (const std::exception& error) {
    code = 134;
    why = std::string("uncaught exception: ") + error.what();
  }
  ExitStatus status;
  status.code = code;
  // The process cannot take itself apart while this coroutine runs.
  auto self = shared_from_this();
  machine_.world().defer([self, status, why] { self->end(status, Farewell::reset_connections, why); });
}

void SimProcess::end(ExitStatus status, Farewell farewell, const std::string& why) {
  if (exit_) return;
  const auto self = shared_from_this();
  exit_ = status;
  silent_on_close(*network_, farewell == Farewell::silence);
  stop_.gate = nullptr;
  release_gate(gate_);
  group_->kill();
  machine_.processes_.erase(id_.pid);
  machine_.world().mix(static_cast<std::uint64_t>(status.code) + 1000);
  if (machine_.world().on_exit) machine_.world().on_exit(machine_, *this, why);
  ended_.set();
}

void SimProcess::signal(Signal signal) {
  if (exit_) return;
  switch (signal) {
    case Signal::kill: {
      auto self = shared_from_this();
      machine_.world().defer([self] { self->end(killed_by(9), Farewell::reset_connections, "killed"); });
      break;
    }
    case Signal::stop:
      gate_.closed = true;
      break;
    case Signal::resume:
      gate_.closed = false;
      release_gate(gate_);
      break;
    case Signal::terminate:
    case Signal::interrupt:
    case Signal::hangup:
      stop_.request_stop();
      break;
  }
}

std::string SimProcess::environment(const std::string& name) const {
  const auto found = spec_.environment.find(name);
  return found == spec_.environment.end() ? std::string() : found->second;
}

// --- Processes as a process sees them ---

namespace {

class SimChild final : public Process {
 public:
  explicit SimChild(std::shared_ptr<SimProcess> process) : process_(std::move(process)) {}
  ProcessId id() const override { return process_->id(); }
  Task<ExitStatus> wait() override {
    while (process_->alive()) co_await process_->ended().wait();
    co_return *process_->exit_status();
  }
  std::optional<ExitStatus> exit_status() const override { return process_->exit_status(); }
  void signal(Signal signal) override { process_->signal(signal); }

 private:
  std::shared_ptr<SimProcess> process_;
};

class SimProcesses final : public Processes {
 public:
  explicit SimProcesses(SimProcess& self) : self_(self) {}
  Result<std::unique_ptr<Process>> spawn(ProcessSpec spec) override {
    TRY(SimProcess* child, self_.machine().start(std::move(spec)));
    return std::unique_ptr<Process>(new SimChild(child->shared_from_this()));
  }
  Result<std::unique_ptr<Process>> adopt(ProcessId id) override {
    SimProcess* process = self_.machine().find(id);
    if (process == nullptr) return Error(ErrorCode::not_found, "no process " + std::to_string(id.pid));
    return std::unique_ptr<Process>(new SimChild(process->shared_from_this()));
  }
  Task<Result<Output>> run(ProcessSpec spec, std::size_t) override {
    auto spawned = spawn(std::move(spec));
    if (!spawned) co_return spawned.error();
    auto child = std::move(spawned.value());
    struct KillOnExit {
      Process& child;
      ~KillOnExit() {
        if (!child.exit_status()) child.signal(Signal::kill);
      }
    } guard{*child};
    Output output;
    output.status = co_await child->wait();
    co_return output;
  }

 private:
  SimProcess& self_;
};

}  // namespace

std::unique_ptr<Processes> make_sim_processes(SimProcess& process) { return std::make_unique<SimProcesses>(process); }

}  // namespace skidpad::runtime::sim

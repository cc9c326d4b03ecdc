/// @file world.hpp
/// A simulated world: machines with disks, processes and links, in one thread and in virtual time.
/// Promise: the same seed and the same calls give the same events in the same order (digest() tells).
/// Not modelled: CPU time (work takes no virtual time), congestion, IPv6.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "harness/runtime/runtime.hpp"
#include "harness/runtime/sim/sim_disk.hpp"

namespace skidpad::runtime::sim {

/// As runtime::Program; may carry state of its own in a plain (not coroutine) function object that outlives the world.
using SimProgram = std::function<Task<int>(Runtime& runtime, std::vector<std::string> arguments)>;

class World;
class Machine;
class SimProcess;
class SimListener;
class SimDatagramSocket;

/// What a directed link does to traffic. Loss inside a connection shows as retransmission delay, as with TCP.
struct LinkState {
  bool cut = false;
  Ratio loss{0, 1};
  Ratio duplicate{0, 1};    ///< datagrams only: TCP hides duplicates
  Duration delay = 0ns;     ///< on top of the base latency
  Duration jitter = 0ns;
  friend bool operator==(const LinkState&, const LinkState&) = default;
};

/// What a directed link did: the witness of link faults.
struct LinkCounters {
  std::uint64_t delivered = 0;
  std::uint64_t dropped_by_cut = 0;
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t delayed = 0;
};

struct MachineSpec {
  std::string name;
  std::string address;            ///< own address on the cluster's network
  std::string pod_cidr;           ///< "10.244.3.0/24": these addresses are routed to it; "" for none
  std::string nameserver;         ///< where resolve() asks; "" for none
  Duration clock_offset = 0ns;    ///< its wall clock against the world's
};

struct WorldOptions {
  std::uint64_t seed = 1;
  WallTime wall_start = WallTime(std::chrono::seconds(1767225600));  ///< 2026-01-01T00:00:00Z
  Duration latency_min = 100us;   ///< between machines, one way
  Duration latency_max = 300us;
  Duration latency_local = 20us;  ///< within a machine
  Duration keepalive_timeout = 30s;   ///< a silent peer is noticed after this
  Duration handshake_retry = 1s;      ///< SYN retransmission
  LogLevel log_level = LogLevel::warning;
};

/// One simulated machine. Processes die with the power; the disk keeps what was synced.
class Machine {
 public:
  Machine(World& world, MachineSpec spec);
  ~Machine();
  const MachineSpec& spec() const { return spec_; }
  const std::string& name() const { return spec_.name; }
  bool powered() const { return powered_; }
  SimDisk& disk() { return disk_; }
  /// Starts a program at once. not_found if no program has that name.
  Result<SimProcess*> start(ProcessSpec spec);
  /// Like pulling the plug: every process ends at once, unsynced writes are lost, peers hear nothing.
  void power_off();
  void power_on();
  SimProcess* find(ProcessId id);
  /// Living processes in the order they were started.
  std::vector<SimProcess*> processes();
  void set_clock_offset(Duration offset) { spec_.clock_offset = offset; }
  void set_nameserver(std::string address) { spec_.nameserver = std::move(address); }

  World& world() { return world_; }
  /// Counts power cycles: connections of an earlier boot are dead.
  std::uint64_t boot() const { return boot_; }
  bool owns_address(const std::string& address) const;

  // What its kernel keeps for the processes' sockets.
  std::map<Endpoint, SimListener*> listeners;
  std::map<Endpoint, SimDatagramSocket*> datagrams;
  std::set<std::string> local_addresses;
  /// The socket that traffic to this endpoint reaches: bound to the very address, or to all.
  SimListener* listener_for(const Endpoint& to) const;
  SimDatagramSocket* datagram_socket_for(const Endpoint& to) const;
  std::uint16_t take_port();

 private:
  friend class SimProcess;
  World& world_;
  MachineSpec spec_;
  SimDisk disk_;
  bool powered_ = true;
  std::uint64_t boot_ = 1;
  std::map<std::int64_t, std::shared_ptr<SimProcess>> processes_;
  std::uint16_t port_next_ = 32768;
};

/// Something on its way through the world that owns itself until it arrives; the world frees what never did.
class InFlight : public Link {
 public:
  virtual ~InFlight() = default;
};

class World final : public Clock {
 public:
  explicit World(WorldOptions options);
  ~World() override;
  World(const World&) = delete;

  Instant now() const override { return now_; }
  TimerQueue& timers() override { return timers_; }
  WallTime wall_now() const { return options_.wall_start + (now_ - Instant{}); }
  const WorldOptions& options() const { return options_; }
  Random& random() { return random_; }

  /// Programs by the last part of their executable's path.
  void register_program(std::string name, SimProgram program) { programs_[std::move(name)] = std::move(program); }
  /// Null if there is none.
  const SimProgram* program(const std::string& executable) const;

  Machine& add_machine(MachineSpec spec);
  void remove_machine(const std::string& name);
  Machine* machine(const std::string& name);
  std::vector<Machine*> machines();
  /// The machine that an address leads to, seen from another; null if none.
  Machine* route(Machine& from, const std::string& address);

  void set_link(const std::string& from, const std::string& to, LinkState state);
  LinkState link(const std::string& from, const std::string& to) const;
  LinkCounters& counters(const std::string& from, const std::string& to);
  const std::map<std::pair<std::string, std::string>, LinkCounters>& all_counters() const { return counters_; }

  /// Runs until the condition holds (true), or nothing is left to happen or `due` has come (false).
  bool run_until(Instant due, const std::function<bool()>& condition = {});
  /// Runs one task as the harness's own, outside any machine, until it ends or `due` comes.
  template <class T>
  std::optional<T> run(Task<T> task, Instant due);

  std::uint64_t event_count() const { return event_count_; }
  /// Changes with every event and its time: equal digests, equal runs.
  std::uint64_t digest() const { return digest_; }
  void mix(std::uint64_t value);
  /// Called for each log line at or above the level of the options.
  std::function<void(const std::string& machine, const std::string& program, LogLevel, std::string_view event, const Json& fields)> on_log;
  /// Called when a process ended: its program, exit code, and what it died of.
  std::function<void(Machine&, SimProcess&, const std::string& why)> on_exit;
  /// Runs later in this same instant, outside any coroutine.
  void defer(std::function<void()> action) { deferred_.push_back(std::move(action)); }
  StopState& stop() { return stop_; }
  std::int64_t pid_next = 100;

  // For the parts of the world: links, machines, connections.
  Duration draw_latency(const std::string& from, const std::string& to);
  Random& link_random() { return link_random_; }
  void links_changed(const std::string& machine);
  Link& pipes() { return pipes_; }
  Link& in_flight() { return in_flight_; }

 private:
  void run_deferred();

  WorldOptions options_;
  Random random_;
  Random link_random_;
  Instant now_{};
  TimerQueue timers_;
  StopState stop_;
  std::map<std::string, SimProgram> programs_;
  std::map<std::string, std::unique_ptr<Machine>> machines_;
  std::map<std::string, Machine*> by_address_;
  std::map<std::pair<std::string, std::string>, LinkState> links_;
  std::map<std::pair<std::string, std::string>, LinkCounters> counters_;
  std::deque<std::function<void()>> deferred_;
  std::uint64_t event_count_ = 0;
  std::uint64_t digest_ = 14695981039346656037ULL;
  Link pipes_;      ///< list head of all living pipes
  Link in_flight_;  ///< list head of datagrams on their way
};

/// One simulated process: a Runtime of its own, killed without any of its code running on.
class SimProcess final : public Runtime, public std::enable_shared_from_this<SimProcess> {
 public:
  SimProcess(Machine& machine, ProcessSpec spec, const SimProgram& program, ProcessId id);
  ~SimProcess() override;
  void start();

  const ProcessSpec& spec() const { return spec_; }
  ProcessId id() const { return id_; }
  std::string program_name() const { return file_name(spec_.executable); }
  Machine& machine() { return machine_; }
  bool alive() const { return !exit_; }
  bool paused() const { return gate_.closed; }
  const std::optional<ExitStatus>& exit_status() const { return exit_; }
  void signal(Signal signal);
  Event& ended() { return ended_; }

  Instant now() const override { return machine_.world().now(); }
  TimerQueue& timers() override { return machine_.world().timers(); }
  WallTime wall_now() const override { return machine_.world().wall_now() + machine_.spec_.clock_offset; }
  Random& random() override { return random_; }
  Network& network() override { return *network_; }
  Disk& disk() override { return machine_.disk_; }
  Processes& processes() override { return *processes_; }
  Pki& pki() override { return *pki_; }
  Log& log() override { return *log_; }
  StopState& stop() override { return stop_; }
  std::string host_name() const override { return machine_.name(); }
  std::string environment(const std::string& name) const override;

 private:
  friend class Machine;
  enum class Farewell { reset_connections, silence };
  void end(ExitStatus status, Farewell farewell, const std::string& why);
  Task<void> main();

  Machine& machine_;
  ProcessSpec spec_;
  const SimProgram& program_;
  ProcessId id_;
  Gate gate_;
  StopState stop_;
  Random random_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Processes> processes_;
  std::unique_ptr<Pki> pki_;
  std::unique_ptr<Log> log_;
  std::optional<ExitStatus> exit_;
  Event ended_;
  std::optional<TaskGroup> group_;
};

/// Certificates whose text says what they are; used by SimProcess and by tests.
std::unique_ptr<Pki> make_sim_pki(std::function<WallTime()> wall_now, Random random);
std::unique_ptr<Network> make_sim_network(SimProcess& process);
std::unique_ptr<Processes> make_sim_processes(SimProcess& process);

template <class T>
std::optional<T> World::run(Task<T> task, Instant due) {
  std::optional<T> result;
  TaskGroup group(stop_);
  // A plain function would do, but its coroutine must not capture: the arguments live in its frame.
  auto body = [](Task<T> inner, std::optional<T>& out) -> Task<void> { out.emplace(co_await inner); };
  group.spawn("harness", body(std::move(task), result));
  run_until(due, [&] { return group.running_count() == 0; });
  return result;
}

}  // namespace skidpad::runtime::sim

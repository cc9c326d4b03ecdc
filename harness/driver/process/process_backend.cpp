#include "harness/driver/process/process_backend.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace skidpad::driver::process {

namespace {

using Kind = JournalEntry::Kind;

constexpr Duration boot_time_max = std::chrono::seconds(20);
constexpr Duration boot_poll_interval = std::chrono::milliseconds(1);
constexpr std::chrono::milliseconds kill_time_max{10000};

/// Deleting a tree that programs were just killed in; a directory is made again for the next boot.
Result<void> remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return Error(ErrorCode::io, "remove " + path + ": " + error.message());
  return success();
}

Result<void> put_file(const MachineFile& file) {
  TRY(make_directories(runtime::parent_path(file.path)));
  TRY(write_text(file.path, file.content, file.mode));
  // The umask does not count here, and a file that was there keeps its mode otherwise.
  if (::chmod(file.path.c_str(), file.mode) != 0) return system_error("chmod " + file.path);
  return success();
}

std::string state_text(char state) {
  if (state == 'T' || state == 't') return "stopped";
  if (state == 'Z' || state == 'X') return "zombie";
  return "running";
}

}  // namespace

ProcessBackend::ProcessBackend(runtime::Runtime& runtime, Switch* links, ProcessBackendOptions options)
    : runtime_(runtime), switch_(links), options_(std::move(options)), journal_(options_.state_directory) {
  ASSERT((switch_ != nullptr) == (options_.isolation == Isolation::namespaces));
}

ProcessBackend::~ProcessBackend() {
  for (auto& [name, live] : live_) {
    if (live.process) live.process->kill(kill_time_max);
  }
}

Result<void> ProcessBackend::prepare() {
  const auto self = find_process(::getpid());
  ASSERT(self.has_value());
  JournalEntry owner;
  owner.kind = Kind::supervisor;
  owner.pid = self->host_pid;
  owner.start_time = self->start_time;
  TRY(journal_.write(owner));
  TRY(journal_.write(JournalEntry{Kind::tag, options_.run + "/", 0, 0}));
  if (options_.isolation == Isolation::namespaces && options_.cgroups.any()) {
    cgroup_path_ = cgroup_name(options_.run);
    TRY(journal_.write(JournalEntry{Kind::cgroup, options_.cgroups.base() + "/" + cgroup_path_, 0, 0}));
    TRY(Cgroup::create(options_.cgroups, cgroup_path_));
  }
  return success();
}

Result<void> ProcessBackend::clean_up() {
  Result<void> cleaned = success();
  const auto keep_first = [&cleaned](Result<void> done) {
    if (!done && cleaned) cleaned = std::move(done);
  };
  std::vector<std::string> names;
  for (const auto& [name, live] : live_) names.push_back(name);
  for (const std::string& name : names) keep_first(switch_off(name));
  if (!cgroup_path_.empty()) keep_first(remove_cgroup_tree(options_.cgroups.base() + "/" + cgroup_path_));
  if (cleaned) keep_first(journal_.write(JournalEntry{Kind::done, "", 0, 0}));
  return cleaned;
}

std::string ProcessBackend::root(const std::string& machine_name) const { return directory(machine_name) + "/disk"; }

Task<Result<void>> ProcessBackend::install(const Machine& machine, std::vector<MachineFile> files) {
  const std::string& name = machine.spec.name;
  ASSERT(!alive(name));
  Result<void> removed = remove_tree(directory(name));
  if (!removed) co_return removed;
  Result<void> made = make_directories(root(name));
  if (!made) co_return made;
  for (const MachineFile& file : files) {
    Result<void> put = put_file(file);
    if (!put) co_return put;
  }
  co_return success();
}

Result<void> ProcessBackend::launch(const Machine& machine) {
  const std::string& name = machine.spec.name;
  MachineBoot boot;
  boot.run = options_.run;
  boot.name = name;
  boot.address = machine.spec.address;
  boot.isolation = options_.isolation;
  boot.directory = directory(name);
  boot.root = root(name);
  boot.visible_paths = options_.visible_paths;
  boot.environment = options_.environment;
  boot.environment["HOME"] = boot.root;
  boot.environment["SKIDPAD_HOST_NAME"] = name;
  boot.environment["SKIDPAD_NODE_ADDRESS"] = boot.address;
  // Only a network of its own may be changed (harness/runtime/real/real_network.hpp).
  if (options_.isolation == Isolation::namespaces) boot.environment["SKIDPAD_NODE_NETWORK"] = "own";
  if (options_.isolation == Isolation::loopback) {
    boot.environment["TMPDIR"] = boot.directory + "/tmp";
    TRY(make_directories(boot.directory + "/tmp"));
  }
  boot.units = machine.spec.units;

  MachineLaunch launch;
  launch.isolation = options_.isolation;
  launch.tag = boot.tag();
  launch.boot_path = boot.directory + "/boot.json";
  launch.log_path = boot.directory + "/node-init.log";
  TRY(make_directories(boot.root));
  TRY(write_text(launch.boot_path, to_json(boot).dump(), 0600));
  TRY(auto process, MachineProcess::launch(launch));
  Live& live = live_[name];
  live.process = std::move(process);
  if (!cgroup_path_.empty()) {
    // The cgroup is below one that the journal names already.
    TRY(live.cgroup, Cgroup::create(options_.cgroups, cgroup_path_ + "/" + name));
    TRY(live.cgroup.add(live.process->host_pid()));
  }
  return success();
}

Task<Result<void>> ProcessBackend::power_on(const Machine& machine) {
  const std::string name = machine.spec.name;
  const std::string address = machine.spec.address;
  ASSERT(!alive(name));
  (void)switch_off(name);  // what a first process that died by itself has left
  Result<void> launched = launch(machine);
  if (!launched) {
    (void)switch_off(name);
    co_return launched;
  }
  const runtime::Instant due = runtime_.now() + boot_time_max;
  for (;;) {
    const auto live = live_.find(name);
    if (live == live_.end()) {
      Error error(ErrorCode::conflict, "machine " + name + " was switched off while it booted");
      co_return error;
    }
    auto ready = live->second.process->poll_ready();
    if (!ready) {
      (void)switch_off(name);
      co_return ready.error();
    }
    if (ready.value()) {
      if (switch_ != nullptr) switch_->plug(name, address, std::move(ready.value()->tap));
      co_return live->second.process->start_units();
    }
    if (runtime_.now() >= due) {
      (void)switch_off(name);
      Error error(ErrorCode::timeout, "machine " + name + " did not boot in time; see " + directory(name) + "/node-init.log");
      co_return error;
    }
    co_await runtime_.sleep_for(boot_poll_interval);
  }
}

Result<void> ProcessBackend::switch_off(const std::string& machine_name) {
  const auto found = live_.find(machine_name);
  if (found == live_.end()) return success();
  // First the network: what the dying still send must not be taken for life.
  if (switch_ != nullptr) switch_->unplug(machine_name);
  Live live = std::move(found->second);
  live_.erase(found);
  // A frozen machine would not die in cgroup v1.
  if (!live.cgroup.directory().empty()) (void)live.cgroup.set_frozen(false);
  const bool gone = live.process->kill(kill_time_max);
  Result<void> removed = live.cgroup.remove();
  if (!gone) return Error(ErrorCode::io, "machine " + machine_name + ": some of its processes do not end");
  return removed;
}

Task<Result<void>> ProcessBackend::power_off(const std::string& machine_name) { co_return switch_off(machine_name); }

void ProcessBackend::keep_logs(const std::string& machine_name) const {
  namespace fs = std::filesystem;
  const fs::path from = directory(machine_name);
  const fs::path kept = fs::path(options_.state_directory) / "logs" / machine_name;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(from, fs::directory_options::skip_permission_denied, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() != ".log" || !entry->is_regular_file(error)) continue;
    const fs::path to = kept / fs::relative(entry->path(), from, error);
    fs::create_directories(to.parent_path(), error);
    fs::rename(entry->path(), to, error);
  }
}

Task<Result<void>> ProcessBackend::destroy(const std::string& machine_name) {
  Result<void> off = switch_off(machine_name);
  if (switch_ != nullptr) switch_->forget(machine_name);
  keep_logs(machine_name);
  Result<void> removed = remove_tree(directory(machine_name));
  if (!off) co_return off;
  co_return removed;
}

bool ProcessBackend::alive(const std::string& machine_name) const {
  const auto found = live_.find(machine_name);
  return found != live_.end() && found->second.process->alive();
}

Result<std::string> ProcessBackend::read_file(const std::string&, const std::string& path) { return read_text(path); }

Result<void> ProcessBackend::write_file(const std::string&, const MachineFile& file) { return put_file(file); }

Result<void> ProcessBackend::remove_file(const std::string&, const std::string& path) {
  if (::unlink(path.c_str()) != 0) return system_error("remove " + path);
  return success();
}

Result<std::vector<HostProcess>> ProcessBackend::host_processes(const std::string& machine_name) const {
  const auto found = live_.find(machine_name);
  if (found == live_.end()) return std::vector<HostProcess>();
  const std::int64_t init = found->second.process->host_pid();
  if (options_.isolation == Isolation::namespaces) return processes_in_namespace_of(init);
  return descendants_and_tagged(init, options_.run + "/" + machine_name);
}

Result<std::vector<client::machines::MachineProcess>> ProcessBackend::processes(const std::string& machine_name) {
  TRY(const auto found, host_processes(machine_name));
  std::map<std::int64_t, std::int64_t> pid_by_host_pid;
  for (const HostProcess& process : found) pid_by_host_pid[process.host_pid] = process.pid;
  std::vector<client::machines::MachineProcess> processes;
  for (const HostProcess& process : found) {
    const auto parent = pid_by_host_pid.find(process.parent_host_pid);
    processes.push_back({process.pid, parent == pid_by_host_pid.end() ? 0 : parent->second, process.start_time, process.argv, state_text(process.state)});
  }
  return processes;
}

Result<void> ProcessBackend::signal_process(const std::string& machine_name, std::int64_t pid, std::uint64_t start_time, int signal) {
  TRY(const auto found, host_processes(machine_name));
  for (const HostProcess& process : found) {
    if (process.pid == pid && (start_time == 0 || process.start_time == start_time)) return send_signal(process, signal);
  }
  return Error(ErrorCode::not_found, "machine " + machine_name + ": there is no process " + std::to_string(pid));
}

Error ProcessBackend::needs_namespaces(const std::string& what) const {
  return Error(ErrorCode::unsupported, what + ": not possible in " + std::string(name(options_.isolation)) + " isolation; run as root with namespaces");
}

Result<void> ProcessBackend::set_paused(const std::string& machine_name, bool paused) {
  const auto found = live_.find(machine_name);
  if (found == live_.end()) return Error(ErrorCode::conflict, "machine " + machine_name + " is off");
  if (found->second.cgroup.directory().empty()) {
    if (options_.isolation == Isolation::loopback) return needs_namespaces("pause a machine");
    return Error(ErrorCode::unsupported, "pause a machine: this host has no cgroup for it; mount -t cgroup2 none /sys/fs/cgroup");
  }
  return found->second.cgroup.set_frozen(paused);
}

Result<void> ProcessBackend::change_links(const std::vector<LinkChange>& changes) {
  if (switch_ == nullptr) return needs_namespaces("change links");
  switch_->change_links(changes);
  return success();
}

Result<void> ProcessBackend::heal_all_links() {
  if (switch_ == nullptr) return success();  // none was ever broken
  switch_->heal_all_links();
  return success();
}

Result<std::vector<LinkStatus>> ProcessBackend::links() {
  if (switch_ == nullptr) return std::vector<LinkStatus>();
  return switch_->links();
}

}  // namespace skidpad::driver::process

#include "harness/driver/process/sweep.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/driver/process/cgroup.hpp"
#include "harness/driver/process/journal.hpp"
#include "harness/driver/process/process_table.hpp"

namespace skidpad::driver::process {

namespace {

using Kind = JournalEntry::Kind;

std::string describe(const HostProcess& process) {
  return "process " + std::to_string(process.host_pid) + " " + (process.argv.empty() ? std::string("?") : process.argv[0]);
}

bool wait_until_dead(const JournalEntry& supervisor, int milliseconds_max) {
  for (int waited = 0; waited < milliseconds_max; waited += 5) {
    if (!is_alive(supervisor.pid, supervisor.start_time)) return true;
    const timespec pause{0, 5'000'000};
    ::nanosleep(&pause, nullptr);
  }
  return !is_alive(supervisor.pid, supervisor.start_time);
}

bool stop(const JournalEntry& supervisor) {
  HostProcess process;
  process.host_pid = process.pid = supervisor.pid;
  process.start_time = supervisor.start_time;
  (void)send_signal(process, SIGTERM);
  if (wait_until_dead(supervisor, 5000)) return true;
  (void)send_signal(process, SIGKILL);
  return wait_until_dead(supervisor, 5000);
}

void undo(const JournalEntry& entry, SweepReport& report) {
  if (entry.kind == Kind::tag) {
    const auto list = [&entry] { return descendants_and_tagged(-1, entry.text); };
    for (const HostProcess& process : list()) report.removed.push_back(describe(process));
    if (!kill_until_gone(list, std::chrono::seconds(5))) {
      for (const HostProcess& process : list()) report.remaining.push_back(describe(process) + ": does not end");
    }
  } else if (entry.kind == Kind::cgroup && ::access(entry.text.c_str(), F_OK) == 0) {
    if (auto removed = remove_cgroup_tree(entry.text); removed) {
      report.removed.push_back("cgroup " + entry.text);
    } else {
      report.remaining.push_back("cgroup " + entry.text + ": " + removed.error().message);
    }
  }
}

std::string executable_of(std::int64_t pid) {
  char buffer[4096];
  const ssize_t size = ::readlink(("/proc/" + std::to_string(pid) + "/exe").c_str(), buffer, sizeof buffer);
  return size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : std::string();
}

/// A supervisor that the kernel is about to end: its memory is gone already, or the run is that it was to end with.
bool is_ending(const HostProcess& process) {
  if (process.argv.empty()) return true;
  const bool bound = std::find(process.argv.begin(), process.argv.end(), "--die-with-parent") != process.argv.end();
  return bound && executable_of(process.parent_host_pid) != executable_of(process.host_pid);
}

bool any_supervisor_ending() {
  for (const SupervisorCgroup& group : supervisor_cgroups()) {
    const auto process = find_process(group.pid);
    if (process && is_alive(group.pid, group.start_time) && is_ending(*process)) return true;
  }
  return false;
}

}  // namespace

Result<SweepReport> sweep(const std::string& state_directory, LivingSupervisor living) {
  SweepReport report;
  const Journal journal(state_directory);
  TRY(auto entries, journal.pending());
  for (const JournalEntry& entry : entries) {
    if (entry.kind != Kind::supervisor || !is_alive(entry.pid, entry.start_time)) continue;
    if (living == LivingSupervisor::leave) {
      report.supervisor_alive = true;
      return report;
    }
    if (!stop(entry)) {
      report.remaining.push_back("supervisor " + std::to_string(entry.pid) + ": does not end");
      return report;
    }
    report.removed.push_back("supervisor " + std::to_string(entry.pid));
  }
  // A supervisor that was stopped in good order has undone its part meanwhile.
  TRY(entries, journal.pending());
  if (entries.empty()) return report;
  for (const JournalEntry& entry : entries) undo(entry, report);
  if (report.remaining.empty()) TRY(journal.write(JournalEntry{Kind::done, "", 0, 0}));
  return report;
}

SweepReport sweep_abandoned() {
  SweepReport report;
  for (int waited = 0; waited < 2000 && any_supervisor_ending(); waited += 10) {
    const timespec pause{0, 10'000'000};
    ::nanosleep(&pause, nullptr);
  }
  for (const std::string& directory : abandoned_cgroups()) undo(JournalEntry{Kind::cgroup, directory, 0, 0}, report);
  return report;
}

Result<std::vector<std::string>> leftovers(const std::string& state_directory) {
  std::vector<std::string> found;
  TRY(const auto entries, Journal(state_directory).all());
  for (const JournalEntry& entry : entries) {
    if (entry.kind == Kind::supervisor && is_alive(entry.pid, entry.start_time)) found.push_back("supervisor " + std::to_string(entry.pid));
    if (entry.kind == Kind::cgroup && ::access(entry.text.c_str(), F_OK) == 0) found.push_back("cgroup " + entry.text);
    if (entry.kind == Kind::tag) {
      for (const HostProcess& process : descendants_and_tagged(-1, entry.text)) found.push_back(describe(process));
    }
  }
  return found;
}

}  // namespace skidpad::driver::process

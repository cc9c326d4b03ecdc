#include "harness/driver/process/process_table.hpp"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

namespace skidpad::driver::process {

namespace {

std::string process_path(std::int64_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

std::vector<std::int64_t> all_pids() {
  std::vector<std::int64_t> pids;
  DIR* directory = ::opendir("/proc");
  if (directory == nullptr) return pids;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') pids.push_back(std::atoll(entry->d_name));
  }
  ::closedir(directory);
  std::sort(pids.begin(), pids.end());
  return pids;
}

std::vector<std::string> split_at_zero(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

/// The inode of a process's pid namespace; 0 if it is gone.
std::uint64_t pid_namespace(std::int64_t pid) {
  struct stat status {};
  return ::stat(process_path(pid, "ns/pid").c_str(), &status) == 0 ? status.st_ino : 0;
}

bool has_tag(std::int64_t pid, const std::string& tag) {
  const auto environment = read_text(process_path(pid, "environ"));
  if (!environment) return false;
  const std::string wanted = std::string(tag_variable) + "=" + tag;
  for (const std::string& variable : split_at_zero(environment.value())) {
    if (tag.back() == '/' ? variable.rfind(wanted, 0) == 0 : variable == wanted) return true;
  }
  return false;
}

}  // namespace

std::optional<HostProcess> find_process(std::int64_t host_pid) {
  if (host_pid <= 0) return std::nullopt;
  const auto stat = read_text(process_path(host_pid, "stat"));
  if (!stat) return std::nullopt;
  // The command name in parentheses may itself hold spaces and parentheses.
  const std::size_t name_end = stat.value().rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  HostProcess process;
  process.host_pid = process.pid = host_pid;
  long long parent = 0;
  unsigned long long start_time = 0;
  const int read = std::sscanf(stat.value().c_str() + name_end + 1,
                               " %c %lld %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
                               &process.state, &parent, &start_time);
  if (read != 3) return std::nullopt;
  process.parent_host_pid = parent;
  process.start_time = start_time;
  if (const auto status = read_text(process_path(host_pid, "status"))) {
    const std::size_t line = status.value().find("\nNSpid:");
    if (line != std::string::npos) {
      const std::size_t end = status.value().find('\n', line + 1);
      const std::size_t last = status.value().find_last_of(" \t", end);
      process.pid = std::atoll(status.value().c_str() + last + 1);
    }
  }
  if (const auto argv = read_text(process_path(host_pid, "cmdline"))) process.argv = split_at_zero(argv.value());
  return process;
}

bool is_alive(std::int64_t host_pid, std::uint64_t start_time) {
  const auto process = find_process(host_pid);
  return process && process->start_time == start_time && process->state != 'Z' && process->state != 'X';
}

std::vector<HostProcess> processes_in_namespace_of(std::int64_t init_host_pid) {
  std::vector<HostProcess> processes;
  const std::uint64_t space = pid_namespace(init_host_pid);
  if (space == 0) return processes;
  for (const std::int64_t pid : all_pids()) {
    if (pid < init_host_pid && pid != init_host_pid && pid_namespace(pid) != space) continue;
    if (pid_namespace(pid) != space) continue;
    if (auto process = find_process(pid)) processes.push_back(std::move(*process));
  }
  return processes;
}

std::vector<HostProcess> descendants_and_tagged(std::int64_t ancestor_host_pid, const std::string& tag) {
  std::vector<HostProcess> all;
  for (const std::int64_t pid : all_pids()) {
    if (auto process = find_process(pid)) all.push_back(std::move(*process));
  }
  std::set<std::int64_t> chosen;
  for (const HostProcess& process : all) {
    if (process.host_pid != ::getpid() && !tag.empty() && has_tag(process.host_pid, tag)) chosen.insert(process.host_pid);
  }
  // A child's pid may be smaller than its parent's after the numbers wrapped: repeat until nothing is added.
  for (bool added = true; added;) {
    added = false;
    for (const HostProcess& process : all) {
      const bool child = process.parent_host_pid == ancestor_host_pid || chosen.count(process.parent_host_pid) != 0;
      if (child && process.host_pid != ::getpid() && chosen.insert(process.host_pid).second) added = true;
    }
  }
  std::erase_if(all, [&](const HostProcess& process) { return chosen.count(process.host_pid) == 0; });
  return all;
}

Result<void> send_signal(const HostProcess& process, int signal) {
  const FileDescriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, process.host_pid, 0)));
  if (!handle.open()) return system_error("process " + std::to_string(process.pid));
  // The handle is on some process with this pid: make sure that it is ours before anything is sent.
  const auto now = find_process(process.host_pid);
  if (!now || now->start_time != process.start_time) {
    return Error(ErrorCode::not_found, "process " + std::to_string(process.pid) + " has ended");
  }
  if (::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0) != 0) {
    return system_error("signal process " + std::to_string(process.pid));
  }
  return success();
}

bool kill_until_gone(const std::function<std::vector<HostProcess>()>& list, std::chrono::milliseconds time_max) {
  for (std::chrono::milliseconds waited{};; waited += std::chrono::milliseconds(2)) {
    bool left = false;
    for (const HostProcess& process : list()) {
      if (process.state == 'Z' || process.state == 'X') continue;
      left = true;
      (void)send_signal(process, SIGKILL);
    }
    if (!left) return true;
    if (waited >= time_max) return false;
    const timespec pause{0, 2'000'000};
    ::nanosleep(&pause, nullptr);
  }
}

}  // namespace skidpad::driver::process

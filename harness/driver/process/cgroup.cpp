#include "harness/driver/process/cgroup.hpp"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "harness/driver/process/process_table.hpp"

namespace skidpad::driver::process {

namespace {

constexpr std::string_view prefix = "skidpad-";

std::vector<std::string> directories_in(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return names;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") names.push_back(name);
  }
  ::closedir(directory);
  std::sort(names.begin(), names.end());
  return names;
}

bool can_make_groups(const std::string& base) {
  if (base.empty()) return false;
  const std::string probe = base + "/" + std::string(prefix) + "probe-" + std::to_string(::getpid());
  if (::mkdir(probe.c_str(), 0755) != 0) return false;
  return ::rmdir(probe.c_str()) == 0;
}

void pause_briefly() {
  const timespec pause{0, 1'000'000};
  ::nanosleep(&pause, nullptr);
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

CgroupLayout parse_cgroups(const std::string& mounts, const std::string& own_groups) {
  CgroupLayout layout;
  std::istringstream lines(mounts);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string device, path, type, options;
    fields >> device >> path >> type >> options;
    if (type == "cgroup2" && layout.unified.empty()) layout.unified = path;
    if (type == "cgroup" && ("," + options + ",").find(",freezer,") != std::string::npos) layout.freezer = path;
  }
  // v1 hierarchies may be confined: go below our own group there. In v2 a group with processes cannot pass controllers on,
  // so the root is the better place.
  std::istringstream groups(own_groups);
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers.find(",freezer,") != std::string::npos && path != "/") layout.freezer += path;
  }
  return layout;
}

CgroupLayout detect_cgroups() {
  const auto mounts = read_text("/proc/self/mounts");
  const auto own_groups = read_text("/proc/self/cgroup");
  if (!mounts || !own_groups) return CgroupLayout{};
  CgroupLayout layout = parse_cgroups(mounts.value(), own_groups.value());
  if (!can_make_groups(layout.unified)) layout.unified.clear();
  if (!can_make_groups(layout.freezer)) layout.freezer.clear();
  return layout;
}

Result<Cgroup> Cgroup::create(const CgroupLayout& layout, const std::string& path) {
  ASSERT(layout.any());
  Cgroup group;
  group.unified_ = !layout.unified.empty();
  group.directory_ = layout.base() + "/" + path;
  TRY(make_directories(group.directory_));
  return group;
}

Result<void> Cgroup::add(std::int64_t host_pid) const { return write_text(directory_ + "/cgroup.procs", std::to_string(host_pid)); }

Result<void> Cgroup::set_frozen(bool frozen) const {
  if (unified_) return write_text(directory_ + "/cgroup.freeze", frozen ? "1" : "0");
  return write_text(directory_ + "/freezer.state", frozen ? "FROZEN" : "THAWED");
}

Result<void> Cgroup::kill() const {
  if (unified_ && exists(directory_ + "/cgroup.kill")) return write_text(directory_ + "/cgroup.kill", "1");
  const auto members = read_text(directory_ + "/cgroup.procs");
  if (!members) return members.error();
  std::istringstream lines(members.value());
  for (std::int64_t pid = 0; lines >> pid;) {
    if (pid > 1 && pid != ::getpid()) ::kill(static_cast<pid_t>(pid), SIGKILL);
  }
  // v1 delivers even SIGKILL only to the thawed.
  if (!unified_) return set_frozen(false);
  return success();
}

Result<void> Cgroup::remove() const {
  if (directory_.empty() || !exists(directory_)) return success();
  Result<void> removed = success();
  for (const std::string& name : directories_in(directory_)) {
    Cgroup child = *this;
    child.directory_ = directory_ + "/" + name;
    if (auto done = child.remove(); !done && removed) removed = std::move(done);
  }
  for (int turn = 0; turn < 2000; ++turn) {
    if (::rmdir(directory_.c_str()) == 0 || errno == ENOENT) return removed;
    if (errno != EBUSY) return system_error("remove " + directory_);
    if (turn % 50 == 0) (void)kill();
    pause_briefly();
  }
  return Error(ErrorCode::io, "remove " + directory_ + ": its processes do not end");
}

std::string cgroup_name(const std::string& run) {
  const auto self = find_process(::getpid());
  ASSERT(self.has_value());
  return std::string(prefix) + run + "-" + std::to_string(::getpid()) + "-" + std::to_string(self->start_time);
}

Result<void> remove_cgroup_tree(const std::string& directory) {
  if (!exists(directory)) return success();
  // Only what Cgroup::create() may have made: a journal that was tampered with removes nothing else.
  if (directory.find("/" + std::string(prefix)) == std::string::npos) return Error(ErrorCode::invalid, directory + " is not one of ours");
  const std::size_t name_start = directory.find("/" + std::string(prefix));
  CgroupLayout layout;
  (exists(directory + "/freezer.state") ? layout.freezer : layout.unified) = directory.substr(0, name_start);
  TRY(auto group, Cgroup::create(layout, directory.substr(name_start + 1)));
  return group.remove();
}

std::vector<SupervisorCgroup> supervisor_cgroups() {
  std::vector<SupervisorCgroup> found;
  const auto mounts = read_text("/proc/self/mounts");
  const auto own_groups = read_text("/proc/self/cgroup");
  if (!mounts || !own_groups) return found;
  const CgroupLayout layout = parse_cgroups(mounts.value(), own_groups.value());
  for (const std::string& base : {layout.unified, layout.freezer}) {
    if (base.empty()) continue;
    for (const std::string& name : directories_in(base)) {
      if (name.rfind(prefix, 0) != 0) continue;
      const std::size_t last = name.rfind('-');
      const std::size_t before = name.rfind('-', last - 1);
      if (before == std::string::npos || before < prefix.size() - 1) continue;
      const std::int64_t pid = std::atoll(name.c_str() + before + 1);
      const auto start_time = static_cast<std::uint64_t>(std::atoll(name.c_str() + last + 1));
      if (pid > 0 && start_time > 0) found.push_back(SupervisorCgroup{base + "/" + name, pid, start_time});
    }
  }
  return found;
}

std::vector<std::string> abandoned_cgroups() {
  std::vector<std::string> found;
  for (const SupervisorCgroup& group : supervisor_cgroups()) {
    if (!is_alive(group.pid, group.start_time)) found.push_back(group.directory);
  }
  return found;
}

}  // namespace skidpad::driver::process

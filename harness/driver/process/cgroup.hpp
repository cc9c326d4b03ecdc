/// @file cgroup.hpp
/// One control group per machine, below one per supervisor, in whichever layout the host has: unified (v2), v1, or both (hybrid).
/// Used to pause a machine and to end everything in it. Names are "skidpad-<run>-<pid>-<start time>" with the supervisor's pid and
/// start time, so that a later sweep knows whose they were without any other record.
/// Promise: an empty directory is the most that can remain of a supervisor that was killed, and sweep_cgroups() removes it.
#pragma once

#include <string>
#include <vector>

#include "harness/driver/process/system_call.hpp"

namespace skidpad::driver::process {

/// Where groups can be made. Empty texts mean that there is no such hierarchy.
struct CgroupLayout {
  std::string unified;  ///< v2: cgroup.kill, cgroup.freeze
  std::string freezer;  ///< v1; used only where there is no unified hierarchy
  bool any() const { return !unified.empty() || !freezer.empty(); }
  /// The directory that new groups go into: unified before freezer.
  const std::string& base() const { return unified.empty() ? freezer : unified; }
};
/// Reads /proc/self/mounts and /proc/self/cgroup, and tries whether a group can be made.
CgroupLayout detect_cgroups();
/// For tests: from the texts of those two files, without trying.
CgroupLayout parse_cgroups(const std::string& mounts, const std::string& own_groups);

class Cgroup {
 public:
  Cgroup() = default;
  /// Makes the directory. `path` is relative to the layout's base.
  static Result<Cgroup> create(const CgroupLayout& layout, const std::string& path);
  Result<void> add(std::int64_t host_pid) const;
  Result<void> set_frozen(bool frozen) const;
  /// Ends every process in it, frozen ones too.
  Result<void> kill() const;
  /// Removes the directory and those below it; waits briefly for the last process to leave.
  Result<void> remove() const;
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
  bool unified_ = true;
};

/// "skidpad-<run>-<own pid>-<own start time>".
std::string cgroup_name(const std::string& run);
/// Kills what is in it and removes the directory and those below. Not there is fine.
Result<void> remove_cgroup_tree(const std::string& directory);
/// A group that some supervisor of this host made, and which one by pid and start time.
struct SupervisorCgroup {
  std::string directory;
  std::int64_t pid = 0;
  std::uint64_t start_time = 0;
};
/// In every known hierarchy.
std::vector<SupervisorCgroup> supervisor_cgroups();
/// Those whose supervisor is dead.
std::vector<std::string> abandoned_cgroups();

}  // namespace skidpad::driver::process

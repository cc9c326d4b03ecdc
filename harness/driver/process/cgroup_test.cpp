#include "harness/driver/process/cgroup.hpp"

#include <gtest/gtest.h>

#include "harness/driver/process/forwarder.hpp"

namespace skidpad::driver::process {
namespace {

constexpr const char* unified_mounts = "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";
constexpr const char* v1_mounts =
    "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
    "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
    "cgroup /sys/fs/cgroup/freezer cgroup rw,relatime,freezer 0 0\n";

TEST(CgroupLayout, PrefersTheUnifiedHierarchyAndItsRoot) {
  const CgroupLayout layout = parse_cgroups(unified_mounts, "0::/user.slice/session-1.scope\n");
  EXPECT_EQ(layout.base(), "/sys/fs/cgroup");
  EXPECT_TRUE(layout.freezer.empty());
}

TEST(CgroupLayout, StaysBelowItsOwnGroupInV1) {
  const CgroupLayout layout = parse_cgroups(v1_mounts, "6:freezer:/jail\n2:cpu,cpuacct:/other\n");
  EXPECT_TRUE(layout.unified.empty());
  EXPECT_EQ(layout.base(), "/sys/fs/cgroup/freezer/jail");
}

TEST(CgroupLayout, KnowsTheHybridForm) {
  const std::string hybrid = std::string(v1_mounts) + "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
  const CgroupLayout layout = parse_cgroups(hybrid, "6:freezer:/\n0::/\n");
  EXPECT_EQ(layout.base(), "/sys/fs/cgroup/unified");
  EXPECT_EQ(layout.freezer, "/sys/fs/cgroup/freezer");
}

TEST(CgroupLayout, IsEmptyWhereNothingIsMounted) { EXPECT_FALSE(parse_cgroups("proc /proc proc rw 0 0\n", "").any()); }

TEST(CgroupSweep, RefusesADirectoryThatIsNotOurs) {
  EXPECT_EQ(remove_cgroup_tree("/tmp").error().code, ErrorCode::invalid);
}

TEST(ForwardSpec, ReadsPortsAndTargets) {
  const auto spec = parse_forward("6443=10.240.1.1:6443,10.240.1.2:6444");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec.value().host_port, 6443);
  ASSERT_EQ(spec.value().targets.size(), 2U);
  EXPECT_EQ(spec.value().targets[1], (runtime::Endpoint{"10.240.1.2", 6444}));
}

TEST(ForwardSpec, RefusesWhatItCannotRead) {
  for (const char* text : {"", "6443", "6443=", "x=1.2.3.4:5", "70000=1.2.3.4:5", "1=host:5", "1=1.2.3.4", "1=1.2.3.4:0", "1=1.2.3.4:5,,"}) {
    EXPECT_FALSE(parse_forward(text)) << text;
  }
}

}  // namespace
}  // namespace skidpad::driver::process

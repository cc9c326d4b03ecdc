#include "harness/driver/process/capabilities.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "harness/driver/process/cgroup.hpp"
#include "harness/driver/process/network_device.hpp"

namespace skidpad::driver::process {

namespace {

/// Runs a try in a child, so that whatever it makes goes with it. The child's exit code is an errno.
template <class Try>
int in_child(Try attempt) {
  const pid_t pid = ::fork();
  if (pid < 0) return errno;
  if (pid == 0) ::_exit(attempt());
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

Capability try_namespaces() {
  Capability result{"namespaces", false, "", "", "machines share the host's network and process table"};
  const int number = in_child([] { return ::unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS) == 0 ? 0 : errno; });
  result.available = number == 0;
  result.reason = number == 0 ? "net, pid, mount and uts namespaces can be made" : std::string("unshare: ") + std::strerror(number);
  if (number == EPERM) {
    result.mend = ::geteuid() == 0 ? "give this container CAP_SYS_ADMIN" : "run as root (sudo)";
  } else if (number != 0) {
    result.mend = "use a kernel with CONFIG_NET_NS, CONFIG_PID_NS and CONFIG_UTS_NS";
  }
  return result;
}

Capability try_tap() {
  Capability result{"tap", false, "", "", "links cannot be cut, slowed or made lossy"};
  const int number = in_child([] {
    if (::unshare(CLONE_NEWNET) != 0) return errno;
    TapOptions options;
    options.address = "10.240.0.1";
    return open_tap(options) ? 0 : (errno != 0 ? errno : EIO);
  });
  result.available = number == 0;
  result.reason = number == 0 ? "TAP devices can be made" : std::string("/dev/net/tun: ") + std::strerror(number);
  if (number == ENOENT || number == ENODEV || number == ENXIO) {
    result.mend = "modprobe tun && mkdir -p /dev/net && mknod /dev/net/tun c 10 200";
  } else if (number != 0) {
    result.mend = ::geteuid() == 0 ? "give this container CAP_NET_ADMIN and the device /dev/net/tun" : "run as root (sudo)";
  }
  return result;
}

Capability try_cgroup() {
  Capability result{"cgroup", false, "", "", "machines cannot be paused as a whole"};
  const CgroupLayout layout = detect_cgroups();
  result.available = layout.any();
  if (layout.any()) {
    result.reason = (layout.unified.empty() ? "v1 freezer at " : "v2 at ") + layout.base();
  } else {
    result.reason = "no cgroup hierarchy lets us make a group";
    result.mend = ::geteuid() == 0 ? "mount -t cgroup2 none /sys/fs/cgroup" : "run as root (sudo)";
  }
  return result;
}

}  // namespace

bool Capabilities::has(std::string_view name) const {
  return std::any_of(all.begin(), all.end(), [name](const Capability& capability) { return capability.name == name && capability.available; });
}

Isolation Capabilities::best_isolation() const {
  return has("namespaces") && has("tap") ? Isolation::namespaces : Isolation::loopback;
}

std::vector<std::string> Capabilities::limits(Isolation isolation) const {
  std::vector<std::string> lines;
  if (isolation == Isolation::loopback) {
    lines = {"links cannot be cut, slowed or made lossy: machines share the loopback device",
             "machines see each other's processes and the host's",
             "a machine's name and /tmp are the host's",
             "machines cannot be paused as a whole",
             "127.0.0.1 is the same for all machines: one API balancer (127.0.0.1:7443) and one DNS serve them together, so a fault on "
             "either hits every machine, and clusters of several control-plane nodes do not come up",
             "cluster IPs cannot be added to the host's network: Services answer on node ports only"};
  } else if (!has("cgroup")) {
    lines = {"machines cannot be paused as a whole: no cgroup"};
  }
  return lines;
}

Capabilities detect() {
  Capabilities capabilities;
  capabilities.all.push_back(try_namespaces());
  capabilities.all.push_back(try_tap());
  capabilities.all.push_back(try_cgroup());
  return capabilities;
}

}  // namespace skidpad::driver::process

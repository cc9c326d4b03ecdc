#include "harness/driver/process/network_device.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstring>

namespace skidpad::driver::process {

namespace {

/// The kernel drops frames silently, before our counters see them, when the switch is this far behind (default: 500).
constexpr int queue_frames = 10000;

ifreq request_for(const std::string& device) {
  ifreq request{};
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

Result<FileDescriptor> control_socket() {
  FileDescriptor control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!control.open()) return system_error("socket");
  return control;
}

void put_address(ifreq& request, const char* text) {
  auto* address = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
  address->sin_family = AF_INET;
  ::inet_pton(AF_INET, text, &address->sin_addr);
}

Result<void> set_up(int control, const std::string& device) {
  ifreq request = request_for(device);
  if (::ioctl(control, SIOCGIFFLAGS, &request) != 0) return system_error("flags of " + device);
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
  if (::ioctl(control, SIOCSIFFLAGS, &request) != 0) return system_error("bring up " + device);
  return success();
}

}  // namespace

std::string MacAddress::text() const {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]);
  return text;
}

std::uint16_t port_number_of(const std::string& ipv4_address) {
  in_addr address{};
  const int read = ::inet_pton(AF_INET, ipv4_address.c_str(), &address);
  ASSERT(read == 1);
  return static_cast<std::uint16_t>(ntohl(address.s_addr) & 0xffff);
}

MacAddress mac_of(const std::string& ipv4_address) {
  const std::uint16_t port = port_number_of(ipv4_address);
  return MacAddress{{0x02, 0x53, 0x4b, 0x00, static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port & 0xff)}};
}

Result<FileDescriptor> open_tap(const TapOptions& options) {
  FileDescriptor tap(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!tap.open()) return system_error("open /dev/net/tun");
  ifreq request = request_for(options.device);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(tap.get(), TUNSETIFF, &request) != 0) return system_error("make TAP device " + options.device);
  // A kernel without these sends frames with checksums and of at most the MTU: slower, equally right.
  (void)::ioctl(tap.get(), TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4);

  TRY(auto control, control_socket());
  const MacAddress mac = mac_of(options.address);
  request = request_for(options.device);
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::memcpy(request.ifr_hwaddr.sa_data, mac.bytes, sizeof mac.bytes);
  if (::ioctl(control.get(), SIOCSIFHWADDR, &request) != 0) return system_error("set the MAC of " + options.device);
  request = request_for(options.device);
  request.ifr_mtu = options.mtu_bytes;
  if (::ioctl(control.get(), SIOCSIFMTU, &request) != 0) return system_error("set the MTU of " + options.device);
  request = request_for(options.device);
  request.ifr_qlen = queue_frames;
  if (::ioctl(control.get(), SIOCSIFTXQLEN, &request) != 0) return system_error("set the queue of " + options.device);
  request = request_for(options.device);
  put_address(request, options.address.c_str());
  if (::ioctl(control.get(), SIOCSIFADDR, &request) != 0) return system_error("set the address of " + options.device);
  request = request_for(options.device);
  put_address(request, "255.255.0.0");
  if (::ioctl(control.get(), SIOCSIFNETMASK, &request) != 0) return system_error("set the netmask of " + options.device);
  TRY(set_up(control.get(), options.device));
  return tap;
}

Result<void> bring_up_loopback() {
  TRY(auto control, control_socket());
  return set_up(control.get(), "lo");
}

void switch_off_ipv6() {
  // A kernel without IPv6 has no such files, and nothing to switch off.
  (void)write_text("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
  (void)write_text("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
}

Result<void> join_network_namespace(std::int64_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
  const FileDescriptor space(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!space.open()) return system_error("open " + path);
  if (::setns(space.get(), CLONE_NEWNET) != 0) return system_error("join " + path);
  return success();
}

}  // namespace skidpad::driver::process

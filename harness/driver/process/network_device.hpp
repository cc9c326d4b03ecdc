/// @file network_device.hpp
/// The network ends of a machine: its TAP device, addresses and loopback, made by ioctl in the calling thread's network namespace.
/// Promise: a TAP device vanishes with the last of its descriptors; nothing here outlives its process.
#pragma once

#include <cstdint>
#include <string>

#include "harness/driver/process/system_call.hpp"

namespace skidpad::driver::process {

/// The switch reads and writes frames behind this header (struct virtio_net_hdr), so that the kernel may hand over TCP
/// segments of up to 64 KiB without checksums, and pass them on unchanged.
inline constexpr std::size_t frame_header_bytes = 10;
inline constexpr std::size_t frame_bytes_max = frame_header_bytes + 14 + 4 + 65536;

/// 02:53:4b:00:<third byte>:<fourth byte> of the address: the switch needs no learning.
struct MacAddress {
  std::uint8_t bytes[6];
  std::string text() const;
};
MacAddress mac_of(const std::string& ipv4_address);
/// The two last bytes of an address: the machine's number on the switch.
std::uint16_t port_number_of(const std::string& ipv4_address);

struct TapOptions {
  std::string device = "eth0";
  std::string address;       ///< with /16
  int mtu_bytes = 1500;
};
/// Makes and configures a TAP device, non-blocking.
Result<FileDescriptor> open_tap(const TapOptions& options);
Result<void> bring_up_loopback();
/// No IPv6 in this namespace: its neighbour chatter would shift the draws of the links.
void switch_off_ipv6();
/// Enters the network namespace of another process: only the calling thread, and threads it starts afterwards.
Result<void> join_network_namespace(std::int64_t pid);

}  // namespace skidpad::driver::process

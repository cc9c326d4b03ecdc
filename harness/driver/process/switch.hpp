/// @file switch.hpp
/// The cluster's network: one Ethernet switch in user space, over the TAP devices of all machines.
/// Promise: a set of link changes takes effect between two frames, all at once; what happens to the frames of a link is decided
/// by its LinkStream alone; destroying the switch closes every TAP device it was given.
/// Limits: one thread, about 64 MiB of frames under way; machines are told apart by the MAC that mac_of() gives them, so a
/// machine that makes up another MAC is not heard.
#pragma once

#include <map>
#include <mutex>
#include <queue>
#include <thread>

#include "harness/client/machines/link_rule.hpp"
#include "harness/driver/process/link_stream.hpp"
#include "harness/driver/process/network_device.hpp"

namespace skidpad::driver::process {

using client::machines::LinkChange;
using client::machines::LinkStatus;

class Switch {
 public:
  /// Starts the thread, in the caller's network namespace (which it does not use).
  explicit Switch(std::uint64_t seed);
  ~Switch();
  Switch(const Switch&) = delete;

  /// Plugs a machine in. A name keeps its links' rules and counters while it is unplugged.
  void plug(const std::string& name, const std::string& address, FileDescriptor tap);
  /// Closes the machine's TAP device; frames under way to it are dropped.
  void unplug(const std::string& name);
  /// As unplug; the rules and counters of its links go too.
  void forget(const std::string& name);
  void change_links(const std::vector<LinkChange>& changes);
  void heal_all_links();
  std::vector<LinkStatus> links() const;

 private:
  struct Port {
    std::string name;
    std::uint16_t number = 0;
    FileDescriptor tap;
    std::map<std::size_t, LinkStream> links;  ///< by index of the receiving port
  };
  using Frame = std::vector<char>;
  struct UnderWay {
    Instant due;
    std::uint64_t sequence;
    std::size_t from;
    std::size_t to;
    std::shared_ptr<const Frame> frame;
    bool operator>(const UnderWay& other) const { return std::tie(due, sequence) > std::tie(other.due, other.sequence); }
  };

  void run();
  void read_port(std::size_t index);
  void forward(std::size_t from, std::span<const char> frame);
  void offer(std::size_t from, std::size_t to, std::span<const char> frame, std::shared_ptr<const Frame>& kept);
  void deliver_due(Instant now);
  bool write_frame(std::size_t to, std::span<const char> frame);
  LinkStream& stream(std::size_t from, std::size_t to);
  std::size_t port_index(const std::string& name);
  void unplug_port(std::size_t index);
  void wake();

  const std::uint64_t seed_;
  FileDescriptor epoll_;
  FileDescriptor wake_;
  mutable std::mutex mutex_;  ///< guards all below
  bool stopping_ = false;
  std::vector<Port> ports_;
  std::vector<std::int32_t> port_by_number_;  ///< 65536 entries, -1 = none
  std::priority_queue<UnderWay, std::vector<UnderWay>, std::greater<>> under_way_;
  std::uint64_t sequence_ = 0;
  std::size_t under_way_bytes_ = 0;
  std::vector<char> buffer_;
  std::thread thread_;
};

}  // namespace skidpad::driver::process

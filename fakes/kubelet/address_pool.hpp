/// @file address_pool.hpp
/// The addresses of this node's pods, from its pod CIDR.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "harness/runtime/result.hpp"

namespace skidpad::fakes::kubelet {

class AddressPool {
 public:
  AddressPool() {}
  /// "10.244.3.0/24". The first two and the last address are not given out. invalid on anything but an IPv4 block of /8 to /30.
  static runtime::Result<AddressPool> parse(const std::string& cidr);
  bool empty() const { return count_ == 0; }
  /// The next free one in turn, so that an address is not reused soon; none when all are taken.
  std::optional<std::string> take();
  /// Takes a given address; false if it is not of this pool or taken.
  bool take(const std::string& address);
  void give_back(const std::string& address);

 private:
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t next_ = 0;
  std::set<std::uint32_t> taken_;
};

}  // namespace skidpad::fakes::kubelet

#include "fakes/kubelet/address_pool.hpp"

#include <charconv>

#include "harness/runtime/network.hpp"

namespace skidpad::fakes::kubelet {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;

namespace {

std::uint32_t to_number(const std::string& address) {
  std::uint32_t number = 0;
  const char* position = address.data();
  const char* end = address.data() + address.size();
  for (int part = 0; part < 4 && position < end; ++part) {
    unsigned value = 0;
    position = std::from_chars(position, end, value).ptr + 1;
    number = number << 8 | value;
  }
  return number;
}

std::string to_address(std::uint32_t number) {
  return std::to_string(number >> 24) + "." + std::to_string(number >> 16 & 255) + "." + std::to_string(number >> 8 & 255) + "." + std::to_string(number & 255);
}

}  // namespace

Result<AddressPool> AddressPool::parse(const std::string& cidr) {
  const auto slash = cidr.find('/');
  unsigned bits = 0;
  const std::string address = cidr.substr(0, slash);
  if (slash == std::string::npos || !runtime::is_ipv4(address) ||
      std::from_chars(cidr.data() + slash + 1, cidr.data() + cidr.size(), bits).ptr != cidr.data() + cidr.size() || bits < 8 || bits > 29) {
    return Error(ErrorCode::invalid, "pod CIDR \"" + cidr + "\": expected an IPv4 block such as 10.244.1.0/24");
  }
  AddressPool pool;
  const std::uint32_t size = 1u << (32 - bits);
  pool.first_ = (to_number(address) & ~(size - 1)) + 2;
  pool.count_ = size - 3;
  return pool;
}

std::optional<std::string> AddressPool::take() {
  for (std::uint32_t tried = 0; tried < count_; ++tried) {
    const std::uint32_t candidate = first_ + next_;
    next_ = (next_ + 1) % count_;
    if (taken_.insert(candidate).second) return to_address(candidate);
  }
  return std::nullopt;
}

bool AddressPool::take(const std::string& address) {
  if (!runtime::is_ipv4(address)) return false;
  const std::uint32_t number = to_number(address);
  if (number < first_ || number >= first_ + count_) return false;
  if (!taken_.insert(number).second) return false;
  next_ = (number - first_ + 1) % count_;
  return true;
}

void AddressPool::give_back(const std::string& address) { taken_.erase(to_number(address)); }

}  // namespace skidpad::fakes::kubelet

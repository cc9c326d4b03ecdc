#include "harness/runtime/network.hpp"

namespace skidpad::runtime {
namespace {

/// Decimal digits only, at most `high`; -1 otherwise.
int small_number(std::string_view text, int high) {
  if (text.empty() || text.size() > 5) return -1;
  int value = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return -1;
    value = value * 10 + (digit - '0');
  }
  return value <= high ? value : -1;
}

}  // namespace

std::string to_text(const Endpoint& endpoint) { return endpoint.address + ":" + std::to_string(endpoint.port); }

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return Error(ErrorCode::invalid, "address " + std::string(text) + ": missing port in address");
  if (text.find(':', colon + 1) != std::string_view::npos) {
    return Error(ErrorCode::invalid, "address " + std::string(text) + ": too many colons in address");
  }
  const int port = small_number(text.substr(colon + 1), 65535);
  if (port < 0) return Error(ErrorCode::invalid, "address " + std::string(text) + ": invalid port");
  Endpoint endpoint;
  endpoint.address = text.substr(0, colon);
  endpoint.port = static_cast<std::uint16_t>(port);
  return endpoint;
}

bool is_ipv4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    const auto dot = text.find('.');
    if ((part < 3) != (dot != std::string_view::npos)) return false;
    const std::string_view octet = text.substr(0, dot);
    // "010" would be octal to some readers: refused, as Go refuses it.
    if (octet.size() > 3 || (octet.size() > 1 && octet.front() == '0') || small_number(octet, 255) < 0) return false;
    if (part < 3) text.remove_prefix(dot + 1);
  }
  return true;
}

}  // namespace skidpad::runtime

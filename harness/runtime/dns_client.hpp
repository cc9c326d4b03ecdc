/// @file dns_client.hpp
/// Looks up IPv4 addresses over DNS (RFC 1035), as a stub resolver with a search list does. The same in both worlds.
/// Not offered: TCP fallback, caching, IPv6.
#pragma once

#include "harness/runtime/runtime.hpp"

namespace skidpad::runtime {

struct DnsConfiguration {
  std::vector<std::string> nameservers;  ///< addresses, asked in turn
  std::vector<std::string> search;       ///< domains tried for names with fewer than ndots dots
  int ndots = 5;                         ///< as Kubernetes sets it in pods
  std::uint16_t port = 53;
  Duration timeout = std::chrono::seconds(2);  ///< for each question
};

/// At least one address. Errors: not_found (no such host), timeout (no server answered).
Task<Result<std::vector<std::string>>> resolve_by_dns(Runtime& runtime, DnsConfiguration configuration, std::string host);

/// Names in the order a resolver tries them.
std::vector<std::string> dns_candidates(const DnsConfiguration& configuration, const std::string& host);

/// A question for A records. `name` without the final dot.
std::string dns_question(std::uint16_t id, const std::string& name);
/// Addresses in an answer to that question. not_found on NXDOMAIN or no A record; corrupt on anything malformed or foreign.
Result<std::vector<std::string>> dns_addresses(std::uint16_t id, std::string_view answer);

}  // namespace skidpad::runtime

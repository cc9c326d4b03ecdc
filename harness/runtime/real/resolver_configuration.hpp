/// @file resolver_configuration.hpp
/// Reads the texts of /etc/resolv.conf and /etc/hosts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/runtime/dns_client.hpp"

namespace skidpad::runtime {

/// As resolv.conf(5): lines it does not know are skipped, the local machine is asked if no nameserver is named.
DnsConfiguration parse_resolver_configuration(std::string_view text);
/// IPv4 addresses of a name in a hosts(5) text, in its order; empty if it has none.
std::vector<std::string> find_in_hosts(std::string_view text, std::string_view host);

}  // namespace skidpad::runtime

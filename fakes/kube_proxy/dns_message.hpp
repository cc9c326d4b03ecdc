/// @file dns_message.hpp
/// DNS messages (RFC 1035, EDNS of RFC 6891) as far as a name server for a cluster needs them. Pure.
/// Promise: anything may arrive; what is no question is refused, nothing is read beyond the message, no loop is followed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace skidpad::fakes::kube_proxy {

enum class DnsType : std::uint16_t { a = 1, cname = 5, soa = 6, ptr = 12, txt = 16, aaaa = 28, srv = 33, any = 255 };
enum class DnsCode : std::uint8_t { no_error = 0, format_error = 1, server_failure = 2, no_such_name = 3, not_implemented = 4 };

struct DnsQuestion {
  std::uint16_t id = 0;
  bool recursion_desired = false;
  std::string name;               ///< lower case, without the final dot
  std::string name_as_sent;       ///< the same in the sender's case
  std::uint16_t type = 1;
  std::uint16_t answer_bytes_max = 512;
  bool edns = false;
};

struct DnsRecord {
  std::string name;
  DnsType type = DnsType::a;
  std::string target;             ///< A: dotted quad; CNAME and SRV: name
  std::uint16_t port = 0;         ///< SRV
};

struct DnsAnswer {
  DnsCode code = DnsCode::no_error;
  std::vector<DnsRecord> records;
  std::vector<DnsRecord> additional;
};

/// None if it is no query with exactly one question in class IN. `id` and `code` tell what to answer then, if at all.
std::optional<DnsQuestion> read_question(std::string_view message, std::uint16_t& id, DnsCode& code);
/// An authoritative answer. What does not fit answer_bytes_max is left out and marked as truncated.
/// @param zone  named in the SOA record of negative answers
std::string write_answer(const DnsQuestion& question, const DnsAnswer& answer, const std::string& zone, std::uint32_t ttl_seconds);
/// An answer without a question, to a message that could not be read.
std::string write_failure(std::uint16_t id, DnsCode code);

}  // namespace skidpad::fakes::kube_proxy

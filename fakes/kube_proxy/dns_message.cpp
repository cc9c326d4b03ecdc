#include "fakes/kube_proxy/dns_message.hpp"

#include <algorithm>
#include <cctype>

#include "harness/runtime/assert.hpp"

namespace skidpad::fakes::kube_proxy {
namespace {

constexpr std::size_t header_bytes = 12;
constexpr std::uint16_t class_in = 1;
constexpr std::uint16_t type_opt = 41;
constexpr std::uint16_t edns_bytes_max = 1232;

std::uint16_t read_16(std::string_view message, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(message[at]) << 8 | static_cast<unsigned char>(message[at + 1]));
}

void write_16(std::string& message, unsigned value) {
  message += static_cast<char>(value >> 8 & 255);
  message += static_cast<char>(value & 255);
}

void write_32(std::string& message, std::uint32_t value) {
  write_16(message, value >> 16);
  write_16(message, value & 65535);
}

/// A name at `at`, which moves behind it. Compressed names do not occur in questions and are refused.
bool read_name(std::string_view message, std::size_t& at, std::string& name) {
  while (at < message.size()) {
    const auto length = static_cast<unsigned char>(message[at++]);
    if (length == 0) return name.size() <= 253;
    if (length > 63 || at + length > message.size()) return false;
    if (!name.empty()) name += '.';
    name += message.substr(at, length);
    at += length;
  }
  return false;
}

void write_name(std::string& message, std::string_view name) {
  while (!name.empty()) {
    const auto dot = std::min(name.find('.'), name.size());
    const auto length = std::min<std::size_t>(dot, 63);
    message += static_cast<char>(length);
    message += name.substr(0, length);
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  message += '\0';
}

std::string record_data(const DnsRecord& record) {
  std::string data;
  switch (record.type) {
    case DnsType::a: {
      std::size_t begin = 0;
      for (int part = 0; part < 4; ++part) {
        const auto dot = std::min(record.target.find('.', begin), record.target.size());
        data += static_cast<char>(std::stoi(record.target.substr(begin, dot - begin)));
        begin = dot + 1;
      }
      break;
    }
    case DnsType::srv:
      write_16(data, 0);    // priority
      write_16(data, 100);  // weight
      write_16(data, record.port);
      write_name(data, record.target);
      break;
    default: write_name(data, record.target); break;
  }
  return data;
}

std::string encode(const DnsRecord& record, std::uint32_t ttl_seconds) {
  std::string bytes;
  write_name(bytes, record.name);
  write_16(bytes, static_cast<std::uint16_t>(record.type));
  write_16(bytes, class_in);
  write_32(bytes, ttl_seconds);
  const std::string data = record_data(record);
  write_16(bytes, static_cast<unsigned>(data.size()));
  return bytes + data;
}

std::string encode_soa(const std::string& zone, std::uint32_t ttl_seconds) {
  std::string data;
  write_name(data, "ns.dns." + zone);
  write_name(data, "hostmaster." + zone);
  write_32(data, 1);  // serial
  for (const std::uint32_t time : {7200u, 1800u, 86400u, ttl_seconds}) write_32(data, time);
  std::string bytes;
  write_name(bytes, zone);
  write_16(bytes, static_cast<std::uint16_t>(DnsType::soa));
  write_16(bytes, class_in);
  write_32(bytes, ttl_seconds);
  write_16(bytes, static_cast<unsigned>(data.size()));
  return bytes + data;
}

}  // namespace

std::optional<DnsQuestion> read_question(std::string_view message, std::uint16_t& id, DnsCode& code) {
  code = DnsCode::format_error;
  id = 0;
  if (message.size() < header_bytes) return std::nullopt;
  id = read_16(message, 0);
  const std::uint16_t flags = read_16(message, 2);
  const bool is_response = (flags & 0x8000) != 0;
  const unsigned operation = flags >> 11 & 15;
  if (is_response || operation != 0) {
    code = DnsCode::not_implemented;
    return std::nullopt;
  }
  if (read_16(message, 4) != 1) return std::nullopt;
  DnsQuestion question;
  question.id = id;
  question.recursion_desired = (flags & 0x0100) != 0;
  std::size_t at = header_bytes;
  if (!read_name(message, at, question.name_as_sent) || at + 4 > message.size()) return std::nullopt;
  question.type = read_16(message, at);
  const std::uint16_t kind = read_16(message, at + 2);
  at += 4;
  if (kind != class_in && kind != 255) {
    code = DnsCode::not_implemented;
    return std::nullopt;
  }
  question.name = question.name_as_sent;
  for (char& c : question.name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  // An OPT record directly behind the question; resolvers put it nowhere else.
  const bool only_additional = read_16(message, 6) == 0 && read_16(message, 8) == 0 && read_16(message, 10) > 0;
  if (only_additional && at + 11 <= message.size() && message[at] == '\0' && read_16(message, at + 1) == type_opt) {
    question.edns = true;
    question.answer_bytes_max = std::clamp<std::uint16_t>(read_16(message, at + 3), 512, edns_bytes_max);
  }
  code = DnsCode::no_error;
  return question;
}

std::string write_answer(const DnsQuestion& question, const DnsAnswer& answer, const std::string& zone, std::uint32_t ttl_seconds) {
  std::string body;
  write_name(body, question.name_as_sent);
  write_16(body, question.type);
  write_16(body, class_in);
  std::string opt;
  if (question.edns) {
    opt += '\0';
    write_16(opt, type_opt);
    write_16(opt, edns_bytes_max);
    write_32(opt, 0);
    write_16(opt, 0);
  }
  const std::size_t bytes_max = question.answer_bytes_max - header_bytes - opt.size();
  bool truncated = false;
  unsigned answers = 0;
  unsigned authorities = 0;
  unsigned additional = 0;
  for (const DnsRecord& record : answer.records) {
    const std::string bytes = encode(record, ttl_seconds);
    if (body.size() + bytes.size() > bytes_max) {
      truncated = true;
      break;
    }
    body += bytes;
    ++answers;
  }
  if (answer.records.empty() && (answer.code == DnsCode::no_error || answer.code == DnsCode::no_such_name)) {
    const std::string bytes = encode_soa(zone, ttl_seconds);
    if (body.size() + bytes.size() <= bytes_max) {
      body += bytes;
      ++authorities;
    }
  }
  for (const DnsRecord& record : answer.additional) {
    const std::string bytes = encode(record, ttl_seconds);
    if (truncated || body.size() + bytes.size() > bytes_max) break;
    body += bytes;
    ++additional;
  }
  body += opt;
  if (!opt.empty()) ++additional;
  std::string message;
  write_16(message, question.id);
  unsigned flags = 0x8400 | static_cast<unsigned>(answer.code);  // response, authoritative
  if (truncated) flags |= 0x0200;
  if (question.recursion_desired) flags |= 0x0100;
  write_16(message, flags);
  for (const unsigned count : {1u, answers, authorities, additional}) write_16(message, count);
  message += body;
  ASSERT(message.size() <= question.answer_bytes_max);
  return message;
}

std::string write_failure(std::uint16_t id, DnsCode code) {
  std::string message;
  write_16(message, id);
  write_16(message, 0x8000 | static_cast<unsigned>(code));
  for (int i = 0; i < 4; ++i) write_16(message, 0);
  return message;
}

}  // namespace skidpad::fakes::kube_proxy

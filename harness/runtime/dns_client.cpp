#include "harness/runtime/dns_client.hpp"

namespace skidpad::runtime {
namespace {

constexpr std::size_t header_bytes = 12;

unsigned read_16(std::string_view message, std::size_t at) {
  return static_cast<unsigned char>(message[at]) << 8 | static_cast<unsigned char>(message[at + 1]);
}

void write_16(std::string& message, unsigned value) {
  message += static_cast<char>(value >> 8);
  message += static_cast<char>(value & 255);
}

/// Position behind a name, or npos if it runs over the end.
std::size_t skip_name(std::string_view message, std::size_t at) {
  while (at < message.size()) {
    const auto length = static_cast<unsigned char>(message[at]);
    if (length == 0) return at + 1;
    if ((length & 0xc0) == 0xc0) return at + 2;
    at += length + 1U;
  }
  return std::string_view::npos;
}

Error malformed() { return Error(ErrorCode::corrupt, "malformed DNS answer"); }

Task<Result<std::vector<std::string>>> ask(Runtime& runtime, Endpoint server, std::string name, Duration timeout) {
  auto opened = runtime.network().open_datagram(Endpoint());
  if (!opened) co_return opened.error();
  const auto socket = std::move(opened.value());
  const auto id = static_cast<std::uint16_t>(runtime.random().next());
  auto sent = socket->send_to(server, dns_question(id, name));
  if (!sent) co_return sent.error();
  const Instant due = runtime.now() + timeout;
  for (;;) {
    auto receiving = socket->receive();
    auto received = co_await with_deadline<Datagram>(runtime, due, std::move(receiving), "lookup " + name + " on " + to_text(server));
    if (!received) co_return received.error();
    auto addresses = dns_addresses(id, received.value().bytes);
    if (!addresses && addresses.error().code == ErrorCode::corrupt) continue;  // a stray or forged answer: wait on
    co_return addresses;
  }
}

}  // namespace

std::vector<std::string> dns_candidates(const DnsConfiguration& configuration, const std::string& host) {
  if (host.ends_with('.')) return {host.substr(0, host.size() - 1)};
  std::vector<std::string> names;
  const bool absolute_first = std::count(host.begin(), host.end(), '.') >= configuration.ndots;
  if (absolute_first) names.push_back(host);
  for (const std::string& domain : configuration.search) names.push_back(host + "." + domain);
  if (!absolute_first) names.push_back(host);
  return names;
}

std::string dns_question(std::uint16_t id, const std::string& name) {
  std::string message;
  write_16(message, id);
  write_16(message, 0x0100);  // recursion desired
  write_16(message, 1);
  message.append(6, '\0');
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::size_t length = std::min<std::size_t>(end - begin, 63);
    message += static_cast<char>(length);
    message.append(name, begin, length);
    begin = end + 1;
  }
  message += '\0';
  write_16(message, 1);  // A
  write_16(message, 1);  // IN
  return message;
}

Result<std::vector<std::string>> dns_addresses(std::uint16_t id, std::string_view answer) {
  if (answer.size() < header_bytes || read_16(answer, 0) != id || (answer[2] & 0x80) == 0) return malformed();
  const unsigned code = answer[3] & 15;
  if (code != 0) return Error(code == 3 ? ErrorCode::not_found : ErrorCode::unavailable, "no such host");
  std::size_t at = header_bytes;
  for (unsigned left = read_16(answer, 4); left > 0; --left) {
    at = skip_name(answer, at);
    if (at == std::string_view::npos) return malformed();
    at += 4;
  }
  std::vector<std::string> addresses;
  for (unsigned left = read_16(answer, 6); left > 0; --left) {
    at = skip_name(answer, at);
    if (at == std::string_view::npos || at + 10 > answer.size()) return malformed();
    const unsigned type = read_16(answer, at);
    const unsigned length = read_16(answer, at + 8);
    at += 10;
    if (at + length > answer.size()) return malformed();
    if (type == 1 && length == 4) {
      std::string text;
      for (int octet = 0; octet < 4; ++octet) text += (octet ? "." : "") + std::to_string(static_cast<unsigned char>(answer[at + octet]));
      addresses.push_back(text);
    }
    at += length;
  }
  if (addresses.empty()) return Error(ErrorCode::not_found, "no such host");
  return addresses;
}

Task<Result<std::vector<std::string>>> resolve_by_dns(Runtime& runtime, DnsConfiguration configuration, std::string host) {
  Error last(ErrorCode::not_found, "no nameserver");
  for (const std::string& name : dns_candidates(configuration, host)) {
    for (const std::string& nameserver : configuration.nameservers) {
      Endpoint server{nameserver, configuration.port};
      auto addresses = co_await ask(runtime, std::move(server), name, configuration.timeout);
      if (addresses) co_return addresses;
      last = addresses.error();
      if (last.code == ErrorCode::not_found) break;
    }
  }
  co_return Error(last.code, "lookup " + host + ": " + last.message);
}

}  // namespace skidpad::runtime

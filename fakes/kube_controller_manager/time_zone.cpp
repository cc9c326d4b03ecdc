#include "fakes/kube_controller_manager/time_zone.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

using runtime::Error;
using runtime::ErrorCode;

constexpr std::size_t header_bytes = 44;
constexpr std::size_t type_bytes = 6;
constexpr std::size_t file_bytes_max = 1 << 20;
constexpr const char* folder = "/usr/share/zoneinfo/";

std::int64_t number_at(std::string_view bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = (static_cast<unsigned char>(bytes[at]) & 0x80) != 0 ? ~std::uint64_t{0} : 0;  // big-endian, signed
  for (std::size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return static_cast<std::int64_t>(value);
}

/// "Etc/GMT+3" is three hours behind UTC.
std::optional<std::int64_t> fixed_offset(const std::string& name) {
  for (const char* utc : {"UTC", "Etc/UTC", "GMT", "Etc/GMT", "Etc/UCT", "Etc/Zulu", "Zulu", "Universal", "Etc/Universal", "UCT"}) {
    if (name == utc) return 0;
  }
  const std::string prefix = "Etc/GMT";
  if (name.compare(0, prefix.size(), prefix) != 0 || name.size() < prefix.size() + 2 || name.size() > prefix.size() + 3) return std::nullopt;
  const char sign = name[prefix.size()];
  const std::string hours = name.substr(prefix.size() + 1);
  if ((sign != '+' && sign != '-') || hours.find_first_not_of("0123456789") != std::string::npos || std::stoi(hours) > 14) return std::nullopt;
  return (sign == '+' ? -3600 : 3600) * std::int64_t{std::stoi(hours)};
}

}  // namespace

runtime::Result<TimeZone> TimeZone::load(runtime::Disk& disk, const std::string& name) {
  TimeZone zone;
  if (name.empty()) return zone;
  if (const auto fixed = fixed_offset(name)) {
    zone.first_offset_ = *fixed;
    return zone;
  }
  const Error unknown(ErrorCode::not_found, "unknown time zone " + name);
  if (name.find("..") != std::string::npos || name[0] == '/') return unknown;
  const auto bytes = disk.read(folder + name, file_bytes_max);
  if (!bytes) return unknown;
  auto parsed = parse(bytes.value());
  if (!parsed) return unknown;
  return parsed;
}

runtime::Result<TimeZone> TimeZone::parse(std::string_view bytes) {
  const Error broken(ErrorCode::invalid, "malformed time zone information");
  const auto counts_at = [&](std::size_t header, std::size_t which) { return static_cast<std::size_t>(number_at(bytes, header + 20 + which * 4, 4)); };
  if (bytes.size() < header_bytes || bytes.substr(0, 4) != "TZif" || bytes[4] < '2') return broken;
  // The first block has 32-bit times and is passed over: is-UT, is-standard, leap seconds, times, types, letters.
  const std::size_t times_before = counts_at(0, 3);
  const std::size_t second = header_bytes + times_before * 5 + counts_at(0, 4) * type_bytes + counts_at(0, 5) + counts_at(0, 2) * 8 + counts_at(0, 1) + counts_at(0, 0);
  if (second + header_bytes > bytes.size() || bytes.substr(second, 4) != "TZif") return broken;
  const std::size_t times = counts_at(second, 3);
  const std::size_t types = counts_at(second, 4);
  const std::size_t start = second + header_bytes;
  const std::size_t type_start = start + times * 9;
  if (types == 0 || times > bytes.size() || type_start + types * type_bytes > bytes.size()) return broken;
  TimeZone zone;
  zone.first_offset_ = number_at(bytes, type_start, 4);
  for (std::size_t i = 0; i < times; ++i) {
    const std::size_t type = static_cast<unsigned char>(bytes[start + times * 8 + i]);
    if (type >= types) return broken;
    zone.transitions_.push_back({number_at(bytes, start + i * 8, 8), number_at(bytes, type_start + type * type_bytes, 4)});
  }
  return zone;
}

std::chrono::seconds TimeZone::offset_at(runtime::WallTime time) const {
  const std::int64_t wanted = std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  const auto after = std::upper_bound(transitions_.begin(), transitions_.end(), wanted, [](std::int64_t at, const Transition& transition) { return at < transition.at; });
  return std::chrono::seconds(after == transitions_.begin() ? first_offset_ : std::prev(after)->offset);
}

}  // namespace skidpad::fakes::kube_controller_manager

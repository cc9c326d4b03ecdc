#include "controllers/etcd_operator/snapshot_file.hpp"

#include <charconv>

namespace skidpad::controllers::etcd_operator {

std::string BackupName::text() const { return prefix + "_v" + std::to_string(revision) + "_" + time + ".db"; }

bool BackupName::parse(std::string_view name, std::string_view prefix, BackupName& parsed) {
  if (!name.starts_with(prefix) || !name.ends_with(".db")) return false;
  const std::string_view rest = name.substr(prefix.size(), name.size() - prefix.size() - 3);
  if (!rest.starts_with("_v")) return false;
  const std::size_t bar = rest.find('_', 2);
  if (bar == std::string_view::npos || rest.size() != bar + 17) return false;
  const auto [end, error] = std::from_chars(rest.data() + 2, rest.data() + bar, parsed.revision);
  if (error != std::errc{} || end != rest.data() + bar || parsed.revision <= 0) return false;
  parsed.prefix = prefix;
  parsed.time = rest.substr(bar + 1);
  return true;
}

}  // namespace skidpad::controllers::etcd_operator

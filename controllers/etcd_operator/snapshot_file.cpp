#include "controllers/etcd_operator/snapshot_file.hpp"

#include <charconv>

#include "harness/runtime/sha256.hpp"

namespace skidpad::controllers::etcd_operator {

using runtime::Error;
using runtime::ErrorCode;

runtime::Result<void> check_snapshot(std::string_view bytes) {
  constexpr std::size_t hash_bytes = 32, page_bytes = 512;
  if (bytes.size() <= hash_bytes || bytes.size() % page_bytes != hash_bytes)
    return Error(ErrorCode::corrupt, "no etcd snapshot: " + std::to_string(bytes.size()) + " bytes are not whole pages and a hash");
  const std::string_view body = bytes.substr(0, bytes.size() - hash_bytes);
  if (runtime::bytes_of(runtime::sha256(body)) != bytes.substr(body.size())) return Error(ErrorCode::corrupt, "no whole etcd snapshot: its hash does not match");
  return runtime::success();
}

runtime::Result<void> check_snapshot(std::string_view bytes, std::string_view sha256_hex) {
  TRY(check_snapshot(bytes));
  if (!sha256_hex.empty() && runtime::to_hex(runtime::sha256(bytes)) != sha256_hex) return Error(ErrorCode::corrupt, "another snapshot than the one that was recorded");
  return runtime::success();
}

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
